"""Divide a job into shards, which are computed independently, saved as checkpoints, and sent to workers.

A shard is a range of the chunks of a job, ordered by their first frame. Its computation depends on nothing before it,
so its numbers are the same in an uninterrupted run and in a resumed one, and on a cluster except for the rounding of
other machines and numbers of threads.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

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
    boxes: dict[Id, NDArray[np.int64]]  # to crop, for each individual (N, 4), from the first frame of its chunks
    settings: ExtractionSettings

    @property
    def n_chunks(self) -> int:
        """Number of chunks."""
        return sum(len(chunks.starts) for chunks in self.chunks)

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
        lengths = np.cumsum([0, *(len(chunks.starts) for chunks in self.chunks)])
        return {chunks.id: int(offset) for chunks, offset in zip(self.chunks, lengths[:-1], strict=True)}


@dataclass(frozen=True, eq=False)
class ShardRows:
    """The features of a shard."""

    shard: Shard
    rows: NDArray[np.float32]  # (K, width) of `shard.chunks`, one individual after the other
    device: str  # that computed them: "cpu", "cuda:0"


def shard_length(job: Job) -> int:
    """Return the number of chunks of a shard, which depends on the job, never on the machine."""
    if job.settings.sample_mode is SampleMode.OVERSAMPLE:
        return _OVERSAMPLED_CHUNKS
    starts = np.concatenate([chunks.starts for chunks in job.plan.tracklets])
    together = len(starts) / len(np.unique(starts))
    return SHARD_CHUNKS * min(_LONGEST, math.ceil(together / _TOGETHER))


def plan_shards(job: Job, length: int | None = None) -> list[Shard]:
    """Divide a job into shards of `length` chunks (None: from `shard_length`), in frame order."""
    length = length or shard_length(job)
    tracklets = job.plan.tracklets
    owner = np.concatenate([np.full(len(chunks.starts), place) for place, chunks in enumerate(tracklets)])
    chunk = np.concatenate([np.arange(len(chunks.starts)) for chunks in tracklets])
    starts = np.concatenate([chunks.starts for chunks in tracklets])
    order = np.argsort(starts, kind="stable")
    shards = []
    for number, first in enumerate(range(0, len(order), length)):
        chosen = order[first : first + length]
        # The chunks of one tracklet in a range of first frames are consecutive.
        ranges = [(place, chunk[chosen[owner[chosen] == place]]) for place in np.unique(owner[chosen]).tolist()]
        parts = [(tracklets[place], int(chunks[0]), int(chunks[-1]) + 1) for place, chunks in ranges]
        shards.append(_shard(number, job, parts))
    return shards


def _shard(number: int, job: Job, parts: list[tuple[TrackletChunks, int, int]]) -> Shard:
    chunks = tuple(whole.part(first, stop) for whole, first, stop in parts)
    boxes = {
        part.id: job.boxes[part.id][part.first_frame - whole.first_frame : part.last_frame + 1 - whole.first_frame]
        for part, (whole, _, _) in zip(chunks, parts, strict=True)
    }
    return Shard(number, chunks, tuple(first for _, first, _ in parts), boxes, job.settings)


def divide_shards(shards: Sequence[Shard], count: int) -> list[Sequence[Shard]]:
    """Divide shards into at most `count` runs of consecutive ones, of about as many frames each, none empty.

    Runs, because decoding starts at a key frame, perhaps long before a shard: each run pays for that once, and for the
    frames that it shares with the run before.
    """
    ends = np.cumsum([shard.last_frame + 1 - shard.first_frame for shard in shards])
    middles = ends - np.diff(ends, prepend=0) / 2
    owner = (middles * count // ends[-1]).astype(int) if len(ends) else ends
    return [[shards[place] for place in np.flatnonzero(owner == run).tolist()] for run in np.unique(owner)]


class ChunkRows:
    """The features of all chunks of a job, filled shard by shard."""

    def __init__(self, job: Job) -> None:
        self._rows = {w.id: np.empty((len(w.starts), I3D.width), np.float32) for w in job.plan.tracklets}

    def put(self, shard: Shard, rows: NDArray[np.float32]) -> None:
        """Store the rows of a shard, (K, width)."""
        for chunks, first in zip(shard.chunks, shard.first_chunks, strict=True):
            offset, count = shard.offsets[chunks.id], len(chunks.starts)
            self._rows[chunks.id][first : first + count] = rows[offset : offset + count]

    def pop(self, individual: Id) -> NDArray[np.float32]:
        """Remove and return the rows of an individual, (K, width), to free them when a padded result copies them."""
        return self._rows.pop(individual)


def total_chunks(shards: Iterable[Shard]) -> int:
    """Return the number of chunks of all shards."""
    return sum(shard.n_chunks for shard in shards)
