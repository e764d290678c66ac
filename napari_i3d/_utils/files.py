"""Files written atomically, checksums, locks, and the cache folder."""

import contextlib
import difflib
import hashlib
import os
import secrets
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO

import filelock
import platformdirs

from napari_i3d._utils.text import format_path
from napari_i3d.errors import OutputError

CACHE_VARIABLE = "NAPARI_I3D_HOME"
_MOST_SIMILAR = 8


@contextlib.contextmanager
def atomic_writer(path: str | os.PathLike[str], part: Path | None = None) -> Iterator[BinaryIO]:
    """Open a file that takes its name only when the block ends without an exception.

    The content goes to a hidden file beside `path`, is flushed to the disk and renamed. After an exception the hidden
    file is removed, and a file at `path` is untouched. `part` is the hidden file, overwritten if it exists (so only one
    process may use it); by default its name is random.

    Raises
    ------
    OutputError
        The file cannot be written: no such folder, no permission, disk full.
    """
    path = Path(path)
    new = part is None
    part = part or path.with_name(f".napari_i3d-{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") if new else part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error})", hint="choose another place"
        ) from error
    finally:
        # If `path` is below a file, even this raises.
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def require_new(path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Check, before long work, that its result can be written without replacing another file.

    Raises
    ------
    OutputError
        There is a folder of this name, a file that is not to be overwritten, or no folder to write into.
    """
    path = Path(path)
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:  # as a name that is too long
        raise OutputError(
            f"{format_path(path)}: cannot be written ({error.strerror or error})", hint="choose another name"
        ) from error
    if is_folder or (exists and not overwrite):
        replace = "" if is_folder else "use {overwrite=True} to replace it, or "
        raise OutputError(f"{format_path(path)}: exists", hint=f"{replace}choose another name")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"{format_path(path.absolute().parent)}: no such folder", hint="make it, or choose another")


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder and those above it; raise `OutputError` if files cannot be made in it."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{secrets.token_hex(4)}.part"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"{folder}: not a folder that can be written to ({error.strerror or error})", hint="choose another"
        ) from error
    return folder


def nearest_file(
    path: Path,
    endings: Collection[str],
    stem: str = "",
    others: Collection[str] = (),
    accept: Callable[[Path], bool] = Path.is_file,
) -> Path | None:
    """Return the file whose name is most similar to that of a missing one in the same folder, or None.

    Parameters
    ----------
    path
        The missing file.
    endings
        Endings of such files, in lower case; that of `path` is always one of them.
    stem
        Beginning of the name: of the files that begin with it, the nearest is returned however different the rest is.
    others
        Stems of other files: names that begin with one of them are ignored.
    accept
        Whether a file or folder may be the one that is meant; asked for the most similar names only.
    """
    foreign = tuple(other for other in others if not stem.startswith(other))
    try:
        names = [
            entry.name
            for entry in path.parent.iterdir()
            if entry.suffix.lower() in (path.suffix.lower(), *endings) and not entry.name.startswith((".", *foreign))
        ]
    except OSError:
        return None
    # A number that goes on is another file: day10 does not belong to day1.
    own = [name for name in names if stem and name.startswith(stem) and not name[len(stem) :][:1].isdigit()]
    near = difflib.get_close_matches(path.name, own, n=_MOST_SIMILAR, cutoff=0.0)
    near += difflib.get_close_matches(path.name, names, n=_MOST_SIMILAR)
    return next((similar for name in near if accept(similar := path.with_name(name))), None)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 checksum of a file, 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def exclusive(path: str | os.PathLike[str], wait_s: float = 0.0) -> Iterator[bool]:
    """Hold a lock among processes; yield whether it was free within `wait_s`.

    It is a lock of the operating system on a file at `path`, so it ends with the process that holds it, however that
    ends. The file is removed on release; one that a killed process left does not lock. `OutputError` if it cannot be
    made.
    """
    # It may be released in another thread than it was acquired in.
    lock = filelock.FileLock(path, timeout=wait_s, thread_local=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        yield False
        return
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be locked ({error.strerror or error})", hint="choose another place"
        ) from error
    try:
        yield True
    finally:
        # While the lock is held: a process that has opened the file and gets the lock next finds it gone, and retries.
        with contextlib.suppress(OSError):
            Path(path).unlink(missing_ok=True)
        lock.release()


def cache_folder() -> Path:
    """Return the folder for downloads: `NAPARI_I3D_HOME`, else the user's cache folder; it may not exist."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("napari_i3d", appauthor=False)
