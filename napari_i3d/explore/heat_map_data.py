"""Data of a heat map of features: which features, in which order, on which scale.

An hour of video has 100,000 rows of 2048 values, 800 MB, which are read in blocks: at most 200 columns of them are
shown, and statistics over time use at most 4096 evenly spaced rows, so they are exact for shorter videos.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_i3d.features.row_blocks import Rows, row_blocks, take_rows

STATISTICS_ROWS = 4096
_SEED = 8
_Z_LIMIT = 2.5


class Content(StrEnum):
    """The lines of a heat map."""

    FEATURES = "features"
    COMPONENTS = "components"


class Order(StrEnum):
    """Order of the lines that are features, from the top."""

    SIMILARITY = "similarity"
    VARIABILITY = "variability"
    FILE = "file"


class Scale(StrEnum):
    """Meaning of the colors."""

    STANDARDIZED = "standardized"
    RAW = "raw"


@dataclass(frozen=True, kw_only=True)
class HeatMapOptions:
    """Options of a heat map.

    Parameters
    ----------
    content
        The most variable features, or the first principal components.
    order
        Order of features: those that rise and fall together side by side (by their weight in the first principal
        component), the most variable first, or as in the file. Components keep their order.
    scale
        Each line standardized to mean 0 and deviation 1, or the raw values.
    count
        Maximum number of lines.
    """

    content: Content = Content.FEATURES
    order: Order = Order.SIMILARITY
    scale: Scale = Scale.STANDARDIZED
    count: int = 200


@dataclass(frozen=True, eq=False)
class HeatMap:
    """The lines of a heat map.

    Attributes
    ----------
    values : (N, K) float32
        K lines over N rows (of time); the first line is drawn at the top.
    lines : (K,) int64
        Number of the feature or component of each line.
    low, high
        Values at the ends of the color scale.
    options
        How it was made.
    """

    values: NDArray[np.float32]
    lines: NDArray[np.int64]
    low: float
    high: float
    options: HeatMapOptions

    def __len__(self) -> int:
        return len(self.values)

    def image(self, first: int, stop: int, columns: int) -> NDArray[np.float32]:
        """Return rows `first` to `stop`, averaged into at most `columns` equal columns: (K, n) float32."""
        first, stop = max(first, 0), min(stop, len(self.values))
        n_rows = max(stop - first, 0)
        if n_rows <= columns:
            return np.ascontiguousarray(self.values[first : first + n_rows].T)
        edges = np.arange(columns, dtype=np.int64) * n_rows // columns
        sums = np.add.reduceat(self.values[first:stop], edges, axis=0)  # (columns, K)
        return np.ascontiguousarray((sums / np.diff(edges, append=n_rows)[:, None]).T, dtype=np.float32)


def heat_map(rows: Rows, options: HeatMapOptions | None = None) -> HeatMap:
    """Choose and scale the lines of a heat map of an individual's features, (N, D), which are read in blocks.

    Constant features are left out. Of more than 4096 rows, means, variances and components are those of 4096 evenly
    spaced rows. Default options are used if none are given.
    """
    options = options or HeatMapOptions()
    sample = take_rows(rows, np.arange(0, len(rows), max(1, -(-len(rows) // STATISTICS_ROWS))))
    if not len(sample):
        return HeatMap(np.empty((0, 0), np.float32), np.empty(0, np.int64), -1.0, 1.0, options)
    if options.content is Content.COMPONENTS:
        values, spread = _components(rows, sample, options.count)
        lines = np.arange(values.shape[1], dtype=np.int64)
        middle: NDArray[np.float32] = np.zeros_like(spread)
    else:
        lines, middle, spread = _most_variable(sample, options)
        values = np.empty((len(rows), len(lines)), np.float32)
        _fill(values, rows, lambda block: block[:, lines])
    if options.scale is Scale.STANDARDIZED:
        values -= middle
        values /= spread
        return HeatMap(values, lines, -_Z_LIMIT, _Z_LIMIT, options)
    low, high = np.percentile(values[:: max(1, -(-len(values) // STATISTICS_ROWS))], (1, 99)) if lines.size else (-1, 1)
    return HeatMap(values, lines, float(low), float(high) if high > low else float(low) + 1, options)


def _most_variable(
    sample: NDArray[np.float32], options: HeatMapOptions
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Return number, mean and deviation of the features shown, in the chosen order."""
    means = sample.mean(axis=0, dtype=np.float64)
    variances = np.zeros_like(means)
    for first in range(0, len(sample), 512):  # in pieces, to save memory
        variances += np.square(sample[first : first + 512] - means).sum(axis=0)
    variances /= len(sample)
    chosen = np.argsort(-variances, kind="stable")[: options.count]
    # Rounding leaves a constant feature with a variance that is not quite 0.
    chosen = chosen[variances[chosen] > 1e-12 * np.square(means[chosen])]
    if options.order is Order.FILE:
        chosen = np.sort(chosen)
    elif options.order is Order.SIMILARITY:
        standardized = (sample[:, chosen] - means[chosen]) / np.sqrt(variances[chosen])
        _, vectors = np.linalg.eigh(standardized.T @ standardized)
        weights = vectors[:, -1] if chosen.size else np.empty(0)
        chosen = chosen[np.argsort(-weights * np.sign(weights.sum() or 1), kind="stable")]
    return (
        chosen.astype(np.int64),
        means[chosen].astype(np.float32),
        np.sqrt(variances[chosen]).astype(np.float32),
    )


def _components(rows: Rows, sample: NDArray[np.float32], count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return scores on the first principal components, (N, K), and their standard deviations, (K,).

    A full decomposition of 2048 columns takes seconds, a randomized one a fraction. It is seeded, and the sum of each
    direction is made positive: the same features give the same image.
    """
    from sklearn.utils.extmath import randomized_svd

    mean = sample.mean(axis=0)
    count = min(count, *sample.shape)
    _, sizes, directions = randomized_svd(
        sample - mean, count, n_iter=8, power_iteration_normalizer="QR", flip_sign=False, random_state=_SEED
    )
    used = sizes > 1e-6 * max(sizes[0], 1e-30)
    directions = directions[used].T  # (D, K)
    directions *= np.where(directions.sum(axis=0) < 0, -1, 1)
    scores = np.empty((len(rows), directions.shape[1]), np.float32)
    _fill(scores, rows, lambda block: block @ directions)
    scores -= mean @ directions
    return scores, (sizes[used] / np.sqrt(len(sample))).astype(np.float32)


def _fill(
    values: NDArray[np.float32], rows: Rows, lines_of: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> None:
    """Compute the values of all rows, block by block."""
    start = 0
    for block in row_blocks(rows):
        values[start : start + len(block)] = lines_of(block)
        start += len(block)
