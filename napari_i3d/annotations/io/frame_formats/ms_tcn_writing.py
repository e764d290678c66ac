"""Write ground truth of MS-TCN: a file for each individual, and the numbers of the labels."""

from pathlib import Path

import numpy as np

from napari_i3d._utils.files import atomic_writer, make_folder
from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.format import WriteRequest
from napari_i3d.annotations.io.frame_formats.background import BACKGROUND, is_background
from napari_i3d.annotations.io.parsing.bouts_to_write import (
    chosen_individuals,
    frames_to_write,
    lost_notes,
    not_assessed,
)
from napari_i3d.annotations.io.parsing.frame_labels import runs
from napari_i3d.annotations.io.parsing.individual_names import name_of_video, names_by_individual
from napari_i3d.annotations.io.parsing.text_files import decode, read_bytes
from napari_i3d.errors import AnnotationError, NapariI3DError, OutputError
from napari_i3d.individuals import Id, format_id

FOLDER, MAPPING = "groundTruth", "mapping.txt"


def write(path: Path, annotation: Annotation, request: WriteRequest) -> tuple[str, ...]:
    """Write a folder with ``groundTruth/{video}_{id}.txt`` and ``mapping.txt``; return notes."""
    individuals = chosen_individuals(annotation, request)
    n_frames = frames_to_write(annotation, request)
    labels = _labels(annotation)
    tables = {}
    for individual in individuals:
        tables[individual] = annotation.to_table(individual, 0, n_frames)
        _check_single(annotation, individual, tables[individual] == 1)
    names = names_by_individual(name_of_video(request), individuals)
    folder = make_folder(path / FOLDER)
    mapping = _mapping(path, labels)
    for individual, table in tables.items():
        shown = table == 1
        # Line n is the label of frame n: the background, or the behavior that is shown.
        numbers = (
            np.where(shown.any(axis=1), shown.argmax(axis=1) + 1, 0) if table.shape[1] else np.zeros(n_frames, int)
        )
        lines = np.array([BACKGROUND, *labels])[numbers].tolist()
        with atomic_writer(folder / f"{names[individual]}.txt") as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
    with atomic_writer(path / MAPPING) as file:
        file.write("".join(f"{number} {label}\n" for label, number in mapping.items()).encode())
    notes = [f"files in {FOLDER}: {', '.join(f'{name}.txt' for name in names.values())}"]
    changed = [f"{behavior} is {label}" for behavior, label in zip(annotation.ethogram, labels, strict=True)]
    changed = [text for text in changed if text.split(" is ")[0] != text.split(" is ")[-1]]
    if changed:
        notes.append(f"labels have no blanks: {', '.join(changed)}")
    missing = not_assessed(annotation, individuals, n_frames)
    if missing:
        notes.append(f"{counted(missing, 'frame')} not assessed became {BACKGROUND}: the format cannot tell them apart")
    return (*notes, *lost_notes(annotation, individuals, joined=True))


def _labels(annotation: Annotation) -> list[str]:
    labels = ["_".join(behavior.split()) for behavior in annotation.ethogram]
    wrong = next((label for label in labels if is_background(label)), None)
    if wrong is not None:
        raise OutputError(f"expected behaviors whose names do not say background, found {wrong!r}", hint="rename it")
    if len(set(labels)) < len(labels):
        raise OutputError("two behaviors would have the same label, since labels have no blanks", hint="rename one")
    return labels


def _check_single(
    annotation: Annotation, individual: Id, shown: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]"
) -> None:
    several = shown.sum(axis=1) > 1
    if not several.any():
        return
    start, stop = runs(several)[0]
    both = [name for name, own in zip(annotation.ethogram, shown[start].tolist(), strict=True) if own]
    raise OutputError(
        f"{format_id(individual)}: expected one behavior at a time, found {' and '.join(map(format_id, both))} in "
        f"frames {start} to {stop - 1}, and {counted(int(several.sum()), 'frame')} with several in all",
        hint="shorten or remove one of them, or choose a format that holds several, such as boris or deepethogram",
    )


def read_mapping(path: Path, error: type[NapariI3DError]) -> dict[str, int]:
    """Return the labels and their numbers.

    Raises
    ------
    NapariI3DError
        As an `error`: a line is no number and label, or two have the same.
    """
    try:
        lines = decode(read_bytes(path))[0].splitlines()
    except AnnotationError as damage:
        raise error(f"{MAPPING}: {damage.message.text}") from None
    mapping: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 2 or not (fields[0].isascii() and fields[0].isdigit() and len(fields[0]) < 10):
            raise error(f"{MAPPING}, line {number}: expected a number and a label, found {line[:60]!a}")
        if fields[1] in mapping or int(fields[0]) in mapping.values():
            raise error(f"{MAPPING}, line {number}: {line[:60]!a} repeats a number or label")
        mapping[fields[1]] = int(fields[0])
    return mapping


def _mapping(folder: Path, labels: list[str]) -> dict[str, int]:
    """Return the numbers of all labels; those of a data set that is continued stay."""
    place = folder / MAPPING
    mapping = read_mapping(place, OutputError) if place.exists() else {}
    for label in (BACKGROUND, *labels):
        mapping.setdefault(label, max(mapping.values(), default=-1) + 1)
    return mapping
