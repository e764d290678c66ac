"""The time line as a control: mouse, wheel and keys become signals; it changes no data itself."""

from psygnal import Signal
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QWidget

from napari_i3d.plugin.timeline import drags
from napari_i3d.plugin.timeline.geometry import Area, LaneHit, hit_bout
from napari_i3d.plugin.timeline.hover import Hover, describe, describe_length, read_out
from napari_i3d.plugin.timeline.lane_layout import Strip
from napari_i3d.plugin.timeline.lanes import LaneBout, LaneKind
from napari_i3d.plugin.timeline.overlay import overview_thumb
from napari_i3d.plugin.timeline.painter import ARROW_ROOM_PX
from napari_i3d.plugin.timeline.timeline_view import TimelineView

_WHEEL_ZOOM = 1.25
_WHEEL_PAN_PX, _WHEEL_SCROLL_PX = 90, 24
_AROUND = 0.4
"""Share of a bout's length that is shown at each side of it."""
_NOTCH = 120
_NOT_LABELLED = (LaneKind.CLUSTERS, LaneKind.SELECTED)
"""In such a lane the mouse moves the playhead."""


class TimelineCanvas(TimelineView):
    """A time line in which bouts are selected and their edges dragged, and spans marked.

    Wheel: zoom at the pointer; with Shift, or sideways: pan; over the heads: scroll. Middle button: pan. Double click:
    zoom to a bout, or to the whole video. Dragging with Alt does not snap, with Shift marks a span over bouts too.

    Attributes
    ----------
    frame_requested
        Signal (frame): show it.
    individual_clicked
        Signal (id).
    bout_selected
        Signal (bout or None): the user selected it.
    edge_drag_started, edge_moved, edge_released
        Signals (bout, ``"start"`` or ``"stop"``), then with the frame of the edge: start, or the one after the last.
        The bout is the one from before the drag. Once the data holds the new bout, it is selected.
    edge_drag_canceled
        Signal (bout): nothing is to be changed.
    span_marked
        Signal (id, start, stop, name of the behavior of the row or None).
    lane_menu_requested
        Signal (`LaneHit`, place on the screen).
    readout_changed
        Signal (text): frame, time, individual and behavior under the pointer; empty if it is elsewhere.
    """

    frame_requested = Signal(int)
    individual_clicked = Signal(object)
    bout_selected = Signal(object)
    edge_drag_started = Signal(object, str)
    edge_moved = Signal(object, str, int)
    edge_released = Signal(object, str, int)
    edge_drag_canceled = Signal(object)
    span_marked = Signal(object, int, int, object)
    lane_menu_requested = Signal(object, QPoint)
    readout_changed = Signal(str)

    def __init__(self, theme: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._drag: drags.Drag | None = None
        self._readout = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Time line")
        self.setAccessibleDescription("Lanes of behavior for each individual; the arrow keys step through frames.")

    def frame_at(self, x: float) -> int:
        """Return the frame at a place in logical pixels; may lie outside the video."""
        return self.scale.frame_at(self.parts.column_at(x))

    def hit(self, x: float, y: float) -> LaneHit | None:
        """Return what lies at a place; None outside the lanes."""
        strip = self._strip_at(y)
        if self.parts.area_at(x, y) is not Area.LANES or strip is None:
            return None
        inside = y - self.parts.ruler_px + self.scroll_px - strip.top
        bout = hit_bout(strip, self.scale, self.parts.column_at(x), inside, self.parts.ratio)
        behavior = bout.behavior if bout is not None else None
        if strip.style is not None:
            behavior = strip.lane.styles[strip.style].name
        return LaneHit(strip.group.individual, strip.lane.kind, behavior, self.frame_at(x), bout)

    def request_frame(self, frame: int) -> None:
        """Ask for a frame of the video: the nearest one that there is."""
        self.frame_requested.emit(min(max(frame, 0), self.scale.n_frames - 1))

    def select(self, bout: LaneBout | None) -> None:
        """Select a bout as the user does."""
        if bout != self.selected:
            self.selected = bout
            self.bout_selected.emit(self.selected)

    def tell_length(self, x: float, y: float, start: int, stop: int, frame: int) -> None:
        """Show the length of what is dragged beside the mouse, and a frame of it in the ruler."""
        self._move(hover=Hover(x, y, frame, (describe_length(self._view(), start, stop),)))

    def zoom(self, factor: float, x: float | None = None) -> None:
        """Zoom in (factor above 1) or out; what is at `x`, else the playhead or the middle, stays where it is."""
        column = self.parts.n_columns / 2 if x is None else self.parts.column_at(x)
        if x is None and self.frame is not None and self.scale.start <= self.frame < self.scale.stop:
            column = self.scale.column_of(self.frame)
        self.scale = self.scale.zoomed(factor, int(min(max(column, 0), self.parts.n_columns)))

    def zoom_to(self, bout: LaneBout) -> None:
        """Show a bout with some frames around it."""
        around = _AROUND * (bout.stop - bout.start)
        self.limits = (bout.start - around, bout.stop + around)

    def scroll_towards(self, x: float) -> None:
        """Move the view if the mouse drags beyond it."""
        lanes = self.parts.lanes
        beyond = min(x - lanes.left(), 0) + max(x - lanes.right(), 0)
        if beyond:
            self.scale = self.scale.moved(beyond * self.parts.ratio / 3)

    def _is_dragging(self) -> bool:
        return self._drag is not None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Begin a drag, or do what a click does."""
        if event is None:
            return
        place = event.position()
        if event.button() == Qt.MouseButton.MiddleButton:
            self._drag = drags.Pan(self, place.x(), place.y())
        elif event.button() == Qt.MouseButton.LeftButton:
            self._drag = self._drag_at(place, event.modifiers())
        self._set_cursor(place)
        self._hover(None)

    def _drag_at(self, place: QPointF, modifiers: Qt.KeyboardModifier) -> drags.Drag | None:
        x, y = place.x(), place.y()
        area = self.parts.area_at(x, y)
        if area is Area.RULER:
            return drags.Scrub(self, x)
        if area is Area.OVERVIEW and x >= self.parts.head_px:
            thumb = overview_thumb(self._view())
            return drags.PanOverview(self, x, (thumb.left(), thumb.right()))
        if area is Area.HEADS:
            self._click_head(x, y, modifiers)
        if area is not Area.LANES:
            return None
        strip = self._strip_at(y)
        hit = self.hit(x, y)
        if strip is None or hit is None:
            return None
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            return drags.MarkSpan(self, strip, x)
        if strip.lane.kind in _NOT_LABELLED:
            self.individual_clicked.emit(hit.individual)
            self.select(hit.bout)
            return drags.Scrub(self, x)
        edge = drags.edge_at(self, strip, x)
        if edge is not None:
            self.individual_clicked.emit(hit.individual)
            drags.see(self, edge[0], hit.frame)
            return drags.DragEdge(self, strip, *edge, x)
        if hit.bout is None:
            return drags.MarkSpan(self, strip, x)
        self.individual_clicked.emit(hit.individual)
        drags.see(self, hit.bout, hit.frame)
        self.select(hit.bout)
        return None

    def _strip_at(self, y: float) -> Strip | None:
        return self._layout.strip_at(y - self.parts.ruler_px + self.scroll_px)

    def _click_head(self, x: float, y: float, modifiers: Qt.KeyboardModifier) -> None:
        row = self._layout.row_at(y - self.parts.ruler_px + self.scroll_px)
        if row is None:
            return
        individual = row.group.individual
        if x >= ARROW_ROOM_PX or row.style is not None:
            self.individual_clicked.emit(individual)
            return
        everyone = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        chosen = [group.individual for group in self.data.groups] if everyone else [individual]
        (self.fold if self.is_unfolded(individual) else self.unfold)(chosen)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Drag, or say what lies under the pointer."""
        if event is None:
            return
        place = event.position()
        if self._drag is not None:
            snap = not event.modifiers() & Qt.KeyboardModifier.AltModifier
            self._drag.move(place.x(), place.y(), snap=snap)
        else:
            self._set_cursor(place)
            self._hover(place)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """End a drag."""
        drag, self._drag = self._drag, None
        if drag is not None:
            drag.release()
        if event is not None:
            self._set_cursor(event.position())
            self._hover(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Zoom to a bout, or to the whole video; fold or unfold an individual."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        x, y = event.position().x(), event.position().y()
        if self.parts.area_at(x, y) is Area.HEADS:
            self._click_head(0, y, event.modifiers())
            return
        hit = self.hit(x, y)
        if hit is not None and hit.bout is not None:
            self.zoom_to(hit.bout)
        else:
            self.fit()

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802
        """Zoom at the pointer, pan or scroll."""
        if event is None:
            return
        event.accept()
        across, along = event.angleDelta().x() / _NOTCH, event.angleDelta().y() / _NOTCH
        place = event.position()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            across, along = across or along, 0
        if abs(across) > abs(along):
            self.scale = self.scale.moved(-across * _WHEEL_PAN_PX * self.parts.ratio)
        elif self.parts.area_at(place.x(), place.y()) is Area.HEADS:
            self.scroll_px = round(self.scroll_px - along * _WHEEL_SCROLL_PX)
        elif along:
            self.zoom(_WHEEL_ZOOM**along, place.x())
        self._hover(place)

    def event(self, event: QEvent | None) -> bool:
        """Zoom by pinching too."""
        if event is not None and event.type() == QEvent.Type.NativeGesture:
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:  # type: ignore[attr-defined]
                self.zoom(max(1 + event.value(), 0.2), event.position().x())  # type: ignore[attr-defined]
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Give up a drag with Escape; zoom with Ctrl and +, - or 0. All other keys are napari's."""
        if event is None:
            return
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if event.key() == Qt.Key.Key_Escape and self._drag is not None:
            drag, self._drag = self._drag, None
            drag.cancel()
            self._hover(None)
        elif control and event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(_WHEEL_ZOOM**2)
        elif control and event.key() == Qt.Key.Key_Minus:
            self.zoom(_WHEEL_ZOOM**-2)
        elif control and event.key() == Qt.Key.Key_0:
            self.fit()
        else:
            event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:  # noqa: N802
        """Select the bout under the pointer, and ask for a menu."""
        if event is None:
            return
        hit = self.hit(event.pos().x(), event.pos().y())
        if hit is not None:
            if hit.bout is not None:
                self.select(hit.bout)
            self.lane_menu_requested.emit(hit, event.globalPos())

    def leaveEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Say nothing more."""
        super().leaveEvent(event)
        self._hover(None)

    def _set_cursor(self, place: QPointF) -> None:
        shape = Qt.CursorShape.ArrowCursor
        if isinstance(self._drag, drags.Pan):
            shape = Qt.CursorShape.ClosedHandCursor
        elif isinstance(self._drag, drags.DragEdge):
            shape = Qt.CursorShape.SizeHorCursor
        elif self._drag is None and self.parts.area_at(place.x(), place.y()) is Area.LANES:
            strip = self._strip_at(place.y())
            if strip is not None and drags.edge_at(self, strip, place.x()) is not None:
                shape = Qt.CursorShape.SizeHorCursor
        self.setCursor(shape)

    def _hover(self, place: QPointF | None) -> None:
        hover, readout = None, ""
        area = None if place is None else self.parts.area_at(place.x(), place.y())
        if place is not None and area in (Area.RULER, Area.LANES):
            frame = self.frame_at(place.x())
            if 0 <= frame < self.scale.n_frames:
                hit = self.hit(place.x(), place.y())
                group = None if hit is None else self.data.group(hit.individual)
                view = self._view()
                lines = () if hit is None or group is None else describe(view, group, hit)
                hover = Hover(place.x(), place.y(), frame, lines)
                readout = read_out(view, group, hit, frame)
        self._move(hover=hover)
        if readout != self._readout:
            self._readout = readout
            self.readout_changed.emit(readout)
