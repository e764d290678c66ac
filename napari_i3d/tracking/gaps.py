"""Resolve gaps: frames without a box between an individual's first and last."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.tracking.tracklets import Tracking, Tracklet, format_frames, runs


class Gaps(StrEnum):
    """Ways to handle the gaps of a tracking."""

    ERROR = "error"
    SPLIT = "split"
    INTERPOLATE = "interpolate"


def resolve_gaps(tracking: Tracking, gaps: Gaps | str) -> Tracking:
    """Return the tracking with its gaps resolved.

    Parameters
    ----------
    tracking
        With or without gaps.
    gaps
        ``"split"`` cuts individuals at their gaps into `{id}_part1`, `{id}_part2`, ...; ``"interpolate"`` fills gaps
        by linear interpolation; ``"error"`` changes nothing: extraction refuses gaps.

    Raises
    ------
    TrackingError
        `gaps` is unknown, a piece would have the id of another individual, or a box beside a gap is not finite.
    """
    try:
        gaps = Gaps(gaps)
    except ValueError:
        raise TrackingError(f"gaps: expected one of {', '.join(Gaps)}, found {gaps!r}") from None
    if gaps is Gaps.ERROR:
        return tracking
    return split_gaps(tracking) if gaps is Gaps.SPLIT else interpolate_gaps(tracking)


def split_gaps(tracking: Tracking) -> Tracking:
    """Cut every individual with gaps into pieces without: `{id}_part1`, `{id}_part2`, ... in its place.

    Raises `TrackingError` if a piece would have the id of another individual.
    """
    pieces: list[Tracklet] = []
    taken = set(tracking)
    for individual, tracklet in tracking.items():
        if not tracklet.gaps:
            pieces.append(tracklet)
            continue
        for number, (first, stop) in enumerate(runs(tracklet.present), start=1):
            name = f"{individual}_part{number}"
            if name in taken:
                raise TrackingError(
                    f"{format_id(individual)}: its piece {number} would be called {name!r}, but another individual has "
                    "this id",
                    hint="rename one of them",
                )
            taken.add(name)
            part = slice(first, stop)
            pieces.append(Tracklet(name, tracklet.start + first, tracklet.boxes[part], tracklet.present[part]))
    return Tracking(pieces, tracking.origin)


def interpolate_gaps(tracking: Tracking) -> Tracking:
    """Fill the gaps of every individual: each side of the box is interpolated linearly.

    Raises `TrackingError` if a box before or after a gap is not finite.
    """
    filled = (_interpolated(tracklet) if tracklet.gaps else tracklet for tracklet in tracking.values())
    return Tracking(filled, tracking.origin)


def interpolate_boxes(
    frames: NDArray[np.int64], known: NDArray[np.int64], boxes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate each side of a box linearly.

    Parameters
    ----------
    frames : (n,)
        Where boxes are wanted.
    known : (k,)
        Ascending: where they are known.
    boxes : (k, 4)
        The known boxes.

    Returns
    -------
    (n, 4) float64
    """
    return np.stack([np.interp(frames, known, side) for side in boxes.T], axis=1)


def _interpolated(tracklet: Tracklet) -> Tracklet:
    beside = sorted({frame for first, stop in tracklet.gaps for frame in (first - 1, stop)})
    invalid = [f for f in beside if not np.isfinite(tracklet.boxes[f - tracklet.start]).all()]
    if invalid:
        raise TrackingError(
            f"{format_id(tracklet.id)}: the boxes beside its gaps, at {format_frames([(f, f + 1) for f in invalid])}, "
            "hold values that are not finite numbers",
            hint="correct or remove them before interpolating",
        )
    present = tracklet.present
    known, absent = np.flatnonzero(present), np.flatnonzero(~present)
    boxes = tracklet.boxes.copy()
    boxes[absent] = interpolate_boxes(absent, known, tracklet.boxes[known])
    return Tracklet(tracklet.id, tracklet.start, boxes, np.ones(len(boxes), np.bool_))
