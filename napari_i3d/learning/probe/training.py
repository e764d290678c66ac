"""Train a probe on labelled frames."""

import hashlib
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

import napari_i3d
from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d.errors import AnnotationError
from napari_i3d.features.table import BLOCK_ROWS
from napari_i3d.learning.folds import hold_back
from napari_i3d.learning.labelled_rows import AnnotationsLike, FeaturesLike, LabelledRows, check_source, label_rows
from napari_i3d.learning.probe.feature_space import evenly, fit_space
from napari_i3d.learning.probe.heads import Head, fit_head, plan_heads, targets_of
from napari_i3d.learning.probe.inputs import context_inputs
from napari_i3d.learning.probe.probe import Probe
from napari_i3d.learning.probe.settings import Classifier, ProbeSettings


@long_call
def train(
    features: FeaturesLike,
    annotations: AnnotationsLike,
    settings: ProbeSettings | None = None,
    *,
    start: Probe | None = None,
) -> Steps[Probe]:
    """Train a probe on the assessed frames of individuals.

    Features are standardized and reduced to principal components; exclusive behaviors, and none of them, are the
    classes of one classifier, and each other behavior has one of its own. Classes have balanced weights. Automated
    bouts are not learned from until they are reviewed. Boosting chooses its number of trees by a fifth of the bouts.

    Parameters
    ----------
    features, annotations
        Those of one video, or of several by name. Individuals match by id.
    settings
        How it is trained; None: those of `start`, or the defaults.
    start
        A probe trained on fewer labels: its components are kept, and the weights of its logistic regression are the
        beginning, which is faster.

    Raises
    ------
    AnnotationError
        No frames to learn from, or a head has only one class.
    FeaturesError
        Features that do not fit each other, or are not finite.
    """
    chosen = settings or (start.settings if start else ProbeSettings())
    labelled = label_rows(features, annotations)
    if start is not None and (
        start.settings.components != chosen.components or start.space.width != labelled.table.width
    ):
        start = None
    if start is not None:
        check_source("", labelled.source, start.provenance.get("source", {}))
    rows = labelled.assessed
    yield Step(0, 3, "components")
    if start is None:
        space = yield from fit_space(labelled.table.take(evenly(rows)), chosen.components)
    else:
        space = start.space
    yield Step(1, 3, "reading rows")
    inputs = context_inputs(labelled.table, rows, space, chosen)
    yield Step(2, 3, "training")
    heads = fit_heads(labelled, rows, inputs, chosen, start.heads if start else ())
    return Probe(labelled.ethogram, space, heads, chosen, _provenance(labelled, chosen))


def fit_heads(
    labelled: LabelledRows,
    rows: NDArray[np.int64],
    inputs: NDArray[np.float32],
    settings: ProbeSettings,
    start: tuple[Head, ...] = (),
) -> tuple[Head, ...]:
    """Fit the heads of all behaviors that some of the rows show; raise `AnnotationError` if there is none."""
    shown = labelled.shown[rows]
    plan = plan_heads(labelled.ethogram, shown)
    if not plan:
        raise AnnotationError(
            "expected bouts in frames that have features, found none", hint="label some behaviors first"
        )
    known = {head.classes: head for head in start}
    held_back = (
        hold_back(labelled, rows, settings.context_frames) if settings.classifier is Classifier.BOOSTING else None
    )
    heads = []
    for classes in plan:
        targets = targets_of(classes, labelled.ethogram, shown)
        if len(np.unique(targets[targets >= 0])) < 2:
            raise AnnotationError(
                f"expected frames with and without {classes[1]}, found the same in all of them",
                hint="look at more frames, and label another behavior or none",
            )
        heads.append(fit_head(classes, inputs, targets, settings, start=known.get(classes), held_back=held_back))
    return tuple(heads)


def _provenance(labelled: LabelledRows, settings: ProbeSettings) -> dict[str, Any]:
    import sklearn

    table, sources = labelled.table, []
    for number, sequence in enumerate(table.sequences):
        start, stop = (int(edge) for edge in table.starts[number : number + 2])
        shown = labelled.shown[start:stop]
        own = np.flatnonzero((shown >= 0).any(axis=1))
        rows_hash = hashlib.sha256(sequence.frames[own].tobytes())
        for first in range(0, len(own), BLOCK_ROWS):
            rows_hash.update(sequence.take(own[first : first + BLOCK_ROWS]).tobytes())
        sources.append(
            {
                "video": sequence.video,
                "individual": sequence.individual,
                "assessed_rows": len(own),
                "rows_sha256": rows_hash.hexdigest(),
                "labels_sha256": hashlib.sha256(shown[own].tobytes()).hexdigest(),
                "rows_of_behaviors": {
                    name: int((shown[:, index] == 1).sum()) for index, name in enumerate(labelled.ethogram)
                },
            }
        )
    return {
        "source": dict(labelled.source),
        "settings": asdict(settings),
        "training": sources,
        "notes": list(labelled.notes),
        "versions": {
            "napari_i3d": napari_i3d.__version__,
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }
