"""Key points of individuals, as pose trackers give them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class KeypointTracklet:
    """The key points of one individual, from its first frame with a point to its last.

    Attributes
    ----------
    id
        Text or whole number, as in the file.
    start
        Video frame of the first row.
    points
        Shape (N, K, 2), float64: x, y in pixels; not-a-number where a point is absent.
    confidence
        Shape (N, K), float64, as in the file; 1 where the format has none.
    """

    id: str | int
    start: int
    points: NDArray[np.float64]
    confidence: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Keypoints:
    """The key points of all individuals of a video.

    Attributes
    ----------
    names
        The K names of the key points; of centroid formats only ``("centroid",)``.
    tracklets
        One for each individual, in the order of the file.
    body_length_px
        The length of an animal where the format states it: what a centroid's box is sized by.
    """

    names: tuple[str, ...]
    tracklets: tuple[KeypointTracklet, ...]
    body_length_px: float | None = None
