"""Files of boxes as other programs write them, made from the rules of their formats without code of the package.

Boxes are `{id: {frame: (left, upper, right, lower)}}` with frames from 0.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import h5py
import numpy as np

Boxes = Mapping[Any, Mapping[int, tuple[float, float, float, float]]]

WIDTH, HEIGHT, N_FRAMES, FPS = 640, 480, 40, 25.0

BOXES: dict[Any, dict[int, tuple[float, float, float, float]]] = {
    0: {frame: (10.0 + frame, 20.0, 50.5 + frame, 61.25) for frame in (3, 4, 5, 9, 10)},
    7: {frame: (300.0, 200.0 - frame, 340.0, 260.0 - frame) for frame in range(5, 8)},
    12: {30: (0.0, 0.0, 640.0, 480.0)},
}
"""An id of 0, a late start, a gap, frames without any box, a single frame, a box as large as the image."""

NAMED = {"fly male": BOXES[0], "Weibchen Ä": BOXES[7], "7": BOXES[12]}
"""The same with names: with a blank, beyond ASCII, of digits."""


def rows(boxes: Boxes) -> list[tuple[int, Any, tuple[float, float, float, float]]]:
    """All boxes as (frame, id, box), by frame."""
    found = [(frame, individual, box) for individual, frames in boxes.items() for frame, box in frames.items()]
    return sorted(found, key=lambda row: row[0])


def mot(path: Path, boxes: Boxes, base: int = 1, columns: str = "1,-1,-1,-1", corner: float = 0) -> Path:
    lines = [
        f"{frame + base},{individual},{left + corner},{upper + corner},{right - left},{lower - upper},{columns}\n"
        for frame, individual, (left, upper, right, lower) in rows(boxes)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines))
    return path


def cvat_box(
    frame: int, box: Iterable[float], outside: int = 0, keyframe: int = 1, more: str = "", inside: str = ""
) -> str:
    left, upper, right, lower = box
    return (
        f'<box frame="{frame}" keyframe="{keyframe}" outside="{outside}" occluded="0" xtl="{left:.2f}" '
        f'ytl="{upper:.2f}" xbr="{right:.2f}" ybr="{lower:.2f}" {more} z_order="0">{inside}</box>'
    )


def cvat(path: Path, tracks: Iterable[tuple[str, str, str]], meta: str = "") -> Path:
    """Tracks are (id, label, boxes)."""
    body = "".join(
        f'<track id="{number}" label="{label}" source="manual">{inside}</track>' for number, label, inside in tracks
    )
    path.write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta>{meta}</meta>{body}'
        "</annotations>",
        encoding="utf-8",
    )
    return path


def cvat_tracks(boxes: Boxes, attribute: str = "name") -> list[tuple[str, str, str]]:
    """Every box a key frame, with the name as an attribute; outside behind each run."""
    tracks = []
    for number, (individual, frames) in enumerate(boxes.items()):
        inside = f'<attribute name="{attribute}">{escape(str(individual))}</attribute>'
        text = ""
        for frame, box in frames.items():
            text += cvat_box(frame, box, inside=inside)
            if frame + 1 not in frames:
                text += cvat_box(frame + 1, box, outside=1, inside=inside)
        tracks.append((str(number), "animal", text))
    return tracks


def ultralytics(folder: Path, boxes: Boxes, stem: str = "clip", confidence: bool = True, tracked: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for frame, individual, (left, upper, right, lower) in rows(boxes):
        numbers = [
            0,
            (left + right) / 2 / WIDTH,
            (upper + lower) / 2 / HEIGHT,
            (right - left) / WIDTH,
            (lower - upper) / HEIGHT,
            *([0.875] if confidence else []),
            *([individual] if tracked else []),
        ]
        with (folder / f"{stem}_{frame + 1}.txt").open("a") as file:
            file.write(" ".join(f"{number:g}" for number in numbers) + "\n")
    return folder


def csv_text(header: Iterable[str], lines: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()


VIA_HEADER = (
    "filename",
    "file_size",
    "file_attributes",
    "region_count",
    "region_id",
    "region_shape_attributes",
    "region_attributes",
)


def via_row(file: str, file_attributes: Any, box: tuple[float, float, float, float], attributes: Any) -> list[Any]:
    left, upper, right, lower = box
    shape = {"name": "rect", "x": left, "y": upper, "width": right - left, "height": lower - upper}
    return [file, 26542080, json.dumps(file_attributes), 1, 0, json.dumps(shape), json.dumps(attributes)]


def via_tracks(path: Path, boxes: Boxes, stated: bool = True) -> Path:
    lines = [
        via_row(
            f"04.09.2023-04_frame_{frame:08d}.png",
            {"clip": 123, "frame": frame} if stated else {},
            box,
            {"track": str(individual), "confidence": "0.9"},
        )
        for frame, individual, box in rows(boxes)
    ]
    path.write_text(csv_text(VIA_HEADER, lines))
    return path


VIA3_COMMENTS = """# Exported using VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)
# SHAPE_ID = {"POINT":1,"RECTANGLE":2}
# FLAG_ID = {"RESERVED_FOR_FUTURE":1}
"""
VIA3_HEADER = "# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata"
VIA3_ATTRIBUTE = """# ATTRIBUTE = {"1":{"aname":"Comment","options":{}},"2":{"aname":"Name","options":{}}}
"""


def via3_row(number: int, times: Any, shape: Any, metadata: Any, file: str = "clip.mp4") -> list[Any]:
    parts = (json.dumps(part, ensure_ascii=False) for part in (times, shape, metadata))
    return [f"1_{number:08x}", json.dumps([file]), 0, *parts]


def via3(path: Path, boxes: Boxes, attribute: str = VIA3_ATTRIBUTE) -> Path:
    lines = [
        via3_row(
            number,
            [round(frame / FPS, 5)],
            [2, left, upper, right - left, lower - upper],
            {"1": "seen well", "2": str(individual)},
        )
        for number, (frame, individual, (left, upper, right, lower)) in enumerate(rows(boxes))
    ]
    text = VIA3_COMMENTS + attribute + csv_text([VIA3_HEADER], lines).replace(f'"{VIA3_HEADER}"', VIA3_HEADER)
    path.write_text(text, encoding="utf-8")
    return path


def coco_vid(boxes: Boxes, id_name: str = "instance_id", video: int = 1, first_image: int = 1) -> dict[str, Any]:
    """The content of a json file; every frame of the video is an image."""
    return {
        "categories": [{"id": 1, "name": "fly"}],
        "videos": [{"id": video, "name": f"video{video}"}],
        "images": [
            {
                "id": first_image + frame,
                "file_name": f"video{video}/{frame:06d}.jpg",
                "width": WIDTH,
                "height": HEIGHT,
                "video_id": video,
                "frame_id": frame,
            }
            for frame in range(N_FRAMES)
        ],
        "annotations": [
            {
                "id": number,
                "image_id": first_image + frame,
                "video_id": video,
                "category_id": 1,
                id_name: individual,
                "bbox": [left, upper, right - left, lower - upper],
                "area": (right - left) * (lower - upper),
                "iscrowd": False,
            }
            for number, (frame, individual, (left, upper, right, lower)) in enumerate(rows(boxes))
        ],
    }


def supervision(path: Path, boxes: Boxes, column: str = "frame_number") -> Path:
    header = ["x_min", "y_min", "x_max", "y_max", "class_id", "confidence", "tracker_id", column]
    path.write_text(csv_text(header, [[*box, 0, "", individual, frame] for frame, individual, box in rows(boxes)]))
    return path


def movement_arrays(boxes: Boxes) -> tuple[np.ndarray, np.ndarray]:
    """Centers and sizes, (time, space, individuals)."""
    centers = np.full((N_FRAMES, 2, len(boxes)), np.nan)
    sizes = centers.copy()
    for place, frames in enumerate(boxes.values()):
        for frame, (left, upper, right, lower) in frames.items():
            centers[frame, :, place] = (left + right) / 2, (upper + lower) / 2
            sizes[frame, :, place] = right - left, lower - upper
    return centers, sizes


def nwb_poses(
    path: Path, poses: Mapping[str, Mapping[str, np.ndarray]], times: np.ndarray | None, rate: float = FPS
) -> Path:
    """Poses are {individual: {key point: x, y and confidence (n, 3)}}; times None: from 0 on at the rate."""
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.7.0"
        behavior = file.create_group("processing/behavior")
        behavior.attrs["neurodata_type"] = "ProcessingModule"
        for individual, points in poses.items():
            pose = behavior.create_group(individual)
            pose.attrs["neurodata_type"] = "PoseEstimation"
            pose["source_software"] = "DeepLabCut"
            for place, (name, values) in enumerate(points.items()):
                series = pose.create_group(name)
                series.attrs["neurodata_type"] = "PoseEstimationSeries"
                series["data"], series["confidence"] = values[:, :2], values[:, 2]
                if times is None:
                    series["starting_time"] = 0.0
                    series["starting_time"].attrs["rate"] = rate
                elif place == 0:
                    series["timestamps"] = times
                else:  # as pynwb writes times that are shared
                    series["timestamps"] = h5py.SoftLink(f"{pose.name}/{next(iter(points))}/timestamps")
    return path


def assert_boxes(tracking: Any, boxes: Boxes, precision: float) -> None:
    """Compare a tracking: the types of ids, the frames with a box, and the boxes to a precision in pixels."""
    assert {(type(i), i) for i in tracking} == {(type(i), i) for i in boxes}
    for individual, frames in boxes.items():
        tracklet = tracking[individual]
        present = np.flatnonzero(tracklet.present) + tracklet.start
        assert present.tolist() == sorted(frames), individual
        found = tracklet.boxes[tracklet.present]
        np.testing.assert_allclose(found, [frames[frame] for frame in sorted(frames)], rtol=0, atol=precision)
