"""Shards: the portions of an extraction that are computed on their own, kept, and handed out to other machines.

A shard is a range of the chunks of a job, ordered by their first frame. It is computed from a fresh start, whatever
was computed before and wherever: so its numbers are the same in a run that was never disturbed and in one that went on
after it was killed, and on a cluster but for the rounding of other machines and numbers of threads.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_i3d.extraction.planning.chunks import TrackletChunks
from napari_i3d.extraction.planning.plan import Job
from napari_i3d.extraction.settings import FEATURES, ExtractionSettings, SampleMode
from napari_i3d.individuals import Id

# What is lost when a run is killed: below a minute from 5 chunks/s on. At its edges a shard computes the first
# layer, about a quarter of all work, of 7 frames of each individual again: 1 % of 256 chunks of one individual, 3 % of
# four. Where more are in the image together, shards are longer, so that this stays small.
_CHUNKS = 256
_TOGETHER = 4
_LONGEST = 4
"""Times as long, at most."""
# Ten views each.
_OVERSAMPLED_CHUNKS = 96


@dataclass(frozen=True, eq=False)
class Shard:
    """Some chunks of a job, and all that is needed to compute them from the video.

    Attributes
    ----------
    number
        Its place in the job, from 0.
    chunks
        For each tracklet that has chunks in it, these alone; `first_frame` and `last_frame` are of the chunks.
    first_chunks
        For each of `chunks` the number, in the job's tracklet, of its first chunk.
    boxes
        For each individual the part of the image to crop, (N, 4) int64, from `first_frame` of its chunks.
    settings
        The choices.
    """

    number: int
    chunks: tuple[TrackletChunks, ...]
    first_chunks: tuple[int, ...]
    boxes: dict[Id, NDArray[np.int64]]
    settings: ExtractionSettings

    @property
    def n_chunks(self) -> int:
        """Number of chunks."""
        return sum(len(chunks.starts) for chunks in self.chunks)

    @property
    def first_frame(self) -> int:
        """The first frame that a chunk holds."""
        return min(chunks.first_frame for chunks in self.chunks)

    @property
    def last_frame(self) -> int:
        """The last frame that a chunk holds."""
        return max(chunks.last_frame for chunks in self.chunks)

    @cached_property
    def offsets(self) -> dict[Id, int]:
        """For each individual the place of its first chunk among the rows of the shard."""
        lengths = np.cumsum([0, *(len(chunks.starts) for chunks in self.chunks)])
        return {chunks.id: int(offset) for chunks, offset in zip(self.chunks, lengths[:-1], strict=True)}


@dataclass(frozen=True, eq=False)
class ShardRows:
    """The features of a whole shard.

    Attributes
    ----------
    shard
        Which.
    rows : (K, 2048) float32
        Of the chunks of `shard.chunks`, one individual after the other.
    device
        What computed them: ``"cpu"``, ``"cuda:0"``.
    """

    shard: Shard
    rows: NDArray[np.float32]
    device: str


def shard_length(job: Job) -> int:
    """Return the number of chunks of a shard: a matter of the job, never of the machine."""
    if job.settings.sample_mode is SampleMode.OVERSAMPLE:
        return _OVERSAMPLED_CHUNKS
    starts = np.concatenate([chunks.starts for chunks in job.plan.tracklets])
    together = len(starts) / len(np.unique(starts))
    return _CHUNKS * min(_LONGEST, math.ceil(together / _TOGETHER))


def plan_shards(job: Job, length: int | None = None) -> list[Shard]:
    """Divide a job into shards of `length` chunks (None: as `shard_length` says), in the order of frames."""
    length = length or shard_length(job)
    tracklets = job.plan.tracklets
    owner = np.concatenate([np.full(len(chunks.starts), place) for place, chunks in enumerate(tracklets)])
    chunk = np.concatenate([np.arange(len(chunks.starts)) for chunks in tracklets])
    starts = np.concatenate([chunks.starts for chunks in tracklets])
    order = np.argsort(starts, kind="stable")
    shards = []
    for number, first in enumerate(range(0, len(order), length)):
        chosen = order[first : first + length]
        # Of one tracklet the chunks in a range of first frames follow each other.
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


class ChunkRows:
    """The features of all chunks of a job, filled shard by shard."""

    def __init__(self, job: Job) -> None:
        self._rows = {w.id: np.empty((len(w.starts), FEATURES), np.float32) for w in job.plan.tracklets}

    def put(self, shard: Shard, rows: NDArray[np.float32]) -> None:
        """Put the rows of a shard, (K, 2048), in their places."""
        for chunks, first in zip(shard.chunks, shard.first_chunks, strict=True):
            offset, count = shard.offsets[chunks.id], len(chunks.starts)
            self._rows[chunks.id][first : first + count] = rows[offset : offset + count]

    def pop(self, individual: Id) -> NDArray[np.float32]:
        """Give away the rows of an individual, (K, 2048): to be taken once, since a padded result is a copy."""
        return self._rows.pop(individual)


def total_chunks(shards: Iterable[Shard]) -> int:
    """Return how many chunks shards have in all."""
    return sum(shard.n_chunks for shard in shards)
