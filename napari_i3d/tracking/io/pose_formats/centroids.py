"""Key points of formats with a single point per individual."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.tracking.keypoints import CENTROID, Keypoints, KeypointTracklet, trim_points
from napari_i3d.tracking.validation import MAX_FRAME, check_span


def centroid_keypoints(
    centroids: Iterable[tuple[str | int, int, NDArray[np.floating[Any]]]], body_length_px: float | None
) -> Keypoints:
    """Return the centroids of individuals as key points.

    Parameters
    ----------
    centroids
        Id, frame of the first row, and places of shape (N, 2), not-a-number where there is none.
    body_length_px
        If the format states it.

    Raises
    ------
    TrackingError
        There is no place at all, or two individuals have the same id.
    """
    tracklets: dict[str | int, KeypointTracklet] = {}
    seen = set()
    for individual, first, places in centroids:
        if individual in seen:
            raise TrackingError(
                f"two individuals are called {format_id(individual)}",
                hint="rename one of them",
            )
        seen.add(individual)
        tracklet = trim_points(individual, first, places[:, None, :], np.broadcast_to(1.0, (len(places), 1)))
        if tracklet is not None:
            tracklets[individual] = tracklet
    if not tracklets:
        raise TrackingError("there is no point in the whole file")
    length = float(body_length_px) if body_length_px is not None and 0 < body_length_px < np.inf else None
    return Keypoints(CENTROID, tuple(tracklets.values()), length)


def rows_by_frame(
    individual: str | int, frames: NDArray[Any], values: NDArray[np.floating[Any]]
) -> tuple[int, NDArray[np.floating[Any]]]:
    """Return the first frame, and the values with a row for each frame from there to the last.

    Parameters
    ----------
    individual
        For messages.
    frames
        Shape (n,): the frame of each row, whole numbers in any order.
    values
        Shape (n, k), floating.

    Raises
    ------
    TrackingError
        A frame is not a whole number from 0 on, or is there twice.
    """
    if not len(frames) or frames.shape != values.shape[:1]:
        raise TrackingError(
            f"{format_id(individual)}: expected as many rows as frames, found {len(values)}, {len(frames)}"
        )
    wrong = ~((frames >= 0) & (frames <= MAX_FRAME) & (frames == np.trunc(frames)))
    if wrong.any():
        raise TrackingError(
            f"{format_id(individual)}: expected frames from 0 to {MAX_FRAME}, found {float(frames[wrong][0]):g}"
        )
    numbers = frames.astype(np.int64)
    first, last = int(numbers.min()), int(numbers.max())
    check_span(individual, last - first + 1, len(numbers))
    filled = np.full((last - first + 1, values.shape[1]), np.nan, values.dtype)
    filled[numbers - first] = values
    count = np.bincount(numbers - first)
    if (count > 1).any():
        raise TrackingError(f"{format_id(individual)}: frame {first + int(count.argmax())} is there twice")
    return first, filled
