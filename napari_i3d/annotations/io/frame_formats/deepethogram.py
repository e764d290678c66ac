"""DeepEthogram's labels: a table with one row a frame and one column a behavior, of the whole video.

The first column numbers the frames from 0, the second is ``background``. 1 is shown, 0 is not, -1 is not labelled.
DeepEthogram writes its predictions to a table of the same form, in a file whose name ends in ``_predictions``.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.frame_formats.deepethogram_writing import BACKGROUND, write
from napari_i3d.annotations.io.frame_formats.number_columns import header_of, read_columns, read_header
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector
from napari_i3d.annotations.io.parsing.frame_labels import (
    UNKNOWN,
    add_table,
    assessed_of_table,
    behaviors_of,
    check_length,
    video_of_labels,
    within,
)
from napari_i3d.annotations.io.parsing.judged_frames import partly_notes
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import format_id

_PREDICTIONS = "_predictions"


def _recognize(_path: Path, head: bytes) -> bool:
    names = header_of(head)
    return len(names) > 1 and names[0].strip() == "" and names[1].strip() == BACKGROUND


def _read(path: Path, request: ReadRequest) -> ReadResult:
    names = [name.strip() for name in read_header(path)]
    if names[1:2] != [BACKGROUND]:
        raise AnnotationError(f"expected a second column {BACKGROUND}, found {', '.join(names[:3])[:60]!a}")
    twice = next((name for name in names[1:] if names.count(name) > 1), None)
    if twice is not None:
        raise AnnotationError(f"two columns are called {format_id(twice)}")
    numbers = read_columns(path, range(len(names)))
    check_length(len(numbers))
    _check_frames(numbers[:, 0])
    table = _table(numbers[:, 1:], names[1:])
    labels, background = table[:, 1:], table[:, 0]
    # Background alone says that no behavior is shown.
    labels[(background == 1) & (labels == UNKNOWN).all(axis=1)] = 0
    ranges, n_partly = assessed_of_table(labels if names[2:] else table)
    individual = request.nobody
    video, notes = video_of_labels(request, len(table))
    collector = BoutCollector(request)
    collector.notes += [
        *notes,
        *_conflicts(labels, background),
        *partly_notes(individual, n_partly),
    ]
    predicted = path.stem.endswith(_PREDICTIONS)
    if predicted:
        collector.notes.append("predictions, by the name of the file")
    add_table(collector, None, labels, names[2:], origin=Origin.AUTOMATED if predicted else Origin.MANUAL)
    return collector.result(behaviors_of(labels, names[2:]), [individual], within({individual: ranges}, video), video)


def _check_frames(numbers: NDArray[np.float64]) -> None:
    wrong = np.flatnonzero(numbers != np.arange(len(numbers)))
    if len(wrong):
        row = int(wrong[0])
        raise AnnotationError(
            f"row {row + 2}: expected frame {row} in the first column, found {numbers[row]:g}; is a row missing?"
        )


def _table(numbers: NDArray[np.float64], names: list[str]) -> NDArray[np.int8]:
    wrong = ~np.isin(numbers, (-1, 0, 1))
    if wrong.any():
        frame, column = (int(places[0]) for places in np.nonzero(wrong))
        raise AnnotationError(
            f"{format_id(names[column])}, frame {frame}: expected 1, 0 or -1, found {numbers[frame, column]:g}",
            hint="was the file copied completely?" if frame == len(numbers) - 1 else "correct it",
        )
    return numbers.astype(np.int8)


def _conflicts(labels: NDArray[np.int8], background: NDArray[np.int8]) -> list[str]:
    both = int(((background == 1) & (labels == 1).any(axis=1)).sum())
    return [f"{counted(both, 'frame')} of background with a behavior: read as the behavior"] if both else []


FORMAT = AnnotationFormat(
    "deepethogram",
    "DeepEthogram labels csv",
    (".csv",),
    _recognize,
    _read,
    write,
    base="a row for each frame, from 0",
    ends="no ends",
    lost="individuals, targets, confidence, who labelled",
)
