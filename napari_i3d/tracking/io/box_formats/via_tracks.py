"""VIA 2 tracks, also of movement: a csv file with a line for each rectangle, its details in columns of JSON.

The columns are ``filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,
region_attributes``. The frame is ``frame`` of the file attributes, else the digits at the end of the file name. The id
is ``track`` of the region attributes, a number in movement's files; a ``name`` that belongs to it is kept.
"""

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import atomic_writer
from napari_i3d.errors import TrackingError
from napari_i3d.individuals import Id
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat, VideoFacts
from napari_i3d.tracking.io.parsing.box_rows import MAX_INDIVIDUALS, frame_base, plain_ids, tracking_of_rows, whole_ids
from napari_i3d.tracking.io.parsing.csv_rows import header_of, read_chunks
from napari_i3d.tracking.io.parsing.json_cells import parse_cells
from napari_i3d.tracking.io.parsing.written_rows import (
    DIGITS,
    WrittenRows,
    id_numbers,
    rounded_sizes,
    rows_of,
    texts_of,
)
from napari_i3d.tracking.tracklets import Tracking

_COLUMNS = (
    "filename",
    "file_size",
    "file_attributes",
    "region_count",
    "region_id",
    "region_shape_attributes",
    "region_attributes",
)
_USED = ("filename", "file_attributes", "region_shape_attributes", "region_attributes")
_SIDES = ("x", "y", "width", "height")
_DIGITS = re.compile(r"(\d+)(?:\.\w+)?$")
_SHAPES = "region_shape_attributes"
_NO_RECTANGLE = (ValueError, KeyError, TypeError, OverflowError)


def _recognize(_path: Path, head: bytes) -> bool:
    return {"filename", *_USED[1:]} <= set(header_of(head))


def _read(path: Path, options: ReadOptions) -> ReadResult:
    reader = _Reader()
    chunks = list(reader.chunks(path))
    if not chunks or not (n_rows := sum(len(places) for places, _, _ in chunks)):
        raise TrackingError("expected at least one rectangle with a track, found none")
    places, frames, boxes = (np.concatenate(columns) for columns in zip(*chunks, strict=True))
    del chunks
    if frames.dtype.kind != "i" or len(frames) != n_rows:
        raise TrackingError("expected frames that are whole numbers, found others")
    notes = [f"{reader.n_empty:,} lines without a rectangle left out"] if reader.n_empty else []
    base, said = frame_base(frames, options, "movement")
    notes.insert(0, f"{said} ({'file attributes' if reader.stated else 'digits of the file names'})")
    boxes[:, 2:] += boxes[:, :2]
    return tracking_of_rows(reader.names(), places, frames - base, boxes, notes)


class _Reader:
    """Turns the columns into numbers; texts that repeat are parsed once."""

    def __init__(self) -> None:
        self.n_empty = 0
        self.stated = False
        """Whether the frame stands in the file attributes."""
        self._place_of: dict[str, int] = {}
        self._places: dict[str, int] = {}
        self._names: dict[str, set[str]] = {}

    def chunks(self, path: Path) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
        """Yield the places (n,), frames (n,) and [x, y, width, height] (n, 4) of the rectangles."""
        for chunk in read_chunks(path, usecols=list(_USED), dtype=object, keep_default_na=False, na_filter=False):
            shapes = chunk["region_shape_attributes"].tolist()
            kept = [len(shape) > 2 for shape in shapes]
            if not all(kept):  # a file without a rectangle has a line with {}
                self.n_empty += len(kept) - sum(kept)
                chunk = chunk[kept]
                shapes = chunk["region_shape_attributes"].tolist()
            if not shapes:
                continue
            boxes = _sizes(shapes)
            places = self._ids(chunk["region_attributes"].tolist())
            yield places, self._frames(chunk["filename"].tolist(), chunk["file_attributes"].tolist()), boxes

    def _ids(self, texts: list[str]) -> NDArray[np.int64]:
        known = self._places
        return np.array([known[text] if text in known else self._place(text) for text in texts], np.int64)

    def _place(self, text: str) -> int:
        attributes = _object(text, "region_attributes")
        track = attributes.get("track")
        if not isinstance(track, str | int) or isinstance(track, bool) or track == "":
            raise TrackingError(f"expected a track in the region attributes, found {text[:60]!a}")
        track = str(track)
        place = self._place_of.setdefault(track, len(self._place_of))
        if place >= MAX_INDIVIDUALS:
            raise TrackingError(f"expected at most {MAX_INDIVIDUALS} tracks, found more")
        if isinstance(name := attributes.get("name"), str) and name:
            self._names.setdefault(track, set()).add(name)
        if len(self._places) < MAX_INDIVIDUALS:  # confidences may make every text another
            self._places[text] = place
        return place

    def _frames(self, files: list[str], attributes: list[str]) -> NDArray[np.int64]:
        frames, last, frame = [], None, -1
        for key in zip(files, attributes, strict=True):
            if key != last:  # the boxes of a frame mostly follow each other
                frame, last = self._frame(*key), key
            frames.append(frame)
        try:
            return np.array(frames, np.int64)
        except OverflowError:
            raise TrackingError(f"expected frames up to a hundred million, found {max(frames):.3g}") from None

    def _frame(self, file: str, text: str) -> int:
        frame = _object(text, "file_attributes").get("frame") if len(text) > 2 else None
        if frame is not None:
            self.stated = True
        elif found := _DIGITS.search(file[-60:]):
            frame = found[1]
        try:
            whole = int(frame)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            raise TrackingError(
                f"expected the frame in the file attributes or at the end of the file name, found {file[-60:]!a} "
                f"with {text[:60]!a}"
            ) from None
        return whole

    def names(self) -> list[Id]:
        """Return the individuals: their names if each track has one of its own, else the tracks."""
        names = [next(iter(found)) for found in self._names.values() if len(found) == 1]
        if len(set(names)) == len(self._place_of) == len(names):
            by_track = {track: next(iter(found)) for track, found in self._names.items()}
            return [by_track[track] for track in self._place_of]
        return plain_ids(list(self._place_of))


def _object(text: str, column: str) -> dict[str, Any]:
    return parse_cells([text], dict, column)[0]


def _sizes(texts: list[str]) -> NDArray[np.float64]:
    """Return [x, y, width, height] of rectangles, (n, 4).

    Raises
    ------
    TrackingError
        A text is no rectangle of finite numbers; the message quotes it.
    """
    shapes = parse_cells(texts, dict, _SHAPES)
    try:
        return _sizes_of(shapes)
    except _NO_RECTANGLE:
        for text, shape in zip(texts, shapes, strict=True):
            try:
                _sizes_of([shape])
            except _NO_RECTANGLE as error:
                raise TrackingError(
                    f"{_SHAPES}: expected a rectangle (rect) of numbers, found {text[:90]!a}"
                ) from error
        raise


def _sizes_of(shapes: list[dict[str, Any]]) -> NDArray[np.float64]:
    rows = [(shape["x"], shape["y"], shape["width"], shape["height"]) for shape in shapes]
    kinds, names = set(map(type, chain.from_iterable(rows))), {shape["name"] for shape in shapes}
    sizes = np.array(rows, np.float64)
    if names != {"rect"} or not kinds <= {int, float} or not np.isfinite(sizes).all():
        raise ValueError("not rectangles of finite numbers")
    return sizes


def _write(path: Path, tracking: Tracking, _video: VideoFacts | None) -> tuple[str, ...]:
    rows = rows_of(tracking, by_frame=True)
    numeric = whole_ids(rows.ids, 0)
    notes: list[str] = []
    if numeric:
        attributes = [_quoted({"track": str(individual)}) for individual in rows.ids]
    else:
        numbers, said = id_numbers(rows.ids, first=0)
        names, texts = texts_of(rows.ids)
        attributes = [
            _quoted({"track": str(number), "name": name}) for number, name in zip(numbers.tolist(), names, strict=True)
        ]
        notes.append(f"{said}; names stand beside them")
        notes += texts
    # movement finds the frame in a file name only after a zero.
    last = int(rows.frames.max(initial=0))
    n_digits = len(str(last)) + 1
    _, counts = np.unique(rows.frames, return_counts=True)
    within = np.arange(len(rows.frames)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = 0
    with atomic_writer(path) as file:
        file.write((",".join(_COLUMNS) + "\n").encode())
        for part in rows.parts():
            stop = first + len(part.frames)
            per_row = np.repeat(counts, counts)[first:stop]
            file.write(_lines(part, attributes, per_row, within[first:stop], n_digits))
            first = stop
    return (
        "frames count from 0, corners are pixels from 0",
        f"x, y, width and height have {DIGITS} decimals",
        "movement renumbers frames, which closes gaps, unless it is told use_frame_numbers_from_file=True",
        *notes,
        *rows.notes,
    )


def _quoted(content: dict[str, Any]) -> str:
    return '"' + json.dumps(content).replace('"', '""') + '"'


def _lines(
    part: WrittenRows,
    attributes: list[str],
    counts: NDArray[np.int64],
    within: NDArray[np.int64],
    n_digits: int,
) -> bytes:
    columns = (
        part.frames.tolist(),
        part.places.tolist(),
        counts.tolist(),
        within.tolist(),
        np.round(rounded_sizes(part.boxes), DIGITS).tolist(),
    )
    return "".join(
        f'frame_{frame:0{n_digits}d}.png,0,"{{""frame"": {frame}}}",{count},{number},"{{""name"": ""rect"", '
        f'""x"": {x!r}, ""y"": {y!r}, ""width"": {width!r}, ""height"": {height!r}}}",{attributes[place]}\n'
        for frame, place, count, number, (x, y, width, height) in zip(*columns, strict=True)
    ).encode()


FORMAT = TrackingFormat("via-tracks", "VIA 2 tracks", (".csv",), _recognize, _read, _write)
