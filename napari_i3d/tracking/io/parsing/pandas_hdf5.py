"""Read a pandas table of numbers from an HDF5 file without pandas, whose reader unpickles data from the file.

pandas stores a table in one of two layouts. "fixed": one array for each kind of number, the names of its columns as
arrays of text. "table": records with one field for each kind of number, the names pickled in attributes, which are read
by the restricted unpickler.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import TrackingError
from napari_i3d.safe_loading import unpickler
from napari_i3d.safe_loading.hdf5 import Hdf5File

_MOST_COLUMNS = 100_000


@dataclass(frozen=True, eq=False)
class NumberTable:
    """A table of numbers.

    Attributes
    ----------
    columns
        The names of each column, one for each level.
    values
        Shape (rows, columns), floating.
    index
        Shape (rows,): numbers of the rows; None: the rows have names instead.
    """

    columns: tuple[tuple[str, ...], ...]
    values: NDArray[np.floating[Any]]
    index: NDArray[np.int64] | None


def table_keys(file: Hdf5File) -> list[str]:
    """Return the names of the pandas tables in a file."""
    return [name for name in file.names() if _text(file.attribute(name, "pandas_type")).startswith("frame")]


def read_table(file: Hdf5File, key: str) -> NumberTable:
    """Read a table by its name in the file.

    Raises
    ------
    TrackingError
        It is damaged, has no numbers, or asks for anything but containers, numbers and text.
    """
    if _text(file.attribute(key, "pandas_type")) == "frame_table":
        blocks, index = _table_blocks(file, key)
    else:
        blocks, index = _fixed_blocks(file, key)
    columns = [name for names, _ in blocks for name in names]
    if not blocks or len(columns) > _MOST_COLUMNS:
        raise TrackingError(f"expected a table with columns of numbers, found {len(columns)} columns")
    if len(set(columns)) != len(columns):
        raise TrackingError("two columns of the table have the same names")
    for names, values in blocks:
        if values.ndim != 2 or values.shape[1] != len(names) or values.dtype.kind not in "iuf":
            raise TrackingError(f"expected {len(names)} columns of numbers, found shape {values.shape}")
        if len(values) != len(blocks[0][1]) or (index is not None and len(index) != len(values)):
            raise TrackingError("the columns of the table have different numbers of rows")
    arrays = [values if values.dtype.kind == "f" else values.astype(np.float64) for _, values in blocks]
    return NumberTable(tuple(columns), arrays[0] if len(arrays) == 1 else np.hstack(arrays), index)


_Blocks = list[tuple[list[tuple[str, ...]], NDArray[Any]]]


def _table_blocks(file: Hdf5File, key: str) -> tuple[_Blocks, NDArray[np.int64] | None]:
    path = f"{key}/table"
    records = file.read_records(path, ())
    blocks: _Blocks = []
    for field in records.dtype.names or ():
        if field.startswith("values_block_"):
            names = _unpickled(file.attribute(path, f"{field}_kind"))
            blocks.append(([_column(name) for name in names], records[field].reshape(len(records), -1)))
    numbered = "index" in (records.dtype.names or ()) and records.dtype["index"].kind in "iu"
    return blocks, records["index"].astype(np.int64) if numbered else None


def _fixed_blocks(file: Hdf5File, key: str) -> tuple[_Blocks, NDArray[np.int64] | None]:
    blocks: _Blocks = []
    count = file.attribute(key, "nblocks")
    for number in range(min(int(count), 64) if isinstance(count, int | np.integer) else 0):
        path = f"{key}/block{number}_values"
        values = file.read(path)
        # pandas keeps columns first, and notes that PyTables was given rows first.
        rows_first = file.attribute(path, "transposed")
        blocks.append((_axis(file, f"{key}/block{number}_items"), values if rows_first else values.T))
    index = f"{key}/axis1"
    numbered = file.shape(index) is not None and file.dtype(index).kind in "iu"
    return blocks, file.read(index).astype(np.int64) if numbered else None


def _axis(file: Hdf5File, path: str) -> list[tuple[str, ...]]:
    if path in file:
        return [(name,) for name in file.texts(path)]
    levels: list[list[str]] = []
    while f"{path}_level{len(levels)}" in file and len(levels) < 8:
        level = len(levels)
        names = file.texts(f"{path}_level{level}")
        codes = file.read(f"{path}_label{level}")
        if codes.ndim != 1 or codes.dtype.kind not in "iu" or not ((codes >= 0) & (codes < len(names))).all():
            raise TrackingError("the names of the table's columns are damaged")
        levels.append([names[code] for code in codes.tolist()])
    return list(zip(*levels, strict=True))


def _unpickled(value: Any) -> list[Any]:
    if not isinstance(value, bytes):
        raise TrackingError("the names of the table's columns are missing")
    names = unpickler.load(io.BytesIO(value), "names of columns", TrackingError, encoding="latin1")
    if not isinstance(names, list):
        raise TrackingError("the names of the table's columns are damaged")
    return names


def _column(name: Any) -> tuple[str, ...]:
    return tuple(map(str, name)) if isinstance(name, tuple) else (str(name),)


def _text(value: Any) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)
