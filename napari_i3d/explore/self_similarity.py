"""The self-similarity matrix: in tiles, and as an image of any size."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.standardize import standardize, unit_rows
from napari_i3d.features.table import BLOCK_ROWS, FeatureTable, TableLike


@dataclass(frozen=True, eq=False)
class Tile:
    """A part of the self-similarity matrix.

    Attributes
    ----------
    first_row, first_column
        Rows of the table that its upper left element compares; `FeatureTable.span` returns their frames.
    values : (h, w) float32
        Cosines of standardized rows, -1 to 1.
    """

    first_row: int
    first_column: int
    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SimilarityImage:
    """The self-similarity matrix in few pixels.

    Attributes
    ----------
    table
        The rows.
    edges : (P + 1,) int64
        Pixel p averages rows ``edges[p]`` to ``edges[p + 1]`` (exclusive) of the table, all of one individual and of
        one
        stretch without missing frames.
    values : (P, P) float32
        Mean cosines, -1 to 1.
    """

    table: FeatureTable
    edges: NDArray[np.int64]
    values: NDArray[np.float32]


def similarity_tiles(data: TableLike, size: int = BLOCK_ROWS) -> Iterator[Tile]:
    """Yield the upper triangle of the self-similarity matrix in tiles of at most `size` by `size`.

    ``S(i, j) = x(i) . x(j) / (|x(i)| |x(j)|)`` of standardized rows; 0 for rows of zeros. For 100,000 rows the whole
    matrix takes 40 GB, a tile 17 MB. Tiles on the diagonal are complete; ``S(j, i) = S(i, j)``.
    """
    if size < 1:
        raise FeaturesError(f"expected tiles of at least 1 row, found {size}")
    table = standardize(data)
    for first_row, block in table.blocks(size):
        rows = unit_rows(block)
        for first_column in range(first_row, len(table), size):
            other = unit_rows(table.rows(first_column, min(first_column + size, len(table))))
            yield Tile(first_row, first_column, rows @ other.T)


@long_call
def similarity_image(data: TableLike, pixels: int = 1000) -> Steps[SimilarityImage]:
    """Compute the self-similarity matrix in few pixels, each the exact mean of its cosines.

    The mean over i in A and j in B of ``x(i) . x(j)`` is the product of the means of A and of B, so the matrix itself
    is never needed.

    Parameters
    ----------
    data
        Rows.
    pixels
        Pixels per side; each individual, and each stretch between missing frames, has at least one.
    """
    if pixels < 1:
        raise FeaturesError(f"expected at least 1 pixel, found {pixels}")
    table = yield from standardize.steps(data)
    edges = [0]
    for _, start, stop in table.stretches:
        count = min(stop - start, max(1, round(pixels * (stop - start) / len(table))))
        edges += (start + np.arange(1, count + 1) * (stop - start) // count).tolist()
    means = np.zeros((len(edges) - 1, table.width), np.float32)
    pixel_of_row = np.repeat(np.arange(len(means)), np.diff(edges))
    for start, block in table.blocks():
        pixels_here = pixel_of_row[start : start + len(block)]
        firsts = np.flatnonzero(np.diff(pixels_here, prepend=-1))
        means[pixels_here[firsts]] += np.add.reduceat(unit_rows(block), firsts, axis=0)
        yield Step(start + len(block), len(table), "self-similarity")
    means /= np.diff(edges)[:, None]
    return SimilarityImage(table, np.array(edges, np.int64), means @ means.T)
