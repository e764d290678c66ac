"""Measures of each box of a tracklet, which the checks compare with limits."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.blocks import blocks
from napari_i3d.tracking.tracklets import Tracklet

VALID, NO_BOX, NOT_A_NUMBER, INVERTED, EMPTY = range(5)
"""Faults of a row; the first that applies."""


@dataclass(frozen=True, eq=False)
class BoxMeasures:
    """Measures of the rows of a tracklet, each (N,); 0 for rows that are not valid.

    Attributes
    ----------
    start
        Video frame of the first row.
    fault
        uint8, one of `VALID`, `NO_BOX`, `NOT_A_NUMBER`, `INVERTED`, `EMPTY`.
    size
        Square root of the area, in px.
    step
        Distance of the center from that of the previous valid box, in px per frame; 0 if there is none.
    growth
        Absolute logarithm of the ratio of the size to that of the previous valid box; 0 if there is none.
    outside
        Share of the area outside the image.
    gone
        bool: no whole pixel of the box is inside the image.
    """

    start: int
    fault: NDArray[np.uint8]
    size: NDArray[np.float64]
    step: NDArray[np.float64]
    growth: NDArray[np.float64]
    outside: NDArray[np.float64]
    gone: NDArray[np.bool_]


_ARRAYS = tuple(field.name for field in fields(BoxMeasures) if field.name != "start")


def measure(tracklet: Tracklet, image: Sequence[int] | None = None) -> BoxMeasures:
    """Measure all boxes of a tracklet.

    Parameters
    ----------
    tracklet
        The boxes.
    image
        Height and width in pixels of the image that they refer to. None: nothing is outside.
    """
    measures = _empty(tracklet)
    _measure_rows(measures, tracklet, 0, len(tracklet), image)
    return measures


def measure_again(
    before: BoxMeasures, tracklet: Tracklet, frames: tuple[int, int], image: Sequence[int] | None = None
) -> BoxMeasures:
    """Update the measures after boxes were changed, added or removed in a half-open range of frames."""
    measures = _empty(tracklet)
    measures.fault[:] = NO_BOX
    shift = before.start - tracklet.start
    first, stop = max(shift, 0), min(shift + len(before.fault), len(tracklet))
    if first < stop:
        for name in _ARRAYS:
            getattr(measures, name)[first:stop] = getattr(before, name)[first - shift : stop - shift]
    first, stop = (min(max(frame - tracklet.start, 0), len(tracklet)) for frame in frames)
    _measure_rows(measures, tracklet, first, stop, image)
    return measures


def faults_of(tracklet: Tracklet) -> NDArray[np.uint8]:
    """Return the fault of each row, (N,)."""
    fault = np.empty(len(tracklet), np.uint8)
    for rows in blocks(len(tracklet)):
        fault[rows] = _faults(np.ascontiguousarray(tracklet.boxes[rows].T), tracklet.present[rows])
    return fault


def _empty(tracklet: Tracklet) -> BoxMeasures:
    n = len(tracklet)
    size, step, growth, outside = np.zeros((4, n))
    return BoxMeasures(tracklet.start, np.zeros(n, np.uint8), size, step, growth, outside, np.zeros(n, np.bool_))


def _faults(sides: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.uint8]:
    left, upper, right, lower = sides
    pixels = np.trunc(sides)
    fault = np.where((pixels[0] == pixels[2]) | (pixels[1] == pixels[3]), np.uint8(EMPTY), np.uint8(VALID))
    fault[(right < left) | (lower < upper)] = INVERTED
    fault[~np.isfinite(sides).all(axis=0)] = NOT_A_NUMBER
    fault[~present] = NO_BOX
    return fault


def _measure_rows(
    measures: BoxMeasures, tracklet: Tracklet, first: int, stop: int, image: Sequence[int] | None
) -> None:
    """Fill in the measures of rows, and of the next valid row, whose step begins in them."""
    rows = slice(first, stop)
    sides = np.ascontiguousarray(tracklet.boxes[rows].T)
    fault = measures.fault[rows] = _faults(sides, tracklet.present[rows])
    valid = fault == VALID
    # Coordinates near the limits of float64 overflow to infinity, which compares correctly.
    with np.errstate(all="ignore"):
        left, upper, right, lower = sides
        measures.size[rows] = np.where(valid, np.sqrt(right - left) * np.sqrt(lower - upper), 0)
        if image is not None:
            limits = np.array([[image[1]], [image[0]]] * 2)
            inside = np.clip(sides, 0, limits)
            share = (inside[2] - inside[0]) / (right - left) * ((inside[3] - inside[1]) / (lower - upper))
            measures.outside[rows] = np.where(valid, 1 - share, 0)
            pixels = np.clip(np.trunc(sides), 0, limits)
            measures.gone[rows] = valid & ((pixels[2] <= pixels[0]) | (pixels[3] <= pixels[1]))
        _measure_changes(measures, tracklet, first, stop)


def _measure_changes(measures: BoxMeasures, tracklet: Tracklet, first: int, stop: int) -> None:
    begin, end = _last_valid(measures.fault[:first]), stop + _first_valid(measures.fault[stop:])
    measures.step[first:end] = measures.growth[first:end] = 0
    rows = begin + np.flatnonzero(measures.fault[begin:end] == VALID)
    if len(rows) < 2:
        return
    left, upper, right, lower = np.ascontiguousarray(tracklet.boxes[rows].T)
    moves = np.hypot(np.diff((left + right) / 2), np.diff((upper + lower) / 2))
    measures.step[rows[1:]] = moves / np.diff(rows)
    measures.growth[rows[1:]] = np.abs(np.diff(np.log(measures.size[rows])))


def _last_valid(fault: NDArray[np.uint8]) -> int:
    """Return the last valid row; 0 if there is none. Looks at few rows first: it is nearly always the very last."""
    for start in (max(len(fault) - 64, 0), 0):
        found = np.flatnonzero(fault[start:] == VALID)
        if len(found):
            return start + int(found[-1])
    return 0


def _first_valid(fault: NDArray[np.uint8]) -> int:
    """Return the row after the first valid one; their number if there is none."""
    for stop in (64, len(fault)):
        found = np.flatnonzero(fault[:stop] == VALID)
        if len(found):
            return int(found[0]) + 1
    return len(fault)
