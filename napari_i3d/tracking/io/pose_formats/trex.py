"""TRex's positions: one ``.npz`` file for each individual of a video, all in one folder."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import format_path
from napari_i3d.errors import TrackingError
from napari_i3d.safe_loading.numpy_files import ZIP_SIGNATURE, Archive, open_npz
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat, VideoFacts
from napari_i3d.tracking.io.pose_formats.centroids import centroid_keypoints, rows_by_frame

_NAME = re.compile(r"(?P<video>.*)_(?P<individual>[A-Za-z]+\d+)\.npz", re.ASCII)
_CENTROIDS = ("#wcentroid", "#centroid", "#pcentroid", "")
# Width of the arena that TRex assumes without calibration.
_ARENA_CM = 30
_MOST_FILES = 10_000


def _recognize(path: Path, head: bytes) -> bool:
    if not head:
        return any(True for _ in _files_in(path))
    return head.startswith(ZIP_SIGNATURE) and _is_trex(path)


def _is_trex(path: Path) -> bool:
    try:
        with open_npz(path, TrackingError) as archive:
            return {"frame", "missing"} <= set(archive.names) and _centroid(archive) is not None
    except TrackingError:
        return False


def _files_in(folder: Path, start: str = "") -> Iterator[Path]:
    try:
        beside = (path for path in folder.iterdir() if path.name.startswith(start))
        named = sorted(path for path in beside if _NAME.fullmatch(path.name) and path.is_file())
    except OSError:
        return
    yield from (path for path in named[:_MOST_FILES] if _is_trex(path))


def _centroid(archive: Archive) -> str | None:
    return next((kind for kind in _CENTROIDS if {f"X{kind}", f"Y{kind}"} <= set(archive.names)), None)


def _read(path: Path, options: ReadOptions) -> ReadResult:
    files = _files(path)
    if path.is_dir():
        videos = sorted({match["video"] for file in files if (match := _NAME.fullmatch(file.name))})
        if len(videos) != 1:
            raise TrackingError(
                f"expected the individuals of one video, found those of {len(videos)}: "
                f"{', '.join(format_path(video) for video in videos[:6])}",
                hint="name a file of one of them",
            )
    if not files:
        raise TrackingError("expected a file of positions of TRex, found none")
    made, lengths, scales = [], [], set()
    for file in files:
        with open_npz(file, TrackingError) as archive:
            scale, scale_note = _cm_per_pixel(archive, options.video)
            first, places, length = _positions(archive, file)
        scales.add(scale)
        match = _NAME.fullmatch(file.name)
        made.append((match["individual"] if match else file.stem, first, places / scale))
        lengths.append(length)
    if len(scales) > 1:
        raise TrackingError(
            "its files were made with different cm_per_pixel",
            hint="export them again together",
        )
    known = [length for length in lengths if np.isfinite(length)]
    keypoints = centroid_keypoints(made, float(np.median(known)) if known else None)
    notes = [scale_note]
    if len(files) > 1 or path.is_dir():
        notes.append(
            f"{len(files)} files were read, from {format_path(files[0].name)} to {format_path(files[-1].name)}"
        )
    return ReadResult(keypoints, tuple(notes))


def _files(path: Path) -> list[Path]:
    """Return the files of a folder, or of the individuals of one video."""
    named = _NAME.fullmatch(path.name)
    files = [path]
    if path.is_dir():
        files = list(_files_in(path))
    elif named is not None:
        files = [file for file in _files_in(path.parent, f"{named['video']}_") if _video(file) == named["video"]]
    return sorted(files, key=_order)


def _video(path: Path) -> str:
    match = _NAME.fullmatch(path.name)
    return match["video"] if match else ""


def _order(path: Path) -> tuple[str, int]:
    """Sort fish10 after fish9."""
    digits = re.search(r"(\d+)\.npz$", path.name)
    return path.name[: digits.start()] if digits else path.name, int(digits[1][:18]) if digits else 0


def _cm_per_pixel(archive: Archive, video: VideoFacts | None) -> tuple[float, str]:
    if "cm_per_pixel" in archive.names:
        stated = archive["cm_per_pixel"].ravel()
        if stated.size == 1 and stated.dtype.kind in "iuf" and 0 < stated[0] < np.inf:
            return float(stated[0]), f"positions were converted from cm to px with the file's {stated[0]:.6g} cm per px"
    if video is None:
        raise TrackingError(
            "its places are in cm and the file does not say how many there are in a pixel; give the video, whose width "
            f"TRex takes for {_ARENA_CM} cm if it was not calibrated"
        )
    scale = _ARENA_CM / video.width
    return scale, (
        f"positions were converted from cm to px by taking the video's {video.width} px for {_ARENA_CM} cm, as TRex "
        "does if it was not calibrated (cm_per_pixel)"
    )


def _positions(archive: Archive, path: Path) -> tuple[int, NDArray[Any], float]:
    kind = _centroid(archive)
    columns = [archive[name] for name in ("frame", "missing", f"X{kind}", f"Y{kind}")]
    if any(column.ndim != 1 or column.dtype.kind not in "biuf" for column in columns):
        raise TrackingError(f"{format_path(path.name)}: expected one number for each frame")
    if len({len(column) for column in columns}) != 1:
        raise TrackingError(f"{format_path(path.name)}: its columns have different lengths")
    frames, missing, x, y = columns
    places = np.stack([x, y], axis=1).astype(np.float64)
    places[(missing != 0) | ~np.isfinite(places).all(axis=1)] = np.nan
    first, filled = rows_by_frame(path.stem, frames, places)
    length = archive["midline_length"] if "midline_length" in archive.names else np.empty(0)
    length = length[np.isfinite(length)] if length.dtype.kind == "f" else np.empty(0)
    return first, filled, float(np.median(length)) if len(length) else np.nan


FORMAT = TrackingFormat("trex", "TRex npz", (".npz",), _recognize, _read, files=_files)
