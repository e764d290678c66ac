"""Connections of a dock to signals that outlive it: made together, undone together."""

from collections.abc import Callable
from typing import Any, ClassVar

from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from napari_i3d.plugin.widgets.dock_placement import dock_of, expect_below, place, share_height


class Connections:
    """Connections between signals (of psygnal, napari or Qt) and slots."""

    def __init__(self) -> None:
        self._pairs: list[tuple[Any, Callable[..., Any]]] = []

    def connect(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect, and remember it."""
        signal.connect(slot)
        self._pairs.append((signal, slot))

    def close(self) -> None:
        """Undo all connections; to do it again is no error."""
        while self._pairs:
            signal, slot = self._pairs.pop()
            signal.disconnect(slot)


class Dock(QWidget):
    """A widget whose `links` end when its dock is closed or it is destroyed.

    napari takes the widget of a closed dock out of its parent and forgets it; it gets no close event.

    Attributes
    ----------
    NAME
        Of the dock, as in the manifest.
    TAB
        What its tab says.
    OVER_TIME
        Whether its x axis is time: it lies below the canvas.
    """

    NAME: ClassVar[str]
    TAB: ClassVar[str]
    OVER_TIME: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.links = Connections()
        self._docked = self._placed = False
        if self.OVER_TIME:
            expect_below(self.NAME)
        # Not a method of self, which Qt would disconnect before it destroys the widget.
        self.destroyed.connect(self.links.close)

    def event(self, event: QEvent | None) -> bool:
        """Notice when napari closes the dock."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self._docked and self.parent() is None:
                self.closed()
            self._docked = self.parent() is not None
            if self._docked and not self._placed:
                QTimer.singleShot(0, self.take_place)  # napari is in the middle of adding the dock
        return bool(super().event(event))

    def take_place(self) -> None:
        """Go where the dock belongs, beside the others; only once, so that the user can move it."""
        found = dock_of(self)
        if self._placed or found is None:
            return
        self._placed = True
        dock, window = found
        dock.setWindowTitle(self.TAB)  # the name of the plugin would fill the tab
        place(dock, window, _placed_in(window))
        if self.OVER_TIME:
            QTimer.singleShot(0, self._take_height)  # Qt has not split the place of the docks yet

    def _take_height(self) -> None:
        found = dock_of(self)
        if found is not None:
            _, window = found
            below = Qt.DockWidgetArea.BottomDockWidgetArea
            ours = _placed_in(window).items()
            share_height(window, [d for d, w in ours if w.OVER_TIME and window.dockWidgetArea(d) == below])

    def closed(self) -> None:
        """End all connections: the dock was closed for good."""
        self.links.close()


def _placed_in(window: QMainWindow) -> dict[QDockWidget, Dock]:
    docks = {dock: dock.widget() for dock in window.findChildren(QDockWidget) if not dock.isFloating()}
    return {dock: widget for dock, widget in docks.items() if isinstance(widget, Dock) and widget._placed}
