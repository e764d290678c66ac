"""Corrections as a user chooses them, against boxes in plain dictionaries."""

import numpy as np
import pytest

from napari_i3d.errors import TrackingError
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.editing.scopes import (
    Command,
    IdentityChoice,
    Scope,
    editable_id,
    mark_end,
    mark_start,
    others_nearby,
    parse_id,
)
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAME, SPAN, LAST = 12, (5, 9), 29


def standing(individual, x: float, start: int = 0, stop: int = LAST + 1) -> Tracklet:
    frames = np.arange(start, stop)
    return Tracklet(individual, start, np.stack([x + frames, frames, x + frames + 5, frames + 5], axis=1).astype(float))


def boxes_of(tracking: Tracking) -> dict:
    return {
        one: {t.start + row: tuple(t.boxes[row]) for row in np.flatnonzero(t.present).tolist()}
        for one, t in tracking.items()
    }


def frames_of(scope: Scope) -> set[int]:
    return {
        Scope.ONWARD: set(range(FRAME, LAST + 1)),
        Scope.FRAME: {FRAME},
        Scope.UP_TO: set(range(FRAME + 1)),
        Scope.SPAN: set(range(*SPAN)),
    }[scope]


@pytest.mark.parametrize("scope", Scope)
def test_swap_gift_and_deletion_keep_to_their_frames(scope):
    tracking = Tracking([standing("a", 0), standing(1, 50)])
    before = boxes_of(tracking)
    a, one, frames = before["a"], before[1], frames_of(scope)

    def after(choice: IdentityChoice) -> dict:
        editor = TrackingEditor(tracking)
        editor.do(choice.edit(FRAME, SPAN))
        return boxes_of(editor.tracking)

    rest = {frame: box for frame, box in a.items() if frame not in frames}
    assert after(IdentityChoice(Command.SWAP, "a", 1, scope)) == {
        "a": {frame: (one if frame in frames else a)[frame] for frame in a},
        1: {frame: (a if frame in frames else one)[frame] for frame in a},
    }
    assert after(IdentityChoice(Command.ASSIGN, "a", "new", scope)) == {
        "a": rest,
        1: one,
        "new": {frame: a[frame] for frame in sorted(frames)},
    }
    assert after(IdentityChoice(Command.ASSIGN, "a", 1, scope, replace=True)) == {
        "a": rest,
        1: {frame: (a if frame in frames else one)[frame] for frame in a},
    }
    assert after(IdentityChoice(Command.DELETE_BOXES, "a", scope=scope)) == {"a": rest, 1: one}


def test_other_commands_take_the_whole_individual():
    tracking = Tracking([standing("a", 0, 0, 10), standing("b", 50, 15)])
    a, b = boxes_of(tracking).values()

    def after(choice: IdentityChoice) -> dict:
        editor = TrackingEditor(tracking)
        editor.do(choice.edit(6, SPAN))
        return boxes_of(editor.tracking)

    assert after(IdentityChoice(Command.MERGE, "a", "b")) == {"b": a | b}
    assert after(IdentityChoice(Command.RENAME, "a", 7)) == {7: a, "b": b}
    assert after(IdentityChoice(Command.DELETE, "a", scope=Scope.FRAME)) == {"b": b}
    pieces = [{frame: box for frame, box in a.items() if (frame < 6) is early} for early in (True, False)]
    assert after(IdentityChoice(Command.SPLIT, "a")) == {"a": pieces[0], "b": b, "a_2": pieces[1]}


@pytest.mark.parametrize(
    "choice",
    [
        IdentityChoice(Command.SWAP, "a", "b", Scope.SPAN),
        IdentityChoice(Command.MERGE, "a"),
        IdentityChoice(Command.RENAME, "a", "a"),
    ],
)
def test_missing_span_or_individual_is_named(choice):
    with pytest.raises(TrackingError, match="found none"):
        choice.edit(3)


def test_nearest_of_the_frame_come_first():
    tracking = Tracking([standing("far", 90), standing("me", 0), standing("gone", 1, 0, 10), standing("near", 30)])
    assert others_nearby(tracking, "me", 20) == ["near", "far", "gone"]
    assert others_nearby(tracking, "me", 20, absent_first=True) == ["gone", "near", "far"]
    assert others_nearby(tracking, "me", 5) == ["gone", "near", "far"]


def test_marks_move_the_ends_of_a_span():
    assert mark_start(None, 7) == (7, 8)
    assert mark_end((7, 8), 20) == (7, 21)
    assert mark_start((7, 21), 10) == (10, 21)
    assert mark_start((7, 21), 30) == (30, 31)
    assert mark_end((7, 21), 3) == (3, 4)
    assert mark_end(None, 9) == (9, 10)


@pytest.mark.parametrize("ids", [[1, 2], ["1", "2"], [1, "1", "a"], ["a b", "'1'", "", "007", -3]])
def test_ids_survive_their_text(ids):
    for one in ids:
        found = parse_id(editable_id(one, ids), ids)
        assert (found, type(found)) == (one, type(one))


def test_numbers_are_text_among_text_or_in_quotes():
    assert parse_id(" 12 ", [1, "a"]) == 12
    assert parse_id("'12'", [1, "a"]) == "12"
    assert parse_id("12", ["1", "2"]) == "12"
    assert parse_id("012", [1]) == "012"
