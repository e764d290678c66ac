"""The rows of one individual of one video."""

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import FeaturesError
from napari_i3d.features.features import ROW_DTYPES
from napari_i3d.features.row_blocks import Rows, mapping_of, read_rows, take_rows
from napari_i3d.individuals import Id, format_individual

_CHECKED_ROWS = 4096


@dataclass(frozen=True, eq=False)
class FeatureSequence:
    """The rows of one individual of one video.

    Attributes
    ----------
    video, individual
        The video's name, which may be "" if there is only one, and the individual's id.
    values : (N, D) float32 or float16
        Features, not copied; `read` and `take` return them as float32.
    frames : (N,) float64
        The video frame of each row, ascending.
    fps
        Frames per second; None if unknown.
    trained
        False if the weights were untrained, so that the features are meaningless.

    Raises
    ------
    FeaturesError
        Values that are not finite (names the first frame), frames that do not ascend, or shapes that do not fit.
        Values of a mapped file are not read now, but checked as they are read.
    """

    video: str
    individual: Id
    values: Rows
    frames: NDArray[np.float64]
    fps: float | None = None
    trained: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.values, np.ndarray) or self.values.ndim != 2 or self.values.dtype not in ROW_DTYPES:
            values = self.values
            found = f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
            raise FeaturesError(f"{self.name}: expected float32 features of shape (rows, values), found {found}")
        if self.frames.shape != (len(self.values),):
            raise FeaturesError(f"{self.name}: {len(self.values)} rows, but frames of shape {self.frames.shape}")
        if not np.isfinite(self.frames).all() or (np.diff(self.frames) <= 0).any():
            raise FeaturesError(f"{self.name}: expected frames that ascend from row to row, found others")
        if not self._is_mapped:
            self.check_finite(0, len(self))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def name(self) -> str:
        """Video and individual, for figures and messages."""
        return format_individual(self.video, self.individual)

    @cached_property
    def step_frames(self) -> float:
        """Video frames from one row to the next within a stretch; 1 for a single row."""
        return float(np.diff(self.frames).min()) if len(self.frames) > 1 else 1.0

    @cached_property
    def stretches(self) -> tuple[tuple[int, int], ...]:
        """Half-open ranges of rows without a gap: a new one starts if rows are more than a step apart."""
        breaks = np.flatnonzero(np.diff(self.frames) > 1.5 * self.step_frames) + 1
        edges = [0, *breaks.tolist(), len(self.frames)]
        return tuple(itertools.pairwise(edges))

    def check_finite(self, start: int, stop: int) -> None:
        """Check rows `start` to `stop`, block by block; raise `FeaturesError` if they are not finite."""
        for first in range(start, stop, _CHECKED_ROWS):
            last = min(first + _CHECKED_ROWS, stop)
            self._check_finite(read_rows(self.values, first, last), self.frames[first:last])

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return rows `start` to `stop`: (n, D) float32; raise `FeaturesError` if they are not finite."""
        values = read_rows(self.values, start, stop)
        if self._is_mapped:
            self._check_finite(values, self.frames[start:stop])
        return values

    def take(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the rows of these numbers: (n, D) float32; raise `FeaturesError` if they are not finite."""
        values = take_rows(self.values, rows)
        if self._is_mapped:
            self._check_finite(values, self.frames[rows])
        return values

    @cached_property
    def _is_mapped(self) -> bool:
        return mapping_of(self.values) is not None

    def _check_finite(self, values: Rows, frames: NDArray[np.float64]) -> None:
        if np.isfinite(values).all():
            return
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        raise FeaturesError(
            f"{self.name}: expected finite features, found NaN or infinite ones, first at frame {frames[bad].min():g}",
            hint="extract this individual again, or leave it out",
        )

    def find_rows(self, first_frame: float, last_frame: float) -> tuple[int, int]:
        """Return the half-open range of rows for a span of frames, both included; see `FeatureTable.find_rows`."""
        if not first_frame <= last_frame:
            raise FeaturesError(
                f"{self.name}: expected a span of frames, the first before the last, found {first_frame:g} to "
                f"{last_frame:g}"
            )
        start = int(np.searchsorted(self.frames, first_frame, "left"))
        stop = int(np.searchsorted(self.frames, last_frame, "right"))
        if start < stop:
            return start, stop
        middle = (first_frame + last_frame) / 2
        distance = np.abs(self.frames - middle)
        row = len(distance) - 1 - int(np.argmin(distance[::-1]))  # the later of two
        if distance[row] > 0.5 * self.step_frames + 1e-6:
            step = "" if self.step_frames == 1 else f", every {self.step_frames:g}"
            raise FeaturesError(
                f"{self.name}: no row stands for frame {middle:g}; its rows stand for frames {self.frames[0]:g} to "
                f"{self.frames[-1]:g}{step}"
            )
        return row, row + 1
