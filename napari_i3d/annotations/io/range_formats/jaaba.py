"""JAABA's labels: Matlab files with ranges of frames for each fly, in which a behavior is shown or is not.

Cells with one entry for each labelled fly: ``t0s`` and ``t1s`` (frames), ``names`` (the behavior, or ``None``), and
``flies``. Frames count from 1 as in ``trx.mat``; ``t1s`` is the frame after the last one. They are variables of a
file of labels, or fields of ``x.labels`` in a project (``.jab``) of version 5, with an entry for each experiment.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_i3d._utils.frame_ranges import Range
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.parsing.bout_collector import MAX_BEHAVIORS, MAX_INDIVIDUALS, BoutCollector
from napari_i3d.annotations.io.parsing.frame_labels import within
from napari_i3d.annotations.io.parsing.frame_numbers import stated_numbers
from napari_i3d.annotations.io.parsing.judged_frames import (
    Span,
    count_partly,
    looked_at,
    partly_notes,
    shared_behaviors,
)
from napari_i3d.annotations.io.range_formats.jaaba_files import Labels, has_labels, read_labels
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, format_id

_NOTHING = "none"
_NOT = "no_"


def _read(path: Path, request: ReadRequest) -> ReadResult:
    labels, notes = read_labels(path, request.video)
    if len(labels.flies) > MAX_INDIVIDUALS:
        raise AnnotationError(f"expected at most {MAX_INDIVIDUALS} flies, found {len(labels.flies)}")
    collector = BoutCollector(request)
    collector.notes += [*notes, "flies are numbered from 1, as in trx.mat"]
    entries = list(_entries(labels, request))
    names = list(dict.fromkeys(name for _, name, *_ in entries if not _is_nothing(name)))
    behaviors = [name for name in names if _behavior_not_shown(name, names) is None]
    if len(behaviors) > MAX_BEHAVIORS:
        raise AnnotationError(f"expected at most {MAX_BEHAVIORS} behaviors, found {len(behaviors)}")
    if not behaviors and entries:
        raise AnnotationError("expected ranges of a behavior, found None only")
    judged: dict[Id, dict[str, list[Range]]] = {}
    shown: dict[Id, list[Span]] = {}
    for fly, name, start, stop, place in entries:
        individual = collector.named(fly)
        own = judged.setdefault(individual, {})
        absent = _behavior_not_shown(name, names)
        for behavior in behaviors if _is_nothing(name) else [absent or name]:
            own.setdefault(behavior, []).append((start, stop))
        if not _is_nothing(name) and absent is None:
            shown.setdefault(individual, []).append((start, stop, name))
            collector.add(place, individual, name, start, stop)
    individuals = [collector.named(fly) for fly in labels.flies]
    assessed = {individual: looked_at(judged.get(individual, {})) for individual in individuals}
    for individual in individuals:
        n_partly = count_partly(judged.get(individual, {}), [span[:2] for span in shown.get(individual, [])])
        collector.notes += partly_notes(individual, n_partly)
    return collector.result(shared_behaviors(shown, behaviors), individuals, within(assessed, request.video))


def _is_nothing(name: str) -> bool:
    return name.lower() == _NOTHING


def _behavior_not_shown(name: str, names: list[str]) -> str | None:
    """Return the behavior that a name such as ``No_Lift`` says is not shown."""
    rest = name[len(_NOT) :]
    if not name.lower().startswith(_NOT) or not rest:
        return None
    return next((other for other in names if other.lower() == rest.lower()), rest)


def _entries(labels: Labels, request: ReadRequest) -> Iterator[tuple[int, str, int, int, str]]:
    """Yield fly, name, start, stop and place of each range."""
    numbers = stated_numbers(request, 1, inclusive=False)
    for at, fly in enumerate(labels.flies):
        starts, stops, names = (_entry(cells, at) for cells in (labels.t0s, labels.t1s, labels.names))
        if not len(starts) == len(stops) == len(names):
            raise AnnotationError(
                f"fly {fly}: expected as many t0s, t1s and names, found {len(starts)}, {len(stops)} and {len(names)}"
            )
        for number, (first, last, name) in enumerate(zip(starts, stops, names, strict=True), 1):
            place = f"fly {fly}, range {number}"
            whole = all(isinstance(one, int | float) and one == one // 1 for one in (first, last))
            if not whole or not isinstance(name, str) or not name.strip():
                raise AnnotationError(
                    f"{place}: expected whole frames and a name, found {format_id(first)}, {format_id(last)} and "
                    f"{format_id(name)}"
                )
            start, stop = numbers.frames(int(first), int(last), place)
            if start >= stop:
                raise AnnotationError(f"{place}: expected t0s before t1s, found {first:g} and {last:g}")
            yield fly, name.strip(), start, stop, place


def _entry(cells: list[Any], at: int) -> list[Any]:
    if at >= len(cells):
        return []
    cell = cells[at]
    return cell.ravel().tolist() if isinstance(cell, np.ndarray) else list(cell)


FORMAT = AnnotationFormat(
    "jaaba",
    "JAABA labels",
    (".mat", ".jab"),
    has_labels,
    _read,
    base="frames from 1",
    ends="t1s after the last frame",
)
