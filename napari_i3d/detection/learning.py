"""Learn from frames spread over a video how individuals differ from the background, and how large they are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_i3d.detection.blobs import find_blobs
from napari_i3d.detection.foreground import CHANGED_SHARE, LEVEL_STEP, Foreground, difference_from
from napari_i3d.detection.settings import Contrast, DetectionSettings, Reference
from napari_i3d.errors import VideoError

_QUANTILE = 0.1  # an individual may stay in one place for all but this share of the time
_NOISE_TIMES = 6.0
_THRESHOLDS = 8.0, 40.0  # the smallest and the largest that noise may call for
_CONTRAST_SHARE = 0.3
_NEARLY_ALL = 0.9
_ACTIVE_SHARE = 0.1
_USUAL_SIDE = 20.0  # pixels of the reduced image that an individual should have from side to side, at least
_AREA_SHARE = 0.25
_OPENING_SHARE = 0.08
_CLOSING_SHARE = 0.05
_FIRST_CLOSING = 3  # pixels, before the size of the individuals is known


def learn_foreground(samples: Sequence[NDArray[np.uint8]], scale: int, settings: DetectionSettings) -> Foreground:
    """Learn how individuals differ from the background.

    Parameters
    ----------
    samples : each (H, W) uint8
        Gray frames spread evenly over the video, reduced by `scale`.
    scale
        Every how many-th row and column of the video they hold.
    settings
        The settings.

    Raises
    ------
    VideoError
        Most of the image changes, or nothing does.
    """
    stack = _steadied(np.stack(samples))
    middle = np.median(stack, axis=0).astype(np.float32)
    noise = _noise(stack, middle)
    floor = settings.threshold or float(np.clip(_NOISE_TIMES * noise, *_THRESHOLDS))
    if settings.reference is Reference.TIME:
        _require_still_camera(stack, middle, floor)
    dark, light = (np.quantile(stack, q, axis=0).astype(np.float32) for q in (1 - _QUANTILE, _QUANTILE))
    contrast = settings.contrast
    if contrast is Contrast.AUTO:
        contrast = _found_contrast(dark, light, middle, floor)
    # Not the median: an individual may stay in one place for most of the time.
    background = {Contrast.DARK: dark, Contrast.LIGHT: light}.get(contrast, middle)
    window = 0 if settings.reference is Reference.TIME else max(15, min(middle.shape) // 4)
    differences = [difference_from(gray.astype(np.float32), background, contrast, window) for gray in samples]
    ignored = np.zeros(middle.shape, np.bool_)
    if window:
        ignored = _clutter(differences, dark - light, floor)
        for difference in differences:
            difference[ignored] = 0
    # First with what the noise allows; then with what the individuals found so have.
    areas, contrasts = _largest(differences, floor, settings.individuals, 1, _FIRST_CLOSING)
    threshold = settings.threshold or max(floor, _CONTRAST_SHARE * _weighted_median(contrasts, contrasts * areas))
    if not (contrasts > threshold).any():
        raise VideoError(
            f"no individual found: no pixel differs from the background by more than {floor:.0f} gray levels",
            hint="lower {threshold}, set {contrast}, or set {reference=surroundings} if the individuals never move",
        )
    side = float(np.sqrt(np.median(areas[contrasts > threshold])))
    more = max(1, int(side / _USUAL_SIDE))
    differences = [difference[::more, ::more] for difference in differences]
    opening = max(1, round(_OPENING_SHARE * side / more)) if side / more >= 6 else 0
    closing = max(1, round(_CLOSING_SHARE * side / more)) if opening else 0
    areas, _ = _largest(differences, threshold, settings.individuals, opening, closing)
    scale *= more
    if settings.min_area is not None:
        min_area = settings.min_area / scale**2
    else:
        min_area = _AREA_SHARE * float(np.percentile(areas, 20)) if len(areas) else 4.0
    return Foreground(
        scale=scale,
        background=np.ascontiguousarray(background[::more, ::more]),
        contrast=contrast,
        window=window // more if window else 0,
        ignored=np.ascontiguousarray(ignored[::more, ::more]),
        threshold=threshold,
        min_area=max(4.0, min_area),
        opening=opening,
        closing=closing,
    )


def _steadied(stack: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return frames (n, H, W) without the brightness in which they differ as a whole."""
    coarse = stack[:, ::LEVEL_STEP, ::LEVEL_STEP].astype(np.float32)
    levels = np.median(coarse - np.median(coarse, axis=0), axis=(1, 2))
    steadied: NDArray[np.float32] = stack.astype(np.float32)
    steadied -= levels[:, None, None].astype(np.float32)
    return steadied


def _noise(stack: NDArray[np.float32], middle: NDArray[np.float32]) -> float:
    """Return the standard deviation of background pixels over time, robust against individuals on less than half."""
    coarse = np.abs(stack - middle)[:, ::LEVEL_STEP, ::LEVEL_STEP]
    return 1.4826 * float(np.median(coarse))


def _require_still_camera(stack: NDArray[np.float32], middle: NDArray[np.float32], floor: float) -> None:
    changed = float(np.median([(np.abs(gray - middle) > floor).mean() for gray in stack]))
    if changed > CHANGED_SHARE:
        raise VideoError(
            f"expected a camera and a light that stand still, found {changed:.0%} of the image changing by more than "
            f"{floor:.0f} gray levels",
            hint="set {reference=surroundings}, or track with another program",
        )


def _found_contrast(
    dark: NDArray[np.float32], light: NDArray[np.float32], middle: NDArray[np.float32], floor: float
) -> Contrast:
    """Return whether individuals are dark or light; both if nothing moves.

    Where something moves, a pixel has different values over time. Those that fit the pixels around, where nothing
    moves, are the background's.

    Parameters
    ----------
    dark, light : (H, W) float32
        The background if individuals are dark, and if they are light.
    middle : (H, W) float32
        The median over time.
    floor
        Smallest change that is not noise.
    """
    changed = dark - light > floor
    reach = max(3.0, 0.03 * max(changed.shape))
    still = (~changed).astype(np.float32)
    weight = ndimage.gaussian_filter(still, reach)
    around = ndimage.gaussian_filter(middle * still, reach) / np.maximum(weight, 1e-6)
    known = changed & (weight > 1e-3)
    if not known.any():
        return Contrast.BOTH
    as_dark = float(np.abs(dark - around)[known].mean())
    as_light = float(np.abs(light - around)[known].mean())
    return Contrast.DARK if as_dark < as_light else Contrast.LIGHT


def _clutter(
    differences: Sequence[NDArray[np.float32]], changes: NDArray[np.float32], floor: float
) -> NDArray[np.bool_]:
    """Return the pixels, (H, W) bool, of regions that stand out in nearly all frames and hardly change."""
    always: NDArray[np.bool_] = np.mean([difference > floor for difference in differences], axis=0) > _NEARLY_ALL
    labels, count = ndimage.label(ndimage.binary_dilation(always, iterations=2), np.ones((3, 3)))
    if not count:
        return always
    usual = np.mean(differences, axis=0)
    changing = changes > np.maximum(floor, usual / 2)
    shares = ndimage.mean(changing, labels, np.arange(1, count + 1))
    still = np.concatenate([[False], np.asarray(shares) < _ACTIVE_SHARE])
    ignored: NDArray[np.bool_] = still[labels]
    return ignored


def _largest(
    differences: Sequence[NDArray[np.float32]], threshold: float, count: int, opening: int, closing: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return area and contrast of the `count` blobs of each frame that stand out most."""
    found = []
    for difference in differences:
        blobs = find_blobs(difference, threshold, 4, opening, closing)
        for blob in sorted(blobs, key=lambda blob: -blob.area * blob.brightness)[:count]:
            values = difference[blob.points[:, 1].astype(int), blob.points[:, 0].astype(int)]
            found.append((float(blob.area), float(np.percentile(values, 75))))
    areas, contrasts = np.array(found, np.float64).reshape(-1, 2).T
    return areas, contrasts


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    if not len(values):
        return 0.0
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(share, share[-1] / 2)])
