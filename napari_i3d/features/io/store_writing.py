"""Write stores: rows go to their place in any order, a block at a time, and the folder appears when it is complete."""

import contextlib
import copy
import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from io import RawIOBase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import atomic_writer, sha256_of
from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d.errors import FeaturesError, OutputError
from napari_i3d.features.features import Features
from napari_i3d.features.io.sidecar import sidecar_facts
from napari_i3d.features.io.store import (
    FACTS_NAME,
    STORE_FORMAT,
    STORE_VERSION,
    StoreDtype,
    facts_digest,
    is_store,
    npy_header,
    store_file_name,
)
from napari_i3d.features.pieces import place_of
from napari_i3d.features.row_blocks import Rows, row_blocks
from napari_i3d.individuals import Id

# Several machines may write to one file, side by side in one page of memory: for writing only, and with O_DSYNC, NFS
# sends just the bytes that were written, never the whole page.
_WRITING = os.O_WRONLY | getattr(os, "O_DSYNC", 0) | getattr(os, "O_BINARY", 0)
_FLOAT16_MAX = float(np.finfo(np.float16).max)


class StoreRows:
    """The files of a store's individuals while rows are written to them.

    Parameters
    ----------
    folder
        Where they are.
    n_rows
        Number of rows of each individual, in order.
    n_values
        Number of values in a row.
    dtype
        The numbers that the files hold.
    """

    def __init__(
        self, folder: Path, n_rows: Mapping[Id, int], n_values: int, dtype: StoreDtype = StoreDtype.FLOAT32
    ) -> None:
        self._folder = folder
        self._dtype = dtype
        self._row_bytes = n_values * dtype.numpy.itemsize
        self._n_rows = dict(n_rows)
        self._paths = {i: folder / store_file_name(number, i) for number, i in enumerate(n_rows)}
        self._headers = {i: npy_header(n, n_values, dtype) for i, n in n_rows.items()}

    def make(self) -> None:
        """Make the files at their full length, keeping the rows in those that exist; raise `OutputError`."""
        with disk_errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            for individual, path in self._paths.items():
                header = self._headers[individual]
                with path.open("r+b" if path.exists() else "w+b") as file:
                    file.write(header)
                    file.truncate(len(header) + self._row_bytes * self._n_rows[individual])

    def write(self, individual: Id, first_row: int, rows: NDArray[np.float32]) -> str:
        """Write rows to the disk; return the checksum of what the file holds of them.

        Raises
        ------
        FeaturesError
            A value is too large for float16.
        OutputError
            The file cannot be written.
        """
        content = self._encoded(individual, first_row, rows).data.cast("B") if len(rows) else b""
        path = self._paths[individual]
        with disk_errors(path), os.fdopen(os.open(path, _WRITING), "wb", buffering=0) as file:
            file.seek(len(self._headers[individual]) + self._row_bytes * first_row)
            _write_bytes(file, content)
            os.fsync(file.fileno())
        return hashlib.sha256(content).hexdigest()

    def write_all(self, individual: Id, blocks: Iterable[NDArray[np.float32]]) -> Steps[str]:
        """Write all rows of an individual, from the first on; return the checksum of its file; errors as `write`."""
        digest, first_row = hashlib.sha256(self._headers[individual]), 0
        path = self._paths[individual]
        with disk_errors(path), path.open("r+b", buffering=0) as file:
            file.seek(len(self._headers[individual]))
            for rows in blocks:
                content = self._encoded(individual, first_row, rows).data.cast("B")
                _write_bytes(file, content)
                digest.update(content)
                first_row += len(rows)
                yield Step(first_row, self._n_rows[individual], f"writing {individual}")
            os.fsync(file.fileno())
        return digest.hexdigest()

    def read(self, individual: Id, first_row: int, stop_row: int) -> memoryview:
        """Return the bytes of rows, fewer if the file is cut off; raise `OSError`."""
        content = memoryview(bytearray(self._row_bytes * (stop_row - first_row)))
        with self._paths[individual].open("rb", buffering=0) as file:
            file.seek(len(self._headers[individual]) + self._row_bytes * first_row)
            done = 0
            while done < len(content) and (count := file.readinto(content[done:])):
                done += count
        return content[:done]

    def only(self, individuals: Iterable[Id]) -> "StoreRows":
        """Return the files of some individuals."""
        some = copy.copy(self)
        kept = list(individuals)
        some._n_rows = {individual: self._n_rows[individual] for individual in kept}
        some._paths = {individual: self._paths[individual] for individual in kept}
        some._headers = {individual: self._headers[individual] for individual in kept}
        return some

    def header(self, individual: Id) -> bytes:
        """Return the beginning of an individual's file."""
        return self._headers[individual]

    def _encoded(self, individual: Id, first_row: int, rows: NDArray[np.float32]) -> Rows:
        with np.errstate(over="ignore"):  # found below
            encoded = np.ascontiguousarray(rows, self._dtype.numpy)
        if self._dtype is StoreDtype.FLOAT16:
            too_large = np.isinf(encoded) & np.isfinite(rows)
            if too_large.any():
                row, column = np.argwhere(too_large)[0]
                raise FeaturesError(
                    f"{individual}: row {first_row + row}: expected values up to {_FLOAT16_MAX:g}, the largest of "
                    f"float16, found {rows[row, column]:g}",
                    hint="use {store_dtype=float32}",
                )
        return encoded


@long_call
def write_store(path: Path, features: Features, dtype: StoreDtype = StoreDtype.FLOAT32) -> Steps[None]:
    """Write features as a store, a block of rows at a time; an existing store of this name is replaced.

    Raises
    ------
    FeaturesError
        Frames that do not ascend, rows of different widths, or a value too large for float16.
    OutputError
        The folder cannot be written, or holds something else.
    """
    width = _width(features)
    for individual, frames in features.frames.items():
        if not np.isfinite(frames).all() or (np.diff(frames) <= 0).any():
            raise FeaturesError(f"{individual}: expected frames that ascend from row to row, found others")
    work = path.with_name(f".napari_i3d-{secrets.token_hex(8)}.part")
    try:
        n_rows = {individual: len(rows) for individual, rows in features.items()}
        store = StoreRows(work / path.name, n_rows, width, dtype)
        store.make()
        checksums = {}
        for individual, rows in features.items():
            checksums[individual] = yield from store.write_all(individual, row_blocks(rows))
        write_facts(work / path.name, features, checksums, dtype)
        move_store(work / path.name, path, work / "replaced")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write_joined_store(
    folder: Path, whole: Features, pieces: Iterable[Features], dtype: StoreDtype = StoreDtype.FLOAT32
) -> Steps[None]:
    """Write what `join_pieces` describes, from one piece after another, into a folder that nobody else sees.

    Errors as in `write_store`.
    """
    store = StoreRows(folder, {i: len(rows) for i, rows in whole.items()}, _width(whole), dtype)
    store.make()
    done, total = 0, sum(map(len, whole.values()))
    for piece in pieces:
        for individual, rows in piece.items():
            at = place_of(whole.frames.get(individual), piece.frames.get(individual))
            for block in row_blocks(rows):
                store.write(individual, at, block)
                at += len(block)
                done += len(block)
                yield Step(done, total, "joining")
    names = [store_file_name(number, individual) for number, individual in enumerate(whole)]
    with disk_errors(folder):
        checksums = {i: sha256_of(folder / name) for i, name in zip(whole, names, strict=True)}
    write_facts(folder, whole, checksums, dtype)


def write_facts(
    folder: Path, features: Features, checksums: Mapping[Id, str], dtype: StoreDtype = StoreDtype.FLOAT32
) -> None:
    """Write ``features.json`` of a store whose rows are written; raise `OutputError`."""
    facts: dict[str, Any] = sidecar_facts(features, list(features), {})
    for entry in facts["individuals"]:
        individual = entry["id"]
        entry["values"] = features[individual].shape[1]
        entry["sha256"] = checksums[individual]
    facts |= {"format": STORE_FORMAT, "version": STORE_VERSION, "layout": "store", "dtype": str(dtype)}
    facts = json.loads(json.dumps(facts))
    with atomic_writer(folder / FACTS_NAME) as file:
        file.write(json.dumps({**facts, "sha256": facts_digest(facts)}, indent=1).encode())


def check_store_place(target: Path) -> None:
    """Check, before long work, that a store can take a name: nothing else is there that it would replace.

    Raises `OutputError`. A store whose ``features.json`` is missing counts as something else: it may be the user's.
    """
    if target.exists() and not is_store(target):
        found = f"a folder without {FACTS_NAME}" if target.is_dir() else "a file"
        raise OutputError(
            f"{target}: expected nothing or a store, found {found}", hint="move it away, or choose another name"
        )


def move_store(work: Path, target: Path, replaced: Path) -> None:
    """Move a complete store to its place, and the store that is there to `replaced`; raise `OutputError`."""
    check_store_place(target)
    with disk_errors(target):
        if target.exists():
            shutil.rmtree(replaced, ignore_errors=True)  # of a run that was killed when its store was in place
            target.rename(replaced)
        try:
            work.rename(target)
        except OSError:
            with contextlib.suppress(OSError):
                replaced.rename(target)
            raise
        _sync_folder(target.parent)


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Raise `OutputError` for an error of the disk."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
        hint = "make room on the disk, then {try_again}" if full else "choose another place"
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})", hint=hint) from error


def _width(features: Features) -> int:
    widths = {rows.shape[1] for rows in features.values()}
    if len(widths) > 1:
        raise FeaturesError(f"expected rows of one width, found {' and '.join(map(str, sorted(widths)))} values")
    return int(max(widths, default=1))


def _write_bytes(file: RawIOBase, content: memoryview | bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, if the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
