"""Runs of equal labels of rows (clusters, for example), and the transitions between them."""

import itertools

import numpy as np
from numpy.typing import NDArray

from napari_i3d.annotations.bouts import Bout
from napari_i3d.errors import FeaturesError
from napari_i3d.features.table import FeatureTable


def bouts(table: FeatureTable, labels: NDArray[np.integer]) -> tuple[Bout, ...]:
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
                Bout(
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
    """Count how often a bout of one label follows a bout of another.

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
