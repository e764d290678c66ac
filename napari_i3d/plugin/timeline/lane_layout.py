"""Where lanes lie below each other: one strip for each lane, and one for each behavior of an unfolded individual."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from napari_i3d.individuals import Id
from napari_i3d.plugin.timeline.lanes import (
    BoutArrays,
    Lane,
    LaneGroup,
    LaneKind,
    TimelineData,
)

# Lowest and highest, in pixels; what lies between fills the room there is.
_HEIGHTS = {
    LaneKind.LABELS: (10, 32),
    LaneKind.PREDICTIONS: (4, 12),
    LaneKind.CLUSTERS: (4, 12),
    LaneKind.SELECTED: (3, 4),
    LaneKind.MARKS: (4, 6),
}
_BEHAVIOR_PX = 15
_BEHAVIOR_PREDICTION_PX = 4
_GAP_PX, _PADDING_PX = 1, (2, 4)


@dataclass(frozen=True)
class Strip:
    """A lane, or one behavior of it, on the screen.

    Attributes
    ----------
    group, lane
        What it shows.
    style
        Number of the behavior; None: all.
    top, height
        Logical pixels, from the top of all lanes.
    """

    group: LaneGroup
    lane: Lane
    style: int | None
    top: int
    height: int

    @property
    def bouts(self) -> BoutArrays:
        """The bouts that it shows."""
        return self.lane.bouts if self.style is None else self.lane.bouts.of_style(self.style)


@dataclass(frozen=True)
class Row:
    """Strips beside one head.

    Attributes
    ----------
    group
        The individual.
    style
        Number of the behavior that the head names; None: it names the individual.
    top, height
        Logical pixels, from the top of all lanes.
    strips
        From top to bottom.
    """

    group: LaneGroup
    style: int | None
    top: int
    height: int
    strips: tuple[Strip, ...]

    @property
    def name(self) -> str:
        """Name in the head."""
        labels = self.group.lane(LaneKind.LABELS)
        return self.group.name if self.style is None or labels is None else labels.styles[self.style].name


@dataclass(frozen=True)
class LaneLayout:
    """All rows from top to bottom.

    Attributes
    ----------
    rows
        The rows, without room between them.
    """

    rows: tuple[Row, ...] = ()

    @property
    def height(self) -> int:
        """Height of all rows in logical pixels."""
        return self.rows[-1].top + self.rows[-1].height if self.rows else 0

    @cached_property
    def _tops(self) -> list[int]:
        return [row.top for row in self.rows]

    def row_at(self, y: float) -> Row | None:
        """Return the row at a height."""
        place = bisect_right(self._tops, y) - 1
        return self.rows[place] if place >= 0 and y < self.height else None

    def strip_at(self, y: float) -> Strip | None:
        """Return the strip at a height, or the nearest one of the row."""
        row = self.row_at(y)
        if row is None or not row.strips:
            return None
        return min(row.strips, key=lambda strip: max(strip.top - y, y - (strip.top + strip.height - 1), 0))

    def rows_between(self, top: float, bottom: float) -> tuple[Row, ...]:
        """Return the rows that are seen between two heights."""
        first = max(bisect_right(self._tops, top) - 1, 0)
        return tuple(row for row in self.rows[first:] if row.top < bottom)


def arrange(data: TimelineData, is_unfolded: Callable[[Id], bool], room_px: int) -> LaneLayout:
    """Lay out lanes: as high as the room allows if all are folded, within limits.

    Parameters
    ----------
    data
        What is shown.
    is_unfolded
        Returns whether an individual has a row for each behavior.
    room_px
        Height in which all should be seen.
    """
    low, high = (_rows(data, lambda _: False, share).height for share in (0.0, 1.0))
    share = 1.0 if high <= room_px or high == low else max((room_px - low) / (high - low), 0.0)
    return _rows(data, is_unfolded, share)


def _rows(data: TimelineData, is_unfolded: Callable[[Id], bool], share: float) -> LaneLayout:
    """Lay out rows whose height lies between the lowest (0) and the highest (1)."""
    rows: list[Row] = []
    top = 0
    padding = _between(_PADDING_PX, share)
    for group in data.groups:
        heights = [_between(_HEIGHTS[lane.kind], share) for lane in group.lanes]
        rows.append(_row(group, None, [*zip(group.lanes, heights, strict=True)], top, padding))
        top += rows[-1].height
        labels = group.lane(LaneKind.LABELS)
        if labels is None or not is_unfolded(group.individual):
            continue
        predictions = group.lane(LaneKind.PREDICTIONS)
        for style in range(len(labels.styles)):
            lanes = [(labels, _BEHAVIOR_PX)]
            if predictions is not None:
                lanes.append((predictions, _BEHAVIOR_PREDICTION_PX))
            rows.append(_row(group, style, lanes, top, 1))
            top += rows[-1].height
    return LaneLayout(tuple(rows))


def _row(group: LaneGroup, style: int | None, lanes: list[tuple[Lane, int]], top: int, padding: int) -> Row:
    strips = []
    y = top + padding
    for lane, height in lanes:
        strips.append(Strip(group, lane, style, y, height))
        y += height + _GAP_PX
    return Row(group, style, top, y - _GAP_PX + padding - top, tuple(strips))


def _between(limits: tuple[int, int], share: float) -> int:
    return int(limits[0] + share * (limits[1] - limits[0]))
