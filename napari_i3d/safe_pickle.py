"""Reading pickles without ever running code that a file names.

A pickle may call any importable function. What honest tracking, weights and features files need is little: plain
containers, numbers, text and numpy arrays. The names behind those are allowed here, each replaced by a stand-in that
does that one thing; every other name is refused. numpy's own reconstruction is not exposed: it trusts the state it is
given, down to flags that turn numbers into pointers.
"""

import math
import pickle
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from napari_i3d.errors import NapariI3DError

# What the interpreter's unpickler raises on damaged input. MemoryError among them: in a damaged file counts and
# lengths ask for any amount.
_DAMAGE = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ImportError,
    OverflowError,
    RecursionError,
    MemoryError,
    SystemError,
)
_ARRAY_KINDS = "biufcSUO"


class _ForbiddenError(Exception):
    """Carries what was forbidden past the unpickler."""


class _StandIn:
    """A callable that a pickle can neither change nor take apart: its state cannot be set from the file."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)

    def __setstate__(self, _state: object) -> None:
        raise _ForbiddenError("a change of a function")


def _no_ndarray(*_arguments: object) -> None:
    raise _ForbiddenError("a direct call of numpy.ndarray")


class _Dtype:
    """The dtype of an array in the file: of a plain kind, its byte order possibly set afterwards."""

    __slots__ = ("plain",)

    def __init__(self, description: str | bytes, *_flags: object) -> None:
        self.plain = np.dtype(description.decode("latin1") if isinstance(description, bytes) else str(description))
        if self.plain.kind not in _ARRAY_KINDS or self.plain.fields is not None:
            raise _ForbiddenError(f"a numpy array of dtype {self.plain}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">", b"<", b">"):
            order = state[1] if isinstance(state[1], str) else state[1].decode()
            self.plain = self.plain.newbyteorder(order)


class _Array(np.ndarray[Any, Any]):
    """An array that takes its content from the file once, after it was checked against its shape."""

    def __setstate__(self, state: tuple[Any, ...], *_more: object) -> None:
        shape, dtype, fortran, content = state[-4:]
        if self.size or not isinstance(dtype, _Dtype):
            raise _ForbiddenError("a numpy array that is filled in an unusual way")
        if isinstance(content, str):
            content = content.encode("latin1")
        count = math.prod(int(n) for n in shape)
        if dtype.plain.hasobject:
            whole = isinstance(content, list) and len(content) == count
        else:
            whole = isinstance(content, bytes) and len(content) == count * dtype.plain.itemsize
        if not whole or any(n < 0 for n in shape):
            raise ValueError(f"an array of shape {shape} has not the content for it")
        super().__setstate__((1, shape, dtype.plain, bool(fortran), content))


def _reconstruct(kind: object, _shape: object, _typecode: object) -> _Array:
    if kind is not _NDARRAY:
        raise _ForbiddenError("numpy's _reconstruct for something that is no array")
    return _Array((0,), np.uint8)


def _scalar(dtype: _Dtype, content: bytes | str) -> Any:
    content = content.encode("latin1") if isinstance(content, str) else content
    if dtype.plain.hasobject:
        raise _ForbiddenError("a numpy scalar that holds an object")
    return np.frombuffer(content, dtype.plain, count=1)[0]


def _frombuffer(content: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str) -> "np.ndarray[Any, Any]":
    if not isinstance(content, bytes | bytearray) or dtype.plain.hasobject:
        raise _ForbiddenError("a numpy array that is made in an unusual way")
    return np.frombuffer(bytes(content), dtype.plain).reshape(shape, order="F" if order == "F" else "C")


def _encode_latin1(text: str, encoding: str = "latin1") -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise _ForbiddenError(f"_codecs.encode to {encoding}")
    return text.encode("latin1")


_NDARRAY = _StandIn(_no_ndarray)
_ALLOWED = {
    ("collections", "OrderedDict"): _StandIn(dict),
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _StandIn(_Dtype),
    ("_codecs", "encode"): _StandIn(_encode_latin1),
}
for _package in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_package}.multiarray", "_reconstruct"] = _StandIn(_reconstruct)
    _ALLOWED[f"{_package}.multiarray", "scalar"] = _StandIn(_scalar)
    _ALLOWED[f"{_package}.numeric", "_frombuffer"] = _StandIn(_frombuffer)


class _SafeUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise _ForbiddenError(f"{module}.{name}")
        return _ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise _ForbiddenError(f"the persistent id {str(pid)[:40]}")


def load(file: BinaryIO, name: str, error: type[NapariI3DError], *, encoding: str = "ASCII") -> Any:
    """Read one pickled object of plain containers, numbers, text and numpy arrays.

    Parameters
    ----------
    file
        An open binary file, at the beginning of the pickle.
    name
        What messages call the file.
    error
        The kind of error to raise.
    encoding
        How 8-bit text of Python 2 is read; ``"latin1"`` for files that Python 2 wrote with numpy arrays in them.

    Raises
    ------
    NapariI3DError
        Of the kind given: the file is no pickle, is damaged or cut off, or asks for any other name.
    """
    try:
        return _SafeUnpickler(file, encoding=encoding).load()
    except _ForbiddenError as forbidden:
        raise error(
            f"{name}: the pickle asks for {forbidden}; expected plain containers, numbers, text and numpy arrays only; "
            "nothing of it was run; do not use this file unless you trust who made it, then save it anew as plain data"
        ) from None
    except _DAMAGE as damage:
        reason = (str(damage).splitlines() or [type(damage).__name__])[0][:120]
        raise error(f"{name}: not a whole pickle file ({reason}); was it copied completely?") from damage
