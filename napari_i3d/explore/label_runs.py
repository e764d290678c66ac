"""How long clusters, or any labels of rows, last, and what follows what."""

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
        A label for each row. A run ends where the label changes, where rows are more than a step apart, and with the
        individual.
    """
    if labels.shape != (len(table),):
        raise FeaturesError(f"expected a label for each of {len(table)} rows, found labels of shape {labels.shape}")
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


def transitions(table: FeatureTable, labels: NDArray[np.integer], count: int | None = None) -> NDArray[np.int64]:
    """Count how often a bout of one label follows a bout of another.

    Parameters
    ----------
    table
        The rows.
    labels : (N,) integers
        From 0, one for each row.
    count
        Number of labels K; None: the largest plus one.

    Returns
    -------
    (P, K, K) int64
        For each part of the table: from which label (axis 1) to which (axis 2). Nothing is counted where rows are more
        than a step apart; the diagonal is 0.
    """
    if labels.shape != (len(table),):
        raise FeaturesError(f"expected a label for each of {len(table)} rows, found labels of shape {labels.shape}")
    count = int(labels.max()) + 1 if count is None else count
    if labels.min() < 0 or labels.max() >= count:
        raise FeaturesError(f"expected labels of 0 to {count - 1}, found {labels.min()} to {labels.max()}")
    counts = np.zeros((len(table.sequences), count, count), np.int64)
    for number, start, stop in table.stretches:
        before, after = labels[start : stop - 1], labels[start + 1 : stop]
        changed = before != after
        np.add.at(counts[number], (before[changed], after[changed]), 1)
    return counts
