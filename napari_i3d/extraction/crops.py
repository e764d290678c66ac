"""What the network sees of an individual: from a whole frame and a bounding box to a normalised crop.

All resizing is bilinear with half-pixel centres, without antialiasing, in floating point: as OpenCV's INTER_LINEAR on
floats, which the predecessor of this program used, so that features fit the data sets that exist.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from napari_i3d.errors import TrackingError
from napari_i3d.extraction.background import without_background
from napari_i3d.extraction.settings import ExtractionSettings, Normalisation, SampleMode
from napari_i3d.features.model import Id
from napari_i3d.tracking.model import Tracklet

NETWORK_SIDE = 224
WIDE_WIDTH, WIDE_HEIGHT = 340, 256
_CENTER_TOP = (WIDE_HEIGHT - NETWORK_SIDE) // 2
_CENTER_LEFT = (WIDE_WIDTH - NETWORK_SIDE) // 2
_SQUARE_RATIO = 1.02  # pictures whose sides differ by less are called square

# (factor, offset): value * factor + offset
_NORMALISATIONS = {
    Normalisation.SYMMETRIC: (2 / 255, -1.0),
    Normalisation.KINETICS: (1 / 57.375, -114.75 / 57.375),
}


def crop_boxes(tracklet: Tracklet, picture_size: tuple[int, int], mode: SampleMode) -> NDArray[np.int64]:
    """Turn the bounding boxes of a tracklet into the parts of the picture that are cropped.

    Boxes are truncated to whole pixels and clipped to the picture. For ``expand_bboxes`` the shorter side then grows
    by ``|width - height| // 2`` at both ends; where that leaves the picture the box is moved back inside, and what
    still sticks out is cut off.

    Parameters
    ----------
    tracklet
        Boxes of all frames, none missing.
    picture_size
        Width and height of the (resized) video, in pixels.
    mode
        Only ``expand_bboxes`` changes the shape of the boxes.

    Returns
    -------
    (N, 4) int64
        left, upper, right, lower; right and lower are exclusive. Each holds at least one pixel.

    Raises
    ------
    TrackingError
        A box is not finite, or nothing of it is left after clipping; names individual and frame.
    """
    limits = np.array(picture_size * 2, dtype=np.float64)
    infinite = np.asarray(~np.isfinite(tracklet.boxes).all(axis=1))
    if infinite.any():
        raise _bad_box(tracklet, infinite, "is not made of finite numbers")
    boxes: NDArray[np.int64] = np.clip(np.trunc(tracklet.boxes), 0, limits).astype(np.int64)
    empty = np.asarray((boxes[:, 2:] <= boxes[:, :2]).any(axis=1))
    if empty.any():
        size = f"{picture_size[0]}x{picture_size[1]}"
        raise _bad_box(tracklet, empty, f"holds no pixel of the {size} picture")
    if mode is SampleMode.EXPAND_BBOXES:
        _make_square(boxes, picture_size)
    return boxes


def squash_note(width_px: int, height_px: int, settings: ExtractionSettings) -> str:
    """Say how much the whole picture, of a video without tracking, is squashed to a square, and the way round it.

    Parameters
    ----------
    width_px, height_px
        Size of the video's frames.
    settings
        Sample mode, and the size to which frames are resized first.

    Returns
    -------
    str
        One line; "" if the picture is square, or `sample_mode` is not ``"expand_bboxes"``.
    """
    width, height = settings.video_size or (width_px, height_px)
    ratio = max(width, height) / min(width, height)
    if settings.sample_mode is not SampleMode.EXPAND_BBOXES or ratio < _SQUARE_RATIO:
        return ""
    shape = "narrow" if width > height else "flat"
    ways = "a tracking with a square box"
    # center_crop squashes too, to 340x256: less where the picture is wide, more where it is high.
    if max(WIDE_WIDTH * height, WIDE_HEIGHT * width) / min(WIDE_WIDTH * height, WIDE_HEIGHT * width) < ratio:
        ways = f"--sample_mode center_crop, which sees the middle and squashes less, or {ways}"
    return f"the whole {width}x{height} picture is squashed to a square, {ratio:.2f} times too {shape}; use {ways}"


def _bad_box(tracklet: Tracklet, bad: NDArray[np.bool_], what: str) -> TrackingError:
    frames = tracklet.start + np.flatnonzero(bad)
    box = ", ".join(f"{side:g}" for side in tracklet.boxes[frames[0] - tracklet.start])
    more = f" (and {len(frames) - 1} more frames like it)" if len(frames) > 1 else ""
    return TrackingError(
        f"{name_of(tracklet.id)}: the box of frame {frames[0]}, [{box}], {what}{more}; expected "
        "[left, upper, right, lower] in pixels of the (resized) video: does the tracking belong to this video?"
    )


def name_of(tracklet_id: Id) -> str:
    """Return what messages call an individual."""
    return str(tracklet_id) if tracklet_id != "" else "whole picture"


def _make_square(boxes: NDArray[np.int64], picture_size: tuple[int, int]) -> None:
    sizes = boxes[:, 2:] - boxes[:, :2]  # (N, 2)
    for axis, limit in enumerate(picture_size):
        low, high = boxes[:, axis], boxes[:, axis + 2]  # views: written in place
        growth = np.maximum(sizes[:, 1 - axis] - sizes[:, axis], 0) // 2
        low -= growth
        high += growth
        shift = np.where(low < 0, -low, np.minimum(limit - high, 0))
        low += shift
        high += shift
        np.clip(low, 0, limit, out=low)
        np.clip(high, 0, limit, out=high)


class Cropper:
    """Cuts normalised crops out of frames, as the settings ask for.

    Parameters
    ----------
    settings
        Sample mode, normalisation and size of the video.
    background : (H, W) uint8, optional
        Gray picture of the background; pixels that look like it become gray.
    """

    def __init__(self, settings: ExtractionSettings, background: NDArray[np.uint8] | None = None) -> None:
        self._video_size = settings.video_size
        self._background = background
        self._factor, self._offset = _NORMALISATIONS[settings.normalisation]
        direct = settings.sample_mode is SampleMode.EXPAND_BBOXES
        self._size = (NETWORK_SIDE, NETWORK_SIDE) if direct else (WIDE_HEIGHT, WIDE_WIDTH)
        self._center = settings.sample_mode is SampleMode.CENTER_CROP

    def picture(self, frame: NDArray[np.uint8]) -> torch.Tensor:
        """Return a frame, (H, W, 3) uint8 RGB, as the picture that boxes refer to: (3, H, W), uint8 or float32."""
        if self._background is not None:
            frame = without_background(frame, self._background)
        picture = torch.from_numpy(np.require(frame, requirements=("C", "W"))).permute(2, 0, 1)
        if self._video_size is None:
            return picture
        width, height = self._video_size
        return _resize(picture, (height, width))

    def crop(self, picture: torch.Tensor, box: NDArray[np.int64]) -> torch.Tensor:
        """Return the normalised crop of one box.

        Parameters
        ----------
        picture : (3, H, W)
            From `picture`.
        box : (4,) int64
            From `crop_boxes`.

        Returns
        -------
        (3, 224, 224) or, for ``oversample``, (3, 256, 340) float32
        """
        left, upper, right, lower = box.tolist()
        crop = _resize(picture[:, upper:lower, left:right], self._size)
        if self._center:
            crop = _part(crop, _CENTER_TOP, _CENTER_LEFT)
        return crop * self._factor + self._offset


def _resize(picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    resized = torch.nn.functional.interpolate(
        picture.to(torch.float32)[None], size=size, mode="bilinear", align_corners=False, antialias=False
    )
    return resized[0]


def _part(crops: torch.Tensor, top: int, left: int) -> torch.Tensor:
    return crops[..., top : top + NETWORK_SIDE, left : left + NETWORK_SIDE]


def views(crops: torch.Tensor, mode: SampleMode) -> Iterator[torch.Tensor]:
    """Yield what the network is shown of a batch of chunks; its answers are averaged.

    Parameters
    ----------
    crops : (B, 3, 8, H, W)
        Stacked crops of `Cropper`.
    mode
        ``oversample`` gives ten views, the others one.

    Yields
    ------
    (B, 3, 8, 224, 224)
    """
    if mode is not SampleMode.OVERSAMPLE:
        yield crops
        return
    bottom, right = WIDE_HEIGHT - NETWORK_SIDE, WIDE_WIDTH - NETWORK_SIDE
    for pictures in (crops, crops.flip(-1)):
        for top, left in ((0, 0), (0, right), (bottom, 0), (bottom, right), (_CENTER_TOP, _CENTER_LEFT)):
            yield _part(pictures, top, left)
