"""VIA 3 projects: JSON with segments of a video, from one time in seconds to another.

``metadata`` holds the segments, ``{"vid": "1", "z": [t0, t1], "xy": [], "av": {"1": "groom"}}``; ``attribute`` names
the attributes of ``av`` and their options, ``view`` and ``file`` the videos. One attribute is the behavior; one that
is called ``individual`` or alike, if it is there, is the individual.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np

from napari_i3d._utils.text import counted
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector
from napari_i3d.annotations.io.parsing.text_files import decode, read_bytes
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import format_id
from napari_i3d.safe_loading.json_text import parse_json

_PARTS = ("project", "metadata", "attribute", "view", "file")
_SEGMENTS = "_Z2_"
_INDIVIDUALS = ("individual", "identity", "animal", "subject", "name", "id", "track")
_CHECKBOX = "2"
# Times may be rounded to milliseconds in either direction.
_ROUNDING_S = 0.001


def _recognize(_path: Path, head: bytes) -> bool:
    return (
        head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
        and b'"project"' in head
        and b'"vid_list"' in head
        and b'"data_format_version"' in head
    )


def _read(path: Path, request: ReadRequest) -> ReadResult:
    text, notes = decode(read_bytes(path))
    content = parse_json(text, AnnotationError)
    if not isinstance(content, dict) or not all(isinstance(content.get(part), dict) for part in _PARTS):
        raise AnnotationError(f"expected a project with {', '.join(_PARTS)}, found something else")
    segments = [
        (str(key), one)
        for key, one in content["metadata"].items()
        if isinstance(one, dict) and isinstance(one.get("z"), list) and len(one["z"]) == 2
    ]
    n_other = len(content["metadata"]) - len(segments)
    if not segments:
        raise AnnotationError("expected segments of a video, found none")
    collector = BoutCollector(request)
    collector.notes += notes
    segments = _of_video(content, segments, request, collector)
    behavior, individual = _attributes(content["attribute"], segments)
    times_s = np.array([_times(key, one["z"]) for key, one in segments], np.float64).reshape(-1, 2)
    clock = request.video.clock()
    frames = clock.shown_from(times_s.ravel(), _ROUNDING_S).reshape(-1, 2).tolist()
    for (key, one), (start, stop) in zip(segments, frames, strict=True):
        place = f"segment {format_id(key)}"
        values = one.get("av")
        names = _values(values, behavior, content["attribute"]) if isinstance(values, dict) else []
        who: list[str | None] = [None]
        if individual is not None and isinstance(values, dict):
            who = [*_values(values, individual, content["attribute"])] or who
        if not names:
            collector.drop(place, "it has no behavior")
        for name in names:
            for one_of in who:
                collector.add(place, one_of, name, start, stop)
    collector.notes.append("bouts have the frames shown from their start until their end")
    collector.say_rate(request.video, clock)
    if n_other:
        collector.notes.append(f"{counted(n_other, 'item')} of the project left out: not segments of time")
    return collector.result(_options(content["attribute"].get(behavior)), from_times=True)


_Segments = list[tuple[str, dict[str, Any]]]


def _of_video(
    content: dict[str, Any], segments: _Segments, request: ReadRequest, collector: BoutCollector
) -> _Segments:
    """Return the segments of the only video, or of the one of the name."""
    views = list(dict.fromkeys(str(one.get("vid")) for _, one in segments))
    if len(views) == 1:
        return segments
    files = {view: _file_name(content, view) for view in views}
    own = [view for view, name in files.items() if request.video.name and name == request.video.name]
    if len(own) != 1:
        listed = ", ".join(format_id(name) for name in list(files.values())[:6])
        raise AnnotationError(
            f"the project has segments of {counted(len(views), 'video')} ({listed}); none or several are called like "
            "the video",
            hint="give {video}",
        )
    collector.notes.append(f"of the videos of the project, {format_id(files[own[0]])} was read")
    return [(key, one) for key, one in segments if str(one.get("vid")) == own[0]]


def _file_name(content: dict[str, Any], view: str) -> str:
    shown = content["view"].get(view)
    listed = shown.get("fid_list") if isinstance(shown, dict) else None
    number = str(listed[0]) if isinstance(listed, list) and listed else view
    file = content["file"].get(number)
    return str(file.get("fname", "")) if isinstance(file, dict) else ""


def _attributes(attributes: dict[str, Any], segments: _Segments) -> tuple[str, str | None]:
    """Return the numbers of the attributes that are the behavior and the individual."""
    used = {str(number) for _, one in segments if isinstance(one.get("av"), dict) for number in one["av"]}
    known = {number: one for number, one in attributes.items() if number in used and isinstance(one, dict)}
    names = {number: str(one.get("aname", "")).strip().lower() for number, one in known.items()}
    individual = next((number for name in _INDIVIDUALS for number, own in names.items() if own == name), None)
    left = [number for number in known if number != individual]
    meant = [number for number in left if _SEGMENTS in str(known[number].get("anchor_id", ""))] or left
    if not meant and individual is not None:  # the only one there is
        return individual, None
    if len(meant) != 1:
        listed = ", ".join(format_id(names[number]) for number in meant) or "none"
        raise AnnotationError(
            f"expected one attribute of segments for the behavior, found {listed}",
            hint=f"call the one for the individual {_INDIVIDUALS[0]}, and remove others",
        )
    return meant[0], individual


def _options(attribute: Any) -> list[str]:
    options = attribute.get("options") if isinstance(attribute, dict) else None
    return [name for name in options.values() if isinstance(name, str) and name] if isinstance(options, dict) else []


def _values(values: dict[str, Any], number: str, attributes: dict[str, Any]) -> list[str]:
    """Return the texts that were entered or chosen, of which a list of boxes to check may have several."""
    value = values.get(number)
    if not isinstance(value, str | int) or str(value).strip() == "":
        return []
    attribute = attributes[number]
    options = attribute.get("options")
    chosen = [str(value)]
    if str(attribute.get("type")) == _CHECKBOX:
        chosen = [part.strip() for part in str(value).split(",") if part.strip()]
    known = options if isinstance(options, dict) else {}
    return [str(known.get(one) or one) for one in chosen]


def _times(key: str, times: list[Any]) -> list[float]:
    numbers = [float(time) if isinstance(time, int | float) and abs(time) < 1e300 else math.nan for time in times]
    if not all(math.isfinite(number) and number >= 0 for number in numbers):
        raise AnnotationError(f"segment {format_id(key)}: expected two times in seconds, found {str(times)[:60]}")
    return numbers


FORMAT = AnnotationFormat(
    "via3",
    "VIA 3 project json",
    (".json",),
    _recognize,
    _read,
    base="seconds from 0",
    ends="end after the last frame",
)
