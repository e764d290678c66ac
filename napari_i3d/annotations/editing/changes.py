"""The elementary changes of a store, each with its inverse."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from napari_i3d._utils.history import Change
from napari_i3d.annotations.editing.annotation_store import AnnotationStore, Behaviors, Interval, Lane
from napari_i3d.individuals import Id


@dataclass(frozen=True, eq=False, slots=True)
class Overwrite:
    """Replaces the intervals of a lane in a range of frames; none of them, before or after, may leave it."""

    store: AnnotationStore
    lane: Lane
    start: int
    stop: int
    intervals: Sequence[Interval]

    def apply(self) -> Change:
        """Apply the change; return its inverse."""
        return replace(self, intervals=self.store.overwrite(self.lane, self.start, self.stop, self.intervals))

    def same_place(self, other: Change) -> bool:
        """Return whether the other one replaces the same intervals."""
        return isinstance(other, Overwrite) and (other.store, other.lane, other.start, other.stop) == (
            self.store,
            self.lane,
            self.start,
            self.stop,
        )


@dataclass(frozen=True, eq=False, slots=True)
class SetId:
    """Names an individual or target, new or not; None removes it."""

    store: AnnotationStore
    key: int
    id: Id | None
    listed: bool = True

    def apply(self) -> Change:
        """Apply the change; return its inverse."""
        before = SetId(self.store, self.key, self.store.ids.get(self.key), self.key in self.store.listed)
        self.store.set_id(self.key, self.id, self.listed)
        return before

    def same_place(self, other: Change) -> bool:
        """Return whether the other one names the same individual."""
        return isinstance(other, SetId) and (other.store, other.key) == (self.store, self.key)


@dataclass(frozen=True, eq=False, slots=True)
class SetBehaviors:
    """Replaces the ethogram."""

    store: AnnotationStore
    behaviors: Behaviors

    def apply(self) -> Change:
        """Apply the change; return its inverse."""
        before = SetBehaviors(self.store, self.store.behaviors)
        self.store.set_behaviors(self.behaviors)
        return before

    def same_place(self, other: Change) -> bool:
        """Return whether the other one replaces the same ethogram."""
        return isinstance(other, SetBehaviors) and other.store is self.store
