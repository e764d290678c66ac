"""Crop individuals from frames and normalize the crops for the network.

Resizing is bilinear with half-pixel centers, without antialiasing, in floating point: like OpenCV's INTER_LINEAR on
floats, which the predecessor of this program used, so that features fit existing data sets.

torch takes a second to load, so the first crop for the network imports it; boxes and `crop_pixels` do not need it.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.backbones.registry import I3D
from napari_i3d.errors import Message
from napari_i3d.extraction.settings import ExtractionSettings, Normalization, SampleMode
from napari_i3d.video.background import without_background

if TYPE_CHECKING:
    import torch


NETWORK_SIDE = I3D.input_px
WIDE_WIDTH, WIDE_HEIGHT = 340, 256
_CENTER_TOP = (WIDE_HEIGHT - NETWORK_SIDE) // 2
_CENTER_LEFT = (WIDE_WIDTH - NETWORK_SIDE) // 2
_LARGEST_BY_SUMS = 288  # pixels; measured, torch's interpolation is faster for larger boxes
_SQUARE_RATIO = 1.02  # images with a smaller aspect ratio count as square

# (factor, offset): value * factor + offset
_NORMALIZATIONS = {
    Normalization.SYMMETRIC: (2 / 255, -1.0),
    Normalization.KINETICS: (1 / I3D.std, -I3D.mean / I3D.std),
}


def squash_note(width_px: int, height_px: int, settings: ExtractionSettings) -> Message | None:
    """Describe how much the whole image of a video without tracking is squashed to a square, and how to avoid it.

    Parameters
    ----------
    width_px, height_px
        Size of the video's frames.
    settings
        Sample mode and video size.

    Returns
    -------
    Message or None
        None if the image is square, or `sample_mode` is not ``"expand_bboxes"``.
    """
    width, height = settings.video_size or (width_px, height_px)
    ratio = max(width, height) / min(width, height)
    if settings.sample_mode is not SampleMode.EXPAND_BBOXES or ratio < _SQUARE_RATIO:
        return None
    shape = "narrow" if width > height else "flat"
    ways = "a tracking with a square box"
    # center_crop squashes too, to 340x256: wide images less, high ones more.
    if max(WIDE_WIDTH * height, WIDE_HEIGHT * width) / min(WIDE_WIDTH * height, WIDE_HEIGHT * width) < ratio:
        ways = f"{{sample_mode=center_crop}}, which sees the middle and squashes less, or {ways}"
    return Message(
        f"the whole {width}x{height} image is squashed to a square, {ratio:.2f} times too {shape}", f"use {ways}"
    )


class Cropper:
    """Cuts normalized crops out of frames according to the settings.

    Parameters
    ----------
    settings
        Sample mode, normalization and size of the video.
    background : (H, W) uint8, optional
        Gray image of the background; pixels that look like it become gray.
    """

    def __init__(self, settings: ExtractionSettings, background: NDArray[np.uint8] | None = None) -> None:
        self._video_size = settings.video_size
        self._background = background
        self._factor, self._offset = _NORMALIZATIONS[settings.normalization]
        self._size = _crop_size(settings.sample_mode)
        self._center = settings.sample_mode is SampleMode.CENTER_CROP

    def image(self, frame: NDArray[np.uint8]) -> "torch.Tensor":
        """Convert a frame, (H, W, 3) uint8 RGB, to the image that boxes refer to: (3, H, W), uint8 or float32."""
        import torch

        if self._background is not None:
            frame = without_background(frame, self._background)
        image = torch.from_numpy(np.require(frame, requirements=("C", "W"))).permute(2, 0, 1)
        if self._video_size is None:
            return image
        width, height = self._video_size
        return _resize(image, (height, width))

    def crop(self, image: "torch.Tensor", box: NDArray[np.integer[Any]]) -> "torch.Tensor":
        """Return the normalized crop of one box.

        Parameters
        ----------
        image : (3, H, W)
            From `image`.
        box : (4,) integers
            From `crop_boxes`.

        Returns
        -------
        (3, 224, 224) or, for ``oversample``, (3, 256, 340) float32
        """
        left, upper, right, lower = box.tolist()
        crop = _resize(image[:, upper:lower, left:right], self._size)
        if self._center:
            crop = _part(crop, _CENTER_TOP, _CENTER_LEFT)
        return crop.mul_(self._factor).add_(self._offset)


def _crop_size(mode: SampleMode) -> tuple[int, int]:
    """Return the height and width to which boxes are resized."""
    direct = mode is SampleMode.EXPAND_BBOXES
    return (NETWORK_SIDE, NETWORK_SIDE) if direct else (WIDE_HEIGHT, WIDE_WIDTH)


def crop_pixels(
    frame: NDArray[np.uint8], box: NDArray[np.integer[Any]], settings: ExtractionSettings
) -> NDArray[np.uint8]:
    """Return the crop that `Cropper` makes of a box as an image: before it is normalized, rounded to whole levels.

    Parameters
    ----------
    frame : (H, W, 3) uint8
        Video frame, RGB.
    box : (4,) integers
        From `crop_boxes`.
    settings
        Sample mode and size of the video.

    Returns
    -------
    (224, 224, 3) or, for ``oversample``, (256, 340, 3) uint8
    """
    left, upper, right, lower = box.tolist()
    image: NDArray[np.uint8] | NDArray[np.float32] = frame
    if settings.video_size is not None:
        width, height = settings.video_size
        image = _resize_pixels(frame, (height, width))
    crop = _resize_pixels(image[upper:lower, left:right], _crop_size(settings.sample_mode))
    if settings.sample_mode is SampleMode.CENTER_CROP:
        crop = crop[_CENTER_TOP : _CENTER_TOP + NETWORK_SIDE, _CENTER_LEFT : _CENTER_LEFT + NETWORK_SIDE]
    return crop.round().astype(np.uint8)


def _resize_pixels(image: NDArray[np.uint8] | NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Resize like `_resize`, for (H, W, 3) arrays; equal to within the rounding of float32."""
    (up, down), across_rows = _neighbors(image.shape[0], size[0])
    (left, right), across = _neighbors(image.shape[1], size[1])
    rows = image[up] * across_rows[0][:, None, None] + image[down] * across_rows[1][:, None, None]
    return np.asarray(rows[:, left] * across[0][:, None] + rows[:, right] * across[1][:, None], np.float32)


@lru_cache(maxsize=1024)
def _neighbors(length: int, new_length: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the two pixels around each new pixel and their weights, (2, new_length) each.

    The rounding is that of torch's `interpolate`: a scale in float32, then one rounding to float32.
    """
    scale = float(np.float32(length) / np.float32(new_length))
    places = np.maximum((scale * (np.arange(new_length) + 0.5) - 0.5).astype(np.float32), np.float32(0))
    first = np.minimum(places.astype(np.int32), length - 1)
    second = np.clip(places - first, 0, 1).astype(np.float32)
    return np.stack([first, np.minimum(first + 1, length - 1)]), np.stack([1 - second, second])


def _resize(image: "torch.Tensor", size: tuple[int, int]) -> "torch.Tensor":
    """Resize (3, H, W), uint8 or float32, to float32."""
    import torch

    _, height, width = image.shape
    if image.device.type != "cpu" or max(height, width) > _LARGEST_BY_SUMS:
        resized = torch.nn.functional.interpolate(
            image.to(torch.float32)[None], size=size, mode="bilinear", align_corners=False, antialias=False
        )
        return resized[0]
    # Measured, twice as fast for small boxes: both directions as weighted sums of whole rows.
    pixels = torch.empty(height, width, 3)
    pixels.copy_(image.permute(1, 2, 0))
    lines = _weighted_sums(pixels.view(height, -1), size[0]).view(size[0], width, 3)
    columns = _weighted_sums(lines.permute(1, 2, 0).reshape(width, -1), size[1]).view(size[1], 3, size[0])
    return columns.permute(1, 2, 0).contiguous()


def _weighted_sums(lines: "torch.Tensor", new_length: int) -> "torch.Tensor":
    """Resize the first axis of (n, m) float32."""
    import torch

    places, weights = _neighbor_tensors(len(lines), new_length)
    return torch.nn.functional.embedding_bag(places, lines, per_sample_weights=weights, mode="sum")


@lru_cache(maxsize=1024)
def _neighbor_tensors(length: int, new_length: int) -> tuple["torch.Tensor", "torch.Tensor"]:
    import torch

    places, weights = _neighbors(length, new_length)
    return torch.from_numpy(places.T.copy()), torch.from_numpy(weights.T.copy())


def _part(crops: "torch.Tensor", top: int, left: int) -> "torch.Tensor":
    return crops[..., top : top + NETWORK_SIDE, left : left + NETWORK_SIDE]


def views(crops: "torch.Tensor", mode: SampleMode) -> Iterator["torch.Tensor"]:
    """Yield the views of a batch of chunks that the network encodes; their features are averaged.

    Parameters
    ----------
    crops : (B, 3, 8, H, W)
        Stacked crops of `Cropper`.
    mode
        ``oversample`` has ten views, the others have one.

    Yields
    ------
    (B, 3, 8, 224, 224)
    """
    if mode is not SampleMode.OVERSAMPLE:
        yield crops
        return
    bottom, right = WIDE_HEIGHT - NETWORK_SIDE, WIDE_WIDTH - NETWORK_SIDE
    for images in (crops, crops.flip(-1)):
        for top, left in ((0, 0), (0, right), (bottom, 0), (bottom, right), (_CENTER_TOP, _CENTER_LEFT)):
            yield _part(images, top, left)
