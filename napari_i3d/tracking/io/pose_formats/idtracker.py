"""idtracker.ai's trajectories: one dictionary of centroids, saved in one of several ways."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted, format_path
from napari_i3d.errors import TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.safe_loading import unpickler
from napari_i3d.safe_loading.hdf5 import matches_hdf5, open_hdf5
from napari_i3d.safe_loading.json_text import parse_json
from napari_i3d.safe_loading.numpy_files import NPY_SIGNATURE, read_npy
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat, VideoFacts
from napari_i3d.tracking.io.pose_formats.centroids import centroid_keypoints, rows_by_frame
from napari_i3d.tracking.io.text_table import read_header, read_numbers

_TIDY = "frame,time,individual,x,y,probability"
_WIDE = re.compile(rb"(time|seconds),x1,y1[,\r\n]")
_MOST_FACTS_BYTES = 64 << 20
_MOST_INDIVIDUALS = 10_000
_BESIDE = ("attributes.json", "attributes_tidy.json")
_FACTS = ("body_length", "width", "height", "identities_labels", "video_paths")


def _recognize(path: Path, head: bytes) -> bool:
    if not head:
        return _file_in(path) is not None
    text = head.removeprefix(b"\xef\xbb\xbf")
    if _WIDE.match(text) or text.startswith(_TIDY.encode()):
        return True
    is_pickle = head.startswith(NPY_SIGNATURE) or head[:1] in (b"\x80", b"}", b"(")
    if is_pickle and b"trajectories" in head[:512]:
        return True
    return matches_hdf5(path, head, lambda file: len(file.shape("trajectories") or ()) == 3)


def _file_in(folder: Path) -> Path | None:
    """Return the file of a folder that idtracker.ai made: its session's, that of trajectories, or that of csv files."""
    names = ("trajectories.h5", "trajectories.npy", "trajectories.csv", "trajectories_tidy.csv")
    places = (
        folder,
        folder / "trajectories_csv",
        folder / "trajectories",
        folder / "trajectories" / "trajectories_csv",
    )
    return next((place / name for place in places for name in names if (place / name).is_file()), None)


def _read(path: Path, options: ReadOptions) -> ReadResult:
    notes: tuple[str, ...] = ()
    if path.is_dir():
        found = _file_in(path)
        if found is None:
            raise TrackingError("expected a folder with a file of trajectories")
        path, notes = found, (f"{format_path(found.relative_to(path))} was read",)
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith((b"time,", b"seconds", b"frame,", b"\xef\xbb\xbf")):
        places, facts = _read_text(path)
    else:
        places, facts = _read_dictionary(path, start)
    if places.ndim != 3 or places.shape[2] != 2 or places.dtype.kind != "f" or places.shape[1] > _MOST_INDIVIDUALS:
        raise TrackingError(f"expected trajectories of shape (frames, individuals, 2), found {places.shape}")
    _check_size(facts, options.video)
    ids = _ids(facts.get("identities_labels"), places.shape[1])
    stated = facts.get("body_length")
    length = float(stated) if isinstance(stated, int | float | np.number) else None
    videos = facts.get("video_paths")
    if isinstance(videos, list | tuple) and len(videos) > 1:
        notes += (f"the trajectories are of {len(videos)} videos after one another, and so are the frames",)
    keypoints = centroid_keypoints(((name, 0, places[:, number]) for number, name in enumerate(ids)), length)
    if options.video is not None and len(places) < options.video.n_frames:
        notes += (f"the file has {counted(len(places), 'frame')}, the video {options.video.n_frames}",)
    return ReadResult(keypoints, notes)


def _read_dictionary(path: Path, start: bytes) -> tuple[NDArray[Any], Mapping[str, Any]]:
    if start.startswith(NPY_SIGNATURE):
        content = read_npy(path, TrackingError)
    elif start[:1] in (b"\x80", b"}", b"("):
        with path.open("rb") as file:
            content = unpickler.load(file, "not readable", TrackingError, encoding="latin1")
    else:
        with open_hdf5(path, TrackingError) as hdf5:
            stored = ((name, hdf5.attribute("/", name)) for name in ("body_length", "width", "height"))
            facts = {name: value for name, value in stored if value is not None}
            # A list of names is an attribute, unlike a single number.
            facts |= {name: hdf5.attribute_texts("/", name) for name in ("identities_labels", "video_paths")}
            return hdf5.read("trajectories"), facts
    if not isinstance(content, dict) or not isinstance(content.get("trajectories"), np.ndarray):
        raise TrackingError("expected a dictionary with an array of trajectories")
    return np.asarray(content["trajectories"]), {name: content.get(name) for name in _FACTS}


def _read_text(path: Path) -> tuple[NDArray[Any], Mapping[str, Any]]:
    (header,) = read_header(path, 1)
    numbers = read_numbers(path, 1, len(header))
    if ",".join(header) == _TIDY:
        return _from_tidy(numbers), _attributes(path.with_name(_BESIDE[1]))
    wanted = [f"{axis}{number}" for number in range(1, len(header) // 2 + 1) for axis in "xy"]
    if header[1:] != wanted:
        raise TrackingError(f"expected the columns time,x1,y1,x2,y2,..., found {format_id(','.join(header))}")
    return numbers[:, 1:].reshape(len(numbers), -1, 2), _attributes(path.with_name(_BESIDE[0]))


def _from_tidy(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    individuals = numbers[:, 2]
    if not len(numbers) or not np.isin(individuals, np.arange(_MOST_INDIVIDUALS)).all():
        raise TrackingError("expected individuals that are whole numbers from 0 on")
    made = [
        rows_by_frame(number, numbers[rows, 0], numbers[rows, 3:5])
        for number in range(int(individuals.max()) + 1)
        for rows in [individuals == number]
        if rows.any()
    ]
    n_frames = max(first + len(values) for first, values in made)
    if n_frames * len(made) > 4 * len(numbers) + 10_000_000:
        raise TrackingError(
            "frames far apart, out of proportion to the rows",
            hint="correct the wrong frame number",
        )
    places = np.full((n_frames, int(individuals.max()) + 1, 2), np.nan)
    for number, (first, values) in zip(np.unique(individuals).astype(int), made, strict=True):
        places[first : first + len(values), number] = values
    return places


def _attributes(path: Path) -> Mapping[str, Any]:
    """Return what is stated beside a csv file; nothing if there is no such file."""
    try:
        if not path.is_file() or path.stat().st_size > _MOST_FACTS_BYTES:
            return {}
        content = parse_json(path.read_bytes(), TrackingError)
    except (OSError, TrackingError):
        return {}
    return content if isinstance(content, dict) else {}


def _ids(labels: Any, count: int) -> list[str]:
    names = [str(name) for name in labels] if isinstance(labels, list | tuple | np.ndarray) else []
    return names if len(names) == count else [str(number + 1) for number in range(count)]


def _check_size(facts: Mapping[str, Any], video: VideoFacts | None) -> None:
    width, height = facts.get("width"), facts.get("height")
    if video is None or not isinstance(width, int | np.integer) or not isinstance(height, int | np.integer):
        return
    if (width, height) != (video.width, video.height):
        raise TrackingError(
            f"the video that was tracked is {width}x{height} px, this one {video.width}x{video.height}; is it another?"
        )


def _files(path: Path) -> list[Path]:
    found = (_file_in(path) or path) if path.is_dir() else path
    beside = [found.with_name(name) for name in _BESIDE] if found.suffix.lower() == ".csv" else []
    return [found, *(other for other in beside if other.is_file())]


_ENDINGS = (".npy", ".h5", ".csv", ".pickle")
FORMAT = TrackingFormat("idtracker", "idtracker.ai", _ENDINGS, _recognize, _read, files=_files)
