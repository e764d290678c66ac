"""Rows as float32, a block at a time, whether they are in memory or in a mapped file, of float32 or float16."""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32 | np.float16]

_BLOCK_ROWS = 4096
_SCATTERED_ROWS = 32
"""The system may map up to 2 MB of a file around each row that is read."""


def read_rows(rows: Rows, start: int, stop: int) -> NDArray[np.float32]:
    """Return rows `start` to `stop` as float32: a view of float32 in memory, otherwise a copy.

    Pages of a mapped file are given back to the system at once, so that a process holds no more of the file than a
    block.
    """
    mapping = mapping_of(rows)
    if mapping is None:
        return rows[start:stop].astype(np.float32, copy=False)
    block = np.array(rows[start:stop], np.float32, order="C")
    _give_back(mapping)
    return block


def take_rows(rows: Rows, numbers: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the rows of these numbers as float32; as `read_rows`, but always a copy."""
    mapping = mapping_of(rows)
    if mapping is None:
        return np.asarray(rows[numbers], np.float32)
    taken = np.empty((len(numbers), rows.shape[1]), np.float32)
    for start in range(0, len(numbers), _SCATTERED_ROWS):
        here = slice(start, start + _SCATTERED_ROWS)
        taken[here] = rows[numbers[here]]
        _give_back(mapping)
    return taken


def row_blocks(rows: Rows, size: int = _BLOCK_ROWS) -> Iterator[NDArray[np.float32]]:
    """Yield all rows in order, at most `size` at once, as contiguous float32."""
    for start in range(0, len(rows), size):
        yield np.ascontiguousarray(read_rows(rows, start, start + size))


def mapping_of(rows: NDArray[Any]) -> mmap.mmap | None:
    """Return the mapped file that an array is a view of; None if it is in memory."""
    base: object = rows
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    return base if isinstance(base, mmap.mmap) else None


@dataclass(frozen=True, eq=False)
class PlacedRows:
    """Rows with rows of zeros before and after them, which are made as they are written.

    Attributes
    ----------
    rows : (N, D) float32 or float16
    first_row
        Number of rows of zeros before the first.
    n_rows
        Number of all rows; None: no rows of zeros after the last.
    """

    rows: Rows
    first_row: int = 0
    n_rows: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows, with those of zeros, and of values in a row."""
        n_rows = self.first_row + len(self.rows) if self.n_rows is None else self.n_rows
        return n_rows, int(self.rows.shape[1])

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield all rows in order, some at once, as contiguous float32."""
        yield from self._zeros(self.first_row)
        yield from row_blocks(self.rows)
        yield from self._zeros(self.shape[0] - self.first_row - len(self.rows))

    def _zeros(self, count: int) -> Iterator[NDArray[np.float32]]:
        for start in range(0, count, _BLOCK_ROWS):
            yield np.zeros((min(_BLOCK_ROWS, count - start), self.rows.shape[1]), np.float32)


def _give_back(mapping: mmap.mmap) -> None:
    """Drop the pages of a mapped file from this process; they are read again when they are needed."""
    if hasattr(mapping, "madvise") and hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
        mapping.madvise(mmap.MADV_DONTNEED)
