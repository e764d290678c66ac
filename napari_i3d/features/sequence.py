"""The rows of one individual of one video."""

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import FeaturesError
from napari_i3d.individuals import Id, format_individual

_CHECKED_ROWS = 4096


@dataclass(frozen=True, eq=False)
class FeatureSequence:
    """The rows of one individual of one video.

    Attributes
    ----------
    video, individual
        The video's name, which may be "" if there is only one, and the individual's id.
    values : (N, D) float32
        Features, not copied.
    frames : (N,) float64
        The video frame of each row, ascending.
    fps
        Frames per second; None if unknown.
    trained
        False if the weights were untrained, so that the features are meaningless.
    checked
        Whether the values were, or will be, checked to be finite; False: all of them are read to check.

    Raises
    ------
    FeaturesError
        Values that are not finite (names the first frame), frames that do not ascend, or shapes that do not fit.
    """

    video: str
    individual: Id
    values: NDArray[np.float32]
    frames: NDArray[np.float64]
    fps: float | None = None
    trained: bool = True
    checked: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.values, np.ndarray) or self.values.ndim != 2 or self.values.dtype != np.float32:
            values = self.values
            found = f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
            raise FeaturesError(f"{self.name}: expected float32 features of shape (rows, values), found {found}")
        if self.frames.shape != (len(self.values),):
            raise FeaturesError(f"{self.name}: {len(self.values)} rows, but frames of shape {self.frames.shape}")
        if not np.isfinite(self.frames).all() or (np.diff(self.frames) <= 0).any():
            raise FeaturesError(f"{self.name}: expected frames that ascend from row to row, found others")
        for start in range(0, 0 if self.checked else len(self.values), _CHECKED_ROWS):
            bad = np.flatnonzero(~np.isfinite(self.values[start : start + _CHECKED_ROWS]).all(axis=1))
            if bad.size:
                raise FeaturesError(
                    f"{self.name}: expected finite features, found NaN or infinite ones, first at frame "
                    f"{self.frames[start + bad[0]]:g}",
                    hint="extract this individual again, or leave it out",
                )

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
