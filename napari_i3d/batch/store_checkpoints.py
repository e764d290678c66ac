"""Finished shards of a video whose result is a store: their rows are in the store that is being made, only once."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import atomic_writer
from napari_i3d.backbones.registry import I3D
from napari_i3d.batch.checkpoints import STORED, Checkpoints, Fingerprint
from napari_i3d.errors import OutputError
from napari_i3d.extraction.planning.plan import Job
from napari_i3d.extraction.planning.shards import Shard, ShardRows
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.store import StoreDtype
from napari_i3d.features.io.store_writing import StoreRows, disk_errors, move_store, write_facts
from napari_i3d.individuals import Id

_STORE = "store"
_REPLACED = "replaced"


@dataclass(frozen=True)
class _Block:
    """The rows of a shard and an individual, which are consecutive."""

    individual: Id
    first_row: int
    stop_row: int
    chunks: NDArray[np.int64]  # of each row, in the rows of the shard


@dataclass(frozen=True)
class StoreContent:
    """The devices that computed a store, and the checksum of each individual's file."""

    devices: frozenset[str]
    checksums: dict[Id, str]


class StoreCheckpoints(Checkpoints):
    """The finished shards of one video, in the folder that becomes its store.

    Rows are written to their place and flushed to the disk; then a small record with their checksums says that the
    shard is finished. So a shard is finished as a whole or not at all, and nothing is held twice.

    Parameters
    ----------
    folder, fingerprint
        As in `Checkpoints`.
    job
        The job, which determines the rows.
    dtype
        The numbers that the store holds.
    """

    _ending = STORED

    def __init__(
        self, folder: Path, fingerprint: Fingerprint, job: Job, dtype: StoreDtype = StoreDtype.FLOAT32
    ) -> None:
        super().__init__(folder, store_fingerprint(fingerprint, dtype))
        self._dtype = dtype
        self._tracklets = {chunks.id: chunks for chunks in job.plan.tracklets}
        n_rows = {individual: chunks.n_rows for individual, chunks in self._tracklets.items()}
        self._store = StoreRows(folder / _STORE, n_rows, I3D.width, dtype)
        self._made = False

    def save(self, finished: ShardRows) -> None:
        """Write the rows of a shard to their place; raise `OutputError` if that fails."""
        self._begin()
        if not self._made:
            self._store.make()
            self._made = True
        checksums = []
        for block in self._blocks(finished.shard):
            checksums.append(self._store.write(block.individual, block.first_row, finished.rows[block.chunks]))
        record = {"chunks": finished.shard.n_chunks, "device": finished.device, "sha256": checksums}
        with atomic_writer(self._path(finished.shard)) as file:
            file.write(json.dumps(record).encode())

    def finish(self, shards: Iterable[Shard]) -> StoreContent:
        """Check all rows against the records of their shards; return the checksums of the files.

        Raises
        ------
        OutputError
            Rows were damaged since they were written; the shard is then computed again by the next run.
        """
        devices = set()
        digests = {individual: hashlib.sha256(self._store.header(individual)) for individual in self._tracklets}
        reached = dict.fromkeys(self._tracklets, 0)
        for shard in shards:
            record = self._record(shard)
            devices.add(record["device"])
            for block, checksum in zip(self._blocks(shard), record["sha256"], strict=True):
                content = self._read(block)
                if reached[block.individual] != block.first_row or hashlib.sha256(content).hexdigest() != checksum:
                    raise self._damaged(shard)
                reached[block.individual] = block.stop_row
                digests[block.individual].update(content)
        for individual, chunks in self._tracklets.items():
            if reached[individual] != chunks.n_rows:  # never publish rows that nobody computed
                raise OutputError(f"{individual}: expected {chunks.n_rows} rows, found {reached[individual]}")
        return StoreContent(
            frozenset(devices), {individual: digest.hexdigest() for individual, digest in digests.items()}
        )

    def publish(self, features: Features, content: StoreContent, target: Path) -> None:
        """Complete the store, whose facts are those of `features`, and move it to its place; raise `OutputError`."""
        store = self._folder / _STORE
        write_facts(store, features, content.checksums, self._dtype)
        move_store(store, target, self._folder / _REPLACED)

    def _blocks(self, shard: Shard) -> Iterator[_Block]:
        for chunks, first in zip(shard.chunks, shard.first_chunks, strict=True):
            whole = self._tracklets[chunks.id]
            first_row, stop_row = whole.rows_of_chunks(first, first + chunks.n_chunks)
            in_shard = whole.chunks_of_rows(first_row, stop_row) - first + shard.offsets[chunks.id]
            yield _Block(chunks.id, first_row, stop_row, in_shard)

    def _read(self, block: _Block) -> bytes:
        with disk_errors(self._folder):
            return self._store.read(block.individual, block.first_row, block.stop_row)

    def _record(self, shard: Shard) -> dict[str, Any]:
        record = _read_record(self._path(shard))
        if record is None or record["chunks"] != shard.n_chunks or len(record["sha256"]) != len(shard.chunks):
            raise self._damaged(shard)
        return record

    def _damaged(self, shard: Shard) -> OutputError:
        self._path(shard).unlink(missing_ok=True)
        return OutputError(
            f"{self._path(shard)}: expected what was written, found it damaged",
            hint="check the disk, then {try_again}",
        )

    def _is_intact(self, shard: Shard) -> bool:
        record = _read_record(self._path(shard))
        if record is None or record["chunks"] != shard.n_chunks or len(record["sha256"]) != len(shard.chunks):
            return False
        try:
            return all(
                hashlib.sha256(self._store.read(block.individual, block.first_row, block.stop_row)).hexdigest() == found
                for block, found in zip(self._blocks(shard), record["sha256"], strict=True)
            )
        except OSError:
            return False


def store_fingerprint(fingerprint: Fingerprint, dtype: StoreDtype = StoreDtype.FLOAT32) -> Fingerprint:
    """Return the fingerprint of a job whose shards are kept in a store."""
    of_dtype = "" if dtype is StoreDtype.FLOAT32 else f" of {dtype}"
    return {**fingerprint, "layout": f"{Layout.STORE}{of_dtype}"}


def _read_record(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_bytes())
        valid = isinstance(record["device"], str) and all(isinstance(item, str) for item in record["sha256"])
        return dict(record) if valid and isinstance(record["chunks"], int) else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
