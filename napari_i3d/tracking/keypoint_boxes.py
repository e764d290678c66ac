"""Convert key points to boxes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.errors import TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.tracking.gaps import interpolate_boxes
from napari_i3d.tracking.keypoints import KeypointBoxes, Keypoints, KeypointTracklet
from napari_i3d.tracking.origin import Origin
from napari_i3d.tracking.tracklets import Tracking, Tracklet, runs

# Rows converted at once: their arrays fit the cache of a core.
_BLOCK_ROWS = 8192
BODY_LENGTHS = 1.5
"""Side of the suggested square around a centroid, in body lengths."""

_MOST_NAMES = 12


def keypoints_to_boxes(keypoints: Keypoints, choices: KeypointBoxes, format_name: str = "keypoints") -> Tracking:
    """Return the boxes of all individuals; frames without a box are gaps.

    Parameters
    ----------
    keypoints
        The content of the file.
    choices
        How points become boxes.
    format_name
        The format they were read from, for the tracking's `Origin`.

    Raises
    ------
    TrackingError
        A key point is not in the file, a size is needed, or no individual has a box at all.
    """
    columns = _columns(keypoints.names, choices.keypoints)
    least = _least_points(keypoints, columns, choices)
    made: list[Tracklet] = []
    empty: list[str | int] = []
    for tracklet in keypoints.tracklets:
        with np.errstate(over="ignore", invalid="ignore"):  # huge coordinates make infinite boxes, which checks list
            boxes = _boxes(tracklet, columns, least, choices)
        held = np.flatnonzero(~np.isnan(boxes[:, 0]))
        if not len(held):
            empty.append(tracklet.id)
            continue
        first, stop = int(held[0]), int(held[-1]) + 1
        boxes = _fill_gaps(boxes[first:stop], choices.max_gap_frames)
        made.append(Tracklet(tracklet.id, tracklet.start + first, boxes))
    too_few = f"frames with {counted(least, 'key point')} of confidence {choices.min_confidence:g} or more"
    if not made:
        raise TrackingError(
            f"no individual has {too_few}",
            hint="lower {min_confidence} or {min_keypoints}",
        )
    notes = (f"left out, without {too_few}: {_listed(empty)}",) if empty else ()
    return Tracking(made, Origin(format_name, notes, choices))


def needs_size(keypoints: Keypoints) -> bool:
    """Return whether each individual is one point only, which makes no box without a size."""
    return len(keypoints.names) == 1


def suggested_size_px(keypoints: Keypoints) -> float | None:
    """Return the side of a square that holds an animal whatever its direction; None if its length is not stated."""
    length = keypoints.body_length_px
    return None if length is None else float(max(1, round(BODY_LENGTHS * length)))


def _columns(names: tuple[str, ...], chosen: tuple[str, ...] | None) -> list[int]:
    if chosen is None:
        return list(range(len(names)))
    missing = [name for name in chosen if name not in names]
    if missing:
        raise TrackingError(
            f"no key point {_listed(missing)} in the file; it has {_listed(names)}",
            hint="choose among them with {keypoints}",
        )
    return [names.index(name) for name in dict.fromkeys(chosen)]


def _least_points(keypoints: Keypoints, columns: list[int], choices: KeypointBoxes) -> int:
    if len(columns) > 1:
        if choices.min_keypoints > len(columns):
            raise TrackingError(
                f"min_keypoints is {choices.min_keypoints}, but only {len(columns)} key points count: "
                f"{_listed(keypoints.names[column] for column in columns)}",
                hint="lower {min_keypoints}",
            )
        return choices.min_keypoints
    if choices.size_px is None:
        length = keypoints.body_length_px
        raise TrackingError(
            "one point for each individual makes no box by itself",
            hint="give the side of a square around it in pixels, "
            + (
                f"such as {{size_px={BODY_LENGTHS * length:.0f}}} ({BODY_LENGTHS:g} times the body length of "
                f"{length:.4g} px)"
                if length is not None
                else f"{{size_px}}, about {BODY_LENGTHS:g} times the length of the animal"
            ),
        )
    return 1


def _listed(names: Any) -> str:
    texts = [format_id(name) for name in names]
    more = f" and {len(texts) - _MOST_NAMES} more" if len(texts) > _MOST_NAMES else ""
    return ", ".join(texts[:_MOST_NAMES]) + more


def _boxes(
    tracklet: KeypointTracklet, columns: Sequence[int], least: int, choices: KeypointBoxes
) -> NDArray[np.float64]:
    """Return boxes of shape (N, 4), not-a-number where there is none."""
    boxes = np.empty((len(tracklet.points), 4))
    for first in range(0, len(boxes), _BLOCK_ROWS):
        block = slice(first, first + _BLOCK_ROWS)
        points, confidence = tracklet.points[block], tracklet.confidence[block]
        count = np.zeros(len(points), np.intp)
        if choices.size_px is None:
            low, high = np.full((2, len(points)), np.inf), np.full((2, len(points)), -np.inf)
        else:
            low = high = np.zeros((2, len(points)))
        for column in columns:
            # Not-a-number compares false: such a confidence or place does not count.
            place = points[:, column].T.astype(np.float64)  # (2, n)
            counts = (confidence[:, column] >= choices.min_confidence) & np.isfinite(place[0]) & np.isfinite(place[1])
            count += counts
            if choices.size_px is None:
                np.minimum(low, np.where(counts, place, np.inf), out=low)
                np.maximum(high, np.where(counts, place, -np.inf), out=high)
            else:
                low += np.where(counts, place, 0.0)
        if choices.size_px is None:
            margin = choices.margin * (high - low).max(axis=0) if choices.margin else 0.0
            boxes[block, :2], boxes[block, 2:] = (low - margin).T, (high + margin).T
        else:
            center = (low / np.maximum(count, 1)).T
            boxes[block, :2], boxes[block, 2:] = center - choices.size_px / 2, center + choices.size_px / 2
        boxes[block][count < least] = np.nan
    return boxes


def _fill_gaps(boxes: NDArray[np.float64], longest: int) -> NDArray[np.float64]:
    present = ~np.isnan(boxes[:, 0])
    if longest == 0 or present.all():
        return boxes
    short = np.zeros(len(boxes), np.bool_)
    for first, stop in runs(~present):
        short[first:stop] = stop - first <= longest
    absent, known = np.flatnonzero(short), np.flatnonzero(present)
    boxes[absent] = interpolate_boxes(absent, known, boxes[known])
    return boxes
