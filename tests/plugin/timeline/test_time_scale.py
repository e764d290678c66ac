"""Columns of pixels and frames belong together at any zoom: checked by walking over all columns."""

from itertools import pairwise

import numpy as np
import pytest

from napari_i3d.plugin.timeline.time_scale import TimeScale, columns_of, frame_ticks, time_ticks

N = 4000


def scales() -> list[TimeScale]:
    """Return views of a video: whole, zoomed at odd places, moved, and one frame for many columns."""
    random = np.random.default_rng(3)
    whole = TimeScale.whole(N, 317)
    found = [whole, TimeScale.whole(9, 200), TimeScale.whole(317, 317)]
    for _ in range(40):
        scale = whole.zoomed(float(random.uniform(1, 900)), int(random.integers(0, 317)))
        found.append(scale.moved(float(random.uniform(-900, 900))))
    return found


@pytest.mark.parametrize("scale", scales())
def test_columns_share_out_all_frames_in_view(scale):
    owned = [range(*scale.frames_at(column)) for column in range(scale.n_columns)]
    seen = sorted({frame for frames in owned for frame in frames})
    assert seen == list(range(seen[0], seen[-1] + 1))
    assert seen[0] == int(scale.start + 1e-6)
    assert all(scale.frame_at(column) == scale.edges[column] for column in range(scale.n_columns + 1))
    for one, other in pairwise(owned):
        assert one == other or one.stop == other.start  # each frame has one column, or several of its own


@pytest.mark.parametrize("scale", scales())
def test_columns_of_ranges_are_those_that_own_frames(scale):
    random = np.random.default_rng(5)
    start = random.integers(max(int(scale.start) - 5, 0), int(scale.stop) + 1, 60)
    stop = start + random.integers(1, max(int(scale.stop - scale.start), 2), 60)
    edges = scale.edges
    last = max(edges[-1], edges[-2] + 1)
    inside = (start < last) & (stop > edges[0])
    left, right = columns_of(start[inside], stop[inside], edges)
    for low, high, first, end in zip(start[inside], stop[inside], left, right, strict=True):
        expected = [
            column
            for column in range(scale.n_columns)
            if any(low <= frame < high for frame in range(*scale.frames_at(column)))
        ]
        assert list(range(first, end)) == expected
        unclipped = scale.columns_of(int(low), int(high))
        assert [c for c in range(*unclipped) if 0 <= c < scale.n_columns] == expected


def test_zoom_keeps_the_frame_under_pointer():
    random = np.random.default_rng(7)
    scale = TimeScale.whole(1_000_000, 1500)
    for _ in range(300):
        column = int(random.integers(0, 1500))
        zoomed = scale.zoomed(float(random.uniform(0.6, 2.0)), column)
        clamped = zoomed.start == 0 or zoomed.stop > 1_000_000 - 1e-6
        assert clamped or zoomed.frame_at(column) == scale.frame_at(column)
        scale = zoomed


def test_view_never_leaves_the_video():
    scale = TimeScale.whole(N, 300).zoomed(10, 150)
    assert scale.moved(-1e6).start == 0
    assert scale.moved(1e6).stop == pytest.approx(N)
    assert scale.zoomed(1e-9, 20) == TimeScale.whole(N, 300)
    assert scale.showing(-500, 50).start == 0
    first, last = scale.showing(1000, 1100).start, scale.showing(1000, 1100).stop
    assert (first, last) == pytest.approx((1000, 1100))


def test_playhead_that_leaves_turns_the_page():
    scale = TimeScale.whole(N, 300).showing(1000, 1100)
    assert scale.containing(1099) is scale
    turned = scale.containing(1100)
    assert turned.start == pytest.approx(1090)
    assert turned.frames_per_column == scale.frames_per_column


@pytest.mark.parametrize("zoom", [1, 7, 60, 900])
def test_frame_ticks_are_round_and_apart(zoom):
    scale = TimeScale.whole(N, 900).zoomed(zoom, 400)
    labelled = [tick for tick in frame_ticks(scale, 70) if tick.text]
    step = labelled[1].frame - labelled[0].frame
    assert str(int(step)).rstrip("0") in ("1", "2", "5")
    assert all(tick.text == f"{int(tick.frame):,}" for tick in labelled)
    assert step / scale.frames_per_column >= 70 or scale.frames_per_column < 1 / 70


def test_time_ticks_lie_where_the_file_has_the_time():
    random = np.random.default_rng(11)
    times_s = np.concatenate([[0.0], np.cumsum(random.uniform(0.01, 0.09, N - 1))])  # a variable frame rate
    scale = TimeScale.whole(N, 900).zoomed(30, 300)
    ticks = time_ticks(scale, times_s, 80)
    assert sum(bool(tick.text) for tick in ticks) >= 3
    for tick in ticks:
        if tick.text:
            hours, minutes, seconds = tick.text.split(":")
            wanted = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
            assert times_s[int(tick.frame)] - 1e-6 <= wanted <= times_s[min(int(tick.frame) + 1, N - 1)] + 1e-6
