"""Probabilities of labelled rows by probes that were not trained on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.progress import Step, Steps
from napari_i3d.learning.folds import Folds, FoldUnit, hold_back, make_folds
from napari_i3d.learning.labelled_rows import LabelledRows
from napari_i3d.learning.probe.feature_space import evenly, fit_space
from napari_i3d.learning.probe.heads import fit_head, plan_heads, targets_of
from napari_i3d.learning.probe.inputs import context_inputs
from napari_i3d.learning.probe.settings import Classifier, ProbeSettings
from napari_i3d.learning.smoothing import runs_of


class Variant(StrEnum):
    """The labels that the probes of the folds are trained on."""

    ALL = "all"
    HALF = "half"
    QUARTER = "quarter"
    SHUFFLED = "shuffled"


_SHARES = {Variant.HALF: 0.5, Variant.QUARTER: 0.25}


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Probabilities of the assessed rows, each by the probe of the fold that it was held back from.

    Attributes
    ----------
    folds
        The folds, with the rows.
    classes
        The classes of each head.
    exclusive
        Whether the first head is that of the exclusive behaviors.
    targets
        For each head, the labelled class of each row: (n,) int64, -1 if unknown.
    probabilities
        For each variant, and each head, (n, classes) float32.
    bouts_trained_on
        For each variant, the number of bouts a probe was trained on, the mean over folds.
    """

    folds: Folds
    classes: tuple[tuple[str, ...], ...]
    exclusive: bool
    targets: tuple[NDArray[np.int64], ...]
    probabilities: Mapping[Variant, tuple[NDArray[np.float32], ...]]
    bouts_trained_on: Mapping[Variant, int]

    def pieces(self, labelled: LabelledRows) -> list[tuple[int, int, int]]:
        """Return ranges of assessed rows without a gap: sequence, first row of the table, row after the last."""
        found = []
        is_assessed = np.zeros(len(labelled.table), np.int64)
        is_assessed[self.folds.rows] = 1
        for number, start, stop in labelled.table.stretches:
            starts, stops = runs_of(is_assessed[start:stop])
            found += [
                (number, start + first, start + end)
                for first, end in zip(starts.tolist(), stops.tolist(), strict=True)
                if is_assessed[start + first]
            ]
        return found


def cross_validate(
    labelled: LabelledRows,
    settings: ProbeSettings,
    unit: FoldUnit | str | None = None,
    seed: int = 0,
    variants: tuple[Variant, ...] = tuple(Variant),
) -> Steps[CrossValidation]:
    """Train a probe for each fold and variant, components included, and apply it to the rows held back."""
    folds = make_folds(labelled, unit, context_frames=settings.context_frames, seed=seed)
    shown = labelled.shown[folds.rows]
    plan = plan_heads(labelled.ethogram, shown)
    random = np.random.default_rng(seed)
    targets = tuple(targets_of(classes, labelled.ethogram, shown) for classes in plan)
    shuffled = targets
    if Variant.SHUFFLED in variants:
        order = _shuffled_runs(shown, labelled.table.sequence_of_row[folds.rows], random)
        shuffled = tuple(own[order] for own in targets)
    values = {
        variant: tuple(np.zeros((len(shown), len(classes)), np.float32) for classes in plan) for variant in variants
    }
    counts: dict[Variant, list[int]] = {variant: [] for variant in variants}
    for number, (trained, tested) in enumerate(folds.split(labelled)):
        yield Step(number, folds.count, "testing")
        if not trained.any():
            for own in (own for each in values.values() for own in each):
                own[tested, 0] = 1.0
            continue
        train_rows = folds.rows[trained]
        space = yield from fit_space(labelled.table.take(evenly(train_rows)), settings.components)
        inputs = context_inputs(labelled.table, train_rows, space, settings)
        test_inputs = context_inputs(labelled.table, folds.rows[tested], space, settings)
        blocks = folds.blocks[trained]
        order = random.permutation(np.unique(blocks))
        for variant in variants:
            kept = order[: max(2, round(len(order) * _SHARES.get(variant, 1.0)))]
            used = np.isin(blocks, kept)
            counts[variant].append(len(kept))
            wanted = shuffled if variant is Variant.SHUFFLED else targets
            held_back = None
            if settings.classifier is Classifier.BOOSTING and variant is not Variant.SHUFFLED:
                held_back = hold_back(labelled, train_rows[used], settings.context_frames)
            for head, classes in enumerate(plan):
                fitted = fit_head(classes, inputs[used], wanted[head][trained][used], settings, held_back=held_back)
                values[variant][head][tested] = fitted.probabilities(test_inputs)
    exclusive = bool(plan) and labelled.ethogram[plan[0][1]].exclusive
    means = {variant: round(float(np.mean(own))) if own else 0 for variant, own in counts.items()}
    return CrossValidation(folds, plan, exclusive, targets, values, means)


def _shuffled_runs(
    shown: NDArray[np.int8], sequences: NDArray[np.int32], random: np.random.Generator
) -> NDArray[np.int64]:
    """Return an order of rows that keeps runs of equal labels together, and puts them in a random order."""
    _, codes = np.unique(np.c_[sequences, shown], axis=0, return_inverse=True)
    starts, stops = runs_of(codes.reshape(-1).astype(np.int64))
    order = random.permutation(len(starts))
    return np.concatenate([np.arange(starts[run], stops[run]) for run in order.tolist()])
