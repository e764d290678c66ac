"""Finished shards of a video, saved beside its result until that is written.

They are in a hidden folder that is never read as a result. It holds a fingerprint of everything that the numbers depend
on, and a file for each shard, written atomically with a checksum, so that damaged ones are computed again.
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
STORED = ".stored"
"""Ending of the records of shards whose rows are in a store."""
_DIGEST_BYTES = 32
_DEVICE_BYTES = 32
_INPUTS = ("video", "tracking", "weights")

Fingerprint = Mapping[str, Any]
"""Everything that the numbers of a shard depend on, as JSON values by name."""


class Checkpoints:
    """The finished shards of one video on disk.

    Parameters
    ----------
    folder
        Their folder, made with the first shard.
    fingerprint
        Fingerprint of the job.

    Attributes
    ----------
    folder
        Their folder.
    remark
        Why shards that existed were removed; or "".
    """

    _ending = _ROWS

    def __init__(self, folder: Path, fingerprint: Fingerprint) -> None:
        self.folder = folder
        self._fingerprint = fingerprint
        self.remark = ""

    @staticmethod
    def holds(folder: Path, fingerprint: Fingerprint) -> bool:
        """Return whether a folder holds shards of this fingerprint."""
        return _read_manifest(folder) == fingerprint

    @staticmethod
    def kept_chunks(folder: Path, settings: ExtractionSettings) -> int:
        """Return the number of chunks in a folder if they were computed with these settings; no more is compared."""
        found = _read_manifest(folder) or {}
        wanted = json.loads(json.dumps(settings.as_dict()))
        if any(found.get(name) != value for name, value in wanted.items() if name not in WITHOUT_EFFECT):
            return 0
        try:
            sizes = [path.stat().st_size for path in folder.glob(f"*{_ROWS}")]
            stored = [int(json.loads(path.read_bytes())["chunks"]) for path in folder.glob(f"*{STORED}")]
        except (OSError, ValueError, LookupError, TypeError):
            return 0
        return sum(stored) + sum((size - _DIGEST_BYTES - _DEVICE_BYTES) // (4 * I3D.width) for size in sizes)

    def resume(self, shards: Iterable[Shard]) -> set[int]:
        """Return the numbers of the finished shards.

        Damaged shards, and those of another job, are removed; raises `OutputError` if that fails.
        """
        if not self.folder.exists():
            return set()
        found = _read_manifest(self.folder)
        if found != self._fingerprint:
            self.remark = f"started afresh: the work found was {_difference(found, self._fingerprint)}"
            self.remove()
            return set()
        intact, damaged = set(), 0
        for shard in shards:
            if self._is_intact(shard):
                intact.add(shard.number)
            elif self._path(shard).exists():
                _remove(self._path(shard))
                damaged += 1
        if damaged:
            self.remark = f"{damaged} damaged portions of the work found were computed again"
        return intact

    def save(self, finished: ShardRows) -> None:
        """Write a shard atomically; raise `OutputError` if that fails."""
        self._begin()
        rows = np.ascontiguousarray(finished.rows, dtype="<f4")
        device = finished.device.encode()[:_DEVICE_BYTES].ljust(_DEVICE_BYTES)
        with atomic_writer(self._path(finished.shard)) as file:
            file.write(_digest(finished.shard, device, rows))
            file.write(device)
            file.write(rows.data.cast("B"))

    def _begin(self) -> None:
        """Make the folder, if there is none."""
        manifest = self.folder / _MANIFEST
        if not manifest.exists():
            try:
                self.folder.mkdir(exist_ok=True)
            except OSError as error:
                reason = error.strerror or error
                raise OutputError(f"{self.folder}: cannot be made ({reason})", hint="choose another place") from error
            with atomic_writer(manifest) as file:
                file.write(json.dumps({"format": _FORMAT, "fingerprint": self._fingerprint}, indent=1).encode())

    def _is_intact(self, shard: Shard) -> bool:
        return _read(self._path(shard), shard) is not None

    def read(self, shard: Shard) -> ShardRows:
        """Return a finished shard; remove it and raise `OutputError` if it has been damaged since `resume`."""
        finished = _read(self._path(shard), shard)
        if finished is None:
            _remove(self._path(shard))
            raise OutputError(
                f"{self._path(shard)}: expected what was written, found it damaged",
                hint="check the disk, then {try_again}",
            )
        return finished

    def result_folder(self) -> Path:
        """Return an empty folder for the result before it is moved; raise `OutputError` if it cannot be made."""
        folder = self.folder / _RESULT
        shutil.rmtree(folder, ignore_errors=True)
        return make_folder(folder)

    def remove(self) -> None:
        """Remove everything, if it exists; raise `OutputError` if that fails."""
        self.discard(self.folder)

    @staticmethod
    def discard(folder: Path) -> None:
        """Remove the folder of any job, if it exists; raise `OutputError` if that fails."""
        # A folder without its manifest is not resumed, even if it is only partly removed.
        _remove(folder / _MANIFEST)
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(f"{folder}: cannot be removed ({reason})", hint="remove it by hand") from error

    def remove_if_empty(self) -> None:
        """Remove the folder if it holds no shard."""
        with contextlib.suppress(OSError):
            if not any(path.suffix in (_ROWS, STORED) for path in self.folder.iterdir()):
                self.remove()

    def _path(self, shard: Shard) -> Path:
        return self.folder / f"{shard.number:06d}{self._ending}"


def _read_manifest(folder: Path) -> Fingerprint | None:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        return dict(manifest["fingerprint"]) if manifest["format"] == _FORMAT else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _difference(found: Fingerprint | None, wanted: Fingerprint) -> str:
    """Describe how an existing fingerprint differs."""
    if found is None:
        return "not readable"
    if found.get("layout") != wanted.get("layout"):
        return f"for the layout {found.get('layout') or 'dict'}"
    changed = [name for name in wanted if found.get(name) != wanted[name]]
    inputs = [f"another {name}" for name in changed if name in _INPUTS]
    settings = ", ".join(f"{name} {found.get(name)}" for name in changed if name not in _INPUTS)
    text = " and ".join([*inputs, settings] if settings else inputs)
    return f"of {text}" if inputs else f"with {text}"


def _digest(shard: Shard, device: bytes, rows: NDArray[np.float32]) -> bytes:
    digest = hashlib.sha256(f"{shard.number} {shard.n_chunks}\n".encode() + device)
    digest.update(rows.data.cast("B"))
    return digest.digest()


def _read(path: Path, shard: Shard) -> ShardRows | None:
    """Return the shard in a file; None if it is damaged."""
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
