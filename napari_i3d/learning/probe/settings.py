"""How a probe is trained."""

import math
from dataclasses import dataclass

from napari_i3d.errors import SettingsError
from napari_i3d.learning.probe.feature_space import COMPONENTS

MOST_CONTEXT = 10_000


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

    Raises
    ------
    SettingsError
        A value is out of range.
    """

    components: int = COMPONENTS
    context_frames: int = 0
    strength: float = 0.1

    def __post_init__(self) -> None:
        if self.components < 1 or not 0 <= self.context_frames <= MOST_CONTEXT or not 0 < self.strength < math.inf:
            raise SettingsError(
                f"expected at least 1 component, context_frames of 0 to {MOST_CONTEXT} and a positive strength, found "
                f"{self.components}, {self.context_frames} and {self.strength:g}"
            )
