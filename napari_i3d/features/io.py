"""Features files: ``.npy``, ``.pickle`` and ``.npz``, each with a ``.json`` beside it that tells about its rows.

The ``.json`` holds the checksum of the file it belongs to, so that neither can be taken for the other's after one of
them was exchanged.
"""

import contextlib
import json
import math
import tokenize
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_i3d import safe_pickle
from napari_i3d.archives import ARCHIVE_DAMAGE, check_archive
from napari_i3d.errors import FeaturesError, OutputError, label
from napari_i3d.features.model import Features, Id
from napari_i3d.features.old_numpy import write_npy, write_pickle
from napari_i3d.files import atomic_writer, sha256_of
from napari_i3d.pickle_scan import one_line

METADATA_KEYS = ("min_frames", "max_frames")
JSON_FORMAT = 1
_MAX_ID = 2**63 - 1
# The last two: numpy's headers are in Python's notation.
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


def json_path(path: str | Path) -> Path:
    """Return where the facts about a features file are kept."""
    path = Path(path)
    return path.with_name(path.name + ".json")


@dataclass(frozen=True)
class Place:
    """Where a file made for another program holds the rows of an individual.

    Attributes
    ----------
    name
        What the individual is called there.
    first_row
        Number of rows of zeros before its first.
    n_rows
        Number of all rows; None: there are no others.
    """

    name: Id
    first_row: int = 0
    n_rows: int | None = None

    def filled(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rows with those of zeros."""
        if self.n_rows is None:
            return rows
        filled = np.zeros((self.n_rows, rows.shape[1]), np.float32)
        filled[self.first_row : self.first_row + len(rows)] = rows
        return filled


def write_features(path: str | Path, features: Features, *, metadata: bool = False, layout: str = "dict") -> None:
    """Write features to ``.npy``, ``.pickle`` or ``.npz``; see `Features.save`."""
    places = {individual: Place(individual) for individual in features}
    write_dictionary(path, features, places, metadata=metadata, layout=layout)


def write_dictionary(
    path: str | Path, features: Features, places: Mapping[Id, Place], *, metadata: bool, layout: str
) -> None:
    """Write features with each individual at its place; `read_features` gives them back as they are.

    Raises
    ------
    FeaturesError
        Another ending, or names that do not fit the format.
    OutputError
        The file cannot be written.
    """
    path = Path(path)
    write = WRITERS.get(path.suffix.lower())
    if write is None:
        raise FeaturesError(f"{path}: features are written to {', '.join(WRITERS)}, not to {path.suffix or 'nothing'}")
    check_content([place.name for place in places.values()], path.suffix, metadata=metadata)
    content: dict[Any, Any] = {places[i].name: places[i].filled(rows) for i, rows in features.items()}
    if metadata:
        content |= _metadata(features, places)
    write_with_facts(path, features, lambda file: write(file, content), layout=layout, places=places)


def check_content(individuals: Sequence[Id], ending: str, *, metadata: bool) -> None:
    """See that individuals can be told apart in a file of this ending.

    Raises
    ------
    FeaturesError
        One has the name of a metadata entry, or two are called the same in a ``.npz``, whose names are text.
    """
    taken = [key for key in METADATA_KEYS if metadata and key in individuals]
    if taken:
        raise FeaturesError(
            f"an individual is called {taken[0]!r}, the name of a metadata entry: save without metadata"
        )
    if ending.lower() == ".npz":
        names = [str(individual) for individual in individuals]
        if twins := [name for name in names if names.count(name) > 1]:
            raise FeaturesError(f"two individuals would both be called {twins[0]!r} in the .npz: save as .npy")


def write_with_facts(
    path: Path,
    features: Features,
    write: Callable[[BinaryIO], None],
    individuals: list[Id] | None = None,
    layout: str = "dict",
    places: Mapping[Id, Place] = MappingProxyType({}),
) -> None:
    """Write one file and the ``.json`` beside it: neither appears before both are complete.

    Parameters
    ----------
    path
        The features file.
    features
        What the ``.json`` tells about.
    write
        Writes the content of the features file.
    individuals
        Those that the file holds; None: all.
    layout
        For which program the file is laid out.
    places
        Where individuals are in the file; those that are not in it have it under their own ids.
    """
    facts_path = json_path(path)
    before = facts_path.read_bytes() if facts_path.is_file() else None
    try:
        told = list(features) if individuals is None else individuals
        _write_both(path, facts_path, write, {**_facts(features, told, places), "layout": layout})
    except OutputError:
        # The facts may have taken their name when the file could not: facts never stand beside a file of before.
        if before is None:
            facts_path.unlink(missing_ok=True)
        elif facts_path.read_bytes() != before:
            with atomic_writer(facts_path) as file:
                file.write(before)
        raise


def _write_both(path: Path, facts_path: Path, write: Callable[[BinaryIO], None], facts: dict[str, Any]) -> None:
    with atomic_writer(path) as file:
        write(file)
        file.flush()
        facts = {**facts, "sha256": sha256_of(file.name)}
        # Renamed first: a features file that is there has its facts, whenever the program was ended.
        with atomic_writer(facts_path) as facts_file:
            facts_file.write(json.dumps(facts, indent=1).encode())


def _metadata(features: Features, places: Mapping[Id, Place]) -> dict[str, Mapping[Id, int]]:
    lacking = [individual for individual in features if individual not in features.last_frame]
    if lacking:
        raise FeaturesError(f"{lacking[0]}: first and last frame are not known, so they cannot be saved as metadata")
    ends = (features.first_frame, features.last_frame)
    return {
        key: {places[i].name: frame for i, frame in frames.items()}
        for key, frames in zip(METADATA_KEYS, ends, strict=True)
    }


def _facts(features: Features, individuals: list[Id], places: Mapping[Id, Place]) -> dict[str, Any]:
    return {
        "format": f"napari_i3d features {JSON_FORMAT}",
        "fps": features.fps,
        "individuals": [
            {
                "id": individual,
                **_place_facts(individual, places.get(individual)),
                "rows": len(features[individual]),
                "first_frame": features.first_frame.get(individual),
                "last_frame": features.last_frame.get(individual),
                "frames": _listed(features.frames.get(individual)),
                "chunk_starts": _listed(features.chunk_starts.get(individual)),
            }
            for individual in individuals
        ],
        "provenance": dict(features.provenance),
    }


def _place_facts(individual: Id, place: Place | None) -> dict[str, Any]:
    """Return what of a place is not as usual."""
    if place is None:
        return {}
    renamed = {} if place.name == individual else {"id_in_file": place.name}
    return renamed if place.n_rows is None else {**renamed, "first_row": place.first_row}


def _listed(values: NDArray[Any] | None) -> list[Any] | None:
    return None if values is None else values.tolist()


def _write_npz(file: BinaryIO, content: Mapping[Any, Any]) -> None:
    arrays: dict[str, NDArray[Any]] = {}
    for key, value in content.items():
        numbers = value.items() if isinstance(value, Mapping) else ()
        arrays |= {f"{key}/{inner}": np.array(number, np.int64) for inner, number in numbers} or {str(key): value}
    with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


WRITERS: dict[str, Callable[[BinaryIO, Mapping[Any, Any]], None]] = {
    ".npy": write_npy,
    ".pickle": write_pickle,
    ".pkl": write_pickle,
    ".npz": _write_npz,
}


def read_features(path: str | Path) -> Features:
    """Read a features file that this program, or its predecessor, wrote.

    Parameters
    ----------
    path
        A ``.npy``, ``.pickle``, ``.pkl`` or ``.npz`` file. What the ``.json`` beside it tells is taken up; without
        one the frames of the rows are known only where ``min_frames`` and ``max_frames`` say that there is a row for
        each frame.

    Returns
    -------
    Features

    Raises
    ------
    FeaturesError
        No such file, another format, damaged, or the ``.json`` belongs to another file. Nothing in it is executed.
    """
    path = Path(path)
    reader = {".npy": _read_npy, ".npz": _read_npz, ".pickle": _read_pickle, ".pkl": _read_pickle}.get(
        path.suffix.lower()
    )
    if reader is None:
        raise FeaturesError(
            f"{label(path.name)}: features are read from {', '.join(WRITERS)}, not from {path.suffix!r}"
        )
    with _damage_named(path):
        if path.exists() and not path.is_file():  # a pipe would be waited for without end
            raise FeaturesError(f"{label(path.name)}: expected a features file, found a folder, device or pipe")
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
    except OSError:  # a name too long, where that of the features just fits
        return False


@contextlib.contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FeaturesError(f"{label(path)}: cannot be read ({error.strerror or error}); is the path right?") from error
    except (*_DAMAGE, *ARCHIVE_DAMAGE) as error:
        reason = one_line(str(error) or type(error).__name__)
        raise FeaturesError(
            f"{label(path.name)}: not a whole features file ({reason}); was it copied completely?"
        ) from error


def _read_npy(path: Path) -> Any:
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(file)
        if dtype != np.dtype(object) or shape != ():
            raise FeaturesError(
                f"{label(path.name)}: a bare {one_line(str(dtype))} array of shape "
                f"{one_line(str(shape))}, made for another program; expected a dictionary of individuals: "
                "read the file it was exported from"
            )
        content = safe_pickle.load(file, label(path.name), FeaturesError)
        if not isinstance(content, np.ndarray) or content.shape != ():
            raise ValueError("its content is not what its header says")
        return content.item()


def _read_pickle(path: Path) -> Any:
    with path.open("rb") as file:
        return safe_pickle.load(file, label(path.name), FeaturesError)


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
        raise FeaturesError(f"{label(path.name)}: expected a dictionary of individuals, found {type(content).__name__}")
    metadata = {key: content[key] for key in METADATA_KEYS if isinstance(content.get(key), dict)}
    rows = {key: value for key, value in content.items() if key not in metadata}
    for individual, values in rows.items():
        if not isinstance(individual, str | int) or (isinstance(individual, int) and abs(individual) > _MAX_ID):
            raise FeaturesError(f"{label(path.name)}: expected ids that are text or whole numbers of up to 18 digits")
        shown = ascii(individual)[:60]
        # Without values, rows would take no room in the file, and any number of them could be claimed.
        if not isinstance(values, np.ndarray) or values.ndim != 2 or not values.shape[1]:
            raise FeaturesError(f"{label(path.name)}: {shown} is no array of features (rows, values)")
        if values.dtype.kind != "f":
            raise FeaturesError(f"{label(path.name)}: {shown}: expected float32 features, found {values.dtype}")
    return {key: np.ascontiguousarray(np.asarray(value), dtype=np.float32) for key, value in rows.items()}, metadata


def _read_facts(path: Path, facts_path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(facts_path.read_text(encoding="utf-8"))
        checksum = facts["sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged_facts(path, error) from error
    if checksum != sha256_of(path):
        raise FeaturesError(
            f"{label(facts_path.name)}: tells about another {label(path.name)} than the one here (checksums differ); "
            f"extract again, or delete it to read {label(path.name)} alone"
        )
    return dict(facts)


def _with_facts(path: Path, rows: dict[Id, NDArray[np.float32]], facts: dict[str, Any]) -> Features:
    try:
        entries: dict[Id, Any] = {entry["id"]: entry for entry in facts["individuals"]}
        return Features(
            rows=_told_rows(rows, entries),
            frames={i: np.array(e["frames"], np.float64) for i, e in entries.items() if e["frames"] is not None},
            chunk_starts={
                i: np.array(e["chunk_starts"], np.int64) for i, e in entries.items() if e["chunk_starts"] is not None
            },
            first_frame={i: _frame(e["first_frame"]) for i, e in entries.items() if e["first_frame"] is not None},
            last_frame={i: _frame(e["last_frame"]) for i, e in entries.items() if e["last_frame"] is not None},
            fps=_rate(facts["fps"]),
            provenance=facts["provenance"],
        )
    except FeaturesError as error:
        raise FeaturesError(f"{label(json_path(path).name)}: {one_line(str(error))}") from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _damaged_facts(path, error) from error


def _told_rows(rows: dict[Id, NDArray[np.float32]], entries: dict[Id, Any]) -> dict[Id, NDArray[np.float32]]:
    """Give individuals their ids, and the rows that are theirs, where the file was made for another program."""
    by_name = {entry.get("id_in_file", individual): individual for individual, entry in entries.items()}
    if len(by_name) < len(entries):
        raise ValueError("two individuals of one name")
    # A .npz knows text only: there, and nowhere else, an id is found by how it is written.
    by_text = {str(individual): individual for individual in entries}
    told: dict[Id, NDArray[np.float32]] = {}
    for name, values in rows.items():
        individual = by_name[name] if name in by_name else by_text.get(str(name), name)
        if individual in told:
            raise ValueError("two individuals of one id")
        entry = entries.get(individual, {})
        first = _frame(entry.get("first_row", 0))
        told[individual] = values[first : first + _frame(entry["rows"])] if "first_row" in entry else values
    return told


def _damaged_facts(path: Path, error: Exception) -> FeaturesError:
    reason = one_line(repr(error))
    return FeaturesError(
        f"{label(json_path(path).name)}: damaged ({reason}); delete it to read {label(path.name)} alone"
    )


def _rate(value: object) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf):
        return value
    raise ValueError("fps that are no positive number")


def _frame(value: object) -> int:
    if isinstance(value, int | np.integer) and 0 <= value <= _MAX_ID:
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
