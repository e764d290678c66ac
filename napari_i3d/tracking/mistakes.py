"""Recognize common mistakes in a tracking, to name them in one line instead of a hundred problems.

Each rule requires a pattern that the mistake causes in nearly all boxes or frames and correct tracking never shows, so
that a few bad boxes, which `checks` lists, are not mistaken for it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import Message
from napari_i3d.tracking.tracklets import Tracking

_INVERTED_SHARE = 0.1
_NEARLY_ALL = 0.95
_OUTSIDE_SHARE = 0.05
_MARGIN = 0.05  # share of an image side by which boxes may extend beyond the image
_LARGEST_FRACTION = 1.5
_FEWEST_FRAMES_AS_IDS = 20
_IDS_A_FRAME = 5


def likely_mistake(tracking: Tracking, video_shape: Sequence[int] | None = None) -> Message | None:
    """Return the likely mistake in a tracking, and what to do; None if none is recognized.

    `video_shape` is (T, H, W) or (T, H, W, 3): frames, height and width in pixels of the video that the boxes refer to,
    after resizing if it is resized. Without it, mistakes that depend on it are not recognized.
    """
    if _are_frames_outside(tracking):
        return Message(
            f"this looks like {{frame: {{id: box}}}}, with {len(tracking)} frames in place of ids; expected "
            "{id: {frame: box}}",
            hint="swap its two levels",
        )
    if not tracking:
        return None
    tracklets = [tracklet.boxes[np.isfinite(tracklet.boxes).all(axis=1)] for tracklet in tracking.values()]
    boxes = np.concatenate(tracklets)
    if not len(boxes):
        return None
    size = None if video_shape is None else (int(video_shape[2]), int(video_shape[1]))
    if _are_fractions(boxes):
        return Message(
            "the boxes look like fractions of the image, from 0 to 1; expected pixels",
            hint="multiply left and right by its width, upper and lower by its height",
        )
    if _are_sizes(tracklets, boxes, size):
        return Message(
            "the boxes look like [x, y, width, height]; expected [left, upper, right, lower]",
            hint="add x to the third and y to the fourth number",
        )
    if video_shape is None or size is None:
        return None
    return _another_video(tracking, boxes, int(video_shape[0]), size)


def _are_frames_outside(tracking: Tracking) -> bool:
    """Return whether the ids are consecutive like frames, while the frames are few and the same, like ids."""
    ids = [individual for individual in tracking if isinstance(individual, int)]
    if len(ids) < len(tracking) or len(ids) < _FEWEST_FRAMES_AS_IDS:
        return False
    if max(t.present.sum() for t in tracking.values()) * _IDS_A_FRAME > len(ids):
        return False
    distinct = {frame for t in tracking.values() for frame in (np.flatnonzero(t.present) + t.start).tolist()}
    consecutive = len(ids) >= _NEARLY_ALL * (max(ids) - min(ids) + 1)
    return min(ids) >= 0 and consecutive and len(distinct) * _IDS_A_FRAME <= len(ids)


def _are_fractions(boxes: NDArray[np.float64]) -> bool:
    fits = ((boxes >= 1 - _LARGEST_FRACTION) & (boxes <= _LARGEST_FRACTION)).all(axis=1)
    # Whole numbers this small are empty boxes, not fractions.
    return bool(fits.mean() >= _NEARLY_ALL and (boxes != np.trunc(boxes)).any())


def _are_sizes(tracklets: list[NDArray[np.float64]], boxes: NDArray[np.float64], size: tuple[int, int] | None) -> bool:
    """Return whether the last two numbers are a size.

    If so, many boxes are inverted, nearly all fit the image as [x, y, width, height], and the third and fourth numbers
    do not move with the first and second, as the far sides of a box do.
    """
    x, y, width, height = boxes.T
    if ((width < x) | (height < y)).mean() < _INVERTED_SHARE:
        return False
    fits = (width > 0) & (height > 0)
    if size is not None:
        reach = np.array(size) * (1 + _MARGIN)
        fits &= (x + width <= reach[0]) & (y + height <= reach[1])
    if fits.mean() < _NEARLY_ALL:
        return False
    moves = np.zeros(2)
    for part in tracklets:
        if len(part):
            moves += (part[:, 2:] - part[:, :2]).var(axis=0) * len(part)
            moves -= part[:, 2:].var(axis=0) * len(part)
    return bool((moves >= 0).all())


def _another_video(
    tracking: Tracking, boxes: NDArray[np.float64], n_frames: int, size: tuple[int, int]
) -> Message | None:
    first = min(tracklet.start for tracklet in tracking.values())
    last = max(tracklet.stop for tracklet in tracking.values()) - 1
    width, height = size
    outside = (boxes[:, 0] >= width) | (boxes[:, 1] >= height)
    found = []
    if outside.mean() >= _OUTSIDE_SHARE:
        reach_x, reach_y = np.percentile(boxes[:, 2:], 99, axis=0)
        found.append(f"its boxes reach to {reach_x:.0f}x{reach_y:.0f} px, the image has {width}x{height}")
    if last >= n_frames:
        if first == 1 and last == n_frames and not found:
            return Message(
                f"the frames look counted from 1: they are 1 to {last}, those of the video 0 to {n_frames - 1}",
                hint="subtract 1 from each",
            )
        found.append(f"its last frame is {last}, that of the video {n_frames - 1}")
    if not found:
        return None
    hint = "track this video" + (", or set the size it was tracked in with {video_size}" if outside.any() else "")
    return Message(f"this looks like the tracking of another video: {' and '.join(found)}", hint)
