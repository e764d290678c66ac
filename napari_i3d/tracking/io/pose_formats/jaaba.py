"""JAABA's trajectories (``trx.mat``): an ellipse for each animal and frame, in pixels and frames from 1."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.safe_loading.hdf5 import Hdf5File, is_hdf5, matches_hdf5, open_hdf5
from napari_i3d.safe_loading.matlab_files import SIGNATURE, has_variable, read_matlab
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat
from napari_i3d.tracking.tracklets import Tracking, Tracklet
from napari_i3d.tracking.validation import MAX_FRAME

_ROWS = ("x", "y", "theta", "a", "b")
_FIELDS = ("firstframe", *_ROWS)
_MOST_ANIMALS = 10_000


def _recognize(path: Path, head: bytes) -> bool:
    if head.startswith(SIGNATURE):
        return has_variable(path, b"trx")
    return matches_hdf5(path, head, lambda file: all(f"trx/{name}" in file for name in _FIELDS))


def _read(path: Path, _options: ReadOptions) -> ReadResult:
    with path.open("rb") as file:
        newer = is_hdf5(file.read(4096))
    if newer:
        with open_hdf5(path, TrackingError) as hdf5:
            animals = list(_from_hdf5(hdf5))
    else:
        animals = list(_from_matlab(path))
    made = (_tracklet(number, animal) for number, animal in enumerate(animals))
    tracklets = [tracklet for tracklet in made if tracklet is not None]
    if not tracklets:
        raise TrackingError("no animal has a position in the whole file")
    note = "frames and pixels count from 1 in the file; boxes are those of its ellipses"
    return ReadResult(Tracking(tracklets), (note,))


_Animal = dict[str, NDArray[Any]]


def _from_matlab(path: Path) -> Iterator[_Animal]:
    trx = read_matlab(path, ["trx"], TrackingError).get("trx")
    if not isinstance(trx, np.ndarray) or trx.dtype.names is None or not set(_FIELDS) <= set(trx.dtype.names):
        raise TrackingError(f"expected a variable trx with {', '.join(_FIELDS)}: is this JAABA's trx.mat?")
    if trx.size > _MOST_ANIMALS:
        raise TrackingError(f"{trx.size} animals, more than {_MOST_ANIMALS}")
    for one in trx.ravel():
        yield {name: np.asarray(one[name]).ravel() for name in (*_FIELDS, "id") if name in trx.dtype.names}


def _from_hdf5(file: Hdf5File) -> Iterator[_Animal]:
    columns = {name: file.read_referenced(f"trx/{name}") for name in (*_FIELDS, "id") if f"trx/{name}" in file}
    counts = {len(column) for column in columns.values()}
    if len(counts) != 1 or max(counts) > _MOST_ANIMALS:
        raise TrackingError("the fields of trx are of different numbers of animals")
    for number in range(counts.pop()):
        yield {name: column[number].ravel() for name, column in columns.items()}


def _tracklet(number: int, animal: _Animal) -> Tracklet | None:
    individual = _id(number, animal)
    if any(values.dtype.kind not in "iufb" for values in animal.values()):
        raise TrackingError(f"{individual}: expected numbers in {', '.join(_FIELDS)}")
    x, y, theta, a, b = (animal[name].astype(np.float64) for name in _ROWS)
    if len({len(values) for values in (x, y, theta, a, b)}) != 1 or animal["firstframe"].size != 1:
        raise TrackingError(f"{individual}: expected x, y, theta, a, b of the same length, and one firstframe")
    first = float(animal["firstframe"][0])
    if not 1 <= first <= MAX_FRAME or first != int(first):
        raise TrackingError(f"{individual}: expected a firstframe from 1 on, found {format_id(first)}")
    # a and b are quarters of the axes; x and y are 1 in the center of the first pixel.
    half_width = 2 * np.hypot(a * np.cos(theta), b * np.sin(theta))
    half_height = 2 * np.hypot(a * np.sin(theta), b * np.cos(theta))
    x, y = x - 1, y - 1
    boxes = np.stack([x - half_width, y - half_height, x + half_width, y + half_height], axis=1)
    known = np.flatnonzero(np.isfinite(boxes).all(axis=1))
    if not len(known):
        return None
    boxes[~np.isfinite(boxes).all(axis=1)] = np.nan
    rows = slice(int(known[0]), int(known[-1]) + 1)
    return Tracklet(individual, int(first) - 1 + rows.start, boxes[rows])


def _id(number: int, animal: _Animal) -> int:
    """Return the id of the file if it is a whole number, as it nearly always is, else the place from 1 on."""
    stated = animal.get("id", np.empty(0))
    if stated.size == 1 and stated.dtype.kind in "iuf" and stated[0] == np.trunc(stated[0]) and abs(stated[0]) < 2**53:
        return int(stated[0])
    return number + 1


FORMAT = TrackingFormat("jaaba", "JAABA trx.mat", (".mat",), _recognize, _read)
