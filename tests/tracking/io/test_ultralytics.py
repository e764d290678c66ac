"""Folders of labels of Ultralytics: ambiguous lines, reruns, several videos, skipped frames."""

from pathlib import Path

import pytest

import napari_i3d
from helpers import box_files
from helpers.box_files import BOXES, FPS, HEIGHT, N_FRAMES, WIDTH, assert_boxes
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.format import VideoFacts
from napari_i3d.tracking.tracklets import Tracking

VIDEO = VideoFacts(WIDTH, HEIGHT, N_FRAMES, FPS)


def read(folder: Path, base: int | None = None) -> Tracking:
    return napari_i3d.read_tracking(folder, video=VIDEO, base=base)


def labels(tmp_path: Path, files: dict[str, str]) -> Path:
    folder = tmp_path / "labels"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


BOX = "0 0.5 0.5 0.25 0.5"


def test_video_is_asked_for(tmp_path: Path):
    with pytest.raises(TrackingError, match="fractions of the image; give the video"):
        napari_i3d.read_tracking(box_files.ultralytics(tmp_path / "labels", BOXES))


def test_fractions_become_pixels_of_the_video(tmp_path: Path):
    tracking = read(labels(tmp_path, {"my_clip_12.txt": f"{BOX} 0.9 3\n"}))
    assert tracking[3].start == 11
    assert tracking[3].boxes.tolist() == [[240, 120, 400, 360]]


@pytest.mark.parametrize(
    ("lines", "ids"),
    [
        ([f"{BOX} 0.9 4", f"{BOX} 0.8"], [4]),  # with confidence: the second is not tracked
        ([f"{BOX} 4", BOX], [4]),  # without: the second is not tracked
        ([f"{BOX} 4", "0 0.2 0.2 0.1 0.1 0"], [4, 0]),
        ([f"{BOX} 1", "0 0.2 0.2 0.1 0.1 1 6"], [6]),  # a confidence of exactly 1 beside one that is tracked
    ],
)
def test_line_of_six_numbers_is_told_by_the_others(tmp_path: Path, lines: list[str], ids: list[int]):
    tracking = read(labels(tmp_path, {"a_1.txt": "\n".join(lines)}))
    assert list(tracking) == ids
    if len(ids) < len(lines):
        assert any("they have no id" in note for note in tracking.origin.notes)


def test_confidences_alone_are_no_ids(tmp_path: Path):
    with pytest.raises(TrackingError, match="use Ultralytics' track, not predict"):
        read(labels(tmp_path, {"a_1.txt": f"{BOX} 0.9\n{BOX} 1\n"}))
    with pytest.raises(TrackingError, match="use Ultralytics' track"):
        read(box_files.ultralytics(tmp_path / "b", BOXES, confidence=False, tracked=False))


def test_equal_rerun_counts_once(tmp_path: Path):
    folder = box_files.ultralytics(tmp_path / "labels", BOXES)
    box_files.ultralytics(folder, BOXES)
    tracking = read(folder)
    assert_boxes(tracking, BOXES, 0.001)
    assert any("9 boxes repeated" in note for note in tracking.origin.notes)


def test_different_rerun_is_refused(tmp_path: Path):
    folder = box_files.ultralytics(tmp_path / "labels", BOXES)
    box_files.ultralytics(folder, {7: BOXES[0]})
    with pytest.raises(TrackingError, match="7: two different boxes in frame 5; were two runs written into one folder"):
        read(folder)
    box_files.ultralytics(folder, {9: {1: (0.0, 0.0, 9.0, 9.0)}}, confidence=False, tracked=False)
    with pytest.raises(TrackingError, match="lines of 5 and of 7 numbers"):
        read(folder)


def test_labels_of_two_videos_are_refused(tmp_path: Path):
    folder = box_files.ultralytics(tmp_path / "labels", BOXES, "day1")
    box_files.ultralytics(folder, BOXES, "day2")
    with pytest.raises(TrackingError, match=r"expected the labels of one video, found those of day\d and day\d"):
        read(folder)


def test_frames_given_as_arrays_are_refused(tmp_path: Path):
    with pytest.raises(TrackingError, match=r"image0\.txt: Ultralytics wrote the labels of all frames"):
        read(labels(tmp_path, {"image0.txt": f"{BOX} 1\n{BOX} 1\n"}))


def test_stride_is_noticed_by_the_video(tmp_path: Path):
    tracking = read(
        box_files.ultralytics(tmp_path / "a" / "labels", {1: dict.fromkeys(range(20), (0.0, 0.0, 9.0, 9.0))})
    )
    assert any("vid_stride" in note for note in tracking.origin.notes)
    tracking = read(
        box_files.ultralytics(tmp_path / "b" / "labels", {1: dict.fromkeys(range(21), (0.0, 0.0, 9.0, 9.0))})
    )
    assert not any("vid_stride" in note for note in tracking.origin.notes)


def test_stated_base_moves_frames(tmp_path: Path):
    folder = labels(tmp_path, {"a_5.txt": f"{BOX} 1\n"})
    assert read(folder)[1].start == 4
    assert read(folder, base=0)[1].start == 5


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{BOX} 0.9 1.5\n", "ids that are whole numbers, found 1.5"),
        (f"{BOX} 0.9 1.23457e+06\n", "kept six digits only"),
        ("0 0.5 0.5\n", "5 to 7 numbers"),
        ("0 0.1 0.1 0.9 0.1 0.9 0.9 0.5 0.5\n", "5 to 7 numbers"),
        ("0 0.5 0.5 a 0.5 1\n", "expected numbers, found '0 0.5 0.5 a 0.5 1'"),
    ],
)
def test_wrong_labels_name_their_file(tmp_path: Path, text: str, found: str):
    folder = labels(tmp_path, {"a_5.txt": text})
    with pytest.raises(TrackingError, match=found):
        napari_i3d.read_tracking(folder, format="ultralytics", video=VIDEO)


def test_folder_of_training_labels_has_no_frames(tmp_path: Path):
    with pytest.raises(TrackingError, match="a folder of no known"):
        read(labels(tmp_path, {"0001.txt": f"{BOX}\n"}))
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrackingError, match="at least one box"):
        napari_i3d.read_tracking(tmp_path / "empty", format="ultralytics", video=VIDEO)
