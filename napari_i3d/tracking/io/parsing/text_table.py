"""Read large tables of numbers from comma-separated text."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted, printable
from napari_i3d.errors import TrackingError

_MOST_COLUMNS = 100_000
_HEADER_BYTES = 8 << 20
_BLOCK_BYTES = 1 << 22
# The longest number that a program writes, with its comma, and room for text.
_BYTES_A_FIELD = 64
_FREE_BYTES = 1 << 12


def header_rows(text: bytes, count: int) -> list[list[str]]:
    """Return the fields of the first `count` lines of a file from its first bytes; fewer if there are no more whole."""
    lines = text.removeprefix(b"\xef\xbb\xbf").split(b"\n", count)[:-1]
    try:
        return list(csv.reader(io.StringIO(b"\n".join(lines).decode("utf-8", "replace"))))
    except csv.Error:
        return []


def read_header(path: Path, count: int) -> list[list[str]]:
    """Return the fields of the first `count` lines.

    Raises
    ------
    TrackingError
        The file has fewer lines, or more columns than any tracking.
    """
    with path.open("rb") as file:
        rows = header_rows(file.read(_HEADER_BYTES), count)
    if len(rows) < count:
        raise TrackingError(f"expected {counted(count, 'line')} of names, found {len(rows)}, or lines far too long")
    if max(map(len, rows)) > _MOST_COLUMNS:
        raise TrackingError(f"expected at most {_MOST_COLUMNS} columns, found {max(map(len, rows))}")
    return rows


def read_numbers(path: Path, skip: int, n_columns: int) -> NDArray[np.float64]:
    """Read numbers; empty fields become not-a-number.

    Parameters
    ----------
    path
        A file of comma-separated values.
    skip
        Lines before the first row.
    n_columns
        Numbers in each row.

    Returns
    -------
    ndarray
        Shape (rows, n_columns), float64.

    Raises
    ------
    TrackingError
        A field is not a number, a row has another number of fields, or the last line is cut off.
    """
    import pandas as pd

    _check_lines(path, n_columns)
    try:
        table = pd.read_csv(
            path,
            header=None,
            skiprows=skip,
            names=range(n_columns),
            index_col=False,
            dtype=np.float64,
            encoding="utf-8",
        )
    except (ValueError, OverflowError, MemoryError) as error:
        raise TrackingError(f"not a whole table of numbers ({_reason(error)})") from error
    numbers: NDArray[np.float64] = table.to_numpy(np.float64)
    return numbers


def _reason(error: Any) -> str:
    return printable(" ".join(str(error).split()), 120)


def _check_lines(path: Path, n_columns: int) -> None:
    """Reject lines far longer than their numbers, before they are split, and a last line with fewer fields."""
    longest = max(_BYTES_A_FIELD * n_columns, _FREE_BYTES)
    tail = b""
    with path.open("rb") as file:
        begun = 0
        while block := file.read(_BLOCK_BYTES):
            ends = np.flatnonzero(np.frombuffer(block, np.uint8) == 0x0A)
            lengths = np.diff(ends, prepend=-1 - begun)
            begun = len(block) - 1 - int(ends[-1]) if len(ends) else begun + len(block)
            if begun > longest or (len(lengths) and lengths.max() > longest):
                raise TrackingError(f"a line is longer than its {counted(n_columns, 'column')} of numbers can be")
            tail = (tail + block)[-longest - 2 :]
    last = tail.rstrip(b"\r\n").rpartition(b"\n")[2]
    if last.count(b",") < n_columns - 1:
        raise TrackingError(f"the last line has fewer than {n_columns} fields; was the file copied completely?")
