"""Write JABS' labels."""

import json
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.frame_ranges import Ranges, merge_ranges
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.format import WriteRequest
from napari_i3d.annotations.io.parsing.bouts_to_write import chosen_individuals, frames_to_write, lost_notes
from napari_i3d.errors import OutputError
from napari_i3d.individuals import Id, format_id

NOTHING = "None"
"""JABS' name for frames that show none of several behaviors."""
_VERSION = 1


def write(path: Path, annotation: Annotation, request: WriteRequest) -> tuple[str, ...]:
    """Write the ranges in which each behavior is shown, and is not shown; return notes."""
    individuals = chosen_individuals(annotation, request)
    n_frames = frames_to_write(annotation, request)
    if not request.video.name:
        raise OutputError("JABS's labels name their video, which is not known", hint="give {video}")
    if NOTHING in annotation.ethogram:
        raise OutputError(f"{NOTHING!r} is what JABS calls frames without a behavior", hint="rename the behavior")
    identities, notes = _identities(individuals)
    labels = {identities[individual]: _labels(annotation, individual) for individual in individuals}
    content = {
        "version": _VERSION,
        "file": request.video.name,
        "num_frames": n_frames,
        "labels": labels,
        "unfragmented_labels": labels,
        "metadata": {"project": {}, "video": {}},
    }
    with atomic_writer(path) as file:
        file.write(json.dumps(content, indent=1, ensure_ascii=False).encode())
    notes.append(f"JABS reads it as jabs/annotations/{request.video.stem}.json of a project with these behaviors")
    return (*notes, *lost_notes(annotation, individuals, joined=True))


def _identities(individuals: list[Id]) -> tuple[dict[Id, str], list[str]]:
    """Return JABS' identities, which are whole numbers from 0."""
    texts = {individual: str(individual) for individual in individuals}
    if len(individuals) == 1 and not _is_identity(texts[individuals[0]]):
        return {individuals[0]: "0"}, [f"{format_id(individuals[0])} is identity 0"]
    wrong = next((one for one, text in texts.items() if not _is_identity(text)), None)
    if wrong is not None or len(set(texts.values())) < len(texts):
        raise OutputError(
            f"expected different individuals that are numbers from 0, as in JABS' pose file, found "
            f"{format_id(individuals[0] if wrong is None else wrong)}",
            hint="rename them to the numbers of JABS' identities",
        )
    return texts, []


def _is_identity(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and str(int(text)) == text


def _labels(annotation: Annotation, individual: Id) -> dict[str, list[dict[str, Any]]]:
    labels = {}
    assessed = annotation.assessed.get(individual, ())
    for behavior in annotation.ethogram:
        shown = merge_ranges((bout.start, bout.stop) for bout in annotation.of(individual) if bout.behavior == behavior)
        absent = without(assessed, shown)
        blocks = [(start, stop, True) for start, stop in shown] + [(start, stop, False) for start, stop in absent]
        if blocks:
            labels[behavior] = [
                {"start": start, "end": stop - 1, "present": present} for start, stop, present in sorted(blocks)
            ]
    return labels


def without(ranges: Ranges, removed: Ranges) -> Ranges:
    """Return the frames of ranges that others do not have."""
    found, at = [], 0
    for start, stop in ranges:
        while at < len(removed) and removed[at][1] <= start:
            at += 1
        begin, here = start, at
        while here < len(removed) and removed[here][0] < stop:
            if begin < removed[here][0]:
                found.append((begin, removed[here][0]))
            begin = max(begin, removed[here][1])
            here += 1
        if begin < stop:
            found.append((begin, stop))
    return tuple(found)
