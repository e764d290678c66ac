"""Recognize the format of a tracking file by its content."""

import os
from collections.abc import Collection
from pathlib import Path

from napari_i3d._utils.files import nearest_file
from napari_i3d._utils.text import format_path
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.format import HEAD_BYTES, TrackingFormat
from napari_i3d.tracking.io.formats import FORMATS

_BEGINNINGS = {
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a numpy file",
    b"PK\x03\x04": "a zip archive",
    b"{": "text, perhaps JSON",
    b"[": "text, perhaps JSON",
}


def recognize(path: str | os.PathLike[str]) -> TrackingFormat:
    """Return the format of a tracking file or folder, by its content.

    Raises
    ------
    TrackingError
        There is no such file, it cannot be read, or it is of no known format.
    """
    path = Path(path)
    try:
        head = head_of(path)
    except TrackingError as error:
        raise TrackingError(f"{format_path(path.name)}: {error.message.text}", error.message.hint) from None
    found = next((known for known in FORMATS if known.recognize(path, head)), None)
    if found is None:
        beginning = next((text for start, text in _BEGINNINGS.items() if head.lstrip().startswith(start)), "")
        if path.suffix.lower() in (".yaml", ".yml"):
            beginning = "a configuration,"
        kind = "a folder" if path.is_dir() else beginning
        raise TrackingError(
            f"{format_path(path.name)}: {f'{kind} ' if kind else ''}of no known tracking format; known are "
            f"{', '.join(known.title for known in FORMATS)}"
        )
    return found


def head_of(path: Path) -> bytes:
    """Return the first `HEAD_BYTES` bytes of a file, none for a folder.

    Raises
    ------
    TrackingError
        There is no such file, it is empty, a device or pipe, or cannot be read.
    """
    try:
        if path.is_dir():
            return b""
        if path.exists() and not path.is_file():  # reading a pipe might never end
            raise TrackingError("this is a device or pipe; expected a tracking file")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        near = nearest_tracking_file(path)
        hint = f"is it {format_path(near.name)}?" if near is not None else "expected a tracking file"
        raise TrackingError(f"no such file in {format_path(path.parent)}; {hint}") from None
    except (OSError, ValueError) as error:  # ValueError: an invalid file name
        raise TrackingError(f"cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if not head:
        raise TrackingError("the file is empty; expected a tracking file")
    return head


def nearest_tracking_file(path: Path, stem: str = "", others: Collection[str] = ()) -> Path | None:
    """Return the tracking whose name is most similar to that of a missing one in the same folder, or None.

    `stem` and `others` are as in `nearest_file`: the beginning of its name, and those of other files.
    """
    endings = {ending for known in FORMATS for ending in known.endings}
    return nearest_file(path, endings, stem, others, is_tracking)


def is_tracking(path: Path) -> bool:
    """Return whether a file or folder may be tracking, by its beginning; any pickle may be."""
    try:
        recognize(path)
    except TrackingError:
        return False
    return True


def format_named(name: str) -> TrackingFormat:
    """Return the format with a name.

    Raises
    ------
    TrackingError
        There is none.
    """
    found = next((known for known in FORMATS if known.name == name), None)
    if found is None:
        raise TrackingError(
            f"format: expected one of {', '.join(known.name for known in FORMATS)}, found {ascii(name)[:60]}"
        )
    return found
