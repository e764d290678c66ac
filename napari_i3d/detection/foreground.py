"""Segment individuals: pixels that differ from the background, or from their surroundings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_i3d.detection.blobs import Blob, find_blobs
from napari_i3d.detection.settings import Contrast
from napari_i3d.video.background import gray_of

LEVEL_STEP = 4
"""Spacing, in pixels, of the samples from which the brightness of a frame is measured."""

CHANGED_SHARE = 0.25
"""Largest share of an image that individuals may cover; more means that light or camera changed."""


@dataclass(frozen=True, eq=False)
class Foreground:
    """How individuals are segmented, in pixels of the image reduced by `scale`.

    Attributes
    ----------
    scale
        Step between the rows, and between the columns, that are used.
    background : (H, W) float32
        Gray level of the background; not used if compared with the surroundings.
    contrast
        Dark, light or both.
    window
        Side of the surroundings, in pixels; 0: compare with the background.
    ignored : (H, W) bool
        Pixels of things that stand out from their surroundings and never change.
    threshold
        Smallest difference, in gray levels.
    min_area
        Smallest area of a blob, in pixels.
    opening, closing
        Half the width of the thinnest parts that are kept, and of the widest gaps between them, in pixels.
    """

    scale: int
    background: NDArray[np.float32]
    contrast: Contrast
    window: int
    ignored: NDArray[np.bool_]
    threshold: float
    min_area: float
    opening: int
    closing: int

    def blobs(self, frame: NDArray[np.uint8]) -> list[Blob]:
        """Return the blobs of a frame, (H, W, 3) uint8, the largest first."""
        gray = gray_of(frame[:: self.scale, :: self.scale]).astype(np.float32)
        difference = difference_from(gray, self.background, self.contrast, self.window)
        difference[self.ignored] = 0
        # The camera was moved or the light switched: such a frame cannot be segmented.
        if (difference[::LEVEL_STEP, ::LEVEL_STEP] > self.threshold).mean() > CHANGED_SHARE:
            return []
        return find_blobs(difference, self.threshold, self.min_area, self.opening, self.closing)


def difference_from(
    gray: NDArray[np.float32], background: NDArray[np.float32], contrast: Contrast, window: int
) -> NDArray[np.float32]:
    """Return the difference of each pixel from its reference, positive where an individual may be."""
    difference = gray - (_surroundings(gray, window) if window else background)
    # Flickering light changes most pixels by the same amount.
    difference -= np.median(difference[::LEVEL_STEP, ::LEVEL_STEP])
    if contrast is Contrast.DARK:
        return -difference
    return np.abs(difference) if contrast is Contrast.BOTH else difference


def _surroundings(gray: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """Return the median of a square around each pixel, from a coarse grid."""
    step = max(1, window // 12)
    coarse = ndimage.median_filter(gray[::step, ::step], max(3, window // step), mode="nearest")
    # Bilinear: first along rows, then along columns.
    for axis in (0, 1):
        places = np.minimum(np.arange(gray.shape[axis]) / step, coarse.shape[axis] - 1).astype(np.float32)
        below = places.astype(np.int64)
        above = np.minimum(below + 1, coarse.shape[axis] - 1)
        share = np.expand_dims(places - below, 1 - axis)
        coarse = coarse.take(below, axis) * (1 - share) + coarse.take(above, axis) * share
    spread: NDArray[np.float32] = coarse
    return spread
