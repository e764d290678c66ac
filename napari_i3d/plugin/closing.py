"""Question before a viewer is closed while something is computed or saved."""

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QMainWindow, QMessageBox

from napari_i3d.plugin.widgets.dock import Dock


class ClosingQuestion(QObject):
    """Asks when the user closes the window and a dock has something to lose.

    `Viewer.close` of a script removes all layers first, which ends the work, so that nothing is asked.

    Parameters
    ----------
    window
        The window of the viewer.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._answered = False
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Keep the window open if the user wants to."""
        if event is None or event.type() != QEvent.Type.Close or watched is not self._window() or self._answered:
            return False
        lines = [line for dock in self._window().findChildren(Dock) if (line := dock.close_warning())]
        if not lines:
            return False
        if self._may_close(lines):
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

    def _may_close(self, lines: list[str]) -> bool:
        box = QMessageBox(self._window())
        box.setIcon(QMessageBox.Icon.Warning)
        box.setWindowTitle("Close while something is running?")
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText("\n\n".join(lines))
        close = box.addButton("Stop and close", QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton("Keep it running", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)
        box.exec()
        # The work may have finished meanwhile: the answer holds nevertheless.
        return box.clickedButton() is close
