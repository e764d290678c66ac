"""Read a table from an Excel file (.xlsx), which is a zip archive of XML."""

import datetime
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_i3d._utils.extras import needed_for
from napari_i3d.annotations.io.parsing.text_files import MAX_COLUMNS, MAX_ROWS, Table
from napari_i3d.errors import AnnotationError
from napari_i3d.safe_loading.zip_archives import ARCHIVE_DAMAGE, OversizeError, check_archive

_MAX_BYTES = 256 << 20
_HEADER_ROWS = 100
# What openpyxl raises on damaged files; XML's errors are SyntaxErrors.
_DAMAGE = (*ARCHIVE_DAMAGE, OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, SyntaxError)


def is_excel(path: Path, head: bytes) -> bool:
    """Return whether a file is an Excel file, by its parts; false on whatever damage."""
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (*ARCHIVE_DAMAGE, OSError, ValueError):
        return False


def read_excel(path: Path, is_header: Callable[[list[str]], bool]) -> Table:
    """Return the first sheet as a table; values become text.

    `is_header` tells whether a row, given its fields in small letters, is the header.

    Raises
    ------
    AnnotationError
        The file is damaged, out of proportion, or has no header; openpyxl is not installed.
    """
    with needed_for("reading Excel files", "excel", AnnotationError):
        import openpyxl
    try:
        with path.open("rb") as file:
            check_archive(file)
            with zipfile.ZipFile(file) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > _MAX_BYTES:
                    raise OversizeError("an archive that is larger than any annotation")
                if any(
                    b"<!DOCTYPE" in archive.read(name)[:1000] for name in archive.namelist() if name.endswith(".xml")
                ):
                    raise AnnotationError("expected XML without a document type, which Excel does not write")
            file.seek(0)
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            try:
                sheet = book.worksheets[0]
                # The stated size may be wrong.
                sheet.reset_dimensions()
                return _table(sheet.iter_rows(values_only=True), is_header)
            finally:
                book.close()
    except OversizeError as error:
        raise AnnotationError(f"{error}; is it damaged?") from error
    except _DAMAGE as error:
        raise AnnotationError(f"not a whole Excel file ({str(error)[:120]!a})", "was it copied completely?") from error


def _table(found: Any, is_header: Callable[[list[str]], bool]) -> Table:
    titles: list[str] | None = None
    rows: list[list[str]] = []
    numbers: list[int] = []
    for number, values in enumerate(found, 1):
        if number > MAX_ROWS or len(values) > MAX_COLUMNS:
            raise AnnotationError(f"expected at most {MAX_ROWS} rows and {MAX_COLUMNS} columns, found more")
        fields = [_text(value) for value in values]
        if titles is None:
            if is_header([field.strip().lower() for field in fields]):
                titles = [field.strip() for field in fields]
            elif number > _HEADER_ROWS:
                break
        elif any(fields):
            rows.append((fields + [""] * len(titles))[: len(titles)])
            numbers.append(number)
    if titles is None:
        raise AnnotationError(f"expected a header of events in the first {_HEADER_ROWS} rows of the first sheet")
    return Table(tuple(title.lower() for title in titles), rows, numbers, titles=tuple(titles))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(value)
