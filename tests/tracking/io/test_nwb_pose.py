"""NWB poses: files laid out as pynwb writes them, and one that pynwb and ndx-pose wrote where they are installed."""

from pathlib import Path

import h5py
import numpy as np
import pytest

import napari_i3d
from helpers.box_files import FPS, HEIGHT, N_FRAMES, WIDTH, nwb_poses
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.format import VideoFacts

VIDEO = VideoFacts(WIDTH, HEIGHT, N_FRAMES, FPS)
NO_MARGIN = napari_i3d.KeypointBoxes(margin=0)


def points(n: int = 10, x: float = 10.0) -> dict[str, np.ndarray]:
    """A nose at (x + row, 20) and a tail 20 to the right and 40 below."""
    nose = np.column_stack([x + np.arange(n), np.full(n, 20.0), np.full(n, 0.9)])
    return {"nose": nose, "tail": nose + np.array([20, 40, 0])}


def read(path: Path, video: VideoFacts | None = None):
    return napari_i3d.read_tracking(path, video=video, boxes=NO_MARGIN)


@pytest.mark.parametrize("times", [None, np.arange(10) / FPS])
def test_rows_land_on_their_frames(tmp_path: Path, times: np.ndarray | None):
    tracking = read(nwb_poses(tmp_path / "a.nwb", {"fly": points()}, times))
    assert list(tracking) == ["fly"]
    assert (tracking["fly"].start, tracking["fly"].stop) == (0, 10)
    assert tracking["fly"].boxes[4].tolist() == [14, 20, 34, 60]


def test_times_with_gaps_need_the_video(tmp_path: Path):
    times = np.array([3, 4, 9, 10]) / FPS
    path = nwb_poses(tmp_path / "a.nwb", {"fly": points(4)}, times)
    with pytest.raises(TrackingError, match="give the video"):
        read(path)
    tracking = read(path, VIDEO)
    assert (tracking["fly"].start, tracking["fly"].stop, tracking["fly"].gaps) == (3, 11, ((5, 9),))
    assert tracking["fly"].boxes[6].tolist() == [12, 20, 32, 60]
    with pytest.raises(TrackingError, match="several rows fall on a frame"):
        read(path, VideoFacts(WIDTH, HEIGHT, N_FRAMES, 5.0))


def test_poses_of_several_individuals_are_read(tmp_path: Path):
    path = nwb_poses(tmp_path / "a.nwb", {"track=x": points(), "track=y": points(x=100)}, np.arange(10) / FPS)
    assert list(read(path)) == ["x", "y"]


def test_single_pose_is_named_by_its_subject(tmp_path: Path):
    path = nwb_poses(tmp_path / "a.nwb", {"PoseEstimation": points()}, None)
    with h5py.File(path, "a") as file:
        file["general/subject/subject_id"] = "mouse 12"
    assert list(read(path)) == ["mouse 12"]


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("data", np.zeros((10, 3)), "expected x and y"),
        ("data", np.zeros((9, 2)), "rows for the same times"),
        ("timestamps", np.zeros(10), "times that ascend"),
        ("timestamps", np.arange(9) / FPS, "a time for each of 10 rows"),
        ("timestamps", np.arange(10) * 1e12, "frames that are whole numbers"),
    ],
)
def test_wrong_series_is_named(tmp_path: Path, name: str, value: np.ndarray, found: str):
    path = nwb_poses(tmp_path / "a.nwb", {"fly": points()}, np.arange(10) / FPS)
    with h5py.File(path, "a") as file:
        del file[f"processing/behavior/fly/nose/{name}"]
        file[f"processing/behavior/fly/nose/{name}"] = value
    with pytest.raises(TrackingError, match=found):
        read(path, VIDEO)


def test_file_of_pynwb_is_read(tmp_path: Path):
    pynwb = pytest.importorskip("pynwb")
    ndx_pose = pytest.importorskip("ndx_pose")
    from datetime import UTC, datetime

    file = pynwb.NWBFile("a session", "identifier", datetime(2026, 1, 1, tzinfo=UTC))
    file.subject = pynwb.file.Subject(subject_id="mouse 12", species="Mus musculus")
    series, times = [], np.arange(10) / FPS
    for name, values in points().items():
        series.append(
            ndx_pose.PoseEstimationSeries(
                name=name,
                data=values[:, :2],
                confidence=values[:, 2],
                unit="pixels",
                reference_frame="upper left",
                timestamps=series[0] if series else times,
            )
        )
    skeleton = ndx_pose.Skeleton(name="fly", nodes=list(points()))
    behavior = file.create_processing_module("behavior", "poses")
    behavior.add(ndx_pose.Skeletons(skeletons=[skeleton]))
    behavior.add(ndx_pose.PoseEstimation(pose_estimation_series=series, skeleton=skeleton, source_software="x"))
    with pynwb.NWBHDF5IO(tmp_path / "a.nwb", "w") as output:
        output.write(file)
    tracking = read(tmp_path / "a.nwb")
    assert list(tracking) == ["mouse 12"]
    assert tracking["mouse 12"].boxes[4].tolist() == [14, 20, 34, 60]
