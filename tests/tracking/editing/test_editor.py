"""Corrections by hand, against lists and dictionaries that are copied for every step."""
# ruff: noqa: A002

import contextlib
import copy
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from napari_i3d import TrackingEditor
from napari_i3d._utils.history import History
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.editing.box_edits import DeleteBoxes, Interpolate, SetBox
from napari_i3d.tracking.editing.identity_edits import Assign, Delete, Merge, Rename, Split, Swap
from napari_i3d.tracking.editing.tracking_change import TrackingChange
from napari_i3d.tracking.editing.tracking_edit import TrackingEdit
from napari_i3d.tracking.gaps import interpolate_gaps
from napari_i3d.tracking.keypoints import KeypointBoxes
from napari_i3d.tracking.origin import Origin
from napari_i3d.tracking.tracklets import Tracking, Tracklet

IDS = ["a", "b", 1, "1", 2, "new"]
SIZE = (60, 50)


class RefusedError(Exception):
    pass


class Model:
    """Slots [id, {frame: (box, set by hand)}] in the order in which the individuals came."""

    def __init__(self, tracking: dict[Any, dict[int, list[float]]]) -> None:
        self.slots = [
            [i, {f: (tuple(map(float, b)), False) for f, b in boxes.items()}] for i, boxes in tracking.items()
        ]

    def alive(self, individual: Any) -> dict[int, Any]:
        for slot in self.slots:
            if slot[0] == individual and slot[1]:
                return slot
        raise RefusedError

    def slot(self, individual: Any) -> list[Any]:
        try:
            return self.alive(individual)
        except RefusedError:
            gone = [slot for slot in self.slots if slot[0] == individual]
            if not gone:
                gone = [[individual, {}]]
                self.slots += gone
            return gone[-1]

    def stop(self, *individuals: Any) -> int:
        return max(max(self.alive(i)[1]) for i in individuals) + 1

    def set_box(self, id, frame, box):
        if not (all(map(math.isfinite, box)) and box[0] < box[2] and box[1] < box[3]):
            raise RefusedError
        self.slot(id)[1][frame] = (tuple(map(float, box)), True)

    def delete_boxes(self, id, start, stop=None):
        boxes = self.alive(id)[1]
        found = [f for f in boxes if start <= f < (self.stop(id) if stop is None else stop)]
        if not found:
            raise RefusedError
        for frame in found:
            del boxes[frame]

    def interpolate(self, id, start, stop):
        boxes = self.alive(id)[1]
        first, last = start, stop - 1
        if last - first < 2 or first not in boxes or last not in boxes:
            raise RefusedError
        one, other = boxes[first][0], boxes[last][0]
        if not all(map(math.isfinite, one + other)):
            raise RefusedError
        for frame in range(first + 1, last):
            share = (frame - first) / (last - first)
            boxes[frame] = (tuple(x + (y - x) * share for x, y in zip(one, other, strict=True)), False)

    def swap(self, a, b, start=0, stop=None):
        one, other = self.alive(a), self.alive(b)
        stop = self.stop(a, b) if stop is None else stop
        found = [f for f in {**one[1], **other[1]} if start <= f < stop]
        if one is other or not found:
            raise RefusedError
        for frame in found:
            x, y = one[1].pop(frame, None), other[1].pop(frame, None)
            one[1].update({} if y is None else {frame: y})
            other[1].update({} if x is None else {frame: x})

    def assign(self, id, to, start=0, stop=None, replace=False):
        one = self.alive(id)
        found = [f for f in one[1] if start <= f < (self.stop(id) if stop is None else stop)]
        other = self.slot(to)
        if not found or other is one or (not replace and other[1].keys() & set(found)):
            raise RefusedError
        for frame in found:
            other[1][frame] = one[1].pop(frame)

    def split(self, id, frame):
        boxes = self.alive(id)[1]
        if not min(boxes) < frame <= max(boxes):
            raise RefusedError
        names = {slot[0] for slot in self.slots}
        if isinstance(id, int):
            new = max(name for name in names if isinstance(name, int)) + 1
        else:
            new = next(f"{id}_{n}" for n in range(2, 100) if f"{id}_{n}" not in names)
        self.assign(id, new, frame)

    def merge(self, into, other, replace=False):
        self.alive(into)
        self.assign(other, into, 0, None, replace)

    def rename(self, id, new):
        slot = self.alive(id)
        if any(other[0] == new and other[1] for other in self.slots):
            raise RefusedError
        slot[0] = new

    def delete(self, id):
        self.alive(id)[1].clear()

    def clip(self, id, start, stop, size):
        boxes, changed = self.alive(id)[1], False
        for frame in [f for f in boxes if start <= f < stop]:
            box, hand = boxes[frame]
            if not all(map(math.isfinite, box)):
                continue
            new = tuple(min(max(s, 0), limit) for s, limit in zip(box, size * 2, strict=True))
            if int(new[2]) > int(new[0]) and int(new[3]) > int(new[1]) and new != box:
                boxes[frame], changed = (new, hand), True
        if not changed:
            raise RefusedError

    def turn(self, id, start, stop):
        boxes, changed = self.alive(id)[1], False
        for frame in [f for f in boxes if start <= f < stop]:
            (x1, y1, x2, y2), hand = boxes[frame]
            new = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
            if all(map(math.isfinite, (x1, y1, x2, y2))) and new != (x1, y1, x2, y2):
                boxes[frame], changed = (new, hand), True
        if not changed:
            raise RefusedError

    def content(self) -> list[Any]:
        return [[i, sorted((f, b) for f, (b, _) in boxes.items())] for i, boxes in self.slots if boxes]

    def hands(self) -> dict[Any, list[int]]:
        return {i: sorted(f for f, (_, hand) in boxes.items() if hand) for i, boxes in self.slots if boxes}


def content(tracking: Tracking) -> list[Any]:
    return [
        [
            i,
            [(t.start + row, tuple(t.boxes[row].tolist())) for row in np.flatnonzero(t.present).tolist()],
        ]
        for i, t in tracking.items()
    ]


def same(found: list[Any], expected: list[Any]) -> None:
    assert [(type(i), i) for i, _ in found] == [(type(i), i) for i, _ in expected]
    for (_, rows), (_, others) in zip(found, expected, strict=True):
        assert [f for f, _ in rows] == [f for f, _ in others]
        np.testing.assert_allclose([b for _, b in rows], [b for _, b in others], rtol=1e-12, atol=1e-9)


def exactly(one: Tracking, other: Tracking) -> None:
    assert [(type(i), i) for i in one] == [(type(i), i) for i in other]
    for x, y in zip(one.values(), other.values(), strict=True):
        assert (x.start, x.id, x.present.tolist()) == (y.start, y.id, y.present.tolist())
        assert x.boxes.tobytes() == y.boxes.tobytes()


def random_boxes(rng: np.random.Generator) -> dict[Any, dict[int, list[float]]]:
    """Up to four individuals with boxes of any kind: inverted, empty, outside, with sides that are no numbers."""
    boxes: dict[Any, dict[int, list[float]]] = {}
    for individual in rng.permutation(len(IDS))[: rng.integers(1, 5)]:
        frames = rng.permutation(16)[: rng.integers(1, 17)].tolist()
        boxes[IDS[individual]] = {frame: random_box(rng, any_kind=rng.random() < 0.5) for frame in frames}
    return boxes


def random_box(rng: np.random.Generator, any_kind: bool) -> list[float]:
    left, upper, width, height = (int(number) for number in rng.integers((-20, -20, 1, 1), (60, 60, 40, 40)))
    box = [left, upper + 0.25, left + width, upper + height + 0.5]
    if any_kind:
        box[rng.integers(4)] = [math.nan, math.inf, -0.0, -30, 70][rng.integers(5)]
    return box


def random_command(rng: np.random.Generator, editor: TrackingEditor) -> tuple[Any, ...]:
    """A command that mostly can be done."""
    some = list(editor.tracking) if rng.random() < 0.9 and editor.tracking else [*IDS, "a_2", 3]
    one, other = (some[index] for index in rng.integers(0, len(some), 2))
    new = [*IDS, "a_2", 3][rng.integers(len(IDS) + 2)]
    start = int(rng.integers(0, 18))
    stop = None if rng.random() < 0.2 else start + int(rng.integers(0, 12))
    end, replace = stop or start + 3, bool(rng.random() < 0.7)
    known = editor.tracking[one].present.nonzero()[0] + editor.tracking[one].start if one in editor.tracking else [0]
    ends = min(first := [int(rng.choice(known)) for _ in range(2)]), max(first) + 1
    return [
        ("set_box", new, start, random_box(rng, any_kind=rng.random() < 0.3)),
        ("set_box", one, start, random_box(rng, any_kind=False)),
        ("delete_boxes", one, start, stop),
        ("interpolate", one, *(ends if rng.random() < 0.7 else (start, end))),
        ("swap", one, other, start, stop),
        ("assign", one, other, start, stop, replace),
        ("assign", one, new, start, stop, replace),
        ("split", one, start),
        ("merge", one, other, replace),
        ("rename", one, new),
        ("delete", one) if rng.random() < 0.3 else ("set_box", one, start, random_box(rng, any_kind=False)),
        ("clip", one, start, end, SIZE),
        ("turn", one, start, end),
        ("undo",),
        ("undo",),
        ("redo",),
    ][rng.integers(16)]


def refused(name: str, arguments: tuple[Any, ...]) -> bool:
    """Whether the range is empty; the model does not look at it."""
    return (
        name in ("delete_boxes", "interpolate", "swap", "assign", "clip", "turn")
        and (values := dict(zip(FRAMES[name], arguments, strict=False)))["stop"] is not None
        and values["stop"] <= values["start"]
    )


FRAMES = dict.fromkeys(("delete_boxes", "interpolate", "clip", "turn"), ("id", "start", "stop")) | dict.fromkeys(
    ("swap", "assign"), ("a", "b", "start", "stop")
)


@pytest.mark.parametrize("seed", range(40))
def test_random_corrections_match_plain_dictionaries(seed: int):
    rng = np.random.default_rng(seed)
    boxes = random_boxes(rng)
    first = Tracking.from_boxes(boxes)
    editor, models, done = TrackingEditor(first), [Model(boxes)], 0
    states = [first]
    for _ in range(60):
        name, *arguments = random_command(rng, editor)
        if name in ("undo", "redo"):
            words = getattr(editor, name)()
            step = (-1 if done else 0) if name == "undo" else (1 if done + 1 < len(models) else 0)
            assert bool(words) == bool(step)
            done += step
            exactly(editor.tracking, states[done])
        else:
            model = copy.deepcopy(models[done])
            before, steps = editor.tracking, len(editor.history.steps)
            try:
                if refused(name, tuple(arguments)):
                    raise RefusedError
                getattr(model, name)(*arguments)
            except RefusedError:
                with pytest.raises(TrackingError):
                    getattr(editor, name)(*arguments)
                assert editor.tracking is before
                assert (len(editor.history.steps), editor.history.position) == (steps, done)
            else:
                getattr(editor, name)(*arguments)
                done += 1
                models[done:], states[done:] = [model], [editor.tracking]
        same(content(editor.tracking), models[done].content())
        assert {i: editor.key_frames(i).tolist() for i in editor.tracking} == models[done].hands()
        assert editor.edited == (done > 0)
        assert (editor.can_undo, editor.can_redo) == (done > 0, done + 1 < len(models))
    while editor.can_undo:
        editor.undo()
    exactly(editor.tracking, first)
    assert not editor.edited
    while editor.can_redo:
        editor.redo()
    exactly(editor.tracking, states[-1])


def two() -> TrackingEditor:
    """Two individuals of 20 frames, whose boxes tell individual and frame."""
    boxes = {
        name: {f: [f, place, f + 5, place + 5] for f in range(20)} for name, place in (("male", 0), ("female", 100))
    }
    return TrackingEditor(Tracking.from_boxes(boxes))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (SetBox("male", 5, (1, 2, 3, 4)), "set the box of male in frame 5"),
        (DeleteBoxes("male", 5, 6), "delete the box of male in frame 5"),
        (DeleteBoxes("male", 5), "delete the boxes of male in frames 5 to 19"),
        (Interpolate("male", 5, 9), "interpolate the boxes of male in frames 6 to 7"),
        (Swap("male", "female", 8, 15), "swap male and female in frames 8 to 14"),
        (Swap("male", "female", 8), "swap male and female in frames 8 to 19"),
        (Assign("male", "1", 0, 3), "give the boxes of male in frames 0 to 2 to '1'"),
        (Assign("male", 1, 19), "give the boxes of male in frame 19 to 1"),
        (
            Assign("male", "female", 0, 3, True),
            "give the boxes of male in frames 0 to 2 to female in place of its own",
        ),
        (Split("male", 7), "split male at frame 7: from there on it is male_2"),
        (Merge("male", "female", True), "merge female into male in place of its own boxes"),
        (Rename("male", ""), "rename male to ''"),
        (Delete("male"), "delete male, all its boxes"),
    ],
)
def test_words_before_and_after_are_the_same(edit: TrackingEdit, words: str):
    editor = two()
    first = editor.tracking
    assert editor.describe(edit) == words
    assert editor.tracking is first
    editor.do(edit)
    assert (editor.undo(), editor.redo()) == (words, words)


@pytest.mark.parametrize(
    ("command", "match"),
    [
        (("set_box", "male", 5, (1, 2, 3)), "^male, frame 5: expected a box of 4 numbers"),
        (("set_box", "male", 5, (3, 2, 3, 4)), "^male, frame 5: expected a box of finite numbers with left < right"),
        (("set_box", "male", -1, (1, 2, 3, 4)), "expected frames from 0"),
        (("set_box", "male", 5.0, (1, 2, 3, 4)), "expected frames that are whole numbers"),
        (("set_box", True, 5, (1, 2, 3, 4)), "expected ids that are text or whole numbers"),
        (("set_box", "far", 10**8, (1, 2, 3, 4)), None),
        (("set_box", "male", 10**8, (1, 2, 3, 4)), "out of proportion"),
        (("delete_boxes", "male", 20), "^male: expected boxes from frame 20 on, found the last in frame 19"),
        (("delete_boxes", "male", 20, 30), "^male: expected boxes in frames 20 to 29, found none"),
        (("delete_boxes", "male", 5, 5), "start < stop, found 5 and 5"),
        (("delete_boxes", "males", 5), "^no individual males in the tracking; it has male, female"),
        (("interpolate", "male", 5, 7), "^male: expected frames between 5 and 6, found none"),
        (("interpolate", "male", 15, 25), "found none in frame 24"),
        (("swap", "male", "male"), "^male: expected two individuals to swap"),
        (("swap", "male", "female", 50, 60), "^male and female: expected boxes in frames 50 to 59, found none"),
        (("swap", "male", 1), "^no individual 1 in the tracking"),
        (("assign", "male", "female", 3, 6), "^female: expected no boxes where those of male are to go.* frames 3-5"),
        (("assign", "male", "female", 3, 6, 1), "^replace: expected true or false, found 1"),
        (("split", "male", 0), "^male: expected a frame to split at between 1 and 19"),
        (("split", "male", 20), "between 1 and 19, .* found 20"),
        (("merge", "male", "female"), "^male: expected no boxes where those of female are to go"),
        (("rename", "male", "female"), "^female: expected an id that no individual has"),
        (("rename", "male", None), "expected ids that are text or whole numbers, found None"),
        (("clip", "male", 0, 20, (100, 100)), "^male: expected boxes partly outside the image in frames 0 to 19"),
        (("clip", "male", 0, 20, (100, -1)), "expected a size of two whole numbers"),
        (("turn", "male", 0, 20), "^male: expected inverted boxes in frames 0 to 19, found none"),
    ],
)
def test_refusal_says_why_and_changes_nothing(command: tuple[Any, ...], match: str | None):
    editor = two()
    first, (name, *arguments) = editor.tracking, command
    if match is None:  # a new individual far off takes no memory
        getattr(editor, name)(*arguments)
        assert editor.tracking["far"].start == 10**8
        return
    with pytest.raises(TrackingError, match=match):
        getattr(editor, name)(*arguments)
    assert editor.tracking is first
    assert not editor.history.steps


def test_gap_is_interpolated_as_by_resolve_gaps():
    boxes = {"a": {f: [f * f, 1 / (f + 1), f * f + 7, 9.5] for f in range(30) if not 7 <= f < 19}}
    editor = TrackingEditor(Tracking.from_boxes(boxes))
    editor.interpolate("a", 6, 20)
    exactly(editor.tracking, interpolate_gaps(Tracking.from_boxes(boxes)))


def test_unchanged_tracklets_are_shared():
    editor = two()
    first = editor.tracking
    editor.set_box("male", 3, (1, 2, 3, 4))
    assert editor.tracking["female"] is first["female"]
    assert first["male"].boxes[3].tolist() == [3, 0, 8, 5]


def test_individual_comes_back_in_its_old_place():
    editor = two()
    keys = editor.keys
    editor.delete("male")
    assert (list(editor.tracking), editor.keys) == (["female"], {"female": 1})
    editor.set_box("third", 0, (1, 2, 3, 4))
    editor.set_box("male", 0, (1, 2, 3, 4))
    assert list(editor.tracking) == ["male", "female", "third"]
    assert editor.keys == keys | {"third": 2}
    editor.history.go_to(0)
    assert editor.keys == keys


def test_key_frames_follow_their_boxes():
    editor = two()
    editor.set_box("male", 10, (1, 2, 3, 4))
    editor.swap("male", "female", 8)
    editor.rename("female", 7)
    assert (editor.key_frames("male").tolist(), editor.key_frames(7).tolist()) == ([], [10])
    editor.interpolate(7, 9, 12)
    assert editor.key_frames(7).tolist() == []
    editor.undo()
    assert editor.key_frames(7).tolist() == [10]


def test_individual_is_drawn_from_nothing():
    editor = TrackingEditor()
    assert list(editor.tracking) == []
    editor.set_box("fly", 0, (0, 0, 10, 10))
    editor.set_box("fly", 60, (60, 0, 70, 10))
    editor.interpolate("fly", 0, 61)
    assert editor.tracking["fly"].boxes[:, 0].tolist() == list(range(61))
    assert editor.key_frames("fly").tolist() == [0, 60]
    while editor.can_undo:
        editor.undo()
    assert list(editor.tracking) == []


def test_drag_is_one_step():
    editor = two()
    for right in range(30, 60):
        editor.set_box("male", 4, (0, 0, right, 9), merge="drag 1")
    assert len(editor.history.steps) == 1
    (edit,) = editor.edits_of(editor.history.steps[0])
    assert edit == SetBox("male", 4, (0, 0, 59, 9))
    editor.undo()
    exactly(editor.tracking, two().tracking)


def test_group_is_done_as_a_whole_or_not_at_all():
    editor = two()
    with editor.group("mend male"):
        editor.delete_boxes("male", 5, 8)
        editor.interpolate("male", 4, 9)
        assert editor.tracking["male"].boxes[5].tolist() == [5, 0, 10, 5]
    assert editor.undo() == "mend male"
    with contextlib.suppress(TrackingError), editor.group():
        editor.delete_boxes("male", 5, 8)
        editor.tracking["male"]
        editor.delete("nobody")
    exactly(editor.tracking, two().tracking)


def test_shared_history_undoes_what_was_done_last():
    history = History()
    one, other = (TrackingEditor(two().tracking, history) for _ in range(2))
    one.delete("male")
    other.delete("female")
    one.undo()
    assert (list(one.tracking), list(other.tracking)) == (["female"], ["male", "female"])
    assert (one.edited, other.edited) == (True, False)


@pytest.mark.parametrize("seed", range(40))
def test_changes_suffice_to_follow_the_tracking(seed: int):
    rng = np.random.default_rng(seed)
    editor = TrackingEditor(Tracking.from_boxes(random_boxes(rng)))
    frames = range(19)
    mirror = {i: dict(rows) for i, rows in content(editor.tracking)}

    def follow(change: TrackingChange) -> None:
        now = editor.tracking
        moved = {new: mirror.pop(old) for old, new in change.renamed.items()}
        for gone in change.removed:
            del mirror[gone]
        assert not mirror.keys() & {*change.added, *moved}
        mirror.update(moved)
        mirror.update({new: {} for new in change.added})
        for individual, (start, stop) in change.ranges.items():
            present = dict(content(now.select([individual]))[0][1])
            for frame in frames[start:stop]:
                mirror[individual].pop(frame, None)
                if frame in present:
                    mirror[individual][frame] = present[frame]

    editor.connect(follow)
    for _ in range(40):
        name, *arguments = random_command(rng, editor)
        with contextlib.suppress(TrackingError):
            getattr(editor, name)(*arguments)
        assert str({i: dict(sorted(mirror[i].items())) for i in editor.tracking}) == str(
            {i: dict(rows) for i, rows in content(editor.tracking)}
        )
        assert mirror.keys() == editor.tracking.keys()


def test_random_commands_can_mostly_be_done():
    done: Counter[str] = Counter()
    for seed in range(30):
        rng = np.random.default_rng(seed)
        editor = TrackingEditor(Tracking.from_boxes(random_boxes(rng)))
        for _ in range(60):
            name, *arguments = random_command(rng, editor)
            with contextlib.suppress(TrackingError):
                done[name] += bool(getattr(editor, name)(*arguments) != "")
    assert min(done.values()) >= 10, done
    assert len(done) == 13


def test_origin_survives_corrections_and_undo():
    origin = Origin("deeplabcut", ("frames are rows",), KeypointBoxes(size_px=60))
    editor = TrackingEditor(Tracking([Tracklet("a", 3, np.full((10, 4), [0.0, 0, 5, 5]))], origin))
    editor.split("a", 6)
    assert editor.tracking.origin is origin
    editor.undo()
    assert editor.tracking.origin is origin
