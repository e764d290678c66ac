"""Base class of docks."""

from collections.abc import Callable
from typing import ClassVar

from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QSizePolicy, QVBoxLayout, QWidget

from napari_i3d.plugin.jobs.workers import Workers
from napari_i3d.plugin.session.connections import Connections
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.widgets.dock_placement import dock_of, expect_below, place, share_height
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.scroll_area import DockScrollArea


class Dock(QWidget):
    """A widget whose connections and jobs end when its dock is closed or it is destroyed.

    napari removes the widget of a closed dock from its parent; the widget gets no close event.

    Parameters
    ----------
    session
        The viewer's session.

    Attributes
    ----------
    NAME
        Name of the dock in the manifest; its first word is the title of the tab.
    OVER_TIME
        Whether its x axis is time; such a dock is placed below the canvas.
    links
        Connections of the dock.
    workers
        Jobs of the dock.
    """

    NAME: ClassVar[str]
    OVER_TIME: ClassVar[bool] = False

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.links = Connections()
        self.workers = Workers()
        self._video_links = Connections()
        self._slots: dict[str, Callable[[], None]] = {}
        self._docked = self._placed = False
        if self.OVER_TIME:
            expect_below(self.NAME)
        # Not methods of self, which Qt would disconnect before it destroys the widget.
        for end in (self.links.close, self._video_links.close, self.workers.end):
            self.destroyed.connect(end)

    def set_content(self, content: QWidget) -> QVBoxLayout:
        """Fill the dock with a widget that scrolls; return the layout, for what is always seen above or below it."""
        # Its full height would push the window off the screen.
        area = DockScrollArea(content)
        outer = fill(QVBoxLayout(self), area, grow=area)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        return outer

    def follow_active(self, changed: Callable[[], None], **slots: Callable[[], None]) -> None:
        """Call `changed` now and when another video becomes active; connect slots to the active one's signals."""
        self._slots = slots
        self.links.connect(self._session.active_changed, self._follow)
        self.links.connect(self._session.active_changed, changed)
        self._follow()
        changed()

    def _follow(self) -> None:
        self._video_links.close()
        if self._session.active is not None:
            for signal, slot in self._slots.items():
                self._video_links.connect(getattr(self._session.active, signal), slot)

    def close_warning(self) -> str:
        """Return what closing the viewer now would lose; empty if nothing."""
        return ""

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
        dock.setWindowTitle(self.NAME.split()[0])  # the name of the plugin would fill the tab
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
        """End all connections and jobs: the dock was closed."""
        self.links.close()
        self._video_links.close()
        self.workers.end()


def _placed_in(window: QMainWindow) -> dict[QDockWidget, Dock]:
    docks = {dock: dock.widget() for dock in window.findChildren(QDockWidget) if not dock.isFloating()}
    return {dock: widget for dock, widget in docks.items() if isinstance(widget, Dock) and widget._placed}
