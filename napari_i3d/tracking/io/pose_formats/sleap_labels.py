"""SLEAP's labels and predictions (``.slp``): HDF5 with records of frames, instances and points."""

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
from napari_i3d.tracking.keypoints import Keypoints, KeypointTracklet
from napari_i3d.tracking.validation import MAX_FRAME, check_span

_USER, _PREDICTED = 0, 1
_FRAME_FIELDS = ("video", "frame_idx", "instance_id_start", "instance_id_end")
_INSTANCE_FIELDS = (
    *("instance_id", "instance_type", "skeleton", "track", "from_predicted", "point_id_start", "point_id_end"),
)
# Until this version the corner of the first pixel was the origin, since then its center.
_CENTERED_VERSION = 1.1
_NEWEST_VERSION = 3.0

_Columns = dict[str, NDArray[np.int64]]


def _recognize(path: Path, head: bytes) -> bool:
    return matches_hdf5(
        path, head, lambda file: all(name in file for name in ("metadata", "frames", "instances", "videos_json"))
    )


def _read(path: Path, _options: ReadOptions) -> ReadResult:
    with open_hdf5(path, TrackingError) as file:
        version = float(file.attribute("metadata", "format_id") or 1.0)
        if version >= _NEWEST_VERSION:
            raise TrackingError(
                f"its version {version:g} is newer than what can be read",
                hint="export an analysis h5 file",
            )
        skeletons = _skeletons(file)
        tracks = [_track_name(text) for text in _texts(file, "tracks_json")]
        video_names = _texts(file, "videos_json")
        frames = _columns(file, "frames", _FRAME_FIELDS)
        instances = _columns(file, "instances", _INSTANCE_FIELDS)
        instances, notes = _of_first_video(frames, instances, len(video_names))
        points = _Points(file, 0.5 if version < _CENTERED_VERSION else 0.0)
        instances = _without_corrected(instances)
        ids, more = _individuals(instances, tracks)
        names = tuple(dict.fromkeys(name for skeleton in skeletons for name in skeleton))
        tracklets = _tracklets(ids, instances, points, skeletons, names)
    if not tracklets:
        raise TrackingError("there is no instance with points in the file")
    return ReadResult(Keypoints(names, tuple(tracklets)), (*notes, *more))


def _texts(file: Hdf5File, path: str) -> list[str]:
    return [] if file.shape(path) in (None, (0,)) else file.texts(path)


def _columns(file: Hdf5File, path: str, names: tuple[str, ...]) -> _Columns:
    records = file.read_records(path, names)
    for name in names:
        values = records[name]
        if values.ndim != 1 or values.dtype.kind not in "biuf" or not (np.abs(values.astype(np.float64)) < 2**53).all():
            raise TrackingError(f"{path}: expected whole numbers in {name}")
    return {name: records[name].astype(np.int64) for name in names}


def _skeletons(file: Hdf5File) -> list[tuple[str, ...]]:
    """Return the names of the nodes of each skeleton, in the order of the points."""
    metadata = parse_json(file.attribute("metadata", "json") or "", TrackingError)
    try:
        names = [str(node["name"]) for node in metadata["nodes"]]
        found = [tuple(names[int(node["id"])] for node in one["nodes"]) for one in metadata["skeletons"]]
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise TrackingError("expected skeletons with named nodes in the metadata") from error
    if not found or not all(found):
        raise TrackingError("the file has no skeleton")
    return found


def _track_name(text: str) -> str:
    track = parse_json(text, TrackingError)
    name = track[1] if isinstance(track, list) and len(track) > 1 else None
    if not isinstance(name, str):
        raise TrackingError(f"expected a track with a name, found {format_id(text)}")
    return name


def _of_first_video(frames: _Columns, instances: _Columns, n_videos: int) -> tuple[_Columns, list[str]]:
    """Return the instances of the first video, with their frame numbers; instances lie in the order of frames."""
    notes = []
    videos = np.unique(frames["video"])
    if not len(videos):
        raise TrackingError("the file has no labeled frame")
    if len(videos) > 1 or n_videos > 1:
        notes.append(f"of the {max(len(videos), n_videos)} videos in the file, the first was read")
    chosen = frames["video"] == videos[0]
    start, stop = frames["instance_id_start"][chosen], frames["instance_id_end"][chosen]
    counts = stop - start
    total = len(instances["track"])
    if (counts < 0).any() or (start < 0).any() or (stop > total).any() or counts.sum() > total:
        raise TrackingError("frames and instances do not fit each other; is the file damaged?")
    numbers = frames["frame_idx"][chosen]
    if (numbers < 0).any() or (numbers > MAX_FRAME).any():
        raise TrackingError(f"expected frames from 0 to {MAX_FRAME}, found {numbers.min()} to {numbers.max()}")
    rows = np.repeat(start - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(counts.sum())
    columns = {name: values[rows] for name, values in instances.items()}
    return {**columns, "frame": np.repeat(numbers, counts)}, notes


def _without_corrected(instances: _Columns) -> _Columns:
    """Leave out predictions that a user corrected: linked to a user's instance, or of its track in the same frame."""
    users = instances["instance_type"] == _USER
    corrected = np.isin(
        instances["instance_id"], instances["from_predicted"][users & (instances["from_predicted"] >= 0)]
    )
    tracked = instances["track"] >= 0
    places = instances["frame"] * (instances["track"].max(initial=0) + 1) + instances["track"]
    corrected |= tracked & np.isin(places, places[users & tracked])
    return _rows(instances, users | ~corrected)


def _rows(instances: _Columns, chosen: NDArray[Any]) -> _Columns:
    return {name: values[chosen] for name, values in instances.items()}


def _individuals(instances: _Columns, tracks: list[str]) -> tuple[dict[str, NDArray[np.int64]], list[str]]:
    """Return the rows of each individual, in the order of their frames, and notes."""
    track, frame = instances["track"], instances["frame"]
    notes: list[str] = []
    if (track >= len(tracks)).any():
        raise TrackingError("an instance is of a track that the file does not have")
    if not (track >= 0).any():
        users = instances["instance_type"] == _USER
        alone = np.flatnonzero(users | ~np.isin(frame, frame[users]))
        if len(np.unique(frame[alone])) < len(alone):
            raise TrackingError(
                "the instances are not tracked: several in one frame, none with a track; track them in SLEAP first"
            )
        return {"ind0": alone[np.argsort(frame[alone], kind="stable")]}, notes
    untracked = int((track < 0).sum())
    if untracked:
        notes.append(f"{counted(untracked, 'instance')} without a track left out")
    individuals: dict[str, NDArray[np.int64]] = {}
    order = np.lexsort((frame, track))
    order = order[track[order] >= 0]
    starts = np.flatnonzero(np.diff(track[order], prepend=-1))
    for first, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        rows = order[first:stop]
        if (np.diff(frame[rows]) == 0).any():
            twice = int(frame[rows][:-1][np.diff(frame[rows]) == 0][0])
            name = format_id(tracks[track[rows[0]]])
            raise TrackingError(
                f"{name}, frame {twice}: two instances of this track",
                hint="correct it in SLEAP",
            )
        name = tracks[track[rows[0]]]
        if name in individuals:
            raise TrackingError(
                f"two tracks are called {format_id(name)}",
                hint="rename one of them in SLEAP",
            )
        individuals[name] = rows
    return individuals, notes


class _Points:
    """The points of users and of the network: their places and scores by number of the first point."""

    def __init__(self, file: Hdf5File, shift: float) -> None:
        self._tables: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        for kind, path in ((_USER, "points"), (_PREDICTED, "pred_points")):
            if path not in file:
                continue
            records = file.read_records(path, ("x", "y", "visible", *(["score"] if kind == _PREDICTED else [])))
            if any(records.dtype[name].kind not in "biuf" for name in records.dtype.names or ()):
                raise TrackingError(f"{path}: expected numbers")
            xy = np.stack([records["x"], records["y"]], axis=-1, dtype=np.float64) - shift
            xy[~records["visible"].astype(np.bool_)] = np.nan
            score = records["score"].astype(np.float64) if kind == _PREDICTED else np.ones(len(xy))
            self._tables[kind] = xy, score

    def gather(
        self, kind: int, starts: NDArray[np.int64], n_points: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return places (n, K, 2) and scores (n, K)."""
        xy, score = self._tables.get(kind, (np.empty((0, 2)), np.empty(0)))
        if (starts < 0).any() or (starts + n_points > len(xy)).any():
            raise TrackingError("instances and points do not fit each other; is the file damaged?")
        if not (starts % n_points).any():
            # One copy an instance instead of one a point.
            rows, whole = starts // n_points, len(xy) // n_points * n_points
            return xy[:whole].reshape(-1, n_points, 2)[rows], score[:whole].reshape(-1, n_points)[rows]
        places = starts[:, None] + np.arange(n_points)
        return xy[places], score[places]


def _tracklets(
    ids: dict[str, NDArray[np.int64]],
    instances: _Columns,
    points: _Points,
    skeletons: list[tuple[str, ...]],
    names: tuple[str, ...],
) -> list[KeypointTracklet]:
    if ((instances["skeleton"] < 0) | (instances["skeleton"] >= len(skeletons))).any():
        raise TrackingError("an instance is of a skeleton that the file does not have")
    lengths = np.array([len(skeleton) for skeleton in skeletons])[instances["skeleton"]]
    if (instances["point_id_end"] - instances["point_id_start"] != lengths).any():
        raise TrackingError("an instance does not have the points of its skeleton; is the file damaged?")
    made = []
    span = n_rows = 0
    for individual, rows in ids.items():
        frames = instances["frame"][rows]
        first, length = int(frames[0]), int(frames[-1] - frames[0]) + 1
        span, n_rows = span + length, n_rows + len(rows)
        check_span(individual, span, n_rows, together=True, numbers_a_row=3 * len(names))
        xy, score = np.full((length, len(names), 2), np.nan), np.zeros((length, len(names)))
        for number, skeleton in enumerate(skeletons):
            columns = np.array([names.index(name) for name in skeleton])
            for kind in (_USER, _PREDICTED):
                chosen = rows[(instances["skeleton"][rows] == number) & (instances["instance_type"][rows] == kind)]
                if len(chosen):
                    places = instances["frame"][chosen] - first
                    at = places if skeleton == names else (places[:, None], columns)
                    xy[at], score[at] = points.gather(kind, instances["point_id_start"][chosen], len(skeleton))
        made.append(KeypointTracklet(individual, first, xy, score))
    return made


FORMAT = TrackingFormat("sleap", "SLEAP slp", (".slp", ".h5"), _recognize, _read)
