"""Key frames: thinned tracks stay within the tolerance when a player interpolates them.

The oracle interpolates with a loop over key frames, as CVAT does.
"""

from itertools import pairwise

import numpy as np
import pytest

from napari_i3d.tracking.io.box_formats.key_frames import fill_between, needed_key_frames


def interpolated(boxes: np.ndarray, keys: np.ndarray) -> np.ndarray:
    found = boxes.copy()
    ends = np.flatnonzero(keys)
    for first, last in pairwise(ends):
        for frame in range(first + 1, last):
            found[frame] = boxes[first] + (boxes[last] - boxes[first]) * (frame - first) / (last - first)
    return found


def walks() -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    time = np.arange(500.0)
    return {
        "random walk": np.cumsum(random.normal(0, 2, (500, 4)), axis=0),
        "slow walk": np.cumsum(random.normal(0, 0.05, (500, 4)), axis=0),
        "wave": np.sin(time / 20)[:, None] * [10, 0, 10, 5],
        "one side jumps": np.where(time == 250, 1000, 0)[:, None] * [0, 0, 0, 1.0],
        "steps": (time // 7)[:, None] * np.ones(4),
        "one": np.zeros((1, 4)),
        "two": np.arange(8.0).reshape(2, 4),
        "parabola": (time**2)[:, None] * np.ones(4),
    }


@pytest.mark.parametrize("name", walks())
@pytest.mark.parametrize("tolerance", [0.5, 5.0])
def test_interpolation_stays_within_tolerance(name: str, tolerance: float):
    boxes = walks()[name]
    keys = needed_key_frames(boxes, tolerance)
    assert keys[0]
    assert keys[-1]
    assert np.abs(interpolated(boxes, keys) - boxes).max() <= tolerance + 1e-9


def test_straight_and_still_tracks_need_two_key_frames():
    time = np.arange(1000.0)[:, None]
    for boxes in (time * [1, 2, 1, 2] + 5, time * 0):
        assert needed_key_frames(boxes, 0.5).sum() == 2


def test_corner_of_path_needs_one_more():
    time = np.arange(101.0)
    boxes = np.minimum(time, 100 - time)[:, None] * np.ones(4)
    assert np.flatnonzero(needed_key_frames(boxes, 0.5)).tolist() == [0, 50, 100]


def test_spans_are_filled_up_to_their_ends():
    frames, values = fill_between(
        np.array([2, 4, 8, 9]), np.array([[0.0], [10.0], [50.0], [7.0]]), np.array([4, 4, 9, 12])
    )
    assert frames.tolist() == [2, 3, 8, 9, 10, 11]
    assert values.ravel().tolist() == [0, 5, 50, 7, 7, 7]
