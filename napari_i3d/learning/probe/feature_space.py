"""What a probe sees of a row: its first principal components, on one scale."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.progress import Steps
from napari_i3d.explore.components import principal_components
from napari_i3d.explore.standardize import scaling_of
from napari_i3d.features.table import as_table

COMPONENTS = 64
SPACE_ROWS = 1000
"""Rows that components are computed from: neighbors share most of their frames, so that more of them add little."""


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """Scores of principal components of standardized rows: ``scores = (x - mean) @ matrix``.

    Attributes
    ----------
    mean : (D,) float64
        Mean of each feature.
    matrix : (D, K) float64
        Directions divided by each feature's deviation, 0 for a constant one; the mean variance of the scores is 1.
    """

    mean: NDArray[np.float64]
    matrix: NDArray[np.float64]

    @property
    def width(self) -> int:
        """Number of features in a row."""
        return len(self.mean)

    def then(self, weights: NDArray[np.float64]) -> "FeatureSpace":
        """Return the map of rows to ``scores @ weights``, weights of (K, C): one product for each row."""
        return FeatureSpace(self.mean, self.matrix @ weights)

    def apply(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores of rows (n, D) float32: (n, K) float32."""
        # A mean rounded to float32 makes the differences exact; the rounding is the same for all rows.
        mean = self.mean.astype(np.float32)
        rest = (mean - self.mean) @ self.matrix
        scores: NDArray[np.float32] = (rows - mean) @ self.matrix.astype(np.float32)
        scores += rest.astype(np.float32)
        return scores


def fit_space(rows: NDArray[np.float32], components: int = COMPONENTS) -> Steps[FeatureSpace]:
    """Compute the space of rows (n, D) float32."""
    table = as_table(rows)
    scaling = yield from scaling_of.steps(table)
    found = yield from principal_components.steps(replace(table, scaling=scaling, comparable=True), components)
    constant = scaling.deviation == 0
    factor = np.where(constant, 0.0, 1 / np.where(constant, 1.0, scaling.deviation))
    size = float(np.sqrt(found.variance.mean())) or 1.0
    return FeatureSpace(scaling.mean, factor[:, None] * found.directions.T / size)


def evenly(rows: NDArray[np.int64], most: int = SPACE_ROWS) -> NDArray[np.int64]:
    """Return at most as many of the rows, evenly spaced."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]
