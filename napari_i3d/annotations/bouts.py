"""Bouts: intervals of one label of one individual, and their statistics."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from napari_i3d.individuals import Id, Span


@dataclass(frozen=True)
class Bout(Span):
    """An unbroken run of rows of one label.

    Attributes
    ----------
    label
        The label.
    frames
        Length in video frames: number of rows times the step from row to row.
    seconds
        Length in seconds; None if the frame rate is unknown.
    """

    label: int
    frames: float
    seconds: float | None


@dataclass(frozen=True)
class BoutStatistics:
    """Durations of the bouts of one label of one individual.

    Attributes
    ----------
    count
        Number of bouts.
    mean_frames, median_frames
        Length of a bout in video frames.
    mean_s, median_s
        Length of a bout in seconds; None if the frame rate is unknown.
    share
        Share of the individual's rows, 0 to 1.
    """

    video: str
    individual: Id
    label: int
    count: int
    mean_frames: float
    median_frames: float
    mean_s: float | None
    median_s: float | None
    share: float


def bout_statistics(found: Iterable[Bout]) -> tuple[BoutStatistics, ...]:
    """Return number, mean and median length of the bouts of each label of each individual, in label order."""
    groups: dict[tuple[str, Id], dict[int, list[Bout]]] = {}
    for bout in found:
        groups.setdefault((bout.video, bout.individual), {}).setdefault(bout.label, []).append(bout)
    statistics = []
    for (video, individual), by_label in groups.items():
        total = sum(bout.frames for runs in by_label.values() for bout in runs)
        for label, runs in sorted(by_label.items()):
            frames = [bout.frames for bout in runs]
            seconds = [bout.seconds for bout in runs if bout.seconds is not None]
            statistics.append(
                BoutStatistics(
                    video,
                    individual,
                    label,
                    len(runs),
                    float(np.mean(frames)),
                    float(np.median(frames)),
                    float(np.mean(seconds)) if seconds else None,
                    float(np.median(seconds)) if seconds else None,
                    sum(frames) / total,
                )
            )
    return tuple(statistics)
