"""Heads: one classifier for the exclusive behaviors together, and one for each other behavior."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_i3d.annotations.annotation import NOT_ASSESSED
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.learning.probe.boosting import BoostedHead, HeldBack, fit_boosted
from napari_i3d.learning.probe.logistic import LinearHead, fit_logistic
from napari_i3d.learning.probe.settings import Classifier, ProbeSettings

NONE = ""
"""The class of rows without any behavior of a head; always class 0."""
UNUSED = -1
"""In targets: a row that a head cannot learn from."""

Head = LinearHead | BoostedHead


def plan_heads(ethogram: Ethogram, shown: NDArray[np.int8]) -> tuple[tuple[str, ...], ...]:
    """Return the classes of each head: of the behaviors that any row shows, `NONE` first."""
    seen = [name for index, name in enumerate(ethogram) if (shown[:, index] == 1).any()]
    exclusive = tuple(name for name in seen if ethogram[name].exclusive)
    heads = [(NONE, *exclusive)] if exclusive else []
    return (*heads, *((NONE, name) for name in seen if not ethogram[name].exclusive))


def targets_of(classes: Sequence[str], ethogram: Ethogram, shown: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the class of each row for a head: (n,) int64, `UNUSED` if it is not known.

    Unknown are rows that show two exclusive behaviors, and rows that show none if one of the head's behaviors was not
    looked for.
    """
    own = shown[:, [ethogram.index(name) for name in classes[1:]]]
    count = (own == 1).sum(axis=1)
    targets = np.where(count == 1, (own == 1).argmax(axis=1) + 1, 0)
    targets[(count > 1) | ((count == 0) & (own == NOT_ASSESSED).any(axis=1))] = UNUSED
    return targets


def fit_head(
    classes: tuple[str, ...],
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    settings: ProbeSettings,
    *,
    start: Head | None = None,
    held_back: HeldBack | None = None,
) -> Head:
    """Fit a head.

    Parameters
    ----------
    classes
        Its classes.
    inputs : (n, K) float32
    targets : (n,) int64
        Class of each row, or `UNUSED`.
    settings
        The kind of classifier, and how it is trained.
    start
        Begin at this one, if that is possible.
    held_back
        Which rows boosting chooses the number of its trees by.
    """
    used = targets != UNUSED
    if not used.all():
        inputs, targets = inputs[used], targets[used]
        held_back = None if held_back is None else (held_back[0][used], held_back[1][used])
    if settings.classifier is Classifier.BOOSTING:
        return fit_boosted(classes, inputs, targets, held_back)
    return fit_logistic(classes, inputs, targets, settings.strength, start if isinstance(start, LinearHead) else None)
