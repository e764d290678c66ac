"""Finished shards of a video whose result is a store: their rows are in the store that is being made, only once."""

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import atomic_writer
from napari_i3d.backbones.registry import I3D
from napari_i3d.batch.checkpoints.checkpoints import STORED, Checkpoints, Fingerprint
from napari_i3d.errors import OutputError
from napari_i3d.extraction.planning.chunks import TrackletChunks
from napari_i3d.extraction.planning.plan import Job
from napari_i3d.extraction.planning.shards import Shard, ShardRows
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import Layout
from napari_i3d.features.io.store import StoreDtype
from napari_i3d.features.io.store_writing import StoreRows, disk_errors, move_store, write_facts
from napari_i3d.individuals import Id

_STORE = "store"
_REPLACED = "replaced"
_TOKEN = "token"
_TOKEN_BYTES = 16


@dataclass(frozen=True)
class _Block:
    """The rows of a shard and an individual, which are consecutive."""

    individual: Id
    first_row: int
    stop_row: int
    chunks: NDArray[np.int64]  # of each row, in the rows of the shard


@dataclass(frozen=True)
class ShardPlaces:
    """Where the rows of shards are in the files of a store."""

    files: StoreRows
    tracklets: dict[Id, TrackletChunks]

    def blocks(self, shard: Shard) -> Iterator[_Block]:
        """Yield the rows of each individual of a shard."""
        for chunks, first in zip(shard.chunks, shard.first_chunks, strict=True):
            whole = self.tracklets[chunks.id]
            first_row, stop_row = whole.rows_of_chunks(first, first + chunks.n_chunks)
            in_shard = whole.chunks_of_rows(first_row, stop_row) - first + shard.offsets[chunks.id]
            yield _Block(chunks.id, first_row, stop_row, in_shard)

    def write(self, finished: ShardRows) -> list[str]:
        """Write the rows of a shard to the disk; return the checksum of each block, or raise `OutputError`."""
        return [
            self.files.write(block.individual, block.first_row, finished.rows[block.chunks])
            for block in self.blocks(finished.shard)
        ]

    def read(self, block: _Block) -> memoryview:
        """Return the bytes of rows, fewer if the file is cut off; raise `OSError`."""
        return self.files.read(block.individual, block.first_row, block.stop_row)

    def hold(self, shard: Shard, checksums: Sequence[str]) -> bool:
        """Return whether the rows of a shard are in the files, with these checksums."""
        try:
            return all(
                hashlib.sha256(self.read(block)).hexdigest() == checksum
                for block, checksum in zip(self.blocks(shard), checksums, strict=True)
            )
        except (OSError, ValueError):
            return False


@dataclass(frozen=True)
class SharedStore:
    """A store that is being made, to which other processes may write rows if they see the same folder.

    A path proves nothing: on another machine it may lead elsewhere, or to a copy. So its folder holds a token.
    """

    folder: Path
    token: str
    places: ShardPlaces

    def of(self, shard: Shard) -> "SharedStore":
        """Return only what the rows of a shard need."""
        tracklets = {chunks.id: self.places.tracklets[chunks.id] for chunks in shard.chunks}
        return replace(self, places=ShardPlaces(self.places.files.only(tracklets), tracklets))

    def write(self, finished: ShardRows) -> list[str]:
        """Write the rows of a shard as `ShardPlaces.write`; raise `OutputError` if this is not the folder."""
        path = self.folder / _TOKEN
        try:
            with path.open("rb") as file:
                found = file.read(2 * _TOKEN_BYTES + 1)
        except OSError as error:
            text = f"{self.folder}: cannot be read ({error.strerror or error})"
            raise OutputError(text, hint="check that it is shared") from error
        if found != self.token.encode():
            raise OutputError(f"{self.folder}: is another folder there", hint="check that it is shared")
        return self.places.write(finished)


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
        tracklets = {chunks.id: chunks for chunks in job.plan.tracklets}
        n_rows = {individual: chunks.n_rows for individual, chunks in tracklets.items()}
        # Absolute, for workers, which have other working folders.
        files = StoreRows(folder.absolute() / _STORE, n_rows, I3D.width, dtype)
        self._places = ShardPlaces(files, tracklets)
        self._made = False

    def save(self, finished: ShardRows) -> None:
        """Write the rows of a shard to their place; raise `OutputError` if that fails."""
        self._begin()
        self._write_record(finished.shard, finished.device, self._places.write(finished))

    def share(self) -> SharedStore:
        """Return the store for processes that may write rows to it; raise `OutputError` if it cannot be made."""
        self._begin()
        token = secrets.token_hex(_TOKEN_BYTES)
        with atomic_writer(self.folder / _TOKEN) as file:
            file.write(token.encode())
        return SharedStore(self.folder.absolute(), token, self._places)

    def accept(self, shard: Shard, device: str, checksums: Sequence[str], *, check: bool) -> bool:
        """Record a shard whose rows another process has written; return whether it did.

        With `check`, the rows are read first, and nothing is recorded if they are not there. Raises `OutputError` if
        the record cannot be written.
        """
        if len(checksums) != len(shard.chunks) or (check and not self._places.hold(shard, checksums)):
            return False
        self._write_record(shard, device, checksums)
        return True

    def finish(self, shards: Iterable[Shard]) -> StoreContent:
        """Check all rows against the records of their shards; return the checksums of the files.

        Raises
        ------
        OutputError
            Rows were damaged since they were written; the shard is then computed again by the next run.
        """
        # A worker that was given up, and comes back, finds the token gone.
        with disk_errors(self.folder):
            (self.folder / _TOKEN).unlink(missing_ok=True)
        files, tracklets, devices = self._places.files, self._places.tracklets, set()
        digests = {individual: hashlib.sha256(files.header(individual)) for individual in tracklets}
        reached = dict.fromkeys(tracklets, 0)
        for shard in shards:
            record = self._record(shard)
            if record is None:
                raise self._damaged(shard)
            devices.add(record["device"])
            for block, checksum in zip(self._places.blocks(shard), record["sha256"], strict=True):
                with disk_errors(self.folder):
                    content = self._places.read(block)
                if reached[block.individual] != block.first_row or hashlib.sha256(content).hexdigest() != checksum:
                    raise self._damaged(shard)
                reached[block.individual] = block.stop_row
                digests[block.individual].update(content)
        for individual, chunks in tracklets.items():
            if reached[individual] != chunks.n_rows:  # never publish rows that nobody computed
                raise OutputError(f"{individual}: expected {chunks.n_rows} rows, found {reached[individual]}")
        checksums = {individual: digest.hexdigest() for individual, digest in digests.items()}
        return StoreContent(frozenset(devices), checksums)

    def publish(self, features: Features, content: StoreContent, target: Path) -> None:
        """Complete the store, whose facts are those of `features`, and move it to its place; raise `OutputError`."""
        store = self.folder / _STORE
        write_facts(store, features, content.checksums, self._dtype)
        move_store(store, target, self.folder / _REPLACED)

    def _begin(self) -> None:
        super()._begin()
        if not self._made:
            self._places.files.make()
            self._made = True

    def _write_record(self, shard: Shard, device: str, checksums: Sequence[str]) -> None:
        record = {"chunks": shard.n_chunks, "device": device, "sha256": list(checksums)}
        with atomic_writer(self._path(shard)) as file:
            file.write(json.dumps(record).encode())

    def _record(self, shard: Shard) -> dict[str, Any] | None:
        """Return the record of a shard; None if there is none that fits."""
        try:
            record = json.loads(self._path(shard).read_bytes())
            valid = isinstance(record["device"], str) and all(isinstance(item, str) for item in record["sha256"])
            fits = record["chunks"] == shard.n_chunks and len(record["sha256"]) == len(shard.chunks)
            return dict(record) if valid and fits else None
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def _damaged(self, shard: Shard) -> OutputError:
        self._path(shard).unlink(missing_ok=True)
        return OutputError(
            f"{self._path(shard)}: expected what was written, found it damaged",
            hint="check the disk, then {try_again}",
        )

    def _is_intact(self, shard: Shard) -> bool:
        record = self._record(shard)
        return record is not None and self._places.hold(shard, record["sha256"])


def store_fingerprint(fingerprint: Fingerprint, dtype: StoreDtype = StoreDtype.FLOAT32) -> Fingerprint:
    """Return the fingerprint of a job whose shards are kept in a store."""
    of_dtype = "" if dtype is StoreDtype.FLOAT32 else f" of {dtype}"
    return {**fingerprint, "layout": f"{Layout.STORE}{of_dtype}"}
