"""The status line, when another frame is shown with what it says."""

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    import napari

_LATER_MS = 200


def show_status(viewer: "napari.Viewer", text: str) -> None:
    """Show a text in the status line, also if another frame was shown just before.

    If the pointer is over the image, napari writes there what lies under it, from a thread, some milliseconds after
    the frame has changed; the text is shown once more after that.
    """
    viewer.status = text
    timer = QTimer(viewer.window._qt_window)  # ends with the window
    timer.setSingleShot(True)

    def show_again() -> None:
        timer.deleteLater()
        if not isinstance(viewer.status, str):  # what napari writes is a dictionary
            viewer.status = text

    timer.timeout.connect(show_again)
    timer.start(_LATER_MS)
