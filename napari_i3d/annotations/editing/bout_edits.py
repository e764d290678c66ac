"""Edits of bouts: move edges, split, merge, delete, relabel, aim, note, accept."""

from dataclasses import dataclass, replace

from napari_i3d._utils.frame_ranges import in_frames
from napari_i3d._utils.history import Change
from napari_i3d._utils.text import counted
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.editing.annotation_edit import (
    AnnotationEdit,
    BoutEdit,
    Plan,
    check_end,
    cuts,
    find_bout,
    target_key,
    words_of,
)
from napari_i3d.annotations.editing.annotation_store import AnnotationStore, Interval, Lane
from napari_i3d.annotations.editing.changes import Overwrite
from napari_i3d.annotations.editing.draft import Draft, unite
from napari_i3d.annotations.validation import plain_text
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, named


def _corrected(interval: Interval) -> Interval:
    """Return an interval as it is after a person corrected it."""
    return replace(interval, origin=Origin.CURATED) if interval.origin == Origin.AUTOMATED else interval


@dataclass(frozen=True)
class MoveEdges(BoutEdit):
    """Give a bout other frames; it cuts other exclusive ones there. Frames that it leaves stay assessed."""

    start: int
    stop: int

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"move {words_of(self.bout)} to {in_frames(self.start, self.stop).removeprefix('in ')}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        check_end(store, self.stop)
        lane, interval = self.find(store)
        if (self.start, self.stop) == (interval.start, interval.stop):
            return Plan([])
        draft = Draft(store)
        draft.take(lane, interval.start, interval.stop)
        draft.place(lane, replace(_corrected(interval), start=self.start, stop=self.stop))
        return Plan(draft.changes(), cuts(draft.n_cut))


@dataclass(frozen=True)
class SplitBout(BoutEdit):
    """Make two bouts of one; the second begins in a frame."""

    frame: int

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"split {words_of(self.bout)} at frame {self.frame}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        lane, interval = self.find(store)
        if not interval.start < self.frame < interval.stop:
            raise AnnotationError(
                f"{self.bout}: expected a frame to split at from {interval.start + 1} to {interval.stop - 1}, found "
                f"{self.frame}"
            )
        draft = Draft(store)
        draft.take(lane, interval.start, interval.stop)
        draft.put(lane, [replace(interval, stop=self.frame), replace(interval, start=self.frame)])
        return Plan(draft.changes())


@dataclass(frozen=True)
class MergeBouts(AnnotationEdit):
    """Make one bout of several of the same individual, behavior and target, and of the frames between them."""

    bouts: tuple[Bout, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("bouts", tuple(self.bouts))
        if not all(isinstance(bout, Bout) for bout in self.bouts):
            raise AnnotationError("expected bouts to merge, found something else")
        places = {(bout.individual, bout.behavior, bout.target) for bout in self.bouts}
        if len(self.bouts) < 2 or len(places) != 1:
            raise AnnotationError(
                "expected two or more bouts of the same individual, behavior and target to merge, found "
                + ("; ".join(map(words_of, self.bouts[:5])) or "none")
            )

    @property
    def _whole(self) -> Bout:
        start, stop = min(bout.start for bout in self.bouts), max(bout.stop for bout in self.bouts)
        return replace(self.bouts[0], start=start, stop=stop)

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"merge {len(self.bouts)} bouts into {words_of(self._whole)}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        found = [find_bout(store, bout) for bout in self.bouts]
        lane, draft = found[0][0], Draft(store)
        for _, interval in found:
            draft.take(lane, interval.start, interval.stop)
        whole = found[0][1]
        for _, interval in found[1:]:
            whole = unite(whole, interval)
        draft.place(lane, _corrected(whole))
        return Plan(draft.changes(), cuts(draft.n_cut))


@dataclass(frozen=True)
class DeleteBout(BoutEdit):
    """Remove a bout; its frames stay assessed."""

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"delete {words_of(self.bout)}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        lane, interval = self.find(store)
        draft = Draft(store)
        draft.take(lane, interval.start, interval.stop)
        return Plan(draft.changes())


@dataclass(frozen=True)
class DeleteBouts(AnnotationEdit):
    """Remove bouts, any number of them at once; their frames stay assessed."""

    bouts: tuple[Bout, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("bouts", tuple(self.bouts))

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"delete {words_of(self.bouts[0]) if len(self.bouts) == 1 else counted(len(self.bouts), 'bout')}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        gone: dict[Lane, list[Interval]] = {}
        for bout in self.bouts:
            lane, interval = find_bout(store, bout)
            gone.setdefault(lane, []).append(interval)
        changes: list[Change] = []
        for lane, intervals in gone.items():
            start, stop = min(one.start for one in intervals), max(one.stop for one in intervals)
            starts = {one.start for one in intervals}
            kept = [one for one in store.intervals(lane, start, stop) if one.start not in starts]
            changes.append(Overwrite(store, lane, start, stop, kept))
        return Plan(changes)


@dataclass(frozen=True)
class Relabel(BoutEdit):
    """Give a bout another behavior; the confidence, which was about the other one, goes."""

    behavior: str

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"relabel {words_of(self.bout)} as {self.behavior}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        lane, interval = self.find(store)
        other = Lane(lane.individual, store.behavior_key(self.behavior), lane.target)
        return _move(store, lane, interval, other, replace(_corrected(interval), confidence=None))


@dataclass(frozen=True)
class SetTarget(BoutEdit):
    """Direct a bout at another individual, or none."""

    target: Id | None

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        target = "nobody" if self.target is None else named(self.target)
        return f"direct {words_of(self.bout)} at {target}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        lane, interval = self.find(store)
        target, changes = target_key(store, self.target)
        moved = _move(store, lane, interval, lane._replace(target=target), _corrected(interval))
        return Plan([*changes, *moved.changes] if moved.changes else [], moved.consequences)


@dataclass(frozen=True)
class SetNote(BoutEdit):
    """Write a remark on a bout."""

    note: str

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("note", plain_text(self.note, "note"))

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"{'write' if self.note else 'remove'} a note on {words_of(self.bout)}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        lane, interval = self.find(store)
        draft = Draft(store)
        draft.take(lane, interval.start, interval.stop)
        draft.put(lane, [replace(interval, note=self.note)])
        return Plan(draft.changes())


@dataclass(frozen=True)
class Accept(BoutEdit):
    """Make an automated bout a curated one; as if it was labelled, it cuts other exclusive ones in its frames."""

    @property
    def words(self) -> str:
        """Description, as an instruction."""
        return f"accept {words_of(self.bout)}"

    def plan(self, store: AnnotationStore) -> Plan:
        """Return the changes without applying them."""
        lane, interval = self.find(store)
        return _move(store, lane, interval, lane, _corrected(interval))


def _move(store: AnnotationStore, lane: Lane, interval: Interval, other: Lane, moved: Interval) -> Plan:
    if (other, moved) == (lane, interval):
        return Plan([])
    draft = Draft(store)
    draft.take(lane, interval.start, interval.stop)
    draft.place(other, moved)
    return Plan(draft.changes(), cuts(draft.n_cut))
