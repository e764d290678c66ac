"""Widgets of napari that need not be drawn during a drag in the canvas."""

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

if TYPE_CHECKING:
    from napari.viewer import Viewer

_LATER_MS = 100


class HeldWidgets:
    """The list of layers and the status bar, which napari draws again after every movement of the mouse in a drag.

    Because they are drawn after the canvas, Qt then puts the whole window together a second time, which takes a
    quarter of the time of a drag with software OpenGL.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: "Viewer") -> None:
        window = viewer.window
        self._later = QTimer(window._qt_window)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._draw)
        self._widgets: tuple[QWidget, ...] = (window._qt_viewer.layers, window._qt_window.statusBar())

    def hold(self) -> None:
        """Stop drawing them."""
        self._later.stop()
        for widget in self._widgets:
            widget.setUpdatesEnabled(False)

    def draw(self) -> None:
        """Draw them again, after what else the end of the drag changes."""
        if not all(widget.updatesEnabled() for widget in self._widgets):
            self._later.start(_LATER_MS)

    def _draw(self) -> None:
        for widget in self._widgets:
            widget.setUpdatesEnabled(True)
