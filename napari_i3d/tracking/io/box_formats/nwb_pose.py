"""NWB files with poses (ndx-pose): a PoseEstimation for each individual, a PoseEstimationSeries for each key point.

They are HDF5 and are read as such. A series has ``data`` (rows, x and y), ``confidence``, and ``timestamps`` in seconds
or a ``starting_time`` with a rate. A file has one subject by the standard; programs write several PoseEstimations for
several individuals.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import NapariI3DError, TrackingError
from napari_i3d.safe_loading.hdf5 import Hdf5File, matches_hdf5, open_hdf5
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat, VideoFacts
from napari_i3d.tracking.io.parsing.pose_rows import keypoints_of_rows
from napari_i3d.tracking.keypoints import Keypoints

_POSE, _SERIES = "PoseEstimation", "PoseEstimationSeries"
# Largest number of groups searched.
_MOST_GROUPS = 10_000
_EVEN = 0.01
"""Times are even if no step differs from the median by more than this share."""


def _recognize(path: Path, head: bytes) -> bool:
    return matches_hdf5(path, head, lambda file: "processing" in file.names() and next(_poses(file), None) is not None)


def _poses(file: Hdf5File) -> Iterator[str]:
    """Yield the paths of the PoseEstimations."""
    groups = ["/processing"]
    seen = 0
    while groups and seen < _MOST_GROUPS:
        group = groups.pop(0)
        for name in file.names(group):
            seen += 1
            path = f"{group}/{name}"
            kind = _text(_attribute(file, path, "neurodata_type"))
            if kind == _POSE:
                yield path
            elif kind is not None and path.count("/") < 5 and not kind.endswith("Series"):
                groups.append(path)


def _attribute(file: Hdf5File, path: str, name: str) -> Any:
    try:
        return file.attribute(path, name)
    except NapariI3DError:  # a link elsewhere
        return None


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None


def _read(path: Path, options: ReadOptions) -> ReadResult:
    with open_hdf5(path, TrackingError) as file:
        poses = list(_poses(file))
        if not poses:
            raise TrackingError(f"expected a {_POSE} (ndx-pose), found none")
        content: Keypoints | None = None
        notes: list[str] = []
        for pose in poses:
            found, notes = _individual(file, pose, _name(file, pose, len(poses)), options.video)
            if content is None:
                content = found
            elif content.names != found.names:
                raise TrackingError(
                    f"expected the same key points for all individuals, found {len(content.names)} and others in {pose}"
                )
            else:
                content = dataclasses.replace(content, tracklets=(*content.tracklets, *found.tracklets))
    if content is None or len({tracklet.id for tracklet in content.tracklets}) < len(content.tracklets):
        raise TrackingError(f"expected a name of its own for each {_POSE}, found one twice; are there several videos?")
    return ReadResult(content, tuple(notes))


def _name(file: Hdf5File, pose: str, number: int) -> str:
    name = pose.rsplit("/", 1)[-1].removeprefix("track=")
    if number > 1 or "general/subject/subject_id" not in file:
        return name
    return next(iter(file.texts("general/subject/subject_id")), name)


def _individual(file: Hdf5File, pose: str, name: str, video: VideoFacts | None) -> tuple[Keypoints, list[str]]:
    series = [
        f"{pose}/{own}"
        for own in file.names(pose)
        if _text(_attribute(file, f"{pose}/{own}", "neurodata_type")) == _SERIES
    ]
    if not series:
        raise TrackingError(f"expected key points in {name}, found none")
    points, confidences = [], []
    for own in series:
        data = file.read(f"{own}/data")
        if data.ndim != 2 or data.shape[1] != 2 or data.dtype.kind not in "iuf":
            raise TrackingError(f"expected x and y of each key point, found data of shape {data.shape}")
        points.append(data.astype(np.float64))
        confidences.append(file.read(f"{own}/confidence") if f"{own}/confidence" in file else None)
    lengths = {len(data) for data in points} | {len(one) for one in confidences if one is not None}
    if len(lengths) > 1:
        raise TrackingError(f"expected rows for the same times in all key points of {name}, found {sorted(lengths)}")
    frames, note = _frames(file, series, len(points[0]), video)
    scores = None
    if all(one is not None and one.dtype.kind in "iuf" for one in confidences):
        scores = np.column_stack([one for one in confidences if one is not None]).astype(np.float64)
    names = [own.rsplit("/", 1)[-1] for own in series]
    return keypoints_of_rows(names, frames, [(name, np.stack(points, axis=1), scores)]), [note]


def _frames(file: Hdf5File, series: list[str], number: int, video: VideoFacts | None) -> tuple[NDArray[Any], str]:
    """Return the frame of each row, and a note."""
    for own in series:
        start = f"{own}/starting_time"
        if _has(file, start):
            rate = _number(_attribute(file, start, "rate"))
            if rate is None or not 0 < rate < 1e6:
                raise TrackingError(f"expected a rate of {own}, found none")
            first = float(file.read(start)) * rate
            return np.arange(number) + np.round(first), f"rows are frames at the stated rate of {rate:g} per second"
    # Key points mostly share the times of one, to which the others have links.
    times = next((file.read(f"{own}/timestamps") for own in series if _has(file, f"{own}/timestamps")), None)
    if times is None or times.shape != (number,) or times.dtype.kind not in "iuf" or not np.isfinite(times).all():
        raise TrackingError(f"expected a time for each of {number} rows, found none")
    steps = np.diff(times)
    if len(steps) and not (steps > 0).all():
        raise TrackingError("expected times that ascend, found others")
    if video is not None:
        fps = video.fps
    elif len(steps) and np.abs(steps - np.median(steps)).max() < _EVEN * np.median(steps):
        fps = 1 / float(np.median(steps))
    else:
        raise TrackingError(
            "times are uneven or a single one",
            hint="give the video, for its frames per second",
        )
    frames = np.round(times * fps)
    if (np.diff(frames) <= 0).any():
        raise TrackingError(f"several rows fall on a frame at {fps:g} frames per second; is it another video?")
    return frames, f"times in seconds, from the video's first frame, became frames at {fps:g} per second"


def _has(file: Hdf5File, path: str) -> bool:
    try:
        return path in file
    except NapariI3DError:  # a link elsewhere
        return False


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float | np.generic) else None


FORMAT = TrackingFormat("nwb-pose", "NWB poses (ndx-pose)", (".nwb",), _recognize, _read)
