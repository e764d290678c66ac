"""Standardization over all rows of all individuals and videos together."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d.features.scaling import Scaling
from napari_i3d.features.table import BLOCK_ROWS, FeatureTable, TableLike, as_table


@long_call
def scaling_of(data: TableLike) -> Steps[Scaling]:
    """Compute mean and deviation of each column over all rows, block by block.

    scikit-learn's `StandardScaler` joins means and sums of squares of blocks in float64, after Chan, Golub and LeVeque
    (1983), "Algorithms for computing the sample variance". A column whose variance is within rounding of a constant has
    deviation 0.
    """
    from sklearn.preprocessing import StandardScaler

    table = as_table(data)
    scaler = StandardScaler()
    for start, block in table.blocks():
        scaler.partial_fit(block.astype(np.float64))
        yield Step(min(start + BLOCK_ROWS, len(table)), len(table), "standardizing")
    # scikit-learn marks a column as constant by scale 1 and a variance within rounding of 0.
    rounding = np.finfo(np.float32).eps * np.abs(scaler.mean_)
    deviation = np.sqrt(scaler.var_)
    return Scaling(scaler.mean_, np.where(deviation <= rounding, 0.0, deviation))


@long_call
def standardize(data: TableLike) -> Steps[FeatureTable]:
    """Return the rows with every column at mean 0 and variance 1 over all of them; constant columns become 0.

    ``z = (x - mean) / sqrt(mean((x - mean)**2))``. The arrays are not copied: rows are scaled as they are read. A table
    that is already on a common scale is returned unchanged.
    """
    table = as_table(data)
    if table.comparable:
        return table
    scaling = yield from scaling_of.steps(table)
    return replace(table, scaling=scaling, comparable=True)


def unit_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows divided by their length, so that their products are cosines; rows of zeros are unchanged."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    units: NDArray[np.float32] = np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 0)
    return units
