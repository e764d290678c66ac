"""Compute the background of a video, and blank it out in frames."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 15
"""Largest difference of gray values, 0 to 255, at which a pixel still counts as background."""

BLANK = 128
"""Value of blanked background pixels in all channels: the middle of the range, near 0 for the network."""


def gray_of(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the luma of an RGB frame, (H, W, 3) to (H, W) uint8: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), rounded.

    Computed in 16-bit fixed point, for the same result on every machine.
    """
    red, green, blue = (frame[..., channel].astype(np.uint32) for channel in range(3))
    return ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(np.uint8)


def without_background(frame: NDArray[np.uint8], background: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a copy of a frame, (H, W, 3) uint8, with the pixels that look like the background set to 128."""
    difference = np.abs(gray_of(frame).astype(np.int16) - background)
    cleared = frame.copy()
    cleared[difference <= TOLERANCE] = BLANK
    return cleared


def background_frames(n_frames: int) -> NDArray[np.int64]:
    """Return the evenly spaced frames to sample for the background: every 200th, at least 25 and at most 200."""
    count = min(n_frames, max(25, min(200, -(-n_frames // 200))))
    return np.arange(count, dtype=np.int64) * n_frames // count


def median_background(frames: Iterable[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return the per-pixel median of the gray values of frames, (H, W, 3) to (H, W) uint8; halves are rounded down."""
    grays = [gray_of(frame) for frame in frames]
    background = np.empty_like(grays[0])
    for row in range(len(background)):  # row by row: stacking all frames would double the memory
        background[row] = np.median(np.stack([gray[row] for gray in grays]), axis=0)
    return background
