"""Corrections around key frames, against boxes counted out by hand."""

import numpy as np
import pytest

from napari_i3d.errors import TrackingError
from napari_i3d.tracking.editing.box_edits import DeleteBoxes, Interpolate
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.editing.key_frames import (
    copy_of_box,
    interpolations,
    key_frame_beside,
    leaving,
    middle_key_frame,
    next_id,
)
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES = 40


def drawn(*frames: int) -> TrackingEditor:
    """A new individual with boxes drawn in some frames; the left side is the number of the frame."""
    editor = TrackingEditor()
    for frame in frames:
        editor.set_box(1, frame, box(frame))
    return editor


def tracked() -> TrackingEditor:
    boxes = np.array([box(frame) for frame in range(FRAMES)])
    return TrackingEditor(Tracking([Tracklet("a", 0, boxes)]))


def box(left: float) -> list[float]:
    return [left, 5.0, left + 10, 25.0]


def do(editor: TrackingEditor, edits) -> None:
    with editor.group():
        for edit in edits:
            editor.do(edit)


def test_next_and_previous_key_frames_are_those_drawn():
    editor = drawn(3, 10, 30)
    assert key_frame_beside(editor, 1, 10, 1) == 30
    assert key_frame_beside(editor, 1, 10, -1) == 3
    assert key_frame_beside(editor, 1, 12, -1) == 10
    for frame, step in ((30, 1), (3, -1)):
        with pytest.raises(TrackingError, match="no key frame"):
            key_frame_beside(editor, 1, frame, step)


def test_middle_key_frame_is_furthest_from_any():
    editor = drawn(0, 4, 20, 26)
    middle = middle_key_frame(editor, 1)
    keys = editor.key_frames(1)
    distance = {frame: abs(keys - frame).min() for frame in range(27)}
    assert distance[middle] == max(distance.values())
    with pytest.raises(TrackingError, match="frames between them"):
        middle_key_frame(drawn(4, 5), 1)


def test_both_sides_of_a_key_frame_are_one_step():
    editor = drawn(0, 10, 30)
    steps = editor.history.position
    do(editor, interpolations(editor, 1, 10))
    assert editor.history.position == steps + 1
    np.testing.assert_allclose(editor.tracking[1].boxes, [box(frame) for frame in range(31)], atol=1e-12)
    np.testing.assert_array_equal(editor.key_frames(1), [0, 10, 30])
    editor.undo()
    assert editor.tracking[1].present.sum() == 3


def test_one_side_leaves_the_other_alone():
    editor = drawn(0, 10, 30)
    assert interpolations(editor, 1, 10, after=False) == [Interpolate(1, 0, 11)]
    assert interpolations(editor, 1, 10, before=False) == [Interpolate(1, 10, 31)]
    assert interpolations(editor, 1, 30) == [Interpolate(1, 10, 31)]


def test_frame_that_is_no_key_frame_is_interpolated_too():
    editor = drawn(0, 10, 30)
    assert interpolations(editor, 1, 20) == [Interpolate(1, 10, 31)]
    with pytest.raises(TrackingError, match="expected a box in frame 20"):
        interpolations(editor, 1, 20, after=False)


def test_correction_of_tracked_boxes_reaches_the_key_frames_beside_it():
    editor = tracked()
    with pytest.raises(TrackingError, match="expected a key frame before or after frame 20"):
        interpolations(editor, "a", 20)
    for frame in (5, 20):
        editor.set_box("a", frame, box(100 + frame))
    do(editor, interpolations(editor, "a", 20))
    lefts = editor.tracking["a"].boxes[:, 0]
    np.testing.assert_allclose(lefts, [*range(5), *range(105, 121), *range(21, FRAMES)])


def test_gap_beside_the_frame_is_filled_to_its_other_end():
    editor = tracked()
    editor.set_box("a", 2, box(2))
    editor.delete_boxes("a", 10, 20)
    editor.set_box("a", 15, box(50))
    assert interpolations(editor, "a", 15) == [Interpolate("a", 9, 16), Interpolate("a", 15, 21)]


def test_neighboring_key_frames_leave_nothing_to_interpolate():
    with pytest.raises(TrackingError, match="frames between"):
        interpolations(drawn(4, 5, 6), 1, 5)


def test_leaving_stops_at_the_next_key_frame():
    editor = tracked()
    assert leaving(editor, "a", 7) == DeleteBoxes("a", 7)
    editor.set_box("a", 30, box(0))
    assert leaving(editor, "a", 7) == DeleteBoxes("a", 7, 30)
    assert leaving(editor, "a", 30) == DeleteBoxes("a", 30)


def test_box_is_copied_from_beside_or_from_the_nearest():
    editor = tracked()
    assert copy_of_box(editor, "a", 12, -1).box == tuple(box(11))
    assert copy_of_box(editor, "a", 12, 1).box == tuple(box(13))
    editor.delete_boxes("a", 10, 20)
    with pytest.raises(TrackingError, match="expected a box in frame 14"):
        copy_of_box(editor, "a", 15, -1)
    assert copy_of_box(editor, "a", 15, -1, nearest=True).box == tuple(box(9))
    assert copy_of_box(editor, "a", 15, 1, nearest=True).box == tuple(box(20))
    with pytest.raises(TrackingError, match="before frame 0"):
        copy_of_box(editor, "a", 0, -1, nearest=True)


def test_unknown_individual_is_refused_by_name():
    for call in (
        lambda editor: interpolations(editor, "b", 3),
        lambda editor: leaving(editor, "b", 3),
        lambda editor: copy_of_box(editor, "b", 3, -1),
        lambda editor: middle_key_frame(editor, "b"),
    ):
        with pytest.raises(TrackingError, match="no individual b"):
            call(tracked())


@pytest.mark.parametrize(
    ("ids", "following"),
    [
        ([], 1),
        ([0, 7, 3], 8),
        (["male", "female"], "individual_3"),
        (["mouse1", "mouse2"], "mouse3"),
        (["mouse01", "mouse10", "mouse09"], "mouse11"),
        (["individual_3", "x"], "individual_4"),
        ([2**63 - 1, 0], 1),
    ],
)
def test_next_id_is_free_and_like_the_others(ids, following):
    assert next_id(ids) == following
    assert next_id(ids) not in ids


def test_key_frames_of_all_are_known_by_frame():
    editor = tracked()
    assert editor.set_by_hand(3) == frozenset()
    editor.set_box("a", 3, box(3))
    editor.set_box("b", 3, box(3))
    editor.set_box("b", 4, box(3))
    assert editor.set_by_hand(3) == {"a", "b"}
    assert editor.set_by_hand(4) == {"b"}
    editor.rename("b", "c")
    assert editor.set_by_hand(4) == {"c"}
    editor.undo()
    editor.undo()
    assert editor.set_by_hand(4) == frozenset()
