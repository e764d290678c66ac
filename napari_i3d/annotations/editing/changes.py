"""Changes of an annotation: the elementary ones of its store, each with its inverse, and what a step changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from napari_i3d._utils.frame_ranges import Range
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


@dataclass(frozen=True)
class AnnotationChange:
    """Changes of an annotation by a step or its undo.

    Attributes
    ----------
    ranges
        {id: half-open range of frames} that contains all changed bouts and assessed frames, for the individuals that
        exist now; everything of those that were added or renamed.
    ethogram
        Whether the ethogram changed; bouts of all individuals may then have another name, color or order.
    added, removed
        Ids of individuals that were added or removed.
    renamed
        {id before: id now}.
    """

    ranges: Mapping[Id, Range]
    ethogram: bool = False
    added: tuple[Id, ...] = ()
    removed: tuple[Id, ...] = ()
    renamed: Mapping[Id, Id] = field(default_factory=dict)


def change_between(
    before: Mapping[int, Id],
    now: Mapping[int, Id],
    touched: Mapping[int, Range],
    stop_of: Callable[[int], int],
    *,
    ethogram: bool,
) -> AnnotationChange:
    """Return what differs between two states.

    Parameters
    ----------
    before, now
        {key: id} of the individuals.
    touched
        {key: half-open range of frames} that contains all changes.
    stop_of
        Returns the frame after the last one of a key.
    ethogram
        Whether the ethogram changed.
    """
    ranges = {now[key]: frames for key, frames in touched.items() if key in now}
    for key, individual in now.items():
        if before.get(key) != individual:
            ranges[individual] = (0, stop_of(key))
    return AnnotationChange(
        ranges,
        ethogram,
        tuple(individual for key, individual in now.items() if key not in before),
        tuple(individual for key, individual in before.items() if key not in now),
        {before[key]: now[key] for key in now if key in before and before[key] != now[key]},
    )
