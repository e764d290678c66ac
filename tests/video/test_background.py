"""The background: which frames it is made of, and what is blanked."""

import numpy as np
import pytest

from napari_i3d.video.background import background_frames, gray_of, median_background, without_background

WIDTH, HEIGHT = 61, 43


def test_gray_is_the_rounded_luma() -> None:
    frame = np.random.default_rng(4).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    luma = frame @ np.array([0.299, 0.587, 0.114])
    assert np.abs(gray_of(frame) - luma).max() < 0.51
    assert gray_of(np.full((1, 1, 3), 255, np.uint8))[0, 0] == 255


@pytest.mark.parametrize(
    ("n_frames", "count", "step"), [(10, 10, 1), (1000, 25, 40), (10_000, 50, 200), (100_000, 200, 500)]
)
def test_background_frames_are_spread_evenly(n_frames: int, count: int, step: int) -> None:
    frames = background_frames(n_frames)
    assert frames.tolist() == [k * step for k in range(count)]


def test_background_is_the_median_and_is_blanked() -> None:
    random = np.random.default_rng(5)
    still = random.integers(40, 200, (30, 40, 1), dtype=np.uint8).repeat(3, axis=2)
    frames = [still.copy() for _ in range(9)]
    for k, frame in enumerate(frames):
        frame[5:10, 3 * k : 3 * k + 4] = (250, 20, 10)
    background = median_background(frames)
    np.testing.assert_array_equal(background, gray_of(still))
    blanked = without_background(frames[2], background)
    for y in range(30):
        for x in range(40):
            near = abs(int(gray_of(frames[2])[y, x]) - int(background[y, x])) <= 15
            assert blanked[y, x].tolist() == ([128] * 3 if near else frames[2][y, x].tolist())
    assert (frames[2][5:10, 6:10] == (250, 20, 10)).all()
