"""Help text of the Individuals dock."""

from html import escape

from napari_i3d.plugin.keyboard.bindings import KeyBindings

_MOUSE = (
    ("click on a box", "selects its individual (of several boxes the smallest)"),
    ("double click on a row", "goes to its first frame"),
    ("click on a tick box", "of a selected row: for all rows selected"),
    ("space", "extract the rows selected, or not"),
    ("right click on rows or on a box", "corrections of the individual, and more"),
    ("F2", "rename the individual selected"),
)


def help_text(keys: KeyBindings) -> str:
    """Return keys, by their groups, and mouse as a table in rich text."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for action in keys.actions:
        if key := keys.shown_keys(action.name):
            groups.setdefault(action.group, []).append((key, action.text))
    groups["Mouse"] = list(_MOUSE)
    return f"<table>{''.join(_rows(group, lines) for group, lines in groups.items())}</table>"


def _rows(group: str, lines: list[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><td><b>{escape(what)}</b>&nbsp;&nbsp;</td><td>{escape(does)}</td></tr>" for what, does in lines
    )
    return f"<tr><td colspan='2'><i>{escape(group)}</i></td></tr>{cells}"
