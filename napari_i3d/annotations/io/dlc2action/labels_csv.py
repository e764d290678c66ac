"""The csv that DLC2Action's annotation program writes beside its pickle: ``animal,action,start,end``.

Frames count from 0, and the frame ``end`` is not part of the interval. Ambiguous intervals look like all others.
"""

from pathlib import Path

from napari_i3d._utils.files import atomic_writer
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.dlc2action.labels_writing import names_of
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult, WriteRequest
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector
from napari_i3d.annotations.io.parsing.not_held import not_held
from napari_i3d.annotations.io.parsing.text_files import head_lines, header_names, parse_whole, read_table
from napari_i3d.annotations.io.parsing.written_text import csv_bytes, harmless, restored

_COLUMNS = ("animal", "action", "start", "end")


def _recognize(_path: Path, head: bytes) -> bool:
    names, _ = header_names(next(iter(head_lines(head)), ""))
    return tuple(names) == _COLUMNS


def _read(path: Path, request: ReadRequest) -> ReadResult:
    table = read_table(path)
    collector = BoutCollector(request)
    collector.notes += table.notes
    animal, action, start, end = (table.required(name) for name in _COLUMNS)
    for place, row in table.records():
        first, stop = parse_whole(row[start], place, "start"), parse_whole(row[end], place, "end")
        collector.add(place, restored(row[animal]) or None, restored(row[action]), first, stop)
    return collector.result()


def _write(path: Path, annotation: Annotation, request: WriteRequest) -> tuple[str, ...]:
    wanted = request.wanted(annotation)
    names, notes = names_of(wanted)
    # Sorted as by the program: individual, action, start.
    rows = [
        (harmless(names[one]), harmless(bout.behavior), bout.start, bout.stop)
        for one in wanted
        for bout in sorted(annotation.of(one), key=lambda bout: annotation.ethogram.index(bout.behavior))
    ]
    with atomic_writer(path) as file:
        file.write(csv_bytes([_COLUMNS, *rows]))
    return (*notes, *not_held(annotation, wanted, targets=True))


FORMAT = AnnotationFormat(
    "dlc2action-csv",
    "DLC2Action csv",
    (".csv",),
    _recognize,
    _read,
    _write,
    lost="assessed frames, behaviors without bouts, targets, origin, confidence, notes, keys, colors, descriptions",
)
