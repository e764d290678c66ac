"""Poses of two mice as CalMS21 and MARS have them: JSON, or the same dictionary in a ``.npy`` file."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.errors import TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.safe_loading.json_text import parse_json
from napari_i3d.safe_loading.numpy_files import NPY_SIGNATURE, read_npy
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat
from napari_i3d.tracking.keypoints import Keypoints, trim_points

_NAMES = ("nose", "left_ear", "right_ear", "neck", "left_hip", "right_hip", "tail_base")
_MICE = ("resident", "intruder")
_ONE_VIDEO = re.compile(rb'\s*\{\s*"(keypoints|scores|bbox|bscores)"\s*:\s*\[')
_FIELD = rb'"(keypoints|scores|annotations|metadata)"\s*:\s*[\[{]'
_MANY_VIDEOS = re.compile(rb'\s*\{\s*"[^"]{0,200}"\s*:\s*\{\s*"[^"]{0,300}"\s*:\s*\{\s*' + _FIELD)
_MOST_SHOWN = 6


def _recognize(_path: Path, head: bytes) -> bool:
    if head.startswith(NPY_SIGNATURE):
        return b"keypoints" in head[:4096] and b"annotator" in head[:4096]
    return bool(_ONE_VIDEO.match(head) or _MANY_VIDEOS.match(head))


def _read(path: Path, options: ReadOptions) -> ReadResult:
    with path.open("rb") as file:
        is_npy = file.read(len(NPY_SIGNATURE)) == NPY_SIGNATURE
    videos = dict(_videos(read_npy(path, TrackingError) if is_npy else _parse(path)))
    notes: tuple[str, ...] = ()
    if not videos:
        raise TrackingError("expected the keypoints of a video, or of several by annotator and name")
    chosen = list(videos)
    if len(videos) > 1:
        n_frames = None if options.video is None else options.video.n_frames
        chosen = [name for name, one in videos.items() if len(one["keypoints"]) == n_frames]
        if len(chosen) != 1:
            which = f"{len(chosen)} have its {n_frames} frames" if n_frames else "give the video, whose length chooses"
            listed = ", ".join(format_id(name) for name in list(videos)[:_MOST_SHOWN])
            more = ", ..." if len(videos) > _MOST_SHOWN else ""
            raise TrackingError(f"the file holds {counted(len(videos), 'video')} ({listed}{more}); {which}")
        notes = (
            f"of the {len(videos)} videos in the file, {format_id(chosen[0])} was read: it is as long as this one",
        )
    points, confidence = _arrays(videos[chosen[0]])
    tracklets = [
        tracklet
        for number, mouse in enumerate(_MICE[: points.shape[1]])
        if (tracklet := trim_points(mouse, 0, points[:, number], confidence[:, number])) is not None
    ]
    if not tracklets:
        raise TrackingError("there is no point in the whole file")
    return ReadResult(Keypoints(_NAMES, tuple(tracklets)), notes)


def _parse(path: Path) -> Any:
    # As text: the bytes would be kept beside it while it is parsed.
    return parse_json(path.read_text(encoding="utf-8-sig", errors="replace"), TrackingError)


def _videos(content: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(content, dict):
        return
    if "keypoints" in content:
        yield "", content
        return
    for annotator, videos in content.items():
        for name, one in videos.items() if isinstance(videos, dict) else ():
            if isinstance(one, dict) and isinstance(one.get("keypoints"), list | np.ndarray):
                yield f"{annotator} {name}" if len(content) > 1 else str(name), one


def _arrays(one: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points (T, mice, 7, 2) and confidence (T, mice, 7)."""
    try:
        points = np.array(one["keypoints"], np.float64)
        scores = np.array(one["scores"], np.float64) if "scores" in one else np.ones(points[:, :, 0].shape)
    except (ValueError, TypeError, OverflowError, IndexError) as error:
        raise TrackingError("expected numbers in keypoints and scores, as many in each frame") from error
    if points.ndim != 4 or not 1 <= points.shape[1] <= len(_MICE) or points.shape[2:] != (2, len(_NAMES)):
        raise TrackingError(
            f"expected keypoints of shape (frames, 2 mice, x and y, {len(_NAMES)}), found {points.shape}"
        )
    if scores.shape != (*points.shape[:2], len(_NAMES)):
        raise TrackingError(f"expected scores of shape {(*points.shape[:2], len(_NAMES))}, found {scores.shape}")
    return points.transpose(0, 1, 3, 2), scores


FORMAT = TrackingFormat("calms21", "CalMS21 and MARS json", (".json", ".npy"), _recognize, _read)
