"""NetCDF of movement, through xarray and netCDF4: times, dimensions, poses, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import napari_i3d
from helpers.box_files import FPS, HEIGHT, N_FRAMES, NAMED, WIDTH, assert_boxes, movement_arrays
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.format import VideoFacts

ENGINES = ["netcdf4", "scipy"]
NAMES = list(NAMED)


def dataset(times: np.ndarray | None = None, individuals: str = "individuals", **attributes: Any) -> xr.Dataset:
    centers, sizes = movement_arrays(NAMED)
    dimensions = ("time", "space", individuals)
    return xr.Dataset(
        {"position": (dimensions, centers), "shape": (dimensions, sizes)},
        coords={"time": np.arange(N_FRAMES) if times is None else times, "space": ["x", "y"], individuals: NAMES},
        attrs={"ds_type": "bboxes", "time_unit": "frames", **attributes},
    )


def read(path: Path, content: xr.Dataset, engine: str = "netcdf4", video: VideoFacts | None = None, **how: Any) -> Any:
    content.to_netcdf(path, engine=engine, **how)
    return napari_i3d.read_tracking(path, video=video)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("order", [("individuals", "time", "space"), ("space", "individuals", "time")])
def test_dimensions_in_any_order_are_read(tmp_path: Path, engine: str, order: tuple[str, ...]):
    assert_boxes(read(tmp_path / "a.nc", dataset().transpose(*order), engine), NAMED, 1e-9)


@pytest.mark.parametrize("fps", [25.0, 29.97, 30000 / 1001, 59.94])
def test_times_in_seconds_become_frames(tmp_path: Path, fps: float):
    times = np.arange(N_FRAMES) / fps
    content = dataset(times, fps=fps, time_unit="seconds")
    assert_boxes(read(tmp_path / "a.nc", content), NAMED, 1e-9)
    del content.attrs["fps"]
    with pytest.raises(TrackingError, match=r"seconds without a rate \(fps\); give the video"):
        read(tmp_path / "b.nc", content)
    assert_boxes(read(tmp_path / "c.nc", content, video=VideoFacts(WIDTH, HEIGHT, N_FRAMES, fps)), NAMED, 1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_times_that_start_late_and_skip_are_kept(tmp_path: Path, engine: str):
    tracking = read(tmp_path / "a.nc", dataset().isel(time=slice(4, None, 2)), engine)
    expected = {name: {f: box for f, box in own.items() if f in range(4, 40, 2)} for name, own in NAMED.items()}
    assert_boxes(tracking, expected, 1e-9)


def test_compressed_single_precision_is_read(tmp_path: Path):
    encoding = {name: {"zlib": True, "complevel": 4, "dtype": "float32"} for name in ("position", "shape")}
    assert_boxes(read(tmp_path / "a.nc", dataset(), encoding=encoding), NAMED, 1e-4)


def poses(keypoints: str = "keypoints", individuals: str = "individuals") -> xr.Dataset:
    """Two points of each individual: (10 + t, 20) and (30 + t, 60); the second animal from frame 5 on."""
    position = np.full((N_FRAMES, 2, 2, 2), np.nan)
    for point, (x, y) in enumerate([(10, 20), (30, 60)]):
        position[:, 0, point, 0], position[:, 1, point, 0] = x + np.arange(N_FRAMES), y
        position[5:, 0, point, 1], position[5:, 1, point, 1] = x + 100, y + 100
    confidence = np.full((N_FRAMES, 2, 2), 0.9)
    confidence[7, :, 0] = 0.1
    dimensions = ("time", "space", keypoints, individuals)
    return xr.Dataset(
        {"position": (dimensions, position), "confidence": (("time", keypoints, individuals), confidence)},
        coords={
            "time": np.arange(N_FRAMES) / FPS,
            "space": ["x", "y"],
            keypoints: ["nose", "tail base"],
            individuals: ["a", "b"],
        },
        attrs={"ds_type": "poses", "fps": FPS, "time_unit": "seconds"},
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("spelling", [("keypoints", "individuals"), ("keypoint", "individual")])
def test_poses_become_boxes(tmp_path: Path, engine: str, spelling: tuple[str, str]):
    poses(*spelling).to_netcdf(tmp_path / "a.nc", engine=engine)
    tracking = napari_i3d.read_tracking(tmp_path / "a.nc", boxes=napari_i3d.KeypointBoxes(margin=0))
    assert list(tracking) == ["a", "b"]
    assert tracking["a"].gaps == ((7, 8),)
    assert tracking["a"].boxes[3].tolist() == [13, 20, 33, 60]
    assert (tracking["b"].start, tracking["b"].stop) == (5, N_FRAMES)
    assert tracking["b"].boxes[0].tolist() == [110, 120, 130, 160]


def test_poses_without_confidence_count(tmp_path: Path):
    content = poses()
    content["confidence"] = content["confidence"] * np.nan
    content.to_netcdf(tmp_path / "a.nc")
    assert napari_i3d.read_tracking(tmp_path / "a.nc")["a"].gaps == ()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (dataset(np.zeros(N_FRAMES)), "times that ascend"),
        (dataset(np.arange(N_FRAMES) + 0.5), "frames that are whole numbers"),
        (dataset(np.arange(N_FRAMES) * 10**11), "frames that are whole numbers"),
        (dataset(np.arange(N_FRAMES) - 4), "frames that are whole numbers"),
        (dataset(fps=0.0, time_unit="seconds"), "give the video"),
        (dataset().assign_coords(space=["y", "x"]), "expected positions of x and y"),
        (dataset().drop_vars("shape"), "no individual|key point|size"),
        (dataset().expand_dims(view=["left", "right"]), "expected the dimensions|expected a shape"),
        (dataset() * np.nan, "at least one box"),
    ],
)
def test_wrong_content_is_named(tmp_path: Path, content: xr.Dataset, found: str):
    content.attrs = content.attrs or {"ds_type": "bboxes", "time_unit": "frames"}
    with pytest.raises(TrackingError, match=found):
        read(tmp_path / "a.nc", content)


def test_packed_numbers_are_refused(tmp_path: Path):
    encoding = {"position": {"dtype": "int16", "scale_factor": 0.1, "_FillValue": -1}}
    with pytest.raises(TrackingError, match="packed numbers"):
        read(tmp_path / "a.nc", dataset(), encoding=encoding)


def test_other_netcdf_is_not_recognized(tmp_path: Path):
    content = xr.Dataset({"temperature": (("time", "x"), np.zeros((3, 2)))})
    for engine in ENGINES:
        with pytest.raises(TrackingError, match="no known tracking format"):
            read(tmp_path / f"{engine}.nc", content, engine)
