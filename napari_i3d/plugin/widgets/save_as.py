"""Saving of figures and tables under a name that the user chooses."""

from collections.abc import Callable
from pathlib import Path

from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.messages import dock_text

FIGURE = "Image (*.png);;Vector graphics (*.svg);;PDF (*.pdf)"
TABLE = "Table (*.csv)"


def save_as(parent: QWidget, title: str, name: str, kinds: str, write: Callable[[Path], None]) -> None:
    """Ask for the name of a file, write it, and say so, or why not.

    Parameters
    ----------
    parent
        The dock or window.
    title
        Title of the dialog.
    name
        The name that it begins with.
    kinds
        `FIGURE` or `TABLE`; the ending of the chosen kind is added to a name without one.
    write
        Writes the file.
    """
    chosen, kind = QFileDialog.getSaveFileName(parent, title, name, kinds)
    if not chosen:
        return
    path = Path(chosen)
    if not path.suffix:
        kind = kind if "." in kind else kinds.split(";;")[0]
        path = path.with_name(path.name + kind[kind.rindex(".") : -1])
    try:
        write(path)
    except NapariI3DError as error:
        show_error(dock_text(error))
    else:
        show_info(f"Saved {path}.")
