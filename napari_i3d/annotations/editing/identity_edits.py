"""Edits of identities: the bouts, as individual or target, and assessed frames follow the animals.

Each is the counterpart of a correction of the boxes with the same name; done in the same group of a shared history,
one undo takes back both.
"""

from dataclasses import dataclass
from typing import ClassVar

from napari_i3d._utils.frame_ranges import Ranges, in_frames, merge_ranges
from napari_i3d._utils.history import Change
from napari_i3d._utils.text import counted
from napari_i3d.annotations.editing.annotation_edit import (
    AnnotationEdit,
    Plan,
    end_of,
    individual_key,
    known_key,
)
from napari_i3d.annotations.editing.annotation_store import ASSESSED, AnnotationStore, Interval, Lane
from napari_i3d.annotations.editing.changes import SetId
from napari_i3d.annotations.editing.draft import Draft
from napari_i3d.annotations.validation import plain_range
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, named


@dataclass(frozen=True)
class AddIndividual(AnnotationEdit):
    """Add an individual, without bouts."""

    individual: Id

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"add {named(self.individual)}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        return Plan(individual_key(store, self.individual)[1])


@dataclass(frozen=True)
class RenameIndividual(AnnotationEdit):
    """Give an individual another id."""

    _ids: ClassVar[tuple[str, ...]] = ("individual", "new")

    individual: Id
    new: Id

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"rename {named(self.individual)} to {named(self.new)}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        key = known_key(store, self.individual)
        if self.individual == self.new:
            return Plan([])
        return Plan([*_freed(store, self.new), SetId(store, key, self.new, key in store.listed)])


@dataclass(frozen=True)
class SwapIndividuals(AnnotationEdit):
    """Exchange the bouts, also those directed at them, and assessed frames of two individuals in a range of frames.

    Bouts that go beyond the range are cut; equal pieces that meet at its ends become one bout.
    """

    _ids: ClassVar[tuple[str, ...]] = ("a", "b")

    a: Id
    b: Id
    start: int = 0
    stop: int | None = None

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"swap {named(self.a)} and {named(self.b)} {in_frames(self.start, self.stop)}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        if self.a == self.b:
            raise AnnotationError(f"{named(self.a)}: expected two individuals to swap, found the same one twice")
        if store.key(self.a) is None:
            known_key(store, self.b)
        (one, first), (other, second) = individual_key(store, self.a), individual_key(store, self.b)
        draft = Draft(store)
        _exchange(store, draft, {one: other, other: one}, self.start, self.stop)
        changes = draft.changes()
        return Plan([*first, *second, *changes] if changes else [])


@dataclass(frozen=True)
class AssignIndividual(AnnotationEdit):
    """Assign the bouts, also those directed at it, and assessed frames of an individual in a range to another one.

    One of both may be unknown; the other one keeps its own. Bouts of the same behavior and target that then overlap
    become one; exclusive ones that overlap are kept, and are conflicts of the annotation.

    Attributes
    ----------
    individual, to
        From whom to whom.
    start, stop
        The frames.
    replaced
        Ranges of frames in which those of the other one are removed before, since its boxes were replaced.
    """

    _ids: ClassVar[tuple[str, ...]] = ("individual", "to")

    individual: Id
    to: Id
    start: int = 0
    stop: int | None = None
    replaced: Ranges = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("replaced", _plain_ranges(self.replaced))

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        text = f"give the bouts of {named(self.individual)} {in_frames(self.start, self.stop)} to {named(self.to)}"
        return f"{text} in place of its own" if self.replaced else text

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        added, changes = _assign(store, self.individual, self.to, self.start, self.stop, self.replaced)
        return Plan([*added, *changes] if changes else [])


@dataclass(frozen=True)
class SplitIndividual(AnnotationEdit):
    """Make a new individual of everything of an individual, also what is directed at it, from a frame on."""

    _ids: ClassVar[tuple[str, ...]] = ("individual", "new")

    individual: Id
    frame: int
    new: Id

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"split {named(self.individual)} at frame {self.frame}: from there on it is {named(self.new)}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        known_key(store, self.individual)
        _freed(store, self.new)
        added, changes = _assign(store, self.individual, self.new, self.frame, None, ())
        return Plan([*added, *changes])


@dataclass(frozen=True)
class MergeIndividuals(AnnotationEdit):
    """Assign everything of an individual to another one, as `AssignIndividual` does, and remove it."""

    _ids: ClassVar[tuple[str, ...]] = ("into", "other")

    into: Id
    other: Id
    replaced: Ranges = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("replaced", _plain_ranges(self.replaced))

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"merge {named(self.other)} into {named(self.into)}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        added, changes = _assign(store, self.other, self.into, 0, None, self.replaced)
        key = store.key(self.other)
        return Plan([*added, *changes, *([] if key is None else [SetId(store, key, None)])])


@dataclass(frozen=True)
class DeleteIndividual(AnnotationEdit):
    """Delete an individual with its bouts and assessed frames; bouts directed at it lose their target."""

    individual: Id

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"delete {named(self.individual)}, all its bouts"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        key, draft, count = known_key(store, self.individual), Draft(store), 0
        for lane in store.lanes_of(key):
            count += store.count(lane) if lane.behavior != ASSESSED else 0
            draft.take(lane, *store.span(lane))
        for lane in store.lanes():
            if lane.target == key and lane.individual != key:
                draft.put(lane._replace(target=None), draft.take(lane, *store.span(lane)))
        return Plan([*draft.changes(), SetId(store, key, None)], f"deletes {counted(count, 'bout')}")


def _freed(store: AnnotationStore, individual: Id) -> list[Change]:
    """Return the changes that free an id; an error if something belongs to it."""
    key = store.key(individual)
    if key is None:
        return []
    if any(key in (lane.individual, lane.target) for lane in store.lanes()):
        raise AnnotationError(
            f"{named(individual)}: expected an id without bouts or assessed frames, found some in the annotation",
            hint="merge the individuals instead",
        )
    return [SetId(store, key, None)]


def _plain_ranges(ranges: Ranges) -> Ranges:
    return merge_ranges(plain_range(start, stop, "replaced frames") for start, stop in ranges)


def _assign(
    store: AnnotationStore, individual: Id, to: Id, start: int, stop: int | None, replaced: Ranges
) -> tuple[list[Change], list[Change]]:
    if individual == to:
        raise AnnotationError(f"{named(to)}: expected two individuals, found the same one twice")
    key = store.key(individual) if store.key(to) is not None else known_key(store, individual)
    other, changes = individual_key(store, to)
    draft = Draft(store)
    for first, end in replaced:
        for lane in store.lanes_of(other):
            draft.take(lane, first, end)
        for lane in store.lanes():
            if lane.target == other and lane.individual != key:
                draft.put(lane._replace(target=None), draft.take(lane, first, end), frozenset((first, end)))
    if key is not None:
        _exchange(store, draft, {key: other}, start, stop)
    return changes, draft.changes()


def _exchange(store: AnnotationStore, draft: Draft, keys: dict[int, int], start: int, stop: int | None) -> None:
    """Give what individuals, and targets, have in a range of frames to others: {key: new key}."""
    # Nothing is cut at the end of everything.
    seams = frozenset((start,) if stop is None else (start, stop))
    stop = end_of(store, *keys) if stop is None else stop
    if start >= stop:
        return
    moved: dict[Lane, list[Interval]] = {}
    for lane in store.lanes():
        if lane.individual in keys or lane.target in keys:
            individual = keys.get(lane.individual, lane.individual)
            target = None if lane.target is None else keys.get(lane.target, lane.target)
            # Nobody's behavior is directed at itself because two individuals turned out to be one.
            target = None if target == individual and lane.target != lane.individual else target
            moved.setdefault(Lane(individual, lane.behavior, target), []).extend(draft.take(lane, start, stop))
    for lane, pieces in moved.items():
        if lane.behavior == ASSESSED:
            draft.assess(lane.individual, [(one.start, one.stop) for one in pieces])
        else:
            draft.put(lane, pieces, seams)
