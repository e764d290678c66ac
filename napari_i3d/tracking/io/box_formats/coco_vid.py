"""COCO-VID json (mmtracking): images with ``video_id`` and ``frame_id``, annotations with ``image_id`` and an id.

The id of an individual is ``instance_id`` or ``track_id`` of an annotation, or ``track_id``, ``object_id`` or
``instance_id`` of its ``attributes``; 0 is an id like any other. Boxes are [left, upper, width, height] in pixels.
"""

import json
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.text import counted, format_path
from napari_i3d.errors import TrackingError
from napari_i3d.individuals import Id
from napari_i3d.tracking.io.format import ReadOptions, ReadResult, TrackingFormat, VideoFacts
from napari_i3d.tracking.io.parsing.box_rows import corners_of_sizes, dropped, frame_base, tracking_of_rows, whole_ids
from napari_i3d.tracking.io.parsing.csv_rows import readable_file
from napari_i3d.tracking.io.parsing.written_rows import DIGITS, WrittenRows, id_numbers, rounded_sizes, rows_of
from napari_i3d.tracking.tracklets import Tracking

_IDS = ("instance_id", "track_id")
_IDS_OF_ATTRIBUTES = ("track_id", "object_id", "instance_id")
_FRAMES = ("frame_id", "frame_index")
_IMAGE, _ANNOTATION = object(), object()


def _recognize(_path: Path, head: bytes) -> bool:
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return False
    images = b'"images"' in head and any(f'"{name}"'.encode() in head for name in (*_FRAMES, "video_id"))
    annotations = b'"annotations"' in head and b'"image_id"' in head and b'"bbox"' in head
    tracked = any(f'"{name}"'.encode() in head for name in (*_IDS, "object_id"))
    return images or (annotations and tracked)


class _Parser:
    """Keeps the numbers of images and annotations while the file is parsed, instead of a dictionary for each."""

    def __init__(self) -> None:
        self.images = array("q")  # id, video, frame; -1 where there is none
        self.image_of = array("q")
        self.places = array("q")
        self.boxes = array("d")
        self.n_untracked = self.n_ignored = 0
        self.place_of: dict[Id, int] = {}
        self.sizes: set[tuple[Any, Any]] = set()
        self.n_images = self.n_annotations = 0

    def read(self, path: Path) -> Any:
        try:
            with readable_file(path), path.open(encoding="utf-8-sig") as file:
                return json.load(file, object_hook=self._take)
        except (ValueError, RecursionError, OverflowError, TypeError) as error:
            raise TrackingError(f"expected JSON of COCO-VID, found something else ({error})") from error

    def _take(self, found: dict[str, Any]) -> Any:
        if "bbox" in found and "image_id" in found:
            self._take_annotation(found)
            return _ANNOTATION
        if "id" in found and ("file_name" in found or "frame_id" in found) and "category_id" not in found:
            self.n_images += 1
            video = found.get("video_id", -1)
            frame = next((found[name] for name in _FRAMES if name in found), -1)
            self.images.extend((found["id"], video, frame))
            self.sizes.add((found.get("width"), found.get("height")))
            return _IMAGE
        return found

    def _take_annotation(self, found: dict[str, Any]) -> None:
        self.n_annotations += 1
        individual = next((found[name] for name in _IDS if name in found), None)
        if individual is None and isinstance(attributes := found.get("attributes"), dict):
            individual = next((attributes[name] for name in _IDS_OF_ATTRIBUTES if name in attributes), None)
        if individual is None or individual == -1:
            self.n_untracked += 1
            return
        if found.get("ignore") in (True, 1):
            self.n_ignored += 1
            return
        if not isinstance(individual, str | int) or isinstance(individual, bool):
            raise TrackingError(f"expected ids that are whole numbers or text, found {str(individual)[:60]!a}")
        box = found["bbox"]
        if not isinstance(box, list) or len(box) != 4:
            raise TrackingError(f"expected a bbox of 4 numbers, found {str(box)[:60]!a}")
        self.boxes.extend(box)
        self.image_of.append(found["image_id"])
        self.places.append(self.place_of.setdefault(individual, len(self.place_of)))


def _read(path: Path, options: ReadOptions) -> ReadResult:
    parser = _Parser()
    content = parser.read(path)
    listed = {key: content.get(key) if isinstance(content, dict) else None for key in ("images", "annotations")}
    for key, mark, number in (
        ("images", _IMAGE, parser.n_images),
        ("annotations", _ANNOTATION, parser.n_annotations),
    ):
        rows = listed[key]
        if not isinstance(rows, list) or len(rows) != number or any(row is not mark for row in rows):
            raise TrackingError(
                f"expected {key} with {'id and file_name' if mark is _IMAGE else 'image_id and bbox'}, found others"
            )
    if not len(parser.places):
        raise TrackingError(f"expected annotations with {' or '.join(_IDS)}, found none")
    images = np.frombuffer(parser.images, np.int64).reshape(-1, 3)
    notes = dropped(parser.n_untracked, "no id") + dropped(parser.n_ignored, "marked as to be ignored")
    images, said = _of_one_video(images, content.get("videos"), options.video)
    notes += said
    if (images[:, 2] < 0).any():
        raise TrackingError(
            f"expected a {_FRAMES[0]} in each image, found images without",
            hint="add it",
        )
    base, said_base = frame_base(images[:, 2], options, "mmtracking")
    notes.insert(0, said_base)
    rows, frames = _frames_of(np.frombuffer(parser.image_of, np.int64), images)
    boxes = corners_of_sizes(np.frombuffer(parser.boxes, np.float64).reshape(-1, 4)[rows])
    places = np.frombuffer(parser.places, np.int64)[rows]
    if options.video is not None and (size := (options.video.width, options.video.height)) not in parser.sizes:
        stated = [found for found in parser.sizes if all(isinstance(side, int) for side in found)]
        if stated:
            notes.append(
                f"images are stated to have {stated[0][0]} x {stated[0][1]} px, the video {size[0]} x {size[1]}"
            )
    return tracking_of_rows(_names(list(parser.place_of), content), places, frames - base, boxes, notes)


def _names(ids: list[Id], content: Any) -> list[Id]:
    """Return the names of the ids, which files written by this program contain; else the ids."""
    listed = content.get("individuals")
    names = {
        entry.get("instance_id"): entry.get("name")
        for entry in (listed if isinstance(listed, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("instance_id"), int)
    }
    named = [names.get(one) for one in ids]
    known: list[Id] = [name for name in named if isinstance(name, str | int)]
    return known if len(set(known)) == len(ids) else ids


def _of_one_video(
    images: NDArray[np.int64], videos: Any, video: VideoFacts | None
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the images of the video, by its name if there are several."""
    numbers = np.unique(images[:, 1])
    if len(numbers) < 2:
        return images, []
    names = {
        entry.get("id"): Path(str(entry.get("name", ""))[:300])
        for entry in (videos if isinstance(videos, list) else [])
        if isinstance(entry, dict)
    }
    wanted = "" if video is None else video.name
    named = {number: name for number, name in names.items() if number in numbers}
    chosen = [number for number, name in named.items() if wanted in (name.name, name.stem)]
    if wanted and len(chosen) == 1:
        return images[images[:, 1] == chosen[0]], [
            f"of {counted(len(numbers), 'video')}, {format_path(wanted)} was read"
        ]
    found = ", ".join(
        format_path(names[number].name) if number in names else str(number) for number in numbers[:5].tolist()
    )
    raise TrackingError(
        f"expected one video, or one that is named {format_path(wanted) if wanted else 'as the video'}, found "
        f"{len(numbers)}: {found}"
    )


def _frames_of(image_of: NDArray[np.int64], images: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the annotations that are of these images, and their frames."""
    order = np.argsort(images[:, 0], kind="stable")
    known = images[order, 0]
    if (twice := known[1:] == known[:-1]).any():
        raise TrackingError(f"expected images with ids of their own, found {int(known[1:][twice][0])} twice")
    at = np.minimum(np.searchsorted(known, image_of), len(known) - 1)
    rows = np.flatnonzero(known[at] == image_of)
    return rows, images[order[at[rows]], 2]


def _write(path: Path, tracking: Tracking, video: VideoFacts | None) -> tuple[str, ...]:
    rows = rows_of(tracking, by_frame=True)
    notes: list[str] = []
    if whole_ids(rows.ids, 0):
        numbers = np.array(rows.ids, np.int64)
    else:
        numbers, said = id_numbers(rows.ids, first=0)
        notes.append(f"{said}; names stand under individuals")
    n_frames = video.n_frames if video is not None else 0
    frames = np.arange(max(n_frames, int(rows.frames.max(initial=-1)) + 1))
    size = {} if video is None else {"width": video.width, "height": video.height}
    name = video.name if video is not None and video.name else path.stem
    facts: dict[str, Any] = {
        "categories": [{"id": 1, "name": "animal"}],
        "videos": [{"id": 1, "name": name, **size}],
        "individuals": [
            {"instance_id": number, "name": individual}
            for number, individual in zip(numbers.tolist(), rows.ids, strict=True)
        ],
    }
    with atomic_writer(path) as file:
        file.write((json.dumps(facts)[:-1] + ', "images": [\n').encode())
        file.writelines(_images(frames, json.dumps(name), size))
        file.write(b'], "annotations": [\n')
        file.writelines(_annotations(rows, numbers))
        file.write(b"]}\n")
    return (
        "frame_id counts from 0; boxes are left, upper, width and height in pixels from 0",
        f"coordinates have {DIGITS} decimals",
        *notes,
        *rows.notes,
    )


def _images(frames: NDArray[np.int64], name: str, size: dict[str, int]) -> Iterator[bytes]:
    sides = "".join(f', "{key}": {value}' for key, value in size.items())
    for frame in frames.tolist():
        comma = "" if frame == 0 else ","
        yield (
            f'{comma}{{"id": {frame + 1}, "video_id": 1, "frame_id": {frame}, "file_name": {name[:-1]}/{frame:06d}.jpg"'
            f"{sides}}}\n"
        ).encode()


def _annotations(rows: WrittenRows, numbers: NDArray[np.int64]) -> Iterator[bytes]:
    number = 0
    for part in rows.parts():
        sizes = np.round(rounded_sizes(part.boxes), DIGITS).tolist()
        for frame, individual, (x, y, width, height) in zip(
            part.frames.tolist(), numbers[part.places].tolist(), sizes, strict=True
        ):
            comma = "," if number else ""
            number += 1
            yield (
                f'{comma}{{"id": {number}, "image_id": {frame + 1}, "video_id": 1, "category_id": 1, "instance_id": '
                f'{individual}, "bbox": [{x!r}, {y!r}, {width!r}, {height!r}], "area": {width * height:.3f}, '
                '"iscrowd": 0}\n'
            ).encode()


FORMAT = TrackingFormat("coco-vid", "COCO-VID json", (".json",), _recognize, _read, _write)
