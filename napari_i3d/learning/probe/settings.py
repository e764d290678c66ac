"""How a probe is trained."""

import math
from dataclasses import dataclass
from enum import StrEnum

from napari_i3d.errors import SettingsError
from napari_i3d.learning.probe.feature_space import COMPONENTS

MOST_CONTEXT = 10_000


class Classifier(StrEnum):
    """Kind of classifier."""

    LOGISTIC = "logistic"
    """Logistic regression."""
    BOOSTING = "boosting"
    """Gradient boosting of small trees."""


@dataclass(frozen=True)
class ProbeSettings:
    """How a probe is trained.

    Attributes
    ----------
    components
        Number of principal components of the features.
    context_frames
        A row is seen together with the rows this many frames before and after it; 0: alone.
    strength
        Inverse of the regularization of the logistic regression.
    classifier
        ``"logistic"``, or ``"boosting"`` for behaviors that are no linear function of the components; it needs more
        labels and time.

    Raises
    ------
    SettingsError
        A value is out of range, or the classifier is unknown.
    """

    components: int = COMPONENTS
    context_frames: int = 0
    strength: float = 0.1
    classifier: Classifier | str = Classifier.LOGISTIC

    def __post_init__(self) -> None:
        if self.classifier not in list(Classifier):
            raise SettingsError(f"classifier: expected {', '.join(Classifier)}, found {self.classifier!r}")
        object.__setattr__(self, "classifier", Classifier(self.classifier))
        if self.components < 1 or not 0 <= self.context_frames <= MOST_CONTEXT or not 0 < self.strength < math.inf:
            raise SettingsError(
                f"expected at least 1 component, context_frames of 0 to {MOST_CONTEXT} and a positive strength, found "
                f"{self.components}, {self.context_frames} and {self.strength:g}"
            )
