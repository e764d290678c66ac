"""Dialogs shared by docks."""

from collections.abc import Iterable
from pathlib import Path

import napari
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QMessageBox,
    QWidget,
)

FIGURE_FILTER = "Image (*.png);;Vector graphics (*.svg);;PDF (*.pdf)"


def may_replace(parent: QWidget, paths: Iterable[Path]) -> bool:
    """Ask before existing files are replaced; return True if they may be, or none exists."""
    existing = [path for path in paths if path.exists()]
    if not existing:
        return True
    name, folder = existing[0].name, existing[0].parent
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Replace features?")
    box.setTextFormat(Qt.TextFormat.PlainText)
    if len(existing) == 1:
        box.setText(f"{name} exists in {folder}.")
    else:
        box.setText(f"{name} and {len(existing) - 1} more of the files exist in {folder}.")
    replace = box.addButton("Replace", QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.exec()
    return box.clickedButton() is replace


def figure_path(chosen: str, chosen_filter: str) -> Path:
    """Return the path chosen in a dialog with `FIGURE_FILTER`, with the extension of the filter if it has none."""
    path = Path(chosen)
    if path.suffix:
        return path
    kind = chosen_filter[chosen_filter.rindex(".") : -1] if "." in chosen_filter else ".png"
    return path.with_name(path.name + kind)


def open_dock(viewer: "napari.Viewer", name: str) -> None:
    """Open a dock of the plugin; leave it where it is if it is open."""
    viewer.window.add_plugin_dock_widget("napari-i3d", name)
