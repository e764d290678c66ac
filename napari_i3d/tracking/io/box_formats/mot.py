"""MOT Challenge text: ``frame,id,left,top,width,height,confidence,x,y,z``, one box a line, without a header.

Frames and ids count from 1. Officially the corners of boxes do too: the first pixel is 1. Trackers and CVAT keep the
frames from 1, but write pixels from 0. Hence corners are shifted by a pixel only in an official sequence, recognized
by its ``seqinfo.ini``; everything else, and what is written here, has pixels from 0.

In ground truth (``gt/gt.txt``) the seventh column is a flag: boxes with 0 are not to be considered.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import atomic_writer
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.box_rows import (
    corners_of_sizes,
    dropped,
    frame_base,
    numbered,
    tracking_of_rows,
    whole_ids,
)
from napari_i3d.tracking.io.csv_rows import first_line, read_chunks, read_head, require_whole_end
from napari_i3d.tracking.io.format import HEAD_BYTES, ReadOptions, ReadResult, TrackingFormat, VideoFacts
from napari_i3d.tracking.io.written_rows import (
    DIGITS,
    WrittenRows,
    id_numbers,
    rounded_sizes,
    rows_of,
)
from napari_i3d.tracking.tracklets import Tracking

_INSIDE = (Path("gt/gt.txt"), Path("det/det.txt"))
_SEQUENCE = "seqinfo.ini"
# Lines examined to recognize a file.
_LINES = 20


def _recognize(path: Path, head: bytes) -> bool:
    if path.is_dir():
        return any((path / inside).is_file() for inside in _INSIDE)
    lines = head.removeprefix(b"\xef\xbb\xbf").splitlines()
    if len(head) >= HEAD_BYTES:
        lines = lines[:-1]  # cut off
    lines = [line for line in lines[:_LINES] if line.strip()]
    return bool(lines) and all(_looks_like_box(line) for line in lines)


def _looks_like_box(line: bytes) -> bool:
    with_commas = b"," in line
    fields = line.split(b",") if with_commas else line.split()
    # Lines of Ultralytics have up to 7 fields between blanks.
    if not (6 if with_commas else 9) <= len(fields) <= 12:
        return False
    try:
        frame, individual, _, _, width, height, *_ = (float(field or b"-1") for field in fields)
    except ValueError:
        return False
    return frame >= 0 and frame.is_integer() and individual.is_integer() and not (width < 0 or height < 0)


def _read(path: Path, options: ReadOptions) -> ReadResult:
    path = _file_in(path)
    table = _columns(path)
    notes: list[str] = []
    if (untracked := table[:, 1] == -1).any():
        if untracked.all():
            raise TrackingError(
                "expected boxes with ids, found only detections without (-1)",
                hint="run a tracker on them",
            )
        notes += dropped(int(untracked.sum()), "they have no id (-1)")
        table = table[~untracked]
    is_truth = path.name == "gt.txt" or set(np.unique(table[:, 6])) == {0.0, 1.0}
    if is_truth and (ignored := table[:, 6] == 0).any():
        notes += dropped(int(ignored.sum()), "column 7 marks them as not to be considered (0)")
        table = table[~ignored]
    base, said = frame_base(table[:, 0], options, "MOT", usual=1)
    boxes = corners_of_sizes(table[:, 2:6].copy())
    if _is_official(path):
        boxes -= 1
        notes.append(f"corners count pixels from 1, as in an official sequence ({_SEQUENCE}), and were moved to 0")
    else:
        notes.append("corners count pixels from 0")
    ids, places = numbered(table[:, 1])
    frames = table[:, 0] - base
    del table
    return tracking_of_rows(ids, places, frames, boxes, [said, *notes])


def _file_in(path: Path) -> Path:
    """Return the file of boxes of a sequence's folder; another path as it is."""
    if not path.is_dir():
        return path
    return next((path / inside for inside in _INSIDE if (path / inside).is_file()), path / _INSIDE[0])


def _is_official(path: Path) -> bool:
    return path.parent.name in ("gt", "det") and (path.parent.parent / _SEQUENCE).is_file()


def _columns(path: Path) -> NDArray[np.float64]:
    """Return the first seven columns; without a seventh, it is -1."""
    line = first_line(read_head(path))
    with_commas = "," in line
    width = min(len(line.split(",") if with_commas else line.split()), 7)
    if width < 6:
        raise TrackingError(f"expected frame,id,left,top,width,height in each line, found {width} columns")
    require_whole_end(path)
    names = list(range(width))
    how: dict[str, Any] = {"sep": ","} if with_commas else {"sep": r"\s+"}
    chunks = [
        chunk.to_numpy(np.float64)
        for chunk in read_chunks(path, header=None, usecols=names, dtype=np.float64, skipinitialspace=True, **how)
    ]
    table = np.concatenate(chunks) if chunks else np.empty((0, width))
    del chunks
    return table if width == 7 else np.column_stack([table, np.full(len(table), -1.0)])


def _write(path: Path, tracking: Tracking, _video: VideoFacts | None) -> tuple[str, ...]:
    rows = rows_of(tracking, by_frame=True)
    if whole_ids(rows.ids, 1):
        numbers, notes = np.array(rows.ids, np.int64), []
    else:
        numbers, said = id_numbers(rows.ids, first=1)
        notes = [said]
    with atomic_writer(path) as file:
        for part in rows.parts():
            file.write(_lines(part, numbers))
    return (
        "frames and ids count from 1, corners count pixels from 0 (as CVAT and most trackers have it)",
        f"left, top, width and height have {DIGITS} decimals",
        *notes,
        *rows.notes,
    )


def _lines(part: WrittenRows, numbers: NDArray[np.int64]) -> bytes:
    text = io.StringIO()
    sizes = rounded_sizes(part.boxes).tolist()
    for frame, number, (left, upper, width, height) in zip(
        (part.frames + 1).tolist(), numbers[part.places].tolist(), sizes, strict=True
    ):
        text.write(f"{frame},{number},{left:.{DIGITS}f},{upper:.{DIGITS}f},{width:.{DIGITS}f},{height:.{DIGITS}f},")
        text.write("1,-1,-1,-1\n")
    return text.getvalue().encode()


def _files(path: Path) -> list[Path]:
    path = _file_in(path)
    return [path, *([path.parent.parent / _SEQUENCE] if _is_official(path) else [])]


FORMAT = TrackingFormat("mot", "MOT Challenge text", (".txt",), _recognize, _read, _write, _files)
