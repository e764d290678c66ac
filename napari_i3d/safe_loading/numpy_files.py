"""Reading numpy's files from strangers: what they pickle goes through the restricted unpickler."""

import contextlib
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import printable
from napari_i3d.errors import NapariI3DError
from napari_i3d.safe_loading import unpickler
from napari_i3d.safe_loading.zip_archives import ARCHIVE_DAMAGE, OversizeError, check_archive

NPY_SIGNATURE = b"\x93NUMPY"
ZIP_SIGNATURE = b"PK\x03\x04"
_DAMAGE = (
    *ARCHIVE_DAMAGE,
    *(OSError, ValueError, TypeError, LookupError, OverflowError, MemoryError, SyntaxError, TokenError),
)


def read_npy(path: Path, error: type[NapariI3DError]) -> Any:
    """Read a ``.npy`` file: an array of numbers or text, or the single object that was saved in its place.

    Raises
    ------
    NapariI3DError
        As an `error`: the file is damaged, or holds more than containers, numbers, text and arrays.
    """
    with _damage(error, "numpy file"), path.open("rb") as file:
        shape, order, dtype = _header(file)
        if not dtype.hasobject:
            return _numbers(file.read(), shape, order, dtype)
        content = unpickler.load(file, "not readable", error, encoding="latin1")
        if not isinstance(content, np.ndarray) or content.shape != shape:
            raise ValueError("its content is not what its header says")
        return content.item() if shape == () else content


class Archive:
    """An open ``.npz`` file: arrays of numbers or text by name."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.names = tuple(dict.fromkeys(name.removesuffix(".npy") for name in archive.namelist()))

    def __getitem__(self, name: str) -> NDArray[Any]:
        with self._archive.open(f"{name}.npy") as file:
            shape, order, dtype = _header(file)  # type: ignore[arg-type]
            if dtype.hasobject:
                raise ValueError(f"{name}: expected numbers, found objects")
            return _numbers(file.read(), shape, order, dtype)


@contextlib.contextmanager
def open_npz(path: Path, error: type[NapariI3DError]) -> Iterator[Archive]:
    """Open a ``.npz`` file; damage that shows in the block becomes `error`.

    Raises
    ------
    NapariI3DError
        As an `error`: the file is damaged, unpacks to far more than its size, or an array is not plain.
    """
    with _damage(error, "npz file"), path.open("rb") as file:
        check_archive(file)
        with zipfile.ZipFile(file) as archive:
            yield Archive(archive)


@contextlib.contextmanager
def _damage(error: type[NapariI3DError], kind: str) -> Iterator[None]:
    try:
        yield
    except OversizeError as oversize:
        raise error(f"{oversize}; is it damaged?") from oversize
    except _DAMAGE as damage:
        reason = printable(" ".join(str(damage).split()) or type(damage).__name__, 120)
        raise error(f"not a whole {kind} ({reason}); was it copied completely?") from damage


def _header(file: BinaryIO) -> tuple[tuple[int, ...], bool, "np.dtype[Any]"]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    return shape, fortran, dtype


def _numbers(data: bytes, shape: tuple[int, ...], fortran: bool, dtype: "np.dtype[Any]") -> NDArray[Any]:
    if dtype.kind not in "biufSU" or math.prod(shape) * dtype.itemsize != len(data) or not dtype.itemsize:
        raise ValueError(f"an array of {dtype} of shape {shape} in {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
