"""Principal components of features."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.standardize import standardize
from napari_i3d.features.table import BLOCK_ROWS, FeatureTable, TableLike

DEFAULT_COMPONENTS = 50


@dataclass(frozen=True, eq=False)
class Components:
    """The first principal components of standardized rows.

    Attributes
    ----------
    table
        The rows with their scores, (N, K), as values; their cosines and distances approximate those of the features.
    directions : (K, D) float64
        Unit vectors; the largest entry of each is positive, so that the same features give the same signs.
    variance : (K,) float64
        Variance of the scores (divided by N).
    explained : (K,) float64
        Share of the variance of all columns, 0 to 1; 0 without variance.
    """

    table: FeatureTable
    directions: NDArray[np.float64]
    variance: NDArray[np.float64]
    explained: NDArray[np.float64]

    @property
    def scores(self) -> NDArray[np.float32]:
        """Scores of all rows: (N, K) float32."""
        return self.table.rows(0, len(self.table))


@long_call
def principal_components(data: TableLike, count: int = DEFAULT_COMPONENTS) -> Steps[Components]:
    """Compute the first principal components of the standardized rows, exactly, in bounded memory.

    The eigenvectors of largest eigenvalue of the correlation matrix ``Z.T @ Z / N``, summed over blocks of rows; with
    fewer
    rows than columns, of ``Z @ Z.T / N``, and ``Z.T @ u`` made unit length (Jolliffe 2002, "Principal Component
    Analysis",
    section 3.5). scikit-learn's `IncrementalPCA` is not used, since it drops what lies beyond the components kept after
    each block. Products are float32 and sums float64, which is exact to about 1e-6 of the largest variance.

    Parameters
    ----------
    data
        Rows; they are centered, and standardized unless they are on a common scale already.
    count
        Number of components; fewer if there are fewer rows or columns.

    Raises
    ------
    FeaturesError
        `count` is not positive.
    """
    if count < 1:
        raise FeaturesError(f"expected at least 1 principal component, found {count}")
    import scipy.linalg

    table = yield from standardize.steps(data)
    mean = np.zeros(table.width)
    for _, block in table.blocks():
        mean += block.sum(axis=0, dtype=np.float64)
    mean = (mean / len(table)).astype(np.float32)
    if len(table) < table.width:
        rows = table.rows(0, len(table)) - mean
        matrix = (rows @ rows.T).astype(np.float64)
    else:
        matrix = np.zeros((table.width, table.width))
        for start, block in table.blocks():
            centered = block - mean
            matrix += centered.T @ centered
            yield Step(min(start + BLOCK_ROWS, len(table)), len(table), "correlations")
    size = len(matrix)
    count = min(count, size)
    variance, vectors = scipy.linalg.eigh(matrix / len(table), subset_by_index=(size - count, size - 1))
    variance, vectors = np.maximum(variance[::-1], 0), vectors[:, ::-1]
    total = float(np.trace(matrix)) / len(table)
    if len(table) < table.width:
        vectors = rows.T @ vectors
        # Directions without variance are only rounding; as zeros they give scores of 0.
        lengths = np.linalg.norm(vectors, axis=0)
        used = variance > 1e-6 * max(total, np.finfo(np.float64).tiny)
        vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=used & (lengths > 0))
    directions = _signed(vectors.T)
    scores = np.empty((len(table), count), np.float32)
    for start, block in table.blocks():
        scores[start : start + len(block)] = (block - mean) @ directions.T.astype(np.float32)
        yield Step(start + len(block), len(table), "scores")
    explained = variance / total if total > 0 else np.zeros_like(variance)
    return Components(table.with_values(scores), directions, variance, explained)


def _signed(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn each direction so that its entry of largest size is positive, as scikit-learn's `svd_flip` does."""
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    return np.where(largest < 0, -directions, directions)
