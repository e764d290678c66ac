"""Projects of BORIS (``.boris``): JSON with ethogram, subjects and observations.

An event is ``[time, subject, code, modifiers, comment, frame]``. START and STOP of the same subject, code and modifiers
alternate.
"""

from pathlib import Path
from typing import Any

from napari_i3d._utils.text import counted, printable
from napari_i3d.annotations.ethogram import Behavior
from napari_i3d.annotations.io.boris.events import (
    POINT,
    Event,
    add_events,
    conventions,
    file_name,
    single_media,
)
from napari_i3d.annotations.io.boris.project_writing import TARGET, write
from napari_i3d.annotations.io.format import AnnotatedVideo, AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.parsing.bout_collector import MAX_BOUTS, BoutCollector, known_video
from napari_i3d.annotations.io.parsing.json_values import items_of, number_of, text_of
from napari_i3d.annotations.io.parsing.plain_behavior import PlainBehaviors
from napari_i3d.annotations.io.parsing.text_files import read_bytes
from napari_i3d.errors import AnnotationError
from napari_i3d.safe_loading.json_text import parse_json

_MARKS = (b'"behaviors_conf"', b'"project_format_version"', b'"subjects_conf"')


def _recognize(_path: Path, head: bytes) -> bool:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"{") and any(mark in head for mark in _MARKS)


def _read(path: Path, request: ReadRequest) -> ReadResult:
    project = parse_json(read_bytes(path).removeprefix(b"\xef\xbb\xbf"), AnnotationError)
    if not isinstance(project, dict):
        raise AnnotationError("expected a project of BORIS, found a list")
    name, observation = _observation(items_of(project, "observations", dict), request)
    collector = BoutCollector(request)
    media = single_media(_media(observation), f"observation {printable(name, 60)}")
    length_s, fps = (_media_fact(observation, fact, media) for fact in ("length", "fps"))
    video, notes = known_video(request, media, None, fps, length_s)
    collector.notes += notes
    behaviors, points, targets = _behaviors(items_of(project, "behaviors_conf", dict))
    offset_s = number_of(observation.get("time offset") or 0, "time offset")
    events = items_of(observation, "events", list)
    if len(events) > 2 * MAX_BOUTS:
        raise AnnotationError(f"expected at most {2 * MAX_BOUTS} events, found {len(events)}")
    found = [_event(event, number, offset_s, points, targets) for number, event in enumerate(events, 1)]
    # As the program does when it opens the project.
    found.sort(key=lambda event: (event.time_s or 0.0, event.subject, event.behavior))
    conventions(collector)
    add_events(found, collector, video, fps)
    subjects = [text_of(one.get("name"), "subject") for one in items_of(project, "subjects_conf", dict).values() if one]
    return collector.result(behaviors, [one for one in subjects if one], None, video, from_times=True)


def _observation(observations: dict[str, Any], request: ReadRequest) -> tuple[str, dict[str, Any]]:
    """Return the observation of the video, and its name."""
    found = {
        name: one for name, one in observations.items() if isinstance(one, dict) and one.get("type", "MEDIA") == "MEDIA"
    }
    if not found:
        raise AnnotationError(
            f"expected an observation of a video, found {counted(len(observations), 'observation')} and none of a video"
        )
    if len(found) == 1 and len(observations) == 1:
        return next(iter(found.items()))
    stem = request.video.stem
    own = {
        name: one
        for name, one in found.items()
        if stem and stem in (name, *(AnnotatedVideo(file_name(path)).stem for path in _media(one)))
    }
    if len(own) != 1:
        listed = ", ".join(printable(name, 40) for name in list(own or found)[:10])
        raise AnnotationError(
            f"expected one observation{f' of the video {printable(stem, 60)}' if stem else ''}, found "
            f"{len(own or found)} ({listed})",
            hint="give {video} whose name is that of the media file of one observation, or export it alone",
        )
    return next(iter(own.items()))


def _media(observation: dict[str, Any]) -> list[str]:
    """Return the media files of the first player: the times of events are theirs."""
    players = items_of(observation, "file", dict, {})
    return [text_of(path, "media file") for path in items_of(players, "1", list, [])]


def _media_fact(observation: dict[str, Any], fact: str, media: str) -> float | None:
    facts = items_of(items_of(observation, "media_info", dict, {}), fact, dict, {})
    value = next((value for path, value in facts.items() if file_name(path) == media), None)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        return None
    return float(value)


def _behaviors(conf: dict[str, Any]) -> tuple[list[Behavior], set[str], dict[str, int]]:
    """Return the behaviors, the codes of those without duration, and where the target is among the modifiers."""
    plain = PlainBehaviors()
    points, targets = set(), {}
    exclusions = any(isinstance(one, dict) and one.get("excluded") for one in conf.values())
    for place, one in conf.items():
        if not isinstance(one, dict):
            raise AnnotationError(f"behavior {printable(place, 40)}: expected an object, found {ascii(one)[:40]}")
        code = text_of(one.get("code"), f"behavior {printable(place, 40)}").strip()
        plain.add(
            code,
            key=text_of(one.get("key") or "", code),
            color=text_of(one.get("color") or "", code),
            description=text_of(one.get("description") or "", code),
            exclusive=bool(one.get("excluded")) if exclusions else False,
        )
        if text_of(one.get("type") or "", code).upper().startswith("POINT"):
            points.add(code)
        modifiers = one.get("modifiers")
        for number, (_, own) in enumerate(sorted(modifiers.items()) if isinstance(modifiers, dict) else ()):
            if isinstance(own, dict) and own.get("name") == TARGET:
                targets[code] = number
    return plain.behaviors, points, targets


def _event(event: Any, number: int, offset_s: float, points: set[str], targets: dict[str, int]) -> Event:
    place = f"event {number}"
    if not isinstance(event, list) or len(event) < 3:
        raise AnnotationError(f"{place}: expected [time, subject, code, ...], found {ascii(event)[:60]}")
    time_s, subject, code, modifiers, comment, index = (*event, "", "", None)[:6] if len(event) < 6 else event[:6]
    behavior = text_of(code, place).strip()
    parts = tuple(text_of(modifiers or "", place).split("|"))
    target = ""
    if behavior in targets and targets[behavior] < len(parts):
        target = parts[targets[behavior]]
        parts = parts[: targets[behavior]] + parts[targets[behavior] + 1 :]
    return Event(
        place,
        number_of(time_s, place) - offset_s,
        index if isinstance(index, int) and not isinstance(index, bool) and index >= 0 else None,
        text_of(subject or "", place).strip(),
        behavior,
        POINT if behavior in points else "",
        parts if any(parts) else (),
        text_of(comment or "", place),
        "" if target == "None" else target,
    )


FORMAT = AnnotationFormat(
    "boris",
    "BORIS project",
    (".boris",),
    _recognize,
    _read,
    write,
    base="seconds from the first frame, and frames from 0",
    ends="STOP is the first frame without the behavior",
    lost="assessed frames, origin, confidence; bouts of one behavior that touch become one",
)
