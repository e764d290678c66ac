"""The result of an extraction: features of each individual, and the frames of their rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import FeaturesError
from napari_i3d.features.row_blocks import Rows
from napari_i3d.individuals import Id

ROW_DTYPES = (np.dtype(np.float32), np.dtype(np.float16))


@dataclass(frozen=True, eq=False)
class Features(Mapping[Id, Rows]):
    """Features of each individual: ``features[id]`` is an array of (N, 2048) float32, a row for each chunk or frame.

    Those of a store of float16 are float16; functions of this package compute with them as float32.

    Individuals whose file does not state their frames, chunk starts, or first and last frame are missing in these.

    Attributes
    ----------
    rows
        For each individual (N, 2048) float32 or float16, in the order of the tracking file.
    frames
        For each individual (N,) float64: the video frame of each row; the center of a chunk lies halfway between two.
    chunk_starts
        For each individual (N,) int64: first video frame of the chunk whose features the row holds.
    first_frame, last_frame
        Range of each individual's tracklet, inclusive.
    fps
        Frames per second of the video; None if unknown.
    provenance
        How the features were made, as JSON values: versions, weights, settings, facts of video and tracking.

    Raises
    ------
    FeaturesError
        The arrays do not fit each other.
    """

    rows: Mapping[Id, Rows]
    frames: Mapping[Id, NDArray[np.float64]] = field(default_factory=dict)
    chunk_starts: Mapping[Id, NDArray[np.int64]] = field(default_factory=dict)
    first_frame: Mapping[Id, int] = field(default_factory=dict)
    last_frame: Mapping[Id, int] = field(default_factory=dict)
    fps: float | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for individual, rows in self.rows.items():
            if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.dtype not in ROW_DTYPES:
                found = f"{rows.dtype} {rows.shape}" if isinstance(rows, np.ndarray) else type(rows).__name__
                raise FeaturesError(f"{individual}: expected float32 features of shape (rows, values), found {found}")
            for name, values in (("frames", self.frames), ("chunk starts", self.chunk_starts)):
                if individual in values and values[individual].shape != (len(rows),):
                    raise FeaturesError(
                        f"{individual}: {len(rows)} rows of features, but {name} of shape {values[individual].shape}"
                    )
        for name in ("rows", "frames", "chunk_starts", "first_frame", "last_frame", "provenance"):
            values = getattr(self, name)
            if name != "provenance" and (unknown := [key for key in values if key not in self.rows]):
                raise FeaturesError(f"{name} of {unknown[0]!r}, of which there are no features")
            object.__setattr__(self, name, MappingProxyType(dict(values)))

    def __getitem__(self, individual: Id) -> Rows:
        return self.rows[individual]

    def __iter__(self) -> Iterator[Id]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{individual!r}: {rows.shape}" for individual, rows in self.rows.items())
        return f"Features({{{shapes}}})"

    def one_row_a_frame(self, individual: Id) -> bool:
        """Return whether an individual has one row for each frame of its tracklet."""
        if individual not in self.frames or individual not in self.first_frame or individual not in self.last_frame:
            return False
        first, last = self.first_frame[individual], self.last_frame[individual]
        if last - first + 1 != len(self.frames[individual]):
            return False  # before the array is made: a file may state any number
        expected = np.arange(first, last + 1)
        return np.array_equal(self.frames[individual], expected)

    @property
    def n_video_frames(self) -> int | None:
        """Number of frames of the video; None if unknown."""
        video = self.provenance.get("video")
        found = video.get("frames") if isinstance(video, Mapping) else None
        return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None
