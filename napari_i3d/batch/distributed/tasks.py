"""Tasks that are sent to workers, and their results."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import napari_i3d
from napari_i3d.batch.checkpoints.store_checkpoints import SharedStore
from napari_i3d.errors import WorkerError
from napari_i3d.extraction.planning.shards import Shard, ShardRows

_END_BYTES = 1 << 20


@dataclass(frozen=True)
class VideoFingerprint:
    """Cheap file fingerprint: size, and hash of the first and last MiB."""

    path: Path
    size_bytes: int
    ends_sha256: str


@dataclass(frozen=True)
class TaskNetwork:
    """The network of all tasks of a batch."""

    weights: str | Path  # name or path
    weights_sha256: str
    version: str = napari_i3d.__version__  # of this program
    local_gpus: int = 0  # CUDA devices that the workers of this machine share; 0: each uses what it has
    threads: int | None = None  # of a worker; None: PyTorch's default


@dataclass(frozen=True, eq=False)
class Task:
    """A shard of a video, to be computed by a worker."""

    video: VideoFingerprint
    shard: Shard
    network: TaskNetwork
    store: SharedStore | None = None  # where the worker writes the rows, if it can; None: it returns them


@dataclass(frozen=True, eq=False)
class TaskResult:
    """A computed shard: rows (K, width) float32, who computed them, and a checksum."""

    rows: NDArray[np.float32]
    device: str
    sha256: str
    host: str
    seconds: float
    not_written: str = ""  # why the worker did not write the rows to the store that it was given

    def verified(self, shard: Shard) -> ShardRows:
        """Return the rows; raise `WorkerError` if their number or checksum is wrong."""
        if len(self.rows) != shard.n_chunks or rows_sha256(self.rows) != self.sha256:
            raise WorkerError(
                f"worker {self.host}: expected the {shard.n_chunks} rows that it computed, found others",
                hint="{try_again}",
            )
        return ShardRows(shard, self.rows, self.device)


@dataclass(frozen=True, eq=False)
class StoredResult:
    """A computed shard whose rows the worker has written to the store: who computed them, and their checksums."""

    device: str
    sha256: tuple[str, ...]  # of the rows of each individual
    host: str
    seconds: float


def fingerprint_video(path: Path) -> VideoFingerprint:
    """Return the fingerprint of a video file."""
    with path.open("rb") as file:
        size = path.stat().st_size
        digest = hashlib.sha256(file.read(_END_BYTES))
        file.seek(max(0, size - _END_BYTES))
        digest.update(file.read(_END_BYTES))
    return VideoFingerprint(path, size, digest.hexdigest())


def rows_sha256(rows: NDArray[np.float32]) -> str:
    """Return the checksum of rows."""
    return hashlib.sha256(np.ascontiguousarray(rows).data.cast("B")).hexdigest()
