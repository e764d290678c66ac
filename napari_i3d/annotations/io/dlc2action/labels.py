"""Pickle of DLC2Action and its annotation program: intervals of each label of each individual.

The annotation program writes a tuple ``(metadata, labels, animals, times)`` with ``times[animal][label]`` a list or
array of ``[start, end, ambiguity]``; training also takes a dictionary ``{individual: {label: [[start, end], ...]}}``.
Frames are those of the video, from 0, and the frame ``end`` is not part of the interval. Every frame of an individual
in the file is a labelled one: without an interval it is background.

Ambiguity 1 means that the annotator was not sure; 2 and 3 are suggestions. Labels ``unknown X`` and ``negative X`` say
that X is not known there, or that it is certainly not X.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_i3d._utils.frame_ranges import Ranges, remove_range
from napari_i3d._utils.text import counted
from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.io.dlc2action.labels_writing import AMBIGUOUS, NEGATIVE, UNKNOWN, WITHOUT_TRACKING, write
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector, known_video
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, format_id
from napari_i3d.safe_loading import unpickler

_EXPECTED = "expected (metadata, labels, animals, times) or {individual: {label: [[start, end], ...]}}"
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
        shown = [label for label in labels if isinstance(label, str) and not label.startswith((UNKNOWN, NEGATIVE))]
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
            raise AnnotationError(f"expected names of individuals, found {_shown(animal)}")
        return self._known.get(animal, animal) if isinstance(animal, str) else animal

    def _add(self, individual: Id, label: Any, spans: Any) -> None:
        if not isinstance(label, str):
            raise AnnotationError(f"{format_id(individual)}: expected labels that are text, found {_shown(label)}")
        where = f"{format_id(individual)}, {format_id(label)}"
        for number, (start, end, ambiguity) in enumerate(_intervals(spans, where), 1):
            place = f"{where}, interval {number}"
            self._end = max(self._end, end)
            if label.startswith(NEGATIVE):
                self._n_negative += 1
            elif label.startswith(UNKNOWN):
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
                f"{where}, interval {number}: expected [start, end] or [start, end, ambiguity], found {_shown(numbers)}"
            )
        start, end, ambiguity = (_whole(one, f"{where}, interval {number}") for one in (*numbers, 0)[:3])
        if start < 0:
            raise AnnotationError(f"{where}, interval {number}: expected frames from 0, found {start}")
        yield start, end, ambiguity


def _shown(value: object) -> str:
    try:
        return ascii(value)[:60]
    except ValueError:  # a number of thousands of digits
        return f"{type(value).__name__} with a number of many digits"


def _whole(value: Any, place: str) -> int:
    if isinstance(value, int | float | np.integer | np.floating) and math.isfinite(value) and value == int(value):
        return int(value)
    raise AnnotationError(f"{place}: expected whole numbers, found {_shown(value)}")


FORMAT = AnnotationFormat(
    "dlc2action",
    "DLC2Action pickle",
    (".pickle", ".pkl"),
    _recognize,
    _read,
    write,
    lost="frames that nobody assessed, targets, origin, confidence, notes, keys, colors, descriptions",
)
