"""Bouts as sorted arrays: the same bouts as a plain loop finds."""

from itertools import pairwise

import numpy as np
import pytest

from napari_i3d.errors import AnnotationError
from napari_i3d.plugin.timeline.lane_layout import arrange
from napari_i3d.plugin.timeline.lanes import (
    BoutArrays,
    Lane,
    LaneGroup,
    LaneKind,
    TimelineData,
    bouts_of,
    make_styles,
)


def test_bouts_within_range_are_those_of_plain_loop():
    random = np.random.default_rng(1)
    start = random.integers(0, 900, 200)
    stop = start + random.integers(1, 200, 200)  # many overlap, some lie within others
    style = random.integers(0, 5, 200)
    bouts = BoutArrays.make(start, stop, style)
    for first, length in zip(random.integers(-50, 1100, 100), random.integers(1, 80, 100), strict=True):
        found = bouts.within(int(first), int(first + length))
        expected = [n for n in range(200) if start[n] < first + length and stop[n] > first]
        assert sorted(found.index.tolist()) == expected
        assert (found.start == start[found.index]).all()
        assert (found.style == style[found.index]).all()


def test_bouts_of_a_style_keep_their_values():
    bouts = BoutArrays.make([50, 0, 20], [60, 10, 30], [1, 0, 1], [0.5, 1.0, 0.25])
    own = bouts.of_style(1)
    assert own.start.tolist() == [20, 50]
    assert own.opacity.tolist() == [0.25, 0.5]
    assert own.index.tolist() == [2, 0]
    assert len(bouts.of_style(7)) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(([5], [5]), r"stop after their start, got \[5, 5\)"), (([1, 2], [3]), "2 starts and 1 stops")],
)
def test_impossible_bouts_are_refused(arguments, message):
    with pytest.raises(AnnotationError, match=message):
        BoutArrays.make(*arguments)


def test_style_that_does_not_exist_is_refused():
    with pytest.raises(AnnotationError, match="below 2, got 2"):
        Lane(LaneKind.LABELS, make_styles("ab"), BoutArrays.make([0], [1], [2]))


def test_times_must_be_one_for_each_frame():
    with pytest.raises(AnnotationError, match="expected 10 times"):
        TimelineData(10, times_s=np.arange(9.0))


def test_styles_with_the_same_color_differ_in_hatch():
    styles = make_styles([f"behavior {n}" for n in range(30)])
    assert len({(style.color, style.hatch) for style in styles}) == 30
    twice = make_styles(["a", "b"], ["#112233", "#112233"])
    assert twice[0].hatch != twice[1].hatch


def test_text_and_number_are_two_individuals():
    groups = tuple(LaneGroup(one, str(one), "#ffffff", ()) for one in (1, "1"))
    data = TimelineData(10, groups)
    assert data.group("1") is groups[1]
    assert data.with_group(LaneGroup("1", "other", "#ffffff", ())).group(1) is groups[0]


def test_values_name_individual_and_behavior():
    lane = Lane(LaneKind.PREDICTIONS, make_styles(["groom", "rear"]), BoutArrays.make([3], [9], [1], [0.5]))
    (bout,) = bouts_of(LaneGroup(4, "4", "#ffffff", (lane,)), lane, lane.bouts)
    assert (bout.individual, bout.kind, bout.behavior, bout.start, bout.stop) == (4, LaneKind.PREDICTIONS, "rear", 3, 9)
    assert (bout.opacity, bout.index) == (0.5, 0)


def make_data(individuals: int) -> TimelineData:
    styles = make_styles(["groom", "rear", "walk"])
    lanes = (Lane(LaneKind.LABELS, styles), Lane(LaneKind.PREDICTIONS, styles), Lane(LaneKind.MARKS, styles))
    return TimelineData(100, tuple(LaneGroup(n, str(n), "#ffffff", lanes) for n in range(individuals)))


@pytest.mark.parametrize("room", [50, 300, 2000])
def test_rows_neither_overlap_nor_leave_room(room):
    layout = arrange(make_data(4), lambda individual: individual == 2, room)
    assert [row.style for row in layout.rows] == [None, None, None, 0, 1, 2, None]
    bottom = 0
    for row in layout.rows:
        assert row.top == bottom
        bottom += row.height
        inside = [(strip.top, strip.top + strip.height) for strip in row.strips]
        assert inside == sorted(inside)
        assert all(one[1] <= other[0] for one, other in pairwise(inside))
        assert row.top <= inside[0][0]
        assert inside[-1][1] <= bottom
    assert layout.height == bottom
    for y in range(bottom):
        row = layout.row_at(y)
        assert row.top <= y < row.top + row.height
        assert layout.strip_at(y) in row.strips
    assert layout.row_at(bottom) is None


def test_lanes_use_the_room_there_is():
    heights = [arrange(make_data(10), lambda _: False, room).height for room in (100, 400, 480, 3000)]
    assert heights == sorted(heights)
    assert heights[1] <= 400
    assert heights[2] <= 480
    assert heights[2] > 480 - 10 * 8
