"""What a classifier sees of a row: its scores, and those of rows around it."""

import numpy as np
from numpy.typing import NDArray

from napari_i3d.features.table import BLOCK_ROWS, FeatureTable, rows_apart
from napari_i3d.learning.probe.feature_space import FeatureSpace
from napari_i3d.learning.probe.settings import ProbeSettings


def context_offsets(settings: ProbeSettings, step_frames: float) -> tuple[int, ...]:
    """Return which rows a row is seen with, relative to it."""
    if not settings.context_frames:
        return (0,)
    rows = rows_apart(settings.context_frames, step_frames)
    return -rows, 0, rows


def neighbors(
    rows: NDArray[np.int64], stretches: tuple[tuple[int, int], ...], offsets: tuple[int, ...]
) -> NDArray[np.int64]:
    """Return the rows at offsets from others, the last of a stretch beyond its end: (n, offsets) int64."""
    ends = np.array(stretches)
    own = ends[np.searchsorted(ends[:, 0], rows, "right") - 1]
    near: NDArray[np.int64] = np.clip(rows[:, None] + np.array(offsets), own[:, :1], own[:, 1:] - 1)
    return near


def context_inputs(
    table: FeatureTable, rows: NDArray[np.int64], space: FeatureSpace, settings: ProbeSettings
) -> NDArray[np.float32]:
    """Return what heads see of rows of a table, with their context: (n, K * offsets) float32."""
    near = []
    for number, sequence in enumerate(table.sequences):
        own = rows[table.sequence_of_row[rows] == number] - table.starts[number]
        near.append(
            neighbors(own, sequence.stretches, context_offsets(settings, sequence.step_frames)) + table.starts[number]
        )
    # Rows of a table ascend by sequence, so the pieces are in the order of `rows`.
    places = np.concatenate(near)
    needed, where = np.unique(places, return_inverse=True)
    scores = np.empty((len(needed), space.matrix.shape[1]), np.float32)
    for start in range(0, len(needed), BLOCK_ROWS):
        scores[start : start + BLOCK_ROWS] = space.apply(table.take(needed[start : start + BLOCK_ROWS]))
    return scores[where.reshape(places.shape)].reshape(len(rows), -1)
