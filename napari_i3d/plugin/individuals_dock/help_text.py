"""Help text of the Individuals dock."""

from napari_i3d.plugin.keys import ACTIONS

_MOUSE = (
    ("click on a box", "selects its individual (of several boxes the smallest)"),
    ("double click on a row", "goes to its first frame"),
    ("click on a tick box", "of a selected row: for all rows selected"),
    ("space", "extract the rows selected, or not"),
    ("right click on rows", "more"),
)


def help_text() -> str:
    """Return keys and mouse as a table in rich text."""
    rows = [(action.key, action.text) for action in ACTIONS if action.key] + list(_MOUSE)
    cells = "".join(f"<tr><td><b>{what}</b>&nbsp;&nbsp;</td><td>{does}</td></tr>" for what, does in rows)
    return f"<table>{cells}</table>"
