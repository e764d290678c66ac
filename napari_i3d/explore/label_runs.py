"""Runs of equal labels of rows (clusters, for example), their statistics, and the transitions between them."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import FeaturesError
from napari_i3d.features.table import FeatureTable
from napari_i3d.individuals import Id, Span


@dataclass(frozen=True)
class LabelRun(Span):
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
class LabelRunStatistics:
    """Durations of the runs of one label of one individual.

    Attributes
    ----------
    count
        Number of runs.
    mean_frames, median_frames
        Length of a run in video frames.
    mean_s, median_s
        Length of a run in seconds; None if the frame rate is unknown.
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


def label_run_statistics(found: Iterable[LabelRun]) -> tuple[LabelRunStatistics, ...]:
    """Return number, mean and median length of the runs of each label of each individual, in label order."""
    groups: dict[tuple[str, Id], dict[int, list[LabelRun]]] = {}
    for run in found:
        groups.setdefault((run.video, run.individual), {}).setdefault(run.label, []).append(run)
    statistics = []
    for (video, individual), by_label in groups.items():
        total = sum(run.frames for runs in by_label.values() for run in runs)
        for label, runs in sorted(by_label.items()):
            frames = [run.frames for run in runs]
            seconds = [run.seconds for run in runs if run.seconds is not None]
            statistics.append(
                LabelRunStatistics(
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


def label_runs(table: FeatureTable, labels: NDArray[np.integer]) -> tuple[LabelRun, ...]:
    """Return the runs of rows of the same label, in the order of the rows.

    Parameters
    ----------
    table
        The rows.
    labels : (N,) integers
        The label of each row. A run ends if the label or the individual changes, or rows are more than a step apart.
    """
    _check_labels(table, labels)
    found = []
    for number, start, stop in table.stretches:
        sequence = table.sequences[number]
        edges = [start, *(start + 1 + np.flatnonzero(np.diff(labels[start:stop]))).tolist(), stop]
        for first, end in itertools.pairwise(edges):
            frames = (end - first) * sequence.step_frames
            found.append(
                LabelRun(
                    sequence.video,
                    sequence.individual,
                    float(table.frames[first]),
                    float(table.frames[end - 1]),
                    int(labels[first]),
                    frames,
                    frames / sequence.fps if sequence.fps else None,
                )
            )
    return tuple(found)


def _check_labels(table: FeatureTable, labels: NDArray[np.integer]) -> None:
    if labels.shape != (len(table),):
        raise FeaturesError(f"expected a label for each of {len(table)} rows, found labels of shape {labels.shape}")


def transitions(table: FeatureTable, labels: NDArray[np.integer], count: int | None = None) -> NDArray[np.int64]:
    """Count how often a run of one label follows a run of another.

    Parameters
    ----------
    table
        The rows.
    labels : (N,) integers
        The label of each row, from 0.
    count
        Number of labels K; None: the largest plus one.

    Returns
    -------
    (P, K, K) int64
        For each sequence of the table, from which label (axis 1) to which (axis 2). Rows more than a step apart are no
        transition; the diagonal is 0.
    """
    _check_labels(table, labels)
    count = int(labels.max()) + 1 if count is None else count
    if labels.min() < 0 or labels.max() >= count:
        raise FeaturesError(f"expected labels of 0 to {count - 1}, found {labels.min()} to {labels.max()}")
    counts = np.zeros((len(table.sequences), count, count), np.int64)
    for number, start, stop in table.stretches:
        before, after = labels[start : stop - 1], labels[start + 1 : stop]
        changed = before != after
        np.add.at(counts[number], (before[changed], after[changed]), 1)
    return counts
