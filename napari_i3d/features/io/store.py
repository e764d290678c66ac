"""The store: a folder with one memory-mappable ``.npy`` for each individual, float32 or float16, and ``features.json``.

It is for features larger than memory: opening it reads no rows. The folder appears only when it is complete. Names of
files follow from number and id of the individuals, so that no path is ever taken from ``features.json``.
"""

import contextlib
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import sha256_of
from napari_i3d._utils.text import format_path, printable
from napari_i3d.errors import FeaturesError
from napari_i3d.features.features import Features
from napari_i3d.features.io.frame_runs import from_runs
from napari_i3d.features.io.sidecar import LARGEST_NUMBER
from napari_i3d.features.row_blocks import Rows
from napari_i3d.individuals import Id

STORE_SUFFIX = ".features"


class StoreDtype(StrEnum):
    """Numbers that a store holds."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    """Half the size; rounded to 11 significant bits, by at most 0.05 % or 3e-8, whichever is larger."""

    @property
    def numpy(self) -> "np.dtype[Any]":
        """The dtype of the files."""
        return np.dtype("<f4" if self is StoreDtype.FLOAT32 else "<f2")


STORE_ABOVE_GB = 2.0
"""Larger features become a store unless a layout is chosen: 2.3 hours of an individual at 30 rows a second."""
FACTS_NAME = "features.json"
STORE_FORMAT = "napari_i3d feature store"
STORE_VERSION = 1
_MOST_FACTS_BYTES = 1 << 26
_MOST_VALUES = 1 << 20
_HINT = "was it copied completely?"


def store_path(path: str | Path) -> Path:
    """Return the folder of the store that a features file would be: ``day1.npy`` becomes ``day1.features``."""
    path = Path(path)
    return path if path.suffix.lower() == STORE_SUFFIX else path.with_name(path.stem + STORE_SUFFIX)


def is_store(path: Path) -> bool:
    """Return whether a path is a folder with the facts of a store."""
    try:
        return path.is_dir() and (path / FACTS_NAME).is_file()
    except OSError:
        return False


def store_file_name(number: int, individual: Id) -> str:
    """Return the name of an individual's file: its number, and what of its id any file system can hold."""
    text = re.sub(r"[^A-Za-z0-9_-]", "_", str(individual))[:40]
    return f"{number}_{text}.npy" if text else f"{number}.npy"


def read_store(folder: Path) -> Features:
    """Open a store: rows are read-only views of its files, and read when they are used.

    Raises
    ------
    FeaturesError
        Not a store, or damaged: files that are missing, of another size than stated, or not from this store.
    """
    name = format_path(folder.name)
    facts = _read_facts(folder)
    try:
        entries = facts["individuals"]
        if not isinstance(entries, list):
            raise TypeError("individuals that are no list")
        ids = [_id(entry["id"]) for entry in entries]
        if len({(type(i), i) for i in ids}) < len(ids) or len(set(ids)) < len(ids):
            raise ValueError("two individuals of one id")
        _check_names(folder, [store_file_name(number, i) for number, i in enumerate(ids)])
        dtype = StoreDtype(facts.get("dtype", StoreDtype.FLOAT32))
        rows: dict[Id, Rows] = {}
        frames: dict[Id, NDArray[np.float64]] = {}
        starts: dict[Id, NDArray[np.int64]] = {}
        for number, (individual, entry) in enumerate(zip(ids, entries, strict=True)):
            n_rows = _whole(entry["rows"])
            path = folder / store_file_name(number, individual)
            rows[individual] = _open_rows(path, n_rows, _whole(entry["values"]), dtype)
            # After the file was found to have as many rows.
            for key, kind, kept in (("frames", np.float64, frames), ("chunk_starts", np.int64, starts)):
                if entry[key] is not None:
                    kept[individual] = from_runs(entry[key], n_rows, kind)
            if individual in frames and (np.diff(frames[individual]) <= 0).any():
                raise ValueError("frames that do not ascend")
            if individual in starts and (np.diff(starts[individual]) < 0).any():
                raise ValueError("chunks that do not ascend")
        first, last = (
            {i: _whole(e[key]) for i, e in zip(ids, entries, strict=True) if e[key] is not None}
            for key in ("first_frame", "last_frame")
        )
        if any(first[i] > last[i] for i in first if i in last):
            raise ValueError("a last frame before the first")
        fps, provenance = facts["fps"], facts["provenance"]
        valid_rate = isinstance(fps, int | float) and not isinstance(fps, bool) and 0 < fps < float("inf")
        if not isinstance(provenance, dict) or not (fps is None or valid_rate):
            raise ValueError("no provenance or frame rate")
        return Features(rows, frames, starts, first, last, fps, provenance)
    except OSError as error:
        raise FeaturesError(f"{name}: cannot be read ({error.strerror or error})", hint=_HINT) from error
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        reason = str(error) if isinstance(error, ValueError) else repr(error)  # a KeyError is only the name
        raise FeaturesError(f"{name}: damaged ({printable(reason, 120)})", hint=_HINT) from error


def verify_store(folder: Path) -> str:
    """Return the name of the first file whose content is not what was written; "" if all are.

    Raises `FeaturesError` as `read_store`, and `OSError`.
    """
    facts = _read_facts(folder)
    read_store(folder)
    for number, entry in enumerate(facts["individuals"]):
        name = store_file_name(number, entry["id"])
        if sha256_of(folder / name) != entry.get("sha256"):
            return name
    return ""


def read_store_facts(folder: Path) -> dict[str, Any]:
    """Return what ``features.json`` states, unchecked but for its format; errors as `read_store`."""
    return _read_facts(folder)


def facts_digest(facts: Mapping[str, Any]) -> str:
    """Return the checksum of all facts but the checksum itself."""
    text = json.dumps({key: value for key, value in facts.items() if key != "sha256"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def npy_header(n_rows: int, n_values: int, dtype: StoreDtype) -> bytes:
    """Return the beginning of an individual's file, up to its rows."""
    import io

    file = io.BytesIO()
    shape = {"descr": dtype.numpy.str, "fortran_order": False, "shape": (n_rows, n_values)}
    np.lib.format.write_array_header_1_0(file, shape)
    return file.getvalue()


def _read_facts(folder: Path) -> dict[str, Any]:
    name = format_path(folder.name)
    try:
        with _plain_file(folder / FACTS_NAME) as file:
            if os.fstat(file.fileno()).st_size > _MOST_FACTS_BYTES:
                raise ValueError(f"more than {_MOST_FACTS_BYTES >> 20} MB")
            facts = json.loads(file.read(_MOST_FACTS_BYTES + 1))
        if not isinstance(facts, dict) or facts.get("format") != STORE_FORMAT:
            raise ValueError("not the facts of a store")
        version = facts.get("version")
        if version != STORE_VERSION:
            raise FeaturesError(
                f"{name}: expected version {STORE_VERSION} of the store, found {printable(str(version), 20)}",
                hint="update napari_i3d",
            )
        if facts.get("sha256") != facts_digest(facts):
            raise ValueError("changed since it was written")
    except FileNotFoundError as error:
        raise FeaturesError(f"{name}: expected a store of features, found no {FACTS_NAME} in it", hint=_HINT) from error
    except OSError as error:
        raise FeaturesError(f"{name}: cannot be read ({error.strerror or error})", hint=_HINT) from error
    except (ValueError, TypeError, RecursionError) as error:
        text = f"{name}: {FACTS_NAME} is damaged ({printable(str(error), 120)})"
        raise FeaturesError(text, hint=_HINT) from error
    return facts


@contextlib.contextmanager
def _plain_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is no link, device or pipe, all of which may lead elsewhere or never end."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError(f"{printable(path.name, 60)} is no plain file")
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError(f"{printable(path.name, 60)} is no plain file")
        yield file


def _check_names(folder: Path, names: list[str]) -> None:
    found = {entry.name for entry in os.scandir(folder) if entry.name.endswith(".npy")}
    if missing := [name for name in names if name not in found]:
        raise ValueError(f"{missing[0]} is missing")
    if extra := sorted(found - set(names)):
        raise ValueError(f"{printable(extra[0], 60)} belongs to no individual")


def _open_rows(path: Path, n_rows: int, n_values: int, dtype: StoreDtype) -> Rows:
    """Map the rows of an individual, after checking that its file is exactly what the facts state."""
    if not 0 < n_values <= _MOST_VALUES:
        raise ValueError(f"rows of {n_values} values")
    header = npy_header(n_rows, n_values, dtype)
    with _plain_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if file.read(len(header)) != header:
            raise ValueError(f"{path.name} is no array of {n_rows} rows of {n_values} {dtype}")
        if size != len(header) + dtype.numpy.itemsize * n_rows * n_values:
            raise ValueError(f"{path.name} has {size} bytes, which are not {n_rows} rows")
        if not n_rows:
            return np.empty((0, n_values), dtype.numpy)
        # Not a memmap: what is computed from rows is an ordinary array.
        return np.asarray(np.memmap(file, dtype.numpy, "r", len(header), (n_rows, n_values)))


def _id(value: object) -> Id:
    if isinstance(value, bool) or not isinstance(value, str | int) or (isinstance(value, int) and abs(value) >= 10**18):
        raise ValueError("an id that is neither text nor a whole number")
    return value


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_NUMBER:
        return value
    raise ValueError("a number that is not whole")
