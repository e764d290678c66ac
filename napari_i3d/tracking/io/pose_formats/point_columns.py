"""Key points from tables of DeepLabCut's layout: columns of scorer, (individual,) body part and coordinate."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.errors import TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.tracking.io.format import ReadResult, VideoFacts
from napari_i3d.tracking.keypoints import Keypoints, KeypointTracklet, trim_points
from napari_i3d.tracking.validation import MAX_FRAME, check_span

ONLY_INDIVIDUAL = "ind0"
"""Id of the individual in files that name none."""

_SINGLE = "single"
LABELED_DATA = (
    "these are labeled images of a training set, not the poses of a video: their rows have names of images instead of "
    "frame numbers; give the file that analyzing the video made"
)


def points_of_table(
    columns: tuple[tuple[str, ...], ...],
    values: NDArray[np.floating[Any]],
    frames: NDArray[np.int64],
    video: VideoFacts | None,
) -> ReadResult:
    """Return the key points of a table.

    Parameters
    ----------
    columns
        The names of each column: 3 or 4 levels.
    values
        Shape (rows, columns), floating.
    frames
        Shape (rows,): the video frame of each row.
    video
        For a note on frames without a row.

    Raises
    ------
    TrackingError
        The columns are not those of 2-D points, or rows are not in the order of frames.
    """
    layout = _layout(columns)
    first, values = _rows_by_frame(values, frames)
    names = tuple(dict.fromkeys(part for parts in layout.values() for part in parts))
    tracklets: list[KeypointTracklet] = []
    empty = []
    for individual, parts in layout.items():
        tracklet = trim_points(individual, first, *_points(values, parts, names))
        if tracklet is None:
            empty.append(individual)
        else:
            tracklets.append(tracklet)
    if not tracklets:
        raise TrackingError("there is no point in the whole file")
    notes = [f"no point of {format_id(individual)} in the whole file" for individual in empty]
    if _SINGLE in layout and len(layout) > 1:
        notes.append(f"{_SINGLE!r} holds the points that belong to none of the animals")
    stop = first + len(values)
    if video is not None and stop < video.n_frames:
        notes.append(
            f"the rows end at frame {stop - 1}, the last of the video's {counted(video.n_frames, 'frame')} is "
            f"{video.n_frames - 1}: no points after that"
        )
    return ReadResult(Keypoints(names, tuple(tracklets)), tuple(notes))


_Parts = dict[str, dict[str, int]]


def _layout(columns: tuple[tuple[str, ...], ...]) -> dict[str, _Parts]:
    """Return the number of each column by individual, body part and coordinate."""
    layout: dict[str, _Parts] = {}
    coordinates: set[str] = set()
    for number, names in enumerate(columns):
        if len(names) not in (3, 4):
            raise TrackingError(
                f"expected 3 or 4 names for each column, found {len(names)}: {format_id(','.join(names))}"
            )
        individual, part, coordinate = (ONLY_INDIVIDUAL, *names[1:]) if len(names) == 3 else names[1:]
        found = layout.setdefault(individual, {}).setdefault(part, {})
        if coordinate in found:
            raise TrackingError(
                f"{format_id(part)}: two columns of {format_id(coordinate)}; the file holds several trackings"
            )
        found[coordinate] = number
        coordinates.add(coordinate)
    if "z" in coordinates:
        raise TrackingError(
            "the points have x, y and z: 3-D points are not places in the video",
            hint="give the 2-D file",
        )
    layout = {
        individual: {part: found for part, found in parts.items() if {"x", "y"} <= found.keys()}
        for individual, parts in layout.items()
    }
    layout = {individual: parts for individual, parts in layout.items() if parts}
    if not layout:
        others = ", ".join(map(format_id, sorted(coordinates)[:6]))
        raise TrackingError(f"expected the coordinates x and y of points, found {others}")
    return layout


def _rows_by_frame(
    values: NDArray[np.floating[Any]], frames: NDArray[np.int64]
) -> tuple[int, NDArray[np.floating[Any]]]:
    """Return the frame of the first row, and the rows with those between that are missing."""
    if not len(frames):
        raise TrackingError("the table has no rows")
    steps = np.diff(frames)
    first, last = int(frames[0]), int(frames[-1])
    if first < 0 or last > MAX_FRAME or (steps < 1).any():
        where = int(np.argmax(steps < 1)) + 1 if (steps < 1).any() else 0
        raise TrackingError(
            f"expected rows numbered by the frames of the video, found {frames[where]}"
            + (f" after {frames[where - 1]}" if where else "")
        )
    if (steps == 1).all():
        return first, values
    check_span("the table", last - first + 1, len(frames), numbers_a_row=values.shape[1])
    filled = np.full((last - first + 1, values.shape[1]), np.nan, values.dtype)
    filled[frames - first] = values
    return first, filled


def _points(
    values: NDArray[np.floating[Any]], parts: _Parts, names: tuple[str, ...]
) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """Return points (N, K, 2) and confidence (N, K) of one individual; views where the columns are in order."""
    places = [parts.get(name) for name in names]
    if all(place and "likelihood" in place for place in places):
        columns = [place[axis] for place in places if place for axis in ("x", "y", "likelihood")]
        if columns == list(range(columns[0], columns[0] + len(columns))):
            block = values[:, columns[0] : columns[0] + len(columns)].reshape(len(values), len(names), 3)
            return block[:, :, :2], block[:, :, 2]
    points = np.full((len(values), len(names), 2), np.nan, values.dtype)
    confidence = np.ones((len(values), len(names)), values.dtype)
    for number, place in enumerate(places):
        if place is not None:
            points[:, number, 0], points[:, number, 1] = values[:, place["x"]], values[:, place["y"]]
            if "likelihood" in place:
                confidence[:, number] = values[:, place["likelihood"]]
    return points, confidence
