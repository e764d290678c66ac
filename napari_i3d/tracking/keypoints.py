"""Key points of individuals, as pose trackers write them, and the options for converting them to boxes."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import SettingsError

CENTROID = ("centroid",)
"""Names of the key points in formats with a single point per individual."""

_BLOCK_ROWS = 4096


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
        Shape (N, K, 2), float64 (float32 where the file has no more): x, y in pixels; not-a-number where a point is
        absent.
    confidence
        Shape (N, K), floating, as in the file; 1 where the format has none. It may be a broadcast view.
    """

    id: str | int
    start: int
    points: NDArray[np.floating[Any]]
    confidence: NDArray[np.floating[Any]]


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
        The length of an animal if the format states it; used to suggest the size of boxes around centroids.
    """

    names: tuple[str, ...]
    tracklets: tuple[KeypointTracklet, ...]
    body_length_px: float | None = None


def trim_points(
    individual: str | int,
    first_frame: int,
    points: NDArray[np.floating[Any]],
    confidence: NDArray[np.floating[Any]],
) -> KeypointTracklet | None:
    """Return the tracklet from the first row with a point to the last, as views; None if no row has one.

    Parameters
    ----------
    individual
        The id.
    first_frame
        Video frame of the first row.
    points, confidence
        Shapes (N, K, 2) and (N, K).
    """
    first = next(_rows_with_points(points), None)
    if first is None:
        return None
    last = len(points) - 1 - next(_rows_with_points(points[::-1]))
    rows = slice(first, last + 1)
    return KeypointTracklet(individual, first_frame + first, points[rows], confidence[rows])


def _rows_with_points(points: NDArray[np.floating[Any]]) -> Iterator[int]:
    for block in range(0, len(points), _BLOCK_ROWS):
        held = np.isfinite(points[block : block + _BLOCK_ROWS]).all(axis=2).any(axis=1)
        if held.any():
            yield block + int(held.argmax())


@dataclass(frozen=True)
class KeypointBoxes:
    """How key points become boxes.

    Squares of constant size (`size_px`) keep the scale of the animal in its crops from changing with its posture;
    boxes around the points (`margin`) follow its extent.

    Parameters
    ----------
    margin
        Fraction of the box's longer side that is added at each side; of no effect with `size_px`.
    size_px
        Side of squares around the mean of the points, in pixels of the video that was tracked; None: the box is the
        extent of the points.
    min_confidence
        Points of a lower confidence do not count.
    min_keypoints
        Frames with fewer points that count have no box. A single key point is enough where there is only one.
    keypoints
        Names of the key points that count; None: all.
    max_gap_frames
        Gaps of up to this many frames are filled by linear interpolation of the boxes beside them.

    Raises
    ------
    SettingsError
        A value is out of range.
    """

    margin: float = 0.2
    size_px: float | None = None
    min_confidence: float = 0.5
    min_keypoints: int = 2
    keypoints: tuple[str, ...] | None = None
    max_gap_frames: int = 0

    def __post_init__(self) -> None:
        _require(_is_number(self.margin) and self.margin >= 0, "margin", "a number from 0 on", self.margin)
        fits = self.size_px is None or (_is_number(self.size_px) and self.size_px > 0)
        _require(fits, "size_px", "a number of pixels above 0, or None", self.size_px)
        _require(_is_number(self.min_confidence), "min_confidence", "a number", self.min_confidence)
        for name, least in (("min_keypoints", 1), ("max_gap_frames", 0)):
            value = getattr(self, name)
            _require(_is_whole(value) and value >= least, name, f"a whole number from {least} on", value)
        if self.keypoints is not None:
            given: Any = self.keypoints
            names = () if isinstance(given, str) else tuple(given)
            fits = bool(names) and all(isinstance(name, str) for name in names)
            _require(fits, "keypoints", "names of key points, or None for all", self.keypoints)
            object.__setattr__(self, "keypoints", names)

    def as_dict(self) -> dict[str, Any]:
        """Return the choices as JSON values, for provenance."""
        return {**asdict(self), "keypoints": None if self.keypoints is None else list(self.keypoints)}


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)


def _require(fits: bool, name: str, expected: str, found: object) -> None:
    if not fits:
        raise SettingsError(f"{name}: expected {expected}, found {ascii(found)[:60]}")
