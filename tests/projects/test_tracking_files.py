"""Tracking beside a video: which files are it, of every kind, and which are not."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers import box_files, pose_files
from helpers.box_files import BOXES, assert_boxes
from napari_i3d import Tracking, TrackingReading, write_tracking
from napari_i3d.projects.tracking_files import find_tracking_files, tracking_candidates
from napari_i3d.tracking.io.format import VideoFacts
from napari_i3d.tracking.keypoints import KeypointBoxes

VIDEO = VideoFacts(box_files.WIDTH, box_files.HEIGHT, 100, box_files.FPS)
ONE = pose_files.planted()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A file with the name of a video."""
    path = tmp_path / "day1.mp4"
    path.touch()
    return path


def test_files_and_folders_of_many_programs_are_found(video: Path):
    folder = video.parent
    pose_files.dlc_table(ONE).to_hdf(folder / "day1DLC_resnet50_x_el.h5", key="df_with_missing")
    pose_files.write_sleap_analysis(folder / "day1.analysis.h5", ONE)
    box_files.mot(folder / "day1_mot.txt", BOXES)
    box_files.cvat(folder / "day1.xml", box_files.cvat_tracks(BOXES))
    box_files.ultralytics(folder / "day1_labels", BOXES)
    write_tracking(folder / "day1_tracks.pickle", Tracking.from_boxes({"a": {0: [1, 2, 30, 40]}}), "pickle")
    found = find_tracking_files(video, VIDEO)
    names = ["day1.analysis.h5", "day1.xml", "day1DLC_resnet50_x_el.h5", "day1_labels", "day1_mot.txt"]
    assert [path.name for path in found] == [*names, "day1_tracks.pickle"]
    assert_boxes(found[folder / "day1_mot.txt"], BOXES, 1e-9)
    # Boxes in fractions need the video.
    assert folder / "day1_labels" not in find_tracking_files(video)


def test_files_that_are_read_together_are_one(video: Path):
    pose_files.write_trex(video.parent, ONE, video="day1")
    (only,) = tracking_candidates(video)
    assert only.name == "day1_fish0.npz"
    assert find_tracking_files(video, VIDEO) == {}  # places without a size are no boxes
    reading = TrackingReading(boxes=KeypointBoxes(size_px=40))
    assert list(find_tracking_files(video, VIDEO, reading)[only]) == ["fish0", "fish1", "fish2"]


def test_files_of_a_longer_video_name_are_not_taken(video: Path):
    (video.parent / "day1_b.mp4").touch()
    box_files.mot(video.parent / "day1_b.txt", BOXES)
    assert tracking_candidates(video) == []
    assert [path.name for path in tracking_candidates(video.parent / "day1_b.mp4")] == ["day1_b.txt"]


def test_features_sidecars_and_labels_are_no_tracking(video: Path):
    folder = video.parent
    rows = {"a": np.zeros((50, 2048), np.float32)}
    np.save(folder / "day1.npy", rows)
    np.savez(folder / "day1.npz", **rows)
    (folder / "day1_i3d.pickle").write_bytes(pickle.dumps(rows))
    facts = {"sha256": "0", "provenance": {"video": {"file": "day1.mp4"}}, "frames": {"a": [0, 1]}}
    (folder / "day1.npy.json").write_text(json.dumps(facts))
    (folder / "day1_tracks.pickle.uncertain.json").write_text(json.dumps({"version": 1, "uncertain": []}))
    (folder / "day1_labels.csv").write_text("time,behavior,status\n0.1,walk,START\n")
    one_hot = "".join(f"{frame},{frame % 2},0,1,{frame % 3 == 0:d},1,0\n" for frame in range(40))
    (folder / "day1_behaviors.txt").write_text(one_hot)
    (folder / "day1_behaviors.csv").write_text(one_hot)
    (folder / "day1.features").mkdir()
    assert find_tracking_files(video, VIDEO) == {}


def test_huge_features_are_recognized_by_their_beginning(video: Path):
    with (video.parent / "day1.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (2**24, 2048)})
        file.truncate(2**37)  # a sparse file of 128 GiB
    assert tracking_candidates(video) == []


def test_saying_no_needs_neither_pandas_nor_torch(video: Path):
    (video.parent / "day1.csv").write_text("a,b\n1,2\n")
    (video.parent / "day1.txt").write_text("notes\n")
    np.savez(video.parent / "day1.npz", a=np.zeros(3))
    code = (
        "import sys; from pathlib import Path; from napari_i3d.projects.tracking_files import find_tracking_files\n"
        f"assert find_tracking_files(Path({str(video)!r})) == {{}}\n"
        "print([name for name in ('pandas', 'torch', 'h5py', 'xarray') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
