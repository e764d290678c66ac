"""Plan the chunks of each tracklet and the rows of the result.

Chunk k of a tracklet starts at its frame ``k * frequency``. All frame numbers are those of the video unless stated
otherwise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.backbones.registry import I3D
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.individuals import Id
from napari_i3d.tracking.tracklets import Tracklet


@dataclass(frozen=True, eq=False)
class TrackletChunks:
    """The chunks of one tracklet and the rows made from them."""

    id: Id
    first_frame: int
    last_frame: int  # of the tracklet, inclusive
    starts: NDArray[np.int64]  # (K,) first frame of each chunk, ascending
    row_chunks: NDArray[np.int64]  # (N,) the chunk, 0 to K - 1, of each row of the result
    row_frames: NDArray[np.float64]  # (N,) the frame of each row

    @property
    def last_needed(self) -> int:
        """The last frame in any chunk."""
        return int(self.starts[-1]) + I3D.chunk_frames - 1

    def need(self, frame: int) -> bool:
        """Return whether a chunk contains the frame."""
        begun = self._begun_by(frame)
        return begun > 0 and frame < self.starts[begun - 1] + I3D.chunk_frames

    def has_start(self, frame: int) -> bool:
        """Return whether a chunk starts at the frame."""
        begun = self._begun_by(frame)
        return begun > 0 and bool(self.starts[begun - 1] == frame)

    def has_start_in(self, first: int, stop: int) -> bool:
        """Return whether a chunk starts in the frames [first, stop)."""
        return self._begun_by(stop - 1) > self._begun_by(first - 1)

    def number_of(self, start: int) -> int:
        """Return the number of the chunk that starts at a frame."""
        return self._begun_by(start) - 1

    def part(self, first: int, stop: int) -> "TrackletChunks":
        """Return only the chunks [first, stop), with the frame range of these chunks."""
        starts = self.starts[first:stop]
        count = np.arange(len(starts), dtype=np.int64)
        centers = np.asarray(starts + I3D.chunk_center, dtype=np.float64)
        first_frame, last_frame = int(starts[0]), int(starts[-1]) + I3D.chunk_frames - 1
        return TrackletChunks(self.id, first_frame, last_frame, starts, count, centers)

    def _begun_by(self, frame: int) -> int:
        return int(self.starts.searchsorted(frame, side="right"))


@dataclass(frozen=True)
class ChunkPlan:
    """The chunks of an extraction."""

    tracklets: tuple[TrackletChunks, ...]  # those that are used, in the order of the tracking
    left_out: dict[Id, str]  # reason for each tracklet that is too short

    @property
    def total_chunks(self) -> int:
        """Number of chunks of all tracklets."""
        return sum(len(chunks.starts) for chunks in self.tracklets)


def plan_chunks(tracklets: Iterable[Tracklet], settings: ExtractionSettings) -> ChunkPlan:
    """Plan the chunks and rows of tracklets; those of fewer than ``min_frames`` (or a chunk's) frames are left out."""
    used: list[TrackletChunks] = []
    left_out: dict[Id, str] = {}
    for tracklet in tracklets:
        if len(tracklet) < settings.shortest_tracklet:
            left_out[tracklet.id] = f"{counted(len(tracklet), 'frame')}, fewer than {settings.shortest_tracklet}"
        else:
            used.append(tracklet_chunks(tracklet.id, tracklet.start, len(tracklet), settings))
    return ChunkPlan(tuple(used), left_out)


def tracklet_chunks(tracklet_id: Id, start: int, n_frames: int, settings: ExtractionSettings) -> TrackletChunks:
    """Plan one tracklet of `n_frames` frames (at least those of a chunk) whose first is frame `start`."""
    step = settings.frequency
    n_chunks = (n_frames - I3D.chunk_frames) // step + 1
    starts = start + step * np.arange(n_chunks, dtype=np.int64)
    row_frames: NDArray[np.float64]
    if settings.pad:
        row_chunks = padded_row_chunks(n_frames, n_chunks, step)
        row_frames = np.asarray(start + step * np.arange(len(row_chunks)), dtype=np.float64)
    else:
        row_chunks = np.arange(n_chunks, dtype=np.int64)
        row_frames = np.asarray(starts + I3D.chunk_center)
    return TrackletChunks(tracklet_id, start, start + n_frames - 1, starts, row_chunks, row_frames)


def padded_row_chunks(n_frames: int, n_chunks: int, step: int) -> NDArray[np.int64]:
    """Return for each padded row r the chunk whose start ``k * step`` is nearest to ``r * step - 3``.

    Ties (steps of 2 and 6) go to the earlier chunk: its center, 3.5 frames after its start, is nearer to the row's
    frame. Rows before the first chunk and after the last repeat these.
    """
    rows = np.arange(-(-n_frames // step), dtype=np.int64)
    before = int(I3D.chunk_center)  # 3
    # ceil(x - 1/2) rounds to the nearest and halves down; here x = (r * step - before) / step, in whole numbers.
    nearest = -((step - 2 * (rows * step - before)) // (2 * step))
    return np.clip(nearest, 0, n_chunks - 1)


def needed_frames(tracklets: Sequence[TrackletChunks], skip_frames: int) -> list[tuple[int, int]]:
    """Return the half-open, ascending ranges of frames that chunks cover.

    Ranges less than `skip_frames` apart are joined: decoding through is cheaper than seeking.
    """
    if not tracklets:
        return []
    starts = np.unique(np.concatenate([chunks.starts for chunks in tracklets]))
    stops = starts + I3D.chunk_frames
    breaks = np.flatnonzero(starts[1:] - stops[:-1] >= skip_frames)
    firsts = np.concatenate([starts[:1], starts[breaks + 1]])
    lasts = np.concatenate([stops[breaks], stops[-1:]])
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]
