"""Help text of the Individuals dock."""

from napari_i3d.plugin.keys import ACTIONS

_MOUSE = (
    ("click on a box", "selects its individual (of several boxes the smallest)"),
    ("double click on a row", "goes to its first frame"),
    ("click on a tick box", "of a selected row: for all rows selected"),
    ("space", "extract the rows selected, or not"),
    ("right click on rows or on a box", "corrections of the individual, and more"),
    ("F2", "rename the individual selected"),
)


def help_text() -> str:
    """Return keys and mouse as a table in rich text."""
    rows = [(", ".join(action.keys), action.text) for action in ACTIONS if action.keys] + list(_MOUSE)
    cells = "".join(f"<tr><td><b>{what}</b>&nbsp;&nbsp;</td><td>{does}</td></tr>" for what, does in rows)
    return f"<table>{cells}</table>"
