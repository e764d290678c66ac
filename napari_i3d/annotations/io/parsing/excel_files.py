"""Read the first sheet of an Excel file (.xlsx) as a table of text: a zip archive of XML, read within limits."""

import xml.parsers.expat as expat
import zipfile
from collections.abc import Callable
from pathlib import Path

from napari_i3d.annotations.io.parsing.text_files import MAX_COLUMNS, MAX_ROWS, Table
from napari_i3d.errors import AnnotationError
from napari_i3d.safe_loading.zip_archives import ARCHIVE_DAMAGE, OversizeError, check_archive

_MAX_BYTES = 256 << 20
_HEADER_ROWS = 100
_BOOK, _LINKS, _STRINGS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml"
_SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_CELL, _VALUE, _ROW, _FORMULA = (f"{_SPACE} {name}" for name in ("c", "v", "row", "f"))
# Files of the strict variant have another namespace.
_STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
_DAMAGE = (*ARCHIVE_DAMAGE, OSError, KeyError, ValueError, IndexError, expat.ExpatError)
_LETTERS = 26


def is_excel(path: Path, head: bytes) -> bool:
    """Return whether a file is an Excel file, by its parts; false on whatever damage."""
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return _BOOK in archive.namelist()
    except (*ARCHIVE_DAMAGE, OSError, ValueError):
        return False


def read_excel(path: Path, is_header: Callable[[list[str]], bool]) -> Table:
    """Return the first sheet as a table; numbers become text as they are stored.

    `is_header` tells whether a row, given its fields in small letters, is the header.

    Raises
    ------
    AnnotationError
        The file is damaged, out of proportion, or has no header.
    """
    try:
        with path.open("rb") as file:
            check_archive(file)
            with zipfile.ZipFile(file) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > _MAX_BYTES:
                    raise OversizeError("an archive that is larger than any annotation")
                shared = _shared_strings(archive.read(_STRINGS)) if _STRINGS in archive.namelist() else []
                rows = _rows(archive.read(_first_sheet(archive)).replace(_STRICT, _SPACE.encode()), shared)
    except OversizeError as error:
        raise AnnotationError(f"{error}; is it damaged?") from error
    except _DAMAGE as error:
        raise AnnotationError(f"not a whole Excel file ({str(error)[:120]!a})", "was it copied completely?") from error
    return _table(rows, is_header)


def _parser(start: Callable[[str, dict[str, str]], None], end: Callable[[str], None]) -> expat.XMLParserType:
    """Return a parser with handlers of elements, whose names have their namespace and a blank in front."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def _refuse(*_: object) -> None:
    raise AnnotationError("expected XML without a document type, which Excel does not write")


def _first_sheet(archive: zipfile.ZipFile) -> str:
    """Return the name of the first sheet in the archive."""
    sheets: list[str] = []
    targets: dict[str, str] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        kind = name.rpartition(" ")[2]
        if kind == "sheet":
            sheets.extend(value for key, value in attributes.items() if key.endswith(" id"))
        elif kind == "Relationship":
            targets[attributes["Id"]] = attributes["Target"]

    for part in (_BOOK, _LINKS):
        _parser(start, lambda _: None).Parse(archive.read(part), True)
    target = targets[sheets[0]]
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _shared_strings(data: bytes) -> list[str]:
    strings: list[str] = []
    parts: list[str] | None = None

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal parts
        if name.endswith(" si"):
            strings.append("")
        elif name.endswith(" t"):
            parts = []

    def end(name: str) -> None:
        nonlocal parts
        if parts is not None and name.endswith(" t"):
            strings[-1] += "".join(parts)
            parts = None

    def text(part: str) -> None:
        if parts is not None:
            parts.append(part)

    parser = _parser(start, end)
    parser.CharacterDataHandler = text
    parser.Parse(data, True)
    return strings


def _rows(data: bytes, shared: list[str]) -> list[tuple[int, list[str]]]:
    """Return the number of each row and its fields."""
    rows: list[tuple[int, list[str]]] = []
    places: dict[str, int] = {}
    fields: list[str] = []
    kind: str | None = None
    in_cell = False

    # Called for each cell of a file: names are compared whole.
    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal fields, kind, in_cell
        if name == _CELL:
            place = attributes["r"].rstrip("0123456789") if "r" in attributes else ""
            if place not in places:
                places[place] = _column(place)
            column = places[place] if place else len(fields)
            while len(fields) <= column:
                fields.append("")
            kind, in_cell = attributes.get("t"), True
        elif name == _VALUE:
            in_cell = True
        elif name == _ROW:
            fields = []
            rows.append((int(attributes.get("r", len(rows) + 1)), fields))
            if len(rows) > MAX_ROWS:
                raise AnnotationError(f"expected at most {MAX_ROWS} rows, found more")
        elif name == _FORMULA:  # its value follows
            in_cell = False

    def end(name: str) -> None:
        nonlocal in_cell
        if name == _CELL:
            in_cell = False
            if kind == "s" and fields[-1]:
                fields[-1] = shared[int(fields[-1])]

    def text(part: str) -> None:
        if in_cell:
            fields[-1] += part

    parser = _parser(start, end)
    parser.CharacterDataHandler = text
    parser.Parse(data, True)
    return rows


def _column(letters: str) -> int:
    """Return the place of a column, from 0: of ``AB`` 27."""
    place = 0
    for letter in letters[:4]:
        place = place * _LETTERS + ord(letter) - ord("A") + 1
    if place > MAX_COLUMNS:
        raise AnnotationError(f"expected at most {MAX_COLUMNS} columns, found more")
    return place - 1


def _table(rows: list[tuple[int, list[str]]], is_header: Callable[[list[str]], bool]) -> Table:
    for at, (_, fields) in enumerate(rows[:_HEADER_ROWS]):
        titles = [field.strip() for field in fields]
        names = [title.lower() for title in titles]
        if is_header(names):
            found = [(number, own) for number, own in rows[at + 1 :] if any(own)]
            width = len(names)
            cut = [own[:width] + [""] * (width - len(own)) for _, own in found]
            return Table(tuple(names), cut, [number for number, _ in found], titles=tuple(titles))
    raise AnnotationError(f"expected a header of events in the first {_HEADER_ROWS} rows of the first sheet")
