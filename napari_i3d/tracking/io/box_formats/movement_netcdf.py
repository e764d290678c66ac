"""NetCDF files of movement: boxes or poses of all individuals in arrays over time.

The arrays are ``position (time, space, [keypoints,] individuals)``, centers for boxes, with ``shape`` (width, height)
for boxes and ``confidence`` for poses; newer versions call the dimensions ``keypoint`` and ``individual``. Times are
frames from 0, or seconds if the attribute ``fps`` or ``time_unit`` says so. NetCDF 4 is HDF5; netCDF 3 is a format of
its own; it is the one written here, because xarray and movement open both and it needs only scipy.
"""

import io
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import NapariI3DError, TrackingError
from napari_i3d.safe_loading.hdf5 import Hdf5File, is_hdf5, matches_hdf5, open_hdf5
from napari_i3d.tracking.io.box_formats.movement_netcdf_writing import write
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat, VideoFacts
from napari_i3d.tracking.io.parsing.box_rows import tracking_of_tracks, whole_frames
from napari_i3d.tracking.io.parsing.csv_rows import readable_file
from napari_i3d.tracking.io.parsing.pose_rows import keypoints_of_rows

_CLASSIC = b"CDF"
_NAMES = {"time": "time", "space": "space"} | {
    f"{name}{ending}": name for name in ("individual", "keypoint") for ending in ("", "s")
}
"""Both spellings of the dimensions."""
_ORDER = ("time", "space", "keypoint", "individual")
_DAMAGE = (ValueError, TypeError, LookupError, OverflowError, MemoryError, AttributeError, AssertionError, RuntimeError)


class _Arrays(Protocol):
    """The arrays of a file."""

    def __contains__(self, name: str) -> bool: ...

    def dimensions(self, name: str) -> tuple[str, ...] | None:
        """Return the names of an array's dimensions as movement has them, None if they are not stated."""

    def read(self, name: str) -> NDArray[Any]:
        """Return an array of numbers."""

    def texts(self, name: str) -> list[str]:
        """Return an array of text."""

    def attribute(self, name: str) -> Any:
        """Return an attribute of the file, None if there is none."""


class _Hdf5Arrays:
    def __init__(self, file: Hdf5File) -> None:
        self._file = file
        self._by_number = {
            int(np.ravel(number)[0]): name
            for name in file.names()
            if (number := file.attribute(name, "_Netcdf4Dimid")) is not None and len(file.shape(name) or ()) == 1
        }

    def __contains__(self, name: str) -> bool:
        return name in self._file

    def dimensions(self, name: str) -> tuple[str, ...] | None:
        numbers = self._file.attribute(name, "_Netcdf4Coordinates")
        if numbers is None:
            return None
        return tuple(self._by_number.get(int(number), "?") for number in np.ravel(numbers))

    def read(self, name: str) -> NDArray[Any]:
        if any(self._file.attribute(name, packing) is not None for packing in ("scale_factor", "add_offset")):
            raise TrackingError(
                f"{name}: packed numbers",
                hint="save it without scale_factor and add_offset",
            )
        return self._file.read(name)

    def texts(self, name: str) -> list[str]:
        if self._file.dtype(name).kind in "iuf":
            return [str(value) for value in self._file.read(name).ravel().tolist()]
        if len(self._file.shape(name) or ()) == 2:  # single characters
            return _joined(self._file.read(name))
        return self._file.texts(name)

    def attribute(self, name: str) -> Any:
        value = self._file.attribute("/", name)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


class _ClassicArrays:
    """NetCDF 3, read from memory: from a file, scipy would reserve whatever size the header states."""

    def __init__(self, path: Path) -> None:
        from scipy.io import netcdf_file

        with readable_file(path):
            file = netcdf_file(io.BytesIO(path.read_bytes()), "r", mmap=False)
        self._variables = file.variables
        self._attributes = {name: getattr(file, name, None) for name in ("fps", "time_unit", "source_software")}
        file.close()

    def __contains__(self, name: str) -> bool:
        return name in self._variables

    def dimensions(self, name: str) -> tuple[str, ...] | None:
        return tuple(self._variables[name].dimensions)

    def read(self, name: str) -> NDArray[Any]:
        variable = self._variables[name]
        if any(hasattr(variable, packing) for packing in ("scale_factor", "add_offset")):
            raise TrackingError(
                f"{name}: packed numbers",
                hint="save it without scale_factor and add_offset",
            )
        values = np.asarray(variable[:])
        return values.astype(values.dtype.newbyteorder("="))

    def texts(self, name: str) -> list[str]:
        values = np.asarray(self._variables[name][:])
        return _joined(values) if values.dtype.kind == "S" else [str(value) for value in values.ravel().tolist()]

    def attribute(self, name: str) -> Any:
        value = self._attributes.get(name)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _joined(characters: NDArray[Any]) -> list[str]:
    rows = np.ascontiguousarray(characters.reshape(len(characters), -1))
    width = rows.shape[1] * rows.dtype.itemsize
    return (
        [row.decode("utf-8", "replace").rstrip("\0") for row in rows.view(f"S{width}").ravel().tolist()]
        if width
        else []
    )


def _recognize(path: Path, head: bytes) -> bool:
    if head.startswith(_CLASSIC):
        return b"position" in head and b"individual" in head and b"space" in head
    return matches_hdf5(path, head, _is_movement)


def _is_movement(file: Hdf5File) -> bool:
    names = set(file.names())
    return {"position", "time", "space"} <= names and bool({"individual", "individuals"} & names)


def _read(path: Path, options: ReadOptions) -> ReadResult:
    with readable_file(path), path.open("rb") as opened:
        head = opened.read(4096)
    if is_hdf5(head):
        with open_hdf5(path, TrackingError) as file:
            return _content(_Hdf5Arrays(file), options)
    try:
        return _content(_ClassicArrays(path), options)
    except NapariI3DError:
        raise
    except _DAMAGE as error:
        raise TrackingError(f"not a whole netCDF file ({str(error)[:80] or type(error).__name__})") from error


def _content(arrays: _Arrays, options: ReadOptions) -> ReadResult:
    if "position" not in arrays:
        raise TrackingError("expected an array called position, found none")
    position = _ordered(arrays, "position")
    frames, notes = _frames(arrays, position.shape[0], options.video)
    space = arrays.texts("space") if "space" in arrays else ["x", "y"]
    if space[:2] != ["x", "y"] or position.shape[1] != 2:
        raise TrackingError(f"expected positions of x and y in pixels, found {', '.join(space[:5])}")
    names = _labels(arrays, "individual", position.shape[3], "id_")
    if "shape" in arrays:
        shape = _ordered(arrays, "shape")
        if shape.shape != position.shape or position.shape[2] != 1:
            raise TrackingError(f"expected a shape for each position, found {shape.shape} for {position.shape}")
        return _boxes(names, frames, position[:, :, 0], shape[:, :, 0], notes)
    confidence = _ordered(arrays, "confidence") if "confidence" in arrays else np.empty(0)
    keypoints = _labels(arrays, "keypoint", position.shape[2], "keypoint_")
    expected = (position.shape[0], 1, *position.shape[2:])
    tracks = [
        (
            name,
            position[:, :, :, place].transpose(0, 2, 1),
            confidence[:, 0, :, place] if confidence.shape == expected else None,
        )
        for place, name in enumerate(names)
    ]
    return ReadResult(keypoints_of_rows(keypoints, frames, tracks), tuple(notes))


def _ordered(arrays: _Arrays, name: str) -> NDArray[np.floating[Any]]:
    """Return an array with the dimensions (time, space, keypoint, individual), of length 1 if it does not have them."""
    values = arrays.read(name)
    if values.dtype.kind != "f":
        values = values.astype(np.float64)
    stated = arrays.dimensions(name)
    if stated is None or len(stated) != values.ndim:
        usual = [one for one in _ORDER if one != "keypoint" or values.ndim == 4]
        stated = tuple(one for one in usual if one != "space" or name != "confidence")
    known = [_NAMES.get(one, "?") for one in stated]
    if len(known) != values.ndim or len(set(known)) != len(known) or "?" in known or "individual" not in known:
        raise TrackingError(f"{name}: expected the dimensions time, space, individuals, found {', '.join(stated)[:80]}")
    missing = [one for one in _ORDER if one not in known]
    values = values.reshape(values.shape + (1,) * len(missing))
    return values.transpose([[*known, *missing].index(one) for one in _ORDER])


def _labels(arrays: _Arrays, name: str, number: int, prefix: str) -> list[str]:
    found = next((spelled for spelled, own in _NAMES.items() if own == name and spelled in arrays), None)
    labels = arrays.texts(found) if found is not None else []
    return labels if len(labels) == number else [f"{prefix}{place}" for place in range(number)]


def _frames(arrays: _Arrays, number: int, video: VideoFacts | None) -> tuple[NDArray[Any], list[str]]:
    """Return the frame of each time, ascending."""
    times = arrays.read("time").astype(np.float64) if "time" in arrays else np.arange(number, dtype=np.float64)
    if times.shape != (number,):
        raise TrackingError(f"expected a time for each of {number} rows, found {times.size}")
    fps = arrays.attribute("fps")
    fps = float(np.ravel(fps)[0]) if isinstance(fps, int | float | np.ndarray | np.generic) else None
    unit = arrays.attribute("time_unit")
    in_seconds = unit == "seconds" or (unit is None and fps is not None)
    if not in_seconds:
        frames, note = times, "times are frames from 0"
    else:
        if fps is None and video is not None:
            fps = video.fps
        if fps is None or not 0 < fps < 1e6:
            raise TrackingError(
                "times are in seconds without a rate (fps)",
                hint="give the video, for its frames per second",
            )
        frames, note = np.round(times * fps), f"times in seconds became frames at {fps:g} frames per second, from 0"
    if len(frames) > 1 and not (np.diff(frames) > 0).all():
        raise TrackingError("expected times that ascend from frame to frame, found others; is the rate (fps) right?")
    if arrays.attribute("source_software") == "VIA-tracks":
        return frames, [note, "movement renumbers the frames of VIA, without gaps, unless told to keep them"]
    return frames, [note]


def _boxes(
    names: list[str],
    frames: NDArray[Any],
    centers: NDArray[np.floating[Any]],
    sizes: NDArray[np.floating[Any]],
    notes: list[str],
) -> ReadResult:
    if not names:
        raise TrackingError("expected individuals, found none")
    tracks = []
    for place, name in enumerate(names):
        center, size = centers[:, :, place].astype(np.float64), sizes[:, :, place].astype(np.float64)
        present = np.isfinite(center + size).all(axis=1)
        center, half = center[present], size[present] / 2
        tracks.append((name, whole_frames(frames[present]), np.hstack([center - half, center + half])))
    return ReadResult(tracking_of_tracks(tracks), tuple(notes))


FORMAT = TrackingFormat("movement", "movement netCDF", (".nc",), _recognize, _read, write)
