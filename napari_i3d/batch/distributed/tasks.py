"""What travels between the coordinator and its workers: tasks, and their results."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import napari_i3d
from napari_i3d.errors import WorkerError
from napari_i3d.extraction.planning.shards import Shard, ShardRows

_MARK_BYTES = 1 << 20


@dataclass(frozen=True)
class VideoFingerprint:
    """By what a worker sees that a file is the one that is meant: its size, and its first and last megabyte."""

    path: Path
    size_bytes: int
    ends_sha256: str


@dataclass(frozen=True)
class Source:
    """What all tasks of a batch compute with.

    Attributes
    ----------
    weights, weights_sha256
        Name or path of the weights, and what they must be.
    version
        Of this program.
    local_gpus
        Number of CUDA devices that workers of this machine, numbered from 0, share; 0: each takes what it has.
    threads
        Of a worker, for computing on the processor; None: as it is.
    """

    weights: str | Path
    weights_sha256: str
    version: str = napari_i3d.__version__
    local_gpus: int = 0
    threads: int | None = None


@dataclass(frozen=True, eq=False)
class Task:
    """A shard of a video, to be computed somewhere."""

    mark: VideoFingerprint
    shard: Shard
    source: Source


@dataclass(frozen=True, eq=False)
class TaskResult:
    """A computed shard as it travels: rows (K, 2048) float32, what and who computed them, and a checksum."""

    rows: NDArray[np.float32]
    device: str
    sha256: str
    host: str
    seconds: float

    def verified(self, shard: Shard) -> ShardRows:
        """Return the rows, if they are what was sent and as many as there should be.

        Raises
        ------
        WorkerError
            They are not.
        """
        if len(self.rows) != shard.n_chunks or rows_sha256(self.rows) != self.sha256:
            raise WorkerError(
                f"worker {self.host}: expected the {shard.n_chunks} rows that it computed, found others",
                hint="{try_again}",
            )
        return ShardRows(shard, self.rows, self.device)


def mark_of(path: Path) -> VideoFingerprint:
    """Return the mark of a video file.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        digest = hashlib.sha256(file.read(_MARK_BYTES))
        file.seek(max(0, size - _MARK_BYTES))
        digest.update(file.read(_MARK_BYTES))
    return VideoFingerprint(path, size, digest.hexdigest())


def rows_sha256(rows: NDArray[np.float32]) -> str:
    """Return the checksum of rows as they travel."""
    return hashlib.sha256(np.ascontiguousarray(rows).data.cast("B")).hexdigest()
