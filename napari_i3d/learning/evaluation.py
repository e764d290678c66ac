"""Honest scores of a probe: cross-validated by video, individual or bout, beside what chance gives."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

import napari_i3d
from napari_i3d._utils.frame_ranges import merge_ranges
from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d.annotations.agreement import Agreement, agreement
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout
from napari_i3d.learning.cross_validation import CrossValidation, Variant, cross_validate
from napari_i3d.learning.folds import FoldUnit
from napari_i3d.learning.labelled_rows import AnnotationsLike, FeaturesLike, LabelledRows, label_rows
from napari_i3d.learning.probe.settings import ProbeSettings
from napari_i3d.learning.scores import FEW_BOUTS, Evaluation
from napari_i3d.learning.smoothing import Smoothing, runs_of, smooth


@long_call
def evaluate(
    features: FeaturesLike,
    annotations: AnnotationsLike,
    settings: ProbeSettings | None = None,
    *,
    smoothing: Smoothing | None = None,
    unit: FoldUnit | str | None = None,
    seed: int = 0,
) -> Steps[Evaluation]:
    """Test how well a probe finds behaviors in videos, individuals or bouts that it was not trained on.

    Neighboring frames are nearly the same picture: a random split of frames tests on what was trained on, and gives
    high scores for nothing. Here whole videos are held back if there are two, else individuals, else bouts with the
    frames around them; frames of an individual near held-back ones are not trained on.

    Parameters
    ----------
    features, annotations
        As for `train`.
    settings, smoothing
        Settings of the probe and of its bouts; None: the defaults.
    unit
        ``"video"``, ``"individual"`` or ``"bout"``; None: the first of these of which there are two.
    seed
        Seed for dealing bouts to folds, and for shuffling.

    Raises
    ------
    AnnotationError
        As for `train`, or there is nothing to hold back.
    FeaturesError, SettingsError
        As for `train`.
    """
    chosen, how = settings or ProbeSettings(), smoothing or Smoothing()
    labelled = label_rows(features, annotations)
    found = yield from cross_validate(labelled, chosen, unit, seed)
    yield Step(found.folds.count, found.folds.count, "scores")
    truth = _truth(labelled, found)
    scores = {variant: agreement(truth, _predicted(labelled, found, variant, how)) for variant in Variant}
    real = scores[Variant.ALL]
    majority = agreement(truth, _majority(labelled, found, truth))
    bouts = {one.behavior: one.true_bouts for one in real.behaviors if one.true_bouts}
    frame_f1 = {one.behavior: one.frame_f1 or 0.0 for one in real.behaviors if one.true_bouts}
    curve = tuple(
        (found.bouts_trained_on[variant], _macro(scores[variant]))
        for variant in (Variant.QUARTER, Variant.HALF, Variant.ALL)
    )
    return Evaluation(
        str(found.folds.unit),
        found.folds.count,
        frame_f1,
        _macro(real),
        {round(100 * overlap): score or 0.0 for overlap, score in real.bout_f1.items()},
        real.edit_score,
        _macro(majority),
        _macro(scores[Variant.SHUFFLED]),
        bouts,
        _confusion(labelled, found, how),
        curve,
        _notes(labelled, found, bouts, _macro(real), _macro(scores[Variant.SHUFFLED])),
        {
            "source": dict(labelled.source),
            "settings": asdict(chosen),
            "smoothing": asdict(how),
            "seed": seed,
            "videos": list(dict.fromkeys(sequence.video for sequence in labelled.table.sequences)),
            "napari_i3d": napari_i3d.__version__,
        },
    )


def _macro(score: Agreement) -> float:
    """Return the mean F1 of frames over the behaviors that are labelled."""
    own = [one.frame_f1 or 0.0 for one in score.behaviors if one.true_frames]
    return float(np.mean(own)) if own else 0.0


def _pooled(labelled: LabelledRows, found: CrossValidation, shown: list[tuple[int, int, int, str]]) -> Annotation:
    """Return rows of bouts (sequence, first, stop, behavior) as an annotation: a row a frame, individuals numbered."""
    table = labelled.table
    sequences = table.sequence_of_row[found.folds.rows]
    assessed = {}
    for number in np.unique(sequences).tolist():
        own = (found.folds.rows[sequences == number] - table.starts[number]).tolist()
        assessed[number] = merge_ranges((row, row + 1) for row in own)
    bouts = tuple(Bout(number, name, first, stop) for number, first, stop, name in shown)
    return Annotation(labelled.ethogram, bouts, assessed)


def _truth(labelled: LabelledRows, found: CrossValidation) -> Annotation:
    shown = []
    for number, first, stop in found.pieces(labelled):
        own = labelled.shown[first:stop] == 1
        offset = int(labelled.table.starts[number])
        for index, name in enumerate(labelled.ethogram):
            starts, stops = runs_of(own[:, index].astype(np.int64))
            shown += [
                (number, first + start - offset, first + end - offset, name)
                for start, end in zip(starts.tolist(), stops.tolist(), strict=True)
                if own[start, index]
            ]
    return _pooled(labelled, found, shown)


def _classes(
    labelled: LabelledRows, found: CrossValidation, variant: Variant, head: int, smoothing: Smoothing
) -> list[tuple[int, int, NDArray[np.int64]]]:
    """Return the predicted class of rows, as (sequence, first row of the table, classes)."""
    values, done, classes = found.probabilities[variant][head], 0, []
    for number, first, stop in found.pieces(labelled):
        own = values[done : done + stop - first]
        classes.append((number, first, smooth(own, smoothing, labelled.table.sequences[number].step_frames)))
        done += len(own)
    return classes


def _predicted(labelled: LabelledRows, found: CrossValidation, variant: Variant, smoothing: Smoothing) -> Annotation:
    shown = []
    for head, classes in enumerate(found.classes):
        for number, first, own in _classes(labelled, found, variant, head, smoothing):
            offset = first - int(labelled.table.starts[number])
            starts, stops = runs_of(own)
            shown += [
                (number, offset + start, offset + stop, classes[int(own[start])])
                for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
                if own[start]
            ]
    return _pooled(labelled, found, shown)


def _majority(labelled: LabelledRows, found: CrossValidation, truth: Annotation) -> Annotation:
    most = int((labelled.shown[found.folds.rows] == 1).sum(axis=0).argmax())
    name = list(labelled.ethogram)[most]
    shown = [(int(number), start, stop, name) for number, own in truth.assessed.items() for start, stop in own]
    return _pooled(labelled, found, shown)


def _confusion(labelled: LabelledRows, found: CrossValidation, smoothing: Smoothing) -> dict[tuple[str, str], int]:
    if not found.exclusive:
        return {}
    classes, targets = found.classes[0], found.targets[0]
    predicted = np.concatenate([own for _, _, own in _classes(labelled, found, Variant.ALL, 0, smoothing)])
    known = targets >= 0
    counts = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(counts, (targets[known], predicted[known]), 1)
    return {(one, other): int(counts[i, j]) for i, one in enumerate(classes) for j, other in enumerate(classes)}


def _notes(
    labelled: LabelledRows, found: CrossValidation, bouts: Mapping[str, int], macro: float, chance: float
) -> tuple[str, ...]:
    notes = list(labelled.notes)
    few = [f"{name} ({number})" for name, number in bouts.items() if number < FEW_BOUTS]
    if few:
        notes.append(
            f"Too few bouts to know anything: {', '.join(few)}. Label at least {FEW_BOUTS} bouts of each, better 20."
        )
    alone = [
        name
        for index, name in enumerate(labelled.ethogram)
        if len(np.unique(found.folds.numbers[labelled.shown[found.folds.rows, index] == 1])) == 1
    ]
    if alone:
        notes.append(
            f"Only one fold has {', '.join(alone)}: a probe trained without it cannot find it, so its score is not "
            f"that of a probe trained on all labels. Label it in another {found.folds.unit}."
        )
    if found.folds.unit is not FoldUnit.VIDEO:
        notes.append("All labels are of one video: scores in another video may be lower.")
    if macro <= chance + 0.05:
        notes.append("The scores are not better than chance.")
    if not labelled.source.get("trained", True):
        notes.append("The features came of untrained weights: the scores say nothing about behavior.")
    return tuple(notes)
