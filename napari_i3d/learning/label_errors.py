"""Labelled bouts that probes trained on the other labels contradict: they may be mistakes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.progress import Steps, long_call
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout
from napari_i3d.learning.cross_validation import CrossValidation, Variant, cross_validate
from napari_i3d.learning.folds import FoldUnit
from napari_i3d.learning.labelled_rows import AnnotationsLike, FeaturesLike, LabelledRows, label_rows
from napari_i3d.learning.probe.settings import ProbeSettings
from napari_i3d.learning.reviewed import is_automated


@dataclass(frozen=True)
class LabelError:
    """A labelled bout that a probe of the other labels finds unlikely.

    Attributes
    ----------
    video
        Its video.
    bout
        The bout as it is labelled.
    suggested
        The behavior that is most likely instead; empty: none.
    probability, suggested_probability
        Mean probabilities of the labelled and of the suggested behavior over the bout's rows.
    """

    video: str
    bout: Bout
    suggested: str
    probability: float
    suggested_probability: float


@long_call
def label_errors(
    features: FeaturesLike,
    annotations: AnnotationsLike,
    settings: ProbeSettings | None = None,
    *,
    unit: FoldUnit | str | None = FoldUnit.BOUT,
    seed: int = 0,
) -> Steps[tuple[LabelError, ...]]:
    """List labelled bouts of which another behavior, or none, is more likely, the most doubtful first.

    The probabilities of a bout are those of a probe that was trained without it and without the frames around it. A
    bout is left out if that probe was trained on no other one of its behavior, which it cannot know then.

    Parameters
    ----------
    features, annotations, settings
        As for `train`.
    unit, seed
        As for `evaluate`. By bout, a probe knows the same individual and video; the others are stricter.

    Raises
    ------
    AnnotationError, FeaturesError
        As for `evaluate`.
    """
    labelled = label_rows(features, annotations)
    named = {"": annotations} if isinstance(annotations, Annotation) else annotations
    found = yield from cross_validate(labelled, settings or ProbeSettings(), unit, seed, (Variant.ALL,))
    rows, table = found.folds.rows, labelled.table
    frames, sequences = labelled.frames[rows], table.sequence_of_row[rows]
    heads = {name: (head, index) for head, own in enumerate(found.classes) for index, name in enumerate(own) if index}
    taught = _taught(found, labelled)
    errors = []
    for video, individual in dict.fromkeys(
        (sequence.video, owner) for sequence, owner in zip(table.sequences, labelled.individuals, strict=True)
    ):
        own = [
            number
            for number, (sequence, owner) in enumerate(zip(table.sequences, labelled.individuals, strict=True))
            if (sequence.video, owner) == (video, individual)
        ]
        here = np.flatnonzero(np.isin(sequences, own))
        # Rows of pieces of a tracklet ascend in frames as the pieces do, but not always in this order.
        here = here[np.argsort(frames[here], kind="stable")]
        for bout in named[video].of(individual):
            if bout.behavior not in heads or is_automated(bout):
                continue
            head, index = heads[bout.behavior]
            inside = here[np.searchsorted(frames[here], bout.start) : np.searchsorted(frames[here], bout.stop)]
            inside = inside[(found.targets[head][inside] == index) & taught[head][inside]]
            if not len(inside):
                continue
            means = found.probabilities[Variant.ALL][head][inside].mean(axis=0, dtype=np.float64)
            best = int(means.argmax())
            if best != index:
                likely = round(float(means[index]), 4), round(float(means[best]), 4)
                errors.append(LabelError(video, bout, found.classes[head][best], *likely))
    return tuple(sorted(errors, key=lambda error: error.probability - error.suggested_probability))


def _taught(found: CrossValidation, labelled: LabelledRows) -> list[NDArray[np.bool_]]:
    """Return for each head which rows were tested by a probe that was trained on their class: (n,) bool."""
    taught = [np.zeros(len(targets), np.bool_) for targets in found.targets]
    for trained, tested in found.folds.split(labelled):
        for own, targets in zip(taught, found.targets, strict=True):
            own[tested] = np.isin(targets[tested], targets[trained])
    return taught
