"""Divide a job into shards, which are computed independently, saved as checkpoints, and sent to workers.

A shard is a range of the chunks of a job, ordered by their first frame. Its computation depends on nothing before it,
so its numbers are the same in an uninterrupted run and in a resumed one, and on a cluster except for the rounding of
other machines and numbers of threads.
"""

import copy
import itertools
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from napari_i3d.backbones.registry import I3D
from napari_i3d.extraction.planning.chunks import TrackletChunks
from napari_i3d.extraction.planning.plan import Job
from napari_i3d.extraction.settings import ExtractionSettings, SampleMode
from napari_i3d.individuals import Id

# The work lost when a run is killed: less than a minute at 5 chunks/s or more. A shard repeats the first layer, about a
# quarter of all work, for 7 frames of each individual at its edges: 1 % of 256 chunks of one individual, 3 % of four.
# With more individuals at once, shards are longer to keep this small.
SHARD_CHUNKS = 256
_TOGETHER = 4
_LONGEST = 4
"""Largest factor by which shards are longer."""
# Each chunk has ten views.
_OVERSAMPLED_CHUNKS = 96


@dataclass(frozen=True, eq=False)
class Shard:
    """Some chunks of a job, with all data needed to compute them from the video."""

    number: int  # index in the job
    chunks: tuple[TrackletChunks, ...]  # by tracklet; their frame ranges are those of the chunks
    first_chunks: tuple[int, ...]  # for each of `chunks`, the number of its first chunk in the job's tracklet
    boxes: dict[Id, NDArray[np.int32]]  # to crop, for each individual (N, 4), from the first frame of its chunks
    settings: ExtractionSettings

    @property
    def n_chunks(self) -> int:
        """Number of chunks."""
        return sum(chunks.n_chunks for chunks in self.chunks)

    @property
    def first_frame(self) -> int:
        """The first frame of the chunks."""
        return min(chunks.first_frame for chunks in self.chunks)

    @property
    def last_frame(self) -> int:
        """The last frame of the chunks."""
        return max(chunks.last_frame for chunks in self.chunks)

    @cached_property
    def offsets(self) -> dict[Id, int]:
        """Row of the first chunk of each individual in the shard."""
        offsets = itertools.accumulate((chunks.n_chunks for chunks in self.chunks), initial=0)
        return {chunks.id: offset for chunks, offset in zip(self.chunks, offsets, strict=False)}


@dataclass(frozen=True, eq=False)
class ShardRows:
    """The features of a shard."""

    shard: Shard
    rows: NDArray[np.float32]  # (K, width) of `shard.chunks`, one individual after the other
    device: str  # that computed them: "cpu", "cuda:0"


class Shards(Sequence[Shard]):
    """Shards of a job, in frame order; each is made whenever it is asked for, so that long jobs take little memory.

    Parameters
    ----------
    job
        The job.
    length
        Number of chunks of all shards but the last.
    """

    def __init__(self, job: Job, length: int) -> None:
        self._job, self._length = job, length
        tracklets = job.plan.tracklets
        self._first_frames = np.array([chunks.first_frame for chunks in tracklets])
        self._n_chunks = np.array([chunks.n_chunks for chunks in tracklets])
        starting = _chunks_by_frame(job)
        begun = np.cumsum(starting, dtype=np.int64)  # by each frame
        # Each shard begins in a frame, after the chunks there that belong to the shard before.
        ahead = np.arange(0, begun[-1], length)
        frames = np.searchsorted(begun, ahead, side="right")
        self._frames = frames + self._first_frames.min()
        self._before = ahead - (begun[frames] - starting[frames])
        self._numbers = np.arange(len(ahead))

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, item: int) -> Shard: ...
    @overload
    def __getitem__(self, item: slice) -> "Shards": ...
    def __getitem__(self, item: int | slice) -> "Shard | Shards":
        """Return a shard, or some of these shards."""
        return self._only(self._numbers[item]) if isinstance(item, slice) else self._make(int(self._numbers[item]))

    @property
    def numbers(self) -> list[int]:
        """The number in the job of each shard."""
        return self._numbers.tolist()

    @property
    def n_chunks(self) -> int:
        """Number of chunks of these shards."""
        begun = self._length * self._numbers
        return int(np.minimum(self._length, self._job.plan.total_chunks - begun).sum())

    def without(self, numbers: Collection[int]) -> "Shards":
        """Return these shards but those of some numbers in the job."""
        return self._only(self._numbers[~np.isin(self._numbers, list(numbers))])

    def _only(self, numbers: NDArray[np.int64]) -> "Shards":
        some = copy.copy(self)
        some._numbers = numbers
        return some

    def _make(self, number: int) -> Shard:
        first, stop = self._chunks_before(number), self._chunks_before(number + 1)
        job, chunks, boxes = self._job, [], {}
        places = np.flatnonzero(first < stop).tolist()
        for place in places:
            whole = job.plan.tracklets[place]
            part = whole.part(int(first[place]), int(stop[place]))
            chunks.append(part)
            rows = slice(part.first_frame - whole.first_frame, part.last_frame + 1 - whole.first_frame)
            boxes[part.id] = job.boxes[part.id][rows]
        return Shard(number, tuple(chunks), tuple(first[places].tolist()), boxes, job.settings)

    def _chunks_before(self, number: int) -> NDArray[np.int64]:
        """Return the number of chunks of each tracklet that precede a shard."""
        if number == len(self._frames):
            return self._n_chunks
        frames, step = self._frames[number] - self._first_frames, self._job.settings.frequency
        begun: NDArray[np.int64] = np.clip(-(-frames // step), 0, self._n_chunks)
        starting = (frames >= 0) & (frames % step == 0) & (begun < self._n_chunks)
        begun += starting & (np.cumsum(starting) <= self._before[number])
        return begun


def shard_length(job: Job) -> int:
    """Return the number of chunks of a shard, which depends on the job, never on the machine."""
    if job.settings.sample_mode is SampleMode.OVERSAMPLE:
        return _OVERSAMPLED_CHUNKS
    together = job.plan.total_chunks / np.count_nonzero(_chunks_by_frame(job))
    return SHARD_CHUNKS * min(_LONGEST, math.ceil(together / _TOGETHER))


def plan_shards(job: Job, length: int | None = None) -> Shards:
    """Divide a job into shards of `length` chunks (None: from `shard_length`), in frame order."""
    return Shards(job, length or shard_length(job))


def _chunks_by_frame(job: Job) -> NDArray[np.int32]:
    """Return the number of chunks that start in each frame, from the first chunk to the last."""
    tracklets = job.plan.tracklets
    first = min(chunks.first_frame for chunks in tracklets)
    starting = np.zeros(max(chunks.last_start for chunks in tracklets) - first + 1, np.int32)
    for chunks in tracklets:
        starting[chunks.first_frame - first : chunks.last_start - first + 1 : chunks.step] += 1
    return starting


class ChunkRows:
    """The features of all chunks of a job, filled shard by shard."""

    def __init__(self, job: Job) -> None:
        self._rows = {w.id: np.empty((w.n_chunks, I3D.width), np.float32) for w in job.plan.tracklets}

    def put(self, shard: Shard, rows: NDArray[np.float32]) -> None:
        """Store the rows of a shard, (K, width)."""
        for chunks, first in zip(shard.chunks, shard.first_chunks, strict=True):
            offset, count = shard.offsets[chunks.id], chunks.n_chunks
            self._rows[chunks.id][first : first + count] = rows[offset : offset + count]

    def pop(self, individual: Id) -> NDArray[np.float32]:
        """Remove and return the rows of an individual, (K, width), to free them when a padded result copies them."""
        return self._rows.pop(individual)
