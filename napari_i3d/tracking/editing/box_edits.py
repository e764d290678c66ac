"""Corrections of boxes: set, delete, interpolate, clip, turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.history import Change
from napari_i3d.errors import TrackingError
from napari_i3d.individuals import Id, format_id
from napari_i3d.tracking.editing.box_store import BOX, KEY_FRAME, BoxStore, Replace, clear
from napari_i3d.tracking.editing.tracking_edit import (
    TrackingEdit,
    check_growth,
    in_frames,
    key_or_new,
    known_key,
    named,
    overlap,
    with_stop,
)
from napari_i3d.tracking.gaps import interpolate_boxes
from napari_i3d.tracking.tracklets import format_frames
from napari_i3d.tracking.validation import parse_rows


@dataclass(frozen=True)
class SetBox(TrackingEdit):
    """Set a box [left, upper, right, lower] of an individual, new or not, by hand: its frame becomes a key frame."""

    id: Id
    frame: int
    box: Sequence[float] | NDArray[np.float64]

    def __post_init__(self) -> None:
        super().__post_init__()
        rows = parse_rows(self.id, np.array([self.frame]), [self.box])
        left, upper, right, lower = box = tuple(rows[0].tolist())
        if not (np.isfinite(rows).all() and left < right and upper < lower):
            raise TrackingError(
                f"{format_id(self.id)}, frame {self.frame}: expected a box of finite numbers with left < right and "
                f"upper < lower, found {list(box)}"
            )
        object.__setattr__(self, "box", box)

    def _words(self) -> str:
        return f"set the box of {named(self.id)} in frame {self.frame}"

    def _plan(self, store: BoxStore) -> tuple[Self, list[Change]]:
        key, changes = key_or_new(store, self.id)
        check_growth(store, key, self.id, (self.frame, self.frame + 1))
        box, marks = np.array([self.box], np.float64), np.full(1, KEY_FRAME, np.uint8)
        return self, [*changes, Replace(store, key, self.frame, box, marks)]


@dataclass(frozen=True)
class DeleteBoxes(TrackingEdit):
    """Delete the boxes of an individual in a range of frames."""

    id: Id
    start: int
    stop: int | None = None

    def _words(self) -> str:
        boxes = "the box" if self.stop == self.start + 1 else "the boxes"
        return f"delete {boxes} of {named(self.id)} {in_frames(self.start, self.stop)}"

    def _plan(self, store: BoxStore) -> tuple[Self, list[Change]]:
        key, done = known_key(store, self.id), with_stop(self, store, self.id)
        start, stop = overlap(store, (self.start, done.stop or 0), key)
        if not store.marks(key, start, stop).any():
            raise TrackingError(f"{format_id(self.id)}: expected boxes {in_frames(self.start, self.stop)}, found none")
        return done, clear(store, key, [(start, stop)])


@dataclass(frozen=True)
class Interpolate(TrackingEdit):
    """Replace the boxes between the first and the last of a range by linear interpolation of these two."""

    id: Id
    start: int
    stop: int

    def _words(self) -> str:
        return f"interpolate the boxes of {named(self.id)} {in_frames(self.start + 1, self.stop - 1)}"

    def _plan(self, store: BoxStore) -> tuple[Self, list[Change]]:
        key = known_key(store, self.id)
        first, last = self.start, self.stop - 1
        if last - first < 2:
            raise TrackingError(f"{format_id(self.id)}: expected frames between {first} and {last}, found none")
        ends = np.concatenate([store.boxes(key, frame, frame + 1) for frame in (first, last)])
        unusable = [frame for frame, box in zip((first, last), ends, strict=True) if not np.isfinite(box).all()]
        if unusable:
            found = format_frames([(frame, frame + 1) for frame in unusable])
            raise TrackingError(
                f"{format_id(self.id)}: expected boxes of finite numbers in frames {first} and {last} to interpolate "
                f"between, found none in {found}"
            )
        between = np.arange(first + 1, last)
        boxes = interpolate_boxes(between, np.array([first, last]), ends)
        return self, [Replace(store, key, first + 1, boxes, np.full(len(between), BOX, np.uint8))]


@dataclass(frozen=True)
class Clip(TrackingEdit):
    """Clip the boxes in a range of frames to the image; boxes wholly outside it stay as they are."""

    id: Id
    start: int
    stop: int
    size: tuple[int, int]
    """Width and height of the image in pixels."""

    def __post_init__(self) -> None:
        super().__post_init__()
        size = tuple(self.size) if isinstance(self.size, list | tuple) else ()
        if len(size) != 2 or not all(type(side) is int and 0 < side < 2**31 for side in size):
            raise TrackingError(
                f"{format_id(self.id)}: expected a size of two whole numbers, found {format_id(self.size)}"
            )
        object.__setattr__(self, "size", size)

    def _words(self) -> str:
        return f"clip the boxes of {named(self.id)} {in_frames(self.start, self.stop)} to the image"

    def _plan(self, store: BoxStore) -> tuple[Self, list[Change]]:
        key = known_key(store, self.id)
        start, stop = overlap(store, (self.start, self.stop), key)
        boxes = store.boxes(key, start, stop)
        clipped = np.clip(boxes, 0, np.array(self.size * 2))
        pixels = np.trunc(clipped)
        with np.errstate(invalid="ignore"):
            wrong = (pixels[:, 2:] > pixels[:, :2]).all(axis=1) & (clipped != boxes).any(axis=1)
        wrong &= np.isfinite(boxes).all(axis=1)
        if not wrong.any():
            raise TrackingError(
                f"{format_id(self.id)}: expected boxes partly outside the image {in_frames(self.start, self.stop)}, "
                "found none"
            )
        boxes[wrong] = clipped[wrong]
        return self, [Replace(store, key, start, boxes, store.marks(key, start, stop))]


@dataclass(frozen=True)
class Turn(TrackingEdit):
    """Exchange left and right, upper and lower of the boxes in a range of frames where they are inverted."""

    id: Id
    start: int
    stop: int

    def _words(self) -> str:
        return f"turn the inverted boxes of {named(self.id)} {in_frames(self.start, self.stop)}"

    def _plan(self, store: BoxStore) -> tuple[Self, list[Change]]:
        key = known_key(store, self.id)
        start, stop = overlap(store, (self.start, self.stop), key)
        boxes = store.boxes(key, start, stop)
        turned = np.hstack([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])])
        wrong = np.isfinite(boxes).all(axis=1) & (turned != boxes).any(axis=1)
        if not wrong.any():
            raise TrackingError(
                f"{format_id(self.id)}: expected inverted boxes {in_frames(self.start, self.stop)}, found none"
            )
        boxes[wrong] = turned[wrong]
        return self, [Replace(store, key, start, boxes, store.marks(key, start, stop))]
