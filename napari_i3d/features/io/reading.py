"""Read features files: ``.npy``, ``.pickle`` and ``.npz``, each with a ``.json`` beside it that describes its rows.

The ``.json`` holds the checksum of its file, so that a mismatched pair is detected.
"""

import contextlib
import json
import math
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_i3d._utils.files import sha256_of
from napari_i3d._utils.text import format_path, printable
from napari_i3d.errors import FeaturesError
from napari_i3d.features.features import Features
from napari_i3d.features.io.frame_runs import from_runs
from napari_i3d.features.io.sidecar import LARGEST_NUMBER, METADATA_KEYS, json_path
from napari_i3d.features.io.store import FACTS_NAME, STORE_SUFFIX, is_store, read_store
from napari_i3d.features.io.writing import WRITERS
from napari_i3d.individuals import Id
from napari_i3d.safe_loading import unpickler
from napari_i3d.safe_loading.zip_archives import ARCHIVE_DAMAGE, check_archive

# The last two: numpy's headers are Python literals.
_DAMAGE = (
    ValueError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
    RecursionError,
    SyntaxError,
    tokenize.TokenError,
)


def read_features(path: str | Path) -> Features:
    """Read a features file that this program, or its predecessor, wrote.

    Parameters
    ----------
    path
        A ``.npy``, ``.pickle``, ``.pkl`` or ``.npz`` file, or the folder of a store, whose rows are read-only views of
        its files that are read when they are used. Without the ``.json`` beside it, the frames of the rows are
        known only if ``min_frames`` and ``max_frames`` imply a row for each frame.

    Raises
    ------
    FeaturesError
        No such file, another format, damaged, or the ``.json`` belongs to another file. Nothing in it is executed.
    """
    path = Path(path)
    if path.suffix.lower() == STORE_SUFFIX or path.name == FACTS_NAME or is_store(path):
        return read_store(path.parent if path.name == FACTS_NAME else path)
    readers = {".npy": _read_npy, ".npz": _read_npz, ".pickle": _read_pickle, ".pkl": _read_pickle}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise FeaturesError(
            f"{format_path(path.name)}: features are read from {', '.join(WRITERS)}, not from {path.suffix!r}"
        )
    with _damage_named(path):
        if path.exists() and not path.is_file():  # reading a pipe might never end
            raise FeaturesError(f"{format_path(path.name)}: expected a features file, found a folder, device or pipe")
        if path.suffix.lower() == ".npy" and _is_bare(path) and _is_file(json_path(path)):
            return _read_bare(path)
        content = reader(path)
    rows, metadata = _rows_and_metadata(path, content)
    facts_path = json_path(path)
    if _is_file(facts_path):
        return _with_facts(path, rows, _read_facts(path, facts_path))
    with _damage_named(path):
        return _with_metadata(rows, metadata)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the name is too long, though that of the features just fits
        return False


@contextlib.contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FeaturesError(
            f"{format_path(path)}: cannot be read ({error.strerror or error}); is the path right?"
        ) from error
    except (*_DAMAGE, *ARCHIVE_DAMAGE) as error:
        reason = printable(str(error) or type(error).__name__, 120)
        raise FeaturesError(
            f"{format_path(path.name)}: not a whole features file ({reason})", hint="was it copied completely?"
        ) from error


def _read_npy(path: Path) -> Any:
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(file)
        if dtype != np.dtype(object) or shape != ():
            raise FeaturesError(
                f"{format_path(path.name)}: a bare {printable(str(dtype), 120)} array of shape "
                f"{printable(str(shape), 120)}, made for another program; expected a dictionary of individuals",
                hint="read the file it was exported from",
            )
        content = unpickler.load(file, format_path(path.name), FeaturesError)
        if not isinstance(content, np.ndarray) or content.shape != ():
            raise ValueError("its content is not what its header says")
        return content.item()


def _is_bare(path: Path) -> bool:
    """Return whether a ``.npy`` holds an array of rows, as MS-TCN and ActionFormer read it, instead of a dictionary."""
    with path.open("rb") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            return False
        _, _, dtype = np.lib.format.read_array_header_1_0(file)
    return not dtype.hasobject


def _read_bare(path: Path) -> Features:
    """Read the array of one individual, whose ``.json`` says how it lies; its rows are views of the file."""
    facts = _read_facts(path, json_path(path))
    try:
        (entry,) = facts["individuals"]
        by_column = {"ms-tcn": True, "actionformer": False}[facts["layout"]]
        individual, n_rows = entry["id"], _frame(entry["rows"])
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged_facts(path, error) from error
    array = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    rows = array.T if by_column else array
    if rows.ndim != 2 or rows.dtype != np.float32 or len(rows) != n_rows or not rows.shape[1]:
        raise ValueError(f"{array.dtype} {array.shape} for {n_rows} rows")
    return _with_facts(path, {individual: rows}, facts)


def _read_pickle(path: Path) -> Any:
    with path.open("rb") as file:
        return unpickler.load(file, format_path(path.name), FeaturesError)


def _read_npz(path: Path) -> dict[Any, Any]:
    content: dict[Any, Any] = {}
    with path.open("rb") as file:
        check_archive(file)
        archive = np.load(file, allow_pickle=False)
        for name in archive.files:
            key, _, inner = name.partition("/")
            if key in METADATA_KEYS and inner:
                content.setdefault(key, {})[inner] = int(archive[name])
            else:
                content[name] = archive[name]
    return content


def _rows_and_metadata(path: Path, content: Any) -> tuple[dict[Id, NDArray[np.float32]], dict[str, Any]]:
    if not isinstance(content, dict):
        raise FeaturesError(
            f"{format_path(path.name)}: expected a dictionary of individuals, found {type(content).__name__}"
        )
    metadata = {key: content[key] for key in METADATA_KEYS if isinstance(content.get(key), dict)}
    rows = {key: value for key, value in content.items() if key not in metadata}
    for individual, values in rows.items():
        if not isinstance(individual, str | int) or (isinstance(individual, int) and abs(individual) > LARGEST_NUMBER):
            raise FeaturesError(
                f"{format_path(path.name)}: expected ids that are text or whole numbers of up to 18 digits"
            )
        shown = ascii(individual)[:60]
        # Rows without values take no space, so a file could claim any number of them.
        if not isinstance(values, np.ndarray) or values.ndim != 2 or not values.shape[1]:
            raise FeaturesError(f"{format_path(path.name)}: {shown} is no array of features (rows, values)")
        if values.dtype.kind != "f":
            raise FeaturesError(f"{format_path(path.name)}: {shown}: expected float32 features, found {values.dtype}")
    return {key: np.ascontiguousarray(np.asarray(value), dtype=np.float32) for key, value in rows.items()}, metadata


def _read_facts(path: Path, facts_path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(facts_path.read_text(encoding="utf-8"))
        checksum = facts["sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged_facts(path, error) from error
    if checksum != sha256_of(path):
        raise FeaturesError(
            f"{format_path(facts_path.name)}: tells about another {format_path(path.name)} than the one here "
            "(checksums differ)",
            hint="extract again, or delete it to read the features without it",
        )
    return dict(facts)


def _with_facts(path: Path, rows: dict[Id, NDArray[np.float32]], facts: dict[str, Any]) -> Features:
    try:
        entries: dict[Id, Any] = {entry["id"]: entry for entry in facts["individuals"]}
        named = _named_rows(rows, entries)
        return Features(
            rows=named,
            frames=_frames(entries, named, "frames", np.float64),
            chunk_starts=_frames(entries, named, "chunk_starts", np.int64),
            first_frame={i: _frame(e["first_frame"]) for i, e in entries.items() if e["first_frame"] is not None},
            last_frame={i: _frame(e["last_frame"]) for i, e in entries.items() if e["last_frame"] is not None},
            fps=_rate(facts["fps"]),
            provenance=facts["provenance"],
        )
    except FeaturesError as error:
        raise FeaturesError(f"{format_path(json_path(path).name)}: {printable(str(error), 120)}") from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _damaged_facts(path, error) from error


def _named_rows(rows: dict[Id, NDArray[np.float32]], entries: dict[Id, Any]) -> dict[Id, NDArray[np.float32]]:
    """Restore the ids and the rows of individuals from a file made for another program."""
    by_name = {entry.get("id_in_file", individual): individual for individual, entry in entries.items()}
    if len(by_name) < len(entries):
        raise ValueError("two individuals of one name")
    # Ids in a .npz are text.
    by_text = {str(individual): individual for individual in entries}
    named: dict[Id, NDArray[np.float32]] = {}
    for name, values in rows.items():
        individual = by_name[name] if name in by_name else by_text.get(str(name), name)
        if individual in named:
            raise ValueError("two individuals of one id")
        entry = entries.get(individual, {})
        first = _frame(entry.get("first_row", 0))
        named[individual] = values[first : first + _frame(entry["rows"])] if "first_row" in entry else values
    return named


def _frames(
    entries: dict[Id, Any], rows: dict[Id, NDArray[np.float32]], key: str, dtype: DTypeLike
) -> dict[Id, NDArray[Any]]:
    """Return the frames that the facts state, for as many rows as there are."""
    stated = {i: entry[key] for i, entry in entries.items() if entry[key] is not None}
    return {i: from_runs(frames, len(rows.get(i, ())), dtype) for i, frames in stated.items()}


def _damaged_facts(path: Path, error: Exception) -> FeaturesError:
    reason = printable(repr(error), 120)
    return FeaturesError(
        f"{format_path(json_path(path).name)}: damaged ({reason})", hint="delete it to read the features without it"
    )


def _rate(value: object) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf):
        return value
    raise ValueError("fps that are no positive number")


def _frame(value: object) -> int:
    if isinstance(value, int | np.integer) and 0 <= value <= LARGEST_NUMBER:
        return int(value)
    raise ValueError("frames that are no whole numbers")


def _with_metadata(rows: dict[Id, NDArray[np.float32]], metadata: dict[str, Any]) -> Features:
    first, last = (
        {key: _frame(n) for key, n in metadata.get(name, {}).items() if key in rows} for name in METADATA_KEYS
    )
    frames = {
        individual: np.arange(first[individual], last[individual] + 1, dtype=np.float64)
        for individual, values in rows.items()
        if individual in first and individual in last and last[individual] - first[individual] + 1 == len(values)
    }
    return Features(rows=rows, frames=frames, first_frame=first, last_frame=last)
