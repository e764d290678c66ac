"""Selected rows as CSV, for other programs."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import atomic_writer
from napari_i3d.errors import FeaturesError
from napari_i3d.features.table import FeatureTable


def write_rows(
    path: str | Path,
    table: FeatureTable,
    rows: NDArray[np.integer],
    columns: Mapping[str, NDArray[np.generic]] | None = None,
) -> None:
    """Write selected rows of a table to a CSV file, a line each, with a header.

    The columns are video, individual, frame (the video frame of the row; the center of its chunk, ending in .5, if
    unpadded) and time_s (frame divided by frame rate; empty if that is unknown).

    Parameters
    ----------
    path
        The file, written atomically.
    table
        All rows.
    rows : (n,) integers
        Numbers of the rows to write, in this order.
    columns
        More columns by name: (N,), a value for each row of the table.

    Raises
    ------
    FeaturesError
        A column that does not have a value for each row.
    OutputError
        The file cannot be written.
    """
    more = dict(columns or {})
    for name, values in more.items():
        if values.shape != (len(table),):
            raise FeaturesError(f"{name}: expected a value for each of {len(table)} rows, found shape {values.shape}")
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["video", "individual", "frame", "time_s", *more])
    for row in np.asarray(rows, np.int64).tolist():
        sequence, frame = table.sequences[table.sequence_of_row[row]], float(table.frames[row])
        time_s = f"{frame / sequence.fps:.6f}" if sequence.fps else ""
        own = [values[row].item() for values in more.values()]
        writer.writerow([sequence.video, sequence.individual, repr(frame).removesuffix(".0"), time_s, *own])
    with atomic_writer(Path(path)) as file:
        file.write(text.getvalue().encode("utf-8", "surrogateescape"))
