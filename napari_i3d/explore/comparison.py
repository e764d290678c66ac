"""Compare two features files of the same moments."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.backbones.registry import I3D
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.standardize import scaling_of
from napari_i3d.features.features import Features
from napari_i3d.features.scaling import Scaling
from napari_i3d.features.sequence import FeatureSequence
from napari_i3d.features.table import BLOCK_ROWS, FeatureTable, table_of_features
from napari_i3d.individuals import Id


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two features files, row by row where both have a row of the same individual and frame.

    Attributes
    ----------
    names
        Names of the two.
    one, other
        The matched rows of each: row n of `one` and row n of `other` stand for the same moment.
    unmatched
        Number of rows of each without a counterpart.
    row_correlation : (N,) float32
        Pearson's r of each pair of rows over the columns; large whenever both have the same average row.
    moment_correlation : (N,) float32
        The same after each file is standardized: whether both distinguish moments in the same way.
    column_correlation : (D,) float32
        Pearson's r of each column over the matched rows.
        All three are NaN where one side is constant.
    """

    names: tuple[str, str]
    one: FeatureTable
    other: FeatureTable
    unmatched: tuple[int, int]
    row_correlation: NDArray[np.float32]
    moment_correlation: NDArray[np.float32]
    column_correlation: NDArray[np.float32]

    @property
    def table(self) -> FeatureTable:
        """Matched rows of both, with the two names as videos: for one map or clustering of both."""
        return FeatureTable(self.one.sequences + self.other.sequences)

    def report(self) -> str:
        """Return the results as a few lines of text."""
        columns = self.column_correlation[~np.isnan(self.column_correlation)]
        lines = [
            f"{self.names[0]} and {self.names[1]}: {len(self.one)} matched rows of {self.one.width} features",
            *(
                f"  {mine.name}: {counted(len(mine), 'row')}, frames {mine.frames[0]:g} to {mine.frames[-1]:g}"
                + ("" if mine.individual == yours.individual else f" (matched with {yours.individual})")
                for mine, yours in zip(self.one.sequences, self.other.sequences, strict=True)
            ),
            f"  without counterpart: {self.unmatched[0]} of {self.names[0]}, {self.unmatched[1]} of {self.names[1]}",
            f"correlation of matched rows, median (5 % to 95 %): {_spread(self.row_correlation)}",
            f"the same with each standardized:                   {_spread(self.moment_correlation)}",
            f"correlation of columns over the rows:              {_spread(self.column_correlation)}",
        ]
        if constant := self.one.width - len(columns):
            lines.append(f"  of {self.one.width} columns {constant} are constant in one of the two and left out")
        lines += [
            f"{name}: untrained weights, so its features mean nothing"
            for name, table in zip(self.names, (self.one, self.other), strict=True)
            if not table.trained
        ]
        return "\n".join(lines)


def _spread(values: NDArray[np.float32]) -> str:
    known = values[~np.isnan(values)]
    if not known.size:
        return "not defined (constant)"
    low, middle, high = np.percentile(known, (5, 50, 95))
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def compare(
    one: Features,
    other: Features,
    pairs: Mapping[Id, Id] | None = None,
    *,
    names: tuple[str, str] = ("one", "other"),
) -> Comparison:
    """Compare two features files: two settings, two weights, or two individuals.

    Parameters
    ----------
    one, other
        Features of the same moments; the same features can be given twice, with pairs of different individuals.
    pairs
        The individual of `other` for each individual of `one`; None: individuals of the same id.
    names
        Names of the two in the report and on maps.

    Returns
    -------
    Comparison
        Rows are matched by video frame; if an individual has no common frame (padded rows stand for frames, unpadded
        ones
        for the centers of chunks), by the first frame of their chunks.

    Raises
    ------
    FeaturesError
        No common individual or moment, features of different widths, or unknown frames.
    """
    if names[0] == names[1]:
        raise FeaturesError(f"expected two names, found {names[0]!r} twice")
    pairs = {individual: individual for individual in one if individual in other} if pairs is None else dict(pairs)
    if not pairs:
        theirs = ", ".join(map(str, one)), ", ".join(map(str, other))
        raise FeaturesError(f"no individual is in both ({theirs[0]}; {theirs[1]})", hint="give the pairs to compare")
    ones, others, matched = [], [], []
    for mine, yours in pairs.items():
        sequences = (
            table_of_features(one, [mine], video=names[0]).sequences[0],
            table_of_features(other, [yours], video=names[1]).sequences[0],
        )
        FeatureTable(sequences)  # checks that the widths are equal
        rows = _match(sequences, (one.chunk_starts.get(mine), other.chunk_starts.get(yours)))
        if len(rows[0]):
            ones.append(sequences[0])
            others.append(sequences[1])
            matched.append(rows)
    if not matched:
        raise FeaturesError(
            f"no row of {names[0]} and of {names[1]} stands for the same frame: were both made of one video?"
        )
    left = FeatureTable(tuple(_only(sequence, rows[0]) for sequence, rows in zip(ones, matched, strict=True)))
    right = FeatureTable(tuple(_only(sequence, rows[1]) for sequence, rows in zip(others, matched, strict=True)))
    unmatched = (
        sum(len(one[mine]) for mine in pairs) - len(left),
        sum(len(other[yours]) for yours in pairs.values()) - len(right),
    )
    scalings = scaling_of(left), scaling_of(right)
    return Comparison(names, left, right, unmatched, *_correlations(left, right, scalings))


def _match(
    sequences: tuple[FeatureSequence, FeatureSequence],
    chunk_starts: tuple[NDArray[np.int64] | None, NDArray[np.int64] | None],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of the rows of both that stand for the same moments."""
    _, mine, yours = np.intersect1d(sequences[0].frames, sequences[1].frames, assume_unique=True, return_indices=True)
    if not len(mine) and chunk_starts[0] is not None and chunk_starts[1] is not None:
        kept = _unrepeated(sequences[0].frames, chunk_starts[0]), _unrepeated(sequences[1].frames, chunk_starts[1])
        starts = chunk_starts[0][kept[0]], chunk_starts[1][kept[1]]
        _, mine, yours = np.intersect1d(*starts, assume_unique=True, return_indices=True)
        mine, yours = kept[0][mine], kept[1][yours]
    return mine.astype(np.int64), yours.astype(np.int64)


def _unrepeated(frames: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one row for each chunk: of the rows that repeat it at the ends of padded features, the nearest."""
    order = np.lexsort((np.abs(frames - starts - I3D.chunk_center), starts))
    return np.sort(order[np.diff(starts[order], prepend=starts.min() - 1) > 0])


def _only(sequence: FeatureSequence, rows: NDArray[np.int64]) -> FeatureSequence:
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows):  # ascending, so a range: not copied
        chosen = slice(int(rows[0]), int(rows[-1]) + 1)
        return replace(sequence, values=sequence.values[chosen], frames=sequence.frames[chosen])
    return replace(sequence, values=sequence.take(rows), frames=sequence.frames[rows])


def _correlations(
    one: FeatureTable, other: FeatureTable, scalings: tuple[Scaling, Scaling]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return correlations of rows, of standardized rows, and of columns, block by block."""
    of_rows = np.empty(len(one), np.float32)
    of_moments = np.empty(len(one), np.float32)
    products = np.zeros(one.width)
    for start in range(0, len(one), BLOCK_ROWS):
        here = slice(start, min(start + BLOCK_ROWS, len(one)))
        mine, yours = one.rows(here.start, here.stop), other.rows(here.start, here.stop)
        of_rows[here] = _pearson(mine, yours)
        mine, yours = scalings[0].apply(mine), scalings[1].apply(yours)
        of_moments[here] = _pearson(mine, yours)
        products += np.einsum("nd,nd->d", mine, yours, dtype=np.float64)
    constant = (scalings[0].deviation == 0) | (scalings[1].deviation == 0)
    return of_rows, of_moments, np.where(constant, np.nan, products / len(one)).astype(np.float32)


def _pearson(mine: NDArray[np.float32], yours: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return r of each pair of rows, NaN where a row is constant: (n,) float64."""
    centered = [values - values.mean(axis=1, keepdims=True, dtype=np.float64) for values in (mine, yours)]
    product = np.einsum("nd,nd->n", *centered)
    size = np.sqrt(np.einsum("nd,nd->n", centered[0], centered[0]) * np.einsum("nd,nd->n", centered[1], centered[1]))
    r: NDArray[np.float64] = np.divide(product, size, out=np.full(len(mine), np.nan), where=size > 0)
    return r
