"""Read columns of numbers from comma-separated text, one row a frame."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import printable
from napari_i3d.annotations.io.parsing.text_files import decode
from napari_i3d.errors import AnnotationError

_MOST_COLUMNS = 100_000
_HEADER_BYTES = 8 << 20
_MOST_BYTES = 8 << 30


def header_of(head: bytes) -> list[str]:
    """Return the names in the first line of a file, from its first bytes; empty if these are no text."""
    line = head.split(b"\n", 1)[0]
    if b"\x00" in line:
        return []
    try:
        return next(csv.reader([decode(line)[0].rstrip("\r")]), [])
    except csv.Error:
        return []


def read_header(path: Path) -> list[str]:
    """Return the names in the first line.

    Raises
    ------
    AnnotationError
        The file cannot be read, is far too large, or its first line is no line of names.
    """
    try:
        with path.open("rb") as file:
            names = header_of(file.read(_HEADER_BYTES))
        size = path.stat().st_size
    except OSError as error:
        raise AnnotationError(f"cannot be read ({error.strerror or error})") from error
    if not 0 < len(names) <= _MOST_COLUMNS or size > _MOST_BYTES:
        raise AnnotationError(f"expected a first line with the names of 1 to {_MOST_COLUMNS} columns, found none")
    return names


def read_columns(path: Path, places: Sequence[int]) -> NDArray[np.float64]:
    """Read some columns below the first line, shape (rows, columns); empty and missing fields are not-a-number.

    Raises
    ------
    AnnotationError
        The file cannot be read, or a field is not a number.
    """
    import pandas as pd

    try:
        table = pd.read_csv(
            path,
            header=None,
            skiprows=1,
            usecols=sorted(places),
            index_col=False,
            dtype=np.float64,
            encoding="latin-1",  # names are read apart, and numbers are the same in any encoding
        )
    except pd.errors.EmptyDataError:
        return np.empty((0, len(places)))
    except OSError as error:
        raise AnnotationError(f"cannot be read ({error.strerror or error})") from error
    except (ValueError, OverflowError, MemoryError) as error:
        reason = printable(" ".join(str(error).split()), 120)
        raise AnnotationError(f"expected rows of numbers, found something else ({reason})") from error
    return np.asarray(table[list(places)].to_numpy(np.float64))
