"""Plan the chunks of each tracklet and the rows of the result.

Chunk k of a tracklet starts at its frame ``k * frequency``. All frame numbers are those of the video unless stated
otherwise. Chunks and rows are evenly spaced, so that a plan holds a few numbers for each tracklet, however long.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.backbones.registry import I3D
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.individuals import Id
from napari_i3d.tracking.tracklets import Tracklet


@dataclass(frozen=True)
class TrackletChunks:
    """The chunks of one tracklet and the rows made from them."""

    id: Id
    first_frame: int  # of the tracklet, and of its first chunk
    last_frame: int  # of the tracklet, inclusive
    step: int  # frames from one chunk to the next, and from one row to the next
    pad: bool = False  # whether there is a row for each step of the tracklet, not only for each chunk

    @property
    def n_chunks(self) -> int:
        """Number of chunks K."""
        return (self.last_frame - self.first_frame + 1 - I3D.chunk_frames) // self.step + 1

    @property
    def n_rows(self) -> int:
        """Number of rows N of the result."""
        return (self.last_frame - self.first_frame) // self.step + 1 if self.pad else self.n_chunks

    @property
    def starts(self) -> NDArray[np.int64]:
        """(K,) first frame of each chunk, ascending."""
        return self.first_frame + self.step * np.arange(self.n_chunks, dtype=np.int64)

    @property
    def row_chunks(self) -> NDArray[np.int64]:
        """(N,) the chunk, 0 to K - 1, of each row of the result."""
        return self.chunks_of_rows(0, self.n_rows)

    @property
    def row_starts(self) -> NDArray[np.int64]:
        """(N,) the first frame of the chunk of each row."""
        return self.first_frame + self.step * self.row_chunks

    @property
    def row_frames(self) -> NDArray[np.float64]:
        """(N,) the frame of each row."""
        center = 0.0 if self.pad else I3D.chunk_center
        return self.first_frame + center + self.step * np.arange(self.n_rows, dtype=np.float64)

    @property
    def last_start(self) -> int:
        """The first frame of the last chunk."""
        return self.first_frame + self.step * (self.n_chunks - 1)

    @property
    def last_needed(self) -> int:
        """The last frame in any chunk."""
        return self.last_start + I3D.chunk_frames - 1

    def need(self, frame: int) -> bool:
        """Return whether a chunk contains the frame."""
        begun = min(frame, self.last_start) - self.first_frame
        return begun >= 0 and frame - self.first_frame - begun // self.step * self.step < I3D.chunk_frames

    def has_start(self, frame: int) -> bool:
        """Return whether a chunk starts at the frame."""
        return self.first_frame <= frame <= self.last_start and not (frame - self.first_frame) % self.step

    def number_of(self, start: int) -> int:
        """Return the number of the chunk that starts at a frame."""
        return (start - self.first_frame) // self.step

    def part(self, first: int, stop: int) -> "TrackletChunks":
        """Return only the chunks [first, stop), with the frame range of these chunks."""
        start, last_start = (self.first_frame + self.step * number for number in (first, stop - 1))
        return TrackletChunks(self.id, start, last_start + I3D.chunk_frames - 1, self.step)

    def chunks_of_rows(self, first: int, stop: int) -> NDArray[np.int64]:
        """Return the chunk of each of the rows [first, stop)."""
        return np.clip(np.arange(first, stop, dtype=np.int64) - self._rows_ahead, 0, self.n_chunks - 1)

    def rows_of_chunks(self, first: int, stop: int) -> tuple[int, int]:
        """Return the range of the rows that hold the chunks [first, stop), which must not be empty."""
        first_row = first + self._rows_ahead if first else 0
        return first_row, stop + self._rows_ahead if stop < self.n_chunks else self.n_rows

    @property
    def _rows_ahead(self) -> int:
        """Number of padded rows before the row from which on row and chunk advance together.

        Padded row r holds the chunk whose start ``k * step`` is nearest to ``r * step - 3``, which is r less this
        number. Ties (steps of 2 and 6) go to the earlier chunk: its center, 3.5 frames after its start, is nearer to
        the row's frame. Rows before the first chunk and after the last repeat these.
        """
        before = int(I3D.chunk_center)  # 3
        return (self.step + 2 * before) // (2 * self.step) if self.pad else 0


@dataclass(frozen=True)
class ChunkPlan:
    """The chunks of an extraction."""

    tracklets: tuple[TrackletChunks, ...]  # those that are used, in the order of the tracking
    left_out: dict[Id, str]  # reason for each tracklet that is too short

    @property
    def total_chunks(self) -> int:
        """Number of chunks of all tracklets."""
        return sum(chunks.n_chunks for chunks in self.tracklets)

    @property
    def total_rows(self) -> int:
        """Number of rows of all tracklets."""
        return sum(chunks.n_rows for chunks in self.tracklets)


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
    return TrackletChunks(tracklet_id, start, start + n_frames - 1, settings.frequency, settings.pad)


def needed_frames(tracklets: Iterable[TrackletChunks], skip_frames: int) -> Iterator[tuple[int, int]]:
    """Yield the half-open, ascending ranges of frames that chunks cover.

    Ranges less than `skip_frames` apart are joined: decoding through is cheaper than seeking.
    """
    return join_ranges(sorted(piece for chunks in tracklets for piece in _stretches(chunks, skip_frames)), skip_frames)


def join_ranges(ranges: Iterable[tuple[int, int]], skip_frames: int) -> Iterator[tuple[int, int]]:
    """Join half-open ranges of ascending first frames that overlap or are less than `skip_frames` apart."""
    joined: tuple[int, int] | None = None
    for first, stop in ranges:
        if joined is not None and first - joined[1] < skip_frames:
            joined = joined[0], max(joined[1], stop)
        else:
            if joined is not None:
                yield joined
            joined = first, stop
    if joined is not None:
        yield joined


def _stretches(chunks: TrackletChunks, skip_frames: int) -> list[tuple[int, int]]:
    if chunks.step - I3D.chunk_frames < skip_frames:
        return [(chunks.first_frame, chunks.last_needed + 1)]
    return [(start, start + I3D.chunk_frames) for start in chunks.starts.tolist()]
