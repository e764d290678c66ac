"""Tracklet, Tracking and what they accept, against plain Python."""

import json
import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_i3d.errors import TrackingError
from napari_i3d.tracking.checks import check_tracking, require_valid_boxes
from napari_i3d.tracking.gaps import split_gaps
from napari_i3d.tracking.io.box_pickle import read_tracking, write_tracking
from napari_i3d.tracking.tracklets import Tracking, Tracklet, format_frames, runs

side = st.integers(-50, 2000) | st.floats(-50, 2000) | st.sampled_from([float("nan"), float("inf"), -0.0, 1e300, 2**53])
box = st.lists(side, min_size=4, max_size=4).filter(lambda b: not all(s != s for s in b))
frames = st.dictionaries(st.integers(0, 40), box, min_size=1, max_size=25)


def expected(boxes: dict[int, list[float]]) -> tuple[int, list[list[float]], list[tuple[int, int]]]:
    first, last = min(boxes), max(boxes)
    rows, gaps = [], []
    for frame in range(first, last + 1):
        rows.append([float(s) for s in boxes[frame]] if frame in boxes else [float("nan")] * 4)
        if frame not in boxes:
            if gaps and gaps[-1][1] == frame:
                gaps[-1] = (gaps[-1][0], frame + 1)
            else:
                gaps.append((frame, frame + 1))
    return first, rows, gaps


WAYS = {
    "list": list,
    "tuple": tuple,
    "array": lambda b: np.array(b, np.float64),
    "numpy scalars": lambda b: [np.float64(s) for s in b],
    "mixed": lambda b: np.array(b, np.float64) if b[0] == b[0] and b[0] > 100 else tuple(b),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", [int, np.int64, np.uint16])
@given(boxes=frames)
def test_tracklet_takes_boxes_of_any_form_and_order(way: str, number: Any, boxes: dict[int, list[float]]):
    tracklet = Tracklet.from_boxes("a", {number(f): WAYS[way](b) for f, b in boxes.items()})
    start, rows, gaps = expected(boxes)
    assert tracklet.start == start
    assert tracklet.stop == start + len(rows) == start + len(tracklet)
    np.testing.assert_array_equal(tracklet.boxes, np.array(rows))
    assert tracklet.present.tolist() == [start + i in boxes for i in range(len(rows))]
    assert list(tracklet.gaps) == gaps


@given(st.lists(st.booleans(), max_size=30))
def test_runs_of_mask_cover_exactly_its_true_indices(mask: list[bool]):
    found = runs(np.array(mask, bool))
    assert [i for first, stop in found for i in range(first, stop)] == [i for i, m in enumerate(mask) if m]
    assert all(a[1] < b[0] for a, b in pairwise(found))


def test_box_of_four_nans_is_kept_and_found(tmp_path):
    nothing = [float("nan")] * 4
    boxes = {2: [0, 0, 9, 9], 3: nothing, 5: [0, 0, 9, 9], 6: nothing}
    tracking = Tracking.from_boxes({"a": boxes})
    assert (tracking["a"].start, tracking["a"].stop) == (2, 7)
    assert tracking["a"].present.tolist() == [True, True, False, True, True]
    assert tracking["a"].gaps == ((4, 5),)
    write_tracking(tmp_path / "a.pickle", tracking)
    again = read_tracking(tmp_path / "a.pickle")
    kinds = {(problem.kind.value, problem.frame) for problem in check_tracking(again)}
    assert kinds >= {("not-a-number", 3), ("not-a-number", 6), ("gap", 4)}
    with pytest.raises(TrackingError, match="frame 6"):
        require_valid_boxes(split_gaps(again)["a_part2"])


def test_tracklet_once_made_cannot_be_changed():
    boxes = np.array([[1.0, 2, 3, 4]])
    tracklet = Tracklet("a", 0, boxes)
    boxes[:] = 9
    assert tracklet.boxes.tolist() == [[1, 2, 3, 4]]
    with pytest.raises(ValueError, match="read-only"):
        tracklet.boxes[0] = 0
    with pytest.raises(AttributeError):
        tracklet.start = 5  # type: ignore[misc]


GOOD = [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("id_", "start", "boxes", "match"),
    [
        (1.5, 0, GOOD, "expected ids that are text or whole numbers, found 1.5"),
        (True, 0, GOOD, r"found True \(true or false\)"),
        (None, 0, GOOD, "found None"),
        (2**80, 0, GOOD, "more than 18 digits"),
        ("a", -1, GOOD, "a: expected frames from 0 to"),
        ("a", 0.0, GOOD, "expected frames that are whole numbers"),
        ("a", 0, [], r"expected boxes of shape \(N, 4\)"),
        ("a", 0, [1, 2, 3, 4], r"found a numpy array of shape \(4,\)"),
        ("a", 0, [["x"] * 4], r"expected boxes of shape \(N, 4\)"),
        ("a", 0, [[1, 2, 3, 4], [float("nan")] * 4], "leave out the frames"),
        ("a", 0, [[float("nan")] * 4, [1, 2, 3, 4]], "leave out the frames"),
    ],
)
def test_tracklet_that_makes_no_sense_is_refused(id_: Any, start: Any, boxes: Any, match: str):
    with pytest.raises(TrackingError, match=match):
        Tracklet(id_, start, boxes)


def good(n: int = 5) -> dict[int, Any]:
    return {f: [1, 2, 3, 4] for f in range(n)}


WRONG_BOXES = [
    ([1, 2, 3], "a list of 3"),
    ([1, 2, 3, 4, 5], "a list of 5"),
    ([], "a list of 0"),
    ((1, 2, 3), "a tuple of 3"),
    (np.zeros(3), "a list of 3"),
    (np.zeros((2, 2)), r"array of shape \(2, 2\) and dtype float64; key points"),
    (np.zeros(()), r"array of shape \(\)"),
    (np.array([1, 2, 3, None], object), "None in it"),
    (np.array(["1", "2", "3", "4"]), r"'1' \(text\) in it"),
    (np.array([1, 2, 3, 4j]), "in it"),
    (np.array([True, False, True, True]), r"True \(true or false\) in it"),
    ([[1, 2], [3, 4]], "a list of 2; key points"),
    ([1, 2, 3, [4]], "key points"),
    ([1, 2, 3, None], "None in it"),
    ([1, 2, 3, "4"], r"'4' \(text\) in it"),
    ([1, 2, 3, 4j], "4j"),
    ([1, 2, 3, True], "True"),
    ([1, 2, 3, 10**400], "more than 18 digits"),
    ([1, 2, 3, 2**53 + 1], "9007199254740993"),
    ([-(2**53) - 1, 2, 1e300, 4], "-9007199254740993"),
    ("1 2 3 4", "text"),
    ("abcd", "text"),
    (b"abcd", "bytes"),
    ({1, 2, 3, 4}, "type set"),
    ({0: 1, 1: 2, 2: 3, 3: 4}, "a dictionary of 4"),
    (None, "None"),
    (7, "7"),
    ("two\nlines" * 50, "text"),
]


@pytest.mark.parametrize(("wrong", "match"), WRONG_BOXES)
@pytest.mark.parametrize("other", [list, np.array])
def test_box_of_other_than_four_numbers_is_refused(wrong: Any, match: str, other: Any):
    boxes = {frame: other(row) for frame, row in good().items()} | {3: wrong}
    with pytest.raises(TrackingError, match=rf"^male, frame 3: expected a box of 4 numbers .*{match}") as caught:
        Tracking.from_boxes({"female": good(), "male": boxes})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        (1.0, r"whole numbers, found 1.0"),
        (np.float64(77), "whole numbers, found 77.0"),
        ("7", r"whole numbers, found '7' \(text\)"),
        (True, "whole numbers, found True"),
        (np.True_, "whole numbers, found True"),
        (None, "whole numbers, found None"),
        ((7, 8), "whole numbers, found a tuple of 2"),
        (np.timedelta64(7, "s"), "whole numbers, found 7 seconds"),
        (-1, "from 0 to 100000000, found -1"),
        (np.int64(-5), "found -5"),
        (10**8 + 1, "found 100000001"),
        (10**12, "found 1000000000000"),
        pytest.param(10**5000, "more than 18 digits", id="endless"),
    ],
)
def test_wrong_frame_is_refused_with_its_id(frame: Any, match: str):
    boxes = {f: [1, 2, 3, 4] for f in (5, 6)} | {frame: [1, 2, 3, 4]}
    with pytest.raises(TrackingError, match=f"^male: expected frames .*{match}.*number the frames"):
        Tracking.from_boxes({"male": boxes})


def test_far_lone_frame_is_refused_before_memory():
    began = time.process_time()
    with pytest.raises(TrackingError, match=r"lie 90000001 frames apart, out of proportion to the 2 boxes"):
        Tracking.from_boxes({"a": {0: [1, 2, 3, 4], 90_000_000: [1, 2, 3, 4]}})
    assert time.process_time() - began < 1


def test_late_frames_alone_take_no_memory():
    assert Tracklet.from_boxes("a", {99_000_000: [1, 2, 3, 4]}).boxes.shape == (1, 4)


@pytest.mark.parametrize(
    ("boxes", "match"),
    [
        ({}, "at least one individual"),
        ([], "found a list of 0"),
        ({"a": {}}, "^a: expected .* at least one frame, found a dictionary of 0"),
        ({"a": [[1, 2, 3, 4]]}, "^a: .* found a list of 1"),
        ({"a": None}, "found None"),
        ({2.0: good()}, "ids that are text or whole numbers, found 2.0"),
        ({True: good()}, "found True"),
        ({(1, 2): good()}, "found a tuple of 2"),
        ({b"a": good()}, "something of type bytes"),
        ({"a\nb": None}, r"^'a\\nb': expected"),
        ({"\udc80": None}, r"^'\\udc80': expected"),
    ],
)
def test_tracking_of_other_things_is_refused(boxes: Any, match: str):
    with pytest.raises(TrackingError, match=match) as caught:
        Tracking.from_boxes(boxes)
    assert str(caught.value).isprintable()


def test_tracking_keeps_order_and_type_of_ids():
    tracking = Tracking.from_boxes({"b": good(), 1: good(), "1": good(), np.int64(7): good(), np.str_("a"): good()})
    assert [(type(i), i) for i in tracking] == [(str, "b"), (int, 1), (str, "1"), (int, 7), (str, "a")]
    assert tracking[1] is not tracking["1"]
    assert tracking["1"].id == "1"
    assert len(tracking) == 5
    assert "2" not in tracking


def test_tracking_with_the_same_id_twice_is_refused():
    tracklet = Tracklet("a", 0, np.array(GOOD))
    with pytest.raises(TrackingError, match=r"^a: two individuals have this id"):
        Tracking([tracklet, tracklet])


def test_select_keeps_the_order_given():
    tracking = Tracking.from_boxes({"a": good(), 1: good(), "c": good()})
    assert list(tracking.select(["c", 1])) == ["c", 1]
    assert tracking.select(["c"])["c"] is tracking["c"]


@pytest.mark.parametrize(
    ("ids", "match"),
    [
        (["a", "1"], r"^no individual '1' in the tracking; it has 'a', 1, 'c'$"),
        ([], "^no individual was chosen; the tracking has 'a', 1, 'c'$"),
        (["a", "a"], "^a: two individuals"),
    ],
)
def test_select_of_missing_id_lists_what_exists(ids: list[Any], match: str):
    with pytest.raises(TrackingError, match=match):
        Tracking.from_boxes({"a": good(), 1: good(), "c": good()}).select(ids)


def test_facts_can_be_written_as_json():
    tracking = Tracking.from_boxes({"a": {2: [1, 2, 3, 4], 6: [1, 2, 3, 4]}, 1: good()})
    assert json.loads(json.dumps(tracking.facts())) == {
        "individuals": [
            {"id": "a", "first_frame": 2, "last_frame": 6, "missing_frames": 3},
            {"id": 1, "first_frame": 0, "last_frame": 4, "missing_frames": 0},
        ]
    }


@pytest.mark.parametrize(
    ("ranges", "text"),
    [
        ([(5, 6)], "frame 5"),
        ([(1007, 1008), (1010, 1022)], "frames 1007, 1010-1021"),
        (
            [(i, i + 2) for i in range(0, 80, 10)],
            "frames 0-1, 10-11, 20-21, 30-31, 40-41, 50-51 and 2 more ranges (16 frames in all)",
        ),
    ],
)
def test_frames_are_spelt_as_ranges_and_shortened(ranges: list[tuple[int, int]], text: str):
    assert format_frames(ranges) == text


@pytest.mark.parametrize("convert", [lambda b: b.tolist(), tuple, lambda b: b.astype(int).tolist(), np.copy])
def test_hundred_thousand_boxes_are_taken_fast(convert: Any):
    rows = np.random.default_rng(0).uniform(0, 100, (100_000, 4))
    boxes = {frame: convert(row) for frame, row in enumerate(rows)}
    began = time.process_time()
    Tracklet.from_boxes("a", boxes)
    assert time.process_time() - began < 1
