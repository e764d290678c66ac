"""Plan a change of several lanes step by step, without applying it."""

import itertools
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter, le

from napari_i3d._utils.frame_ranges import Range
from napari_i3d._utils.history import Change
from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.editing.annotation_store import ASSESSED, AnnotationStore, Interval, Lane
from napari_i3d.annotations.editing.changes import Overwrite

_start, _stop = attrgetter("start"), attrgetter("stop")


@dataclass
class _Region:
    """The intervals that a range of a lane will have; none of them leaves it."""

    start: int
    stop: int
    before: list[Interval]
    intervals: list[Interval]


class Draft:
    """What will become of lanes; the store stays as it is.

    Parameters
    ----------
    store
        What the changes start from.

    Attributes
    ----------
    n_cut
        The number of bouts of exclusive behaviors that were shortened or removed to make room for others.
    """

    def __init__(self, store: AnnotationStore) -> None:
        self._store = store
        self._regions: dict[Lane, _Region] = {}
        self.n_cut = 0

    def changes(self) -> list[Change]:
        """Return the changes, one for each lane that becomes different."""
        return [
            Overwrite(self._store, lane, region.start, region.stop, region.intervals)
            for lane, region in self._regions.items()
            if region.intervals != region.before
        ]

    def take(self, lane: Lane, start: int, stop: int) -> list[Interval]:
        """Remove a range of frames from a lane; return what was there, cut to the range."""
        region = self._region(lane, start, stop)
        first = bisect_right(region.intervals, start, key=_stop)
        last = bisect_left(region.intervals, stop, key=_start)
        taken = region.intervals[first:last]
        kept: list[Interval] = []
        if taken and taken[0].start < start:
            kept.append(replace(taken[0], stop=start))
        if taken and stop < taken[-1].stop:
            kept.append(replace(taken[-1], start=stop))
        for end in {0, len(taken) - 1} if taken else ():
            one = taken[end]
            if one.start < start or stop < one.stop:
                taken[end] = replace(one, start=max(one.start, start), stop=min(one.stop, stop))
        region.intervals[first:last] = kept
        return taken

    def put(self, lane: Lane, intervals: Iterable[Interval], seams: frozenset[int] = frozenset()) -> None:
        """Add intervals to a lane; those that overlap become one, and so do equal ones that touch in a seam.

        Parameters
        ----------
        lane
            The lane.
        intervals
            The intervals, in any order.
        seams
            Frames in which bouts were cut only to move a part of them.
        """
        added = list(intervals)
        if not added:
            return
        added.sort(key=_start)
        starts, stops = list(map(_start, added)), list(map(_stop, added))
        start, stop = starts[0], max(stops)
        own = self._region(lane, max(start - 1, 0), stop + 1).intervals
        first = bisect_right(own, start, key=_stop)
        last = max(bisect_left(own, stop, key=_start), first)
        # What touches is looked at too.
        low, high = max(first - 1, 0), min(last + 1, len(own))
        if first == last and all(map(le, stops, starts[1:])):
            # Only the first and the last can meet others.
            both = len(added) > 1
            head = _united([*own[low:first], added[0], *(() if both else own[last:high])], seams)
            tail = _united([added[-1], *own[last:high]], seams) if both else []
            own[low:high] = [*head, *added[1:-1], *tail]
        else:
            own[low:high] = _united(sorted([*own[low:high], *added], key=_start), seams)

    def assess(self, individual: int, ranges: Sequence[Range]) -> None:
        """Add ranges to the assessed frames of an individual."""
        if not ranges:
            return
        lowest, highest = min(start for start, _ in ranges), max(stop for _, stop in ranges)
        own = self._region(Lane(individual, ASSESSED), max(lowest - 1, 0), highest + 1).intervals
        for start, stop in ranges:
            first, last = bisect_left(own, start, key=_stop), bisect_right(own, stop, key=_start)
            met = own[first:last]
            if met:
                start, stop = min(start, met[0].start), max(stop, met[-1].stop)
            if not met or (start, stop) != (met[0].start, met[0].stop):
                own[first:last] = [Interval(start, stop)]

    def place(self, lane: Lane, interval: Interval, *, touching: bool = False) -> None:
        """Put a reviewed bout in its lane, cut the exclusive ones that it excludes, and assess its frames.

        Bouts in the same lane that it overlaps, or with `touching` also those that it touches, become one with it;
        automated ones, which nobody reviewed, are cut instead.
        """
        start, stop = interval.start, interval.stop
        self.exclude(lane, start, stop)
        own = self._region(lane, max(start - 1, 0), stop + 1).intervals
        first, last = bisect_right(own, start - touching, key=_stop), bisect_left(own, stop + touching, key=_start)
        near = own[first:last]
        own[first:last] = [one for one in near if one.origin == Origin.AUTOMATED]
        for one in near:
            if one.origin != Origin.AUTOMATED:
                interval = unite(interval, one)
        self.take(lane, interval.start, interval.stop)
        insort(own, interval, key=_start)
        self.assess(lane.individual, [(interval.start, interval.stop)])

    def exclude(self, lane: Lane, start: int, stop: int) -> None:
        """Cut the bouts that a bout in a lane excludes: those of other exclusive behaviors if its own is exclusive."""
        behaviors = dict(self._store.behaviors)
        if behaviors[lane.behavior].exclusive:
            for other in self._store.lanes_of(lane.individual):
                if other != lane and other.behavior != ASSESSED and behaviors[other.behavior].exclusive:
                    self.n_cut += len(self.take(other, start, stop))

    def fill(self, lane: Lane, interval: Interval) -> None:
        """Put a bout that nobody reviewed where its lane is empty; what it meets there stays, what it excludes goes."""
        start, stop = interval.start, interval.stop
        own = self.take(lane, start, stop)
        edges = [start, *(edge for one in own for edge in (one.start, one.stop)), stop]
        pieces = [(low, high) for low, high in zip(edges[::2], edges[1::2], strict=True) if low < high]
        for low, high in pieces:
            self.exclude(lane, low, high)
        self.assess(lane.individual, pieces)
        new = [replace(interval, start=low, stop=high) for low, high in pieces]
        self.put(lane, [*own, *new], frozenset({start, stop}))

    def _region(self, lane: Lane, start: int, stop: int) -> _Region:
        region = self._regions.get(lane)
        if region is None:
            own = list(self._store.intervals(lane, start, stop))
            region = _Region(start, stop, own, list(own))
            self._regions[lane] = region
        elif start < region.start or region.stop < stop:
            left = list(self._store.intervals(lane, start, region.start)) if start < region.start else []
            right = list(self._store.intervals(lane, region.stop, stop)) if region.stop < stop else []
            for own in (region.before, region.intervals):
                own[:0] = left
                own += right
        ends = [region.start, region.stop, start, stop]
        if region.before:
            ends += [region.before[0].start, region.before[-1].stop]
        region.start, region.stop = min(ends), max(ends)
        return region


def _united(intervals: list[Interval], seams: frozenset[int]) -> list[Interval]:
    """Return intervals in order with those that overlap united, and equal ones that touch in a seam."""
    united: list[Interval] = []
    for one in intervals:
        if united and one.start < united[-1].stop:
            united[-1] = unite(united[-1], one)
        else:
            united.append(one)
    joined = united[:1]
    for last, one in itertools.pairwise(united):
        if one.start in seams and _continues(last, one):
            joined[-1] = unite(joined[-1], one)
        else:
            joined.append(one)
    return joined


def unite(one: Interval, other: Interval) -> Interval:
    """Return one interval for two and what lies between them.

    Its origin is that of both, or curated if they differ; its confidence that of both, or None; its note both notes.
    """
    first, second = (one, other) if one.start <= other.start else (other, one)
    return Interval(
        first.start,
        max(first.stop, second.stop),
        first.origin if first.origin == second.origin else Origin.CURATED,
        first.confidence if first.confidence == second.confidence else None,
        "; ".join(dict.fromkeys(note for note in (first.note, second.note) if note)),
    )


def _continues(one: Interval, other: Interval) -> bool:
    return one.stop == other.start and replace(one, start=other.start, stop=other.stop) == other
