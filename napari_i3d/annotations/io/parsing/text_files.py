"""Read text and tables of text from strangers: any usual encoding, separator and decimal sign, within limits."""

import csv
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from napari_i3d._utils.text import counted, format_path, printable
from napari_i3d.annotations.io.format import HEAD_BYTES
from napari_i3d.errors import AnnotationError

MAX_BYTES = 512 << 20
MAX_ROWS = 2_000_000
MAX_COLUMNS = 2000
_SEPARATORS = ",;\t"
_HEADER_LINES = 100
_SINGLE_BYTE = "cp1252"


def read_bytes(path: Path) -> bytes:
    """Return the content of a file.

    Raises
    ------
    AnnotationError
        It cannot be read, or is larger than any annotation.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise AnnotationError(f"no such file in {format_path(path.parent)}") from None
    except OSError as error:
        raise AnnotationError(f"cannot be read ({error.strerror or error})") from error
    if len(data) > MAX_BYTES:
        raise AnnotationError(f"expected a file of at most {MAX_BYTES >> 20} MiB, found a larger one")
    return data


def decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Return text without the mark of its encoding, and a note if it is not in UTF-8.

    Text with the mark of UTF-16 is read as that, other text that is not UTF-8 as Windows-1252.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16").removeprefix("\ufeff"), ()
        except UnicodeDecodeError:
            return data.decode("utf-16", "replace").removeprefix("\ufeff"), ("the text is damaged UTF-16",)
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        return data.decode(_SINGLE_BYTE, "replace"), (
            "the text is not in UTF-8 and was read as Windows-1252; check names",
        )


def head_lines(head: bytes) -> list[str]:
    """Return the whole lines of the beginning of a file; none if it is no text."""
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return []
    text, _ = decode(head)
    lines = text.splitlines()
    return lines[:-1] if len(head) >= HEAD_BYTES else lines


def header_names(line: str) -> tuple[list[str], str]:
    """Return the column names of a header in small letters, and the separator between them."""
    separator = max(_SEPARATORS, key=line.count)
    try:
        row = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return [], separator
    return [name.strip().lower() for name in row], separator


def header_place(lines: list[str], is_header: Callable[[list[str]], bool]) -> int | None:
    """Return the place of the header among the first lines; None if there is none."""
    return next((place for place, line in enumerate(lines[:_HEADER_LINES]) if is_header(header_names(line)[0])), None)


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes
    ----------
    names
        The column names in small letters, without blanks around them.
    rows
        The fields of each row, as many as names: missing ones are empty.
    lines
        The line or row of the file of each row, from 1.
    comments
        Lines before the header that begin with ``#``, without that.
    notes
        Notes for the user.
    titles
        The column names as they are written.
    """

    names: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    comments: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in reversed(list(enumerate(self.names)))}

    def column(self, *names: str) -> int | None:
        """Return the position of the first of the names that is a column; None if none is."""
        return next((self._places[name] for name in names if name in self._places), None)

    def required(self, *names: str) -> int:
        """Return the position of the first of the names that is a column.

        Raises
        ------
        AnnotationError
            None is a column.
        """
        found = self.column(*names)
        if found is None:
            raise AnnotationError(
                f"expected a column {' or '.join(names)}, found {printable(', '.join(self.names), 200) or 'none'}"
            )
        return found

    def records(self) -> Iterator[tuple[str, list[str]]]:
        """Yield where each row is, for messages, and its fields."""
        for line, row in zip(self.lines, self.rows, strict=True):
            yield f"row {line}", row


def read_table(path: Path, is_header: Callable[[list[str]], bool] | None = None) -> Table:
    """Read comma-, semicolon- or tab-separated text with a header.

    Empty lines, and lines before the header that begin with ``#``, are ignored. `is_header` tells whether a line, given
    its fields in small letters, is the header; None: the first line is.

    Raises
    ------
    AnnotationError
        The file cannot be read, has no header, or more rows and columns than any annotation.
    """
    text, notes = decode(read_bytes(path))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    comments: list[str] = []
    skip = 0 if is_header is None else header_place(lines, is_header) or 0
    while skip < len(lines) and (not lines[skip].strip(" ,;\t") or lines[skip].startswith(("#", '"#', "sep="))):
        comments.append(lines[skip].strip(',;\t" ')[1:].strip())
        skip += 1
    if skip >= len(lines):
        raise AnnotationError("expected a table with a header, found no line of one")
    names, separator = header_names(lines[skip])
    rows, numbers = [], []
    try:
        # Quoted fields may have several lines.
        reader = csv.reader(io.StringIO("\n".join(lines[skip:]), newline=""), delimiter=separator)
        titles = [name.strip() for name in next(reader)]
        names = [name.lower() for name in titles]
        if len(names) > MAX_COLUMNS:
            raise AnnotationError(f"expected at most {MAX_COLUMNS} columns, found {len(names)}")
        width = len(names)
        for row in reader:
            if any(map(str.strip, row)):
                if len(row) != width:
                    if len(row) > width and any(map(str.strip, row[width:])):
                        raise AnnotationError(
                            f"row {skip + reader.line_num}: expected {counted(width, 'field')}, found {len(row)}"
                        )
                    row = (row + [""] * width)[:width]
                rows.append(row)
                numbers.append(skip + reader.line_num)
                if len(rows) > MAX_ROWS:
                    raise AnnotationError(f"expected at most {MAX_ROWS} rows, found more")
    except csv.Error as error:
        raise AnnotationError(f"not a table of text ({error})") from error
    return Table(tuple(names), rows, numbers, tuple(filter(None, comments)), notes, tuple(titles))


def parse_number(text: str, place: str, what: str) -> float:
    """Return a number, with a point or comma as decimal sign.

    Raises
    ------
    AnnotationError
        It is not a finite number; the message names place and column.
    """
    try:
        number = float(text)
    except ValueError:
        try:
            number = float(text.replace(",", ".", 1))
        except ValueError:
            number = math.nan
    if not math.isfinite(number):
        raise AnnotationError(f"{place}: {what}: expected a number, found {text[:40]!a}")
    return number


def parse_whole(text: str, place: str, what: str) -> int:
    """Return a whole number; ``12.0`` is one.

    Raises
    ------
    AnnotationError
        It is not; the message names place and column.
    """
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    number = parse_number(text, place, what)
    if number != math.trunc(number) or abs(number) > 2**53:
        raise AnnotationError(f"{place}: {what}: expected a whole number, found {text[:40]!a}")
    return int(number)
