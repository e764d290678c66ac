"""Zip archives from untrusted sources: limit their unpacked size."""

import zipfile
import zlib
from typing import BinaryIO

ARCHIVE_DAMAGE = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)
"""Errors of `zipfile` on archives that are damaged, encrypted, or of an unknown compression."""

# Numbers hardly compress; a zip bomb is a thousand times smaller than its content.
_RATIO = 8
_FREE_BYTES = 64 << 20
_ENTRIES = 100_000


class OversizeError(ValueError):
    """An archive whose content would fill the memory."""


def check_archive(file: BinaryIO, *, stored: bool = False) -> None:
    """Refuse an archive whose content would be far larger than the file; leave the file at its beginning.

    `stored` means that its writer never compresses, so that the content cannot be larger than the file at all. Raises
    `OversizeError`, and one of `ARCHIVE_DAMAGE`, ValueError or OSError if the file is not an archive.
    """
    size = file.seek(0, 2)
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
    content = sum(entry.file_size for entry in entries)
    limit = size if stored else max(_FREE_BYTES, _RATIO * size)
    if len(entries) > _ENTRIES or content > limit:
        raise OversizeError(f"an archive of {size} bytes that unpacks to {len(entries)} entries of {content} bytes")
    file.seek(0)
