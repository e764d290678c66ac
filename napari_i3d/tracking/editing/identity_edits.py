"""Corrections of identities: swap, assign, split, merge, rename, delete."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from napari_i3d._utils.history import Change
from napari_i3d.errors import TrackingError
from napari_i3d.individuals import Id, format_id
from napari_i3d.tracking.editing.box_store import BoxStore, Exchange, SetId, clear
from napari_i3d.tracking.editing.tracking_edit import (
    TrackingEdit,
    check_growth,
    free_id,
    in_frames,
    known_key,
    move,
    named,
    overlap,
    refuse_taken,
    span_of,
    with_stop,
)


@dataclass(frozen=True)
class Swap(TrackingEdit):
    """Exchange the boxes of two individuals in a range of frames."""

    _ids: ClassVar[tuple[str, ...]] = ("a", "b")

    a: Id
    b: Id
    start: int = 0
    stop: int | None = None

    def _words(self) -> str:
        return f"swap {named(self.a)} and {named(self.b)} {in_frames(self.start, self.stop)}"

    def _plan(self, store: BoxStore) -> tuple[Self, list[Change]]:
        done = with_stop(self, store, self.a, self.b)
        keys = known_key(store, self.a), known_key(store, self.b)
        if keys[0] == keys[1]:
            raise TrackingError(f"{format_id(self.a)}: expected two individuals to swap, found the same one twice")
        start, stop = overlap(store, (self.start, done.stop or 0), *keys)
        if not any(store.marks(key, start, stop).any() for key in keys):
            raise TrackingError(
                f"{format_id(self.a)} and {format_id(self.b)}: expected boxes "
                f"{in_frames(self.start, self.stop)}, found none"
            )
        for key, individual in zip(keys, (self.a, self.b), strict=True):
            check_growth(store, key, individual, (start, stop))
        return done, [Exchange(store, keys, ((start, stop),))]


@dataclass(frozen=True)
class Assign(TrackingEdit):
    """Assign the boxes of an individual in a range of frames to another or a new one."""

    _ids: ClassVar[tuple[str, ...]] = ("id", "to")

    id: Id
    to: Id
    start: int = 0
    stop: int | None = None
    replace: bool = False

    def _words(self) -> str:
        text = f"give the boxes of {named(self.id)} {in_frames(self.start, self.stop)} to {named(self.to)}"
        return f"{text} in place of its own" if self.replace else text

    def _plan(self, store: BoxStore) -> tuple[Self, list[Change]]:
        key, done = known_key(store, self.id), with_stop(self, store, self.id)
        start, stop = overlap(store, (self.start, done.stop or 0), key)
        if not store.marks(key, start, stop).any():
            raise TrackingError(f"{format_id(self.id)}: expected boxes {in_frames(self.start, self.stop)}, found none")
        return done, move(store, self.id, self.to, (start, stop), self.replace)


@dataclass(frozen=True)
class Split(TrackingEdit):
    """Make a new individual of the boxes from a frame on."""

    _ids: ClassVar[tuple[str, ...]] = ("id", "new")
    _optional: ClassVar[tuple[str, ...]] = ("new",)

    id: Id
    frame: int
    new: Id | None = None

    def _words(self) -> str:
        name = "a new individual" if self.new is None else named(self.new)
        return f"split {named(self.id)} at frame {self.frame}: from there on it is {name}"

    def _plan(self, store: BoxStore) -> tuple[Self, list[Change]]:
        key = known_key(store, self.id)
        start, stop = span_of(store, key)
        if not start < self.frame < stop:
            raise TrackingError(
                f"{format_id(self.id)}: expected a frame to split at between {start + 1} and {stop - 1}, so that both "
                f"pieces have boxes, found {self.frame}"
            )
        new = free_id(store, self.id) if self.new is None else self.new
        refuse_taken(store, new)
        return replace(self, new=new), move(store, self.id, new, (self.frame, stop), False)


@dataclass(frozen=True)
class Merge(TrackingEdit):
    """Assign all boxes of the `other` individual to `into`, and remove `other`."""

    _ids: ClassVar[tuple[str, ...]] = ("into", "other")

    into: Id
    other: Id
    replace: bool = False

    def _words(self) -> str:
        text = f"merge {named(self.other)} into {named(self.into)}"
        return f"{text} in place of its own boxes" if self.replace else text

    def _plan(self, store: BoxStore) -> tuple[Self, list[Change]]:
        known_key(store, self.into)
        span = span_of(store, known_key(store, self.other))
        return self, move(store, self.other, self.into, span, self.replace)


@dataclass(frozen=True)
class Rename(TrackingEdit):
    """Give an individual another id."""

    _ids: ClassVar[tuple[str, ...]] = ("id", "new")

    id: Id
    new: Id

    def _words(self) -> str:
        return f"rename {named(self.id)} to {named(self.new)}"

    def _plan(self, store: BoxStore) -> tuple[Self, list[Change]]:
        key = known_key(store, self.id)
        refuse_taken(store, self.new)
        return self, [SetId(store, key, self.new)]


@dataclass(frozen=True)
class Delete(TrackingEdit):
    """Delete an individual with all its boxes."""

    id: Id

    def _words(self) -> str:
        return f"delete {named(self.id)}, all its boxes"

    def _plan(self, store: BoxStore) -> tuple[Self, list[Change]]:
        key = known_key(store, self.id)
        return self, clear(store, key, [span_of(store, key)])
