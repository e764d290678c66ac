"""Segments: the portions of an extraction that are computed on their own, kept, and handed out to other machines.

A segment is a range of the chunks of a job, ordered by their first frame. It is computed from a fresh start, whatever
was computed before and wherever: so its numbers are the same in a run that was never disturbed and in one that went on
after it was killed, and on a cluster but for the rounding of other machines and numbers of threads.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_i3d.extraction.planning.chunks import TrackletWindows
from napari_i3d.extraction.planning.plan import Job
from napari_i3d.extraction.settings import FEATURES, ExtractionSettings, SampleMode
from napari_i3d.individuals import Id

# What is lost when a run is killed: below a minute from 5 windows/s on. At its edges a segment computes the first
# layer, about a quarter of all work, of 7 frames of each individual again: 1 % of 256 chunks of one individual, 3 % of
# four. Where more are in the picture together, segments are longer, so that this stays small.
_CHUNKS = 256
_TOGETHER = 4
_LONGEST = 4
"""Times as long, at most."""
# Ten views each.
_OVERSAMPLED_CHUNKS = 96


@dataclass(frozen=True, eq=False)
class Segment:
    """Some chunks of a job, and all that is needed to compute them from the video.

    Attributes
    ----------
    number
        Its place in the job, from 0.
    windows
        For each tracklet that has chunks in it, these alone; `first_frame` and `last_frame` are of the chunks.
    first_chunks
        For each of `windows` the number, in the job's tracklet, of its first chunk.
    boxes
        For each individual the part of the picture to crop, (N, 4) int64, from `first_frame` of its windows.
    settings
        The choices.
    """

    number: int
    windows: tuple[TrackletWindows, ...]
    first_chunks: tuple[int, ...]
    boxes: dict[Id, NDArray[np.int64]]
    settings: ExtractionSettings

    @property
    def n_chunks(self) -> int:
        """Number of chunks."""
        return sum(len(windows.starts) for windows in self.windows)

    @property
    def first_frame(self) -> int:
        """The first frame that a chunk holds."""
        return min(windows.first_frame for windows in self.windows)

    @property
    def last_frame(self) -> int:
        """The last frame that a chunk holds."""
        return max(windows.last_frame for windows in self.windows)

    @cached_property
    def offsets(self) -> dict[Id, int]:
        """For each individual the place of its first chunk among the rows of the segment."""
        lengths = np.cumsum([0, *(len(windows.starts) for windows in self.windows)])
        return {windows.id: int(offset) for windows, offset in zip(self.windows, lengths[:-1], strict=True)}


@dataclass(frozen=True, eq=False)
class SegmentRows:
    """The features of a whole segment.

    Attributes
    ----------
    segment
        Which.
    rows : (K, 2048) float32
        Of the chunks of `segment.windows`, one individual after the other.
    device
        What computed them: ``"cpu"``, ``"cuda:0"``.
    """

    segment: Segment
    rows: NDArray[np.float32]
    device: str


def segment_length(job: Job) -> int:
    """Return the number of chunks of a segment: a matter of the job, never of the machine."""
    if job.settings.sample_mode is SampleMode.OVERSAMPLE:
        return _OVERSAMPLED_CHUNKS
    starts = np.concatenate([windows.starts for windows in job.plan.tracklets])
    together = len(starts) / len(np.unique(starts))
    return _CHUNKS * min(_LONGEST, math.ceil(together / _TOGETHER))


def plan_segments(job: Job, length: int | None = None) -> list[Segment]:
    """Divide a job into segments of `length` chunks (None: as `segment_length` says), in the order of frames."""
    length = length or segment_length(job)
    tracklets = job.plan.tracklets
    owner = np.concatenate([np.full(len(windows.starts), place) for place, windows in enumerate(tracklets)])
    chunk = np.concatenate([np.arange(len(windows.starts)) for windows in tracklets])
    starts = np.concatenate([windows.starts for windows in tracklets])
    order = np.argsort(starts, kind="stable")
    segments = []
    for number, first in enumerate(range(0, len(order), length)):
        chosen = order[first : first + length]
        # Of one tracklet the chunks in a range of first frames follow each other.
        ranges = [(place, chunk[chosen[owner[chosen] == place]]) for place in np.unique(owner[chosen]).tolist()]
        parts = [(tracklets[place], int(chunks[0]), int(chunks[-1]) + 1) for place, chunks in ranges]
        segments.append(_segment(number, job, parts))
    return segments


def _segment(number: int, job: Job, parts: list[tuple[TrackletWindows, int, int]]) -> Segment:
    windows = tuple(whole.part(first, stop) for whole, first, stop in parts)
    boxes = {
        part.id: job.boxes[part.id][part.first_frame - whole.first_frame : part.last_frame + 1 - whole.first_frame]
        for part, (whole, _, _) in zip(windows, parts, strict=True)
    }
    return Segment(number, windows, tuple(first for _, first, _ in parts), boxes, job.settings)


class ChunkRows:
    """The features of all chunks of a job, filled segment by segment."""

    def __init__(self, job: Job) -> None:
        self._rows = {w.id: np.empty((len(w.starts), FEATURES), np.float32) for w in job.plan.tracklets}

    def put(self, segment: Segment, rows: NDArray[np.float32]) -> None:
        """Put the rows of a segment, (K, 2048), in their places."""
        for windows, first in zip(segment.windows, segment.first_chunks, strict=True):
            offset, count = segment.offsets[windows.id], len(windows.starts)
            self._rows[windows.id][first : first + count] = rows[offset : offset + count]

    def pop(self, individual: Id) -> NDArray[np.float32]:
        """Give away the rows of an individual, (K, 2048): to be taken once, since a padded result is a copy."""
        return self._rows.pop(individual)


def total_chunks(segments: Iterable[Segment]) -> int:
    """Return how many chunks segments have in all."""
    return sum(segment.n_chunks for segment in segments)
