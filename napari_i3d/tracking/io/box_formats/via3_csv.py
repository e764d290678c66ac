"""VIA 3 csv: rectangles at times of a video, in seconds.

After comments come lines of ``metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata`` with JSON
in the columns; a rectangle is ``[2,x,y,width,height]`` at one time ``[t]``. Attributes of ``metadata`` have numbers;
the comment ``# ATTRIBUTE = {...}``, if it is there, names them and the options that can be chosen.

The frame of a time is the one that a player shows then: the last that begins before it. A tenth of a frame is allowed
for rounded times.
"""

from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import format_path
from napari_i3d.errors import TrackingError, VideoNeededError
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat
from napari_i3d.tracking.io.parsing.box_rows import corners_of_sizes, dropped, plain_ids, tracking_of_rows
from napari_i3d.tracking.io.parsing.csv_rows import read_chunks, readable_file
from napari_i3d.tracking.io.parsing.json_cells import parse_cell, parse_cells
from napari_i3d.tracking.validation import MAX_FRAME

_HEADER = "CSV_HEADER"
_COLUMNS = ("file_list", "temporal_coordinates", "spatial_coordinates", "metadata")
_ATTRIBUTES = ("ATTRIBUTE", "ATTRIBUTES")
_RECTANGLE = 2
_NAMES = ("name", "id", "individual", "identity", "track", "animal")
_ALLOWED_FRAMES = 0.1
_CLEAR_FRAMES = 0.25
# Parsed texts that are kept.
_KNOWN = 1000
# The longest line of the comments, and their number.
_LINE_CHARACTERS = 1 << 20
_MOST_COMMENTS = 1000


def _recognize(_path: Path, head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").startswith(b"#") and all(
        word in head for word in (_HEADER.encode(), *(column.encode() for column in _COLUMNS))
    )


def _read(path: Path, options: ReadOptions) -> ReadResult:
    if options.video is None:
        raise VideoNeededError(
            "boxes stand at times in seconds",
            hint="give the video, for its frames per second",
        )
    fps = options.video.fps
    rows = _Rows()
    rows.read(path)
    if len(rows.files) > 1:
        first, second = list(rows.files)[:2]
        raise TrackingError(
            f"expected the rectangles of one video, found those of {format_path(first)} and {format_path(second)}",
            hint="export each video's project",
        )
    if not sum(map(len, rows.boxes)):
        raise TrackingError("expected rectangles at single times of a video, found none")
    times = np.concatenate(rows.times)
    exact = times * fps
    valid = (exact >= 0) & (exact < MAX_FRAME)
    if not valid.all():
        raise TrackingError(f"expected times within a video, found {times[~valid][0]:g} s")
    frames = np.floor(exact + _ALLOWED_FRAMES)
    between = np.abs(exact - np.round(exact)) > _CLEAR_FRAMES
    notes = [f"times became frames at {fps:g} frames per second: the frame that is shown at the time"]
    if between.any():
        notes.append(f"{int(between.sum()):,} of {len(frames):,} times lie between the beginnings of two frames")
    notes += dropped(rows.n_other, "no rectangle at a single time")
    boxes = corners_of_sizes(np.concatenate(rows.boxes))
    return tracking_of_rows(plain_ids(list(rows.place_of)), np.concatenate(rows.places), frames, boxes, notes)


class _Rows:
    """The rectangles of a file."""

    def __init__(self) -> None:
        self.times: list[NDArray[np.float64]] = []
        self.boxes: list[NDArray[np.float64]] = []
        self.places: list[NDArray[np.int64]] = []
        self.place_of: dict[str, int] = {}
        self.files: dict[str, None] = {}
        self.n_other = 0
        self._columns: list[str] = []
        self._attribute: str | None = None
        self._options: dict[str, Any] = {}
        self._known_places: dict[str, int] = {}

    def read(self, path: Path) -> None:
        n_comments = self._read_comments(path)
        used = [self._columns.index(column) for column in _COLUMNS]
        how: dict[str, Any] = {"header": None, "skiprows": n_comments, "usecols": used, "dtype": object}
        for chunk in read_chunks(path, keep_default_na=False, na_filter=False, **how):
            self._add(*(chunk[place].tolist() for place in used))

    def _read_comments(self, path: Path) -> int:
        """Read the lines before the table and return their number."""
        number = 0
        with readable_file(path), path.open(encoding="utf-8-sig", newline="") as file:
            while (line := file.readline(_LINE_CHARACTERS)).startswith("#") and number < _MOST_COMMENTS:
                number += 1
                name, _, value = line[1:].partition("=")
                if name.strip() == _HEADER:
                    self._columns = [column.strip() for column in value.split(",")]
                elif name.strip() in _ATTRIBUTES:
                    self._choose_attribute(parse_cell(value.strip(), "the comment ATTRIBUTE"))
        if missing := [column for column in _COLUMNS if column not in self._columns]:
            raise TrackingError(f"expected a column {missing[0]} in a comment {_HEADER}, found none")
        return number

    def _choose_attribute(self, attributes: Any) -> None:
        if not isinstance(attributes, dict):
            return
        named = {
            number: str(attribute.get("aname", "")).lower()
            for number, attribute in attributes.items()
            if isinstance(attribute, dict)
        }
        chosen = next((number for name in _NAMES for number, own in named.items() if own == name), None)
        self._attribute = chosen if chosen is not None else next(iter(named), None) if len(named) == 1 else None
        choices = attributes.get(self._attribute, {}).get("options") if self._attribute is not None else None
        self._options = choices if isinstance(choices, dict) else {}

    def _add(self, files: list[str], times: list[str], shapes: list[str], metadata: list[str]) -> None:
        all_times = parse_cells(times, list, "temporal_coordinates")
        all_shapes = parse_cells(shapes, list, "spatial_coordinates")
        kept = [
            row
            for row, (time, shape) in enumerate(zip(all_times, all_shapes, strict=True))
            if len(time) == 1 and shape[:1] == [_RECTANGLE]
        ]
        self.n_other += len(files) - len(kept)
        if len(kept) < len(files):
            files, times, shapes, metadata = (
                [column[row] for row in kept] for column in (files, times, shapes, metadata)
            )
            all_times, all_shapes = ([column[row] for row in kept] for column in (all_times, all_shapes))
        kinds = set(map(type, chain.from_iterable(chain(all_times, all_shapes))))
        if not (set(map(len, all_shapes)) <= {5} and kinds <= {int, float}):
            row = next(row for row, shape in enumerate(all_shapes) if not _is_rectangle(all_times[row], shape))
            raise TrackingError(
                f"expected a time and [2,x,y,width,height], found {times[row][:40]!a} and {shapes[row][:60]!a}"
            )
        for text in set(files):
            self.files[str(parse_cell(text, "file_list"))[:300].strip("[]'")] = None
        self.times.append(np.array(all_times, np.float64).reshape(-1))
        self.boxes.append(np.array(all_shapes, np.float64).reshape(-1, 5)[:, 1:])
        known = self._known_places
        self.places.append(np.array([known[t] if t in known else self._place(t) for t in metadata], np.int64))

    def _place(self, text: str) -> int:
        if len(self._known_places) > _KNOWN:
            self._known_places.clear()
        name = self._name(parse_cell(text, "metadata"))
        place = self._known_places[text] = self.place_of.setdefault(name, len(self.place_of))
        return place

    def _name(self, metadata: Any) -> str:
        found = metadata if isinstance(metadata, dict) else {}
        attribute = self._attribute
        if attribute is None and len(found) == 1:
            attribute = next(iter(found))
        value = found.get(attribute)
        if not isinstance(value, str | int) or value == "":
            raise TrackingError(
                f"expected the name of the individual in the metadata of each rectangle, found {str(metadata)[:60]!a}",
                hint="give the project an attribute called name",
            )
        return str(self._options.get(str(value), value))


def _is_rectangle(time: list[Any], shape: list[Any]) -> bool:
    return len(shape) == 5 and {type(number) for number in (*time, *shape)} <= {int, float}


FORMAT = TrackingFormat("via3", "VIA 3 csv", (".csv",), _recognize, _read)
