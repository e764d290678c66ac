"""The behaviors of individuals over the time around a frame, painted below its image."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.frame_ranges import Ranges, clip_ranges
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.individuals import format_id
from napari_i3d.rendering.individuals import Individual
from napari_i3d.rendering.painting import Image8, PaintedText, TextPainter, fill, rgb8

PLAYHEAD = "#ffffff"
_TEXT = "#e0e0e0"
_GROUND, _ASSESSED, _UNKNOWN = (np.full(3, gray, np.uint8) for gray in (24, 64, 110))
_LANE_LINES = 1.2
_MOST_LABEL_SHARE = 0.25
_MOST_LEGEND_LINES = 3
_DIMMED = 0.45  # of the color, for what nobody reviewed
_HATCH_LINES = 4


class _Row:
    """Bouts that do not overlap, in ascending order."""

    def __init__(self) -> None:
        self.bouts: list[Bout] = []
        self._starts: list[int] = []
        self._stops: list[int] = []

    @property
    def stop(self) -> int:
        """The end of the last bout."""
        return self._stops[-1] if self._stops else 0

    def append(self, bout: Bout) -> None:
        self.bouts.append(bout)
        self._starts.append(bout.start)
        self._stops.append(bout.stop)

    def within(self, start: int, stop: int) -> list[Bout]:
        """Return the bouts that have a frame in a range."""
        return self.bouts[bisect_right(self._stops, start) : bisect_left(self._starts, stop)]


@dataclass(frozen=True, eq=False)
class _Lane:
    """What an individual does, in as many rows as it shows behaviors at the same time, and what was assessed."""

    rows: list[_Row]
    assessed: Ranges


class EthogramStrip:
    """Lanes of individuals with a playhead in the middle; a frame is drawn at the same distance from it in all lanes.

    Behaviors that are on at the same time share the height of the lane. Frames that nobody assessed are a thin line,
    and there is nothing beyond the ends of the video; behaviors found by a program and not reviewed are dimmed.

    Parameters
    ----------
    individuals
        One a lane.
    annotation
        Their behaviors.
    painter
        Draws the texts.
    width
        Width in pixels.
    most_height
        Lanes that do not fit into this height, in pixels, are left out.
    window
        Length of the time shown in frames, and in seconds.
    n_frames
        Number of frames of the video.

    Attributes
    ----------
    height
        Height in pixels.
    lanes_px
        First column of the lanes, and the one after the last.
    left_out
        Number of individuals whose lanes do not fit.
    """

    def __init__(
        self,
        individuals: Sequence[Individual],
        annotation: Annotation,
        painter: TextPainter,
        width: int,
        most_height: int,
        window: tuple[float, float],
        n_frames: int,
    ) -> None:
        self._ethogram, self._painter, self._n_frames = annotation.ethogram, painter, n_frames
        self._window_frames, self._width = window[0], width
        self._pad = painter.halo_px * 2
        self._pitch = round(painter.line_px * _LANE_LINES)
        n_lanes = max(1, min(len(individuals), most_height // self._pitch))
        self.left_out = len(individuals) - n_lanes
        shown = individuals[:n_lanes]
        self._lanes = [
            _Lane(
                _rows(() if one.annotated is None else annotation.of(one.annotated)),
                () if one.annotated is None else annotation.assessed.get(one.annotated, ()),
            )
            for one in shown
        ]
        most_label = round(width * _MOST_LABEL_SHARE)
        labels = [painter.paint(painter.shorten(one.name, most_label), one.color) for one in shown]
        self.lanes_px = 2 * self._pad + max(label.width for label in labels), width - 2 * self._pad
        legend = self._legend(width)
        lanes_height = n_lanes * self._pitch
        lines = 1 + len(legend)
        self.height = self._pad + lanes_height + lines * painter.line_px + self._pad
        self._base = np.empty((self.height, width, 3), np.uint8)
        self._base[:] = _GROUND
        for place, label in enumerate(labels):
            label.put(self._base, self._pad, self._pad + place * self._pitch + (self._pitch - label.height) // 2)
        below = self._pad + lanes_height
        half = f"{window[1] / 2:g} s"
        earlier, later = painter.paint(f"−{half}", _TEXT), painter.paint(f"+{half}", _TEXT)
        earlier.put(self._base, self.lanes_px[0], below)
        later.put(self._base, self.lanes_px[1] - later.width, below)
        for number, line in enumerate(legend, start=1):
            x = self._pad
            for index in line:
                x = self._put_entry(index, x, below + number * painter.line_px)

    def draw(self, picture: Image8, frame: int) -> None:
        """Draw the strip of a frame into the picture, (height, width, 3)."""
        picture[:] = self._base
        left, right = self.lanes_px
        first = int(np.floor(frame - self._window_frames / 2))
        stop = int(np.ceil(frame + self._window_frames / 2)) + 1
        for number, lane in enumerate(self._lanes):
            upper = self._pad + number * self._pitch
            lower = upper + self._pitch - max(1, self._pad // 2)
            area = picture[upper:lower, left:right]
            self._draw_lane(area, lane, first, stop, (right - left) / self._window_frames, frame)
        wide = max(2, self._painter.size_px // 6)
        x = round((left + right - wide) / 2)
        lower = self._pad + len(self._lanes) * self._pitch
        fill(picture, x - 1, 0, x + wide + 1, lower + self._pad, _GROUND)
        fill(picture, x, 0, x + wide, lower + self._pad, rgb8(PLAYHEAD))

    def _draw_lane(self, area: Image8, lane: _Lane, first: int, stop: int, px: float, frame: int) -> None:
        height, width = map(int, area.shape[:2])

        def column(edge: int) -> int:
            # The middle of the frame that is shown is in the middle of the lane.
            return round(width / 2 + (edge - frame - 0.5) * px)

        line = max(1, self._painter.size_px // 10)
        fill(area, column(0), (height - line) // 2, column(self._n_frames), (height + line) // 2, _UNKNOWN)
        for start, end in clip_ranges(lane.assessed, first, stop):
            fill(area, column(start), 0, column(end), height, _ASSESSED)
        share = height / len(lane.rows)
        for place, row in enumerate(lane.rows):
            band = area[round(place * share) : round((place + 1) * share)]
            for bout in row.within(first, stop):
                left = column(bout.start)
                right = max(column(bout.stop), left + 1)
                unreviewed = bout.origin is Origin.AUTOMATED
                self._fill(band, self._ethogram.index(bout.behavior), left, right, unreviewed=unreviewed)

    def _fill(self, area: Image8, index: int, left: int, right: int, *, unreviewed: bool = False) -> None:
        color, hatch = self._ethogram.style_of(index)
        shade = rgb8(color)
        if unreviewed:
            shade = (shade * _DIMMED + _ASSESSED * (1 - _DIMMED)).astype(np.uint8)
        fill(area, left, 0, right, area.shape[0], shade)
        if hatch:
            # Lines at the same distances from the start of the bout, so that they move with it.
            period = max(2, self._painter.size_px * 2 // (_HATCH_LINES + hatch))
            columns: NDArray[np.int64] = np.arange(left, right)
            dark = columns[((columns - left) % period < period // 2) & (columns >= 0) & (columns < area.shape[1])]
            area[:, dark] //= 2

    def _legend(self, width: int) -> list[list[int]]:
        """Return the numbers of the behaviors that the lanes show, in lines."""
        names = {bout.behavior for lane in self._lanes for row in lane.rows for bout in row.bouts}
        used = sorted(map(self._ethogram.index, names))
        lines: list[list[int]] = [[]] if used else []
        x = self._pad
        for index in used:
            entry = self._entry_px(index)
            if lines[-1] and x + entry > width - self._pad:
                lines.append([])
                x = self._pad
            lines[-1].append(index)
            x += entry
        return lines[:_MOST_LEGEND_LINES]

    @property
    def _square_px(self) -> int:
        return round(self._painter.size_px * 0.8)

    def _entry_px(self, index: int) -> int:
        return self._square_px + self._painted_name(index).width + 3 * self._pad

    def _put_entry(self, index: int, x: int, y: int) -> int:
        """Draw the color and name of a behavior; return where the next one begins."""
        side = self._square_px
        upper = y + (self._painter.line_px - side) // 2
        self._fill(self._base[upper : upper + side], index, x, x + side)
        self._painted_name(index).put(self._base, x + side + self._pad // 2, y)
        return x + self._entry_px(index)

    def _painted_name(self, index: int) -> PaintedText:
        name = format_id(self._ethogram.behaviors[index].name)
        return self._painter.paint(self._painter.shorten(name, self._width // 2), _TEXT)


def _rows(bouts: Sequence[Bout]) -> list[_Row]:
    """Return bouts, ordered by start, in as few rows as possible, at least one."""
    rows = [_Row()]
    for bout in bouts:
        row = next((row for row in rows if row.stop <= bout.start), None)
        if row is None:
            row = _Row()
            rows.append(row)
        row.append(bout)
    return rows
