"""Annotations: the bouts of the individuals of a video, and the frames that were looked at."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import accumulate, groupby
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.frame_ranges import Range, Ranges, clip_ranges, contains, merge_ranges
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.annotations.validation import plain_frame, plain_id, plain_number, plain_range, plain_text
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, format_id

NOT_ASSESSED = -1
"""In a table of frames: nobody looked."""


@dataclass(frozen=True)
class VideoFacts:
    """What the video of an annotation is recognized by, together with its number of frames and its rate.

    Attributes
    ----------
    name
        File name without folder; empty if unknown.
    size
        Width and height in pixels; None if unknown.
    """

    name: str = ""
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", plain_text(self.name, "video name"))
        if self.size is not None:
            size = tuple(plain_frame(side, "video size") for side in self.size)
            if len(size) != 2 or min(size) < 1:
                raise AnnotationError(f"video size: expected width and height, found {list(size)}")
            object.__setattr__(self, "size", size)


@dataclass(frozen=True)
class Annotation:
    """The bouts of the individuals of a video, and the frames that were looked at.

    A frame that was assessed and has no bout of a behavior does not show it; of a frame that was not assessed nothing
    is known. Frames count from 0, ranges are half-open.

    Attributes
    ----------
    ethogram
        The behaviors. None: those of the bouts, in the order of their first bouts.
    bouts
        In the order of individuals, then of start, stop, behavior and target, whatever order they are given in. Two
        bouts of the same individual, behavior and target may touch, but not overlap; see `merge_overlapping`. Bouts of
        different exclusive behaviors that overlap are accepted, and listed by `conflicts`.
    assessed
        {id: ascending ranges of frames}; the frames of bouts are always among them. None: an individual that has a
        bout is assessed in all frames; without `n_frames`, up to the end of the last bout of any individual.
    individuals
        All ids in order, also of those without bouts. Ids of bouts and assessed ranges are appended if missing.
    n_frames
        Number of frames of the video; None if unknown.
    fps
        Frames per second; None if unknown.
    video
        What the video is recognized by; None if unknown.
    annotator
        Who labelled.
    notes
        Remarks on the whole.

    Raises
    ------
    AnnotationError
        A bout or assessed range ends after the video, a behavior is not in the ethogram, bouts of the same individual,
        behavior and target overlap, or a value is invalid.
    """

    ethogram: Ethogram = None  # type: ignore[assignment]
    bouts: tuple[Bout, ...] = ()
    assessed: Mapping[Id, Ranges] = None  # type: ignore[assignment]
    individuals: tuple[Id, ...] = ()
    n_frames: int | None = None
    fps: float | None = None
    video: VideoFacts | None = None
    annotator: str = ""
    notes: str = ""

    def __post_init__(self) -> None:
        bouts = tuple(self.bouts)
        if self.n_frames is not None:
            self._put("n_frames", plain_frame(self.n_frames, "number of frames"))
        if self.fps is not None:
            self._put("fps", plain_number(self.fps, "frame rate", "a number above 0", lambda rate: rate > 0))
        self._put("annotator", plain_text(self.annotator, "annotator"))
        self._put("notes", plain_text(self.notes, "notes"))
        self._put("ethogram", _ethogram(self.ethogram, bouts))
        ranges = _assessed(self.assessed, bouts, self.n_frames)
        ids = [*map(plain_id, self.individuals), *(bout.individual for bout in bouts), *ranges]
        self._put("individuals", tuple(dict.fromkeys(ids)))
        self._put("assessed", MappingProxyType({one: ranges[one] for one in self.individuals if one in ranges}))
        self._put("bouts", canonical_order(bouts, self.ethogram, self.individuals))
        self._check()

    def __reduce__(self) -> tuple[type["Annotation"], tuple[object, ...]]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return Annotation, tuple((values | {"assessed": dict(self.assessed)}).values())

    def _put(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _check(self) -> None:
        last: dict[tuple[Id, str, Id | None], Bout] = {}
        for bout in self.bouts:
            self._check_end(str(bout), bout.stop)
            place = bout.individual, bout.behavior, bout.target
            before = last.get(place)
            if before is not None and bout.start < before.stop:
                raise AnnotationError(
                    f"{bout}: expected bouts of the same behavior to be apart, found one in frames {before.start} to "
                    f"{before.stop - 1}",
                    hint="merge them",
                )
            last[place] = bout
        for individual, ranges in self.assessed.items():
            if ranges:
                self._check_end(f"{format_id(individual)}: assessed frames", ranges[-1][1])

    def _check_end(self, what: str, stop: int) -> None:
        if self.n_frames is not None and stop > self.n_frames:
            raise AnnotationError(f"{what}: expected frames of a video of {self.n_frames}, found {stop - 1}")

    def of(self, individual: Id) -> tuple[Bout, ...]:
        """Return the bouts of an individual in their order; none if it is unknown."""
        return self._by_individual.get(individual, ())

    def bouts_at(self, individual: Id, frame: int) -> tuple[Bout, ...]:
        """Return the bouts of an individual that a frame belongs to, in their order."""
        own = self.of(individual)
        if individual not in self._stops:
            self._stops[individual] = list(accumulate((bout.stop for bout in own), max))
        stops = self._stops[individual]
        at = bisect_right(own, frame, key=_start)
        found = []
        while at and stops[at - 1] > frame:
            at -= 1
            if own[at].stop > frame:
                found.append(own[at])
        return tuple(reversed(found))

    def behaviors_at(self, individual: Id, frame: int) -> tuple[str, ...]:
        """Return the behaviors that an individual shows in a frame, in the order of the ethogram."""
        names = {bout.behavior for bout in self.bouts_at(individual, frame)}
        return tuple(sorted(names, key=self.ethogram.index))

    def is_assessed(self, individual: Id, frame: int) -> bool:
        """Return whether somebody looked at an individual in a frame."""
        return contains(self.assessed.get(individual, ()), frame)

    def to_table(self, individual: Id, start: int = 0, stop: int | None = None) -> NDArray[np.int8]:
        """Return which behaviors an individual shows in each frame.

        Parameters
        ----------
        individual
            The individual.
        start, stop
            The frames, half-open. Default: to the end of the video, or of what was assessed of anyone if its length is
            unknown.

        Returns
        -------
        (frames, behaviors) int8
            1: shown; 0: not shown; -1: not assessed. Behaviors in the order of the ethogram.
        """
        stop = self.end if stop is None else stop
        table = np.full((max(stop - start, 0), len(self.ethogram)), NOT_ASSESSED, np.int8)
        for low, high in clip_ranges(self.assessed.get(individual, ()), start, stop):
            table[low - start : high - start] = 0
        for bout in self.of(individual):
            if bout.overlaps(start, stop):
                table[max(bout.start - start, 0) : bout.stop - start, self.ethogram.index(bout.behavior)] = 1
        return table

    def conflicts(self) -> tuple[tuple[Bout, Bout], ...]:
        """Return the pairs of bouts of exclusive behaviors of the same individual that overlap."""
        found = []
        for bouts in self._by_individual.values():
            running: list[Bout] = []
            for bout in bouts:
                if not self.ethogram[bout.behavior].exclusive:
                    continue
                running = [other for other in running if other.stop > bout.start]
                found += [(other, bout) for other in running]
                running.append(bout)
        return tuple(found)

    @property
    def end(self) -> int:
        """The number of frames of the video, or the end of what was assessed of anyone if that is unknown."""
        if self.n_frames is not None:
            return self.n_frames
        return max((ranges[-1][1] for ranges in self.assessed.values() if ranges), default=0)

    @cached_property
    def _stops(self) -> dict[Id, list[int]]:
        return {}

    @cached_property
    def _by_individual(self) -> dict[Id, tuple[Bout, ...]]:
        return {one: tuple(bouts) for one, bouts in groupby(self.bouts, key=lambda bout: bout.individual)}


def canonical_order(bouts: Iterable[Bout], ethogram: Ethogram, individuals: Iterable[Id]) -> tuple[Bout, ...]:
    """Return bouts in the order of individuals, then of start, stop, behavior and target.

    Raises
    ------
    AnnotationError
        A behavior is not in the ethogram.
    """
    places = {individual: place for place, individual in enumerate(individuals)}
    return tuple(sorted(bouts, key=lambda bout: (places[bout.individual], *order_of(bout, ethogram))))


def order_of(bout: Bout, ethogram: Ethogram) -> tuple[int, int, int, str, str]:
    """Return what the bouts of an individual are sorted by."""
    kind = "" if bout.target is None else type(bout.target).__name__
    return bout.start, bout.stop, ethogram.index(bout.behavior), kind, str(bout.target)


def trusted_annotation(annotation: Annotation, **values: Any) -> Annotation:
    """Return an annotation with other values that are known to be valid and in order, without checking them."""
    made = object.__new__(Annotation)
    for field in fields(Annotation):
        value = values.get(field.name, getattr(annotation, field.name))
        object.__setattr__(made, field.name, MappingProxyType(value) if isinstance(value, dict) else value)
    return made


def _ethogram(given: Ethogram | None, bouts: Iterable[Bout]) -> Ethogram:
    if given is not None:
        return given
    return Ethogram(tuple(Behavior(name) for name in dict.fromkeys(bout.behavior for bout in bouts)))


def _assessed(
    given: Mapping[Id, Iterable[Range]] | None, bouts: Iterable[Bout], n_frames: int | None
) -> dict[Id, Ranges]:
    end = max((bout.stop for bout in bouts), default=0) if n_frames is None else n_frames
    ranges: dict[Id, list[Range]] = {}
    for individual, own in (given or {}).items():
        one = plain_id(individual)
        ranges[one] = [plain_range(start, stop, f"{format_id(one)}: assessed frames") for start, stop in own]
    for bout in bouts:
        ranges.setdefault(bout.individual, []).append((0, end) if given is None else (bout.start, bout.stop))
    return {individual: merge_ranges(own) for individual, own in ranges.items() if own}


def _start(bout: Bout) -> int:
    return bout.start
