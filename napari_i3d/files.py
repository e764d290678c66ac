"""Files that appear whole or not at all, their checksums, and the folder where downloads are kept."""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import platformdirs

from napari_i3d.errors import OutputError

CACHE_VARIABLE = "NAPARI_I3D_HOME"


@contextlib.contextmanager
def atomic_writer(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file that takes its name only when the block ends without an exception.

    The content goes to a hidden file beside `path`, is flushed to the disk and renamed. After an exception the hidden
    file is removed, and what stood at `path` before is untouched.

    Raises
    ------
    OutputError
        The file cannot be written: no such folder, no permission, disk full.
    """
    path = Path(path)
    part = path.with_name(f".napari_i3d-{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}); choose another place") from error
    finally:
        # Where `path` lies below a file, not even looking for the hidden one is allowed.
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder and those above it, where they are missing, and see that files can be made in it.

    Raises
    ------
    OutputError
        The folder cannot be made, is a file, or cannot be written to.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{secrets.token_hex(4)}.part"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"{folder}: not a folder that can be written to ({error.strerror or error}); choose another"
        ) from error
    return folder


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 checksum of a file, 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    """Return the folder where downloads are kept: `NAPARI_I3D_HOME`, else the user's cache folder; it may not exist."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("napari_i3d", appauthor=False)
