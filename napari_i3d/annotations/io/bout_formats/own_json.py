"""Our own file: JSON that holds everything of an annotation, with one line for each bout, so that people can read it.

```
{
"format": "napari_i3d annotation",
"version": 1,
"conventions": "frames count from 0; in [start, stop] the frame stop is not included",
"video": {"name": "day1.mp4", "frames": 9000, "fps": 30.0, "width": 640, "height": 480},
"annotator": "",
"notes": "",
"behaviors": [
{"name": "walk", "key": "w", "color": "", "description": "", "exclusive": true}
],
"individuals": ["male", "female"],
"assessed": [
{"individual": "male", "frames": [[0, 9000]]}
],
"bouts": [
{"individual": "male", "behavior": "walk", "frames": [120, 168], "origin": "manual"}
]
}
```
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.text import printable
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.ethogram import Behavior
from napari_i3d.annotations.io.format import (
    OTHER_VIDEO,
    AnnotatedVideo,
    AnnotationFormat,
    ReadRequest,
    ReadResult,
    WriteRequest,
)
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector, known_video
from napari_i3d.annotations.io.parsing.json_values import items_of, require
from napari_i3d.annotations.io.parsing.text_files import read_bytes
from napari_i3d.errors import AnnotationError
from napari_i3d.safe_loading.json_text import parse_json

FORMAT_NAME = "napari_i3d annotation"
VERSION = 1
_CONVENTIONS = "frames count from 0; in [start, stop] the frame stop is not included"


def _recognize(_path: Path, head: bytes) -> bool:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"{") and f'"{FORMAT_NAME}"'.encode() in start[:1000]


def _read(path: Path, request: ReadRequest) -> ReadResult:
    content = parse_json(read_bytes(path).removeprefix(b"\xef\xbb\xbf"), AnnotationError)
    if not isinstance(content, dict) or content.get("format") != FORMAT_NAME:
        raise AnnotationError(f'expected "format": "{FORMAT_NAME}", found another content')
    version = content.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= VERSION:
        raise AnnotationError(
            f"expected version {VERSION} of the file, found {printable(str(version), 40)}",
            hint="a newer file needs a newer napari_i3d",
        )
    collector = BoutCollector(request)
    video = _video(items_of(content, "video", dict, {}), request, collector)
    behaviors = [_behavior(one, f"behavior {n}") for n, one in enumerate(items_of(content, "behaviors", list, []), 1)]
    assessed: dict[Any, list[tuple[int, int]]] = {}
    for number, one in enumerate(items_of(content, "assessed", list, []), 1):
        place = f"assessed {number}"
        require(one, dict, place)
        assessed.setdefault(collector.named(_id(one.get("individual"), place)), []).extend(
            _frames(pair, place) for pair in items_of(one, "frames", list, [])
        )
    for number, one in enumerate(items_of(content, "bouts", list), 1):
        place = f"bout {number}"
        require(one, dict, place)
        start, stop = _frames(one.get("frames"), place)
        more = {key: one[key] for key in ("target", "origin", "confidence", "note") if key in one}
        collector.add(place, _id(one.get("individual"), place), one.get("behavior"), start, stop, **more)
    return collector.result(
        behaviors,
        [_id(one, "individuals") for one in items_of(content, "individuals", list, [])],
        assessed,
        video,
        annotator=content.get("annotator", ""),
        notes=content.get("notes", ""),
    )


def _video(facts: dict[str, Any], request: ReadRequest, collector: BoutCollector) -> AnnotatedVideo:
    wanted: dict[str, Any] = {"name": str, "frames": int, "fps": int | float, "width": int, "height": int}
    for key, kind in wanted.items():
        value = facts.get(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise AnnotationError(f"video: {key}: expected a value of its kind, found {ascii(value)[:40]}")
    video, notes = known_video(request, facts.get("name") or "", facts.get("frames"), facts.get("fps"))
    collector.notes += notes
    width, height = facts.get("width"), facts.get("height")
    own = None if width is None or height is None else (width, height)
    if own is not None and video.size is not None and own != tuple(video.size):
        collector.notes.append(
            f"{OTHER_VIDEO} of {own[0]} x {own[1]} pixels, but this one has {video.size[0]} x {video.size[1]}"
        )
    return AnnotatedVideo(video.name, video.n_frames, video.fps, None, video.size or own)


def _behavior(one: Any, place: str) -> Behavior:
    require(one, dict, place)
    known = {key: one[key] for key in ("name", "key", "color", "description", "exclusive") if key in one}
    try:
        return Behavior(**{"name": None, **known})
    except AnnotationError as error:
        raise AnnotationError(f"{place}: {error.message.text}", error.message.hint) from None


def _id(value: Any, place: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise AnnotationError(f"{place}: expected the id of an individual, found {ascii(value)[:40]}")
    return value


def _frames(pair: Any, place: str) -> tuple[int, int]:
    if not (isinstance(pair, list) and len(pair) == 2 and all(type(frame) is int for frame in pair)):
        raise AnnotationError(f"{place}: expected frames [start, stop], found {ascii(pair)[:40]}")
    return pair[0], pair[1]


def _write(path: Path, annotation: Annotation, request: WriteRequest) -> tuple[str, ...]:
    text = to_text(annotation, request)
    with atomic_writer(path) as file:
        file.write(text.encode())
    return ()


def to_text(annotation: Annotation, request: WriteRequest | None = None) -> str:
    """Return the content of the file."""
    request = request or WriteRequest()
    video, only = request.video, request.individual
    name = video.name or (annotation.video.name if annotation.video else "")
    size = video.size or (annotation.video.size if annotation.video else None) or (None, None)
    facts = {
        "name": name,
        "frames": video.n_frames if annotation.n_frames is None else annotation.n_frames,
        "fps": video.fps if annotation.fps is None else annotation.fps,
        "width": size[0],
        "height": size[1],
    }
    individuals = [one for one in annotation.individuals if only in (None, one)]
    lines = [
        "{",
        f'"format": "{FORMAT_NAME}",',
        f'"version": {VERSION},',
        f'"conventions": "{_CONVENTIONS}",',
        f'"video": {_dumps({key: value for key, value in facts.items() if value not in (None, "")})},',
        f'"annotator": {_dumps(annotation.annotator)},',
        f'"notes": {_dumps(annotation.notes)},',
        *_listed("behaviors", (vars_of(one) for one in annotation.ethogram.values())),
        f'"individuals": {_dumps(individuals)},',
        *_listed(
            "assessed",
            (
                {"individual": one, "frames": annotation.assessed[one]}
                for one in individuals
                if one in annotation.assessed
            ),
        ),
        *_listed("bouts", (_bout(bout) for bout in annotation.bouts if only in (None, bout.individual)), last=True),
        "}",
        "",
    ]
    return "\n".join(lines)


def vars_of(behavior: Behavior) -> dict[str, Any]:
    """Return the fields of a behavior as JSON values."""
    return {
        "name": behavior.name,
        "key": behavior.key,
        "color": behavior.color,
        "description": behavior.description,
        "exclusive": behavior.exclusive,
    }


def _bout(bout: Bout) -> dict[str, Any]:
    one: dict[str, Any] = {
        "individual": bout.individual,
        "behavior": bout.behavior,
        "frames": (bout.start, bout.stop),
        "origin": bout.origin.value,
    }
    if bout.target is not None:
        one["target"] = bout.target
    if bout.confidence is not None:
        one["confidence"] = bout.confidence
    if bout.note:
        one["note"] = bout.note
    return one


def _listed(name: str, items: Iterable[Any], *, last: bool = False) -> list[str]:
    lines = [_dumps(item) for item in items]
    return [f'"{name}": [', *(f"{line}," for line in lines[:-1]), *lines[-1:], "]" if last else "],"]


def _dumps(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a character, as in names of damaged files
        return json.dumps(value, allow_nan=False)
    return text


FORMAT = AnnotationFormat(
    "json", "JSON of napari_i3d", (".json", ".annotation.json"), _recognize, _read, _write, ends="end exclusive"
)
