"""Dialogs shared by docks."""

from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

import napari
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox, QWidget


class Reply(Enum):
    """Reply to a question about existing files."""

    PLOT = auto()
    REPLACE = auto()
    CANCEL = auto()


def ask_replace(
    parent: QWidget,
    paths: Sequence[Path],
    about: str = "",
    can_plot: bool = False,
    title: str = "Replace features?",
) -> Reply:
    """Ask what to do about existing files.

    Parameters
    ----------
    parent
        The dock.
    paths
        The files.
    about
        What the user should know about them; empty: nothing.
    can_plot
        Whether they can be plotted instead.
    title
        Title of the window.
    """
    name, folder = paths[0].name, paths[0].parent
    exists = f"{name} exists" if len(paths) == 1 else f"{name} and {len(paths) - 1} more of the files exist"
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle(title)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(f"{exists} in {folder}{about}.")
    buttons = {}
    if can_plot:
        buttons[box.addButton("Plot it", QMessageBox.ButtonRole.ActionRole)] = Reply.PLOT
    buttons[box.addButton("Replace", QMessageBox.ButtonRole.AcceptRole)] = Reply.REPLACE
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.exec()
    clicked = box.clickedButton()
    return next((reply for button, reply in buttons.items() if button is clicked), Reply.CANCEL)


def open_dock(viewer: "napari.Viewer", name: str) -> None:
    """Open a dock of the plugin; leave it where it is if it is open."""
    viewer.window.add_plugin_dock_widget("napari-i3d", name)
