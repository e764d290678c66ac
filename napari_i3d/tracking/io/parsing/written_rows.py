"""Turn a tracking into the rows of a file, one box each."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import OutputError
from napari_i3d.individuals import Id, format_id
from napari_i3d.tracking.io.parsing.box_rows import dropped
from napari_i3d.tracking.tracklets import Tracking

DIGITS = 3
"""Decimals of pixels in text files."""
_PART_ROWS = 50_000
_LISTED = 10


@dataclass(frozen=True, eq=False)
class WrittenRows:
    """The finite boxes of a tracking, one per row.

    Attributes
    ----------
    ids
        The individuals.
    places
        Shape (n,), int64: the index in `ids` of each row's individual.
    frames
        Shape (n,), int64: video frames from 0.
    boxes
        Shape (n, 4), float64: [left, upper, right, lower].
    notes
        What could not be stored.
    """

    ids: list[Id]
    places: NDArray[np.int64]
    frames: NDArray[np.int64]
    boxes: NDArray[np.float64]
    notes: list[str] = field(default_factory=list)

    def parts(self) -> Iterator["WrittenRows"]:
        """Yield the rows in blocks, since text takes more memory than the file."""
        for first in range(0, len(self.frames), _PART_ROWS):
            part = slice(first, first + _PART_ROWS)
            yield WrittenRows(self.ids, self.places[part], self.frames[part], self.boxes[part])


def rows_of(tracking: Tracking, *, by_frame: bool) -> WrittenRows:
    """Return the boxes by individual and frame or, `by_frame`, by frame and individual."""
    masks = [np.isfinite(tracklet.boxes).all(axis=1) for tracklet in tracking.values()]
    counts = [int(mask.sum()) for mask in masks]
    lost = sum(int(tracklet.present.sum()) for tracklet in tracking.values()) - sum(counts)
    starts = [np.flatnonzero(mask) + tracklet.start for mask, tracklet in zip(masks, tracking.values(), strict=True)]
    frames = np.concatenate([np.empty(0, np.int64), *starts])
    places = np.repeat(np.arange(len(counts)), counts)
    kept = [tracklet.boxes[mask] for mask, tracklet in zip(masks, tracking.values(), strict=True)]
    boxes = np.concatenate([np.empty((0, 4)), *kept])
    if by_frame:
        order = np.lexsort((places, frames))
        frames, places, boxes = frames[order], places[order], boxes[order]
    return WrittenRows(list(tracking), places, frames, boxes, dropped(lost, "a side is not a finite number"))


def rounded_sizes(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return [left, upper, width, height], shape (n, 4), such that the rounded numbers give the rounded corners."""
    corners = np.round(boxes, DIGITS)
    corners[:, 2:] -= corners[:, :2]
    return corners


def texts_of(ids: Iterable[Id]) -> tuple[list[str], list[str]]:
    """Return ids as text, and notes on what that changes.

    Raises
    ------
    OutputError
        Two ids are the same text, as 1 and "1" are.
    """
    texts = [str(individual) for individual in ids]
    if len(set(texts)) < len(texts):
        raise OutputError(
            "two individuals are called the same once ids are text (1 and '1')",
            hint="rename one of them",
        )
    numbers = any(isinstance(individual, int) for individual in ids)
    return texts, ["ids that are numbers become text"] if numbers else []


def id_numbers(ids: Sequence[Id], first: int) -> tuple[NDArray[np.int64], str]:
    """Return numbers for individuals whose ids a format cannot hold, and a note that lists them."""
    pairs = [f"{format_id(individual)} is {first + place}" for place, individual in enumerate(ids[:_LISTED])]
    more = f" and {len(ids) - _LISTED} more" if len(ids) > _LISTED else ""
    return np.arange(first, first + len(ids)), f"ids are written as numbers: {', '.join(pairs)}{more}"
