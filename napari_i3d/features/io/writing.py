"""Write features: numpy and pickle files with dictionaries, ``.npz`` without pickled objects."""

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import atomic_writer, sha256_of
from napari_i3d.errors import FeaturesError, OutputError
from napari_i3d.features.features import Features
from napari_i3d.features.io.numpy1_pickle import write_npy, write_pickle
from napari_i3d.features.io.sidecar import METADATA_KEYS, Place, frame_metadata, json_path, sidecar_facts
from napari_i3d.features.row_blocks import PlacedRows
from napari_i3d.individuals import Id


def write_features(path: str | Path, features: Features, *, metadata: bool = False) -> None:
    """Write features to a file, and the facts about their rows to ``path + ".json"`` beside it.

    Parameters
    ----------
    path
        Ends in ``.npy`` (a dictionary that numpy loads with ``allow_pickle=True``), ``.pickle``, ``.pkl`` (the same
        dictionary) or ``.npz`` (an array for each individual, nothing pickled).
    features
        The features.
    metadata
        Add the dictionaries ``min_frames`` and ``max_frames``: first and last frame of each individual.

    Raises
    ------
    FeaturesError
        Another ending, or ids that do not fit the format.
    OutputError
        The file cannot be written.
    """
    places = {individual: Place(individual) for individual in features}
    write_dictionary(path, features, places, metadata=metadata)


def write_dictionary(
    path: str | Path, features: Features, places: Mapping[Id, Place], *, metadata: bool, layout: str = "dict"
) -> None:
    """Write features with each individual at its place; errors as in `write_features`."""
    path = Path(path)
    write = WRITERS.get(path.suffix.lower())
    if write is None:
        raise FeaturesError(f"{path}: features are written to {', '.join(WRITERS)}, not to {path.suffix or 'nothing'}")
    check_content([place.name for place in places.values()], path.suffix, metadata=metadata)
    content: dict[Any, Any] = {places[i].name: places[i].filled(rows) for i, rows in features.items()}
    if metadata:
        content |= frame_metadata(features, places)
    write_with_facts(path, features, lambda file: write(file, content), layout=layout, places=places)


def check_content(individuals: Sequence[Id], ending: str, *, metadata: bool) -> None:
    """Check that a file with this ending can tell the individuals apart.

    Raises `FeaturesError` for the name of a metadata entry, and for equal names in a ``.npz``, whose names are text.
    """
    taken = [key for key in METADATA_KEYS if metadata and key in individuals]
    if taken:
        raise FeaturesError(
            f"an individual is called {taken[0]!r}, the name of a metadata entry", hint="leave out {save_metadata}"
        )
    if ending.lower() == ".npz":
        names = [str(individual) for individual in individuals]
        if twins := [name for name in names if names.count(name) > 1]:
            raise FeaturesError(f"two individuals would both be called {twins[0]!r} in the .npz", hint="save as .npy")


def write_with_facts(
    path: Path,
    features: Features,
    write: Callable[[BinaryIO], None],
    individuals: list[Id] | None = None,
    layout: str = "dict",
    places: Mapping[Id, Place] = MappingProxyType({}),
) -> None:
    """Write one file, with `write`, and the ``.json`` beside it: neither appears before both are complete.

    `individuals` are those in the file, by default all; `layout` is the program that it is for; `places` are the places
    of individuals that are not under their own ids.
    """
    facts_path = json_path(path)
    before = facts_path.read_bytes() if facts_path.is_file() else None
    try:
        described = list(features) if individuals is None else individuals
        _write_both(path, facts_path, write, {**sidecar_facts(features, described, places), "layout": layout})
    except OutputError:
        # The facts may have been renamed and the file not: restore the facts of the file that is there.
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
        # Renamed first, so that an existing features file always has its facts, even after a crash.
        with atomic_writer(facts_path) as facts_file:
            facts_file.write(json.dumps(facts, indent=1).encode())


def _write_npz(file: BinaryIO, content: Mapping[Any, Any]) -> None:
    arrays: dict[str, NDArray[np.int64] | PlacedRows] = {}
    for key, value in content.items():
        numbers = value.items() if isinstance(value, Mapping) else ()
        arrays |= {f"{key}/{inner}": np.array(number, np.int64) for inner, number in numbers} or {str(key): value}
    with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                if isinstance(array, PlacedRows):
                    write_rows(entry, array)
                else:
                    np.lib.format.write_array(entry, array, allow_pickle=False)


def write_rows(file: BinaryIO | IO[bytes], rows: PlacedRows) -> None:
    """Write rows as a ``.npy`` of float32 (rows, values), block by block."""
    header = {"descr": "<f4", "fortran_order": False, "shape": rows.shape}
    np.lib.format.write_array_header_1_0(file, header)
    for block in rows.blocks():
        file.write(np.asarray(block, "<f4").data.cast("B"))


WRITERS: dict[str, Callable[[BinaryIO, Mapping[Any, Any]], None]] = {
    ".npy": write_npy,
    ".pickle": write_pickle,
    ".pkl": write_pickle,
    ".npz": _write_npz,
}
