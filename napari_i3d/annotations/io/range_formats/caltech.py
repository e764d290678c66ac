"""Text of the Caltech Behavior Annotator, which MARS writes too: streams of bouts that cover all frames.

After the names and keys of the behaviors comes a block for each stream: ``S1: start end type``, dashes, and rows of
``start end name``. Frames count from 1, the last one is part of the bout. ``other`` is no behavior.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from napari_i3d._utils.frame_ranges import Range, merge_ranges
from napari_i3d._utils.text import counted
from napari_i3d.annotations.io.format import AnnotatedVideo, AnnotationFormat, ReadRequest, ReadResult
from napari_i3d.annotations.io.frame_formats.background import is_background
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector
from napari_i3d.annotations.io.parsing.frame_labels import video_of_labels, within
from napari_i3d.annotations.io.parsing.frame_numbers import stated_numbers
from napari_i3d.annotations.io.parsing.text_files import decode, read_bytes
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id

_TITLE = "Caltech Behavior Annotator - Annotation File"
_NAMES = "Configuration file:"
_STREAM = re.compile(r"\s*(S\d{1,4})\s*:")
_ROW = re.compile(r"\s*(\d{1,18})\s+(\d{1,18})\s+(\S.*?)\s*")


def _recognize(_path: Path, head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_TITLE.lower().encode())


def _read(path: Path, request: ReadRequest) -> ReadResult:
    text, notes = decode(read_bytes(path))
    lines = text.splitlines()
    if not lines or lines[0].strip().lower() != _TITLE.lower():
        raise AnnotationError(f"expected a first line {_TITLE!r}, found {lines[0][:60] if lines else ''!a}")
    streams, names = _parse(lines)
    streams = {name: rows for name, rows in streams.items() if rows}
    if not streams:
        raise AnnotationError("expected streams S1, S2, ... with rows, found none")
    numbers = stated_numbers(request, 1, inclusive=True)
    collector = BoutCollector(request)
    assessed: dict[Id, list[Range]] = {}
    for stream, rows in streams.items():
        # A single stream tells nothing of an individual.
        individual: Id | None = stream if len(streams) > 1 else None
        judged = assessed.setdefault(request.nobody if individual is None else collector.named(stream), [])
        for line, first, last, name in rows:
            start, stop = numbers.frames(first, last, f"line {line}")
            if start < stop:
                judged.append((start, stop))
            if start >= stop or not is_background(name):
                collector.add(f"line {line}", individual, name, start, stop)
    video, more = _video(request, assessed)
    collector.notes += [*notes, *more]
    if len(streams) > 1:
        collector.notes.append(f"the {counted(len(streams), 'stream')} became individuals: {', '.join(streams)}")
    behaviors = [name for name in names if not is_background(name)]
    return collector.result(behaviors, list(assessed), within(assessed, video), video)


def _video(request: ReadRequest, assessed: Mapping[Id, Iterable[Range]]) -> tuple[AnnotatedVideo, list[str]]:
    """Return what is known of the video: its length if the rows cover all frames, as the programs write them."""
    covered = {merge_ranges(ranges) for ranges in assessed.values()}
    whole = covered.pop() if len(covered) == 1 else ()
    if len(whole) != 1 or whole[0][0] != 0:
        return request.video, []
    return video_of_labels(request, whole[0][1])


_Rows = list[tuple[int, int, int, str]]


def _parse(lines: list[str]) -> tuple[dict[str, _Rows], list[str]]:
    """Return the rows of each stream (line, start, end, name), and the names of behaviors."""
    streams: dict[str, _Rows] = {}
    names: list[str] = []
    stream, listing = "", False
    for number, line in enumerate(lines[1:], 2):
        text = line.strip()
        if found := _STREAM.match(line):
            stream, listing = found[1], False
            if stream in streams:
                raise AnnotationError(f"line {number}: a second stream {stream}")
            streams[stream] = []
        elif stream:
            if not text or set(text) == {"-"}:
                continue
            row = _ROW.fullmatch(line)
            if row is None:
                raise AnnotationError(f"line {number}: expected start, end and type, found {text[:60]!a}")
            streams[stream].append((number, int(row[1]), int(row[2]), row[3]))
        elif text.lower() == _NAMES.lower():
            listing = True
        elif listing and text:
            # A name and its key; names may be all that there is.
            fields = text.split()
            names.append(" ".join(fields[:-1]) if len(fields) > 1 and len(fields[-1]) == 1 else text)
    return streams, list(dict.fromkeys(names))


FORMAT = AnnotationFormat(
    "caltech",
    "MARS and Caltech annotator txt",
    (".txt",),
    _recognize,
    _read,
    base="frames from 1",
    ends="last frame included",
)
