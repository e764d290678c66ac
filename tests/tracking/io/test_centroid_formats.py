"""idtracker.ai and TRex: what their files state beside the places, and files that do not belong together."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from helpers import pose_files as make
from helpers.box_checks import assert_boxes
from napari_i3d import KeypointBoxes, read_tracking
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.format import VideoFacts

SIZE = 30.0
ONE, SQUARE = make.planted(), KeypointBoxes(size_px=SIZE)
RIGHT = make.Planted(ONE.ids, ONE.names[:1], ONE.points[:, :, :1]).boxes(SIZE)
FISH = {f"fish{number}": frames for number, frames in enumerate(RIGHT.values())}
VIDEO = VideoFacts(600, 400, 40, 25.0)


@pytest.mark.parametrize("kind", ["npy", "h5", "csv", "tidy", "pickle"])
def test_idtracker_of_a_video_of_another_size_is_refused(tmp_path: Path, kind: str):
    path = make.write_idtracker(tmp_path, ONE, kind, width=600, height=400)
    assert_boxes(read_tracking(path, boxes=SQUARE, video=VIDEO), RIGHT, 1e-3)
    with pytest.raises(TrackingError, match=r"tracked is 600x400 px, this one 640x400; is it another\?"):
        read_tracking(path, boxes=SQUARE, video=VideoFacts(640, 400, 40, 25.0))


@pytest.mark.parametrize("kind", ["npy", "h5", "csv", "tidy"])
def test_idtracker_session_folder_reads(tmp_path: Path, kind: str):
    (tmp_path / "session_day1" / "trajectories").mkdir(parents=True)
    make.write_idtracker(tmp_path / "session_day1" / "trajectories", ONE, kind)
    for folder in (tmp_path / "session_day1", tmp_path / "session_day1" / "trajectories"):
        assert_boxes(read_tracking(folder, boxes=SQUARE), RIGHT, 1e-3)


@pytest.mark.parametrize("kind", ["csv", "tidy"])
def test_idtracker_csv_alone_numbers_its_animals(tmp_path: Path, kind: str):
    path = make.write_idtracker(tmp_path, ONE, kind)
    path = path / "trajectories.csv" if path.is_dir() else path
    (tmp_path / "alone").mkdir()
    alone = path.rename(tmp_path / "alone" / "day1.csv")
    numbered = {str(number + 1): frames for number, frames in enumerate(RIGHT.values())}
    assert_boxes(read_tracking(alone, boxes=SQUARE), numbered, 1e-3)
    with pytest.raises(TrackingError, match=r"size_px, about 1\.5 times the length of the animal"):
        read_tracking(alone)


def test_idtracker_of_several_videos_is_said(tmp_path: Path):
    path = make.write_idtracker(tmp_path, ONE, "npy", video_paths=["a.avi", "b.avi"])
    tracking = read_tracking(path, boxes=SQUARE)
    assert tracking.origin is not None
    assert "of 2 videos after one another" in tracking.origin.notes[0]


def test_idtracker_crossings_without_probability_are_kept(tmp_path: Path):
    """Where animals touch, idtracker.ai knows where they are but gives no probability of who is who."""
    path = make.write_idtracker(tmp_path, ONE, "pickle")
    content = pickle.loads(path.read_bytes())
    content["id_probabilities"][:] = np.nan
    path.write_bytes(pickle.dumps(content, 2))
    assert_boxes(read_tracking(path, boxes=SQUARE), RIGHT)


def test_tidy_rows_in_any_order_read(tmp_path: Path):
    path = make.write_idtracker(tmp_path, ONE, "tidy")
    header, *rows = path.read_text().splitlines()
    rng = np.random.default_rng(0)
    path.write_text("\n".join([header, *rng.permutation(rows)]) + "\n")
    assert_boxes(read_tracking(path, boxes=SQUARE), RIGHT, 1e-3)
    path.write_text("\n".join([header, *rows, rows[7]]) + "\n")
    with pytest.raises(TrackingError, match="frame 2 is there twice"):
        read_tracking(path, boxes=SQUARE)


def test_trex_files_of_other_videos_are_left_alone(tmp_path: Path):
    paths = make.write_trex(tmp_path, ONE)
    make.write_trex(tmp_path, make.planted(seed=3), video="day 1_b")
    np.savez(tmp_path / "day 1_posture_fish0.npz", frames=np.arange(3))
    for path in paths:
        assert_boxes(read_tracking(path, boxes=SQUARE), FISH)
    with pytest.raises(TrackingError, match="expected the individuals of one video, found those of 2: day 1, day 1_b"):
        read_tracking(tmp_path, boxes=SQUARE)


def test_trex_individuals_are_in_the_order_of_their_numbers(tmp_path: Path):
    many = make.planted(ids=tuple(map(str, range(11))), names=("c",), n_frames=90)
    make.write_trex(tmp_path, many)
    assert list(read_tracking(tmp_path, boxes=SQUARE)) == [f"fish{number}" for number in range(11)]


def test_trex_without_scale_takes_the_video_and_says_so(tmp_path: Path):
    path = make.write_trex(tmp_path, ONE, cm_per_pixel=None)[0]
    with pytest.raises(TrackingError, match=r"in cm and the file does not say .* give the video"):
        read_tracking(path, boxes=SQUARE)
    # 30 cm are the 600 px of the video: 0.05 cm in a pixel, as the file was made with.
    tracking = read_tracking(path, boxes=SQUARE, video=VIDEO)
    assert_boxes(tracking, FISH)
    assert tracking.origin is not None
    assert "taking the video's 600 px for 30 cm" in tracking.origin.notes[0]


def test_trex_places_that_were_interpolated_stay_gaps(tmp_path: Path):
    path = make.write_trex(tmp_path, ONE)[0]
    with np.load(path) as archive:
        content = dict(archive)
    for axis in "XY":
        content[f"{axis}#wcentroid"][content["missing"] == 1] = 7.0
    np.savez_compressed(path, **content)
    assert_boxes(read_tracking(path, boxes=SQUARE), FISH)


def test_trex_files_of_different_scales_are_refused(tmp_path: Path):
    make.write_trex(tmp_path, ONE)
    with np.load(tmp_path / "day 1_fish1.npz") as archive:
        content = {**archive, "cm_per_pixel": np.array([0.06])}
    np.savez(tmp_path / "day 1_fish1.npz", **content)
    with pytest.raises(TrackingError, match="different cm_per_pixel"):
        read_tracking(tmp_path, boxes=SQUARE)


def test_other_numpy_files_are_not_taken_for_tracking(tmp_path: Path):
    np.save(tmp_path / "a.npy", {"male": np.ones((4, 2048), np.float32)}, allow_pickle=True)
    np.savez(tmp_path / "a.npz", male=np.ones((4, 2048), np.float32))
    (tmp_path / "a.json").write_text(json.dumps({"images": [], "annotations": [{"keypoints": [1, 2, 2]}]}))
    for name in ("a.npy", "a.npz", "a.json"):
        with pytest.raises(TrackingError, match="of no known tracking format"):
            read_tracking(tmp_path / name)
