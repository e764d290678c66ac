"""Base class of corrections: validation, descriptions, and the rules on moving boxes between individuals."""

import contextlib
import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from napari_i3d._utils.frame_ranges import in_frames as in_frames
from napari_i3d._utils.history import Change
from napari_i3d.errors import TrackingError
from napari_i3d.individuals import MAX_ID, Id, format_id
from napari_i3d.individuals import named as named
from napari_i3d.tracking.editing.box_store import BoxStore, Exchange, Range, SetId, clear
from napari_i3d.tracking.tracklets import format_frames, runs
from napari_i3d.tracking.validation import check_span, describe, parse_frames, plain_id

_IDS = 10

Edit = TypeVar("Edit", bound="TrackingEdit")


@dataclass(frozen=True)
class TrackingEdit(ABC):
    """A correction: a frozen dataclass of ids, frames and options.

    Frame ranges are half-open; a `stop` of None is the end of the individuals' boxes.

    Raises
    ------
    TrackingError
        An id, a frame, a range or an option is invalid.
    """

    _ids: ClassVar[tuple[str, ...]] = ("id",)
    _optional: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in self._ids:
            if name not in self._optional or values[name] is not None:
                self._set(name, plain_id(values[name]))
        for name in ("start", "frame"):
            if name in values:
                self._set(name, _frame(values[self._ids[0]], values[name]))
        if values.get("stop") is not None:
            stop = _frame(values[self._ids[0]], values["stop"], 1)
            self._set("stop", stop)
            start = getattr(self, "start", 0)
            if stop <= start:
                raise TrackingError(f"expected a range of frames with start < stop, found {start} and {stop}")
        if not isinstance(values.get("replace", False), bool):
            raise TrackingError(f"replace: expected true or false, found {describe(values['replace'])}")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def words(self) -> str:
        """Description, as an instruction: ``swap male and female in frames 812 to 1499``."""
        return self._words()

    def plan(self, store: BoxStore) -> tuple[Self, list[Change]]:
        """Return the correction with defaults filled in, and its changes, without applying them.

        Raises
        ------
        TrackingError
            It cannot be done; the message names what is in the way.
        """
        return self._plan(store)

    @abstractmethod
    def _words(self) -> str: ...

    @abstractmethod
    def _plan(self, store: BoxStore) -> tuple[Self, list[Change]]: ...


def _frame(individual: Id, value: Any, first: int = 0) -> int:
    # A range may end after the largest frame number.
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return int(parse_frames(individual, [value - first if is_whole else value])[0]) + first


def known_key(store: BoxStore, individual: Id) -> int:
    """Return the key of an individual that has boxes.

    Raises
    ------
    TrackingError
        There is no such individual; the message lists those that there are.
    """
    key = store.key(individual)
    if key is None or store.span(key) is None:
        others = list(store.keys)
        listed = ", ".join(named(other) for other in others[:_IDS])
        more = f" and {len(others) - _IDS} more" if len(others) > _IDS else ""
        raise TrackingError(f"no individual {named(individual)} in the tracking; it has {listed or 'none'}{more}")
    return key


def key_or_new(store: BoxStore, individual: Id) -> tuple[int, list[Change]]:
    """Return the key of an individual, new if need be, and the changes that make it."""
    key = store.key(individual)
    if key is not None:
        return key, []
    return store.next_key, [SetId(store, store.next_key, individual)]


def span_of(store: BoxStore, key: int) -> Range:
    """Return the frames from an individual's first box to its last, half-open; (0, 0) without boxes."""
    return store.span(key) or (0, 0)


def with_stop(edit: Edit, store: BoxStore, *individuals: Id) -> Edit:
    """Return a correction with a `stop` of None replaced by the end of the individuals' boxes."""
    stop = max(span_of(store, known_key(store, individual))[1] for individual in individuals)
    start, given = getattr(edit, "start", 0), getattr(edit, "stop", None)
    if given is not None:
        return edit
    if stop <= start:
        names = " and ".join(format_id(individual) for individual in individuals)
        raise TrackingError(f"{names}: expected boxes from frame {start} on, found the last in frame {stop - 1}")
    return replace(edit, stop=stop)  # type: ignore[call-arg]


def overlap(store: BoxStore, frames: Range, *keys: int) -> Range:
    """Return the part of a range in which one of the individuals can have boxes; (0, 0) if there is none."""
    spans = [span_of(store, key) for key in keys]
    start, stop = max(frames[0], min(span[0] for span in spans)), min(frames[1], max(span[1] for span in spans))
    return (start, stop) if start < stop else (0, 0)


def move(store: BoxStore, individual: Id, to: Id, frames: Range, replace_own: bool) -> list[Change]:
    """Return the changes that give an individual's boxes to another one, new if need be.

    Raises
    ------
    TrackingError
        Both are the same, or the other one has boxes in these frames, and `replace_own` is false.
    """
    key = known_key(store, individual)
    other, changes = key_or_new(store, to)
    if other == key:
        raise TrackingError(f"{format_id(to)}: expected two individuals, found the same one twice")
    moved = store.marks(key, *frames) > 0
    own = store.marks(other, *frames) > 0 if not changes else moved & False
    taken = [(frames[0] + start, frames[0] + stop) for start, stop in runs(moved & own)]
    if taken and not replace_own:
        raise TrackingError(
            f"{format_id(to)}: expected no boxes where those of {format_id(individual)} are to go, found some in "
            f"{format_frames(taken)}",
            hint="delete or swap them, or replace them",
        )
    ranges = tuple((frames[0] + start, frames[0] + stop) for start, stop in runs(moved))
    check_growth(store, other, to, (ranges[0][0], ranges[-1][1]))
    return [*changes, *clear(store, other, taken), Exchange(store, (key, other), ranges)]


def refuse_taken(store: BoxStore, individual: Id) -> None:
    """Reject an id that another individual has.

    Raises
    ------
    TrackingError
        An individual with boxes has this id.
    """
    key = store.key(individual)
    if key is not None and store.span(key) is not None:
        raise TrackingError(f"{format_id(individual)}: expected an id that no individual has, found it in the tracking")


def free_id(store: BoxStore, individual: Id) -> Id:
    """Return an id for a new piece of an individual: the next whole number, or the text with ``_2``, ``_3``, ..."""
    taken = set(store.ids.values())
    if isinstance(individual, int):
        number = max(other for other in taken if isinstance(other, int)) + 1
        return number if number <= MAX_ID else next(n for n in range(MAX_ID) if n not in taken)
    return next(name for n in itertools.count(2) if (name := f"{individual}_{n}") not in taken)


def check_growth(store: BoxStore, key: int, individual: Id, frames: Range) -> None:
    """Reject boxes so far from the others that the frames in between would exhaust memory.

    Raises
    ------
    TrackingError
        The frames from first to last of all individuals are out of proportion to the boxes.
    """
    spans = {other: span for other in store.ids if (span := store.span(other)) is not None}
    start, stop = spans.get(key, frames)
    spans[key] = min(start, frames[0]), max(stop, frames[1])
    total = sum(stop - start for start, stop in spans.values())
    with contextlib.suppress(TrackingError):
        check_span(individual, total, 0, together=True)
        return
    n_boxes = sum(int((store.marks(other, *span_of(store, other)) > 0).sum()) for other in spans if other in store.ids)
    check_span(individual, total, n_boxes, together=True)
