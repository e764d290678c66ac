"""How long clusters, or any labels of rows, last, and what follows what."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import FeaturesError
from napari_i3d.features.explore.part import Span
from napari_i3d.features.explore.stack import Stack
from napari_i3d.features.model import Id


@dataclass(frozen=True)
class Bout(Span):
    """A run of rows of one label, unbroken.

    Attributes
    ----------
    label
        Of its rows.
    frames
        Its length in video frames: rows times the step from row to row.
    seconds
        The same in seconds; None where the frames a second are not known.
    """

    label: int
    frames: float
    seconds: float | None


@dataclass(frozen=True)
class BoutStatistics:
    """How long the bouts of one label of one individual last.

    Attributes
    ----------
    video, individual, label
        Whose, and which.
    count
        Number of bouts.
    mean_frames, median_frames
        Length of a bout in video frames.
    mean_s, median_s
        The same in seconds; None where the frames a second are not known.
    share
        Of the individual's rows, 0 to 1.
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


def bouts(stack: Stack, labels: NDArray[np.integer]) -> tuple[Bout, ...]:
    """Return the runs of rows of the same label, in the order of the rows.

    Parameters
    ----------
    stack
        The rows.
    labels : (N,) integers
        A label for each row. A run ends where the label changes, where rows are more than a step apart, and with the
        individual.
    """
    if labels.shape != (len(stack),):
        raise FeaturesError(f"expected a label for each of {len(stack)} rows, found labels of shape {labels.shape}")
    found = []
    for number, start, stop in stack.segments:
        part = stack.parts[number]
        edges = [start, *(start + 1 + np.flatnonzero(np.diff(labels[start:stop]))).tolist(), stop]
        for first, end in itertools.pairwise(edges):
            frames = (end - first) * part.step_frames
            found.append(
                Bout(
                    part.video,
                    part.individual,
                    float(stack.frames[first]),
                    float(stack.frames[end - 1]),
                    int(labels[first]),
                    frames,
                    frames / part.fps if part.fps else None,
                )
            )
    return tuple(found)


def bout_statistics(found: Iterable[Bout]) -> tuple[BoutStatistics, ...]:
    """Return number, mean and median length of the bouts of each label of each individual, in order of the labels."""
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


def transitions(stack: Stack, labels: NDArray[np.integer], count: int | None = None) -> NDArray[np.int64]:
    """Count how often a bout of one label follows a bout of another.

    Parameters
    ----------
    stack
        The rows.
    labels : (N,) integers
        From 0, one for each row.
    count
        Number of labels K; None: the largest plus one.

    Returns
    -------
    (P, K, K) int64
        For each part of the stack: from which label (axis 1) to which (axis 2). Nothing is counted where rows are more
        than a step apart; the diagonal is 0.
    """
    if labels.shape != (len(stack),):
        raise FeaturesError(f"expected a label for each of {len(stack)} rows, found labels of shape {labels.shape}")
    count = int(labels.max()) + 1 if count is None else count
    if labels.min() < 0 or labels.max() >= count:
        raise FeaturesError(f"expected labels of 0 to {count - 1}, found {labels.min()} to {labels.max()}")
    counts = np.zeros((len(stack.parts), count, count), np.int64)
    for number, start, stop in stack.segments:
        before, after = labels[start : stop - 1], labels[start + 1 : stop]
        changed = before != after
        np.add.at(counts[number], (before[changed], after[changed]), 1)
    return counts
