"""VIA 3 csv: rectangles at times of a video, in seconds.

After comments come lines of ``metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata`` with JSON
in the columns; a rectangle is ``[2,x,y,width,height]`` at one time ``[t]``. Attributes of ``metadata`` have numbers;
the comment ``# ATTRIBUTE = {...}``, if it is there, names them and the options that can be chosen.

The frame of a time is the one that a player shows then: the last that begins before it. A tenth of a frame is allowed
for rounded times.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_i3d._utils.text import label
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.box_rows import corners_of_sizes, dropped, plain_ids, tracking_of_rows
from napari_i3d.tracking.io.csv_rows import readable_file
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat
from napari_i3d.tracking.validation import MAX_FRAME

_HEADER = "CSV_HEADER"
_COLUMNS = ("file_list", "temporal_coordinates", "spatial_coordinates", "metadata")
_ATTRIBUTES = ("ATTRIBUTE", "ATTRIBUTES")
_RECTANGLE = 2
_NAMES = ("name", "id", "individual", "identity", "track", "animal")
_ALLOWED_FRAMES = 0.1
_CLEAR_FRAMES = 0.25
# The longest line that is read.
_LINE_CHARACTERS = 1 << 20


def _recognize(_path: Path, head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").startswith(b"#") and all(
        word in head for word in (_HEADER.encode(), *(column.encode() for column in _COLUMNS))
    )


def _read(path: Path, options: ReadOptions) -> ReadResult:
    if options.video is None:
        raise TrackingError("boxes stand at times in seconds; give the video, for its frames per second")
    fps = options.video.fps
    rows = _Rows()
    with readable_file(path), path.open(encoding="utf-8-sig", newline="") as file:
        rows.read(file)
    if len(rows.files) > 1:
        first, second = list(rows.files)[:2]
        raise TrackingError(
            f"expected the rectangles of one video, found those of {label(first)} and {label(second)}; export each "
            "video's project"
        )
    if not rows.boxes:
        raise TrackingError("expected rectangles at single times of a video, found none")
    exact = np.array(rows.times, np.float64) * fps
    valid = (exact >= 0) & (exact < MAX_FRAME)
    if not valid.all():
        raise TrackingError(f"expected times within a video, found {np.array(rows.times)[~valid][0]:g} s")
    frames = np.floor(exact + _ALLOWED_FRAMES)
    between = np.abs(exact - np.round(exact)) > _CLEAR_FRAMES
    notes = [f"times became frames at {fps:g} frames per second: the frame that is shown at the time"]
    if between.any():
        notes.append(f"{int(between.sum()):,} of {len(frames):,} times lie between the beginnings of two frames")
    notes += dropped(rows.n_other, "no rectangle at a single time")
    names = list(dict.fromkeys(rows.names))
    place_of = {name: place for place, name in enumerate(names)}
    places = np.array([place_of[name] for name in rows.names])
    boxes = corners_of_sizes(np.array(rows.boxes, np.float64))
    return tracking_of_rows(plain_ids(names), places, frames, boxes, notes)


class _Rows:
    """The rectangles of a file."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.boxes: list[list[float]] = []
        self.names: list[str] = []
        self.files: dict[str, None] = {}
        self.n_other = 0
        self._columns: list[str] = []
        self._attribute: str | None = None
        self._options: dict[str, Any] = {}

    def read(self, file: Any) -> None:
        try:
            for row in csv.reader(self._table_lines(file)):
                if row:
                    self._add(dict(zip(self._columns, row, strict=False)))
        except csv.Error as error:
            raise TrackingError(f"expected rows of a table, found something else ({error})") from error

    def _table_lines(self, file: Any) -> Iterator[str]:
        while line := file.readline(_LINE_CHARACTERS):
            if len(line) == _LINE_CHARACTERS:
                raise TrackingError(f"expected lines of fewer than {_LINE_CHARACTERS} characters, found a longer one")
            if not line.startswith("#"):
                yield line
                continue
            name, _, value = line[1:].partition("=")
            if name.strip() == _HEADER:
                self._columns = [column.strip() for column in value.split(",")]
                if missing := [column for column in _COLUMNS if column not in self._columns]:
                    raise TrackingError(f"expected a column {missing[0]} in {_HEADER}, found none")
            elif name.strip() in _ATTRIBUTES:
                self._choose_attribute(_json(value.strip(), "the comment ATTRIBUTE"))

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

    def _add(self, row: dict[str, str]) -> None:
        if not self._columns:
            raise TrackingError(f"expected a comment with {_HEADER} before the first line, found none")
        times = _json(row.get("temporal_coordinates", ""), "temporal_coordinates")
        shape = _json(row.get("spatial_coordinates", ""), "spatial_coordinates")
        if not (isinstance(shape, list) and shape[:1] == [_RECTANGLE] and isinstance(times, list) and len(times) == 1):
            self.n_other += 1
            return
        numbers = [*times, *shape[1:]]
        if len(numbers) != 5 or not all(type(number) in (int, float) and abs(number) < 1e18 for number in numbers):
            raise TrackingError(
                f"expected a time and [2,x,y,width,height], found {row['temporal_coordinates'][:40]!a} and "
                f"{row['spatial_coordinates'][:60]!a}"
            )
        files = _json(row.get("file_list", ""), "file_list")
        if isinstance(files, list) and len(files) == 1:
            self.files[str(files[0])[:300]] = None
        self.times.append(numbers[0])
        self.boxes.append(numbers[1:])
        self.names.append(self._name(_json(row.get("metadata", ""), "metadata")))

    def _name(self, metadata: Any) -> str:
        found = metadata if isinstance(metadata, dict) else {}
        attribute = self._attribute
        if attribute is None and len(found) == 1:
            attribute = next(iter(found))
        value = found.get(attribute)
        if not isinstance(value, str | int) or value == "":
            raise TrackingError(
                f"expected the name of the individual in the metadata of each rectangle, found {str(metadata)[:60]!a}; "
                "give the project an attribute called name"
            )
        return str(self._options.get(str(value), value))


def _json(text: str, column: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TrackingError(f"{column}: expected JSON, found {text[:60]!a}") from error


FORMAT = TrackingFormat("via3", "VIA 3 csv", (".csv",), _recognize, _read)
