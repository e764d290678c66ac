"""Bento's annotation files: text with a block for each channel, and in it one for each behavior.

Frames count from 1, and the last one is part of the bout. Bento also writes times in seconds, which are the number of
the frame, from 1, divided by the frame rate; they have decimals.
"""

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from napari_i3d._utils.text import counted
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector, known_video
from napari_i3d.annotations.io.parsing.frame_labels import within
from napari_i3d.annotations.io.parsing.frame_numbers import FrameNumbers, stated_numbers
from napari_i3d.annotations.io.parsing.text_files import decode, parse_number, read_bytes
from napari_i3d.annotations.validation import MAX_FRAME
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id

_TITLE = "bento annotation file"
_CHANNEL = re.compile(r"(.*?)-{3,}\s*")
_BOUND = re.compile(r"annotation (start|stop) (frame|time)\s*:\s*(\S+)", re.IGNORECASE)
_RATE = re.compile(r"annotation framerate\s*:\s*(\S+)", re.IGNORECASE)
_WHOLE_WITHIN = 0.02


@dataclass
class _File:
    rate: float | None = None
    bounds: dict[str, tuple[float, bool]] = field(default_factory=dict)
    """Start and stop of what was annotated, and whether they are times."""
    channels: list[str] = field(default_factory=list)
    behaviors: list[str] = field(default_factory=list)
    rows: list[tuple[int, str, str, float, float]] = field(default_factory=list)
    """Line, channel, behavior, start, stop."""


def _recognize(_path: Path, head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_TITLE.encode())


def _read(path: Path, request: ReadRequest) -> ReadResult:
    text, notes = decode(read_bytes(path))
    found = _parse(text.splitlines())
    numbers = stated_numbers(request, 1, inclusive=True)
    collector = BoutCollector(request)
    collector.notes += notes
    rate = _seconds_rate(found, request, collector)
    used = list(dict.fromkeys([*found.channels, *(row[1] for row in found.rows)]))
    alone = len(used) < 2
    for line, channel, behavior, first, last in found.rows:
        place = f"line {line}"
        start, stop = numbers.frames(_number(first, rate, place), _number(last, rate, place), place)
        collector.add(place, None if alone else channel, behavior, start, stop)
    video, more = known_video(request, fps=found.rate)
    collector.notes += more
    individuals: list[Id] = [request.nobody] if alone else [collector.named(name) for name in used]
    if not alone:
        collector.notes.append(f"the {counted(len(used), 'channel')} became individuals: {', '.join(used)}")
    bounds = _bounds(found, rate, numbers)
    if bounds is None:
        return collector.result(found.behaviors, video=video, throughout=individuals)
    assessed = within({individual: [bounds] for individual in individuals}, video)
    return collector.result(found.behaviors, individuals, assessed, video)


def _parse(lines: list[str]) -> _File:
    found = _File()
    channel = behavior = ""
    listing: list[str] | None = None
    if not lines or not lines[0].strip().lower().startswith(_TITLE):
        raise AnnotationError(
            f"expected a first line 'Bento annotation file', found {lines[0][:60] if lines else ''!a}"
        )
    for number, line in enumerate(lines[1:], 2):
        text = line.strip()
        if not text:
            listing = None
        elif (block := _CHANNEL.fullmatch(text)) and block[1]:
            channel, behavior, listing = block[1].strip(), "", None
        elif not channel:
            listing = _header(found, text, number, listing)
        elif text.startswith(">"):
            behavior = text[1:].strip()
            if behavior not in found.behaviors:
                found.behaviors.append(behavior)
        elif not text.lower().startswith("start"):
            if not behavior:
                raise AnnotationError(
                    f"line {number}: expected '>' and a behavior before its bouts, found {text[:60]!a}"
                )
            fields = text.split()
            if len(fields) < 2:
                raise AnnotationError(f"line {number}: expected start and stop, found {text[:60]!a}")
            start, stop = (parse_number(one, f"line {number}", "start and stop") for one in fields[:2])
            found.rows.append((number, channel, behavior, start, stop))
    return found


def _header(found: _File, text: str, number: int, listing: list[str] | None) -> list[str] | None:
    """Read a line before the channels; return the list that the next lines belong to."""
    if bound := _BOUND.match(text):
        value = parse_number(bound[3], f"line {number}", "start or stop")
        found.bounds[bound[1].lower()] = value, bound[2].lower() == "time"
    elif rate := _RATE.match(text):
        found.rate = parse_number(rate[1], f"line {number}", "framerate")
        if not 1e-3 <= found.rate <= 1e5:
            raise AnnotationError(f"line {number}: expected a framerate, found {rate[1][:20]!a}")
    elif text.lower().startswith("list of channels"):
        return found.channels
    elif text.lower().startswith("list of annotations"):
        return found.behaviors
    elif listing is not None:
        listing.append(text)
    return listing


def _seconds_rate(found: _File, request: ReadRequest, collector: BoutCollector) -> float | None:
    """Return the rate by which times in seconds become frame numbers; None if the file has frame numbers."""
    times = [time for row in found.rows for time in row[3:]]
    if all(time == math.trunc(time) for time in times):
        return None
    rate = found.rate or request.video.fps
    if rate is None:
        raise AnnotationError(
            "the file has times in seconds, and no framerate", hint="give {video} or {fps}, for its frames per second"
        )
    # One version of Bento writes seconds at the next whole rate, 30 for 29.97.
    for candidate in dict.fromkeys([rate, float(round(rate))]):
        if candidate and all(abs(time * candidate - round(time * candidate)) < _WHOLE_WITHIN for time in times):
            used = candidate
            break
    else:
        used = rate
        collector.notes.append("some times are no multiple of the frame's length: the nearest frame was taken")
    collector.notes.append(f"seconds became frames at {used:g} frames per second, as in Bento")
    return used


def _number(value: float, rate: float | None, place: str) -> int:
    number = value if rate is None else value * rate
    if not abs(number) <= MAX_FRAME:
        raise AnnotationError(f"{place}: expected a frame or time of a video, found {value:g}")
    return round(number)


def _bounds(found: _File, rate: float | None, numbers: FrameNumbers) -> tuple[int, int] | None:
    """Return the frames that the file says were annotated; None if it does not."""
    if set(found.bounds) != {"start", "stop"}:
        return None
    scale = rate or found.rate
    (low, in_seconds), (high, _) = found.bounds["start"], found.bounds["stop"]
    if in_seconds and scale is None:
        return None
    if in_seconds and scale is not None:
        low, high = low * scale, high * scale
    if not 0 <= low <= high <= MAX_FRAME:
        raise AnnotationError(f"expected an annotation start before its stop, found {low:g} and {high:g}")
    first, last = max(round(low), numbers.base), round(high)
    return (first - numbers.base, last - numbers.base + 1) if first <= last else None


FORMAT = AnnotationFormat(
    "bento",
    "Bento annot",
    (".annot",),
    _recognize,
    _read,
    base="frames from 1",
    ends="last frame included",
)
