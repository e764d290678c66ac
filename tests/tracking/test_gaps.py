"""Splitting and interpolating, against plain Python loops."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_i3d.errors import TrackingError
from napari_i3d.tracking.gaps import interpolate_gaps, resolve_gaps, split_gaps
from napari_i3d.tracking.tracklets import Tracking

box = st.lists(st.floats(-1000, 1000), min_size=4, max_size=4)
boxes_of_one = st.dictionaries(st.integers(0, 30), box, min_size=1, max_size=20)


def pieces(boxes: dict[int, list[float]]) -> list[dict[int, list[float]]]:
    out: list[dict[int, list[float]]] = []
    for frame in sorted(boxes):
        if out and frame - 1 in out[-1]:
            out[-1][frame] = boxes[frame]
        else:
            out.append({frame: boxes[frame]})
    return out


@given(boxes_of_one, boxes_of_one)
def test_split_cuts_exactly_at_the_gaps(one: dict[int, list[float]], two: dict[int, list[float]]):
    expected: dict[int | str, dict[int, list[float]]] = {}
    for name, boxes in ((1, one), ("b", two)):
        parts = pieces(boxes)
        if len(parts) == 1:
            expected[name] = boxes
        else:
            expected |= {f"{name}_part{n}": part for n, part in enumerate(parts, start=1)}
    got = split_gaps(Tracking.from_boxes({1: one, "b": two}))
    assert list(got) == list(expected)
    for name, boxes in expected.items():
        assert got[name].gaps == ()
        assert {got[name].start + i: row for i, row in enumerate(got[name].boxes.tolist())} == boxes


@given(boxes_of_one)
def test_interpolated_sides_lie_on_line_between_their_neighbors(boxes: dict[int, list[float]]):
    got = interpolate_gaps(Tracking.from_boxes({"a": boxes}))["a"]
    assert got.gaps == ()
    assert (got.start, got.stop) == (min(boxes), max(boxes) + 1)
    for frame in range(got.start, got.stop):
        row = got.boxes[frame - got.start].tolist()
        if frame in boxes:
            assert row == boxes[frame]
            continue
        before = max(f for f in boxes if f < frame)
        after = min(f for f in boxes if f > frame)
        for found, a, b in zip(row, boxes[before], boxes[after], strict=True):
            assert math.isclose(found, a + (b - a) * (frame - before) / (after - before), rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("mend", [split_gaps, interpolate_gaps])
def test_tracklet_without_gaps_stays_the_very_same(mend):
    tracking = Tracking.from_boxes({"a": {3: [1, 2, 3, 4], 4: [1, 2, 3, 4]}})
    assert mend(tracking)["a"] is tracking["a"]


GAPPY = {0: [1, 2, 3, 4], 2: [1, 2, 3, 4]}


@pytest.mark.parametrize("others", [{"1_part1": GAPPY, 1: GAPPY}, {1: GAPPY, "1_part2": GAPPY}, {1: GAPPY, "1": GAPPY}])
def test_split_into_an_id_that_exists_is_refused(others: dict):
    with pytest.raises(TrackingError, match=r"^1: its piece \d would be called '1_part\d'.*rename"):
        split_gaps(Tracking.from_boxes(others))


def test_interpolation_beside_nonfinite_box_is_refused():
    boxes = {0: [1, 2, 3, 4], 2: [1, 2, float("inf"), 4], 4: [1, 2, 3, 4], 5: [1, 2, 3, float("nan")]}
    with pytest.raises(TrackingError, match=r"^a: the boxes beside its gaps, at frame 2, hold values"):
        interpolate_gaps(Tracking.from_boxes({"a": boxes}))


def test_nonfinite_boxes_away_from_gaps_stay():
    boxes = {0: [1, 2, 3, 4], 1: [1, 2, 3, float("nan")], 2: [1, 2, 3, 4], 4: [1, 2, 3, 4]}
    got = interpolate_gaps(Tracking.from_boxes({"a": boxes}))["a"]
    assert np.isnan(got.boxes).sum() == 1
    assert got.boxes[3].tolist() == [1, 2, 3, 4]


def test_ways_are_known_by_name():
    tracking = Tracking.from_boxes({"a": {0: [0, 0, 4, 4], 2: [2, 2, 6, 6]}})
    assert resolve_gaps(tracking, "error") is tracking
    assert list(resolve_gaps(tracking, "split")) == ["a_part1", "a_part2"]
    np.testing.assert_array_equal(resolve_gaps(tracking, "interpolate")["a"].boxes[1], [1, 1, 5, 5])
    with pytest.raises(TrackingError, match="expected one of error, split, interpolate, found 'fill'"):
        resolve_gaps(tracking, "fill")
