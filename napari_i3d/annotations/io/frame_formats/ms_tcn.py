"""Ground truth of MS-TCN, also read by ASFormer and others: text with one label a line, one line a frame.

A data set is a folder with ``groundTruth/{name}.txt`` for each sequence and ``mapping.txt``, which numbers the labels:
``0 background``. Every frame has exactly one label.
"""

import re
from pathlib import Path

import numpy as np

from napari_i3d.annotations.io.format import HEAD_BYTES, AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.frame_formats.background import is_background
from napari_i3d.annotations.io.frame_formats.ms_tcn_writing import FOLDER, MAPPING, read_mapping, write
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector
from napari_i3d.annotations.io.parsing.frame_labels import check_length, label_runs, video_of_labels, within
from napari_i3d.annotations.io.parsing.individual_names import individual_of_name
from napari_i3d.annotations.io.parsing.text_files import decode, read_bytes
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import format_id

_LABEL = re.compile(r"[^\s,;=:<>{}\[\]()\"'|#]{1,80}")
_MOST_LABELS = 1000
_LEAST_LINES = 3


def _recognize(path: Path, head: bytes) -> bool:
    if path.is_dir():
        return _in_folder(path) is not None
    if b"\x00" in head or path.suffix.lower() not in (".txt", ""):
        return False
    lines = decode(head)[0].splitlines()
    if len(head) >= HEAD_BYTES:
        lines = lines[:-1]
    # Labels repeat from line to line, and are not numbers.
    return (
        len(lines) >= _LEAST_LINES
        and all(map(_LABEL.fullmatch, lines))
        and any(map(str.isalpha, lines[0]))
        and len(set(lines)) <= len(lines) / 2
    )


def _in_folder(path: Path) -> Path | None:
    """Return the only file of labels in the folder of a data set."""
    try:
        inner = path / FOLDER if (path / FOLDER).is_dir() else path if path.name == FOLDER else None
        files = [] if inner is None else [file for file in inner.iterdir() if file.suffix == ".txt"]
    except OSError:
        return None
    return files[0] if len(files) == 1 else None


def _read(path: Path, request: ReadRequest) -> ReadResult:
    if path.is_dir():
        only = _in_folder(path)
        if only is None:
            raise AnnotationError(f"expected one file in {FOLDER}, found none or several", hint="name the file")
        path = only
    text, notes = decode(read_bytes(path))
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        del lines[-1]
    check_length(len(lines))
    labels = np.array([line.strip() for line in lines])
    if (blank := np.flatnonzero(labels == "")).size:
        raise AnnotationError(f"line {int(blank[0]) + 1}: expected a label, found an empty line")
    names = list(dict.fromkeys(labels.tolist()))
    if len(names) > _MOST_LABELS:
        raise AnnotationError(f"expected at most {_MOST_LABELS} different labels, found {len(names)}")
    listed = _mapped(path)
    if listed is not None and (unknown := [name for name in names if name not in listed]):
        line = lines.index(unknown[0]) + 1 if unknown[0] in lines else 1
        raise AnnotationError(
            f"line {line}: {format_id(unknown[0])} is not in {MAPPING}", hint="was the file copied completely?"
        )
    individual = individual_of_name(path.stem, request)
    video, more = video_of_labels(request, len(labels))
    collector = BoutCollector(request)
    collector.notes += [*notes, *more]
    for start, stop, name in label_runs(labels):
        if not is_background(name):
            collector.add(f"line {start + 1}", individual, name, start, stop)
    silent = [format_id(name) for name in names if is_background(name)]
    collector.notes += [f"frames of {', '.join(silent)} have no behavior"] if silent else []
    behaviors = [name for name in listed or names if not is_background(name)]
    assessed = within({individual: [(0, len(labels))]}, video)
    return collector.result(behaviors, [individual], assessed, video)


def _mapped(path: Path) -> list[str] | None:
    """Return the labels of the data set, of the file beside the labels or beside their folder."""
    for place in (path.parent.parent / MAPPING, path.parent / MAPPING):
        if place.is_file() and (place.parent == path.parent or path.parent.name == FOLDER):
            return list(read_mapping(place, AnnotationError))
    return None


FORMAT = AnnotationFormat(
    "ms-tcn",
    "MS-TCN ground truth",
    (),
    _recognize,
    _read,
    write,
    base="a line for each frame, from 0",
    ends="no ends",
    lost="which frames were not assessed, overlapping behaviors, targets, confidence, who labelled",
)
