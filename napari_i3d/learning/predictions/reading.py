"""Read what other programs predict for a data set, as annotations of its videos."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted, format_path
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.dlc2action.predictions import read_probabilities
from napari_i3d.annotations.io.frame_formats.background import is_background
from napari_i3d.annotations.io.frame_formats.ms_tcn_predictions import read_labels
from napari_i3d.annotations.io.frame_formats.number_columns import read_columns, read_header
from napari_i3d.annotations.io.reading import naming
from napari_i3d.errors import AnnotationError, SettingsError
from napari_i3d.individuals import format_id
from napari_i3d.learning.datasets.description import Dataset, read_dataset
from napari_i3d.learning.datasets.lightning_action import FILLER
from napari_i3d.learning.datasets.programs import PROGRAMS
from napari_i3d.learning.predictions.detection_results import read_detections
from napari_i3d.learning.predictions.row_bouts import RowPrediction, annotations_of, resolve

LEAST_SCORE = 0.3
"""Detections of a lower score are left out, unless another is chosen."""
_LISTED = 5
# Rows of filler at the end of a clip: a sequence and a margin at most.
_MOST_FILLER = 1000
_THRESHOLD = 0.5


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of another program.

    Attributes
    ----------
    annotations
        {video: bouts of origin "automated"}; only frames that the program predicted are assessed.
    notes
        How many clips of which splits there are, and what was left out.
    """

    annotations: Mapping[str, Annotation]
    notes: tuple[str, ...]


def read_predictions(
    path: str | os.PathLike[str], dataset: str | os.PathLike[str], *, least_score: float = LEAST_SCORE
) -> Predictions:
    """Read the predictions of the program that a data set was made for, back to the frames of its videos.

    Parameters
    ----------
    path
        What the program wrote: of DLC2Action, MS-TCN, ASFormer and lightning-action the folder of files, or one of
        them; of ActionFormer ``eval_results.pkl``, of OpenTAD ``result_detection.json``. Nothing in it is run.
    dataset
        The folder that `export_dataset` made.
    least_score
        Detections of ActionFormer and OpenTAD of a lower score are left out.

    Raises
    ------
    AnnotationError
        A file cannot be read, has another number of rows than its clip, or is of no clip of the data set.
    SettingsError
        The score is not from 0 to 1.
    """
    path = Path(path)
    if not 0 < least_score <= 1:
        raise SettingsError(f"least_score: expected above 0 to 1, found {least_score:g}")
    known = read_dataset(dataset)
    if known.program not in PROGRAMS:
        raise AnnotationError(f"expected a data set for {', '.join(PROGRAMS)}, found one for {known.program[:40]!a}")
    title = PROGRAMS[known.program].title
    notes = []
    if known.program in _OF_A_CLIP:
        pattern, read = _OF_A_CLIP[known.program]
        found = {}
        for name, file in _files(path, known, pattern).items():
            with naming(file.name, title):
                found[name] = read(file, known, known.clips[name].rows)
    else:
        found = _detected(path, known, title, least_score)
        notes.append(f"detections of a score under {least_score:g} are left out")
    splits = sorted({known.clips[name].split for name in found})
    counts = ", ".join(
        f"{sum(known.clips[name].split == split for name in found)} that split {split} holds back" for split in splits
    )
    notes.insert(0, f"{counted(len(found), 'clip')} of {title}: {counts}")
    missing = sum(int((~one.known).sum()) for one in found.values())
    if missing:
        notes.append(f"{counted(missing, 'row')} without a prediction count as not assessed")
    return Predictions(MappingProxyType(annotations_of(known, found, title)), tuple(notes))


def _files(path: Path, dataset: Dataset, ending: str) -> dict[str, Path]:
    """Return the file of each clip; names of files begin with that of the clip and all end in the same way."""
    try:
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    except OSError as error:
        raise AnnotationError(f"{format_path(path)}: cannot be read ({error.strerror or error})") from error
    files = [file for file in files if file.name.endswith(ending)]
    rests = {
        file: {file.name[len(name) :]: name for name in dataset.clips if file.name.startswith(name)} for file in files
    }
    rests = {file: own for file, own in rests.items() if own}
    # A name may begin with another, but the rest is the same of all files.
    common = [rest for rest in next(iter(rests.values()), {}) if all(rest in own for own in rests.values())]
    if not ending:
        # ASFormer draws pictures beside them, with names that begin alike.
        rests = {file: {"": file.name} for file in rests if file.name in dataset.clips}
        common = [""] if rests else []
    if len(common) != 1:
        listed = ", ".join(list(dataset.clips)[:_LISTED])
        raise AnnotationError(
            f"{format_path(path)}: expected files that are called like clips of the data set ({listed}, ...) and end "
            f"alike, found {counted(len(rests), 'such file')}",
            "name the folder of one prediction",
        )
    found: dict[str, Path] = {}
    for file, own in rests.items():
        name = own[common[0]]
        if name in found:
            raise AnnotationError(f"{format_path(path)}: expected one file of clip {name}, found several")
        found[name] = file
    return found


def _columns(dataset: Dataset, names: list[str]) -> list[tuple[int, int]]:
    """Return the places of classes, and of the behaviors that they are; background and filler have none."""
    behaviors = {"_".join(name.split()): at for at, name in enumerate(dataset.ethogram)}
    behaviors |= {name: at for at, name in enumerate(dataset.ethogram)}
    unknown = [name for name in names if name not in behaviors and not is_background(name) and name != FILLER]
    if unknown:
        raise AnnotationError(
            f"expected behaviors of the data set ({', '.join(map(format_id, dataset.ethogram))}), found "
            f"{format_id(unknown[0])}"
        )
    return [(place, behaviors[name]) for place, name in enumerate(names) if name in behaviors]


def _check_rows(found: int, rows: int) -> None:
    if found != rows:
        raise AnnotationError(
            f"expected predictions of the {counted(rows, 'row')} of the clip, found {found:,}",
            "are they of this data set?",
        )


def _read_text(path: Path, dataset: Dataset, rows: int) -> RowPrediction:
    labels = np.array(read_labels(path))
    _check_rows(len(labels), rows)
    names = list(dict.fromkeys(labels.tolist()))
    shown = np.zeros((rows, len(dataset.ethogram)), np.bool_)
    for place, behavior in _columns(dataset, names):
        shown[:, behavior] = labels == names[place]
    return RowPrediction(shown, np.ones(rows, np.bool_))


def _read_pickle(path: Path, dataset: Dataset, rows: int) -> RowPrediction:
    individuals, names = read_probabilities(path)
    if len(individuals) != 1:
        raise AnnotationError(f"expected predictions of the one individual of a clip, found {len(individuals)}")
    ((first, one),) = individuals.values()
    _check_rows(one.table.shape[1], rows)
    if first:
        raise AnnotationError(f"expected the first row of the clip, found row {first}")
    shown = np.zeros((rows, len(dataset.ethogram)), np.bool_)
    confidence = np.zeros(shown.shape, np.float32)
    for place, behavior in _columns(dataset, names):
        shown[:, behavior], confidence[:, behavior] = one.shown[place], one.table[place]
    return RowPrediction(shown, one.known, confidence)


def _read_csv(path: Path, dataset: Dataset, rows: int) -> RowPrediction:
    names = read_header(path)[1:]
    table = read_columns(path, range(1, len(names) + 1))
    if not rows <= len(table) <= rows + _MOST_FILLER:
        _check_rows(len(table), rows)
    table = table[:rows]
    known: NDArray[np.bool_] = np.asarray(np.isfinite(table).all(axis=1))
    table = np.where(known[:, None], table, 0)
    if (table < 0).any() or (table > 1 + 1e-6).any():
        raise AnnotationError("expected probabilities from 0 to 1, found others")
    places = [place for place, name in enumerate(names) if name != FILLER]
    if not places:
        raise AnnotationError("expected classes, found none")
    best = np.array(places)[table[:, places].argmax(axis=1)]
    shown = np.zeros((rows, len(dataset.ethogram)), np.bool_)
    confidence = np.zeros(shown.shape, np.float32)
    for place, behavior in _columns(dataset, names):
        shown[:, behavior], confidence[:, behavior] = best == place, table[:, place]
    return RowPrediction(shown, known, confidence)


_OF_A_CLIP: Mapping[str, tuple[str, Callable[[Path, Dataset, int], RowPrediction]]] = MappingProxyType(
    {
        "dlc2action": ("_prediction.pickle", _read_pickle),
        "ms-tcn": ("", _read_text),
        "asformer": ("", _read_text),
        "lightning-action": ("_predictions.csv", _read_csv),
    }
)


def _detected(path: Path, dataset: Dataset, title: str, least_score: float) -> dict[str, RowPrediction]:
    with naming(path.name, title):
        detections = read_detections(path, dataset.program)
        unknown = next((name for name in detections if name not in dataset.clips), None)
        if unknown is not None:
            raise AnnotationError(
                f"expected clips of the data set, found {format_id(unknown)}", "are they of this data set?"
            )
        numbers = {name: at for at, name in enumerate(dataset.ethogram)}
        exclusive = np.array([one.exclusive for one in dataset.ethogram.behaviors])
        found = {}
        for name, own in detections.items():
            rows = dataset.clips[name].rows
            placed = []
            for start, stop, label, score in own:
                behavior = (
                    dataset.numbered[label] if isinstance(label, int) and label < len(dataset.numbered) else label
                )
                if behavior not in numbers:
                    raise AnnotationError(f"expected behaviors of the data set, found {format_id(str(behavior))}")
                if stop > rows + 1:
                    _check_rows(int(stop), rows)
                placed.append((start, stop, numbers[str(behavior)], score))
            found[name] = resolve(placed, rows, exclusive, least_score)
        # Clips in which nothing was detected are not in the file.
        splits = {dataset.clips[name].split for name in found}
        for name, clip in dataset.clips.items():
            if clip.split in splits and name not in found:
                found[name] = resolve([], clip.rows, exclusive, least_score)
    return found
