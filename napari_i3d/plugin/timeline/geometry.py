"""Places in the time line: ruler, heads, lanes and overview; and what lies under the pointer."""

from dataclasses import dataclass
from enum import Enum, auto

from qtpy.QtCore import QRect, QRectF

from napari_i3d.individuals import Id
from napari_i3d.plugin.timeline.lane_layout import Strip
from napari_i3d.plugin.timeline.lanes import LaneBout, LaneKind, bouts_of
from napari_i3d.plugin.timeline.time_scale import TimeScale

_RULER_PX, _RULER_FRAMES_PX, _OVERVIEW_PX = 34, 20, 12
_NEAR_PX = 3
"""How far from a bout the pointer still finds it."""


class Area(Enum):
    """Part of the time line."""

    CORNER = auto()
    RULER = auto()
    HEADS = auto()
    LANES = auto()
    OVERVIEW = auto()


@dataclass(frozen=True)
class LaneHit:
    """What lies under the pointer in a lane.

    Attributes
    ----------
    individual
        The individual.
    kind
        Kind of the lane.
    behavior
        Name of the behavior of the row, if individuals are unfolded, else of the bout; None if there is none.
    frame
        Frame under the pointer.
    bout
        The bout; None if there is none.
    """

    individual: Id
    kind: LaneKind
    behavior: str | None
    frame: int
    bout: LaneBout | None


@dataclass(frozen=True)
class Geometry:
    """Sizes of the parts, in logical pixels.

    Attributes
    ----------
    width, height
        Size of the widget.
    ratio
        Device pixels for each logical one.
    head_px
        Width of the heads of the rows; a multiple of 4, so that it is whole in device pixels too.
    bar_px
        Width of the scroll bar at the right.
    with_times
        Whether the ruler has a line of times.
    """

    width: int
    height: int
    ratio: float
    head_px: int
    bar_px: int
    with_times: bool

    @property
    def ruler_px(self) -> int:
        """Height of the ruler."""
        return _RULER_PX if self.with_times else _RULER_FRAMES_PX

    @property
    def lanes_px(self) -> int:
        """Height of the part that shows lanes."""
        return max(self.height - self.ruler_px - _OVERVIEW_PX, 1)

    @property
    def n_columns(self) -> int:
        """Width of the lanes in device pixels."""
        return max(int((self.width - self.head_px - self.bar_px) * self.ratio + 1e-6), 1)

    @property
    def lanes(self) -> QRect:
        """Place of the lanes."""
        return QRect(self.head_px, self.ruler_px, max(self.width - self.head_px - self.bar_px, 1), self.lanes_px)

    @property
    def overview(self) -> QRect:
        """Place of the overview."""
        lanes = self.lanes
        return QRect(lanes.left(), self.height - _OVERVIEW_PX, lanes.width(), _OVERVIEW_PX)

    def area_at(self, x: float, y: float) -> Area:
        """Return the part at a place."""
        if y < self.ruler_px:
            return Area.CORNER if x < self.head_px else Area.RULER
        if y >= self.height - _OVERVIEW_PX:
            return Area.OVERVIEW
        return Area.HEADS if x < self.head_px else Area.LANES

    def column_at(self, x: float) -> float:
        """Return the column of device pixels at a place."""
        return (x - self.head_px) * self.ratio

    def x_of(self, column: float) -> float:
        """Return the place of a column's left edge."""
        return self.head_px + column / self.ratio

    def span(self, scale: TimeScale, start: int, stop: int) -> tuple[float, float]:
        """Return the left and right edge of the columns of frames ``[start, stop)``; may lie out of view."""
        left, right = scale.columns_of(start, stop)
        return self.x_of(left), self.x_of(right)

    def strip_rect(self, strip: Strip, scale: TimeScale, start: int, stop: int, scroll: int) -> QRectF:
        """Return the place of frames of a strip, clipped to a little more than the view."""
        left, right = self.span(scale, start, stop)
        left, right = max(left, self.head_px - 20.0), min(right, self.width + 20.0)
        return QRectF(left, self.ruler_px + strip.top - scroll, max(right - left, 0.0), strip.height)


def hit_bout(strip: Strip, scale: TimeScale, column: float, y: float, ratio: float) -> LaneBout | None:
    """Return the bout at a column of device pixels and a height within a strip, or the one next to it."""
    whole = int(column // 1)
    for distance in range(round(_NEAR_PX * ratio) + 1):
        for place in {whole - distance, whole + distance}:
            first, last = scale.frames_at(place)
            found = bouts_of(strip.group, strip.lane, strip.bouts.within(first, last))
            if found:
                names = [
                    style.name for style in strip.lane.styles if any(bout.behavior == style.name for bout in found)
                ]
                band = min(max(int(y * len(names) // strip.height), 0), len(names) - 1)
                own = [bout for bout in found if bout.behavior == names[band]]
                return min(own, key=lambda bout: max(bout.start - first, first - bout.stop + 1, 0))
    return None
