"""Predictions of MS-TCN and ASFormer: a heading, and below it one label for each row of features, apart by blanks."""

from pathlib import Path

import numpy as np

from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.frame_formats.background import is_background
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector
from napari_i3d.annotations.io.parsing.frame_labels import check_length, label_runs, video_of_labels, within
from napari_i3d.annotations.io.parsing.individual_names import individual_of_name
from napari_i3d.annotations.io.parsing.text_files import decode, read_bytes
from napari_i3d.errors import AnnotationError

_HEADING = "### frame level recognition: ###"
_MOST_LABELS = 1000


def _recognize(_path: Path, head: bytes) -> bool:
    return head.lstrip().lower().startswith(_HEADING.encode())


def read_labels(path: Path) -> list[str]:
    """Return the label of each row of features.

    Raises
    ------
    AnnotationError
        The file cannot be read or is no such file.
    """
    heading, _, text = decode(read_bytes(path))[0].lstrip().partition("\n")
    labels = text.split()
    if heading.strip().lower() != _HEADING or not labels:
        raise AnnotationError("expected the heading of a recognition by frames and labels below it, found others")
    check_length(len(labels))
    if len(set(labels)) > _MOST_LABELS:
        raise AnnotationError(f"expected at most {_MOST_LABELS} different labels, found {len(set(labels))}")
    return labels


def _read(path: Path, request: ReadRequest) -> ReadResult:
    labels = read_labels(path)
    individual = individual_of_name(path.name.partition(".")[0], request)
    video, notes = video_of_labels(request, len(labels))
    collector = BoutCollector(request)
    collector.notes += [
        *notes,
        "bouts are predictions (automated) of rows of features, of which the first counts as frame 0: of a data set, "
        "only its folder says which frames they are",
    ]
    for start, stop, name in label_runs(np.array(labels)):
        if not is_background(name):
            collector.add(f"label {start + 1}", individual, name, start, stop, origin=Origin.AUTOMATED)
    behaviors = [name for name in dict.fromkeys(labels) if not is_background(name)]
    assessed = within({individual: [(0, len(labels))]}, video)
    return collector.result(behaviors, [individual], assessed, video)


FORMAT = AnnotationFormat(
    "ms-tcn-predictions",
    "MS-TCN predictions",
    (),
    _recognize,
    _read,
    base="a label for each row, from 0",
    ends="no ends",
)
