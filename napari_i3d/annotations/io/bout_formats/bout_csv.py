"""Plain csv of bouts: ``individual,behavior,start,stop`` and optional columns, one bout a line.

A comment in front states that frames count from 0 and that the frame ``stop`` is not part of the bout. Without it, as
in files of other programs and of people, columns of these names are read with the same meaning unless the caller says
otherwise; the notes say which.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult, WriteRequest
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector
from napari_i3d.annotations.io.parsing.text_files import (
    Table,
    head_lines,
    header_names,
    parse_number,
    parse_whole,
    read_table,
)
from napari_i3d.annotations.io.parsing.written_text import csv_bytes, harmless, restored, texts_of

COLUMNS = ("individual", "behavior", "start", "stop", "target", "origin", "confidence", "note")
_COMMENT = "bouts of napari_i3d: frames count from 0; the frame 'stop' is not part of the bout"
_START, _STOP = ("start", "start_frame"), ("stop", "stop_frame", "end", "end_frame")
_BEHAVIOR, _INDIVIDUAL = ("behavior", "behaviour"), ("individual", "subject", "animal")
_BASE = re.compile(r"frames count from ([01])")


def _recognize(_path: Path, head: bytes) -> bool:
    lines = (line for line in head_lines(head) if line.strip() and not line.startswith(("#", '"#', "sep=")))
    names, _ = header_names(next(lines, ""))
    return all(any(name in names for name in group) for group in (_START, _STOP, _BEHAVIOR))


def _read(path: Path, request: ReadRequest) -> ReadResult:
    table = read_table(path)
    collector = BoutCollector(request)
    collector.notes += table.notes
    base, inclusive = _conventions(table, request, collector)
    behavior, start, stop = table.required(*_BEHAVIOR), table.required(*_START), table.required(*_STOP)
    individual, target = table.column(*_INDIVIDUAL), table.column("target")
    more = [(name, table.column(name)) for name in ("origin", "confidence", "note")]
    for place, row in table.records():
        first = parse_whole(row[start], place, "start") - base
        end = parse_whole(row[stop], place, "stop") - base + inclusive
        options: dict[str, Any] = {}
        for name, column in more:
            if column is not None and row[column]:
                text = row[column]
                options[name] = parse_number(text, place, name) if name == "confidence" else restored(text)
        if target is not None and row[target]:
            options["target"] = restored(row[target])
        who = restored(row[individual]) or None if individual is not None else None
        collector.add(place, who, restored(row[behavior]), first, end, **options)
    return collector.result()


def _conventions(table: Table, request: ReadRequest, collector: BoutCollector) -> tuple[int, bool]:
    comment = " ".join(table.comments)
    stated = _BASE.search(comment)
    if stated is not None and "is not part of the bout" in comment:
        return int(stated[1]), False
    base, inclusive = request.base or 0, bool(request.inclusive)
    end = "is part" if inclusive else "is not part"
    collector.notes.append(f"the file states no convention: frames count from {base}, the last frame {end} of a bout")
    return base, inclusive


def _write(path: Path, annotation: Annotation, request: WriteRequest) -> tuple[str, ...]:
    texts, notes = texts_of(request.wanted(annotation))
    bouts = [bout for bout in annotation.bouts if bout.individual in texts]
    targets, _ = texts_of(dict.fromkeys([*texts, *(bout.target for bout in bouts if bout.target is not None)]))

    def rows() -> Iterator[list[object]]:
        yield list(COLUMNS)
        for bout in bouts:
            yield [
                harmless(texts[bout.individual]),
                harmless(bout.behavior),
                bout.start,
                bout.stop,
                "" if bout.target is None else harmless(targets[bout.target]),
                bout.origin.value,
                "" if bout.confidence is None else repr(bout.confidence),
                harmless(bout.note),
            ]

    with atomic_writer(path) as file:
        file.write(f"# {_COMMENT}\n".encode())
        file.write(csv_bytes(rows(), "\t" if path.suffix.lower() == ".tsv" else ","))
    return (*notes, *_not_held(annotation))


def _not_held(annotation: Annotation) -> list[str]:
    notes = ["assessed ranges and the description of behaviors are not part of the file"]
    shown = {bout.behavior for bout in annotation.bouts}
    if missing := len(annotation.ethogram) - len(shown):
        notes.append(f"{counted(missing, 'behavior')} without bouts left out")
    return notes


FORMAT = AnnotationFormat(
    "csv",
    "csv of bouts",
    (".csv", ".tsv"),
    _recognize,
    _read,
    _write,
    lost="assessed ranges, behaviors without bouts, keys, colors, descriptions, annotator",
)
