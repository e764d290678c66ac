"""Bouts and assessed frames that can be changed in place."""

import itertools
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from napari_i3d._utils.frame_ranges import Range, Ranges
from napari_i3d.annotations.annotation import Annotation, order_of, trusted_annotation
from napari_i3d.annotations.bouts import Bout, Origin, trusted_bout
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.individuals import Id

ASSESSED = -1
"""In place of a behavior: the frames that were looked at."""

# With more changes, all bouts of an individual are made again.
_MANY = 60


class Lane(NamedTuple):
    """Place of bouts that cannot overlap, by the keys of individual, behavior and target.

    Keys stay when individuals and behaviors are renamed.
    """

    individual: int
    behavior: int
    target: int | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """A bout in its lane, or a range of assessed frames."""

    start: int
    stop: int
    origin: Origin = Origin.MANUAL
    confidence: float | None = None
    note: str = ""


_start, _stop = attrgetter("start"), attrgetter("stop")

_Pending = list[tuple[list[Bout], list[Bout]]]

Behaviors = tuple[tuple[int, Behavior], ...]
"""The ethogram with the key of each behavior."""


class AnnotationStore:
    """The bouts of an annotation by lane.

    Parameters
    ----------
    annotation
        The annotation at the beginning.

    Attributes
    ----------
    behaviors
        The ethogram, with keys.
    ids
        {key: id} of individuals and targets, in no order; keys ascend in the order of the individuals.
    listed
        The keys of the annotation's individuals; others are targets only.
    touched
        {key: range of frames} that were changed; the owner clears it.
    ethogram_touched
        Whether the ethogram was changed; the owner clears it.
    """

    def __init__(self, annotation: Annotation) -> None:
        self._annotation: Annotation | None = annotation
        self._facts = annotation
        self.behaviors: Behaviors = tuple(enumerate(annotation.ethogram.behaviors))
        self.ids: dict[int, Id] = dict(enumerate(annotation.individuals))
        self.listed = set(self.ids)
        self.touched: dict[int, Range] = {}
        self.ethogram_touched = False
        self._lanes: dict[int, dict[Lane, list[Interval]]] = {}
        # In order, and what has been changed since they were made; None: make them again.
        self._bouts: dict[int, tuple[Bout, ...]] = {}
        self._pending: dict[int, _Pending | None] = {}
        self._new_keys = itertools.count(len(self.ids))
        self._behavior_keys = itertools.count(len(self.behaviors))
        self._by_id = {individual: key for key, individual in self.ids.items()}
        self._fill(annotation)

    def _fill(self, annotation: Annotation) -> None:
        behaviors = {behavior.name: key for key, behavior in self.behaviors}
        for bout in annotation.bouts:
            target = bout.target
            if target is not None and target not in self._by_id:
                self.set_id(self.new_key(), target, listed=False)
            lane = Lane(
                self._by_id[bout.individual], behaviors[bout.behavior], None if target is None else self._by_id[target]
            )
            interval = Interval(bout.start, bout.stop, bout.origin, bout.confidence, bout.note)
            self._own(lane).append(interval)
        for individual, ranges in annotation.assessed.items():
            self._own(Lane(self._by_id[individual], ASSESSED)).extend(itertools.starmap(Interval, ranges))
        self._bouts = {key: annotation.of(individual) for key, individual in self.ids.items()}
        self._annotation = annotation

    def _own(self, lane: Lane) -> list[Interval]:
        return self._lanes.setdefault(lane.individual, {}).setdefault(lane, [])

    @property
    def n_frames(self) -> int | None:
        """The number of frames of the video; None if unknown."""
        return self._facts.n_frames

    @property
    def ethogram(self) -> Ethogram:
        """The behaviors."""
        return self._facts.ethogram

    @property
    def individuals(self) -> tuple[Id, ...]:
        """The ids of the annotation's individuals, in order."""
        return tuple(self.ids[key] for key in sorted(self.listed))

    def new_key(self) -> int:
        """Return a key for a new individual or target."""
        return next(self._new_keys)

    def new_behavior_key(self) -> int:
        """Return a key for a new behavior."""
        return next(self._behavior_keys)

    def key(self, individual: Id) -> int | None:
        """Return the key of an individual or target; None if unknown."""
        return self._by_id.get(individual)

    def behavior_key(self, name: str) -> int:
        """Return the key of a behavior.

        Raises
        ------
        AnnotationError
            There is no such behavior.
        """
        return self.behaviors[self.ethogram.index(name)][0]

    def lanes_of(self, individual: int) -> list[Lane]:
        """Return the lanes of an individual that have bouts or assessed frames."""
        return list(self._lanes.get(individual, ()))

    def lanes(self) -> Iterator[Lane]:
        """Yield all lanes that have bouts or assessed frames."""
        for own in self._lanes.values():
            yield from own

    def intervals(self, lane: Lane, start: int = 0, stop: int | None = None) -> Sequence[Interval]:
        """Return the intervals of a lane that have a frame in a range, in order."""
        own = self._lanes.get(lane.individual, {}).get(lane, [])
        first, last = _slice(own, start, stop)
        return own[first:last]

    def count(self, lane: Lane) -> int:
        """Return the number of intervals of a lane."""
        return len(self._lanes.get(lane.individual, {}).get(lane, ()))

    def span(self, lane: Lane) -> Range:
        """Return the first frame of a lane and the one after the last; (0, 0) without any."""
        own = self._lanes.get(lane.individual, {}).get(lane, [])
        return (own[0].start, own[-1].stop) if own else (0, 0)

    def overwrite(self, lane: Lane, start: int, stop: int, intervals: Sequence[Interval]) -> list[Interval]:
        """Replace the intervals of a lane that have a frame in a range; return those that were there."""
        own = self._own(lane)
        first, last = _slice(own, start, stop)
        before = own[first:last]
        own[first:last] = intervals
        if not own:
            del self._lanes[lane.individual][lane]
        if lane.behavior != ASSESSED:
            self._note_change(lane, before, intervals)
        self._touch(lane.individual, start, stop)
        return before

    def set_id(self, key: int, individual: Id | None, listed: bool) -> None:
        """Name an individual or target, new or not; None removes it."""
        before = self.ids.pop(key, None)
        if before is not None and self._by_id.get(before) == key:
            del self._by_id[before]
        self.listed.discard(key)
        if individual is not None:
            self.ids[key] = individual
            self._by_id[individual] = key
            if listed:
                self.listed.add(key)
        for lane in list(self.lanes()):
            if key in (lane.individual, lane.target):
                self._touch(lane.individual, *self.span(lane))
                self._pending[lane.individual] = None
        self._annotation = None

    def set_behaviors(self, behaviors: Behaviors) -> None:
        """Replace the ethogram."""
        self.behaviors = behaviors
        self._facts = trusted_annotation(self._facts, ethogram=Ethogram(tuple(behavior for _, behavior in behaviors)))
        self._annotation = None
        self._pending = dict.fromkeys(self._bouts)
        self.ethogram_touched = True

    def _touch(self, key: int, start: int, stop: int) -> None:
        self._annotation = None
        first, last = self.touched.get(key, (start, stop))
        self.touched[key] = min(first, start), max(last, stop)

    def assessed(self, key: int) -> Ranges:
        """Return the frames of an individual that were looked at."""
        return tuple((interval.start, interval.stop) for interval in self.intervals(Lane(key, ASSESSED)))

    def bouts(self, key: int) -> tuple[Bout, ...]:
        """Return the bouts of an individual in order, the same objects until one of them changes."""
        changes = self._pending.pop(key, ())
        if key not in self._bouts or changes is None:
            found = [
                bout
                for lane, own in self._lanes.get(key, {}).items()
                if lane.behavior != ASSESSED
                for bout in self._named(lane, own)
            ]
            self._bouts[key] = tuple(sorted(found, key=self._order))
        elif changes:
            bouts = list(self._bouts[key])
            for removed, added in changes:
                for bout in removed:
                    del bouts[bisect_left(bouts, self._order(bout), key=self._order)]
                for bout in added:
                    insort(bouts, bout, key=self._order)
            self._bouts[key] = tuple(bouts)
        return self._bouts[key]

    def _note_change(self, lane: Lane, before: Sequence[Interval], after: Sequence[Interval]) -> None:
        if lane.individual not in self._bouts:
            return
        changes = self._pending.setdefault(lane.individual, [])
        if changes is None or len(changes) >= _MANY or len(before) + len(after) > _MANY:
            self._pending[lane.individual] = None
            return
        kept = {id(one) for one in before} & {id(one) for one in after}
        # With the names that they have now.
        removed, added = ([one for one in part if id(one) not in kept] for part in (before, after))
        changes.append((self._named(lane, removed), self._named(lane, added)))

    def _named(self, lane: Lane, intervals: Sequence[Interval]) -> list[Bout]:
        name = next(behavior.name for key, behavior in self.behaviors if key == lane.behavior)
        place, target = (self.ids[lane.individual], name), None if lane.target is None else self.ids[lane.target]
        return [
            trusted_bout(*place, one.start, one.stop, target, one.origin, one.confidence, one.note) for one in intervals
        ]

    def _order(self, bout: Bout) -> tuple[int, int, int, str, str]:
        return order_of(bout, self.ethogram)

    @property
    def annotation(self) -> Annotation:
        """The annotation as it is now; made when it is asked for."""
        if self._annotation is None:
            keys = sorted(self.listed)
            ranges = {self.ids[key]: self.assessed(key) for key in keys}
            self._annotation = trusted_annotation(
                self._facts,
                bouts=tuple(itertools.chain.from_iterable(map(self.bouts, keys))),
                assessed={individual: own for individual, own in ranges.items() if own},
                individuals=self.individuals,
            )
        return self._annotation


def _slice(own: list[Interval], start: int, stop: int | None) -> Range:
    return bisect_right(own, start, key=_stop), len(own) if stop is None else bisect_left(own, stop, key=_start)
