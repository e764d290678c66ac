"""Zip archives from strangers: whether what they hold is in proportion to the file."""

import zipfile
import zlib
from typing import BinaryIO

ARCHIVE_DAMAGE = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)
"""What `zipfile` raises on archives that are damaged, encrypted, or compressed in a way that it does not know."""

# Numbers hardly compress; a bomb is a thousand times smaller than what it holds.
_RATIO = 8
_FREE_BYTES = 64 << 20
_ENTRIES = 100_000


class OversizeError(ValueError):
    """An archive whose content would fill the memory."""


def check_archive(file: BinaryIO, *, stored: bool = False) -> None:
    """Refuse an archive whose content would be far larger than the file; leave the file at its beginning.

    Parameters
    ----------
    file
        Open for reading.
    stored
        Whether its writer never compresses: then the content cannot be larger than the file at all.

    Raises
    ------
    OversizeError
        The entries are too many, or too large together.
    Exception
        Of those in `ARCHIVE_DAMAGE`, or ValueError or OSError: it is no archive.
    """
    size = file.seek(0, 2)
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
    content = sum(entry.file_size for entry in entries)
    limit = size if stored else max(_FREE_BYTES, _RATIO * size)
    if len(entries) > _ENTRIES or content > limit:
        raise OversizeError(f"an archive of {size} bytes that unpacks to {len(entries)} entries of {content} bytes")
    file.seek(0)
