"""Boxes of key points against a plain computation for each frame, and against values worked out by hand."""

import json
import math

import numpy as np
import pytest

from napari_i3d.errors import SettingsError, TrackingError
from napari_i3d.tracking.gaps import resolve_gaps
from napari_i3d.tracking.keypoint_boxes import keypoints_to_boxes
from napari_i3d.tracking.keypoints import CENTROID, KeypointBoxes, Keypoints, KeypointTracklet


def one(
    points: list, confidence: list | None = None, start: int = 0, names: tuple[str, ...] | None = None
) -> Keypoints:
    array = np.array(points, np.float64)
    likelihood = np.ones(array.shape[:2]) if confidence is None else np.array(confidence, np.float64)
    names = names or tuple(f"p{k}" for k in range(array.shape[1]))
    return Keypoints(names, (KeypointTracklet("a", start, array, likelihood),))


def box(choices: KeypointBoxes, points: list, confidence: list | None = None) -> list[float]:
    return keypoints_to_boxes(one([points], confidence and [confidence]), choices)["a"].boxes[0].tolist()


THREE = [[10, 20], [30, 24], [14, 60]]


def test_box_is_extent_and_margin():
    assert box(KeypointBoxes(margin=0), THREE) == [10, 20, 30, 60]
    assert box(KeypointBoxes(margin=0.25), THREE) == [0, 10, 40, 70]
    assert box(KeypointBoxes(), THREE) == [2, 12, 38, 68]


def test_square_lies_around_mean():
    assert box(KeypointBoxes(size_px=30), THREE) == pytest.approx([3, 59 / 3 + 0, 33, 59 / 3 + 30])


def test_uncertain_points_do_not_count():
    assert box(KeypointBoxes(margin=0), THREE, [0.5, 0.9, 0.49]) == [10, 20, 30, 24]
    assert box(KeypointBoxes(margin=0, min_confidence=0.95), THREE, [0.96, 0.9, 0.97]) == [10, 20, 14, 60]


def test_chosen_keypoints_alone_count():
    assert box(KeypointBoxes(margin=0, keypoints=("p2", "p1")), THREE) == [14, 24, 30, 60]


def test_unknown_keypoint_is_named_with_known():
    with pytest.raises(TrackingError, match=r"no key point ear in the file; it has p0, p1, p2"):
        box(KeypointBoxes(keypoints=("p1", "ear")), THREE)


def test_frames_keep_their_numbers_and_gaps():
    nan = math.nan
    points = [
        [[nan, nan], [nan, nan]],
        [[0, 0], [10, 10]],
        [[nan, 3], [10, 10]],
        [[math.inf, 3], [10, 10]],
        [[4, 4], [14, 14]],
        [[1, 1], [nan, nan]],
    ]
    tracklet = keypoints_to_boxes(one(points, start=100), KeypointBoxes(margin=0))["a"]
    assert (tracklet.start, tracklet.stop, tracklet.gaps) == (101, 105, ((102, 104),))
    filled = keypoints_to_boxes(one(points, start=100), KeypointBoxes(margin=0, max_gap_frames=2))["a"]
    assert filled.gaps == ()
    np.testing.assert_allclose(filled.boxes[1:3, 0], [4 / 3, 8 / 3])
    assert keypoints_to_boxes(one(points), KeypointBoxes(max_gap_frames=1))["a"].gaps == ((2, 4),)


def test_single_keypoint_needs_a_size():
    alone = one([[[5, 5]]], names=CENTROID)
    with pytest.raises(TrackingError, match=r"size_px, about 1\.5 times the length"):
        keypoints_to_boxes(alone, KeypointBoxes())
    known = Keypoints(CENTROID, alone.tracklets, 40.0)
    with pytest.raises(TrackingError, match=r"such as size_px=60 \(1.5 times the body length of 40 px\)"):
        keypoints_to_boxes(known, KeypointBoxes())
    assert keypoints_to_boxes(known, KeypointBoxes(size_px=8))["a"].boxes.tolist() == [[1, 1, 9, 9]]


def test_more_points_asked_than_there_are():
    with pytest.raises(TrackingError, match="min_keypoints is 4, but only 3"):
        box(KeypointBoxes(min_keypoints=4), THREE)


def test_individual_without_box_is_noted():
    far = one([THREE]).tracklets[0]
    lost = KeypointTracklet("b", 0, far.points, far.confidence * 0)
    tracking = keypoints_to_boxes(Keypoints(("p0", "p1", "p2"), (far, lost)), KeypointBoxes(), "made-up")
    assert list(tracking) == ["a"]
    assert tracking.origin is not None
    assert tracking.origin.notes == ("left out, without frames with 2 key points of confidence 0.5 or more: b",)
    with pytest.raises(TrackingError, match="lower min_confidence"):
        keypoints_to_boxes(Keypoints(("p0", "p1", "p2"), (lost,)), KeypointBoxes())


@pytest.mark.parametrize(
    "choices",
    [
        KeypointBoxes(),
        KeypointBoxes(size_px=55.5, min_keypoints=1),
        KeypointBoxes(margin=0.1, min_confidence=0.8, min_keypoints=3, keypoints=("p3", "p0", "p4")),
    ],
)
def test_many_rows_agree_with_single_frames(choices: KeypointBoxes):
    rng = np.random.default_rng(5)
    points = rng.normal(300, 100, (20_000, 5, 2))
    points[rng.random((20_000, 5)) < 0.2] = np.nan
    confidence = rng.random((20_000, 5))
    tracklet = keypoints_to_boxes(one(points, confidence), choices)["a"]
    columns = [0, 3, 4] if choices.keypoints else range(5)
    for frame in range(20_000):
        counted = [
            points[frame, k]
            for k in columns
            if confidence[frame, k] >= choices.min_confidence and points[frame, k, 0] > -1e9
        ]
        row = frame - tracklet.start
        if len(counted) < choices.min_keypoints:
            assert not 0 <= row < len(tracklet) or not tracklet.present[row]
            continue
        if choices.size_px:
            x, y = np.mean(counted, axis=0)
            right = [x - choices.size_px / 2, y - choices.size_px / 2, x + choices.size_px / 2, y + choices.size_px / 2]
        else:
            (left, upper), (r, lower) = np.min(counted, axis=0), np.max(counted, axis=0)
            by = choices.margin * max(r - left, lower - upper)
            right = [left - by, upper - by, r + by, lower + by]
        np.testing.assert_allclose(tracklet.boxes[row], right, rtol=1e-12)


def test_origin_stays_in_facts_and_selections():
    two = one([THREE, [[np.nan, np.nan]] * 3, THREE])
    tracking = keypoints_to_boxes(two, KeypointBoxes(size_px=20, keypoints=("p0", "p1")), "made-up")
    facts = json.loads(json.dumps(tracking.facts()))
    assert facts["origin"]["format"] == "made-up"
    assert facts["origin"]["keypoint_boxes"]["size_px"] == 20
    assert facts["origin"]["keypoint_boxes"]["keypoints"] == ["p0", "p1"]
    for derived in (tracking.select(["a"]), resolve_gaps(tracking, "split"), resolve_gaps(tracking, "interpolate")):
        assert derived.origin == tracking.origin


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("margin", -0.1),
        ("margin", math.nan),
        ("size_px", 0),
        ("size_px", "4"),
        ("min_confidence", math.inf),
        ("min_keypoints", 0),
        ("min_keypoints", 1.5),
        ("max_gap_frames", -1),
        ("keypoints", "nose"),
        ("keypoints", ()),
    ],
)
def test_choice_out_of_range_is_refused(name: str, value: object):
    with pytest.raises(SettingsError, match=f"^{name}: expected "):
        KeypointBoxes(**{name: value})
