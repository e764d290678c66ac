"""JABS' labels: JSON with ranges of frames for each mouse and behavior, in which it is shown or is not shown.

``{"file": "day1.avi", "num_frames": 1800, "unfragmented_labels": {"0": {"Walk": [{"start": 5, "end": 9, "present":
true}]}}}``. Frames count from 0, ``end`` is the last frame of the range. Where a behavior has neither, it was not
judged. ``labels`` are the same without the frames in which the mouse has no pose; JABS does not read them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

from napari_i3d._utils.frame_ranges import Range
from napari_i3d._utils.text import counted
from napari_i3d.annotations.io.format import AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.parsing.bout_collector import MAX_BEHAVIORS, BoutCollector
from napari_i3d.annotations.io.parsing.frame_labels import check_length, video_of_labels, within
from napari_i3d.annotations.io.parsing.frame_numbers import FrameNumbers
from napari_i3d.annotations.io.parsing.judged_frames import (
    Span,
    count_partly,
    looked_at,
    partly_notes,
    shared_behaviors,
)
from napari_i3d.annotations.io.parsing.text_files import decode, read_bytes
from napari_i3d.annotations.io.range_formats.jabs_writing import NOTHING, write
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, format_id
from napari_i3d.safe_loading.json_text import parse_json

_NUMBERS = FrameNumbers(0, inclusive=True)
_MOST_DIGITS = 18
_PARTS = ("unfragmented_labels", "labels")


def _recognize(_path: Path, head: bytes) -> bool:
    return (
        head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
        and b'"num_frames"' in head
        and any(f'"{part}"'.encode() in head for part in _PARTS)
    )


def _read(path: Path, request: ReadRequest) -> ReadResult:
    text, notes = decode(read_bytes(path))
    content = parse_json(text, AnnotationError)
    part = next((part for part in _PARTS if isinstance(content, dict) and part in content), None)
    if part is None or not isinstance(content[part], dict):
        raise AnnotationError("expected labels by mouse and behavior, found none")
    n_frames = content.get("num_frames")
    if not _is_whole(n_frames):
        raise AnnotationError(f"expected num_frames, found {str(n_frames)[:40]!a}")
    check_length(n_frames)
    name = content.get("file")
    video, more = video_of_labels(request, n_frames, name if isinstance(name, str) else "")
    collector = BoutCollector(request)
    collector.notes += [*notes, *more]
    assessed: dict[Id, tuple[Range, ...]] = {}
    spans: dict[Id, list[Span]] = {}
    names: dict[str, None] = {}
    for identity, behaviors in content[part].items():
        individual = collector.named(_id(identity))
        judged: dict[str, list[Range]] = {}
        nothing: list[Range] = []
        shown = spans.setdefault(individual, [])
        for behavior, start, stop, present, place in _blocks(identity, behaviors, n_frames):
            if behavior == NOTHING:
                # With several behaviors that exclude each other: none of them is shown.
                if present:
                    nothing.append((start, stop))
                continue
            names[behavior] = None
            if len(names) > MAX_BEHAVIORS:
                raise AnnotationError(f"expected at most {MAX_BEHAVIORS} behaviors, found more")
            judged.setdefault(behavior, []).append((start, stop))
            if present:
                shown.append((start, stop, behavior))
                collector.add(place, individual, behavior, start, stop)
        for ranges in judged.values():
            ranges += nothing
        judged = judged or ({NOTHING: nothing} if nothing else {})
        assessed[individual] = looked_at(judged)
        collector.notes += partly_notes(individual, count_partly(judged, [span[:2] for span in shown]))
    collector.notes += _other_notes(content)
    return collector.result(shared_behaviors(spans, names), list(assessed), within(assessed, video), video)


def _id(identity: str) -> Id:
    return int(identity) if identity.isascii() and identity.isdigit() and len(identity) <= _MOST_DIGITS else identity


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _blocks(identity: str, behaviors: Any, n_frames: int) -> Iterator[tuple[str, int, int, bool, str]]:
    """Yield behavior, start, stop, whether it is shown, and the place in the file."""
    if not isinstance(behaviors, dict):
        raise AnnotationError(f"{format_id(identity)}: expected labels by behavior, found {type(behaviors).__name__}")
    for behavior, blocks in behaviors.items():
        where = f"{format_id(identity)}, {format_id(behavior)}"
        if not isinstance(blocks, list):
            raise AnnotationError(f"{where}: expected a list of ranges, found {type(blocks).__name__}")
        for number, block in enumerate(blocks, 1):
            place = f"{where}, range {number}"
            values = [block.get(key) for key in ("start", "end", "present")] if isinstance(block, dict) else [None] * 3
            first, last, present = values
            if not (_is_whole(first) and _is_whole(last) and isinstance(present, bool)):
                raise AnnotationError(f"{place}: expected start, end and present, found {str(block)[:60]!a}")
            if first > last:
                raise AnnotationError(f"{place}: expected start before end, found {first} and {last}")
            start, stop = _NUMBERS.frames(first, last, place)
            if stop > n_frames:
                raise AnnotationError(
                    f"{place}: expected frames of the file's {n_frames}, found {last}", hint="is the file damaged?"
                )
            yield behavior.strip(), start, stop, present, place


def _other_notes(content: dict[str, Any]) -> list[str]:
    notes = []
    marks = content.get("annotations")
    if isinstance(marks, list) and marks:
        notes.append(f"{counted(len(marks), 'mark')} of the time line left out: not behaviors")
    outside = content.get("external_identities")
    if isinstance(outside, dict) and outside:
        listed = ", ".join(f"{format_id(one)} is {format_id(name)}" for one, name in list(outside.items())[:10])
        notes.append(f"identities outside of JABS: {listed}")
    return notes


FORMAT = AnnotationFormat(
    "jabs",
    "JABS labels json",
    (".json",),
    _recognize,
    _read,
    write,
    base="frames from 0",
    ends="last frame included",
    lost="targets, confidence, who labelled",
)
