"""Look at how an HDF5 file stores text of any length before the library reads it.

Such text lies in heaps, and a reference of 16 bytes stands for it: its length, and where it is. The library allocates
whatever length a reference states, and does not come to an end in a heap whose entry has no size.
"""

import math
import mmap
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_i3d.errors import NapariI3DError

_REFERENCE = struct.Struct("<IQI")
CHUNK_BYTES = 64 << 20
"""The largest chunk that is read."""
_DEFLATE, _SHUFFLE = 1, 2
_HEAP = b"GCOL\x01\x00\x00\x00"
_ENTRY = struct.Struct("<HHIQ")
_MESSAGES = ((1, 8, 8), (2, 8, 1), (3, 9, 1))
"""Version of an attribute's message, size of its header, and to what its parts are padded."""


class HeapCheck:
    """The bytes of a file, and what they claim of text of any length."""

    def __init__(self, path: Path, error: type[NapariI3DError]) -> None:
        self._error = error
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        start = self._data.find(b"\x89HDF\r\n\x1a\n")
        version = self._data[start + 8] if start >= 0 else 255
        sizes = self._data[start + 13 : start + 15] if version < 2 else self._data[start + 9 : start + 11]
        if sizes != b"\x08\x08":
            raise error("expected an HDF5 file with addresses of 8 bytes")
        position = self._data.find(_HEAP)
        while position >= 0:
            self._walk(position)
            position = self._data.find(_HEAP, position + 1)

    def _walk(self, position: int) -> None:
        size = int.from_bytes(self._data[position + 8 : position + 16], "little")
        end, at = position + size, position + 16
        if end > len(self._data):
            raise self._error("a heap of texts goes beyond the file; is it damaged?")
        while at + _ENTRY.size <= end:
            index, _, _, length = _ENTRY.unpack_from(self._data, at)
            needed = length if index == 0 else _ENTRY.size + (length + 7) // 8 * 8
            if not 0 < needed <= end - at:
                raise self._error("a text of no size, or beyond its heap; is the file damaged?")
            at += needed

    def length_of(self, references: bytes) -> int:
        """Return the bytes of all texts that references of 16 bytes state."""
        return sum(length for length, _, _ in _REFERENCE.iter_unpack(references[: len(references) // 16 * 16]))

    def require_dataset(self, offset: int, count: int, limit: int) -> None:
        """Refuse references, stored in one piece, to more than `limit` bytes of text."""
        self.require(self._data[offset : offset + 16 * count], limit)

    def require_attribute(self, name: str, count: int, limit: int) -> None:
        """Refuse an attribute, wherever one of the name is, that states more than `limit` bytes of text."""
        key = name.encode() + b"\0"
        found = 0
        position = self._data.find(key)
        while position >= 0:
            for version, header, padding in _MESSAGES:
                start = position - header
                if start < 0 or self._data[start] != version:
                    continue
                sizes = struct.unpack_from("<3H", self._data, start + 2)
                if sizes[0] == len(key):
                    at = position + sum(-(-size // padding) * padding for size in sizes)
                    self.require(self._data[at : at + 16 * count], limit)
                    found += 1
            position = self._data.find(key, position + 1)
        if not found:
            raise self._error(f"the attribute {name} is stored in an unusual way")

    def require(self, references: bytes, limit: int) -> None:
        """Refuse references to more than `limit` bytes of text."""
        if self.length_of(references) > limit:
            raise self._error("texts longer than the file; is it damaged?")


def stored_chunks(dataset: Any, error: type[NapariI3DError]) -> Iterator[bytes]:
    """Yield the references of each chunk of a dataset of texts, as they are stored; raises an `error`."""
    layout = dataset.id.get_create_plist()
    codes = [layout.get_filter(place)[0] for place in range(layout.get_nfilters())]
    size = math.prod(dataset.chunks) * _REFERENCE.size
    if not set(codes) <= {_DEFLATE, _SHUFFLE} or size > CHUNK_BYTES:
        raise error("texts are stored in an unusual way")
    places: list[tuple[int, ...]] = []
    dataset.id.chunk_iter(lambda info: places.append(info.chunk_offset))
    for place in places:
        mask, data = dataset.id.read_direct_chunk(place)
        if mask:
            raise error("texts are stored in an unusual way")
        for code in reversed(codes):
            if code == _DEFLATE:
                data = zlib.decompressobj().decompress(data, size)
            else:
                data = np.frombuffer(data, np.uint8).reshape(_REFERENCE.size, -1).T.tobytes()
        yield data
