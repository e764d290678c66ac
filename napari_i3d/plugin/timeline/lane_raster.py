"""Image of lanes, computed by columns of pixels: its cost depends on the size of the view, not on the number of bouts.

The rule for a column and a lane: it shows every behavior that has a frame among those the column stands for (see
`TimeScale`), one below the other if there are several, in the order of the styles. So a bout of one frame has at least
one pixel at any zoom. A column is shown as not assessed if one of its frames was not assessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.colors import hatch_color, pack
from napari_i3d._utils.pixels import Pixels, blend, hatch_pattern
from napari_i3d.individuals import Id
from napari_i3d.plugin.timeline.lane_layout import Row, Strip
from napari_i3d.plugin.timeline.lanes import BoutArrays, LaneGroup, LaneKind, Ranges, Style, same_id
from napari_i3d.plugin.timeline.time_scale import TimeScale, columns_of

if TYPE_CHECKING:
    from napari_i3d.plugin.timeline.theme import LaneColors

FAINTEST = 0.25
"""Opacity of bouts without any confidence."""
_CUT_PX = 4
"""Distance of the lines that are cut out of predictions; each column keeps some of its pixels."""
_TOUCHING_PX = 4  # from this width on, touching bouts of a behavior are set apart


@dataclass(frozen=True, eq=False)
class StripColumns:
    """Bouts of a strip that are in view.

    Attributes
    ----------
    strip, bouts
        The strip, and its N bouts in view.
    left, right
        Columns ``[left, right)`` of each bout, clipped to the view: (N,) int64.
    crowd
        Number of behaviors in each column: (n_columns,).
    """

    strip: Strip
    bouts: BoutArrays
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    crowd: NDArray[np.int64]


@lru_cache(maxsize=64)
def style_table(styles: tuple[Style, ...]) -> tuple[Pixels, NDArray[np.int64]]:
    """Return the main color and that of the hatch for each style, (N, 2), and the number of the hatch, (N,)."""
    colors = [(pack(s.color), pack(hatch_color(s.color))) for s in styles]
    return np.array(colors, np.uint32).reshape(-1, 2), np.array([style.hatch for style in styles], np.int64)


class LaneRaster:
    """Paints rows of lanes into an image.

    Parameters
    ----------
    scale
        Frames in view, in device pixels.
    ratio
        Device pixels for each logical one.
    colors
        Colors of the lanes.
    grid
        Frames at which vertical lines are drawn.
    """

    def __init__(self, scale: TimeScale, ratio: float, colors: "LaneColors", grid: Sequence[float] = ()) -> None:
        self._scale, self._ratio, self._colors = scale, ratio, colors
        self._edges = scale.edges
        self._first = int(self._edges[0])
        self._last = max(int(self._edges[-1]), int(self._edges[-2]) + 1)
        columns = np.floor([scale.column_of(frame) for frame in grid]).astype(np.int64)
        self._grid = columns[(columns >= 0) & (columns < scale.n_columns)]
        # Hatches move with the frames.
        self._x = np.arange(scale.n_columns) + int(scale.start / scale.frames_per_column)
        self._patterns: dict[int, NDArray[np.bool_]] = {}

    def paint(
        self, rows: Sequence[Row], top: int, height: int, current: Id | None = None
    ) -> tuple[Pixels, list[StripColumns]]:
        """Return the image of rows, and which bouts it shows.

        Parameters
        ----------
        rows
            Rows in view.
        top, height
            Upper edge of the image in the layout, and its height, in logical pixels.
        current
            Id of the current individual.
        """
        image = np.full((round(height * self._ratio), self._scale.n_columns), self._colors.background, np.uint32)
        below = rows[-1].top + rows[-1].height - top if rows else 0
        image[: max(round(below * self._ratio), 0), self._grid] = self._colors.grid
        shown = []
        for row in rows:
            ground = [strip for strip in row.strips if strip.lane.kind is not LaneKind.MARKS]
            is_current = row.style is None and same_id(row.group.individual, current)
            if ground:
                begin, end = ground[0].top - top, ground[-1].top + ground[-1].height - top
                self._paint_ground(*self._block(image, begin, end), row.group, is_current=is_current)
            for strip in row.strips:
                begin, end = strip.top - top, strip.top + strip.height - top
                block, skipped = self._block(image, begin, end)
                if len(block):
                    if strip.lane.kind is LaneKind.PREDICTIONS:
                        # It is not about what was looked at, and faint bouts would be lost on lines.
                        self._paint_ground(block, skipped, replace(row.group, assessed=None), is_current=is_current)
                    full_height = round(end * self._ratio) - round(begin * self._ratio)
                    shown.append(self._paint_bouts(block, skipped, full_height, strip))
        return image, shown

    def _block(self, image: Pixels, begin: int, end: int) -> tuple[Pixels, int]:
        """Return the part of an image between logical heights, and the number of its pixels above the image."""
        first, last = round(begin * self._ratio), round(end * self._ratio)
        return image[max(first, 0) : max(last, 0)], max(-first, 0)

    def _unknown(
        self, present: Ranges | None, assessed: Ranges | None
    ) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
        """Return in which columns an individual is absent, and in which it was not assessed; None for no column."""
        absent = None if present is None else ~self._columns_in(present)
        if assessed is None:
            return absent, None
        flat = np.concatenate([[0], assessed.reshape(-1), [self._scale.n_frames]])
        return absent, self._columns_in(flat.reshape(-1, 2))

    def _columns_in(self, ranges: Ranges) -> NDArray[np.bool_]:
        """Return the columns that stand for a frame of ranges."""
        inside = ranges[(ranges[:, 0] < self._last) & (ranges[:, 1] > self._first) & (ranges[:, 1] > ranges[:, 0])]
        left, right = columns_of(inside[:, 0], inside[:, 1], self._edges)
        size = self._scale.n_columns + 1
        steps = np.bincount(left, minlength=size) - np.bincount(right, minlength=size)
        return np.asarray(np.cumsum(steps)[:-1] > 0)

    def _paint_ground(
        self,
        block: Pixels,
        skipped: int,
        group: LaneGroup,
        *,
        is_current: bool,
    ) -> None:
        absent, unassessed = self._unknown(group.present, group.assessed)
        lane = self._colors.current_lane if is_current else self._colors.lane
        ground = np.full(block.shape[1], lane, np.uint32)
        ground[self._grid] = self._colors.grid
        if absent is not None:
            ground[absent] = self._colors.background
        block[:] = ground
        if unassessed is not None and unassessed.any():
            columns = np.flatnonzero(unassessed if absent is None else unassessed & ~absent)
            y = np.arange(skipped, skipped + len(block))[:, None]
            lines = (self._x[columns] - y) % round(6 * self._ratio) < max(round(self._ratio), 1)
            block[:, columns] = np.where(lines, np.uint32(self._colors.hatch), np.uint32(self._colors.background))

    def _paint_bouts(self, block: Pixels, skipped: int, full_height: int, strip: Strip) -> StripColumns:
        bouts = strip.bouts.within(self._first, self._last)
        left, right = columns_of(bouts.start, bouts.stop, self._edges)
        if strip.lane.kind is LaneKind.MARKS:
            right = np.minimum(np.maximum(right, left + round(2 * self._ratio)), self._scale.n_columns)
        counts = np.bincount(bouts.style, minlength=len(strip.lane.styles))
        styles = np.flatnonzero(counts)
        place = (np.cumsum(counts > 0) - 1)[bouts.style]
        alpha = self._alphas(len(styles), place, left, right, bouts.opacity)
        crowd = (alpha > 0).sum(axis=0)
        if len(styles):
            self._paint_alone(block, skipped, strip.lane.styles, styles, alpha, crowd)
            self._paint_crowded(block, skipped, full_height, strip.lane.styles, styles, alpha, crowd)
            self._part_touching(block, bouts, left, right, crowd)
            if strip.lane.kind is LaneKind.PREDICTIONS:
                self._cut(block, skipped, full_height, crowd)
        return StripColumns(strip, bouts, left, right, crowd)

    def _alphas(
        self,
        number: int,
        place: NDArray[np.intp],
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        opacity: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Return the opacity of each style in each column, 0 where it is not: (number, n_columns)."""
        columns = self._scale.n_columns
        alpha = np.zeros(number * columns, np.float32)
        lengths = right - left
        offsets = np.cumsum(lengths) - lengths
        pixels = np.arange(int(lengths.sum())) + np.repeat(place * columns + left - offsets, lengths)
        if (opacity >= 1).all():
            alpha[pixels] = 1
        else:
            np.maximum.at(alpha, pixels, np.repeat(FAINTEST + (1 - FAINTEST) * opacity, lengths))
        return alpha.reshape(number, columns)

    def _covered(self, hatch: int, y: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which pixels of rows a hatch covers: (len(y), n_columns)."""
        if hatch not in self._patterns:
            self._patterns[hatch] = hatch_pattern(hatch, self._x, self._ratio)
        pattern = self._patterns[hatch]
        return pattern[y % len(pattern)]

    def _paint_alone(
        self,
        block: Pixels,
        skipped: int,
        all_styles: tuple[Style, ...],
        styles: NDArray[np.int64],
        alpha: NDArray[np.float32],
        crowd: NDArray[np.int64],
    ) -> None:
        """Paint the columns with one behavior."""
        table, hatches = style_table(all_styles)
        chosen = styles[alpha.argmax(axis=0)]
        strength = np.where(crowd == 1, alpha.max(axis=0), 0)
        hatch = np.where(crowd == 1, hatches[chosen], 0)
        colors = table[chosen, 0]
        y = np.arange(skipped, skipped + len(block))
        for number in _used(hatch):
            colors = np.where(self._covered(number, y) & (hatch == number), table[chosen, 1], colors)
        solid = strength >= 1
        np.copyto(block, colors, where=solid)
        faint = (strength > 0) & ~solid
        if faint.any():
            block[:] = blend(block, np.broadcast_to(colors, block.shape), np.where(faint, strength, 0))

    def _paint_crowded(
        self,
        block: Pixels,
        skipped: int,
        full_height: int,
        all_styles: tuple[Style, ...],
        styles: NDArray[np.int64],
        alpha: NDArray[np.float32],
        crowd: NDArray[np.int64],
    ) -> None:
        """Paint the columns with several behaviors, one below the other."""
        columns = np.flatnonzero(crowd > 1)
        if not len(columns):
            return
        table, hatches = style_table(all_styles)
        y = np.arange(skipped, skipped + len(block))
        several = crowd[columns]
        shown, places = np.nonzero(alpha[:, columns].T)  # the behaviors of a column follow each other, in their order
        chosen, strength = styles[places], alpha[places, columns[shown]]
        band = np.cumsum(several) - several + y[:, None] * several // full_height
        colors, hatch = table[chosen, 0][band], hatches[chosen]
        for number in _used(hatch):
            covered = self._covered(number, y)[:, columns] & (hatch == number)[band]
            np.copyto(colors, table[chosen, 1][band], where=covered)
        opaque = bool((strength >= 1).all())
        block[:, columns] = colors if opaque else blend(block[:, columns], colors, strength[band])

    def _cut(self, block: Pixels, skipped: int, full_height: int, crowd: NDArray[np.int64]) -> None:
        """Cut slanted lines out of what is proposed only, against the slant of a hatch: no label looks like that."""
        y = np.arange(skipped, skipped + len(block))[:, None]
        period = round(_CUT_PX * self._ratio)
        lines = (y - self._x) % period < max(round(self._ratio), 1)
        # Where more behaviors lie below each other, a line could take all of one of them.
        np.copyto(block, self._colors.background, where=lines & (crowd > 0) & (crowd * period <= full_height))

    def _part_touching(
        self,
        block: Pixels,
        bouts: BoutArrays,
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        crowd: NDArray[np.int64],
    ) -> None:
        """Draw a line between bouts of one behavior that touch, if both are wide enough."""
        wide = right - left >= _TOUCHING_PX * self._ratio
        if not wide.any():
            return
        order = np.lexsort((bouts.start, bouts.style))
        before, after = order[:-1], order[1:]
        touching = (bouts.style[before] == bouts.style[after]) & (bouts.stop[before] == bouts.start[after])
        columns = left[after[touching & wide[before] & wide[after]]]
        columns = columns[crowd[columns] == 1]
        block[:, columns] = self._colors.background


def _used(hatches: NDArray[np.int64]) -> list[int]:
    """Return the hatches among numbers, without 0, which is plain."""
    return [int(number) for number in np.flatnonzero(np.bincount(hatches)) if number]
