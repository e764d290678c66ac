"""Work in progress: the finished shards of a video, kept beside its result until that is written.

A hidden folder that no reader takes for a result. It holds what the numbers depend on (a fingerprint), and a file for
each shard, written whole and with a checksum, so that one which a crash tore is noticed and computed again.
"""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import atomic_writer, make_folder
from napari_i3d.backbones.registry import I3D
from napari_i3d.errors import OutputError
from napari_i3d.extraction.planning.request import WITHOUT_EFFECT
from napari_i3d.extraction.planning.shards import Shard, ShardRows
from napari_i3d.extraction.settings import ExtractionSettings

_FORMAT = "napari_i3d work in progress 1"
_MANIFEST = "about.json"
_RESULT = "result"
_ROWS = ".rows"
_DIGEST_BYTES = 32
_DEVICE_BYTES = 32

Fingerprint = Mapping[str, Any]
"""What the numbers of a shard depend on, by name, in values that JSON knows."""


class Checkpoints:
    """The finished shards of one video on disk.

    Parameters
    ----------
    folder
        Where they are kept; made when there is something to keep.
    fingerprint
        Of the work to be done.

    Attributes
    ----------
    remark
        Why work that was found was thrown away; empty if it was not.
    """

    def __init__(self, folder: Path, fingerprint: Fingerprint) -> None:
        self._folder = folder
        self._fingerprint = fingerprint
        self.remark = ""

    @staticmethod
    def holds(folder: Path, fingerprint: Fingerprint) -> bool:
        """Return whether a folder holds work of this fingerprint."""
        return _read_manifest(folder) == fingerprint

    @staticmethod
    def kept_chunks(folder: Path, settings: ExtractionSettings) -> int:
        """Return how many chunks a folder holds of work with these settings; nothing else is looked at."""
        found = _read_manifest(folder) or {}
        wanted = json.loads(json.dumps(settings.as_dict()))
        if any(found.get(name) != value for name, value in wanted.items() if name not in WITHOUT_EFFECT):
            return 0
        try:
            sizes = [path.stat().st_size for path in folder.glob(f"*{_ROWS}")]
        except OSError:
            return 0
        return sum((size - _DIGEST_BYTES - _DEVICE_BYTES) // (4 * I3D.width) for size in sizes)

    def resume(self, shards: Iterable[Shard]) -> list[Shard]:
        """Return the shards that are finished; those of other work, and torn ones, are removed.

        Raises
        ------
        OutputError
            What is there cannot be removed.
        """
        if not self._folder.exists():
            return []
        found = _read_manifest(self._folder)
        if found != self._fingerprint:
            self.remark = f"started afresh: the work found was {_difference(found, self._fingerprint)}"
            self.remove()
            return []
        sound = []
        torn = 0
        for shard in shards:
            path = self._path(shard)
            if path.exists():
                if _read(path, shard) is None:
                    torn += 1
                    _remove(path)
                else:
                    sound.append(shard)
        if torn:
            self.remark = f"{torn} damaged portions of the work found were computed again"
        return sound

    def keep(self, finished: ShardRows) -> None:
        """Write a shard: it is there whole, or not at all.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        manifest = self._folder / _MANIFEST
        if not manifest.exists():
            try:
                self._folder.mkdir(exist_ok=True)
            except OSError as error:
                reason = error.strerror or error
                raise OutputError(f"{self._folder}: cannot be made ({reason}); choose another place") from error
            with atomic_writer(manifest) as file:
                file.write(json.dumps({"format": _FORMAT, "fingerprint": self._fingerprint}, indent=1).encode())
        rows = np.ascontiguousarray(finished.rows, dtype="<f4")
        device = finished.device.encode()[:_DEVICE_BYTES].ljust(_DEVICE_BYTES)
        with atomic_writer(self._path(finished.shard)) as file:
            file.write(_digest(finished.shard, device, rows))
            file.write(device)
            file.write(rows.data.cast("B"))

    def read(self, shard: Shard) -> ShardRows:
        """Return a finished shard.

        Raises
        ------
        OutputError
            It was damaged since it was found sound; it is removed.
        """
        finished = _read(self._path(shard), shard)
        if finished is None:
            _remove(self._path(shard))
            raise OutputError(
                f"{self._path(shard)}: expected what was written, found it damaged; look after the disk, then give "
                "the same command again"
            )
        return finished

    def result_folder(self) -> Path:
        """Return an empty folder in which the result is written before it takes its place.

        Raises
        ------
        OutputError
            It cannot be made.
        """
        folder = self._folder / _RESULT
        shutil.rmtree(folder, ignore_errors=True)
        return make_folder(folder)

    def remove(self) -> None:
        """Remove all; to do it again is no error.

        Raises
        ------
        OutputError
            The folder cannot be removed.
        """
        self.discard(self._folder)

    @staticmethod
    def discard(folder: Path) -> None:
        """Remove a folder of work, whatever the work; to do it again is no error.

        Raises
        ------
        OutputError
            The folder cannot be removed.
        """
        # Without its manifest a folder that is only half removed is never taken for work.
        _remove(folder / _MANIFEST)
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(f"{folder}: cannot be removed ({reason}); remove it by hand") from error

    def remove_if_empty(self) -> None:
        """Remove the folder if no shard was kept."""
        with contextlib.suppress(OSError):
            if not any(path.suffix == _ROWS for path in self._folder.iterdir()):
                self.remove()

    def _path(self, shard: Shard) -> Path:
        return self._folder / f"{shard.number:06d}{_ROWS}"


def _read_manifest(folder: Path) -> Fingerprint | None:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        return dict(manifest["fingerprint"]) if manifest["format"] == _FORMAT else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _difference(found: Fingerprint | None, wanted: Fingerprint) -> str:
    """Say in what work that was found differs from what is wanted."""
    if found is None:
        return "not readable"
    by_content = [f"another {name}" for name in ("video", "tracking", "weights") if found.get(name) != wanted[name]]
    others = [
        f"{name} {found.get(name)}"
        for name in wanted
        if name not in ("video", "tracking", "weights") and found.get(name) != wanted[name]
    ]
    text = " and ".join(part for part in (" and ".join(by_content), ", ".join(others)) if part)
    return f"of {text}" if by_content else f"with {text}"


def _digest(shard: Shard, device: bytes, rows: NDArray[np.float32]) -> bytes:
    digest = hashlib.sha256(f"{shard.number} {shard.n_chunks}\n".encode() + device)
    digest.update(rows.data.cast("B"))
    return digest.digest()


def _read(path: Path, shard: Shard) -> ShardRows | None:
    """Return the shard in a file; None if it is not whole."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    begin = _DIGEST_BYTES + _DEVICE_BYTES
    if len(content) != begin + 4 * shard.n_chunks * I3D.width:
        return None
    device = content[_DIGEST_BYTES:begin]
    rows = np.frombuffer(content, "<f4", offset=begin).reshape(-1, I3D.width)
    if _digest(shard, device, rows) != content[:_DIGEST_BYTES]:
        return None
    return ShardRows(shard, np.asarray(rows, np.float32), device.decode("ascii", "replace").strip())


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
