"""Fixes of planted faults give the boxes without them; all that is offered can be done."""

from typing import Any

import numpy as np
import pytest

from napari_i3d import Tracking, TrackingEditor, check_tracking
from napari_i3d.tracking.checks import Problem, ProblemKind
from napari_i3d.tracking.editing.fixes import fixes_for

SHAPE = (100, 200, 300, 3)
"""Frames, height, width."""


def walks() -> dict[str, dict[int, list[float]]]:
    """Two animals that move slowly and evenly, far from each other."""
    return {
        "male": {f: [50 + f / 4, 40, 80 + f / 4, 70] for f in range(100)},
        "female": {f: [200 - f / 4, 120, 230 - f / 4, 150] for f in range(100)},
    }


def exactly(one: Tracking, other: Tracking) -> None:
    assert list(one) == list(other)
    for x, y in zip(one.values(), other.values(), strict=True):
        assert (x.start, x.present.tolist()) == (y.start, y.present.tolist())
        np.testing.assert_allclose(x.boxes, y.boxes, rtol=1e-12)


def first_problem(boxes: dict[Any, Any], kind: str) -> tuple[TrackingEditor, Problem]:
    editor = TrackingEditor(Tracking.from_boxes(boxes))
    return editor, next(p for p in check_tracking(editor.tracking, SHAPE) if p.kind == kind)


def apply(boxes: dict[Any, Any], kind: str, name: str) -> tuple[TrackingEditor, str]:
    """Apply the first fix of a name to the first problem of a kind; it must be one step."""
    editor, problem = first_problem(boxes, kind)
    first = editor.tracking
    fix = next(fix for fix in fixes_for(problem, first, SHAPE) if fix.name == name)
    fix.apply(editor)
    assert editor.undo() == fix.words
    exactly(editor.tracking, first)
    editor.redo()
    return editor, fix.words


def names(boxes: dict[Any, Any], kind: str) -> list[str]:
    editor, problem = first_problem(boxes, kind)
    return [fix.name for fix in fixes_for(problem, editor.tracking, SHAPE)]


def kinds(editor: TrackingEditor) -> set[str]:
    return {problem.kind.value for problem in check_tracking(editor.tracking, SHAPE)}


def swapped(start: int, stop: int) -> dict[str, dict[int, list[float]]]:
    boxes = walks()
    for frame in range(start, stop):
        boxes["male"][frame], boxes["female"][frame] = boxes["female"][frame], boxes["male"][frame]
    return boxes


def test_gap_is_interpolated():
    boxes = walks()
    for frame in range(30, 40):
        del boxes["male"][frame]
    assert names(boxes, "gap") == ["interpolate", "split"]
    editor, words = apply(boxes, "gap", "interpolate")
    assert words == "interpolate the boxes of male in frames 30 to 39"
    exactly(editor.tracking, Tracking.from_boxes(walks()))


def test_gap_is_split():
    boxes = walks()
    del boxes["male"][30]
    editor, _ = apply(boxes, "gap", "split")
    assert [(t.id, t.start, t.stop) for t in editor.tracking.values()] == [
        ("male", 0, 30),
        ("female", 0, 100),
        ("male_2", 31, 100),
    ]
    assert kinds(editor) == set()


@pytest.mark.parametrize("stop", [100, 70, 32, 31])
def test_swapped_identities_are_swapped_back(stop: int):
    editor, words = apply(swapped(30, stop), "jump", "swap")
    assert words == f"swap male and female in frame{f's 30 to {stop - 1}' if stop > 31 else ' 30'}"
    exactly(editor.tracking, Tracking.from_boxes(walks()))


def test_jump_to_where_nobody_is_offers_no_swap():
    boxes = walks()
    boxes["male"][30] = [250, 10, 280, 40]
    assert names(boxes, "jump") == ["interpolate", "split"]
    editor, _ = apply(boxes, "jump", "interpolate")
    exactly(editor.tracking, Tracking.from_boxes(walks()))


def test_jump_for_good_is_split():
    boxes = walks()
    for frame in range(60, 100):
        boxes["male"][frame] = [250, 10, 280, 40]
    assert names(boxes, "jump") == ["split"]
    editor, words = apply(boxes, "jump", "split")
    assert words == "split male at frame 60: from there on it is male_2"
    assert kinds(editor) == set()


def test_box_partly_outside_is_clipped():
    boxes = walks()
    for frame in range(100):
        boxes["male"][frame] = [-10, 40, 20, 70]
    assert names(boxes, "outside")[0] == "clip"
    editor, _ = apply(boxes, "outside", "clip")
    assert np.unique(editor.tracking["male"].boxes, axis=0).tolist() == [[0, 40, 20, 70]]


def test_box_wholly_outside_is_interpolated_or_deleted():
    boxes = walks()
    boxes["male"][30] = [400, 40, 430, 70]
    assert names(boxes, "outside") == ["interpolate", "delete"]
    editor, words = apply(boxes, "outside", "delete")
    assert words == "delete the box of male in frame 30"
    assert editor.tracking["male"].gaps == ((30, 31),)
    exactly(apply(boxes, "outside", "interpolate")[0].tracking, Tracking.from_boxes(walks()))


def test_inverted_box_is_turned():
    boxes = walks()
    for frame in (30, 31, 32):
        left, upper, right, lower = boxes["male"][frame]
        boxes["male"][frame] = [right, upper, left, lower]
    editor, _ = apply(boxes, "inverted", "turn")
    exactly(editor.tracking, Tracking.from_boxes(walks()))


@pytest.mark.parametrize(("box", "kind"), [([float("inf"), 1, 2, 3], "not-a-number"), ([50.1, 40, 50.9, 70], "empty")])
def test_useless_box_is_interpolated(box: list[float], kind: str):
    boxes = walks()
    boxes["female"][30] = box
    assert names(boxes, kind) == ["interpolate", "delete"]
    exactly(apply(boxes, kind, "interpolate")[0].tracking, Tracking.from_boxes(walks()))


def test_boxes_beyond_the_video_are_deleted():
    boxes = walks()
    boxes["male"] |= dict.fromkeys(range(100, 120), boxes["male"][99])
    editor, _ = apply(boxes, "beyond-video", "delete")
    exactly(editor.tracking, Tracking.from_boxes(walks()))


def test_short_tracklet_is_deleted_or_merged_into_the_nearest():
    boxes = walks()
    boxes[7] = {f: boxes["female"].pop(f) for f in range(95, 100)}
    for frame in range(95, 100):
        del boxes["male"][frame]
    assert names(boxes, "short") == ["delete", "merge", "merge"]
    editor, words = apply(boxes, "short", "merge")
    assert words == "merge 7 into female"
    assert editor.tracking["female"].boxes.tolist() == list(walks()["female"].values())
    editor, _ = apply(boxes, "short", "delete")
    assert list(editor.tracking) == ["male", "female"]


def test_short_tracklet_is_merged_into_no_one_with_boxes_there():
    boxes = walks() | {7: {f: [1, 1, 9, 9] for f in range(95, 100)}}
    assert names(boxes, "short") == ["delete"]


@pytest.mark.parametrize("seed", range(40))
def test_every_fix_that_is_offered_can_be_done(seed: int):
    rng = np.random.default_rng(seed)
    boxes: dict[Any, Any] = {}
    for name in ("a", 1, "1", "b"):
        n, start = int(rng.integers(1, 40)), int(rng.integers(0, 90))
        rows = rng.uniform(0, 200, 2) + np.cumsum(rng.normal(0, 1, (n, 2)), axis=0)
        rows = np.hstack([rows, rows + 20])
        for _ in range(int(rng.integers(0, 12))):
            rows[rng.integers(n), rng.integers(4)] += rng.choice([-40, 100, -1000, 19.9, np.nan, np.inf])
        boxes[name] = {start + row: rows[row].tolist() for row in range(n) if rng.random() > 0.1 or not row}
    tracking = Tracking.from_boxes(boxes)
    for problem in check_tracking(tracking, SHAPE):
        fixes = fixes_for(problem, tracking, SHAPE)
        assert fixes or problem.kind in (ProblemKind.JUMP, ProblemKind.SIZE_CHANGE)
        assert len(set(fixes)) == len(fixes)
        for fix in fixes:
            editor = TrackingEditor(tracking)
            fix.apply(editor)
            assert editor.can_undo
            if fix.name in ("delete", "turn", "split") and problem.kind is not ProblemKind.SIZE_CHANGE:
                left = check_tracking(editor.tracking, SHAPE)
                assert (problem.id, problem.kind, problem.frame) not in [(p.id, p.kind, p.frame) for p in left]


def test_problem_that_is_no_longer_there_has_no_fixes():
    boxes = walks()
    del boxes["male"][30]
    editor, problem = first_problem(boxes, "gap")
    editor.delete("male")
    assert fixes_for(problem, editor.tracking, SHAPE) == ()
