"""What to do about a result that is there already."""

from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox, QWidget


class Reply(Enum):
    """What the user wants."""

    PLOT = auto()
    REPLACE = auto()
    CANCEL = auto()


def ask_existing(parent: QWidget, paths: Sequence[Path], difference: str, can_plot: bool) -> Reply:
    """Ask what to do about a result.

    Parameters
    ----------
    parent
        The dock.
    paths
        Its files.
    difference
        How it differs from what is wanted; "" if it does not.
    can_plot
        Whether it can be read instead of being made again.
    """
    name, folder = paths[0].name, paths[0].parent
    exists = f"{name} exists" if len(paths) == 1 else f"{name} and {len(paths) - 1} more of the files exist"
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Replace features?")
    box.setTextFormat(Qt.TextFormat.PlainText)
    if difference:
        box.setText(f"{exists} in {folder}, made {difference}.")
    else:
        box.setText(f"{exists} in {folder}. As far as can be told, nothing would change: the features are up to date.")
    buttons = {}
    if can_plot and not difference:
        buttons[box.addButton("Plot it", QMessageBox.ButtonRole.ActionRole)] = Reply.PLOT
    buttons[box.addButton("Replace", QMessageBox.ButtonRole.AcceptRole)] = Reply.REPLACE
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.exec()
    clicked = box.clickedButton()
    return next((reply for button, reply in buttons.items() if button is clicked), Reply.CANCEL)
