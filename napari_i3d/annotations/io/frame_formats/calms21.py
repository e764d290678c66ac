"""Labels of CalMS21 and of MARS: JSON with a number for each frame, of the resident mouse towards the intruder.

``{annotator: {video: {"annotations": [0, 0, 3, ...], "metadata": {"fps": 30, "vocab": {"attack": 0, ...}}}}}``, or the
same dictionary in a ``.npy`` file. Without a vocabulary: 0 attack, 1 investigation, 2 mount, 3 other.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.annotations.io.format import AnnotatedVideo, AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.frame_formats.background import is_background
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector
from napari_i3d.annotations.io.parsing.frame_labels import check_length, label_runs, video_of_labels, within
from napari_i3d.annotations.io.parsing.text_files import decode, read_bytes
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import format_id
from napari_i3d.safe_loading.json_text import parse_json
from napari_i3d.safe_loading.numpy_files import NPY_SIGNATURE, read_npy

_RESIDENT, _INTRUDER = "resident", "intruder"
_VOCABULARY = {"attack": 0, "investigation": 1, "mount": 2, "other": 3}
_FIELD = rb'"(keypoints|scores|annotations|metadata)"\s*:\s*[\[{]'
_VIDEOS = re.compile(rb'\s*\{\s*"[^"]{0,200}"\s*:\s*\{\s*"[^"]{0,300}"\s*:\s*\{\s*' + _FIELD)
_LISTED = 6


def _recognize(_path: Path, head: bytes) -> bool:
    if head.startswith(NPY_SIGNATURE):
        return b"keypoints" in head[:4096] and b"annotator" in head[:4096]
    return bool(_VIDEOS.match(head))


def _read(path: Path, request: ReadRequest) -> ReadResult:
    with path.open("rb") as file:
        is_npy = file.read(len(NPY_SIGNATURE)) == NPY_SIGNATURE
    content = read_npy(path, AnnotationError) if is_npy else parse_json(decode(read_bytes(path))[0], AnnotationError)
    videos = list(_videos(content))
    if not videos:
        raise AnnotationError("expected annotations of a video by annotator and name, found none")
    annotator, name, one = _choose(videos, request.video)
    labels, names = _labels(one), _names(one)
    fps = one.get("metadata", {}).get("fps") if isinstance(one.get("metadata"), dict) else None
    video, notes = video_of_labels(
        request, len(labels), fps=float(fps) if isinstance(fps, int | float) and 0 < fps < 1e5 else None
    )
    collector = BoutCollector(request)
    collector.notes += notes
    if len(videos) > 1:
        collector.notes.append(f"of {counted(len(videos), 'video')} in the file, {format_id(name)} was read")
    for start, stop, number in label_runs(labels):
        if number not in names:
            raise AnnotationError(f"frame {start}: expected a number of the vocabulary, found {number}")
        if not is_background(names[number]):
            collector.add(f"frame {start}", _RESIDENT, names[number], start, stop, target=_INTRUDER)
    behaviors = [behavior for behavior in names.values() if not is_background(behavior)]
    assessed = within({_RESIDENT: [(0, len(labels))]}, video)
    return collector.result(behaviors, [_RESIDENT, _INTRUDER], assessed, video, annotator=annotator)


def _videos(content: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for annotator, videos in content.items() if isinstance(content, dict) else ():
        for name, one in videos.items() if isinstance(videos, dict) else ():
            if isinstance(one, dict) and isinstance(one.get("annotations"), list | np.ndarray):
                yield str(annotator), str(name), one


def _choose(videos: list[tuple[str, str, dict[str, Any]]], video: AnnotatedVideo) -> tuple[str, str, dict[str, Any]]:
    """Return the only video, the one of the name, or the one of the length of the video."""
    if len(videos) == 1:
        return videos[0]
    named = [one for one in videos if video.stem and one[1].rsplit("/", 1)[-1] in (video.stem, video.name)]
    if len(named) == 1:
        return named[0]
    same = [one for one in videos if len(one[2]["annotations"]) == video.n_frames]
    if len(same) == 1:
        return same[0]
    found = f"{len(same)} have its {video.n_frames} frames" if video.n_frames else "none of them is chosen by the video"
    listed = ", ".join(format_id(name) for _, name, _ in videos[:_LISTED])
    more = ", ..." if len(videos) > _LISTED else ""
    raise AnnotationError(
        f"the file holds {counted(len(videos), 'video')} ({listed}{more}); {found}",
        hint="give {video}: its name or length chooses",
    )


def _labels(one: dict[str, Any]) -> NDArray[np.int64]:
    try:
        labels = np.array(one["annotations"])
    except (ValueError, TypeError, OverflowError):
        labels = np.empty(0, object)
    whole = labels.dtype.kind in "iuf" and labels.ndim == 1
    if whole and labels.dtype.kind == "f":
        whole = bool(np.isfinite(labels).all() and (labels == np.trunc(labels)).all())
    if not whole or (np.abs(labels) > 1e9).any():
        raise AnnotationError("expected annotations that are whole numbers, one for each frame")
    check_length(len(labels))
    return labels.astype(np.int64)


def _names(one: dict[str, Any]) -> dict[int, str]:
    metadata = one.get("metadata")
    vocabulary = metadata.get("vocab") if isinstance(metadata, dict) else None
    if isinstance(vocabulary, list):
        vocabulary = {name: number for number, name in enumerate(vocabulary)}
    if vocabulary is None:
        vocabulary = _VOCABULARY
    fits = isinstance(vocabulary, dict) and all(
        isinstance(name, str) and isinstance(number, int) for name, number in vocabulary.items()
    )
    if not fits or len(set(vocabulary.values())) < len(vocabulary):
        raise AnnotationError("expected a vocabulary of names with different whole numbers, found something else")
    return {number: name for name, number in sorted(vocabulary.items(), key=lambda item: item[1])}


FORMAT = AnnotationFormat(
    "calms21",
    "CalMS21 and MARS json",
    (".json", ".npy"),
    _recognize,
    _read,
    base="a number for each frame, from 0",
    ends="no ends",
)
