"""Read comma-separated files through pandas, with errors of our own."""

import contextlib
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_i3d._utils.text import format_path
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.format import HEAD_BYTES

CHUNK_ROWS = 50_000
"""Rows of text held at a time: as Python objects they take ten times the size of the file."""
MAX_COLUMNS = 1000


@contextlib.contextmanager
def readable_file(path: Path) -> Iterator[None]:
    """Turn the errors of opening and parsing a file in the block into a TrackingError."""
    try:
        yield
    except FileNotFoundError:
        raise TrackingError(f"no such file in {format_path(path.parent)}") from None
    except UnicodeError as error:
        raise TrackingError(f"expected text in UTF-8, found other bytes ({error})") from error
    except OSError as error:
        raise TrackingError(f"cannot be read ({error.strerror or error})") from error


def first_line(head: bytes) -> str:
    """Return the first line of a file from its first bytes; empty if it does not end within them or is no text."""
    line, end, _ = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    if not end and len(head) >= HEAD_BYTES:
        return ""
    try:
        return line.decode().rstrip("\r")
    except UnicodeDecodeError:
        return ""


def header_of(head: bytes) -> list[str]:
    """Return the column names in the first line of a csv file, without blanks; empty if there is none."""
    try:
        row = next(csv.reader([first_line(head)]), [])
    except csv.Error:
        return []
    return [name.strip() for name in row]


def read_head(path: Path) -> bytes:
    """Return the first `HEAD_BYTES` of a file."""
    with readable_file(path), path.open("rb") as file:
        return file.read(HEAD_BYTES)


def require_whole_end(path: Path, *, ended: bool = False) -> None:
    """Reject a file with a truncated last line: a number in it may be truncated too.

    Parameters
    ----------
    path
        The file.
    ended
        Whether the program ends the last line, so that one without an end is cut off.

    Raises
    ------
    TrackingError
        The last line has no end and fewer fields than the first, or `ended`.
    """
    first = first_line(read_head(path))
    with readable_file(path), path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - HEAD_BYTES))
        end = file.read()
    last = end.rpartition(b"\n")[2].decode("utf-8", "replace")
    if last.strip() and (ended or _n_fields(last) < _n_fields(first)):
        raise TrackingError("the last line is cut off; was the file copied completely?")


def _n_fields(line: str) -> int:
    return line.count(",") + 1 if "," in line else len(line.split())


def read_chunks(path: Path, **how: Any) -> Iterator[Any]:
    """Yield the rows of a csv file as data frames of at most `CHUNK_ROWS` rows.

    Parameters
    ----------
    path
        The file.
    how
        Arguments of `pandas.read_csv`.

    Raises
    ------
    TrackingError
        The file cannot be read, has lines longer than any of its kind, or a field that is not of the type asked for.
    """
    import pandas as pd

    head = read_head(path)
    line = first_line(head)
    if head and (not line or line.count(",") >= MAX_COLUMNS):
        raise TrackingError(f"expected lines of text with at most {MAX_COLUMNS} columns, found other content")
    with readable_file(path):
        try:
            with pd.read_csv(path, chunksize=CHUNK_ROWS, encoding="utf-8", **how) as reader:
                yield from reader
        except pd.errors.EmptyDataError:
            raise TrackingError("the file is empty") from None
        except UnicodeError:
            raise
        except (pd.errors.ParserError, ValueError, OverflowError) as error:
            reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else "no reason given"
            raise TrackingError(f"expected rows of a table, found something else ({reason})") from error
