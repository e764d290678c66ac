"""The engine against a plain loop that treats chunk by chunk and shares no code with it."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from helpers.clips import MakeClip
from helpers.networks import FACTS, FakeNetwork
from helpers.plain_extraction import plain_row, resize
from helpers.videos import decode_plainly
from napari_i3d.backbones.weights import load_network
from napari_i3d.errors import SettingsError, TrackingError, VideoError
from napari_i3d.extraction.device import resolve_device
from napari_i3d.extraction.extract import extract
from napari_i3d.extraction.planning import shards
from napari_i3d.extraction.planning.plan import plan_job, whole_image
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.features import Features
from napari_i3d.synthetic import HEIGHT, WIDTH
from napari_i3d.tracking.tracklets import Tracking, Tracklet
from napari_i3d.video.video import Video, open_video

N_FRAMES = 48


class CountingVideo:
    """A video that counts the frames that it gives."""

    def __init__(self, video: Video) -> None:
        self._video = video
        self.given: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._video)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._video, name)

    def __getitem__(self, index: Any) -> Any:
        return self._video[index]

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        for number, frame in enumerate(self._video.frames(start, stop), start=start):
            self.given[number] += 1
            yield frame


@pytest.fixture(scope="module")
def video(clip_of: MakeClip) -> Iterator[Video]:
    with open_video(clip_of(N_FRAMES).video) as opened:
        yield opened


@pytest.fixture(scope="module")
def frames(video: Video) -> np.ndarray:
    """All frames, piped from ffmpeg in one go."""
    return decode_plainly(video.path, (HEIGHT, WIDTH))


def random_tracking(seed: int, count: int = 4) -> Tracking:
    random = np.random.default_rng(seed)
    tracklets = []
    for k in range(count):
        start = int(random.integers(0, N_FRAMES - 12))
        n = int(random.integers(8, N_FRAMES - start + 1))
        center = random.uniform(0, [WIDTH, HEIGHT]) + np.cumsum(random.normal(0, 3, (n, 2)), axis=0)
        center = np.clip(center, 5, [WIDTH - 5, HEIGHT - 5])
        half = random.uniform(6, 60, 2)
        tracklets.append(Tracklet(f"animal {k}", start, np.concatenate([center - half, center + half], axis=1)))
    return Tracking(tracklets)


def row_by_hand(frames: np.ndarray, tracklet: Tracklet, start: int, settings: ExtractionSettings, network: Any) -> Any:
    """Features of the chunk that begins at video frame `start`."""
    first = start - tracklet.start
    choices = {"sample_mode": settings.sample_mode, "video_size": settings.video_size}
    return plain_row(frames, tracklet.boxes[first : first + 8], start, network, **choices)


def run(video: Any, tracking: Tracking, settings: ExtractionSettings, network: Any = None) -> Features:
    steps = extract(video, plan_job(video, tracking.values(), settings), network or FakeNetwork(), FACTS)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"frequency": 3, "pad": True},
        {"frequency": 12, "batch_size": 3},
        {"sample_mode": "center_crop", "pad": True, "frequency": 2},
        {"sample_mode": "oversample", "frequency": 11},
        {"video_size": (200, 301), "frequency": 4},
        {"video_size": (500, 100), "sample_mode": "center_crop", "frequency": 7},
    ],
)
def test_rows_are_those_of_a_plain_loop(video: Video, frames: np.ndarray, choices: dict[str, Any]) -> None:
    settings = ExtractionSettings(min_frames=8, **choices)
    tracking = random_tracking(seed=1)
    if settings.video_size:
        scale = np.array([settings.video_size[0] / WIDTH, settings.video_size[1] / HEIGHT] * 2)
        tracking = Tracking(Tracklet(t.id, t.start, t.boxes * scale) for t in tracking.values())
    features = run(video, tracking, settings)
    assert list(features) == list(tracking)
    network = FakeNetwork()
    for individual, tracklet in tracking.items():
        starts = [s for s in range(tracklet.start, tracklet.stop, settings.frequency) if s + 8 <= tracklet.stop]
        if settings.pad:
            stood_for = range(tracklet.start, tracklet.stop, settings.frequency)
            starts = [min(starts, key=lambda s, f=frame: (abs(s - (f - 3)), s)) for frame in stood_for]
            assert features.frames[individual].tolist() == list(stood_for)
        else:
            assert features.frames[individual].tolist() == [start + 3.5 for start in starts]
        assert features.chunk_starts[individual].tolist() == starts
        rows = {s: row_by_hand(frames, tracklet, s, settings, network) for s in set(starts)}
        assert_close(features[individual], np.stack([rows[s] for s in starts]))
        assert (features.first_frame[individual], features.last_frame[individual]) == (
            tracklet.start,
            tracklet.stop - 1,
        )


def test_result_ignores_batch_size_company_and_order(video: Video) -> None:
    tracking = random_tracking(seed=2)
    reference = run(video, tracking, ExtractionSettings(min_frames=8))
    for batch_size in (1, 5):
        other = run(video, tracking, ExtractionSettings(min_frames=8, batch_size=batch_size))
        for individual in tracking:
            assert_close(other[individual], reference[individual])
    turned = run(video, tracking.select(list(tracking)[::-1]), ExtractionSettings(min_frames=8))
    assert list(turned) == list(tracking)[::-1]
    for individual in tracking:
        alone = run(video, tracking.select([individual]), ExtractionSettings(min_frames=8))
        assert_close(alone[individual], reference[individual])
        assert_close(turned[individual], reference[individual])


def test_each_needed_frame_is_decoded_once(video: Video) -> None:
    counting = CountingVideo(video)
    boxes = np.tile([10.0, 10, 60, 60], (12, 1))
    tracking = Tracking([Tracklet("a", 20, boxes), Tracklet("b", 25, boxes), Tracklet("c", 26, boxes)])
    run(counting, tracking, ExtractionSettings())
    assert counting.given == Counter(range(20, 38))


class ShortVideo(CountingVideo):
    """A video whose decoder stops some frames before the end, without a word."""

    lacking = 5

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        return super().frames(start, min(len(self) if stop is None else stop, len(self) - self.lacking))


@pytest.mark.parametrize(("chunks", "told"), [(256, "0 of 1"), (2, "2 of 3")])
@pytest.mark.parametrize("network", ["fake", "untrained"])
def test_frames_that_never_come_are_an_error(
    video: Video, network: str, chunks: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SHARD_CHUNKS", chunks)
    short = ShortVideo(video)
    settings = ExtractionSettings(frequency=8)
    job = plan_job(video, whole_image(video, settings).values(), settings)
    weights = FakeNetwork() if network == "fake" else load_network("untrained")[0]
    with pytest.raises(VideoError, match=f"gave the frames for {told} portions"):
        for _ in extract(short, job, weights, FACTS):
            pass


def test_whole_image_is_one_individual_without_a_name(video: Video, frames: np.ndarray) -> None:
    settings = ExtractionSettings(frequency=10)
    features = run(video, whole_image(video, settings), settings)
    assert list(features) == [""]
    whole = Tracklet("", 0, np.tile([0.0, 0, WIDTH, HEIGHT], (N_FRAMES, 1)))
    for row, start in zip(features[""], features.chunk_starts[""], strict=True):
        image_only = np.stack([resize(frames[n], 224, 224) for n in range(start, start + 8)]) * (2 / 255) - 1
        expected = FakeNetwork()(torch.tensor(image_only.transpose(3, 0, 1, 2)[None].copy())).numpy()[0]
        assert_close(row, expected)
        assert_close(row, row_by_hand(frames, whole, start, settings, FakeNetwork()))


def test_background_is_blanked_before_cropping(video: Video, frames: np.ndarray) -> None:
    settings = ExtractionSettings(subtract_background=True, frequency=10)
    tracking = random_tracking(seed=4, count=2)
    picks = [k * N_FRAMES // 25 for k in range(25)]
    gray = np.rint(frames @ np.array([0.299, 0.587, 0.114]))
    background = np.floor(np.median(gray[picks], axis=0))
    blanked = frames.copy()
    blanked[np.abs(gray - background) <= 15] = 128
    features = run(video, tracking, settings)
    for individual, tracklet in tracking.items():
        rows = [row_by_hand(blanked, tracklet, s, settings, FakeNetwork()) for s in features.chunk_starts[individual]]
        np.testing.assert_allclose(features[individual], np.stack(rows), atol=2e-3)


def test_frames_past_the_end_name_individual_and_video(video: Video) -> None:
    tracking = Tracking([Tracklet("male", 40, np.tile([5.0, 5, 50, 50], (20, 1)))])
    with pytest.raises(TrackingError, match=r"male: has boxes up to frame 59, but the last frame of animals.mp4 is 47"):
        plan_job(video, tracking.values(), ExtractionSettings())


def test_gaps_name_individual_and_frames(video: Video) -> None:
    boxes = np.tile([5.0, 5, 50, 50], (30, 1))
    boxes[[4, 9, 10]] = np.nan
    with pytest.raises(TrackingError, match=r'male: frames 4, 9-10 are missing .*gaps="split" or gaps="interpolate"'):
        plan_job(video, [Tracklet("male", 0, boxes)], ExtractionSettings())


def test_only_short_tracklets_are_an_error(video: Video) -> None:
    with pytest.raises(TrackingError, match=r"no individual has the 9 frames needed \(the longest of 1 has 8\)"):
        plan_job(video, [Tracklet("a", 0, np.tile([5.0, 5, 50, 50], (8, 1)))], ExtractionSettings())


def test_provenance_tells_how_features_were_made(video: Video) -> None:
    short = Tracklet("short", 3, np.tile([5.0, 5, 50, 50], (4, 1)))
    tracking = Tracking([*random_tracking(seed=3, count=2).values(), short])
    provenance = run(video, tracking, ExtractionSettings(frequency=20)).provenance
    assert provenance["weights"]["name"] == "fake"
    assert provenance["settings"]["frequency"] == 20
    assert provenance["settings"]["sample_mode"] == "expand_bboxes"
    assert provenance["tracking"]["individuals"] == ["animal 0", "animal 1"]
    assert provenance["left_out"] == [{"id": "short", "reason": "4 frames, fewer than 9"}]
    assert set(provenance["versions"]) == {"napari_i3d", "python", "numpy", "torch", "ffmpeg"}
    moved = Tracking(Tracklet(t.id, t.start, t.boxes + 1) for t in tracking.values())
    other = run(video, moved, ExtractionSettings(frequency=20)).provenance
    assert other["tracking"]["sha256_of_crops"] != provenance["tracking"]["sha256_of_crops"]


def test_network_of_the_caller_stays_as_it_is(video: Video) -> None:
    class Linear(FakeNetwork):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

    network = Linear()
    run(video, random_tracking(seed=5, count=1), ExtractionSettings(precision="bfloat16", frequency=30), network)
    assert network.weight.dtype == torch.float32


@pytest.mark.parametrize("name", ["cuda:99", "mps"])
def test_device_that_is_not_there_is_refused(name: str) -> None:
    if name == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(SettingsError, match=f"{name} is not available"):
        resolve_device(name)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"frequency": 0}, "frequency: expected a whole number from 1 to 1000000, found 0"),
        ({"frequency": 10**20}, "frequency"),
        ({"batch_size": -1}, "batch_size"),
        ({"frequency": 1.5}, "frequency"),
        ({"frequency": True}, "frequency"),
        ({"min_frames": 0}, "min_frames"),
        ({"sample_mode": "center"}, "expand_bboxes, center_crop, oversample, found 'center'"),
        ({"normalization": "imagenet"}, "symmetric, kinetics"),
        ({"precision": "float16"}, "float32, tf32, bfloat16"),
        ({"device": "gpu"}, "device"),
        ({"video_size": (100,)}, "video_size"),
        ({"video_size": (100, 0)}, "video_h"),
        ({"video_size": (200_000, 100)}, "video_w"),
        ({"pad": 1}, "pad"),
    ],
)
def test_settings_out_of_range_are_refused(choices: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        ExtractionSettings(**choices)


def test_notebook_without_ipywidgets_is_not_warned() -> None:
    # By this older and newer tqdm know a notebook.
    notebook = (
        "import sys, types; kernel = types.SimpleNamespace(config={'IPKernelApp': {}});"
        "sys.modules['IPython'] = types.SimpleNamespace(get_ipython=lambda: kernel);"
        "sys.modules['ipykernel.zmqshell'] = types.ModuleType('zmqshell');"
        "sys.modules['ipywidgets'] = None;"
    )
    environment = {name: value for name, value in os.environ.items() if name != "QT_API"}
    warned, quiet = (
        subprocess.run(
            [sys.executable, "-c", notebook + code], capture_output=True, text=True, check=True, env=environment
        ).stderr
        for code in ("import tqdm.auto", "import napari_i3d.extraction.extract")
    )
    assert "IProgress not found" in warned
    assert quiet == ""
