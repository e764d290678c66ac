"""Recognize the format of an annotation file by its content."""

import os
from pathlib import Path

from napari_i3d._utils.files import nearest_file
from napari_i3d._utils.text import format_path
from napari_i3d.annotations.io.format import HEAD_BYTES, AnnotationFormat
from napari_i3d.annotations.io.formats import READ
from napari_i3d.errors import AnnotationError

_BEGINNINGS = {
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a numpy file",
    b"PK\x03\x04": "a zip archive",
    b"\x80": "a pickle",
    b"{": "text, perhaps JSON",
    b"[": "text, perhaps JSON",
    b"<": "text, perhaps XML",
}


def recognize(path: str | os.PathLike[str]) -> AnnotationFormat:
    """Return the format of an annotation file or folder, by its content.

    Raises
    ------
    AnnotationError
        There is no such file, it cannot be read, or it is of no known format.
    """
    path = Path(path)
    try:
        head = head_of(path)
    except AnnotationError as error:
        raise AnnotationError(f"{format_path(path.name)}: {error.message.text}", error.message.hint) from None
    found = next((known for known in READ if known.recognize(path, head)), None)
    if found is None:
        beginning = next((text for start, text in _BEGINNINGS.items() if head.lstrip().startswith(start)), "")
        kind = "a folder" if path.is_dir() else beginning
        raise AnnotationError(
            f"{format_path(path.name)}: {f'{kind} ' if kind else ''}of no known annotation format; known are "
            f"{', '.join(known.title for known in READ)}"
        )
    return found


def head_of(path: Path) -> bytes:
    """Return the first `HEAD_BYTES` bytes of a file, none for a folder.

    Raises
    ------
    AnnotationError
        There is no such file, it is empty, a device or pipe, or cannot be read.
    """
    try:
        if path.is_dir():
            return b""
        if path.exists() and not path.is_file():  # reading a pipe might never end
            raise AnnotationError("this is a device or pipe; expected an annotation file")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        near = nearest_file(path, {ending for known in READ for ending in known.endings})
        hint = f"is it {format_path(near.name)}?" if near is not None else "expected an annotation file"
        raise AnnotationError(f"no such file in {format_path(path.parent)}; {hint}") from None
    except (OSError, ValueError) as error:  # ValueError: an invalid file name
        raise AnnotationError(f"cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if not head:
        raise AnnotationError("the file is empty; expected an annotation file")
    return head


def is_annotation(path: Path) -> bool:
    """Return whether a file or folder may be an annotation, by its beginning."""
    try:
        recognize(path)
    except AnnotationError:
        return False
    return True


def format_named(name: str) -> AnnotationFormat:
    """Return the format with a name, of those that can be read.

    Raises
    ------
    AnnotationError
        There is none.
    """
    found = next((known for known in READ if known.name == name), None)
    if found is None:
        raise AnnotationError(
            f"format: expected one of {', '.join(known.name for known in READ)}, found {ascii(name)[:60]}"
        )
    return found
