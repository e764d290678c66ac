"""DeepEthogram's outputs: probabilities of behaviors frame by frame, in HDF5, of one or several of its models.

Each group is of a model: ``P`` (frames, behaviors), ``thresholds`` (behaviors,), ``class_names``, the first of them
``background``. A behavior is shown if its probability is above the threshold.
"""

from pathlib import Path

import numpy as np

from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.frame_formats.deepethogram_writing import BACKGROUND
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
from napari_i3d.safe_loading.hdf5 import Hdf5File, matches_hdf5, open_hdf5

_FIELDS = ("P", "thresholds", "class_names")
# Only the model of single frames keeps its features; the model of sequences, which comes after it, is better.
_SINGLE_FRAMES = "spatial_features"


def _groups(file: Hdf5File) -> list[str]:
    return [name for name in file.names() if all(f"{name}/{field}" in file for field in _FIELDS)]


def _recognize(path: Path, head: bytes) -> bool:
    return matches_hdf5(path, head, _groups)


def _read(path: Path, request: ReadRequest) -> ReadResult:
    with open_hdf5(path, AnnotationError) as file:
        groups = _groups(file)
        if not groups:
            raise AnnotationError(f"expected a group with {', '.join(_FIELDS)}, found none")
        sequences = [name for name in groups if f"{name}/{_SINGLE_FRAMES}" not in file]
        chosen = (sequences or groups)[-1]
        probabilities = file.read(f"{chosen}/P")
        thresholds = file.read(f"{chosen}/thresholds").ravel()
        names = file.texts(f"{chosen}/class_names")
    n_names = len(names)
    if probabilities.ndim != 2 or probabilities.shape[1] != n_names or thresholds.shape != (n_names,):
        raise AnnotationError(
            f"expected P and thresholds of {n_names} behaviors, found shapes {probabilities.shape}, {thresholds.shape}"
        )
    check_length(len(probabilities))
    if not ((probabilities >= 0) & (probabilities <= 1 + 1e-6)).all() or not np.isfinite(thresholds).all():
        raise AnnotationError("expected probabilities from 0 to 1, found others")
    kept = [place for place, name in enumerate(names) if name != BACKGROUND]
    behaviors = [names[place].strip() for place in kept]
    sure = np.minimum(probabilities[:, kept], 1)
    table = (sure > thresholds[kept]).astype(np.int8)
    individual = request.nobody
    video, notes = video_of_labels(request, len(table))
    collector = BoutCollector(request)
    collector.notes += [
        *notes,
        f"predictions of {format_id(chosen)}, above its thresholds; bouts too short for DeepEthogram are kept",
    ]
    if len(groups) > 1:
        collector.notes.append(f"the file also has {', '.join(format_id(one) for one in groups if one != chosen)}")
    add_table(collector, None, table, behaviors, origin=Origin.AUTOMATED, confidence=sure)
    assessed = within({individual: [(0, len(table))]}, video)
    return collector.result(behaviors_of(table, behaviors), [individual], assessed, video)


FORMAT = AnnotationFormat(
    "deepethogram-outputs",
    "DeepEthogram outputs h5",
    (".h5",),
    _recognize,
    _read,
    base="a row for each frame, from 0",
    ends="no ends",
)
