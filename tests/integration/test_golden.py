"""The whole way, with the real network: the predecessor's own features, and tracklets that it got wrong."""

import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import napari_i3d
from helpers.videos import run_ffmpeg
from napari_i3d.tracking.tracklets import Tracking, Tracklet


@pytest.fixture(scope="session")
def reference_weights(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seeded weights that the golden features were computed with, in the layout of the published file."""
    path = tmp_path_factory.mktemp("weights") / "reference.pkl"
    arguments, sys.argv = sys.argv, ["make_reference_weights.py", str(path), "0"]
    try:
        runpy.run_path(str(shared / "tools" / "make_reference_weights.py"), run_name="__main__")
    finally:
        sys.argv = arguments
    return path


@pytest.fixture(scope="session")
def golden(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "golden" / "predecessor_flies.npz") as archive:
        return dict(archive)


def first_frames(path: Path, count: int, scale: float = 1.0) -> Tracking:
    tracking = napari_i3d.read_tracking(path)
    return Tracking(Tracklet(i, t.start, t.boxes[:count] * scale) for i, t in tracking.items())


def assert_agrees(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("center_crop-f1-pad/male", {"sample_mode": "center_crop", "pad": True}),
        ("center_crop-f1-pad/female", {"sample_mode": "center_crop", "pad": True}),
        ("expand_bboxes-f1/male", {}),
        ("oversample-f8/female", {"sample_mode": "oversample", "frequency": 8}),
        ("center_crop-f4-512x512/male", {"sample_mode": "center_crop", "frequency": 4, "video_size": (512, 512)}),
    ],
)
def test_features_are_those_of_the_predecessor(
    name: str, choices: dict[str, Any], shared: Path, golden: dict[str, np.ndarray], reference_weights: Path
) -> None:
    scale = 0.5 if "video_size" in choices else 1.0
    individual = name.partition("/")[2]
    features = napari_i3d.extract_features(
        shared / "data" / "flies_courtship_clip.mp4",
        first_frames(shared / "data" / "flies_courtship_clip_tracks.pickle", 32, scale),
        settings=napari_i3d.ExtractionSettings(**choices),
        weights=reference_weights,
        individuals=[individual],
        progress=False,
    )
    assert list(features) == [individual]
    assert_agrees(features[individual], golden[name])


def plain_rows(video: Path, tracklet: Tracklet, network: torch.nn.Module) -> np.ndarray:
    """Chunk by chunk, from a decode from the start of which ffmpeg pipes what is needed; center_crop, frequency 1."""
    with napari_i3d.open_video(video) as opened:
        _, height, width, _ = opened.shape
    needed = ["-vf", f"select='gte(n,{tracklet.start})'", "-frames:v", str(len(tracklet))]
    form = ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    frames = np.frombuffer(run_ffmpeg("-i", video, *needed, *form), np.uint8).reshape(-1, height, width, 3)
    assert len(frames) == len(tracklet)
    crops = []
    for number in range(tracklet.start, tracklet.stop):
        frame = frames[number - tracklet.start]
        left, upper, right, lower = np.clip(tracklet.boxes[number - tracklet.start].astype(int), 0, None)
        part = torch.tensor(frame[upper:lower, left:right].astype(np.float32)).permute(2, 0, 1)[None]
        resized = torch.nn.functional.interpolate(part, (256, 340), mode="bilinear", align_corners=False)
        crops.append(resized[0, :, 16:240, 58:282] * 2 / 255 - 1)
    rows = []
    with torch.inference_mode():
        for first in range(len(crops) - 7):
            rows.append(network(torch.stack(crops[first : first + 8], dim=1)[None])[0].numpy())
    return np.stack(rows)


def test_late_tracklets_get_their_own_pixels(shared: Path, reference_weights: Path) -> None:
    """Also pieces that end, begin and overlap in the middle, and a video whose tracking begins after frame 0."""
    from napari_i3d.backbones.weights import load_network

    network, _ = load_network(reference_weights)
    settings = napari_i3d.ExtractionSettings(sample_mode="center_crop", batch_size=5)
    for stem, pieces in (
        ("flies_courtship_clip", {"male": [(700, 711), (703, 713)], "female": [(705, 714)]}),
        ("spiders_tracktor", {"A": [(2, 12)], "B": [(2, 11), (90, 100)]}),
    ):
        video = shared / "data" / f"{stem}.mp4"
        whole = napari_i3d.read_tracking(shared / "data" / f"{stem}_tracks.pickle")
        tracking = Tracking(
            Tracklet(f"{i} {a}", a, whole[i].boxes[a - whole[i].start : b - whole[i].start])
            for i, spans in pieces.items()
            for a, b in spans
        )
        features = napari_i3d.extract_features(
            video, tracking, settings=settings, weights=reference_weights, progress=False
        )
        for individual, tracklet in tracking.items():
            expected = plain_rows(video, tracklet, network)
            assert_agrees(features[individual], expected)
            # Rows of neighboring chunks differ by more than the tolerance, or the test would prove nothing.
            assert np.abs(np.diff(expected, axis=0)).max() > 1e-4 * np.abs(expected).max()


def test_bfloat16_is_near_float32(shared: Path, golden: dict[str, np.ndarray], reference_weights: Path) -> None:
    features = napari_i3d.extract_features(
        shared / "data" / "flies_courtship_clip.mp4",
        first_frames(shared / "data" / "flies_courtship_clip_tracks.pickle", 32),
        settings=napari_i3d.ExtractionSettings(sample_mode="oversample", frequency=8, precision="bfloat16"),
        weights=reference_weights,
        individuals=["female"],
        progress=False,
    )
    expected = golden["oversample-f8/female"]
    error = np.abs(features["female"] - expected).max() / np.abs(expected).max()
    assert 1e-6 < error < 2e-2
