"""CVAT for video 1.1: tracks of boxes in XML, at key frames and between them.

Frames count from 0, corners are pixels from 0 with two decimals. A track lasts from its first box to one that is
``outside``; between two boxes it is interpolated linearly, and the last box is kept to the end of the task, as in
CVAT, which also writes the frames between key frames (``keyframe="0"``).

The name of an individual is an attribute of its boxes: CVAT's own ids of tracks change with every import.
"""

import math
import xml.parsers.expat as expat
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.box_formats.cvat_xml_writing import NAME, write
from napari_i3d.tracking.io.box_formats.key_frames import fill_between
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat
from napari_i3d.tracking.io.parsing.box_rows import MAX_INDIVIDUALS, tracking_of_rows
from napari_i3d.tracking.io.parsing.csv_rows import readable_file
from napari_i3d.tracking.validation import MAX_FRAME, check_span

_NAMES = (NAME, "individual", "identity", "id", "animal", "subject", "track", "track_id")
"""Attributes that may hold the name of an individual, the best first, in small letters."""
_UNSET = frozenset({"", "__undefined__"})
_OTHER_SHAPES = frozenset({"polygon", "polyline", "points", "ellipse", "mask", "cuboid", "skeleton"})
_BLOCK_BYTES = 1 << 20
_META = frozenset({"size", "start_frame", "stop_frame"})
_TWICE = "end one of the tracks with outside, or name the individuals differently"


def _recognize(_path: Path, head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and b"<annotations" in head


@dataclass
class _Track:
    label: str
    number: str
    frames: "array[int]" = field(default_factory=lambda: array("q"))
    corners: "array[float]" = field(default_factory=lambda: array("d"))
    rotations: "array[float]" = field(default_factory=lambda: array("d"))
    outside: bytearray = field(default_factory=bytearray)
    attributes: dict[str, str] = field(default_factory=dict)
    changing: set[str] = field(default_factory=set)


class _Reader:
    """Collects tracks while the document is parsed, without keeping it."""

    def __init__(self) -> None:
        self.tracks: list[_Track] = []
        self.meta: dict[str, str] = {}
        self.tasks: set[str] = set()
        self.n_images = self.n_other_shapes = 0
        self._track: _Track | None = None
        self._text: list[str] | None = None
        self._attribute = ""
        self._root: str | None = None
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse

    def read(self, path: Path) -> None:
        try:
            with readable_file(path), path.open("rb") as file:
                self._feed(file)
        except expat.ExpatError as error:
            raise TrackingError(f"expected XML of CVAT, found something else ({error})") from error
        except (KeyError, ValueError, OverflowError, LookupError) as error:
            line = self._parser.CurrentLineNumber
            raise TrackingError(f"line {line}: expected a box of CVAT, found something else ({error})") from error

    def _feed(self, file: BinaryIO) -> None:
        # The parser looks through an unfinished tag again with every block: large blocks, and no tag beyond one.
        n_bytes = 0
        while block := file.read(_BLOCK_BYTES):
            self._parser.Parse(block)
            n_bytes += len(block)
            if n_bytes - self._parser.CurrentByteIndex > _BLOCK_BYTES:
                raise TrackingError(f"expected XML of CVAT, found a tag of more than {_BLOCK_BYTES} bytes")
        self._parser.Parse(b"", True)

    @staticmethod
    def _refuse(*_: Any) -> None:
        raise TrackingError("expected XML without a document type, which CVAT does not write; remove it")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "box" and self._track is not None:
            track = self._track
            track.frames.append(int(attributes["frame"]))
            track.corners.extend(
                (
                    float(attributes["xtl"]),
                    float(attributes["ytl"]),
                    float(attributes["xbr"]),
                    float(attributes["ybr"]),
                )
            )
            track.rotations.append(float(attributes.get("rotation", 0)))
            track.outside.append(attributes.get("outside") == "1")
        elif name == "attribute" and self._track is not None:
            self._attribute = attributes.get("name", "")
            self._listen()
        elif name == "track":
            self._track = _Track(attributes.get("label", ""), attributes.get("id", str(len(self.tracks))))
            self.tracks.append(self._track)
            if len(self.tracks) > MAX_INDIVIDUALS:
                raise TrackingError(f"expected at most {MAX_INDIVIDUALS} tracks, found more")
            if "task_id" in attributes:
                self.tasks.add(attributes["task_id"])
        elif name in _META and not self.tracks:
            self._listen()
        elif name == "image":
            self.n_images += 1
        elif name in _OTHER_SHAPES and self._track is not None:
            self.n_other_shapes += 1
        elif self._root is None:
            self._root = name
            if name != "annotations":
                raise TrackingError(f"expected XML of CVAT, with annotations, found {name[:40]!a}")

    def _listen(self) -> None:
        # Only where text matters: the blanks between boxes are left to the parser.
        self._text = []
        self._parser.CharacterDataHandler = self._text.append

    def _end(self, name: str) -> None:
        if self._text is not None:
            self._parser.CharacterDataHandler = None
            text, self._text = "".join(self._text), None
            if name == "attribute" and self._track is not None:
                if self._track.attributes.setdefault(self._attribute, text) != text:
                    self._track.changing.add(self._attribute)
            elif name in _META:
                self.meta.setdefault(name, text.strip())
        if name == "track":
            self._track = None


def _read(path: Path, _options: ReadOptions) -> ReadResult:
    reader = _Reader()
    reader.read(path)
    if len(reader.tasks) > 1:
        raise TrackingError(
            f"expected one task, found tracks of {len(reader.tasks)}",
            hint="export the task of this video",
        )
    tracks = [track for track in reader.tracks if track.frames]
    if not tracks:
        if reader.n_images:
            raise TrackingError(
                "expected tracks, found boxes of single images (CVAT for images); draw tracks, and export as "
                "CVAT for video 1.1"
            )
        raise TrackingError("expected tracks of boxes, found none")
    names, notes = _names_of(tracks)
    stop, n_going_on, n_rotated = _stop_of(reader.meta), 0, 0
    frames, boxes, places, total = [], [], [], 0
    ids = list(dict.fromkeys(names))
    place_of = {name: place for place, name in enumerate(ids)}
    for track, name in zip(tracks, names, strict=True):
        goes_on = not track.outside[-1] and stop is not None and stop > max(track.frames) + 1
        n_going_on += goes_on
        n_rotated += any(track.rotations)
        own_frames, own_boxes = _expand(track, name, stop if goes_on else None, total)
        total += len(own_frames)
        frames.append(own_frames)
        boxes.append(own_boxes)
        places.append(np.full(len(own_frames), place_of[name]))
    if n_going_on:
        notes.append(
            f"{counted(n_going_on, 'track')} without an end (outside): the last box stays to the end of the task, "
            f"frame {(stop or 0) - 1}, as in CVAT"
        )
    if n_rotated:
        notes.append(f"boxes of {counted(n_rotated, 'track')} are rotated: read as the upright boxes around them")
    if reader.n_other_shapes:
        notes.append(f"{counted(reader.n_other_shapes, 'shape')} left out: not boxes")
    notes.insert(0, "frames count from 0, as CVAT writes them")
    parts = (np.concatenate(places), np.concatenate(frames), np.concatenate(boxes))
    return tracking_of_rows(ids, *parts, notes, twice=_TWICE)


def _stop_of(meta: dict[str, str]) -> int | None:
    """Return the frame behind the last of the task, if the file states it."""
    try:
        if "stop_frame" in meta:
            stop = int(meta["stop_frame"]) + 1
        elif "size" in meta:
            stop = int(meta.get("start_frame", 0)) + int(meta["size"])
        else:
            return None
    except ValueError:
        return None
    return stop if stop <= MAX_FRAME else None


def _names_of(tracks: Sequence[_Track]) -> tuple[list[str], list[str]]:
    """Return the name of each track, and notes."""
    spellings = {name.lower(): name for track in tracks for name in track.attributes}
    wanted = next((spellings[name] for name in _NAMES if name in spellings), None)
    if wanted is not None:
        if changing := next((track for track in tracks if wanted in track.changing), None):
            raise TrackingError(
                f"track {changing.number}: its attribute {wanted} changes from box to box; a track is one individual: "
                "split it in CVAT where the individual changes"
            )
        named = [track.attributes.get(wanted, "") for track in tracks]
        names = [
            _label_and_number(track) if name.strip() in _UNSET else name
            for name, track in zip(named, tracks, strict=True)
        ]
        return names, [f"names are the attribute {wanted} of the tracks"]
    labels = [track.label for track in tracks]
    if len(set(labels)) == len(labels):
        return labels, ["names are the labels of the tracks"]
    return [_label_and_number(track) for track in tracks], [
        f"names are the label and the number of each track; an attribute called {NAME} would name them"
    ]


def _label_and_number(track: _Track) -> str:
    return f"{track.label} {track.number}".strip()


def _expand(track: _Track, name: str, stop: int | None, n_before: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the frames and boxes of a track, (n,) and (n, 4), interpolated as CVAT does it."""
    frames = np.frombuffer(track.frames, np.int64)
    corners = np.frombuffer(track.corners, np.float64).reshape(-1, 4)
    rotations = np.frombuffer(track.rotations, np.float64)
    outside = np.frombuffer(track.outside, np.bool_)
    order = np.argsort(frames, kind="stable")
    frames, values, outside = frames[order], np.column_stack([corners, rotations])[order], outside[order]
    if frames[0] < 0 or frames[-1] > MAX_FRAME:
        wrong = int(frames[0] if frames[0] < 0 else frames[-1])
        raise TrackingError(f"{name}: expected frames from 0 to {MAX_FRAME}, found {wrong}")
    if (twice := frames[1:] == frames[:-1]).any():
        raise TrackingError(f"{name}: two boxes in frame {int(frames[1:][twice][0])} of one track; {_TWICE}")
    ends = np.append(frames[1:], frames[-1] + 1 if stop is None else stop)
    ends[outside] = frames[outside]
    n_frames = int((ends - frames).sum())
    check_span(name, n_before + n_frames, len(frames), together=n_before > 0)
    # The shorter way round, so that interpolation does not turn a box by nearly 360 degrees.
    with np.errstate(invalid="ignore"):
        values[:, 4] = np.unwrap(values[:, 4], period=360)
    filled_frames, filled = fill_between(frames, values, ends)
    return filled_frames, _upright(filled)


def _upright(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the upright boxes around boxes, (n, 5), that are turned about their center by the last number, degrees."""
    if not values[:, 4].any():
        return values[:, :4]
    rotated = values[:, 4] % 360 != 0
    left, upper, right, lower, degrees = values[rotated].T
    with np.errstate(over="ignore", invalid="ignore"):
        angle = degrees * (math.pi / 180)
        cosine, sine = np.abs(np.cos(angle)), np.abs(np.sin(angle))
        half_width = ((right - left) * cosine + (lower - upper) * sine) / 2
        half_height = ((right - left) * sine + (lower - upper) * cosine) / 2
        x, y = (left + right) / 2, (upper + lower) / 2
        boxes = values[:, :4].copy()
        boxes[rotated] = np.column_stack([x - half_width, y - half_height, x + half_width, y + half_height])
    return boxes


FORMAT = TrackingFormat("cvat", "CVAT for video 1.1", (".xml",), _recognize, _read, write)
