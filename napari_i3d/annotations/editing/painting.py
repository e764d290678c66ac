"""Edits of ranges of frames: label, by hand or as a program found, erase, mark as assessed or not."""

from dataclasses import dataclass

from napari_i3d._utils.frame_ranges import Range, Ranges, in_frames, merge_ranges, remove_range
from napari_i3d._utils.history import Change
from napari_i3d._utils.text import counted
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.editing.annotation_edit import (
    AnnotationEdit,
    Plan,
    check_end,
    cuts,
    end_of,
    individual_key,
    known_key,
    target_key,
    words_of,
)
from napari_i3d.annotations.editing.annotation_store import ASSESSED, AnnotationStore, Interval, Lane
from napari_i3d.annotations.editing.draft import Draft
from napari_i3d.annotations.validation import plain_range, plain_text
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, named


@dataclass(frozen=True)
class Add(AnnotationEdit):
    """Label frames of an individual, new or not, with a behavior.

    Bouts of the same behavior and target that overlap or touch the range become one bout with it, except automated
    ones, which are cut: nobody reviewed the rest of them. If the behavior is exclusive, other exclusive ones of the
    individual, also the same behavior toward another target, are cut. The frames are assessed then.
    """

    individual: Id
    behavior: str
    start: int
    stop: int
    target: Id | None = None
    origin: Origin = Origin.MANUAL
    confidence: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        bout = self._bout
        if bout.origin == Origin.AUTOMATED:
            raise AnnotationError("expected an origin of manual or curated for what a person labels, found automated")
        self._set("origin", bout.origin)
        self._set("confidence", bout.confidence)
        self._set("note", bout.note)

    @property
    def _bout(self) -> Bout:
        return Bout(
            self.individual,
            self.behavior,
            self.start,
            self.stop,
            self.target,
            self.origin,
            self.confidence,
            self.note,
        )

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"label {words_of(self._bout)}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        check_end(store, self.stop)
        behavior = store.behavior_key(self.behavior)
        individual, changes = individual_key(store, self.individual)
        if self.target == self.individual:
            target: int | None = individual
        else:
            target, more = target_key(store, self.target)
            changes += more
        draft = Draft(store)
        interval = Interval(self.start, self.stop, self.origin, self.confidence, self.note)
        draft.place(Lane(individual, behavior, target), interval, touching=True)
        return Plan([*changes, *draft.changes()], cuts(draft.n_cut))


@dataclass(frozen=True)
class AddAutomated(AnnotationEdit):
    """Label ranges of frames of an individual, new or not, as a program found them; each range is a bout.

    Frames that a person labelled with the behavior, or with one that excludes it, are left out. Automated bouts that
    are there are replaced. The frames are assessed then, as those of all bouts are.
    """

    individual: Id
    behavior: str
    ranges: Ranges
    note: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("ranges", tuple(plain_range(start, stop, self.behavior) for start, stop in self.ranges))
        self._set("note", plain_text(self.note, "note"))

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"label {counted(len(self.ranges), 'bout')} of {named(self.individual)} as {self.behavior}, automated"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        check_end(store, max((stop for _, stop in self.ranges), default=0))
        individual, changes = individual_key(store, self.individual)
        lane, draft = Lane(individual, store.behavior_key(self.behavior)), Draft(store)
        behaviors = dict(store.behaviors)
        excluded = [
            one
            for one in store.lanes_of(individual)
            if one.behavior == lane.behavior
            or (one.behavior != ASSESSED and behaviors[one.behavior].exclusive and behaviors[lane.behavior].exclusive)
        ]
        free: list[Range] = []
        for start, stop in self.ranges:
            left: Ranges = ((start, stop),)
            for other in excluded:
                for one in store.intervals(other, start, stop):
                    if one.origin != Origin.AUTOMATED:
                        left = remove_range(left, one.start, one.stop)
            free += left
        for low, high in free:
            for other in excluded:
                draft.take(other, low, high)
        draft.put(lane, [Interval(low, high, Origin.AUTOMATED, None, self.note) for low, high in free])
        draft.assess(individual, free)
        return Plan([*changes, *draft.changes()] if draft.changes() else [])


@dataclass(frozen=True)
class AddBouts(AnnotationEdit):
    """Add bouts of another annotation, with their origin, confidence and notes.

    Bouts that overlap one of the same behavior and target become one bout with it; of automated ones, only what lies
    beside it is added. Bouts of other behaviors that they exclude are cut. Their frames are assessed then.
    """

    bouts: tuple[Bout, ...]

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"add {counted(len(self.bouts), 'bout')} of another annotation"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        draft, changes, keys = Draft(store), list[Change](), dict[Id, int]()
        for bout in self.bouts:
            check_end(store, bout.stop)
            for one in (bout.individual, bout.target):
                if one is not None and one not in keys:
                    listed = any(one == other.individual for other in self.bouts)
                    key, more = (individual_key if listed else target_key)(store, one)
                    changes += more
                    keys[one] = key if key is not None else -1
            target = None if bout.target is None else keys[bout.target]
            lane = Lane(keys[bout.individual], store.behavior_key(bout.behavior), target)
            interval = Interval(bout.start, bout.stop, bout.origin, bout.confidence, bout.note)
            if bout.origin == Origin.AUTOMATED:
                draft.fill(lane, interval)
            else:
                draft.place(lane, interval)
        return Plan([*changes, *draft.changes()], cuts(draft.n_cut))


@dataclass(frozen=True)
class Erase(AnnotationEdit):
    """Remove a behavior, or all, of an individual from a range of frames; they stay assessed."""

    individual: Id
    start: int
    stop: int | None = None
    behavior: str | None = None

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        what = "all behaviors" if self.behavior is None else self.behavior
        return f"erase {what} of {named(self.individual)} {in_frames(self.start, self.stop)}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        key, draft = known_key(store, self.individual), Draft(store)
        behavior = None if self.behavior is None else store.behavior_key(self.behavior)
        for lane in store.lanes_of(key):
            if lane.behavior != ASSESSED and behavior in (None, lane.behavior):
                start, stop = self.start, store.span(lane)[1] if self.stop is None else self.stop
                if start < stop:
                    draft.take(lane, start, stop)
        return Plan(draft.changes())


@dataclass(frozen=True)
class Assess(AnnotationEdit):
    """Mark frames of an individual, new or not, as looked at."""

    individual: Id
    start: int
    stop: int

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"mark {named(self.individual)} as assessed {in_frames(self.start, self.stop)}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        check_end(store, self.stop)
        key, changes = individual_key(store, self.individual)
        draft = Draft(store)
        draft.assess(key, [(self.start, self.stop)])
        return Plan([*changes, *draft.changes()])


@dataclass(frozen=True)
class Unassess(AnnotationEdit):
    """Mark frames of an individual as not looked at, except those that have bouts."""

    individual: Id
    start: int
    stop: int | None = None

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"mark {named(self.individual)} as not assessed {in_frames(self.start, self.stop)}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        key, draft = known_key(store, self.individual), Draft(store)
        stop = end_of(store, key) if self.stop is None else self.stop
        labelled = [
            (max(one.start, self.start), min(one.stop, stop))
            for lane in store.lanes_of(key)
            if lane.behavior != ASSESSED
            for one in store.intervals(lane, self.start, stop)
        ]
        if self.start < stop:
            draft.take(Lane(key, ASSESSED), self.start, stop)
        draft.assess(key, merge_ranges(labelled))
        return Plan(draft.changes(), "keeps the frames with bouts" if labelled else "")
