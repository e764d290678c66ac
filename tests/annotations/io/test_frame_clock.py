"""Frames of times and times of frames; the oracle is a search through all frames."""

import numpy as np
import pytest

from helpers.annotation_files import N_FRAMES, RATES, frame_times
from napari_i3d.annotations.io.frame_clock import FrameClock
from napari_i3d.errors import AnnotationError


@pytest.mark.parametrize("rate", RATES)
def test_shown_frames_have_their_time_in_the_interval(rate: str):
    times = frame_times(rate) - frame_times(rate)[0]
    clock = FrameClock(frame_times(rate))
    numbers = np.random.default_rng(1)
    for start, stop in np.sort(numbers.uniform(0, times[-1], (500, 2)), axis=1):
        if np.abs(times[:, None] - [start, stop]).min() < 0.001:  # within the rounding of files
            continue
        first, end = clock.shown_from([start, stop])
        frames = [frame for frame, time in enumerate(times) if start <= time < stop]
        assert list(range(first, end)) == frames


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("decimals", [3, 6])
def test_rounded_times_of_frames_give_these_frames(rate: str, decimals: int):
    clock = FrameClock(frame_times(rate))
    frames = np.arange(N_FRAMES + 1)
    for rounded in (np.round, lambda t, d: np.floor(t * 10**d) / 10**d):
        times = rounded(clock.start_s(frames), decimals)
        assert clock.nearest(times).tolist() == frames.tolist()
    assert clock.shown_from(clock.start_s(frames).round(decimals)).tolist() == frames.tolist()


@pytest.mark.parametrize("fps", [25, 30000 / 1001, 30, 59.94, 120, 200])
def test_rate_and_times_of_it_agree(fps: float):
    with_rate, with_times = FrameClock(fps=fps), FrameClock(np.arange(1000) / fps)
    times = np.random.default_rng(2).uniform(0, 1002 / fps, 5000)
    assert with_rate.nearest(times).tolist() == with_times.nearest(times).tolist()
    assert with_rate.shown_from(times).tolist() == with_times.shown_from(times).tolist()
    frames = np.arange(1003)
    np.testing.assert_allclose(with_rate.start_s(frames, 0.25), with_times.start_s(frames, 0.25), rtol=0, atol=1e-9)


def test_halfway_between_two_frames_is_the_earlier():
    for clock in (FrameClock(fps=25), FrameClock([5, 5.04, 5.08, 5.12])):
        assert clock.nearest([0.02, 0.0201, 0.06, 0.0601, 0.14, 0.1401]).tolist() == [0, 1, 1, 2, 3, 4]


def test_frames_beyond_the_end_count_on():
    clock = FrameClock([0, 0.04, 0.08], 25)
    assert clock.nearest([0.12, 0.16, 1.0]).tolist() == [3, 4, 25]
    assert clock.shown_from([0.12, 0.16, 1.0]).tolist() == [3, 4, 25]
    assert clock.start_s([3, 4]).tolist() == pytest.approx([0.12, 0.16])


def test_long_videos_do_not_drift():
    frames = np.array([0, 10**6, 5 * 10**6])
    clock = FrameClock(fps=30000 / 1001)
    assert clock.nearest((frames * 1001 / 30000).round(3)).tolist() == frames.tolist()
    assert clock.shown_from((frames * 1001 / 30000).round(3)).tolist() == frames.tolist()


@pytest.mark.parametrize("times", [[0, 0.04, 0.08, 0.12], [0, 0.033, 0.067, 0.1, 0.133]])
def test_even_rates_are_told_from_variable_ones(times: list[float]):
    assert FrameClock(times).is_even
    assert not FrameClock([*times, times[-1] + 0.2]).is_even


@pytest.mark.parametrize(
    ("times", "fps"), [(None, None), (None, 0.0), (None, float("nan")), ([0, 0, 1], None), ([1, 0], 25), ([], 25)]
)
def test_invalid_rates_and_times_are_refused(times: list[float] | None, fps: float | None):
    with pytest.raises(AnnotationError, match="expected"):
        FrameClock(times, fps)


@pytest.mark.parametrize("time", [-0.001, float("nan"), float("inf"), 1e300])
def test_impossible_times_are_refused(time: float):
    with pytest.raises(AnnotationError, match="expected times of 0 seconds and more"):
        FrameClock(fps=25).nearest([1.0, time])
