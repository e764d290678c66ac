"""What a pressed mouse button does until it is released."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from napari_i3d.plugin.timeline.lane_layout import Strip
from napari_i3d.plugin.timeline.lanes import LaneBout, LaneKind, MarkedSpan
from napari_i3d.plugin.timeline.overlay import EDITED, HANDLE_PX, handle_places

if TYPE_CHECKING:
    from napari_i3d.plugin.timeline.timeline_canvas import TimelineCanvas

Edge = Literal["start", "stop"]
"""Which edge of a bout."""

SNAP_PX = 7
"""How near an edge comes to a place before it jumps there."""
_EDGE_PX = 4
_GRABBED_PX = 12
"""Width from which a bout that is not selected has edges that can be dragged."""
_START_PX = 3
"""How far the mouse moves before a click becomes a drag."""


class Drag(Protocol):
    """Something that the mouse drags."""

    def move(self, x: float, y: float, *, snap: bool) -> None:
        """Handle the mouse at a place, in logical pixels of the widget."""

    def release(self) -> None:
        """Handle the end."""

    def cancel(self) -> None:
        """Undo what was done."""


class Scrub:
    """Moves the playhead, from the ruler."""

    def __init__(self, canvas: "TimelineCanvas", x: float) -> None:
        self._canvas = canvas
        canvas.request_frame(canvas.frame_at(x))

    def move(self, x: float, y: float, *, snap: bool) -> None:  # noqa: ARG002
        """Show the frame under the mouse."""
        self._canvas.scroll_towards(x)
        self._canvas.request_frame(self._canvas.frame_at(x))

    def release(self) -> None:
        """Nothing is left to do."""

    def cancel(self) -> None:
        """Keep the frame."""


class Pan:
    """Moves the view, and the rows if not all are seen."""

    def __init__(self, canvas: "TimelineCanvas", x: float, y: float) -> None:
        self._canvas, self._x, self._y = canvas, x, y
        self._scale, self._scroll = canvas.scale, canvas.scroll_px

    def move(self, x: float, y: float, *, snap: bool) -> None:  # noqa: ARG002
        """Keep under the mouse what was there."""
        self._canvas.scale = self._scale.moved((self._x - x) * self._canvas.parts.ratio)
        self._canvas.scroll_px = round(self._scroll + self._y - y)

    def release(self) -> None:
        """Nothing is left to do."""

    def cancel(self) -> None:
        """Go back."""
        self._canvas.scale, self._canvas.scroll_px = self._scale, self._scroll


class PanOverview:
    """Moves the view by the overview."""

    def __init__(self, canvas: "TimelineCanvas", x: float, thumb: tuple[float, float]) -> None:
        self._canvas = canvas
        inside = thumb[0] <= x <= thumb[1]
        self._offset = canvas.scale.start - self._place(x) if inside else -(canvas.scale.stop - canvas.scale.start) / 2
        self.move(x, 0, snap=False)

    def _place(self, x: float) -> float:
        bar = self._canvas.parts.overview
        return (x - bar.left()) / bar.width() * self._canvas.scale.n_frames

    def move(self, x: float, y: float, *, snap: bool) -> None:  # noqa: ARG002
        """Move the frames in view."""
        scale = self._canvas.scale
        self._canvas.scale = scale.moved((self._place(x) + self._offset - scale.start) / scale.frames_per_column)

    def release(self) -> None:
        """Nothing is left to do."""

    def cancel(self) -> None:
        """Keep the view."""


class MarkSpan:
    """Marks frames of an individual, from an empty place of a lane; a click goes to the frame instead."""

    def __init__(self, canvas: "TimelineCanvas", strip: Strip, x: float) -> None:
        self._canvas, self._strip, self._x = canvas, strip, x
        self._anchor = canvas.frame_at(x)
        self._before = canvas.span
        self._moved = False

    def move(self, x: float, y: float, *, snap: bool) -> None:
        """Mark the frames up to the mouse."""
        canvas = self._canvas
        self._moved |= abs(x - self._x) > _START_PX
        if not self._moved:
            return
        canvas.scroll_towards(x)
        frame = min(max(canvas.frame_at(x), 0), canvas.scale.n_frames - 1)
        places = edge_places(canvas, self._strip, None) if snap else ()
        if frame >= self._anchor:
            start, stop = self._anchor, max(snap_to(frame + 1, places, canvas), self._anchor + 1)
        else:
            start, stop = min(snap_to(frame, places, canvas), self._anchor), self._anchor + 1
        canvas.tell_length(x, y, start, stop, stop - 1 if frame >= self._anchor else start)
        style = self._strip.style
        behavior = None if style is None else self._strip.lane.styles[style].name
        canvas.span = MarkedSpan(self._strip.group.individual, start, stop, behavior)

    def release(self) -> None:
        """Tell what was marked, or go to the frame."""
        canvas = self._canvas
        individual = self._strip.group.individual
        if self._moved and canvas.span is not None:
            span = canvas.span
            canvas.span_marked.emit(individual, span.start, span.stop, span.behavior)
        else:
            canvas.select(None)
            canvas.individual_clicked.emit(individual)
            canvas.request_frame(self._anchor)

    def cancel(self) -> None:
        """Mark what was marked before."""
        self._canvas.span = self._before


class DragEdge:
    """Drags an edge of a bout; what it becomes is shown, and told, but nothing is changed."""

    def __init__(self, canvas: "TimelineCanvas", strip: Strip, bout: LaneBout, edge: Edge, x: float) -> None:
        self._canvas, self._bout, self._edge = canvas, bout, edge
        self._places = edge_places(canvas, strip, bout)
        self._frame = bout.start if edge == "start" else bout.stop
        self._grabbed = canvas.parts.column_at(x) - canvas.scale.column_of(self._frame)
        canvas.select(bout)
        canvas.edge_drag_started.emit(bout, edge)

    def move(self, x: float, y: float, *, snap: bool) -> None:
        """Move the edge to the frame that begins nearest to the mouse, or to a place near it."""
        canvas = self._canvas
        canvas.scroll_towards(x)
        scale = canvas.scale
        place = scale.start + (canvas.parts.column_at(x) - self._grabbed) * scale.frames_per_column
        frame = snap_to(round(place), self._places if snap else (), canvas)
        bout = self._bout
        if self._edge == "start":
            frame = min(max(frame, 0), bout.stop - 1)
        else:
            frame = max(min(frame, scale.n_frames), bout.start + 1)
        if frame != self._frame:
            self._frame = frame
            canvas.dragged = replace(bout, start=frame) if self._edge == "start" else replace(bout, stop=frame)
            canvas.expect(canvas.dragged)  # the data may be changed while the edge is dragged
            canvas.edge_moved.emit(bout, self._edge, frame)
        start, stop = (frame, bout.stop) if self._edge == "start" else (bout.start, frame)
        canvas.tell_length(x, y, start, stop, start if self._edge == "start" else stop - 1)

    def release(self) -> None:
        """Tell the frame of the edge, if it has changed."""
        canvas = self._canvas
        bout, canvas.dragged = canvas.dragged, None
        if bout is None:
            canvas.edge_drag_canceled.emit(self._bout)
            return
        canvas.expect(bout)
        canvas.edge_released.emit(self._bout, self._edge, self._frame)

    def cancel(self) -> None:
        """Show the bout as it is."""
        self._canvas.dragged = None
        self._canvas.expect(self._bout)
        self._canvas.edge_drag_canceled.emit(self._bout)


def see(canvas: "TimelineCanvas", bout: LaneBout, frame: int) -> None:
    """Ask for the frame of a prediction that is nearest to one: keys accept or reject it, so it must be seen."""
    if bout.kind is LaneKind.PREDICTIONS:
        canvas.request_frame(min(max(frame, bout.start), bout.stop - 1))


def edge_places(canvas: "TimelineCanvas", strip: Strip, bout: LaneBout | None) -> Iterable[int]:
    """Return the frames that an edge snaps to: the playhead, other bouts of the individual, the marked span."""
    scale = canvas.scale
    first, last = int(scale.start) - 1, int(scale.stop) + 2
    places: set[int] = set()
    if canvas.frame is not None:
        places |= {canvas.frame, canvas.frame + 1}
    for lane in strip.group.lanes:
        if lane.kind in EDITED:
            found = lane.bouts.within(first, last)
            others = np.ones(len(found), np.bool_)
            if bout is not None and lane.kind is bout.kind:
                others = found.index != bout.index
            places |= set(np.concatenate([found.start[others], found.stop[others]]).tolist())
    if canvas.span is not None and bout is not None:
        places |= {canvas.span.start, canvas.span.stop}
    return places


def snap_to(frame: int, places: Iterable[int], canvas: "TimelineCanvas") -> int:
    """Return the nearest of places within reach of the mouse, else the frame."""
    reach = SNAP_PX * canvas.parts.ratio * canvas.scale.frames_per_column
    nearest = min(places, key=lambda place: abs(place - frame), default=frame)
    return nearest if abs(nearest - frame) <= reach else frame


def edge_at(canvas: "TimelineCanvas", strip: Strip, x: float) -> tuple[LaneBout, Edge] | None:
    """Return the edge of a bout under the mouse; those of the selected bout come first, then the nearest one."""
    if strip.lane.kind not in EDITED:
        return None
    geometry, scale = canvas.parts, canvas.scale
    selected = canvas.selected
    if selected is not None and selected in canvas.bouts_in(strip, selected.start, selected.stop):
        rect = geometry.strip_rect(strip, scale, selected.start, selected.stop, 0)
        left, right = handle_places(rect)
        if left - 2 <= x < left + HANDLE_PX + 2:
            return selected, "start"
        if right - 2 <= x < right + HANDLE_PX + 2:
            return selected, "stop"
    reach = _EDGE_PX * geometry.ratio
    column = int(geometry.column_at(x))
    first, last = scale.frame_at(column - reach), scale.frame_at(column + reach) + 1
    best: tuple[float, LaneBout, Edge] | None = None
    for bout in canvas.bouts_in(strip, first, last):
        left, right = geometry.span(scale, bout.start, bout.stop)
        if right - left < _GRABBED_PX:
            continue
        # Of two edges at one place, the one on the mouse's side.
        sides: tuple[tuple[float, Edge], ...] = ((x - left, "start"), (right - x, "stop"))
        for inside, edge in sides:
            distance = inside if inside >= 0 else -inside + 0.5
            if distance <= _EDGE_PX and (best is None or distance < best[0]):
                best = distance, bout, edge
    return None if best is None else best[1:]
