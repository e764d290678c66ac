"""Reading Matlab's files (version 5) from strangers: what they unpack to is measured first."""

import io
import os
import zlib
from pathlib import Path
from typing import Any

from napari_i3d._utils.text import printable
from napari_i3d.errors import NapariI3DError

SIGNATURE = b"MATLAB 5.0 MAT-file"
_HEADER_BYTES = 128
_COMPRESSED = 15
_FREE_BYTES = 128 << 20
_RATIO = 16
_BLOCK_BYTES = 1 << 20
_START_BYTES = 1024  # of an element, packed or not
_NAME_BYTES = 128  # in which the name lies, after flags and dimensions
_MOST_VARIABLES = 1000
_DAMAGE = (OSError, ValueError, TypeError, LookupError, AttributeError, OverflowError, MemoryError, NotImplementedError)


def read_matlab(path: Path, names: list[str], error: type[NapariI3DError]) -> dict[str, Any]:
    """Read variables by name.

    Raises
    ------
    NapariI3DError
        As an `error`: the file is damaged, or unpacks to far more than its size.
    """
    import scipy.io
    from scipy.io.matlab import MatReadError

    try:
        data = path.read_bytes()
        _check_size(data, error)
        content: dict[str, Any] = scipy.io.loadmat(io.BytesIO(data), variable_names=names, struct_as_record=True)
    except (*_DAMAGE, MatReadError, zlib.error) as damage:
        reason = printable(" ".join(str(damage).split()) or type(damage).__name__, 120)
        raise error(f"not a whole Matlab file ({reason}); was it copied completely?") from damage
    return content


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


def _check_size(data: bytes, error: type[NapariI3DError]) -> None:
    limit = max(_FREE_BYTES, _RATIO * len(data))
    position, total = _HEADER_BYTES, 0
    while position + 8 <= len(data):
        kind, size = _tag(data[position : position + 8], data[:_HEADER_BYTES])
        position += 8
        if kind == _COMPRESSED:
            unpacker = zlib.decompressobj()
            rest = data[position : position + size]
            while rest and not unpacker.eof:
                total += len(unpacker.decompress(rest, _BLOCK_BYTES))
                rest = unpacker.unconsumed_tail
                if total > limit:
                    raise error(f"a file of {len(data)} bytes that unpacks to more than {limit}; is it damaged?")
        position += size
