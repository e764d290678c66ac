"""Folders of labels of Ultralytics' tracking: ``labels/{video}_{frame}.txt``, a file for each frame with detections.

Lines are ``class x y width height [confidence] [id]``: center and size of the box in fractions of the image. Frames
count from 1, and only those that were processed (``vid_stride``). Detections that were not tracked have no id. A second
run into the same folder appends its lines.
"""

import os
import re
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import format_path
from napari_i3d.errors import TrackingError, VideoNeededError
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat
from napari_i3d.tracking.io.parsing.box_rows import dropped, numbered, tracking_of_rows
from napari_i3d.tracking.io.parsing.csv_rows import readable_file
from napari_i3d.tracking.validation import MAX_FRAME

_NAME = re.compile(r"(?P<video>.+)_(?P<frame>\d{1,12})\.txt", re.DOTALL)
_ARRAYS = "image0.txt"
"""The file to which Ultralytics writes the labels of all frames if these are passed as arrays."""
_LABELS = "labels"
# Files examined to recognize a folder.
_LOOKED_AT = 50
_TWICE = "were two runs written into one folder? Remove it and track again"


def _folder(path: Path) -> Path:
    return path / _LABELS if (path / _LABELS).is_dir() else path


def _recognize(path: Path, _head: bytes) -> bool:
    if not path.is_dir():
        return False
    try:
        with os.scandir(_folder(path)) as entries:
            for _, entry in zip(range(_LOOKED_AT), entries, strict=False):
                if not entry.name.endswith(".txt"):
                    continue
                if entry.name == _ARRAYS or _NAME.fullmatch(entry.name):
                    with open(entry.path, "rb") as file:  # noqa: PTH123 - many files
                        return _looks_like_label(file.readline(1000))
    except OSError:
        pass
    return False


def _looks_like_label(line: bytes) -> bool:
    fields = line.split()
    try:
        numbers = [float(field) for field in fields]
    except ValueError:
        return False
    return 5 <= len(numbers) <= 7 and numbers[0].is_integer() and all(-0.5 <= number <= 1.5 for number in numbers[1:5])


class _Lines:
    """The lines of all files, in columns."""

    def __init__(self) -> None:
        self.frames = array("q")
        self.boxes = array("d")
        self.sixth = array("d")
        self.seventh = array("d")
        self.lengths = array("b")
        self.fraction = False
        """Whether a sixth number was written with decimals, as a confidence."""

    def read(self, name: str, frame: int, text: bytes) -> None:
        for line in text.splitlines():
            fields = line.split()
            n = len(fields)
            if n == 0:
                continue
            if not 5 <= n <= 7:
                raise TrackingError(f"{format_path(name)}: expected lines of 5 to 7 numbers (boxes), found {n}")
            try:
                self.boxes.extend(map(float, fields[1:5]))
                self.sixth.append(float(fields[5]) if n > 5 else np.nan)
                self.seventh.append(float(fields[6]) if n > 6 else np.nan)
            except ValueError:
                raise TrackingError(
                    f"{format_path(name)}: expected numbers, found {line[:60].decode(errors='replace')!r}"
                ) from None
            if n == 6 and b"." in fields[5]:
                self.fraction = True
            if (b"e" in fields[-1] or b"E" in fields[-1]) and n > 5 and self.seventh[-1] == self.seventh[-1]:
                raise TrackingError(
                    f"{format_path(name)}: expected a whole id, found {fields[-1][:20].decode(errors='replace')}, of "
                    "which Ultralytics kept six digits only"
                )
            self.frames.append(frame)
            self.lengths.append(n)

    def ids(self) -> NDArray[np.float64]:
        """Return the id of each line, not-a-number if it has none.

        A line of six numbers ends with a confidence or an id. A run has one kind: with confidences, lines have 6 or 7
        numbers, without, 5 or 6.
        """
        lengths = np.frombuffer(self.lengths, np.int8)
        seventh = np.frombuffer(self.seventh, np.float64)
        if (lengths == 7).any():
            if (lengths == 5).any():
                raise TrackingError(
                    "expected the labels of one run, found lines of 5 and of 7 numbers: with and without confidence"
                )
            return seventh
        sixth = np.frombuffer(self.sixth, np.float64)
        if self.fraction and not (lengths == 5).any():
            return seventh
        return sixth


def _read(path: Path, options: ReadOptions) -> ReadResult:
    if options.video is None:
        raise VideoNeededError(
            "boxes are fractions of the image",
            hint="give the video, for its size in pixels",
        )
    lines, stem = _Lines(), ""
    for name, video, frame, full in _files(_folder(path)):
        if stem and video != stem:
            raise TrackingError(
                f"expected the labels of one video, found those of {format_path(stem)} and {format_path(video)}",
                hint="put those of each video into a folder of its own",
            )
        stem = video
        with readable_file(Path(full)), open(full, "rb") as file:  # noqa: PTH123 - many files
            lines.read(name, frame, file.read())
    ids = lines.ids()
    tracked = ~np.isnan(ids)
    if len(ids) and not tracked.any():
        raise TrackingError(
            "expected ids, found only detections without",
            hint="use Ultralytics' track, not predict",
        )
    base = 1 if options.base is None else options.base
    notes = [
        f"frames count from {base}, {'as Ultralytics writes them' if options.base is None else 'as stated'}",
        *dropped(int((~tracked).sum()), "they have no id"),
    ]
    frames = np.frombuffer(lines.frames, np.int64)
    if len(frames) and (last := int(frames.max()) - base + 1) * 2 <= options.video.n_frames:
        notes.append(
            f"the last label is of frame {last} of {options.video.n_frames}: if the run had a vid_stride, these are "
            "not the video's frames; track every frame"
        )
    boxes = np.frombuffer(lines.boxes, np.float64).reshape(-1, 4)
    if not tracked.all():
        ids, frames, boxes = ids[tracked], frames[tracked], boxes[tracked]
    individuals, places = numbered(ids)
    corners = _corners(boxes, options.video.width, options.video.height)
    return tracking_of_rows(individuals, places, frames - base, corners, notes, twice=_TWICE)


def _files(folder: Path) -> Iterator[tuple[str, str, int, str]]:
    """Yield name, video, frame number and path of the files of labels."""
    with readable_file(folder), os.scandir(folder) as entries:
        for entry in entries:
            if (found := _NAME.fullmatch(entry.name)) and entry.is_file():  # reading a pipe might never end
                frame = int(found["frame"])
                if frame > MAX_FRAME:
                    raise TrackingError(f"{format_path(entry.name)}: expected frames up to {MAX_FRAME}")
                yield entry.name, found["video"], frame, entry.path
            elif entry.name == _ARRAYS:
                raise TrackingError(
                    f"{_ARRAYS}: Ultralytics wrote the labels of all frames into it, as it got them as arrays; track "
                    "the video's file instead"
                )


def _corners(boxes: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    corners = boxes.copy()
    corners[:, :2] -= boxes[:, 2:] / 2
    corners[:, 2:] += corners[:, :2]
    corners *= np.array([width, height, width, height], np.float64)
    return corners


def _read_files(path: Path) -> list[Path]:
    try:
        return [Path(full) for _, _, _, full in _files(_folder(path))]
    except TrackingError:  # says reading
        return []


FORMAT = TrackingFormat("ultralytics", "Ultralytics labels", (), _recognize, _read, files=_read_files)
