"""Connected regions of the foreground: find them, and divide one that several individuals share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_CROSS = ndimage.generate_binary_structure(2, 1)
_EIGHT = ndimage.generate_binary_structure(2, 2)
_MOST_BLOBS = 400
_DIVIDED_PIXELS = 3000
_ROUNDS = 6
_GROWN_TIMES = 3


@dataclass(frozen=True, eq=False)
class Blob:
    """A connected region of the foreground, in pixels of the reduced image.

    Attributes
    ----------
    points : (n, 2) float64
        x and y of its pixels.
    center : (2,) float64
        Mean of the points.
    box : (4,) float64
        Left, upper, right, lower; right and lower are exclusive.
    shape : (2, 2) float64
        Covariance of the points.
    brightness
        Mean difference from the background, in gray levels.
    """

    points: NDArray[np.float64]
    center: NDArray[np.float64]
    box: NDArray[np.float64]
    shape: NDArray[np.float64]
    brightness: float

    @property
    def area(self) -> int:
        """Number of pixels."""
        return len(self.points)

    def distance(self, point: NDArray[np.float64]) -> float:
        """Return the distance of a point (2,) from the nearest pixel; 0 inside."""
        return float(np.sqrt(((self.points - point) ** 2).sum(axis=1).min()))


def make_blob(points: NDArray[np.float64], brightness: float) -> Blob:
    """Make a blob of points (n, 2), n at least 1."""
    center = points.mean(axis=0)
    offsets = points - center
    # A pixel has a width: thin blobs keep a shape that can be inverted.
    shape = offsets.T @ offsets / len(points) + np.eye(2) / 12
    box = np.concatenate([points.min(axis=0), points.max(axis=0) + 1])
    return Blob(points, center, box, shape, brightness)


def find_blobs(
    difference: NDArray[np.float32], threshold: float, min_area: float, opening: int, closing: int
) -> list[Blob]:
    """Find connected regions above a threshold, the largest first.

    Parameters
    ----------
    difference : (H, W) float32
        From the background.
    threshold
        Smallest difference of the foreground.
    min_area
        Smallest area, in pixels.
    opening
        Half the width of the thinnest parts that are kept, in pixels: legs, tails and bridges between individuals are
        cut off, but for a short stump.
    closing
        Half the width of the widest gap between parts of one individual, in pixels; stripes cause such gaps.
    """
    mask = difference > threshold
    if closing:
        mask = ndimage.maximum_filter(mask.view(np.uint8), 2 * closing + 1).view(np.bool_)
    # The parts are grouped by the gaps between them, and closed one group after the other, which is quicker.
    labels, count = ndimage.label(mask, _EIGHT)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    order = [int(index) for index in np.argsort(-areas)[:_MOST_BLOBS] if areas[index] >= min_area]
    places = ndimage.find_objects(labels)
    blobs = []
    for index in order:
        rows, columns = places[index]
        region = labels[rows, columns] == index + 1
        if closing:
            region = ndimage.binary_erosion(region, _EIGHT, iterations=closing, border_value=True)
        for part in _parted(region, opening):
            y, x = np.nonzero(part)
            if len(y) >= min_area:
                y, x = y + rows.start, x + columns.start
                blobs.append(make_blob(np.stack([x, y], axis=1).astype(np.float64), float(difference[y, x].mean())))
    return sorted(blobs, key=lambda blob: -blob.area)


def _parted(region: NDArray[np.bool_], opening: int) -> list[NDArray[np.bool_]]:
    """Return the parts of a region (H, W) that remain when thin parts and bridges are cut off."""
    if not opening:
        return [region]
    padded = np.pad(region, opening + 1)
    labels, count = ndimage.label(ndimage.binary_opening(padded, _CROSS, iterations=opening), _EIGHT)
    for _ in range(_GROWN_TIMES * opening):  # grow each part back by the same distance
        labels = np.where(padded & (labels == 0), ndimage.maximum_filter(labels, 3), labels)
    inner = labels[opening + 1 : -opening - 1, opening + 1 : -opening - 1]
    return [inner == number for number in range(1, count + 1)]


def divide(
    blob: Blob, centers: Sequence[NDArray[np.float64]], shapes: Sequence[NDArray[np.float64]]
) -> list[Blob | None]:
    """Divide a blob that several individuals share.

    Each pixel goes to the individual whose ellipse it fits best. Ellipses keep their axes' lengths; they are moved and
    turned to fit their pixels.

    Parameters
    ----------
    blob
        The blob.
    centers : each (2,)
        Where the individuals are expected.
    shapes : each (2, 2)
        Their covariances when they were last apart.

    Returns
    -------
    list
        The part of each individual; None if nearly all of it is covered.
    """
    step = max(1, len(blob.points) // _DIVIDED_PIXELS)
    points = blob.points[::step]
    means, covariances = [np.array(center) for center in centers], list(shapes)
    axes = [np.linalg.eigvalsh(shape) for shape in shapes]
    owner = np.zeros(len(points), np.int64)
    for _ in range(_ROUNDS):
        owner = _nearest(points, means, covariances)
        for index in range(len(means)):
            own = points[owner == index]
            if len(own) >= 5:
                means[index] = own.mean(axis=0)
                offsets = own - means[index]
                _, vectors = np.linalg.eigh(offsets.T @ offsets / len(own))
                covariances[index] = (vectors * axes[index]) @ vectors.T
    parts: list[Blob | None] = []
    fewest = max(5, len(points) / len(means) / 10)
    for index in range(len(means)):
        own = points[owner == index]
        parts.append(make_blob(own, blob.brightness) if len(own) >= fewest else None)
    return parts


def _nearest(
    points: NDArray[np.float64], means: Sequence[NDArray[np.float64]], covariances: Sequence[NDArray[np.float64]]
) -> NDArray[np.int64]:
    distances = []
    for mean, covariance in zip(means, covariances, strict=True):
        offsets = points - mean
        distances.append(
            np.einsum("ni,ij,nj->n", offsets, np.linalg.inv(covariance), offsets) + np.log(np.linalg.det(covariance))
        )
    nearest: NDArray[np.int64] = np.argmin(distances, axis=0)
    return nearest
