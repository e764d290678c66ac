"""COCO-VID json: ids, base, several videos, annotations that do not count."""

import json
from pathlib import Path
from typing import Any

import pytest

import napari_i3d
from helpers import box_files
from helpers.box_files import BOXES, FPS, HEIGHT, N_FRAMES, WIDTH, assert_boxes
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.format import VideoFacts


def saved(tmp_path: Path, content: Any) -> Path:
    (tmp_path / "a.json").write_text(json.dumps(content))
    return tmp_path / "a.json"


@pytest.mark.parametrize("name", ["instance_id", "track_id"])
def test_id_zero_survives_under_both_names(tmp_path: Path, name: str):
    assert_boxes(napari_i3d.read_tracking(saved(tmp_path, box_files.coco_vid(BOXES, name))), BOXES, 1e-9)


@pytest.mark.parametrize("name", ["track_id", "object_id"])
def test_id_may_be_an_attribute(tmp_path: Path, name: str):
    content = box_files.coco_vid(BOXES)
    for annotation in content["annotations"]:
        annotation["attributes"] = {name: annotation.pop("instance_id"), "occluded": False}
    assert_boxes(napari_i3d.read_tracking(saved(tmp_path, content)), BOXES, 1e-9)


def test_first_image_tells_the_base(tmp_path: Path):
    content = box_files.coco_vid(BOXES)
    for image in content["images"]:
        image["frame_id"] += 1
    tracking = napari_i3d.read_tracking(saved(tmp_path, content), base=1)
    assert_boxes(tracking, BOXES, 1e-9)
    tracking = napari_i3d.read_tracking(tmp_path / "a.json")
    assert tracking[0].start == 4
    assert any("the first is 1: state base 1" in note for note in tracking.origin.notes)


def two_videos() -> dict[str, Any]:
    first, second = box_files.coco_vid(BOXES), box_files.coco_vid({3: BOXES[7]}, video=2, first_image=1000)
    return {key: first[key] + second[key] for key in first}


@pytest.mark.parametrize(("video", "boxes"), [("video1", BOXES), ("video2", {3: BOXES[7]})])
def test_video_is_chosen_by_its_name(tmp_path: Path, video: str, boxes: Any):
    path = saved(tmp_path, two_videos())
    facts = VideoFacts(WIDTH, HEIGHT, N_FRAMES, FPS, video)
    assert_boxes(napari_i3d.read_tracking(path, video=facts), boxes, 1e-9)


@pytest.mark.parametrize("video", [None, VideoFacts(WIDTH, HEIGHT, N_FRAMES, FPS, "video3")])
def test_several_videos_are_refused_without_name(tmp_path: Path, video: VideoFacts | None):
    with pytest.raises(TrackingError, match="found 2: video1, video2"):
        napari_i3d.read_tracking(saved(tmp_path, two_videos()), video=video)


def test_annotations_that_do_not_count_are_said(tmp_path: Path):
    content = box_files.coco_vid(BOXES)
    extra = content["annotations"][0] | {"bbox": [0, 0, 1, 1]}
    content["annotations"] += [extra | {"instance_id": -1}, extra | {"ignore": True}]
    tracking = napari_i3d.read_tracking(saved(tmp_path, content))
    assert_boxes(tracking, BOXES, 1e-9)
    assert {"1 box left out: no id", "1 box left out: marked as to be ignored"} <= set(tracking.origin.notes)


def test_size_of_another_video_is_noticed(tmp_path: Path):
    path = saved(tmp_path, box_files.coco_vid(BOXES))
    tracking = napari_i3d.read_tracking(path, video=VideoFacts(320, 240, N_FRAMES, FPS))
    assert any("640 x 480 px, the video 320 x 240" in note for note in tracking.origin.notes)


def changed(where: str, **values: Any) -> dict[str, Any]:
    content = box_files.coco_vid(BOXES)
    content[where][3] |= values
    return content


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (changed("annotations", bbox=[1, 2, 3]), "bbox of 4 numbers"),
        (changed("annotations", bbox=[1, 2, 3, "4"]), "something else"),
        (changed("annotations", instance_id=1.5), "ids that are whole numbers or text"),
        (changed("annotations", instance_id=True), "ids that are whole numbers or text"),
        (changed("images", frame_id=-3), "a frame_id in each image"),
        (changed("images", frame_id=10**12), "frames that are whole numbers"),
        (changed("images", frame_id=10**30), "something else"),
        (changed("images", id=1), "found 1 twice"),
        ({"images": [], "annotations": []}, "found none"),
        ({"images": 5, "annotations": []}, "expected images"),
        ({"annotations": box_files.coco_vid(BOXES)["annotations"]}, "expected images"),
        ([1], "expected images"),
    ],
)
def test_wrong_content_is_named(tmp_path: Path, content: Any, found: str):
    with pytest.raises(TrackingError, match=found):
        napari_i3d.read_tracking(saved(tmp_path, content), format="coco-vid")


def test_coco_of_single_images_is_not_recognized(tmp_path: Path):
    content = box_files.coco_vid(BOXES)
    for image in content["images"]:
        del image["frame_id"], image["video_id"]
    for annotation in content["annotations"]:
        del annotation["instance_id"], annotation["video_id"]
    with pytest.raises(TrackingError, match="of no known tracking format"):
        napari_i3d.read_tracking(saved(tmp_path, content))
