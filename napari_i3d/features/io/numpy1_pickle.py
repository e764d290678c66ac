"""A dictionary of arrays, pickled so that every numpy since 1.17 can load it.

numpy 2 pickles arrays under names of its own (``numpy._core``) that numpy 1 does not have, while both know
``numpy.core``. So the few opcodes needed are written here; the content of arrays goes to the file a block of rows at
a time. Protocol 4, read by every Python since 3.4.
"""

import math
import pickle
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from napari_i3d.features.row_blocks import PlacedRows


def write_pickle(file: BinaryIO, value: Mapping[Any, Any]) -> None:
    """Write a dictionary of text, whole numbers, rows and dictionaries of these as a pickle; rows are float32."""
    file.write(pickle.PROTO + bytes([4]))
    _write(file, value)
    file.write(pickle.STOP)


def write_npy(file: BinaryIO, value: Mapping[Any, Any]) -> None:
    """Write a dictionary as `numpy.save` does: ``numpy.load(path, allow_pickle=True).item()`` gives it back."""
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(file, header)
    file.write(pickle.PROTO + bytes([4]))
    _begin_array(file, (), "O8", b"|", flags=63)
    file.write(pickle.EMPTY_LIST)
    _write(file, value)
    file.write(pickle.APPEND)
    _end_array(file)
    file.write(pickle.STOP)


def _write(file: BinaryIO, value: Any) -> None:
    if isinstance(value, Mapping):
        file.write(pickle.EMPTY_DICT)
        for key, item in value.items():
            _write(file, key)
            _write(file, item)
            file.write(pickle.SETITEM)
    elif isinstance(value, PlacedRows | np.ndarray):
        value = PlacedRows(value) if isinstance(value, np.ndarray) else value
        _begin_array(file, value.shape, "f4", b"<")
        file.write(pickle.BINBYTES8 + struct.pack("<Q", 4 * math.prod(value.shape)))
        for block in value.blocks():
            file.write(np.asarray(block, "<f4").data.cast("B"))
        _end_array(file)
    elif isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        file.write(pickle.BINUNICODE + struct.pack("<I", len(text)) + text)
    elif isinstance(value, int | np.integer) and not isinstance(value, bool):
        digits = pickle.encode_long(int(value))
        file.write(pickle.LONG1 + bytes([len(digits)]) + digits)
    else:
        raise TypeError(f"text, whole numbers, rows and dictionaries of these, not {type(value).__name__}")


def _begin_array(file: BinaryIO, shape: tuple[int, ...], kind: str, order: bytes, flags: int = 0) -> None:
    """Write an array up to its content: an empty array, then the start of its state (version, shape, dtype, order)."""
    file.write(_name("numpy.core.multiarray", "_reconstruct"))
    file.write(_name("numpy", "ndarray") + _whole(0) + pickle.TUPLE1)
    file.write(pickle.SHORT_BINBYTES + b"\x01b" + pickle.TUPLE3 + pickle.REDUCE)
    file.write(pickle.MARK + _whole(1))
    file.write(pickle.MARK + b"".join(_whole(n) for n in shape) + pickle.TUPLE)
    file.write(_name("numpy", "dtype") + _text(kind) + pickle.NEWFALSE + pickle.NEWTRUE + pickle.TUPLE3)
    file.write(pickle.REDUCE + pickle.MARK + _whole(3) + _text(order.decode()) + pickle.NONE * 3)
    file.write(_whole(-1) + _whole(-1) + _whole(flags) + pickle.TUPLE + pickle.BUILD)
    file.write(pickle.NEWFALSE)


def _end_array(file: BinaryIO) -> None:
    file.write(pickle.TUPLE + pickle.BUILD)


def _name(module: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def _whole(number: int) -> bytes:
    return pickle.BININT + struct.pack("<i", number)


def _text(text: str) -> bytes:
    return pickle.BINUNICODE + struct.pack("<I", len(text)) + text.encode()
