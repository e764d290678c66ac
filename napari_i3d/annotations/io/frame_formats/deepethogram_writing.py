"""Write DeepEthogram's labels."""

import csv
import io
from pathlib import Path

import numpy as np

from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.format import WriteRequest
from napari_i3d.annotations.io.parsing.bouts_to_write import chosen_individuals, frames_to_write, lost_notes
from napari_i3d.errors import OutputError
from napari_i3d.individuals import format_id

BACKGROUND = "background"


def write(path: Path, annotation: Annotation, request: WriteRequest) -> tuple[str, ...]:
    """Write a row for each frame of the video; return notes."""
    individuals = chosen_individuals(annotation, request)
    n_frames = frames_to_write(annotation, request)
    names, tables = [], []
    for individual in individuals:
        tables.append(annotation.to_table(individual, 0, n_frames))
        suffix = f" ({format_id(individual)})" if len(individuals) > 1 else ""
        names += [f"{behavior}{suffix}" for behavior in annotation.ethogram]
    if BACKGROUND in names or len(set(names)) < len(names):
        raise OutputError(
            f"expected behaviors with different names, none of them {BACKGROUND}, which is a column of its own",
            hint="rename the behavior",
        )
    table = np.hstack(tables)
    # DeepEthogram takes a row as labelled if any of it is not -1.
    background = np.where((table == -1).all(axis=1), -1, ~(table == 1).any(axis=1))
    rows = np.column_stack([np.arange(n_frames), background, table])
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(["", BACKGROUND, *names])
    with atomic_writer(path) as file:
        file.write(header.getvalue().encode())
        np.savetxt(file, rows, fmt="%d", delimiter=",")
    notes = ["1 is shown, 0 is not, -1 was not assessed"]
    if len(individuals) > 1:
        notes.append("DeepEthogram labels videos, not individuals: each has columns of its own, with its name behind")
        partly = int(((table == -1).any(axis=1) & (background != -1)).sum())
        if partly:
            notes.append(
                f"{counted(partly, 'frame')} assessed of some individuals only: DeepEthogram shows the others as 0"
            )
    else:
        notes.append(f"DeepEthogram labels videos: the name of {format_id(individuals[0])} is not in the file")
    notes.append("the project must have these behaviors, in this order, after background")
    return (*notes, *lost_notes(annotation, individuals, joined=True))
