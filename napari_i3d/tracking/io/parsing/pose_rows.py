"""Turn arrays of key points over frames, some missing, into key points of individuals."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.parsing.box_rows import whole_frames
from napari_i3d.tracking.keypoints import Keypoints, KeypointTracklet
from napari_i3d.tracking.validation import check_span

Floats = NDArray[np.floating[Any]]


def keypoints_of_rows(
    names: Sequence[str], frames: NDArray[Any], tracks: Iterable[tuple[str, Floats, Floats | None]]
) -> Keypoints:
    """Make key points of the rows of each individual.

    Parameters
    ----------
    names
        The K key points.
    frames
        Shape (T,), ascending: the video frame of each row, from 0.
    tracks
        Name, points (T, K, 2) and confidence (T, K), None if there is none, of each individual.

    Raises
    ------
    TrackingError
        No individual has a point, or frames are invalid.
    """
    whole = whole_frames(frames)
    tracklets: list[KeypointTracklet] = []
    span = 0
    for name, points, confidence in tracks:
        known: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(axis=2))
        rows = np.flatnonzero(known.any(axis=1))
        if not len(rows):
            continue
        first, last = int(rows[0]), int(rows[-1])
        own = whole[first : last + 1] - whole[first]
        length = int(own[-1]) + 1
        span += length
        check_span(name, span, len(whole) * (len(tracklets) + 1), together=True)
        filled = np.full((length, *points.shape[1:]), np.nan, points.dtype)
        filled[own] = points[first : last + 1]
        scores = np.ones((length, points.shape[1]))
        if confidence is not None and not np.isnan(confidence).all():
            scores = np.zeros((length, points.shape[1]), confidence.dtype)
            scores[own] = confidence[first : last + 1]
        tracklets.append(KeypointTracklet(name, int(whole[first]), filled, scores))
    if not tracklets:
        raise TrackingError("expected at least one key point, found none")
    return Keypoints(tuple(names), tuple(tracklets))
