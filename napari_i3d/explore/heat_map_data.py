"""Data of a heat map of features: which features, in which order, on which scale.

An hour of video has 100,000 rows of 2048 values, 800 MB, which are read in blocks: at most 200 columns of them are
shown, and statistics over time use at most 4096 evenly spaced rows, so they are exact for shorter videos. Of more than
65,536 rows, means of consecutive rows are kept; a short range of the rows themselves is read again when it is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_i3d.features.row_blocks import Rows, read_rows, take_rows

STATISTICS_ROWS = 4096
KEPT_VALUES = 65_536
"""Most values of a line: 52 MB for 200 lines."""
READ_ROWS = 4096
"""Most rows that are read again to show a short range of many: 33 MB."""
_BLOCK_ROWS = 4096
_SEED = 8
_Z_LIMIT = 2.5


LinesOf = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From a block of rows, (n, D), to the values of the lines, (n, K)."""


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
class MapImage:
    """A part of a heat map.

    Attributes
    ----------
    values : (K, n) float32
        Equal columns of the K lines.
    first, stop
        The rows from the left edge of the first column to the right edge of the last.
    """

    values: NDArray[np.float32]
    first: int
    stop: int


@dataclass(frozen=True, eq=False)
class HeatMap:
    """The lines of a heat map.

    Attributes
    ----------
    values : (M, K) float32
        K lines over N rows (of time), each value the mean of `step` consecutive rows; the first line is drawn at the
        top.
    lines : (K,) int64
        Number of the feature or component of each line.
    low, high
        Values at the ends of the color scale.
    options
        How it was made.
    n_rows, step
        N; and the rows of a value (the last may have fewer), 1 for up to 65,536 rows.
    """

    values: NDArray[np.float32]
    lines: NDArray[np.int64]
    low: float
    high: float
    options: HeatMapOptions
    n_rows: int
    step: int
    _rows: Rows = field(repr=False)
    _lines_of: LinesOf = field(repr=False)

    def __len__(self) -> int:
        return self.n_rows

    def image(self, first: int, stop: int, columns: int) -> MapImage:
        """Return rows `first` to `stop`, averaged into at most `columns` equal columns.

        If more than 4096 rows of a heat map of more than 65,536 are asked for, the image begins and ends where means
        do: up to `step - 1` rows before `first` and after `stop`, and perhaps after the last row.
        """
        first, stop = max(first, 0), min(stop, self.n_rows)
        n_rows = max(stop - first, 0)
        if self.step == 1:
            values = self.values[first : first + n_rows]
        elif n_rows <= READ_ROWS:
            values = _means(self._rows, self._lines_of, len(self.lines), 1, first, first + n_rows)
        else:
            return self._image_of_means(first // self.step, -(-stop // self.step), columns)
        return MapImage(_averaged(values, columns), first, first + n_rows)

    def _image_of_means(self, first: int, stop: int, columns: int) -> MapImage:
        rows_of_last = min(stop * self.step, self.n_rows) - (stop - 1) * self.step
        values = _averaged(self.values[first:stop], columns, last=rows_of_last / self.step)
        return MapImage(values, first * self.step, stop * self.step)


def heat_map(rows: Rows, options: HeatMapOptions | None = None) -> HeatMap:
    """Choose and scale the lines of a heat map of an individual's features, (N, D), which are read in blocks.

    Constant features are left out. Of more than 4096 rows, means, variances, components and the ends of the color scale
    are those of 4096 evenly spaced rows. Default options are used if none are given. Memory does not grow with N.
    """
    options = options or HeatMapOptions()
    n_rows = len(rows)
    sample = take_rows(rows, np.arange(0, n_rows, max(1, -(-n_rows // STATISTICS_ROWS))))
    if not n_rows:
        nothing = np.empty((0, 0), np.float32)
        return HeatMap(nothing, np.empty(0, np.int64), -1.0, 1.0, options, 0, 1, rows, lambda block: block[:, :0])
    lines, lines_of = (_components if options.content == Content.COMPONENTS else _most_variable)(sample, options)
    low, high = -_Z_LIMIT, _Z_LIMIT
    if options.scale == Scale.RAW:
        low, high = map(float, np.percentile(lines_of(sample), (1, 99)) if lines.size else (-1, 1))
        high = high if high > low else low + 1
    del sample  # 33 MB
    step = max(1, -(-n_rows // KEPT_VALUES))
    values = _means(rows, lines_of, len(lines), step, 0, n_rows)
    return HeatMap(values, lines, low, high, options, n_rows, step, rows, lines_of)


def _means(rows: Rows, lines_of: LinesOf, n_lines: int, step: int, first: int, stop: int) -> NDArray[np.float32]:
    """Return the means of every `step` rows from `first` to `stop`, (M, K), computed block by block."""
    means = np.empty((-(-(stop - first) // step), n_lines), np.float32)
    size = step * max(1, _BLOCK_ROWS // step)
    for start in range(first, stop, size):
        values = lines_of(read_rows(rows, start, min(start + size, stop)))
        edges = np.arange(0, len(values), step)
        place = (start - first) // step
        means[place : place + len(edges)] = (
            np.add.reduceat(values, edges, axis=0) / np.diff(edges, append=len(values))[:, None]
        )
    return means


def _averaged(values: NDArray[np.float32], columns: int, last: float = 1) -> NDArray[np.float32]:
    """Return means of consecutive values in at most `columns` columns, (K, n); the last value has a weight."""
    if len(values) <= columns:
        return np.ascontiguousarray(values.T)
    edges = np.arange(columns, dtype=np.int64) * len(values) // columns
    weights = np.diff(edges, append=len(values)).astype(np.float64)
    sums = np.add.reduceat(values, edges, axis=0)  # (columns, K)
    sums[-1] -= (1 - last) * values[-1]
    weights[-1] -= 1 - last
    return np.ascontiguousarray((sums / weights[:, None]).T, dtype=np.float32)


def _most_variable(sample: NDArray[np.float32], options: HeatMapOptions) -> tuple[NDArray[np.int64], LinesOf]:
    """Return the numbers of the features shown, in the chosen order, and how their values are computed."""
    means = sample.mean(axis=0, dtype=np.float64)
    variances = np.zeros_like(means)
    for first in range(0, len(sample), 512):  # in pieces, to save memory
        variances += np.square(sample[first : first + 512] - means).sum(axis=0)
    variances /= len(sample)
    chosen = np.argsort(-variances, kind="stable")[: options.count]
    # Rounding leaves a constant feature with a variance that is not quite 0.
    chosen = chosen[variances[chosen] > 1e-12 * np.square(means[chosen])]
    if options.order == Order.FILE:
        chosen = np.sort(chosen)
    elif options.order == Order.SIMILARITY:
        standardized = (sample[:, chosen] - means[chosen]) / np.sqrt(variances[chosen])
        _, vectors = np.linalg.eigh(standardized.T @ standardized)
        weights = vectors[:, -1] if chosen.size else np.empty(0)
        chosen = chosen[np.argsort(-weights * np.sign(weights.sum() or 1), kind="stable")]
    if options.scale == Scale.RAW:
        return chosen.astype(np.int64), lambda block: block[:, chosen]
    middle, spread = means[chosen].astype(np.float32), np.sqrt(variances[chosen]).astype(np.float32)
    return chosen.astype(np.int64), lambda block: (block[:, chosen] - middle) / spread


def _components(sample: NDArray[np.float32], options: HeatMapOptions) -> tuple[NDArray[np.int64], LinesOf]:
    """Return the numbers of the first principal components, and how the scores on them are computed.

    A full decomposition of 2048 columns takes seconds, a randomized one a fraction. It is seeded, and the sum of each
    direction is made positive: the same features give the same image.
    """
    from sklearn.utils.extmath import randomized_svd

    mean = sample.mean(axis=0)
    count = min(options.count, *sample.shape)
    _, sizes, directions = randomized_svd(
        sample - mean, count, n_iter=8, power_iteration_normalizer="QR", flip_sign=False, random_state=_SEED
    )
    used = sizes > 1e-6 * max(sizes[0], 1e-30)
    directions = directions[used].T  # (D, K)
    directions *= np.where(directions.sum(axis=0) < 0, -1, 1)
    middle = mean @ directions
    spread = (sizes[used] / np.sqrt(len(sample))).astype(np.float32)
    if options.scale == Scale.RAW:
        spread = np.ones_like(spread)
    return np.arange(directions.shape[1], dtype=np.int64), lambda block: (block @ directions - middle) / spread
