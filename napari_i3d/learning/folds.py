"""Folds of rows for cross-validation: by video, else by individual, else by bout; never by single frames."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_i3d.backbones.registry import I3D
from napari_i3d.errors import AnnotationError, SettingsError
from napari_i3d.learning.labelled_rows import LabelledRows

MOST_FOLDS = 5
CHUNK_SPAN = I3D.chunk_frames * I3D.frame_stride
"""Frames that a row is computed from."""


class FoldUnit(StrEnum):
    """What is kept together in a fold."""

    VIDEO = "video"
    INDIVIDUAL = "individual"
    BOUT = "bout"


@dataclass(frozen=True, eq=False)
class Folds:
    """Which fold the assessed rows of labels belong to.

    Attributes
    ----------
    unit
        What is kept together.
    rows : (n,) int64
        Rows of the table, ascending.
    blocks : (n,) int64
        The bout, with the frames around it in which there is none, that each row belongs to; numbered from 0.
    numbers : (n,) int64
        Fold of each row, from 0; -1: of none, never tested.
    purge_frames
        Rows nearer than this to a row of the tested fold, of the same individual, are not trained on.
    """

    unit: FoldUnit
    rows: NDArray[np.int64]
    blocks: NDArray[np.int64]
    numbers: NDArray[np.int64]
    purge_frames: int

    @property
    def count(self) -> int:
        """Number of folds."""
        return int(self.numbers.max()) + 1

    def split(self, labelled: LabelledRows) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        """Yield for each fold which of `rows` are trained on and which are tested: two (n,) bool."""
        sequences, frames = labelled.table.sequence_of_row[self.rows], labelled.table.frames[self.rows]
        for number in range(self.count):
            tested = self.numbers == number
            trained = ~tested
            for sequence in np.unique(sequences[tested]):
                here = np.flatnonzero(sequences == sequence)
                at = frames[here][tested[here]]
                right = np.searchsorted(at, frames[here])
                before = frames[here] - at[np.maximum(right - 1, 0)]
                after = at[np.minimum(right, len(at) - 1)] - frames[here]
                near = np.minimum(np.abs(before), np.abs(after)) < self.purge_frames
                trained[here[near]] = False
            yield trained, tested


def make_folds(
    labelled: LabelledRows, unit: FoldUnit | str | None = None, *, context_frames: int = 0, seed: int = 0
) -> Folds:
    """Divide the assessed rows into up to 5 folds.

    Parameters
    ----------
    labelled
        The rows.
    unit
        What is kept together; None: videos if there are two with labels, else individuals, else bouts.
    context_frames
        Context of the probe: rows see this many frames more, so that more of them are kept apart.
    seed
        Seed of the order in which bouts are dealt to folds.

    Raises
    ------
    SettingsError
        The unit is unknown.
    AnnotationError
        There are fewer than two of the unit.
    """
    if unit is not None and unit not in list(FoldUnit):
        raise SettingsError(f"fold unit: expected {', '.join(FoldUnit)}, found {unit!r}")
    rows = labelled.assessed
    sequences = labelled.table.sequence_of_row[rows]
    videos = [sequence.video for sequence in labelled.table.sequences]
    # Pieces of a tracklet are one individual.
    owners = list(zip(videos, labelled.individuals, strict=True))
    groups = {FoldUnit.VIDEO: _numbered(videos)[sequences], FoldUnit.INDIVIDUAL: _numbered(owners)[sequences]}
    blocks = blocks_of(labelled, rows)
    groups[FoldUnit.BOUT] = blocks
    chosen = FoldUnit(unit) if unit else next((one for one in FoldUnit if groups[one].max() > 0), FoldUnit.BOUT)
    if groups[chosen].max() < 1:
        raise AnnotationError(
            f"expected at least two {chosen}s with labels, found one: nothing can be held back to test a probe on",
            hint="label more",
        )
    numbers = deal_groups(groups[chosen], labelled.shown[rows], seed)[groups[chosen]]
    return Folds(chosen, rows, blocks, numbers, purge_frames_of(context_frames))


def hold_back(
    labelled: LabelledRows, rows: NDArray[np.int64], context_frames: int = 0
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Return which of some assessed rows to train and to test on, by bouts, with the purge: (n,) bool each.

    None if the rows are of a single bout, or nothing is left to train on.
    """
    blocks = blocks_of(labelled, rows)
    if blocks.max() < 1:
        return None
    numbers = deal_groups(blocks, labelled.shown[rows], 0)[blocks]
    folds = Folds(FoldUnit.BOUT, rows, blocks, numbers, purge_frames_of(context_frames))
    trained, tested = next(folds.split(labelled))
    return (trained, tested) if trained.any() else None


def purge_frames_of(context_frames: int) -> int:
    """Return within how many frames of a tested row nothing is trained on, for a probe with context."""
    # Twice the frames of a row: at the ends of a tracklet, a row may hold a chunk that lies up to 4 frames off.
    return 2 * (CHUNK_SPAN + context_frames)


def _numbered(values: Sequence[Hashable]) -> NDArray[np.int64]:
    known = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return np.array([known[value] for value in values], np.int64)


def blocks_of(labelled: LabelledRows, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of the bout of each row; frames between two bouts belong to the nearer."""
    shown, sequences = labelled.shown[rows], labelled.table.sequence_of_row[rows]
    frames = labelled.table.frames[rows]
    blocks = np.zeros(len(rows), np.int64)
    first_block = 0
    for sequence in np.unique(sequences):
        here = np.flatnonzero(sequences == sequence)
        own = shown[here]
        # A bout that overlaps others belongs to one block with them.
        continues = ((own[1:] == 1) & (own[:-1] == 1)).any(axis=1)
        changes = np.r_[True, (own[1:] != own[:-1]).any(axis=1) & ~continues]
        starts = np.flatnonzero(changes & (own == 1).any(axis=1))
        if len(starts):
            stops = np.r_[np.flatnonzero(changes)[1:], len(here)]
            lasts = stops[np.searchsorted(np.flatnonzero(changes), starts)] - 1
            at = frames[here]
            cuts = (at[lasts[:-1]] + at[starts[1:]]) / 2
            blocks[here] = first_block + np.searchsorted(cuts, at, "right")
        else:
            blocks[here] = first_block
        first_block = int(blocks[here[-1]]) + 1
    return blocks


def deal_groups(groups: NDArray[np.int64], shown: NDArray[np.int8], seed: int) -> NDArray[np.int64]:
    """Return the fold of each group, such that rare behaviors are spread over folds: (groups,) int64."""
    count = int(groups.max()) + 1
    n_folds = min(MOST_FOLDS, count)
    amounts = np.zeros((count, shown.shape[1] + 1))
    np.add.at(amounts, groups, np.c_[shown == 1, np.ones(len(shown))].astype(float))
    amounts /= np.maximum(amounts.sum(axis=0), 1)
    order = np.random.default_rng(seed).permutation(count)
    # The largest share of any behavior first, each to the fold that has least of what it brings.
    order = order[np.argsort(-amounts[order].max(axis=1), kind="stable")]
    totals, folds = np.zeros((n_folds, amounts.shape[1])), np.zeros(count, np.int64)
    empty = list(range(n_folds))
    for group in order.tolist():
        fold = empty.pop(0) if empty else int(np.argmin(totals @ amounts[group]))
        folds[group] = fold
        totals[fold] += amounts[group]
    return folds
