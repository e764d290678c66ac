"""Base class of docks, and connections to signals that outlive a dock."""

from collections.abc import Callable
from typing import Any, ClassVar

from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from napari_i3d.plugin.widgets.dock_placement import dock_of, expect_below, place, share_height


class Connections:
    """Connections between signals (of psygnal, napari or Qt) and slots, disconnected together."""

    def __init__(self) -> None:
        self._pairs: list[tuple[Any, Callable[..., Any]]] = []

    def connect(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect a signal to a slot."""
        signal.connect(slot)
        self._pairs.append((signal, slot))

    def close(self) -> None:
        """Disconnect all; may be called again."""
        while self._pairs:
            signal, slot = self._pairs.pop()
            signal.disconnect(slot)


class Dock(QWidget):
    """A widget whose `links` end when its dock is closed or it is destroyed.

    napari removes the widget of a closed dock from its parent; the widget gets no close event.

    Attributes
    ----------
    NAME
        Name of the dock in the manifest.
    TAB
        Title of its tab.
    OVER_TIME
        Whether its x axis is time; such a dock is placed below the canvas.
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
        """Place the dock beside the others; only once, so that the user can move it."""
        found = dock_of(self)
        if self._placed or found is None:
            return
        self._placed = True
        dock, window = found
        dock.setWindowTitle(self.TAB)  # the name of the plugin would fill the tab
        place(dock, window, _placed_in(window))
        if self.OVER_TIME:
            QTimer.singleShot(0, self._take_height)  # Qt has not split the area yet

    def _take_height(self) -> None:
        found = dock_of(self)
        if found is not None:
            _, window = found
            below = Qt.DockWidgetArea.BottomDockWidgetArea
            ours = _placed_in(window).items()
            share_height(window, [d for d, w in ours if w.OVER_TIME and window.dockWidgetArea(d) == below])

    def closed(self) -> None:
        """End all connections: the dock was closed."""
        self.links.close()


def _placed_in(window: QMainWindow) -> dict[QDockWidget, Dock]:
    docks = {dock: dock.widget() for dock in window.findChildren(QDockWidget) if not dock.isFloating()}
    return {dock: widget for dock, widget in docks.items() if isinstance(widget, Dock) and widget._placed}
