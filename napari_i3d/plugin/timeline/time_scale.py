"""Which frames each column of pixels stands for, zoom, and ticks of the ruler: exact, and without Qt."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import format_time

# Far below one frame, and far above what float64 loses in videos of 10**8 frames.
_TINY = 1e-6
_MAX_FRAME_COLUMNS = 80.0
"""Columns of one frame at the highest zoom; more only if the whole video is that short."""


@dataclass(frozen=True)
class TimeScale:
    """The part of a video that is in view.

    Column c begins in frame ``edges[c]`` and stands for the frames from there to ``edges[c + 1]``, itself excluded; at
    least one. So each frame in view belongs to a column, and several columns may show the same frame.

    Attributes
    ----------
    n_frames
        Number of frames of the video.
    n_columns
        Width in device pixels.
    start
        Left edge of the view, in frames; frame f covers ``[f, f + 1)``.
    frames_per_column
        Frames for each column; below 1 if a frame is wider than a pixel.
    """

    n_frames: int
    n_columns: int
    start: float
    frames_per_column: float

    @classmethod
    def whole(cls, n_frames: int, n_columns: int) -> "TimeScale":
        """Return the scale that shows the whole video."""
        columns = max(n_columns, 1)
        return cls(n_frames, columns, 0.0, n_frames / columns)

    @property
    def stop(self) -> float:
        """Right edge of the view, in frames."""
        return self.start + self.n_columns * self.frames_per_column

    @property
    def edges(self) -> NDArray[np.int64]:
        """First frame of each column, and of the one after the last: (n_columns + 1,)."""
        places = self.start + np.arange(self.n_columns + 1) * self.frames_per_column
        return np.asarray(np.floor(places + _TINY), np.int64)

    def frame_at(self, column: float) -> int:
        """Return the frame at a place in device pixels; may lie outside the video."""
        return math.floor(self.start + math.floor(column + _TINY) * self.frames_per_column + _TINY)

    def frames_at(self, column: int) -> tuple[int, int]:
        """Return the range of frames that a column stands for."""
        first = self.frame_at(column)
        return first, max(first + 1, self.frame_at(column + 1))

    def column_of(self, frame: float) -> float:
        """Return the place of a frame's left edge in device pixels."""
        return (frame - self.start) / self.frames_per_column

    def columns_of(self, start: int, stop: int) -> tuple[int, int]:
        """Return the range of columns that stand for a frame of ``[start, stop)``; not clipped to the view."""
        return self._first_column(start), self._column_from(stop)

    def _first_column(self, frame: int) -> int:
        """Return the first column that stands for a frame."""
        column = self._column_from(frame)
        return column if self.frame_at(column) == frame else column - 1

    def _column_from(self, frame: int) -> int:
        """Return the first column that begins in a frame or after it."""
        column = math.ceil(self.column_of(frame)) - 1
        while self.frame_at(column) < frame:
            column += 1
        return column

    def resized(self, n_columns: int) -> "TimeScale":
        """Return the scale of the same frames in another width."""
        columns = max(n_columns, 1)
        return replace(
            self, n_columns=columns, frames_per_column=self.frames_per_column * self.n_columns / columns
        )._clamped()

    def zoomed(self, factor: float, column: float) -> "TimeScale":
        """Return a scale with `factor` times the columns for a frame; the place at a column stays."""
        lowest = min(1 / _MAX_FRAME_COLUMNS, self.n_frames / self.n_columns)
        wanted = min(max(self.frames_per_column / factor, lowest), self.n_frames / self.n_columns)
        place = self.start + column * self.frames_per_column
        return replace(self, start=place - column * wanted, frames_per_column=wanted)._clamped()

    def moved(self, columns: float) -> "TimeScale":
        """Return the scale moved to later frames by columns."""
        return replace(self, start=self.start + columns * self.frames_per_column)._clamped()

    def showing(self, first: float, last: float) -> "TimeScale":
        """Return a scale that shows ``[first, last)``, or more if that is less than can be shown."""
        lowest = min(1 / _MAX_FRAME_COLUMNS, self.n_frames / self.n_columns)
        wanted = min(max((last - first) / self.n_columns, lowest), self.n_frames / self.n_columns)
        start = (first + last - wanted * self.n_columns) / 2
        return replace(self, start=start, frames_per_column=wanted)._clamped()

    def containing(self, frame: int, margin: float = 0.1) -> "TimeScale":
        """Return the scale moved so that a frame is in view; by a page, as playback needs, if it is not."""
        if self.start <= frame and frame + 1 <= self.stop:
            return self
        length = self.stop - self.start
        return replace(self, start=frame - margin * length)._clamped()

    def _clamped(self) -> "TimeScale":
        latest = self.n_frames - self.n_columns * self.frames_per_column
        return replace(self, start=max(0.0, min(self.start, latest)))


def columns_of(
    start: NDArray[np.int64], stop: NDArray[np.int64], edges: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the columns ``[left, right)`` of ranges of frames that are in view, clipped to it."""
    firsts = edges[:-1]
    left = np.searchsorted(firsts, start, "left")
    exact = firsts[np.minimum(left, len(firsts) - 1)] == start
    left = np.where(exact, left, np.maximum(left - 1, 0))
    return left, np.searchsorted(firsts, stop, "left")


@dataclass(frozen=True)
class Tick:
    """A tick of the ruler.

    Attributes
    ----------
    frame
        Place, in frames; between two frames for times.
    text
        Label; empty for minor ticks.
    """

    frame: float
    text: str


# Milliseconds between labels, and between minor ticks.
_TIME_STEPS_MS = (
    *((1, 1), (2, 1), (5, 1), (10, 2), (20, 5), (50, 10), (100, 20), (200, 50), (500, 100)),
    *((1_000, 200), (2_000, 500), (5_000, 1_000), (10_000, 2_000), (15_000, 5_000), (30_000, 5_000)),
    *((60_000, 10_000), (120_000, 30_000), (300_000, 60_000), (600_000, 120_000), (900_000, 300_000)),
    *((1_800_000, 300_000), (3_600_000, 600_000), (7_200_000, 1_800_000), (14_400_000, 3_600_000)),
    *((21_600_000, 3_600_000), (43_200_000, 7_200_000), (86_400_000, 21_600_000)),
)


def frame_ticks(scale: TimeScale, label_columns: float) -> list[Tick]:
    """Return ticks at round frames; labels have at least `label_columns` device pixels."""
    least = max(label_columns * scale.frames_per_column, 1.0)
    power = 10 ** math.floor(math.log10(least))
    step = next(int(power * k) for k in (1, 2, 5, 10) if power * k >= least - _TINY)
    minor = max(step // (4 if str(step)[0] == "2" else 5), 1)
    return [Tick(frame, f"{frame:,}" if frame % step == 0 else "") for frame in _multiples(scale, minor)]


def _multiples(scale: TimeScale, step: int) -> range:
    first = math.floor(scale.start / step) * step
    return range(max(first, 0), min(math.ceil(scale.stop), scale.n_frames - 1) + 1, step)


def time_ticks(scale: TimeScale, times_s: NDArray[np.float64], label_columns: float) -> list[Tick]:
    """Return ticks at round times; labels have at least `label_columns` device pixels.

    Parameters
    ----------
    scale
        What is in view.
    times_s
        Time of each frame since the first one: (n_frames,), increasing.
    label_columns
        Width of a label.
    """
    last = len(times_s) - 1
    begin, end = min(math.floor(scale.start), last), min(math.ceil(scale.stop), last)
    shown_s = float(times_s[end] - times_s[begin])
    if end <= begin or shown_s <= 0:
        return [Tick(begin, format_time(float(times_s[begin])))]
    least_ms = label_columns * scale.frames_per_column * shown_s / (end - begin) * 1000
    step, minor = next((steps for steps in _TIME_STEPS_MS if steps[0] >= least_ms), _TIME_STEPS_MS[-1])
    first_ms, last_ms = float(times_s[begin]) * 1000, float(times_s[end]) * 1000
    wanted = np.arange(math.ceil(first_ms / minor - _TINY), math.floor(last_ms / minor + _TINY) + 1) * minor
    before = np.clip(np.searchsorted(times_s, wanted / 1000, "right") - 1, 0, last - 1)
    frames = before + (wanted / 1000 - times_s[before]) / (times_s[before + 1] - times_s[before])
    return [
        Tick(frame, format_time(ms / 1000, milliseconds=step < 1000) if ms % step == 0 else "")
        for frame, ms in zip(frames.tolist(), wanted.tolist(), strict=True)
    ]
