"""Mistakes made with a whole tracking: each is named, and honest tracking is never called one."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.box_pickle import read_tracking, write_tracking
from napari_i3d.tracking.mistakes import likely_mistake
from napari_i3d.tracking.tracklets import Tracking, Tracklet

SHAPE = (300, 480, 640, 3)  # frames, height, width, colors


def walk(seed: int, n: int = 300) -> np.ndarray:
    """Boxes (n, 4) of an animal that goes about in the image and changes its shape."""
    random = np.random.default_rng(seed)
    times = np.linspace(0, random.uniform(4, 20), n)[:, None]
    center = np.array([320, 240]) + np.array([260, 180]) * np.sin(times * [1, 0.7] + random.uniform(0, 6, 2))
    half = np.array([25, 18]) + random.uniform(-6, 6, (n, 2))
    return np.hstack((center - half, center + half))


def tracking_of(boxes: np.ndarray, start: int = 0) -> Tracking:
    return Tracking([Tracklet("a", start, boxes)])


def as_sizes(boxes: np.ndarray) -> np.ndarray:
    return np.hstack((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("shape", [SHAPE, None])
def test_positions_with_sizes_are_named(seed: int, shape: tuple[int, ...] | None) -> None:
    assert likely_mistake(tracking_of(walk(seed)), shape) is None
    assert "[x, y, width, height]" in str(likely_mistake(tracking_of(as_sizes(walk(seed))), shape))


def test_still_animal_has_positions_with_sizes_too() -> None:
    assert "[x, y, width, height]" in str(likely_mistake(tracking_of(np.tile([300.0, 200, 50, 40], (50, 1))), SHAPE))


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6])
def test_partly_inverted_boxes_are_not_called_sizes(share: float) -> None:
    boxes = walk(3)
    bad = np.random.default_rng(0).random(len(boxes)) < share
    boxes[bad] = boxes[bad][:, [2, 3, 0, 1]]
    assert likely_mistake(tracking_of(boxes), SHAPE) is None


def test_fractions_of_the_image_are_named() -> None:
    assert "from 0 to 1; expected pixels" in str(likely_mistake(tracking_of(walk(1) / [640, 480, 640, 480]), SHAPE))
    assert likely_mistake(tracking_of(np.tile([0.0, 0, 1, 1], (50, 1))), SHAPE) is None


def test_frames_counted_from_1_are_named() -> None:
    assert "counted from 1: they are 1 to 300" in str(likely_mistake(tracking_of(walk(1), start=1), SHAPE))
    assert likely_mistake(tracking_of(walk(1)[:-1], start=1), SHAPE) is None  # ends with the video: it may begin late


@pytest.mark.parametrize(
    ("tracking", "words"),
    [
        (tracking_of(walk(1) * 3), r"boxes reach to \d+x\d+ px, the image has 640x480; .*video_size"),
        (tracking_of(np.vstack((walk(1), walk(2)))), "its last frame is 599, that of the video 299; track this video$"),
    ],
)
def test_tracking_of_another_video_is_named(tracking: Tracking, words: str) -> None:
    found = str(likely_mistake(tracking, SHAPE))
    assert found.startswith("this looks like the tracking of another video")
    assert re.search(words, found)
    assert likely_mistake(tracking) is None


def test_boxes_sticking_out_at_rim_are_no_mistake() -> None:
    boxes = walk(1) + np.array([300, 0, 300, 0])
    boxes = boxes[boxes[:, 0] < 640][:60]
    assert likely_mistake(tracking_of(boxes), SHAPE) is None


def test_frames_outside_and_ids_inside_are_named(tmp_path: Path) -> None:
    boxes = {frame: {0: [1, 2, 30, 40], 1: [5, 6, 70, 80]} for frame in range(100)}
    assert "{frame: {id: box}}, with 100 frames" in str(likely_mistake(Tracking.from_boxes(boxes), SHAPE))
    # Many individuals that are numbered, as trackers give them that lose sight often, with frames of their own.
    many = {n: dict.fromkeys(range(3 * n, 3 * n + 12), (1, 2, 30, 40)) for n in range(100)}
    assert likely_mistake(Tracking.from_boxes(many), (500, 480, 640)) is None


def test_frames_outside_text_inside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.pickle"
    path.write_bytes(pickle.dumps({0: {}, 1: {"male": [1, 2, 30, 40]}}))
    with pytest.raises(TrackingError, match=r"found \{frame: \{id: box\}\} of 2 frames; swap its two levels"):
        read_tracking(path)


def test_nothing_is_said_of_nothing() -> None:
    assert likely_mistake(Tracking([]), SHAPE) is None
    assert likely_mistake(tracking_of(np.full((9, 4), np.inf)), SHAPE) is None


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("flies_courtship_clip_tracks", (1500, 1024, 1024)),
        ("flies_courtship_clip_float_unclipped", (1500, 1024, 1024)),
        ("flies_courtship_clip_predicted_split", (1500, 1024, 1024)),
        ("flies_courtship_clip_INVALID_gaps", (1500, 1024, 1024)),
        ("flies_centered_pair_tracks", (1100, 384, 384)),
        ("spiders_tracktor_tracks", (2352, 1080, 1920)),
    ],
)
def test_real_tracking_is_no_mistake(shared: Path, name: str, shape: tuple[int, ...]) -> None:
    assert likely_mistake(read_tracking(shared / "data" / f"{name}.pickle"), shape) is None


def test_missing_file_names_the_nearest(tmp_path: Path) -> None:
    write_tracking(tmp_path / "day1_tracks.pickle", tracking_of(walk(1)))
    with pytest.raises(TrackingError, match=r"no such file in .*; is it day1_tracks.pickle\?$"):
        read_tracking(tmp_path / "day1_trakcs.pickle")
    with pytest.raises(TrackingError, match=r"no such file in .*; expected a pickle"):
        read_tracking(tmp_path / "elephants.pickle")
