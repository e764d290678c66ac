"""ActivityNet's and THUMOS' JSON, which ActionFormer and OpenTAD read: segments in seconds.

``{"database": {video: {"subset": "training", "duration": 10.0, "fps": 25.0, "frame": 250, "annotations": [{"label":
"groom", "label_id": 0, "segment": [1.2, 3.4]}]}}}``. Of several individuals, each has an entry: ``{video}_{id}``.
Segments labelled ``Ambiguous`` are not used by these programs, and read as not assessed.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.frame_ranges import Range, remove_range
from napari_i3d._utils.text import counted
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.frame_clock import FrameClock
from napari_i3d.annotations.io.media_formats.activitynet_writing import EVEN_TIMES, write
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector
from napari_i3d.annotations.io.parsing.frame_labels import check_length, video_of_labels, within
from napari_i3d.annotations.io.parsing.individual_names import belongs_to_video, individual_of_name
from napari_i3d.annotations.io.parsing.text_files import decode, read_bytes
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, format_id
from napari_i3d.safe_loading.json_text import parse_json

_AMBIGUOUS = "ambiguous"
_LISTED = 6


def _recognize(_path: Path, head: bytes) -> bool:
    return (
        head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
        and b'"database"' in head
        and (b'"annotations"' in head or b'"subset"' in head)
    )


def _read(path: Path, request: ReadRequest) -> ReadResult:
    text, notes = decode(read_bytes(path))
    content = parse_json(text, AnnotationError)
    database = content.get("database") if isinstance(content, dict) else None
    if not isinstance(database, dict) or not database:
        raise AnnotationError("expected a database of videos, found none")
    chosen = _choose(database, request)
    collector = BoutCollector(request)
    collector.notes += notes
    if len(chosen) < len(database):
        collector.notes.append(f"{counted(len(database) - len(chosen), 'video')} in the file left out: not this one")
    # Segments of our own files are on the even times of frame / fps, whatever the video's rate.
    even = content.get("times") == EVEN_TIMES
    video = request.video
    assessed: dict[Id, tuple[Range, ...]] = {}
    names: dict[str, float] = {}
    for name, entry in chosen.items():
        fps, n_frames = _facts(name, entry)
        if n_frames is not None:
            video, more = video_of_labels(request, n_frames, fps=fps)
            collector.notes += [note for note in more if note not in collector.notes]
        if even and fps:
            clock = FrameClock(None, fps, n_frames)
        else:
            clock = request.video.clock(fps)
            if name == next(iter(chosen)):
                collector.say_rate(request.video, clock)
        end = video.n_frames if video.n_frames is not None else _end(entry, clock)
        individual = collector.named(individual_of_name(name, request))
        if individual in assessed:
            raise AnnotationError(f"{format_id(name)}: a second entry of {format_id(individual)}")
        assessed[individual] = _add(collector, name, individual, entry, clock, end)
        names |= {label: number for label, number in _labels(entry) if label not in names}
    ordered = sorted(names, key=lambda name: names[name])
    return collector.result(ordered, list(assessed), within(assessed, video), video, from_times=True)


def _choose(database: dict[str, Any], request: ReadRequest) -> dict[str, Any]:
    own = {name: entry for name, entry in database.items() if belongs_to_video(name, request)}
    if own or len(database) == 1:
        return own or database
    listed = ", ".join(format_id(name) for name in list(database)[:_LISTED])
    more = ", ..." if len(database) > _LISTED else ""
    found = "none is called like the video" if request.video.name else "the video would choose"
    raise AnnotationError(
        f"the file has {len(database)} entries ({listed}{more}); {found}", hint="give {video}, with its original name"
    )


def _facts(name: str, entry: Any) -> tuple[float | None, int | None]:
    """Return frames per second and number of frames, None if they are not stated."""
    if not isinstance(entry, dict) or not isinstance(entry.get("annotations", []), list):
        raise AnnotationError(f"{format_id(name)}: expected an entry with annotations, found something else")
    fps, n_frames = entry.get("fps"), entry.get("frame")
    if fps is not None and not (_is_number(fps) and 1e-3 <= fps <= 1e5):
        raise AnnotationError(f"{format_id(name)}: expected frames per second, found {str(fps)[:40]!a}")
    if n_frames is not None:
        if not _is_number(n_frames) or n_frames != math.trunc(n_frames):
            raise AnnotationError(f"{format_id(name)}: expected a number of frames, found {str(n_frames)[:40]!a}")
        check_length(int(n_frames))
    return (float(fps) if fps else None), (int(n_frames) if n_frames is not None else None)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _add(
    collector: BoutCollector, name: str, individual: Id, entry: dict[str, Any], clock: FrameClock, end: int
) -> tuple[Range, ...]:
    """Add the bouts of an entry; return the frames that were assessed."""
    rows = [_row(name, number, one) for number, one in enumerate(entry.get("annotations", []), 1)]
    times_s = np.array([row[2:] for row in rows], np.float64).ravel()
    frames = clock.shown_from(times_s, _rounding_s(times_s)).reshape(-1, 2).tolist()
    assessed: tuple[Range, ...] = ((0, end),) if end else ()
    for (place, label, *_), (start, stop) in zip(rows, frames, strict=True):
        if label.strip().lower() == _AMBIGUOUS:
            assessed = remove_range(assessed, start, max(start, stop))
            collector.drop(place, "it is ambiguous, so its frames are not assessed")
        else:
            collector.add(place, individual, label, start, stop)
    return assessed


def _rounding_s(times_s: NDArray[np.float64]) -> float:
    """Return half of the last digit that the times have, from tenths of a second to milliseconds."""
    digits = next((digits for digits in (1, 2) if np.allclose(np.round(times_s, digits), times_s, 0, 1e-9)), 3)
    return float(0.5 * 10.0**-digits)


def _row(name: str, number: int, one: Any) -> tuple[str, str, float, float]:
    place = f"{format_id(name)}, annotation {number}"
    label = one.get("label") if isinstance(one, dict) else None
    segment = one.get("segment") if isinstance(one, dict) else None
    if not isinstance(label, str) or not isinstance(segment, list) or len(segment) != 2:
        raise AnnotationError(f"{place}: expected a label and a segment, found {str(one)[:60]!a}")
    if not all(_is_number(time) and 0 <= time < 1e9 for time in segment):
        raise AnnotationError(f"{place}: expected a segment of two times in seconds, found {str(segment)[:60]}")
    return place, label, float(segment[0]), float(segment[1])


def _labels(entry: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the labels and their numbers, by which programs order them."""
    for one in entry.get("annotations", []):
        label, number = one["label"].strip(), one.get("label_id")
        if label.lower() != _AMBIGUOUS:
            yield label, number if _is_number(number) else math.inf


def _end(entry: dict[str, Any], clock: FrameClock) -> int:
    """Return the number of frames by the duration, else by the last segment."""
    duration = entry.get("duration")
    ends = [one["segment"][1] for one in entry.get("annotations", [])]
    if _is_number(duration) and 0 < duration < 1e9:
        ends.append(duration)
    return int(clock.shown_from(np.array([max(ends, default=0.0)]))[0])


FORMAT = AnnotationFormat(
    "activitynet",
    "ActivityNet json",
    (".json",),
    _recognize,
    _read,
    write,
    base="seconds from 0",
    ends="end after the last frame",
    lost="which frames were not assessed, targets, confidence, who labelled",
)
