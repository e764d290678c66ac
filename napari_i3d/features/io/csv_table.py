"""Rows that were chosen, as a table for other programs."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import atomic_writer
from napari_i3d.errors import FeaturesError
from napari_i3d.features.table import Stack


def write_rows(
    path: str | Path, stack: Stack, rows: NDArray[np.integer], columns: Mapping[str, NDArray[np.generic]] | None = None
) -> None:
    """Write a line for each of some rows to a CSV file, with a line of headings.

    The columns are video, individual, frame (the video frame that the row stands for; of unpadded features the centre
    of its chunk, which ends in .5) and time_s (frame divided by frames a second; empty where that is not known).

    Parameters
    ----------
    path
        The file; it appears whole or not at all.
    stack
        All rows.
    rows : (n,) integers
        Numbers of those to write, in this order.
    columns
        More columns, by name: (N,), a value for each row of the stack.

    Raises
    ------
    FeaturesError
        A column that has not a value for each row.
    OutputError
        The file cannot be written.
    """
    more = dict(columns or {})
    for name, values in more.items():
        if values.shape != (len(stack),):
            raise FeaturesError(f"{name}: expected a value for each of {len(stack)} rows, found shape {values.shape}")
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(["video", "individual", "frame", "time_s", *more])
    for row in np.asarray(rows, np.int64).tolist():
        part, frame = stack.parts[stack.part_of_row[row]], float(stack.frames[row])
        time_s = f"{frame / part.fps:.6f}" if part.fps else ""
        own = [values[row].item() for values in more.values()]
        table.writerow([part.video, part.individual, repr(frame).removesuffix(".0"), time_s, *own])
    with atomic_writer(Path(path)) as file:
        file.write(text.getvalue().encode("utf-8", "surrogateescape"))
