"""SimBA's ``targets_inserted`` and ``machine_results``: a table with one row a frame, of the whole video.

The first column numbers the frames. Points (``nose_x``, ``nose_y``, ``nose_p``, ...) and features follow, and at the
end a column of 0 and 1 for each classifier; the table does not say which these are. In machine results, a column
``Probability_Attack`` comes before ``Attack``.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.frame_formats.number_columns import header_of, read_columns, read_header
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector
from napari_i3d.annotations.io.parsing.frame_labels import (
    add_table,
    behaviors_of,
    check_length,
    video_of_labels,
    within,
)
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import format_id

_PROBABILITY = "Probability_"
# The last features that SimBA computes may be 0 and 1 too: Low_prob_detections_0.1, ...
_FEATURE = "_prob"
_MOST_CLASSIFIERS = 200


def _recognize(_path: Path, head: bytes) -> bool:
    names = [name.strip().lower() for name in header_of(head)]
    return len(names) > 4 and all(name.endswith(end) for name, end in zip(names[1:4], ("_x", "_y", "_p"), strict=True))


def _read(path: Path, request: ReadRequest) -> ReadResult:
    names = [name.strip() for name in read_header(path)]
    places = _candidates(names)
    if not places:
        raise AnnotationError("expected columns of classifiers at the end, found features only")
    numbers = read_columns(path, [0, *places])
    check_length(len(numbers))
    frames, numbers = numbers[:, 0], numbers[:, 1:]
    kept = _labels([names[place] for place in places], numbers)
    if not kept:
        last = names[places[-1]]
        wrong = numbers[~np.isin(numbers[:, -1], (0, 1)), -1]
        raise AnnotationError(
            f"expected columns of 0 and 1 for the classifiers at the end, found {wrong[0]:g} in {format_id(last)}"
        )
    behaviors = [names[places[place]] for place in kept]
    table = numbers[:, kept].astype(np.int8)
    individual = request.nobody
    video, notes = video_of_labels(request, len(table))
    collector = BoutCollector(request)
    collector.notes += [
        *notes,
        f"the last {counted(len(kept), 'column')} of 0 and 1 are taken for classifiers: "
        f"{', '.join(format_id(name) for name in behaviors)}",
        *_frame_notes(frames),
    ]
    for column, behavior in enumerate(behaviors):
        own = table[:, [column]]
        probability = f"{_PROBABILITY}{behavior}"
        if probability in names:
            sure = np.clip(numbers[:, [places.index(names.index(probability))]], 0, 1)
            if np.isnan(sure).any():
                raise AnnotationError(f"{format_id(probability)}: expected numbers in all frames, found an empty field")
            add_table(collector, None, own, [behavior], origin=Origin.AUTOMATED, confidence=sure)
        else:
            add_table(collector, None, own, [behavior])
    assessed = within({individual: [(0, len(table))]}, video)
    return collector.result(behaviors_of(table, behaviors), [individual], assessed, video)


def _candidates(names: list[str]) -> list[int]:
    """Return the places of the last columns that may be classifiers or their probabilities."""
    first = len(names)
    while first > 4 and len(names) - first < _MOST_CLASSIFIERS:
        name = names[first - 1]
        if not name.startswith(_PROBABILITY) and (_FEATURE in name.lower() or _is_point(name)):
            break
        first -= 1
    return list(range(first, len(names)))


def _is_point(name: str) -> bool:
    return name.lower().endswith(("_x", "_y", "_p"))


def _labels(names: list[str], numbers: NDArray[np.float64]) -> list[int]:
    """Return the places of the columns of 0 and 1 at the end, without those of probabilities."""
    binary: NDArray[np.bool_] = np.asarray(np.isin(numbers, (0, 1)).all(axis=0))
    kept: list[int] = []
    for place in range(len(names) - 1, -1, -1):
        if names[place].startswith(_PROBABILITY):
            continue
        if not binary[place]:
            break
        kept.insert(0, place)
    return kept


def _frame_notes(frames: NDArray[np.float64]) -> list[str]:
    if np.array_equal(frames, np.arange(len(frames))):
        return []
    return ["the first column does not number the frames from 0: the rows do"]


FORMAT = AnnotationFormat(
    "simba",
    "SimBA targets csv",
    (".csv",),
    _recognize,
    _read,
    base="a row for each frame, from 0",
    ends="no ends",
)
