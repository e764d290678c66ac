"""SLEAP's files as SLEAP lays them out and as sleap-io writes them; sleap-io is also the oracle for what they hold."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from helpers import pose_files as make
from helpers.box_checks import assert_boxes
from napari_i3d import KeypointBoxes, read_tracking
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.format import VideoFacts

sio = pytest.importorskip("sleap_io", reason="writes SLEAP's files")

EXTENT, ONE = KeypointBoxes(margin=0), make.planted()


def notes(tracking) -> str:
    return "; ".join(tracking.origin.notes)


def labels(one: make.Planted = ONE, videos: int = 1) -> "sio.Labels":
    skeleton = sio.Skeleton(list(one.names))
    tracks = [sio.Track(name) for name in one.ids]
    frames = []
    recordings = [sio.Video(filename=f"day{number}.mp4", open_backend=False) for number in range(videos)]
    for frame in range(one.n_frames):
        instances = [
            sio.PredictedInstance.from_numpy(
                points[frame], skeleton, point_scores=scores[frame], score=0.5, track=track
            )
            for points, scores, track in zip(one.points, one.confidence, tracks, strict=True)
            if not np.isnan(points[frame, :, 0]).all()
        ]
        if instances:
            frames.append(sio.LabeledFrame(video=recordings[0], frame_idx=frame, instances=instances))
    for recording in recordings[1:]:
        wrong = sio.PredictedInstance.from_numpy(np.ones((len(one.names), 2)), skeleton, score=1.0, track=tracks[0])
        frames.append(sio.LabeledFrame(video=recording, frame_idx=3, instances=[wrong]))
    return sio.Labels(frames, videos=recordings, skeletons=[skeleton], tracks=tracks)


def test_labels_of_sleap_io_land_on_their_frames(tmp_path: Path):
    sio.save_slp(labels(), str(tmp_path / "a.slp"))
    assert_boxes(read_tracking(tmp_path / "a.slp", boxes=EXTENT), ONE.boxes())


@pytest.mark.parametrize("preset", ["matlab", "standard"])
def test_analysis_of_sleap_io_lands_on_its_frames(tmp_path: Path, preset: str):
    sio.save_analysis_h5(labels(), str(tmp_path / "a.h5"), preset=preset, all_frames=True)
    assert_boxes(read_tracking(tmp_path / "a.h5", boxes=EXTENT), ONE.boxes())


def test_first_of_several_videos_is_read_and_said(tmp_path: Path):
    sio.save_slp(labels(videos=2), str(tmp_path / "a.slp"))
    tracking = read_tracking(tmp_path / "a.slp", boxes=EXTENT)
    assert_boxes(tracking, ONE.boxes())
    assert "of the 2 videos in the file, the first was read" in notes(tracking)


def test_instances_of_a_user_replace_predictions(tmp_path: Path):
    """One linked to the prediction that it corrects, one only on the same track, one in a frame without predictions."""
    one = labels()
    corrected = {}
    for number, (frame, linked) in enumerate([(20, True), (21, False)]):
        shown = next(lf for lf in one.labeled_frames if lf.frame_idx == frame)
        prediction = next(i for i in shown.instances if i.track.name == "mouse 1")
        points = np.array([[5.0, 6], [7, 8], [90 + number, 10]])
        link = {"from_predicted": prediction} if linked else {}
        shown.instances.append(sio.Instance.from_numpy(points, one.skeleton, track=prediction.track, **link))
        corrected[frame] = [5, 6, 90 + number, 10]
    added = sio.Instance.from_numpy(np.array([[1.0, 2], [3, 4], [np.nan, np.nan]]), one.skeleton, track=one.tracks[0])
    one.append(sio.LabeledFrame(video=one.video, frame_idx=0, instances=[added]))
    corrected[0] = [1, 2, 3, 4]
    sio.save_slp(one, str(tmp_path / "a.slp"))
    right = ONE.boxes()
    right["mouse 1"] = dict(sorted((right["mouse 1"] | corrected).items()))
    assert_boxes(read_tracking(tmp_path / "a.slp", boxes=EXTENT), right)


def test_untracked_instances_are_refused(tmp_path: Path):
    make.write_slp(tmp_path / "a.slp", ONE, tracked=False)
    with pytest.raises(TrackingError, match="the instances are not tracked: several in one frame"):
        read_tracking(tmp_path / "a.slp")


def test_single_untracked_animal_reads(tmp_path: Path):
    alone = make.Planted(["x"], ONE.names, ONE.points[:1])
    make.write_slp(tmp_path / "a.slp", alone, tracked=False)
    assert_boxes(read_tracking(tmp_path / "a.slp", boxes=EXTENT), {"ind0": alone.boxes()["x"]})


def test_untracked_instance_among_tracked_is_counted(tmp_path: Path):
    one = labels()
    stray = sio.PredictedInstance.from_numpy(np.ones((3, 2)), one.skeleton, score=0.1)
    one.labeled_frames[4].instances.append(stray)
    sio.save_slp(one, str(tmp_path / "a.slp"))
    tracking = read_tracking(tmp_path / "a.slp", boxes=EXTENT)
    assert_boxes(tracking, ONE.boxes())
    assert "1 instance without a track left out" in notes(tracking)


def test_two_instances_of_a_track_in_a_frame_are_refused(tmp_path: Path):
    one = labels()
    frame = next(lf for lf in one.labeled_frames if lf.frame_idx == 22)
    frame.instances.append(
        sio.PredictedInstance.from_numpy(np.ones((3, 2)), one.skeleton, score=0.1, track=one.tracks[0])
    )
    sio.save_slp(one, str(tmp_path / "a.slp"))
    with pytest.raises(TrackingError, match="mouse 1, frame 22: two instances of this track"):
        read_tracking(tmp_path / "a.slp")


def test_origin_of_old_files_is_moved_as_sleap_io_does(tmp_path: Path):
    make.write_slp(tmp_path / "a.slp", ONE, version=1.0)
    with h5py.File(tmp_path / "a.slp", "a") as file:
        del file["instances"]
        # Without the field that came with version 1.2.
        again = tmp_path / "b.slp"
        make.write_slp(again, ONE)
        with h5py.File(again) as newer:
            rows = newer["instances"][()]
        file["instances"] = rows[list(rows.dtype.names[:-1])].copy()
    right = sio.load_slp(str(tmp_path / "a.slp"), open_videos=False).numpy()
    tracking = read_tracking(tmp_path / "a.slp", boxes=EXTENT)
    tracklet = tracking["mouse 1"]
    np.testing.assert_allclose(tracklet.boxes[0, :2], np.nanmin(right[2, 0], axis=0))
    np.testing.assert_allclose(tracklet.boxes[0, 0], ONE.boxes()["mouse 1"][2][0] - 0.5)


def test_invisible_points_do_not_count(tmp_path: Path):
    make.write_slp(tmp_path / "a.slp", ONE)
    with h5py.File(tmp_path / "a.slp", "a") as file:
        points = file["pred_points"][()]
        points["visible"][:3] = False
        file["pred_points"][...] = points
    right = ONE.boxes()
    del right["mouse 1"][2]
    assert_boxes(read_tracking(tmp_path / "a.slp", boxes=EXTENT), right)


def test_tracks_without_names_are_refused(tmp_path: Path):
    make.write_sleap_analysis(tmp_path / "a.h5", ONE)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file["track_names"]
        file["track_names"] = np.empty(0)
    with pytest.raises(TrackingError, match="3 tracks, but 0 track names: were the instances tracked"):
        read_tracking(tmp_path / "a.h5")


def test_empty_tracks_and_short_files_are_noted(tmp_path: Path):
    points = np.concatenate([ONE.points, np.full_like(ONE.points[:1], np.nan)])
    make.write_sleap_analysis(tmp_path / "a.h5", make.Planted([*ONE.ids, "nobody"], ONE.names, points))
    tracking = read_tracking(tmp_path / "a.h5", boxes=EXTENT, video=VideoFacts(900, 900, 70, 25.0))
    assert_boxes(tracking, ONE.boxes())
    assert "1 track without any point left out" in notes(tracking)
    assert "the file has 40 frames, the video 70" in notes(tracking)


def test_order_of_axes_follows_the_file_if_lengths_are_alike(tmp_path: Path):
    """Two tracks of two nodes in two frames fit any order; the file states it."""
    points = np.arange(16.0).reshape(2, 2, 2, 2) + 1
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["tracks"] = points.transpose(1, 0, 2, 3)
        file["tracks"].attrs["dims"] = '["frame", "track", "node", "xy"]'
        file["track_occupancy"], file["track_names"], file["node_names"] = np.ones((2, 2)), [b"a", b"b"], [b"p", b"q"]
    tracking = read_tracking(tmp_path / "a.h5", boxes=EXTENT)
    assert_boxes(tracking, make.Planted(["a", "b"], ["p", "q"], points).boxes())
