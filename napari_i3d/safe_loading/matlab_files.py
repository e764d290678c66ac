"""Reading Matlab's files (version 5) from strangers.

scipy's reader is not used: it crashes on damaged files. Only what stands in the file is read, arrays of numbers and
text, cells and structs; what it unpacks to is limited.
"""

import math
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import printable
from napari_i3d.errors import NapariI3DError

SIGNATURE = b"MATLAB 5.0 MAT-file"
_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHARACTERS, _OBJECT = 1, 2, 4, 17
_NUMBERS = range(6, 16)  # doubles, singles, and whole numbers of 8 to 64 bits
_COMPLEX = 0x800
_DTYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_UTF8 = 16
_TEXTS = {_UTF8: "utf-8", 17: "utf-16", 18: "utf-32"}
_ENDIAN = {"<": "-le", ">": "-be"}
_CLASSES = dict(zip(_NUMBERS, ("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"), strict=True))
_FREE_BYTES = 128 << 20
_RATIO = 16
_START_BYTES = 1024  # of an element, packed or not
_NAME_BYTES = 128  # in which the name lies, after flags and dimensions
_MOST_VARIABLES = 1000
_MOST_ARRAYS = 2_000_000
_MOST_DEPTH = 8
_MOST_FIELDS = 1000


def read_matlab(path: Path, names: list[str], error: type[NapariI3DError]) -> dict[str, Any]:
    """Read variables by name, those that there are.

    Numbers and text are arrays; a row of text is an array (1,) of it. Cells are arrays of objects, structs arrays of
    records of objects. Functions, objects and sparse arrays are left out.

    Raises
    ------
    NapariI3DError
        As an `error`: the file is damaged, or unpacks to far more than its size.
    """
    try:
        data = path.read_bytes()
        limit, found = max(_FREE_BYTES, _RATIO * len(data)), {}
        order = "<" if data[126:128] == b"IM" else ">"
        if len(data) < _HEADER_BYTES:
            raise ValueError("no header")
        for element in _elements(data, limit, error):
            reader = _Reader(element, order)
            name = reader.name()
            if name in names:
                value = reader.value()
                if value is not None:
                    found[name] = value
    except (OSError, ValueError, OverflowError, MemoryError, struct.error, zlib.error) as damage:
        reason = printable(" ".join(str(damage).split()) or type(damage).__name__, 120)
        raise error(f"not a whole Matlab file ({reason}); was it copied completely?") from damage
    return found


def _elements(data: bytes, limit: int, error: type[NapariI3DError]) -> Iterator[bytes]:
    """Yield the arrays of a file, unpacked, with their tags."""
    position, total = _HEADER_BYTES, 0
    while position < len(data):
        kind, size = _tag(data[position : position + 8], data[:_HEADER_BYTES])
        stop = position + 8 + size
        if stop > len(data):
            raise ValueError("an array is cut off")
        if kind == _COMPRESSED:
            unpacker = zlib.decompressobj()
            unpacked = unpacker.decompress(data[position + 8 : stop], limit - total + 1)
            total += len(unpacked)
            if total > limit:
                raise error(f"a file of {len(data)} bytes that unpacks to more than {limit}; is it damaged?")
            if not unpacker.eof:
                raise ValueError("a packed array is cut off")
            yield unpacked
        elif kind == _MATRIX:
            yield data[position:stop]
        position = stop


class _Reader:
    """An array with its tag, and those within it."""

    def __init__(self, data: bytes, order: str) -> None:
        self._data, self._order = data, order
        self._two = struct.Struct(f"{order}II")
        self._n_arrays = 0

    def name(self) -> str:
        """Return the name; empty if there is none, or for objects of classes, which are stored in another way."""
        _, start, stop, _ = self._element(0, len(self._data))
        if start == stop:
            return ""
        _, flags, _, _ = self._element(start, stop)
        is_object = self._two.unpack_from(self._data, flags)[0] & 0xFF == _OBJECT
        return "" if is_object else self._head(start, stop)[2]

    def value(self) -> Any:
        """Return the content; None if it is of a kind that is not read."""
        kind, start, stop, _ = self._element(0, len(self._data))
        return self._array(kind, start, stop, 0)

    def _element(self, at: int, end: int) -> tuple[int, int, int, int]:
        """Return kind, start and stop of an element, and where the next one begins."""
        if at + 8 > end:
            raise ValueError("an element is cut off")
        kind, size = self._two.unpack_from(self._data, at)
        if kind >> 16:  # up to four bytes in the tag itself
            size, kind = kind >> 16, kind & 0xFFFF
            if size > 4:
                raise ValueError("an element is too long")
            return kind, at + 4, at + 4 + size, at + 8
        stop = at + 8 + size
        if stop > end:
            raise ValueError("an element is cut off")
        return kind, at + 8, stop, min(stop + -size % 8, end)

    def _head(self, start: int, stop: int) -> tuple[int, tuple[int, ...], str, int]:
        """Return flags, shape and name of an array, and where its content begins."""
        _, flags, flags_stop, at = self._element(start, stop)
        if flags_stop - flags != 8:
            raise ValueError("an array has no flags")
        kind, first, last, at = self._element(at, stop)
        shape = tuple(self._whole_numbers(kind, first, last)) if last - first <= 128 else ()
        _, first, last, at = self._element(at, stop)
        name = self._data[first:last].decode("latin-1")
        if len(shape) < 2 or min(shape) < 0:
            raise ValueError("an array has no shape")
        return self._two.unpack_from(self._data, flags)[0], shape, name, at

    def _array(self, kind: int, start: int, stop: int, depth: int) -> Any:
        self._n_arrays += 1
        if kind != _MATRIX or depth > _MOST_DEPTH or self._n_arrays > _MOST_ARRAYS:
            raise ValueError(f"expected at most {_MOST_ARRAYS} arrays, nested {_MOST_DEPTH} times, found others")
        if start == stop:
            return np.empty((0, 0))
        flags, shape, _, at = self._head(start, stop)
        count = math.prod(shape)
        if flags & 0xFF == _CELL:
            cells = np.empty(self._counted(count, stop - at), object)
            cells[:], _ = self._arrays(count, at, stop, depth)
            return cells.reshape(shape, order="F")
        if flags & 0xFF == _STRUCT:
            return self._records(shape, at, stop, depth)
        if flags & 0xFF not in (*_NUMBERS, _CHARACTERS) or flags & _COMPLEX:
            return None
        kind, first, last, _ = self._element(at, stop)
        if flags & 0xFF == _CHARACTERS:
            return self._text(kind, first, last, shape)
        values = self._numbers(kind, first, last)
        if values.size != count:
            raise ValueError(f"an array of shape {shape} has {values.size} numbers")
        return values.astype(_CLASSES[flags & 0xFF]).reshape(shape, order="F")

    def _counted(self, count: int, n_bytes: int) -> int:
        if count * 8 > n_bytes:
            raise ValueError(f"{count} arrays in {n_bytes} bytes")
        return count

    def _arrays(self, count: int, at: int, stop: int, depth: int) -> tuple[list[Any], int]:
        found = []
        for _ in range(count):
            kind, first, last, at = self._element(at, stop)
            found.append(self._array(kind, first, last, depth + 1))
        return found, at

    def _records(self, shape: tuple[int, ...], at: int, stop: int, depth: int) -> NDArray[Any]:
        kind, first, last, at = self._element(at, stop)
        width = next(iter(self._whole_numbers(kind, first, last)), 0)
        _, first, last, at = self._element(at, stop)
        if not 0 < width <= 1024 or (last - first) // width > _MOST_FIELDS:
            raise ValueError("a struct has no names of fields")
        names = [
            self._data[place : place + width].split(b"\0")[0].decode("latin-1") for place in range(first, last, width)
        ]
        if len(set(names)) < len(names) or not all(names):
            raise ValueError("a struct has fields without different names")
        count = math.prod(shape)
        values, _ = self._arrays(self._counted(count * len(names), stop - at), at, stop, depth)
        records = np.empty(count, [(name, object) for name in names])
        for place, name in enumerate(names):
            column = np.empty(count, object)
            column[:] = values[place :: len(names)]
            records[name] = column
        return records.reshape(shape, order="F")

    def _text(self, kind: int, first: int, last: int, shape: tuple[int, ...]) -> NDArray[Any]:
        if kind in _TEXTS:
            text = self._data[first:last].decode(_TEXTS[kind] + _ENDIAN[self._order] * (kind > _UTF8))
        else:
            text = "".join(map(chr, self._whole_numbers(kind, first, last)))
        if len(text) != math.prod(shape):
            raise ValueError(f"text of shape {shape} has {len(text)} characters")
        if not text:
            return np.empty(0, "U1")
        # Text of several rows is stored column by column.
        return np.array([text[row :: shape[0]] for row in range(shape[0])])

    def _whole_numbers(self, kind: int, first: int, last: int) -> list[int]:
        numbers = self._numbers(kind, first, last)
        if numbers.dtype.kind not in "iu":
            raise ValueError("expected whole numbers")
        found: list[int] = numbers.tolist()
        return found

    def _numbers(self, kind: int, first: int, last: int) -> NDArray[Any]:
        if kind not in _DTYPES:
            raise ValueError(f"numbers of an unknown kind, {kind}")
        return np.frombuffer(self._data[first:last], np.dtype(self._order + _DTYPES[kind]))


def has_variable(path: Path, name: bytes) -> bool:
    """Whether a file of version 5 seems to have a variable of this short name; false on whatever damage."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
            for _ in range(_MOST_VARIABLES):
                kind, size = _tag(file.read(8), header)
                start = file.read(min(size, _START_BYTES))
                if kind == _COMPRESSED:
                    start = zlib.decompressobj().decompress(start, _START_BYTES)
                if name in start[:_NAME_BYTES]:
                    return True
                file.seek(size - min(size, _START_BYTES), os.SEEK_CUR)
    except (OSError, ValueError, zlib.error):
        pass
    return False


def _tag(data: bytes, header: bytes) -> tuple[int, int]:
    """Return the kind and the size of an element; a ValueError at the end of the file."""
    if len(data) < 8:
        raise ValueError("no further element")
    if header[126:128] == b"IM":
        return int.from_bytes(data[:4], "little"), int.from_bytes(data[4:], "little")
    return int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big")
