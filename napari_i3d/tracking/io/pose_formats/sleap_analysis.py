"""SLEAP's analysis HDF5 files, in the axis order for Matlab (SLEAP's own) and in that of Python."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.errors import TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.safe_loading.hdf5 import Hdf5File, matches_hdf5, open_hdf5
from napari_i3d.safe_loading.json_text import parse_json
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat
from napari_i3d.tracking.keypoints import Keypoints, KeypointTracklet, trim_points

_FOR_MATLAB = ("track", "xy", "node", "frame")
_FOR_PYTHON = ("frame", "track", "node", "xy")
_MOST_TRACKS = 100_000


def _recognize(path: Path, head: bytes) -> bool:
    return matches_hdf5(path, head, lambda file: "node_names" in file and len(file.shape("tracks") or ()) == 4)


def _read(path: Path, options: ReadOptions) -> ReadResult:
    with open_hdf5(path, TrackingError) as file:
        nodes = tuple(file.texts("node_names"))
        shape = file.shape("tracks")
        if shape is None or len(shape) != 4:
            raise TrackingError(f"expected tracks of 4 axes, found shape {shape}")
        axes = _axes(file, shape, len(nodes))
        size = dict(zip(axes, shape, strict=True))
        if size["xy"] != 2:
            raise TrackingError(f"expected x and y of each node, found {size['xy']} coordinates: 3-D points?")
        if size["node"] != len(nodes) or size["track"] > _MOST_TRACKS:
            raise TrackingError(f"expected {counted(len(nodes), 'node')} in tracks, found shape {shape}")
        ids = _ids(file, size["track"])
        points_by_track = _by_track(file, "tracks", axes, ("track", "frame", "node", "xy"))
        score_axes = tuple(axis for axis in axes if axis != "xy")
        has_scores = "point_scores" in file and file.shape("point_scores") == tuple(size[axis] for axis in score_axes)
        scores_by_track = (
            _by_track(file, "point_scores", score_axes, ("track", "frame", "node")) if has_scores else None
        )
        tracklets: list[KeypointTracklet] = []
        kept_bytes = 0
        for track, individual in enumerate(ids):
            points = points_by_track(track)
            scores = np.broadcast_to(1.0, points.shape[:2]) if scores_by_track is None else scores_by_track(track)
            tracklet = trim_points(individual, 0, points, _without_missing(scores))
            if tracklet is not None:
                tracklets.append(tracklet)
                kept_bytes += tracklet.points.nbytes + tracklet.confidence.nbytes
                file.require(kept_bytes, "tracks")
    if not tracklets:
        raise TrackingError("there is no point in the whole file")
    return ReadResult(Keypoints(nodes, tuple(tracklets)), _notes(size, ids, tracklets, options))


def _axes(file: Hdf5File, shape: tuple[int, ...], n_nodes: int) -> tuple[str, ...]:
    """Return the names of the axes: as the file states them, else by their lengths."""
    stated = file.attribute("tracks", "dims")
    if stated is not None:
        names = parse_json(stated, TrackingError) if isinstance(stated, str | bytes) else None
        if isinstance(names, list) and sorted(map(str, names)) == sorted(_FOR_PYTHON):
            return tuple(names)
        raise TrackingError(f"expected the axes {', '.join(_FOR_PYTHON)}, found {format_id(stated)}")
    # The occupancy has frames first whichever the order of the tracks.
    occupancy = file.shape("track_occupancy") or ()
    fitting = [
        axes
        for axes in (_FOR_MATLAB, _FOR_PYTHON)
        for size in [dict(zip(axes, shape, strict=True))]
        if size["xy"] == 2 and size["node"] == n_nodes and occupancy in ((), (size["frame"], size["track"]))
    ]
    return fitting[0] if fitting else _FOR_MATLAB


def _by_track(file: Hdf5File, path: str, axes: tuple[str, ...], wanted: tuple[str, ...]) -> Any:
    """Return a function from the number of a track to its array with the axes wanted, but for the first."""
    shape = file.shape(path) or ()
    place = axes.index("track")
    rest = tuple(axis for axis in axes if axis != "track")
    order = [rest.index(axis) for axis in wanted[1:]]
    size_bytes = int(np.prod(shape, dtype=object)) * file.dtype(path).itemsize
    whole = file.read(path) if size_bytes <= file.limit_bytes // 2 else None
    if whole is not None and whole.dtype.kind not in "fiu":
        raise TrackingError(f"{path}: expected numbers, found {whole.dtype}")

    def read(track: int) -> NDArray[np.floating[Any]]:
        selection: Any = (*[slice(None)] * place, track)
        array = file.read(path, selection) if whole is None else whole[selection]
        array = array if array.dtype.kind == "f" else array.astype(np.float64)
        return array.transpose(order)

    return read


def _without_missing(scores: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    # Points set by hand have no score.
    return np.where(np.isnan(scores), 1.0, scores) if np.isnan(scores).any() else scores


def _ids(file: Hdf5File, n_tracks: int) -> list[str]:
    names = file.texts("track_names") if file.shape("track_names") not in (None, (0,)) else []
    if not names and n_tracks == 1:
        return ["ind0"]
    if len(names) != n_tracks:
        raise TrackingError(
            f"{n_tracks} tracks, but {counted(len(names), 'track name')}: were the instances tracked? Track them in "
            "SLEAP before exporting the analysis file"
        )
    if len(set(names)) < len(names):
        raise TrackingError(
            "two tracks have the same name",
            hint="rename one of them in SLEAP",
        )
    return names


def _notes(
    size: dict[str, int], ids: list[str], tracklets: list[KeypointTracklet], options: ReadOptions
) -> tuple[str, ...]:
    notes = []
    if len(tracklets) < len(ids):
        notes.append(f"{counted(len(ids) - len(tracklets), 'track')} without any point left out")
    if options.video is not None and size["frame"] < options.video.n_frames:
        notes.append(
            f"the file has {counted(size['frame'], 'frame')}, the video {options.video.n_frames}: the first row is "
            "frame 0 only if the file was exported with all frames"
        )
    return tuple(notes)


FORMAT = TrackingFormat("sleap-analysis", "SLEAP analysis h5", (".h5", ".hdf5"), _recognize, _read)
