"""Reading HDF5 files from strangers: nothing outside the file, nothing unpickled, nothing out of proportion to it.

HDF5 can point to other files (external and soft links, external storage, virtual datasets), load filters from shared
libraries, and state shapes that no file holds. Only hard links, the library's own filters, and plain numbers and text
are read here, as much at a time as is in proportion to the file.
"""

import contextlib
import math
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import printable
from napari_i3d.errors import NapariI3DError
from napari_i3d.safe_loading.hdf5_heap import CHUNK_BYTES, HeapCheck, stored_chunks

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SIGNATURE_PLACES = (0, 512, 1024, 2048)

# What h5py raises on damaged files.
_DAMAGE = (
    *(OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, OverflowError, MemoryError),
    zlib.error,
)
# Deflate, shuffle, checksum, szip, n-bit, scale and offset; lzf, which h5py brings.
_FILTERS = frozenset({1, 2, 3, 4, 5, 6, 32000})
_FREE_BYTES = 128 << 20
_RATIO = 16
# Deflate makes nothing smaller than this.
_MOST_RATIO = 1100
_EMPTY_BYTES = 1 << 20  # that were never written
_MOST_TEXTS = 20_000
_MOST_LINKS = 100_000
_BYTES_AN_ITEM = 64  # that a reference points to, and the file has room for


class Hdf5File:
    """An open HDF5 file; paths in it are written with slashes.

    Every method may raise the error that was given to `open_hdf5`.
    """

    def __init__(self, file: Any, path: Path, error: type[NapariI3DError]) -> None:
        self._file, self._path, self._error = file, path, error
        self._size_bytes = size_bytes = path.stat().st_size
        self._checked_heap: HeapCheck | None = None
        self.limit_bytes = max(_FREE_BYTES, _RATIO * size_bytes)

    def names(self, group: str = "/") -> list[str]:
        """Return the names in a group; none if there is no such group."""
        found = self._find(group)
        if found is None or not hasattr(found, "keys"):
            return []
        if len(found) > _MOST_LINKS:
            raise self._error(f"{len(found)} entries in {printable(group, 120)}, more than {_MOST_LINKS}")
        return list(found.keys())

    def __contains__(self, path: str) -> bool:
        """Whether there is a group or dataset at a path; links elsewhere are refused."""
        return self._find(path) is not None

    def shape(self, path: str) -> tuple[int, ...] | None:
        """Return the shape of a dataset; None if there is no such dataset."""
        found = self._find(path)
        shape = getattr(found, "shape", None)
        return None if shape is None else tuple(map(int, shape))

    def dtype(self, path: str) -> "np.dtype[Any]":
        """Return the dtype of a dataset."""
        dtype: np.dtype[Any] = self._dataset(path).dtype
        return dtype

    def read(self, path: str, selection: Any = ()) -> NDArray[Any]:
        """Read numbers, or text of a fixed length: everything, or what an index or a tuple of them selects."""
        dataset = self._dataset(path)
        if not _is_plain(dataset.dtype):
            raise self._error(f"{printable(path, 120)}: expected numbers or text, found {str(dataset.dtype)[:60]}")
        self.require(_count(dataset.shape, selection) * dataset.dtype.itemsize, path)
        return np.asarray(dataset[selection])

    def read_records(self, path: str, fields: Collection[str]) -> NDArray[Any]:
        """Read a dataset of records, whose named fields must be there; all are plain numbers or text."""
        dataset = self._dataset(path)
        dtype = dataset.dtype
        missing = [name for name in fields if name not in (dtype.names or ())]
        if missing:
            raise self._error(f"no column {printable(missing[0], 120)} in {printable(path, 120)}")
        if not all(_is_plain(dtype[name]) for name in dtype.names):
            raise self._error(f"{printable(path, 120)}: expected numbers or text in all columns")
        self.require(math.prod(dataset.shape) * dtype.itemsize, path)
        return np.asarray(dataset[()])

    def texts(self, path: str) -> list[str]:
        """Read a dataset of text, of whatever kind, as a flat list."""
        dataset = self._dataset(path)
        count = math.prod(dataset.shape)
        if count > _MOST_TEXTS:
            raise self._error(f"{printable(path, 120)}: {count} texts, more than {_MOST_TEXTS}")
        if dataset.dtype.kind == "S":
            values = list(self.read(path).ravel())
        elif dataset.dtype.kind == "O" and not dataset.dtype.names:
            if dataset.chunks is None:
                if dataset.id.get_offset() is not None:
                    self._heap.require_dataset(dataset.id.get_offset(), count, self.limit_bytes)
            else:
                for references in stored_chunks(dataset, self._error):
                    self._heap.require(references, self.limit_bytes)
            # One at a time: many may be the same long text.
            values, left = [], self.limit_bytes
            for place in np.ndindex(*dataset.shape):
                value = dataset[place]
                left -= len(value) if isinstance(value, bytes | str) else self.limit_bytes + 1
                if left < 0:
                    raise self._error(f"{printable(path, 120)}: expected short texts")
                values.append(value)
        else:
            raise self._error(f"{printable(path, 120)}: expected text, found {dataset.dtype}")
        return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values]

    def read_referenced(self, path: str, levels: int = 1) -> list[Any]:
        """Read the datasets of numbers that a dataset of references points to; of numbers, the dataset itself.

        References may point to references, `levels` in all; these become lists. Matlab's empty arrays become empty.
        """
        import h5py

        total = n_items = 0

        def follow(stored: Any, left: int) -> Any:  # below h5py's Dataset, which takes thrice as long
            nonlocal total, n_items
            dtype, shape = stored.dtype, stored.shape
            self._check_storage(stored, math.prod(shape), dtype.itemsize, path)
            refers = dtype.kind == "O" and h5py.check_ref_dtype(dtype) is h5py.Reference
            if not (_is_plain(dtype) or (refers and left)):
                raise self._error(f"{printable(path, 120)}: expected numbers, found {str(dtype)[:60]}")
            total += math.prod(shape) * dtype.itemsize
            n_items += math.prod(shape) if refers else 0
            self.require(total if n_items * _BYTES_AN_ITEM <= self._size_bytes else self.limit_bytes + 1, path)
            if not refers and h5py.h5a.exists(stored, b"MATLAB_empty"):
                return np.empty(0, dtype)
            values = np.zeros(shape, dtype)
            stored.read(h5py.h5s.ALL, h5py.h5s.ALL, values)
            return [follow(self._target(one, path), left - 1) for one in values.flat] if refers else values

        read = follow(self._dataset(path).id, levels)
        return read if isinstance(read, list) else [read]

    def attribute(self, path: str, name: str) -> Any:
        """Return an attribute as text, bytes or numbers; None if there is none. Nothing in it is unpickled."""
        found = self._find(path)
        if found is None or name not in found.attrs:
            return None
        stored = found.attrs.get_id(name)
        dtype = stored.dtype
        if stored.get_storage_size() > self.limit_bytes or math.prod(stored.shape or ()) > _MOST_TEXTS:
            raise self._error(f"the attribute {printable(name, 120)} is too large")
        if not _is_plain(dtype) and not (dtype.kind == "O" and stored.shape == ()):
            raise self._error(f"the attribute {printable(name, 120)}: expected numbers or text, found {dtype}")
        if dtype.kind == "O":
            self._heap.require_attribute(name, 1, self.limit_bytes)
        value = found.attrs[name]
        return bytes(value) if isinstance(value, np.bytes_) else value

    def attribute_texts(self, path: str, name: str) -> list[str]:
        """Return an attribute that is a list of texts; an empty one if there is none."""
        found = self._find(path)
        if found is None or name not in found.attrs:
            return []
        stored = found.attrs.get_id(name)
        if stored.dtype.kind not in "OS" or math.prod(stored.shape or ()) > _MOST_TEXTS:
            raise self._error(f"the attribute {printable(name, 120)}: expected texts")
        if stored.dtype.kind == "O":
            self._heap.require_attribute(name, math.prod(stored.shape), self.limit_bytes)
        return [
            value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            for value in np.atleast_1d(found.attrs[name]).ravel()
        ]

    @property
    def _heap(self) -> HeapCheck:
        if self._checked_heap is None:
            self._checked_heap = HeapCheck(self._path, self._error)
        return self._checked_heap

    def require(self, size_bytes: int, path: str = "") -> None:
        """Refuse content of this size if it is out of proportion to the file."""
        if size_bytes > self.limit_bytes:
            where = f"{printable(path, 120)}: " if path else ""
            raise self._error(f"{where}{size_bytes} bytes, out of proportion to the file; is it damaged?")

    def _find(self, path: str) -> Any:
        import h5py

        found = self._file
        for part in path.split("/"):
            if not part:
                continue
            link = found.get(part, getlink=True) if isinstance(found, h5py.Group) else None
            if link is None:
                return None
            if not isinstance(link, h5py.HardLink):
                raise self._error(f"{printable(path, 120)} is a link elsewhere, which is not followed")
            found = found[part]
        return found

    def _dataset(self, path: str) -> Any:
        return self._checked(self._find(path), path)

    def _target(self, reference: Any, path: str) -> Any:
        """Return the identifier of the dataset that a reference points to."""
        import h5py

        found = h5py.h5r.dereference(reference, self._file.id) if reference else None
        if not isinstance(found, h5py.h5d.DatasetID):
            raise self._error(f"{printable(path, 120)}: expected a reference to a dataset, found none")
        return found

    def _checked(self, dataset: Any, path: str) -> Any:
        import h5py

        if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
            raise self._error(f"expected a dataset {printable(path, 120)}, found none")
        self._check_storage(dataset.id, math.prod(dataset.shape), dataset.dtype.itemsize, path)
        return dataset

    def _check_storage(self, stored: Any, count: int, itemsize: int, path: str) -> None:
        import h5py

        layout = stored.get_create_plist()
        kind = layout.get_layout()
        if layout.get_external_count() or kind == h5py.h5d.VIRTUAL:
            raise self._error(f"{printable(path, 120)} lies in another file, which is not opened")
        for place in range(layout.get_nfilters()):
            code, *_, name = layout.get_filter(place)
            if code not in _FILTERS:
                raise self._error(
                    f"{printable(path, 120)} is compressed with {printable(name.decode('latin1'), 120) or code}; "
                    "save it anew without compression or with zlib"
                )
        size, n_bytes = count * itemsize, stored.get_storage_size()
        chunk = math.prod(layout.get_chunk()) * itemsize if kind == h5py.h5d.CHUNKED else 0
        if n_bytes > self._size_bytes or size > max(_EMPTY_BYTES, _MOST_RATIO * n_bytes) or chunk > CHUNK_BYTES:
            raise self._error(f"{printable(path, 120)}: its shape is out of proportion to the file; is it damaged?")


def is_hdf5(head: bytes) -> bool:
    """Whether a file with these first bytes is an HDF5 file; those of Matlab begin after a text of their own."""
    return any(head.startswith(SIGNATURE, place) for place in _SIGNATURE_PLACES)


@contextlib.contextmanager
def open_hdf5(path: Path, error: type[NapariI3DError]) -> Iterator[Hdf5File]:
    """Open an HDF5 file; errors of the library in the block become `error`.

    Raises
    ------
    NapariI3DError
        As an `error`: the file cannot be read, is damaged, or holds what is not read.
    """
    import h5py

    try:
        with h5py.File(path, "r", locking=False) as file:
            yield Hdf5File(file, path, error)
    except _DAMAGE as damage:
        reason = printable(str(damage) or type(damage).__name__, 120)
        raise error(f"not a whole HDF5 file ({reason}); was it copied completely?") from damage


def matches_hdf5(path: Path, head: bytes, fits: Any) -> bool:
    """Whether a file is HDF5 and `fits(file)` of the open file is true; false on whatever damage."""
    if not is_hdf5(head):
        return False
    try:
        with open_hdf5(path, NapariI3DError) as file:
            return bool(fits(file))
    except NapariI3DError:
        return False


def _is_plain(dtype: "np.dtype[Any]") -> bool:
    return dtype.kind in "biufS" or (dtype.kind == "V" and dtype.subdtype is not None and dtype.base.kind in "biuf")


def _count(shape: tuple[int, ...], selection: Any) -> int:
    chosen = selection if isinstance(selection, tuple) else (selection,)
    count = math.prod(shape[len(chosen) :])
    for length, index in zip(shape, chosen, strict=False):
        count *= len(range(*index.indices(length))) if isinstance(index, slice) else 1
    return count
