"""Boxes that can be changed in place, and the elementary changes, each with its inverse."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.history import Change
from napari_i3d.individuals import Id
from napari_i3d.tracking.tracklets import Tracking, Tracklet

ABSENT, BOX, KEY_FRAME = 0, 1, 2
"""Marks of a frame: without a box, with one, with one that was set by hand."""

Range = tuple[int, int]


class BoxStore:
    """The boxes of individuals by key: a number that stays when the individual is renamed, empty, or back again.

    Individuals are listed in the order of their keys. One without boxes keeps its key and its place, but is not in
    the tracking.

    Parameters
    ----------
    tracking
        The boxes at the beginning.

    Attributes
    ----------
    ids
        {key: id}, also of individuals without boxes.
    touched
        {key: range of frames} that were changed; the owner clears it.
    version
        Increases with every change.
    """

    def __init__(self, tracking: Tracking) -> None:
        self.ids: dict[int, Id] = dict(enumerate(tracking))
        self.touched: dict[int, Range] = {}
        self.version = 0
        self._tracklets: dict[int, Tracklet] = dict(enumerate(tracking.values()))
        self._rows: dict[int, _Rows] = {}
        self._spans: dict[int, Range | None] = {}

    @property
    def keys(self) -> dict[Id, int]:
        """The individuals that have boxes, in order, and their keys."""
        return {self.ids[key]: key for key in sorted(self.ids) if self.span(key) is not None}

    @property
    def next_key(self) -> int:
        """The key of the next new individual."""
        return max(self.ids, default=-1) + 1

    def key(self, individual: Id) -> int | None:
        """Return the key of the individual with this id, preferably one that has boxes; None if unknown."""
        empty = None
        for key in sorted(self.ids, reverse=True):
            # 1 and True are equal, but ids are never true or false.
            if self.ids[key] == individual:
                if self.span(key) is not None:
                    return key
                empty = key if empty is None else empty
        return empty

    def span(self, key: int) -> Range | None:
        """Return the frame of the first box and the frame after the last; None without boxes."""
        if key in self._rows:
            if key not in self._spans:
                self._spans[key] = self._rows[key].span()
            return self._spans[key]
        tracklet = self._tracklets.get(key)
        return None if tracklet is None else (tracklet.start, tracklet.stop)

    def marks(self, key: int, start: int, stop: int) -> NDArray[np.uint8]:
        """Return `ABSENT`, `BOX` or `KEY_FRAME` for each frame of a range, (n,); a copy."""
        return self._editable(key).read(start, stop)[1]

    def key_frames_at(self, frame: int) -> list[int]:
        """Return the keys of those for whom a frame is a key frame, as it can be for those that were changed only."""
        return [key for key, rows in self._rows.items() if rows.read(frame, frame + 1)[1][0] == KEY_FRAME]

    def boxes(self, key: int, start: int, stop: int) -> NDArray[np.float64]:
        """Return the boxes of a range of frames, (n, 4); not-a-number without a box; a copy."""
        return self._editable(key).read(start, stop)[0]

    def tracklet(self, key: int) -> Tracklet | None:
        """Return an individual's tracklet, the same object until it changes; None without boxes."""
        span = self.span(key)
        if span is None:
            return None
        if key not in self._tracklets:
            boxes, marks = self._rows[key].view(*span)
            self._tracklets[key] = Tracklet(self.ids[key], span[0], boxes, marks != ABSENT)
        return self._tracklets[key]

    def set_id(self, key: int, individual: Id | None) -> None:
        """Name an individual, new or not; None removes it."""
        self.version += 1
        if individual is None:
            for values in (self.ids, self._tracklets, self._rows, self._spans, self.touched):
                values.pop(key, None)
            return
        self._editable(key)
        self.ids[key] = individual
        self._tracklets.pop(key, None)

    def write(self, key: int, start: int, boxes: NDArray[np.float64], marks: NDArray[np.uint8]) -> None:
        """Overwrite the boxes (n, 4) and marks (n,) of n frames."""
        self.version += 1
        self._editable(key).write(start, boxes, marks)
        self._tracklets.pop(key, None)
        self._spans.pop(key, None)
        first, stop = self.touched.get(key, (start, start))
        self.touched[key] = (min(first, start), max(stop, start + len(marks)))

    def _editable(self, key: int) -> "_Rows":
        if key not in self._rows:
            tracklet = self._tracklets.get(key)
            if tracklet is None:
                self._rows[key] = _Rows(0, np.empty((0, 4)), np.empty(0, np.uint8))
            else:
                marks = np.where(tracklet.present, np.uint8(BOX), np.uint8(ABSENT))
                self._rows[key] = _Rows(tracklet.start, tracklet.boxes.copy(), marks)
        return self._rows[key]


class _Rows:
    """Boxes of consecutive frames, in arrays that grow at both ends."""

    def __init__(self, start: int, boxes: NDArray[np.float64], marks: NDArray[np.uint8]) -> None:
        self._start, self._boxes, self._marks = start, boxes, marks

    def span(self) -> Range | None:
        known = np.flatnonzero(self._marks)
        return (self._start + int(known[0]), self._start + int(known[-1]) + 1) if len(known) else None

    def view(self, start: int, stop: int) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        rows = slice(start - self._start, stop - self._start)
        return self._boxes[rows], self._marks[rows]

    def read(self, start: int, stop: int) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        boxes, marks = np.full((stop - start, 4), np.nan), np.zeros(stop - start, np.uint8)
        first, last = max(start, self._start), min(stop, self._start + len(self._marks))
        if first < last:
            boxes[first - start : last - start], marks[first - start : last - start] = self.view(first, last)
        return boxes, marks

    def write(self, start: int, boxes: NDArray[np.float64], marks: NDArray[np.uint8]) -> None:
        known = np.flatnonzero(marks)
        if len(known):
            self._reach(start + int(known[0]), start + int(known[-1]) + 1)
        first, last = max(start, self._start), min(start + len(marks), self._start + len(self._marks))
        if first < last:
            rows = slice(first - self._start, last - self._start)
            self._boxes[rows], self._marks[rows] = (
                boxes[first - start : last - start],
                marks[first - start : last - start],
            )

    def _reach(self, start: int, stop: int) -> None:
        end = self._start + len(self._marks)
        if not len(self._marks):
            self._start = end = start
        if self._start <= start and stop <= end:
            return
        # Grow by half, so that boxes drawn frame by frame are not copied for every frame.
        spare = (stop - start + end - self._start) // 2
        start = self._start if start >= self._start else max(min(start, self._start) - spare, 0)
        stop = end if stop <= end else max(stop, end) + spare
        self._boxes, self._marks, self._start = *self.read(start, stop), start


@dataclass(frozen=True, eq=False, slots=True)
class Replace:
    """Overwrites the boxes of an individual in consecutive frames."""

    store: BoxStore
    key: int
    start: int
    boxes: NDArray[np.float64]
    marks: NDArray[np.uint8]

    def apply(self) -> Change:
        """Apply the change; return its inverse."""
        stop = self.start + len(self.marks)
        before = self.store.boxes(self.key, self.start, stop), self.store.marks(self.key, self.start, stop)
        self.store.write(self.key, self.start, self.boxes, self.marks)
        return Replace(self.store, self.key, self.start, *before)

    def same_place(self, other: Change) -> bool:
        """Return whether the other one overwrites the same boxes."""
        return (
            isinstance(other, Replace)
            and (other.store, other.key, other.start) == (self.store, self.key, self.start)
            and len(other.marks) == len(self.marks)
        )


@dataclass(frozen=True, eq=False, slots=True)
class Exchange:
    """Exchanges the boxes of two individuals in ranges of frames; holds no boxes."""

    store: BoxStore
    keys: tuple[int, int]
    ranges: tuple[Range, ...]

    def apply(self) -> Change:
        """Apply the change; return its inverse, which is itself."""
        one, other = self.keys
        for start, stop in self.ranges:
            boxes, marks = self.store.boxes(one, start, stop), self.store.marks(one, start, stop)
            self.store.write(one, start, self.store.boxes(other, start, stop), self.store.marks(other, start, stop))
            self.store.write(other, start, boxes, marks)
        return self

    def same_place(self, other: Change) -> bool:  # noqa: ARG002
        """Return False: it does not overwrite."""
        return False


@dataclass(frozen=True, eq=False, slots=True)
class SetId:
    """Names an individual, new or not; None removes a new one."""

    store: BoxStore
    key: int
    id: Id | None

    def apply(self) -> Change:
        """Apply the change; return its inverse."""
        before = self.store.ids.get(self.key)
        self.store.set_id(self.key, self.id)
        return SetId(self.store, self.key, before)

    def same_place(self, other: Change) -> bool:
        """Return whether the other one names the same individual."""
        return isinstance(other, SetId) and (other.store, other.key) == (self.store, self.key)


def clear(store: BoxStore, key: int, ranges: Iterable[Range]) -> list[Change]:
    """Return the changes that remove the boxes of an individual in ranges of frames."""
    return [
        Replace(store, key, start, np.full((stop - start, 4), np.nan), np.zeros(stop - start, np.uint8))
        for start, stop in ranges
    ]
