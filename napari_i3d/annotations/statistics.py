"""Number, duration, latency, rate and time share of behaviors, and the transitions between them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.frame_ranges import count_frames, covers, merge_ranges
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id


@dataclass(frozen=True)
class BehaviorStatistics:
    """Statistics of one behavior of one individual.

    Attributes
    ----------
    individual, behavior
        Who, and what.
    count
        Number of bouts.
    total_frames
        Number of frames that show the behavior; bouts toward several targets at once count once.
    mean_frames, median_frames, sd_frames
        Duration of a bout; None without bouts. The standard deviation is that of a sample, None for a single bout.
    latency_frames
        From the first assessed frame to the first bout; None without bouts.
    assessed_frames
        Number of frames in which the individual was looked at.
    fps
        Frames per second; None if unknown.
    """

    individual: Id
    behavior: str
    count: int
    total_frames: int
    mean_frames: float | None
    median_frames: float | None
    sd_frames: float | None
    latency_frames: int | None
    assessed_frames: int
    fps: float | None

    @property
    def share(self) -> float | None:
        """Share of the assessed frames that show the behavior, 0 to 1; None if none was assessed."""
        return self.total_frames / self.assessed_frames if self.assessed_frames else None

    @property
    def rate_per_min(self) -> float | None:
        """Bouts per minute of assessed time; None if the frame rate is unknown or nothing was assessed."""
        return self.count * 60 * self.fps / self.assessed_frames if self.fps and self.assessed_frames else None

    @property
    def total_s(self) -> float | None:
        """`total_frames` in seconds; None if the frame rate is unknown."""
        return self._seconds(self.total_frames)

    @property
    def mean_s(self) -> float | None:
        """`mean_frames` in seconds; None without bouts or if the frame rate is unknown."""
        return self._seconds(self.mean_frames)

    @property
    def median_s(self) -> float | None:
        """`median_frames` in seconds; None without bouts or if the frame rate is unknown."""
        return self._seconds(self.median_frames)

    @property
    def sd_s(self) -> float | None:
        """`sd_frames` in seconds; None with less than two bouts or if the frame rate is unknown."""
        return self._seconds(self.sd_frames)

    @property
    def latency_s(self) -> float | None:
        """`latency_frames` in seconds; None without bouts or if the frame rate is unknown."""
        return self._seconds(self.latency_frames)

    def _seconds(self, frames: float | None) -> float | None:
        return None if frames is None or self.fps is None else frames / self.fps


def behavior_statistics(annotation: Annotation) -> tuple[BehaviorStatistics, ...]:
    """Return the statistics of each behavior of each individual, also of those that it never shows."""
    return tuple(
        _statistics(annotation, individual, behavior)
        for individual in annotation.individuals
        for behavior in annotation.ethogram
    )


def _statistics(annotation: Annotation, individual: Id, behavior: str) -> BehaviorStatistics:
    ranges = [(bout.start, bout.stop) for bout in annotation.of(individual) if bout.behavior == behavior]
    frames = np.array([stop - start for start, stop in ranges], np.int64)
    assessed = annotation.assessed.get(individual, ())
    return BehaviorStatistics(
        individual,
        behavior,
        len(ranges),
        count_frames(merge_ranges(ranges)),
        float(frames.mean()) if ranges else None,
        float(np.median(frames)) if ranges else None,
        float(frames.std(ddof=1)) if len(ranges) > 1 else None,
        ranges[0][0] - assessed[0][0] if ranges else None,
        count_frames(assessed),
        annotation.fps,
    )


@dataclass(frozen=True)
class TimeBudget:
    """What an individual does with its assessed time.

    Attributes
    ----------
    individual
        Who.
    frames
        {behavior: number of frames that show it}; frames of several behaviors count for each.
    idle_frames
        Number of assessed frames without any behavior.
    assessed_frames
        Number of assessed frames.
    """

    individual: Id
    frames: dict[str, int]
    idle_frames: int
    assessed_frames: int


def time_budgets(annotation: Annotation) -> tuple[TimeBudget, ...]:
    """Return the time budget of each individual that was assessed."""
    budgets = []
    for individual, assessed in annotation.assessed.items():
        own = annotation.of(individual)
        frames = {
            name: count_frames(merge_ranges((bout.start, bout.stop) for bout in own if bout.behavior == name))
            for name in annotation.ethogram
        }
        busy = count_frames(merge_ranges((bout.start, bout.stop) for bout in own))
        total = count_frames(assessed)
        budgets.append(TimeBudget(individual, frames, total - busy, total))
    return tuple(budgets)


@dataclass(frozen=True, eq=False)
class Transitions:
    """How often a behavior follows another.

    Attributes
    ----------
    behaviors
        The behaviors, (K,).
    counts
        (K, K) int64: how often the second (axis 1) follows the first (axis 0).
    max_gap_frames
        The largest number of frames between the two.
    """

    behaviors: tuple[str, ...]
    counts: NDArray[np.int64]
    max_gap_frames: int

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(K, K): share of the transitions from a behavior (axis 0); not-a-number if there are none."""
        totals = self.counts.sum(axis=1, keepdims=True)
        shares = np.full(self.counts.shape, np.nan)
        np.divide(self.counts, totals, out=shares, where=totals > 0)
        return shares


def behavior_transitions(
    annotation: Annotation, individuals: Iterable[Id] | None = None, max_gap_frames: int = 0
) -> Transitions:
    """Count how often a behavior follows another.

    A bout is followed by the next one of the same individual that begins when it has ended, or by each of those that
    begin in the same frame, at most `max_gap_frames` later. Frames that were not assessed in between break the
    sequence: nobody knows what happened there.

    Parameters
    ----------
    annotation
        The annotation.
    individuals
        Whose; None: all.
    max_gap_frames
        The largest number of frames without behavior between the two; 0: they touch.

    Raises
    ------
    AnnotationError
        The gap is negative.
    """
    if max_gap_frames < 0:
        raise AnnotationError(f"expected a gap of 0 frames or more, found {max_gap_frames}")
    names = tuple(annotation.ethogram)
    counts = np.zeros((len(names), len(names)), np.int64)
    for individual in annotation.individuals if individuals is None else individuals:
        own, assessed = annotation.of(individual), annotation.assessed.get(individual, ())
        starts = [bout.start for bout in own]
        for bout in own:
            at = bisect_left(starts, bout.stop)
            if at == len(own) or starts[at] > bout.stop + max_gap_frames:
                continue
            following = starts[at]
            if following > bout.stop and not covers(assessed, bout.stop, following):
                continue
            for other in own[at : bisect_right(starts, following)]:
                counts[annotation.ethogram.index(bout.behavior), annotation.ethogram.index(other.behavior)] += 1
    return Transitions(names, counts, max_gap_frames)
