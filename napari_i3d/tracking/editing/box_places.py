"""Where boxes are, and how far from each other."""

import numpy as np
from numpy.typing import NDArray

from napari_i3d.tracking.tracklets import Tracklet


def distance_of(short: Tracklet, other: Tracklet) -> float | None:
    """Return the distance of a short tracklet from the other's nearest box in time; None if both share a frame."""
    start, stop = max(short.start, other.start), min(short.stop, other.stop)
    if start < stop:
        shared = short.present[start - short.start : stop - short.start]
        if (shared & other.present[start - other.start : stop - other.start]).any():
            return None
    known = np.flatnonzero(other.present) + other.start
    apart = np.where(known < short.start, short.start - known, np.abs(known - (short.stop - 1)))
    nearest = int(known[np.argmin(apart)])
    one = center_of(short, short.start if nearest < short.start else short.stop - 1)
    there = center_of(other, nearest)
    if one is None or there is None:
        return None
    # A frame counts as a pixel: what ended long ago in the same place is no better than what is near now.
    return length_of(there - one) + float(apart.min())


def rows_of(tracklet: Tracklet, start: int, stop: int) -> NDArray[np.float64]:
    """Return the boxes of a range of frames, (n, 4)."""
    return tracklet.boxes[start - tracklet.start : stop - tracklet.start]


def center_of(tracklet: Tracklet, frame: int) -> NDArray[np.float64] | None:
    """Return the center of the box of a frame, (2,); None if there is none."""
    if not tracklet.start <= frame < tracklet.stop:
        return None
    box = tracklet.boxes[frame - tracklet.start]
    return (box[:2] + box[2:]) / 2 if np.isfinite(box).all() else None


def last_center_of(tracklet: Tracklet, frame: int) -> NDArray[np.float64] | None:
    """Return the center of the last box before a frame."""
    finite = np.isfinite(tracklet.boxes[: max(frame - tracklet.start, 0)]).all(axis=1)
    rows = np.flatnonzero(finite)
    return center_of(tracklet, tracklet.start + int(rows[-1])) if len(rows) else None


def length_of(vector: NDArray[np.float64]) -> float:
    """Return the length of a vector, (2,)."""
    return float(np.hypot(*vector))
