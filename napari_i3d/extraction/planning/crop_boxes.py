"""Convert bounding boxes to crop boxes."""

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.blocks import blocks
from napari_i3d.errors import TrackingError
from napari_i3d.extraction.settings import SampleMode
from napari_i3d.individuals import format_id
from napari_i3d.tracking.tracklets import Tracklet


def crop_boxes(tracklet: Tracklet, image_size: tuple[int, int], mode: SampleMode) -> NDArray[np.int32]:
    """Convert the bounding boxes of a tracklet without gaps to the boxes that are cropped.

    Boxes are truncated to whole pixels and clipped to the image. For ``expand_bboxes`` the shorter side then grows by
    ``|width - height| // 2`` at both ends; a box that leaves the image is moved back inside and clipped.

    Parameters
    ----------
    tracklet, mode
        The boxes, and the sample mode.
    image_size
        Width and height of the (resized) video, in pixels.

    Returns
    -------
    (N, 4) int32
        left, upper, right, lower; right and lower are exclusive. Each holds at least one pixel.

    Raises
    ------
    TrackingError
        A box is not finite, or empty after clipping; the message names individual and frame.
    """
    limits = np.array(image_size * 2, dtype=np.float64)
    infinite = np.asarray(~np.isfinite(tracklet.boxes).all(axis=1))
    if infinite.any():
        raise _bad_box(tracklet, infinite, "is not made of finite numbers")
    boxes = np.empty(tracklet.boxes.shape, np.int32)
    for rows in blocks(len(boxes)):
        boxes[rows] = np.clip(np.trunc(tracklet.boxes[rows]), 0, limits)
    empty = np.asarray((boxes[:, 2:] <= boxes[:, :2]).any(axis=1))
    if empty.any():
        size = f"{image_size[0]}x{image_size[1]}"
        raise _bad_box(tracklet, empty, f"holds no pixel of the {size} image")
    if mode is SampleMode.EXPAND_BBOXES:
        for rows in blocks(len(boxes)):
            _make_square(boxes[rows], image_size)
    return boxes


def _bad_box(tracklet: Tracklet, bad: NDArray[np.bool_], what: str) -> TrackingError:
    frames = tracklet.start + np.flatnonzero(bad)
    box = ", ".join(f"{side:g}" for side in tracklet.boxes[frames[0] - tracklet.start])
    more = f" (and {len(frames) - 1} more frames like it)" if len(frames) > 1 else ""
    return TrackingError(
        f"{format_id(tracklet.id)}: the box of frame {frames[0]}, [{box}], {what}{more}; expected "
        "[left, upper, right, lower] in pixels of the (resized) video: does the tracking belong to this video?"
    )


def _make_square(boxes: NDArray[np.int32], image_size: tuple[int, int]) -> None:
    sizes = boxes[:, 2:] - boxes[:, :2]  # (N, 2)
    for axis, limit in enumerate(image_size):
        low, high = boxes[:, axis], boxes[:, axis + 2]  # views: written in place
        growth = np.maximum(sizes[:, 1 - axis] - sizes[:, axis], 0) // 2
        low -= growth
        high += growth
        shift = np.where(low < 0, -low, np.minimum(limit - high, 0))
        low += shift
        high += shift
        np.clip(low, 0, limit, out=low)
        np.clip(high, 0, limit, out=high)
