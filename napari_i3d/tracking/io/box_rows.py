"""Turn the rows of a file, one box each, into a tracking."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import TrackingError
from napari_i3d.individuals import MAX_ID, Id, format_id
from napari_i3d.tracking.io.format import ReadOptions, ReadResult
from napari_i3d.tracking.tracklets import Tracking, Tracklet, format_frames
from napari_i3d.tracking.validation import MAX_FRAME, check_span

MAX_INDIVIDUALS = 50_000
"""Limit for files in which every row has its own id, which would take very long."""

_WHOLE = re.compile(r"[+-]?\d{1,18}")


def tracking_of_rows(
    ids: Sequence[Id],
    places: NDArray[np.integer[Any]],
    frames: NDArray[Any],
    boxes: NDArray[np.float64],
    notes: Sequence[str] = (),
    *,
    twice: str = "correct or remove one of them",
) -> ReadResult:
    """Sort the rows of a file by individual and frame.

    A row that repeats another is dropped, which the notes of the result say.

    Parameters
    ----------
    ids
        The individuals.
    places
        Shape (n,): the index in `ids` of each row's individual.
    frames
        Shape (n,), of any number type: the video frame of each row, from 0.
    boxes
        Shape (n, 4): [left, upper, right, lower] in pixels. A box of not-a-numbers is kept, to be refused later.
    notes
        What the reader found.
    twice
        What to do about two different boxes of an individual in a frame.

    Raises
    ------
    TrackingError
        There is no row, a frame is no whole number from 0 to `MAX_FRAME` or far from all others, or an individual has
        two different boxes in a frame.
    """
    if len(frames) == 0:
        raise TrackingError("expected at least one box with an id, found none")
    _check_count(ids)
    whole = whole_frames(frames)
    order = np.lexsort((whole, places))
    whole, places = whole[order], places[order]
    repeated = (whole[1:] == whole[:-1]) & (places[1:] == places[:-1])
    notes = list(notes)
    if repeated.any():
        rows = np.flatnonzero(repeated)
        same = np.array_equal(boxes[order[rows]], boxes[order[rows + 1]], equal_nan=True)
        if not same:
            _refuse_two_boxes(ids, places, whole, rows, boxes[order[rows]] != boxes[order[rows + 1]], twice)
        kept = np.concatenate(([True], ~repeated))
        order, whole, places = order[kept], whole[kept], places[kept]
        notes.append(f"{_boxes(len(rows))} repeated in the file, counted once")
    bounds = np.searchsorted(places, np.arange(len(ids) + 1)).tolist()
    tracks = (
        (individual, whole[first:stop], boxes[order[first:stop]])
        for individual, first, stop in zip(ids, bounds[:-1], bounds[1:], strict=True)
    )
    return ReadResult(tracking_of_tracks(tracks), tuple(notes))


def tracking_of_tracks(tracks: Iterable[tuple[Id, NDArray[np.int64], NDArray[np.float64]]]) -> Tracking:
    """Make a tracking of each individual's frames (n,), ascending, and boxes (n, 4); those without a row are left out.

    Raises
    ------
    TrackingError
        There is no row, or a frame is far from all others.
    """
    tracklets, span, n_boxes = [], 0, 0
    for individual, frames, boxes in tracks:
        if not len(frames):
            continue
        length = int(frames[-1] - frames[0]) + 1
        check_span(individual, length, len(frames))
        span, n_boxes = span + length, n_boxes + len(frames)
        check_span(individual, span, n_boxes, together=True)
        tracklets.append(_tracklet(individual, frames, boxes, length))
    if not tracklets:
        raise TrackingError("expected at least one box with an id, found none")
    return Tracking(tracklets)


def _tracklet(individual: Id, frames: NDArray[np.int64], rows: NDArray[np.float64], length: int) -> Tracklet:
    start = int(frames[0])
    if length == len(frames):
        return Tracklet(individual, start, rows, np.ones(length, np.bool_))
    filled = np.full((length, 4), np.nan)
    present = np.zeros(length, np.bool_)
    filled[frames - start] = rows
    present[frames - start] = True
    return Tracklet(individual, start, filled, present)


def _check_count(ids: Sequence[Id]) -> None:
    if len(ids) > MAX_INDIVIDUALS:
        raise TrackingError(f"expected at most {MAX_INDIVIDUALS} individuals, found {len(ids)}: are these track ids?")


def whole_frames(frames: NDArray[Any]) -> NDArray[np.int64]:
    """Return frame numbers as whole numbers, shape (n,).

    Raises
    ------
    TrackingError
        One is no whole number from 0 to `MAX_FRAME`.
    """
    valid = (frames >= 0) & (frames <= MAX_FRAME)  # not-a-number fails both
    if frames.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            valid &= frames == np.trunc(frames)
    if not valid.all():
        wrong = frames[~valid][0].item()
        raise TrackingError(f"expected frames that are whole numbers from 0 to {MAX_FRAME}, found {format_id(wrong)}")
    return frames.astype(np.int64)


def _refuse_two_boxes(
    ids: Sequence[Id],
    places: NDArray[np.integer[Any]],
    frames: NDArray[np.int64],
    rows: NDArray[np.intp],
    differ: NDArray[np.bool_],
    twice: str,
) -> None:
    bad = rows[differ.any(axis=1)]
    first = bad[0] if len(bad) else rows[0]
    own = np.unique(frames[bad[places[bad] == places[first]]])
    ranges = [(frame, frame + 1) for frame in own.tolist()]
    raise TrackingError(
        f"{format_id(ids[int(places[first])])}: two different boxes in {format_frames(ranges)}; {twice}"
    )


def _boxes(number: int) -> str:
    return f"{number:,} box" + ("" if number == 1 else "es")


def dropped(number: int, what: str) -> list[str]:
    """Return the note about rows that were not read: none if there were none."""
    return [f"{_boxes(number)} left out: {what}"] if number else []


def corners_of_sizes(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn [left, upper, width, height] into [left, upper, right, lower] in place, shape (n, 4); return the array."""
    with np.errstate(over="ignore", invalid="ignore"):
        sizes[:, 2:] += sizes[:, :2]
    return sizes


def numbered(values: NDArray[Any]) -> tuple[list[Id], NDArray[np.int64]]:
    """Return the ids in a column of whole numbers, in the order in which they appear, and each row's place in them.

    Raises
    ------
    TrackingError
        A value is no whole number.
    """
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            wrong = ~((values == np.trunc(values)) & (np.abs(values) <= 2.0**53))
        if wrong.any():
            raise TrackingError(f"expected ids that are whole numbers, found {format_id(values[wrong][0].item())}")
        values = values.astype(np.int64)
    found, first, places = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return found[order].tolist(), rank[places.reshape(-1)]


def plain_ids(texts: Sequence[str]) -> list[Id]:
    """Return ids that a file holds as text: as whole numbers if all of them are written as such, else as they are."""
    if all(_WHOLE.fullmatch(text) and str(int(text)) == text.removeprefix("+") for text in texts):
        return [int(text) for text in texts]
    return list(texts)


def whole_ids(ids: Sequence[Id], least: int) -> bool:
    """Return whether all ids are whole numbers from `least` on."""
    return all(isinstance(individual, int) and least <= individual <= MAX_ID for individual in ids)


def frame_base(frames: NDArray[Any], options: ReadOptions, program: str, usual: int = 0) -> tuple[int, str]:
    """Decide which number a file of unstated base gives to the video's first frame, and say so.

    The smallest frame decides: 0 shows that the file counts from 0. Otherwise the program's usual base is taken.

    Raises
    ------
    TrackingError
        `ReadOptions.base` is 1, but the file has a frame 0.
    """
    smallest = frames.min() if len(frames) else usual
    if options.base is not None:
        if options.base == 1 and smallest == 0:
            raise TrackingError(
                "expected frames from 1, as stated (base 1), found a frame 0",
                hint="state {base=0}",
            )
        return options.base, f"frames count from {options.base}, as stated"
    if smallest == 0:
        return 0, "frames count from 0: there is a frame 0"
    first = f"the first is {smallest:.0f}: state base {1 - usual} if they count from {1 - usual}"
    return usual, f"frames are taken to count from {usual}, as in {program}; {first}"
