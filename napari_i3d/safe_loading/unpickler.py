"""Reading pickles without ever running code that a file names.

A pickle may call any importable function. What honest tracking, weights and features files need is little: plain
containers, numbers, text and numpy arrays. The names behind those are allowed here, each replaced by a stand-in that
does that one thing; every other name is refused. numpy's own reconstruction is not exposed: it trusts the state it is
given, down to flags that turn numbers into pointers. Before anything is built, the instructions are scanned for those
that bring the interpreter's unpickler itself down. What is built in the end is in proportion to the file: keys that are
slow to look up are refused, and so is one content that is copied over and over.
"""

import copyreg
import gc
import io
import math
import pickle
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np

from napari_i3d.errors import NapariI3DError
from napari_i3d.safe_loading.pickle_budget import BYTES_A_PAIR, Dict, grant, spend
from napari_i3d.safe_loading.pickle_opcodes import ForbiddenError, printable_ascii, scan

# What the interpreter's unpickler raises on damaged input. MemoryError among them: in a damaged file counts and
# lengths ask for any amount. Warning, for those who have warnings raised.
_DAMAGE = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ImportError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    BufferError,
    SystemError,
    Warning,
)
# Booleans, integers, floats, complex, text, bytes and objects; a pickle has no other way to write their dtypes.
_DTYPE = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|f1[0-9]|c8|c16|[cf]?[0-9]{2}|[SU][0-9]{1,10}|O[48]?)", re.ASCII)
_LAST_CHARACTER = 0x10FFFF


class StandIn:
    """A callable that a pickle can neither change nor take apart: its state cannot be set from the file."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:  # noqa: D102 - as any callable
        return self._call(*arguments)

    def __setstate__(self, _state: object) -> None:
        raise ForbiddenError("a change of a function")


def _no_call(*_arguments: object) -> None:
    raise ForbiddenError("a direct call of a type")


class _Dtype:
    """The dtype of an array in the file: of a plain kind, its byte order possibly set afterwards."""

    __slots__ = ("plain",)

    def __init__(self, description: str | bytes, *flags: object) -> None:
        text = description.decode("latin1") if isinstance(description, bytes) else description
        if not isinstance(text, str) or not _DTYPE.fullmatch(text) or not all(isinstance(f, int) for f in flags):
            raise ForbiddenError(f"a numpy array of dtype {printable_ascii(ascii(text))}")
        self.plain = np.dtype(text)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if not isinstance(state, tuple) or any(isinstance(part, tuple) and part for part in state):
            raise ForbiddenError("a numpy dtype with fields")
        order = state[1].decode("latin1") if isinstance(state[1], bytes) else state[1]
        if isinstance(order, str) and order in ("<", ">"):
            self.plain = self.plain.newbyteorder("<" if order == "<" else ">")


class _Array(np.ndarray[Any, Any]):
    """An array that takes its content from the file once, after it was checked against its shape."""

    def __setstate__(self, state: tuple[Any, ...], *_more: object) -> None:
        shape, dtype, fortran, content = state[-4:]
        if (
            self.size
            or not isinstance(state, tuple)
            or not (len(state) == 4 or (len(state) == 5 and type(state[0]) is int))
            or not _is_shape(shape)
            or not isinstance(dtype, _Dtype)
            or not isinstance(fortran, int)
        ):
            raise ForbiddenError("a numpy array that is filled in an unusual way")
        spend(len(content) if isinstance(content, str | bytes | list) else 0)
        if isinstance(content, str):
            content = content.encode("latin1")
        count = math.prod(shape)
        if count and not dtype.plain.itemsize:
            raise ForbiddenError("a numpy array of nothing")
        if dtype.plain.hasobject:
            whole = isinstance(content, list) and len(content) == count
        else:
            whole = isinstance(content, bytes) and len(content) == count * dtype.plain.itemsize
        if not whole or any(n < 0 for n in shape):
            raise ValueError(f"an array of shape {shape} has not the content for it")
        if dtype.plain.kind == "U":
            _check_text(content, dtype.plain)
        super().__setstate__((1, shape, dtype.plain, bool(fortran), content))  # type: ignore[arg-type]

    def __reduce_ex__(self, protocol: Any) -> Any:
        # Pickled anew, it must not name this module.
        return self.view(np.ndarray).__reduce_ex__(protocol)


def _is_shape(shape: object) -> bool:
    return isinstance(shape, tuple) and all(type(n) is int for n in shape)


def _check_text(content: bytes, dtype: "np.dtype[Any]") -> None:
    # Characters that do not exist would raise long after, wherever the text is first looked at.
    if content:
        codes = np.frombuffer(content, np.dtype(np.uint32).newbyteorder(dtype.byteorder))
        if codes.max() > _LAST_CHARACTER:
            raise ValueError("text with characters that do not exist")


def _reconstruct(kind: object, shape: object, typecode: bytes | str) -> _Array:
    if kind is not _TYPE or not _is_shape(shape) or not isinstance(typecode, bytes | str):
        raise ForbiddenError("numpy's _reconstruct for something that is no array")
    return _Array((0,), np.uint8)


def _scalar(dtype: _Dtype, content: bytes | str = b"") -> Any:
    content = content.encode("latin1") if isinstance(content, str) else content
    if not isinstance(dtype, _Dtype) or dtype.plain.hasobject:
        raise ForbiddenError("a numpy scalar that holds an object")
    spend(len(content))
    if not isinstance(content, bytes) or len(content) != dtype.plain.itemsize:
        raise ValueError(f"a number of type {dtype.plain} has not the content for it")
    if not content:
        return dtype.plain.type()
    if dtype.plain.kind == "U":
        _check_text(content, dtype.plain)
    return np.frombuffer(content, dtype.plain, count=1)[0]


def _frombuffer(content: Any, dtype: _Dtype, shape: Any, order: str, axes: Any = None) -> _Array:
    if (
        not isinstance(content, bytes | bytearray)
        or not isinstance(dtype, _Dtype)
        or dtype.plain.hasobject
        or not _is_shape(shape)
        or not isinstance(order, str)
        or not (axes is None or _is_shape(axes))
    ):
        raise ForbiddenError("a numpy array that is made in an unusual way")
    spend(len(content))
    if dtype.plain.kind == "U":
        _check_text(bytes(content), dtype.plain)
    # A copy, which the caller may write to.
    flat = np.frombuffer(bytearray(content), dtype.plain) if content else np.zeros(0, dtype.plain)
    if order == "K" and axes is not None:
        return flat.reshape(shape).transpose(axes).view(_Array)
    return flat.reshape(shape, order="F" if order == "F" else "C").view(_Array)


def _encode_latin1(text: str, encoding: str = "latin1") -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise ForbiddenError("_codecs.encode to anything but latin1")
    spend(len(text))
    return text.encode("latin1")


def _dict(*pairs: Any) -> dict[Any, Any]:
    if pairs and not (len(pairs) == 1 and type(pairs[0]) is list):
        raise ForbiddenError("an OrderedDict that is made in an unusual way")
    made = Dict()
    for key, value in pairs[0] if pairs else ():
        spend(BYTES_A_PAIR)
        made[key] = value
    return made


def _empty_dict(factory: object = None) -> dict[Any, Any]:
    if not (factory is None or isinstance(factory, StandIn)):
        raise ForbiddenError("a defaultdict that is made in an unusual way")
    return Dict()


def _empty_bytes() -> bytes:
    return b""


_TYPE = StandIn(_no_call)
_ALLOWED = {
    ("collections", "OrderedDict"): StandIn(_dict),
    # Without its factory, which might be any function: what was stored is there, nothing else appears.
    ("collections", "defaultdict"): StandIn(_empty_dict),
    ("numpy", "ndarray"): _TYPE,
    ("numpy", "dtype"): StandIn(_Dtype),
    ("_codecs", "encode"): StandIn(_encode_latin1),
}
for _package in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_package}.multiarray", "_reconstruct"] = StandIn(_reconstruct)
    _ALLOWED[f"{_package}.multiarray", "scalar"] = StandIn(_scalar)
    _ALLOWED[f"{_package}.numeric", "_frombuffer"] = StandIn(_frombuffer)
for _package in ("builtins", "__builtin__"):
    _ALLOWED[_package, "bytes"] = StandIn(_empty_bytes)
    for _factory in ("dict", "list", "int", "float", "str"):
        _ALLOWED[_package, _factory] = StandIn(_no_call)


Names = Mapping[tuple[str, str], StandIn]
NO_NAMES: Names = MappingProxyType({})


class _SafeUnpickler(pickle.Unpickler):
    more = NO_NAMES

    def find_class(self, module: str, name: str) -> Any:
        found = _ALLOWED.get((module, name)) or self.more.get((module, name))
        if found is None:
            raise ForbiddenError(printable_ascii(f"{module}.{name}"))
        return found

    def persistent_load(self, _pid: Any) -> Any:
        return Dict()  # which `scan` put there; it lets no others through


_pauses = threading.Lock()
# Whether the collector ran, for each pause that is not over; the first of them found it as it was.
_paused: list[bool] = []


@contextmanager
def pause_collection() -> Iterator[None]:
    """Keep Python's collector of cyclic garbage from running meanwhile; in all threads, as it knows no others.

    It looks through everything again and again while millions of lists are made, of which none is garbage. For a
    tracking of a million boxes that is more than half of the time.
    """
    with _pauses:
        _paused.append(gc.isenabled())
        gc.disable()
    try:
        yield
    finally:
        with _pauses:
            ran = _paused[0]
            _paused.pop()
            if not _paused and ran:
                gc.enable()


def load(
    file: BinaryIO, name: str, error: type[NapariI3DError], *, encoding: str = "ASCII", more: Names = NO_NAMES
) -> Any:
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
        How 8-bit text of Python 2 is read; ``"latin1"`` for files with numpy arrays in them.
    more
        Stand-ins for further names, by module and name.

    Raises
    ------
    NapariI3DError
        Of the kind given: the file cannot be read, is no pickle, is damaged or cut off, or asks for any other name.
    """
    try:
        data = file.read()
        grant(len(data))
        data = scan(data)
        # Names found once are kept by their extension code and would go past `find_class`.
        copyreg.clear_extension_cache()
        # Buffered, as the unpickler reads ahead only from what can be peeked at.
        stream = io.BufferedReader(io.BytesIO(data))
        unpickler = _SafeUnpickler(stream, encoding=encoding, buffers=iter(Dict, None))
        unpickler.more = more
        return unpickler.load()
    except ForbiddenError as forbidden:
        raise error(
            f"{name}: the pickle asks for {forbidden}; expected plain containers, numbers, text and numpy arrays only; "
            "nothing of it was run; do not use this file unless you trust who made it, then save it anew as plain data"
        ) from None
    except OSError as trouble:
        raise error(f"{name}: cannot be read ({trouble.strerror or trouble})") from trouble
    except _DAMAGE as damage:
        reason = printable_ascii(str(damage) or type(damage).__name__)
        raise error(f"{name}: not a whole pickle file ({reason}); was it copied completely?") from damage
