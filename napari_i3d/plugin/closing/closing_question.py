"""Question before a viewer is closed while something is computed or not saved."""

from collections.abc import Callable
from enum import Enum, auto

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QMainWindow, QMessageBox

from napari_i3d.plugin.widgets.dock import Dock


class Answer(Enum):
    """Answer to the question."""

    SAVE = auto()
    DISCARD = auto()
    STAY = auto()


class ClosingQuestion(QObject):
    """Asks when the user closes the window and there is something to lose.

    `Viewer.close` of a script removes all layers first, which ends the work and keeps what is unsaved for recovery, so
    that nothing is asked.

    Parameters
    ----------
    window
        The window of the viewer.
    unsaved
        Returns a line for each thing that is not saved.
    save
        Saves all of them; returns whether it did.
    discard
        Gives all of them up.
    """

    def __init__(
        self,
        window: QMainWindow,
        unsaved: Callable[[], list[str]],
        save: Callable[[], bool],
        discard: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._answered = False
        self._unsaved, self._save, self._discard = unsaved, save, discard
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Keep the window open if the user wants to."""
        if event is None or event.type() != QEvent.Type.Close or watched is not self._window() or self._answered:
            return False
        running = [line for dock in self._window().findChildren(Dock) if (line := dock.close_warning())]
        unsaved = self._unsaved()
        if not running and not unsaved:
            return False
        if self._may_close(running, unsaved):
            # Again, as a program does it: napari has a question of its own about work for a user who closes.
            self._answered = True
            QTimer.singleShot(0, self._close)
        event.ignore()
        return True

    def _window(self) -> QMainWindow:
        # Not an attribute, which would keep the window, and with it the viewer.
        window: QMainWindow = self.parent()  # type: ignore[assignment]
        return window

    def _close(self) -> None:
        QMainWindow.close(self._window())

    def _may_close(self, running: list[str], unsaved: list[str]) -> bool:
        # What is asked about may have ended meanwhile: the answer holds nevertheless.
        answer = self._ask(running, unsaved)
        if answer is Answer.STAY or (answer is Answer.SAVE and not self._save()):
            return False
        if answer is Answer.DISCARD and unsaved:
            self._discard()
        return True

    def _ask(self, running: list[str], unsaved: list[str]) -> Answer:
        box = QMessageBox(self._window())
        box.setIcon(QMessageBox.Icon.Warning)
        box.setWindowTitle("Close while something is running?" if running else "Save before closing?")
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText("\n\n".join([*unsaved, *running]))
        stop = " and stop" if running else ""
        buttons = {}
        if unsaved:
            save = box.addButton(f"Save{stop}", QMessageBox.ButtonRole.AcceptRole)
            buttons[save] = Answer.SAVE
            buttons[box.addButton(f"Discard{stop}", QMessageBox.ButtonRole.DestructiveRole)] = Answer.DISCARD
            stay = box.addButton(QMessageBox.StandardButton.Cancel)
            box.setDefaultButton(save)
        else:
            buttons[box.addButton("Stop and close", QMessageBox.ButtonRole.DestructiveRole)] = Answer.DISCARD
            stay = box.addButton("Keep it running", QMessageBox.ButtonRole.RejectRole)
            box.setDefaultButton(stay)
        box.setEscapeButton(stay)
        box.exec()
        clicked = box.clickedButton()
        return next((answer for button, answer in buttons.items() if button is clicked), Answer.STAY)
