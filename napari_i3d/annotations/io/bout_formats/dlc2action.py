"""Pickle of DLC2Action and its annotation program: intervals of each label of each individual.

The annotation program writes a tuple ``(metadata, labels, animals, times)`` with ``times[animal][label]`` a list or
array of ``[start, end, ambiguity]``; training also takes a dictionary ``{individual: {label: [[start, end], ...]}}``.
Frames are those of the video, from 0, and the frame ``end`` is not part of the interval. Every frame of an individual
in the file is a labelled one: without an interval it is background.

Ambiguity 1 means that the annotator was not sure; 2 and 3 are suggestions. Labels ``unknown X`` and ``negative X`` say
that X is not known there, or that it is certainly not X.
"""

import math
import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.frame_ranges import Ranges, count_frames, remove_range
from napari_i3d._utils.text import counted, printable
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.io.format import AnnotatedVideo, AnnotationFormat, ReadRequest, ReadResult, WriteRequest
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector, known_video
from napari_i3d.annotations.io.parsing.not_held import not_held
from napari_i3d.errors import AnnotationError, OutputError
from napari_i3d.individuals import Id, format_id
from napari_i3d.safe_loading import unpickler

_EXPECTED = "expected (metadata, labels, animals, times) or {individual: {label: [[start, end], ...]}}"
_UNKNOWN, _NEGATIVE = "unknown ", "negative "
WITHOUT_TRACKING = "ind0"
AMBIGUOUS = "ambiguous"
"""The note of bouts of which the annotator was not sure."""
PICKLE = (b"\x80", b"}", b"(")


def _recognize(_path: Path, head: bytes) -> bool:
    return head.startswith(PICKLE)


def _read(path: Path, request: ReadRequest) -> ReadResult:
    with path.open("rb") as file, unpickler.pause_collection():
        content = unpickler.load(file, "not readable", AnnotationError, encoding="latin1")
    if isinstance(content, tuple | list) and len(content) == 4:
        metadata, labels, animals, times = content
        items = list(_tuple_items(_plain(labels, "labels"), _plain(animals, "animals"), times))
        names = _plain(labels, "labels")
    elif isinstance(content, dict) and all(isinstance(own, dict) for own in content.values()):
        metadata, animals = {}, list(content)
        items = [(one, label, spans) for one, own in content.items() for label, spans in own.items()]
        names = list(dict.fromkeys(label for _, label, _ in items))
    else:
        raise AnnotationError(f"{_EXPECTED}, found {type(content).__name__}")
    return _Reading(request, metadata if isinstance(metadata, dict) else {}).result(names, animals, items)


class _Reading:
    """One file."""

    def __init__(self, request: ReadRequest, metadata: dict[Any, Any]) -> None:
        self._collector = BoutCollector(request)
        length, name = metadata.get("length"), metadata.get("video_file")
        annotator = metadata.get("annotator")
        self._annotator = annotator if isinstance(annotator, str) and annotator != "unknown" else ""
        self._video, notes = known_video(
            request,
            Path(name).name if isinstance(name, str) else "",
            int(length) if isinstance(length, int | np.integer) and length > 0 else None,
            rough=True,
        )
        self._collector.notes += notes
        self._known: dict[str, Id] = {f"ind{one}": one for one in request.individuals if isinstance(one, int)}
        if "" in request.individuals:
            self._known[WITHOUT_TRACKING] = ""
        self._not_known: list[tuple[Id, int, int]] = []
        self._n_negative = self._n_ambiguous = self._end = 0

    def result(self, labels: list[Any], animals: Iterable[Any], items: Iterable[tuple[Any, Any, Any]]) -> ReadResult:
        """Return what the intervals say."""
        individuals = [self._individual(animal) for animal in animals]
        for animal, label, spans in items:
            self._add(self._individual(animal), label, spans)
        shown = [label for label in labels if isinstance(label, str) and not label.startswith((_UNKNOWN, _NEGATIVE))]
        notes = self._collector.notes
        if self._n_negative:
            notes.append(f"{counted(self._n_negative, 'interval')} of certain absence (negative) left out")
        if self._n_ambiguous:
            notes.append(
                f"{counted(self._n_ambiguous, 'ambiguous interval')}: the note of these bouts is {AMBIGUOUS!r}"
            )
        end = self._video.n_frames or self._end
        assessed: dict[Id, Ranges] = dict.fromkeys(individuals, ((0, end),) if end else ())
        for individual, start, stop in self._not_known:
            assessed[individual] = remove_range(assessed[individual], start, stop)
        if self._not_known:
            notes.append(f"{counted(len(self._not_known), 'interval')} with an unknown label count as not assessed")
        notes.append("all other frames of the individuals in the file count as assessed, as in DLC2Action")
        return self._collector.result(shown, individuals, assessed, self._video, annotator=self._annotator)

    def _individual(self, animal: Any) -> Id:
        if isinstance(animal, bool) or not isinstance(animal, str | int):
            raise AnnotationError(f"expected names of individuals, found {ascii(animal)[:60]}")
        return self._known.get(str(animal), animal)

    def _add(self, individual: Id, label: Any, spans: Any) -> None:
        if not isinstance(label, str):
            raise AnnotationError(f"{format_id(individual)}: expected labels that are text, found {ascii(label)[:60]}")
        where = f"{format_id(individual)}, {format_id(label)}"
        for number, (start, end, ambiguity) in enumerate(_intervals(spans, where), 1):
            place = f"{where}, interval {number}"
            self._end = max(self._end, end)
            if label.startswith(_NEGATIVE):
                self._n_negative += 1
            elif label.startswith(_UNKNOWN):
                self._not_known.append((individual, start, end))
            elif ambiguity in (2, 3):
                self._collector.add(place, individual, label, start, end, origin=Origin.AUTOMATED)
            else:
                self._n_ambiguous += ambiguity != 0
                self._collector.add(place, individual, label, start, end, note=AMBIGUOUS if ambiguity else "")


def _tuple_items(labels: list[Any], animals: list[Any], times: Any) -> Iterator[tuple[Any, Any, Any]]:
    own = _plain(times, "times")
    if len(own) != len(animals):
        raise AnnotationError(f"expected times of {counted(len(animals), 'individual')}, found {len(own)}")
    for animal, by_label in zip(animals, own, strict=True):
        by_label = _plain(by_label, f"times of {format_id(animal)}")
        if len(by_label) != len(labels):
            raise AnnotationError(
                f"{format_id(animal)}: expected times of {counted(len(labels), 'label')}, found {len(by_label)}"
            )
        yield from ((animal, label, spans) for label, spans in zip(labels, by_label, strict=True))


def _plain(value: Any, what: str) -> list[Any]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list | tuple):
        raise AnnotationError(f"{what}: expected a list, found {type(value).__name__}; {_EXPECTED}")
    return list(value)


def _intervals(spans: Any, where: str) -> Iterator[tuple[int, int, int]]:
    for number, span in enumerate(_plain(spans, where), 1):
        numbers = span.tolist() if isinstance(span, np.ndarray) else span
        if not isinstance(numbers, list | tuple) or len(numbers) not in (2, 3):
            raise AnnotationError(
                f"{where}, interval {number}: expected [start, end] or [start, end, ambiguity], "
                f"found {ascii(numbers)[:60]}"
            )
        start, end, ambiguity = (_whole(one, f"{where}, interval {number}") for one in (*numbers, 0)[:3])
        if start < 0:
            raise AnnotationError(f"{where}, interval {number}: expected frames from 0, found {start}")
        yield start, end, ambiguity


def _whole(value: Any, place: str) -> int:
    if isinstance(value, int | float | np.integer | np.floating) and math.isfinite(value) and value == int(value):
        return int(value)
    raise AnnotationError(f"{place}: expected whole numbers, found {printable(ascii(value), 40)}")


def names_of(individuals: Iterable[Id]) -> tuple[dict[Id, str], list[str]]:
    """Return the names of individuals in DLC2Action, which are those of its features, and notes on what that changes.

    Raises
    ------
    OutputError
        Two individuals get the same name.
    """
    names = {one: f"ind{one}" if isinstance(one, int) else one or WITHOUT_TRACKING for one in individuals}
    if len(set(names.values())) < len(names):
        raise OutputError(
            f"expected individuals with different names, found {printable(', '.join(names.values()), 120)}",
            hint="rename one of them",
        )
    changed = [f"{format_id(one)} is {name}" for one, name in names.items() if one != name]
    return names, [f"individuals are called as in DLC2Action's features: {', '.join(changed[:10])}"] if changed else []


def _write(path: Path, annotation: Annotation, request: WriteRequest) -> tuple[str, ...]:
    taken = [name for name in annotation.ethogram if name.startswith((_UNKNOWN.strip(), _NEGATIVE.strip()))]
    if taken:
        raise OutputError(
            f"expected behaviors whose names do not begin with unknown or negative, found {format_id(taken[0])}",
            hint="DLC2Action gives these names another meaning; rename it",
        )
    wanted = request.wanted(annotation)
    present = [one for one in wanted if annotation.assessed.get(one)]
    names, notes = names_of(present)
    labels = list(annotation.ethogram)
    times: list[list[list[list[int]]]] = [[[] for _ in labels] for _ in present]
    for place, individual in enumerate(present):
        for bout in annotation.of(individual):
            times[place][annotation.ethogram.index(bout.behavior)].append([bout.start, bout.stop, _ambiguity(bout)])
    metadata = {
        "datetime": "",
        "annotator": annotation.annotator or "unknown",
        "length": request.video.n_frames or annotation.end,
        "video_file": request.video.name,
        "skeleton_files": [None],
    }
    with atomic_writer(path) as file:
        pickle.dump((metadata, labels, [names[one] for one in present], times), file, protocol=4)
    return (*notes, *_background_notes(annotation, wanted, request.video), *not_held(annotation, present, targets=True))


def _ambiguity(bout: Bout) -> int:
    return int(bout.note == AMBIGUOUS)


def _background_notes(annotation: Annotation, wanted: list[Id], video: AnnotatedVideo) -> list[str]:
    """Say who is left out, and whose frames become background though nobody looked at them."""
    notes, end = [], video.n_frames or annotation.end
    if absent := [format_id(one) for one in wanted if not annotation.assessed.get(one)]:
        notes.append(f"left out, since no frame was assessed: {', '.join(absent[:10])}")
    for one in wanted:
        missing = end - count_frames(annotation.assessed.get(one, ()))
        if annotation.assessed.get(one) and missing > 0:
            notes.append(
                f"{format_id(one)}: {counted(missing, 'frame')} that nobody assessed become background: DLC2Action "
                "cannot tell them apart"
            )
    if conflicts := len(annotation.conflicts()):
        notes.append(
            f"{counted(conflicts, 'overlap')} of bouts: train with exclusive: False, or the later label counts"
        )
    return notes


FORMAT = AnnotationFormat(
    "dlc2action",
    "DLC2Action pickle",
    (".pickle", ".pkl"),
    _recognize,
    _read,
    _write,
    lost="frames that nobody assessed, targets, origin, confidence, notes, keys, colors, descriptions",
)
