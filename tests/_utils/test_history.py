"""Undo and redo of assignments to a dictionary, against a list of its states."""

import contextlib
import random
from dataclasses import dataclass
from typing import Any

import pytest

from napari_i3d._utils.history import History


@dataclass(frozen=True)
class Assign:
    target: dict[str, Any]
    name: str
    value: Any

    def apply(self) -> "Assign":
        before = self.target.get(self.name)
        self.target[self.name] = self.value
        return Assign(self.target, self.name, before)

    def same_place(self, other: object) -> bool:
        return isinstance(other, Assign) and other.target is self.target and other.name == self.name


@pytest.fixture
def values() -> dict[str, Any]:
    return dict.fromkeys("xyz")


@pytest.mark.parametrize("seed", range(20))
def test_random_steps_and_jumps_give_earlier_states(values: dict[str, Any], seed: int):
    rng, history, states = random.Random(seed), History(), [dict(values)]
    position = 0
    serials = {0: 0}
    for number in range(60):
        if rng.random() < 0.6:
            names = rng.choices("xyz", k=rng.randint(1, 4))
            if len(names) == 1:
                history.do("assign", [Assign(values, names[0], number)])
            else:
                with history.group("several"):
                    for name in names:
                        history.do("assign", [Assign(values, name, (number, name))])
            del states[position + 1 :]
            states.append(dict(values))
            position += 1
            serials[position] = history.serial
        else:
            position = rng.randrange(len(states))
            history.go_to(position)
        assert values == states[position]
        assert (history.position, len(history.steps)) == (position, len(states) - 1)
        assert history.serial == serials[position]
        assert (history.can_undo, history.can_redo) == (position > 0, position < len(states) - 1)


def test_undo_and_redo_return_their_words(values: dict[str, Any]):
    history = History()
    assert (history.undo(), history.redo()) == ("", "")
    history.do("set x to 1", [Assign(values, "x", 1)])
    history.do("set y to 2", [Assign(values, "y", 2)])
    assert (history.undo_words, history.undo(), history.undo()) == ("set y to 2", "set y to 2", "set x to 1")
    assert (history.redo_words, history.redo(), values["x"]) == ("set x to 1", "set x to 1", 1)
    assert [step.words for step in history.steps] == ["set x to 1", "set y to 2"]


def test_new_step_drops_undone_steps(values: dict[str, Any]):
    history = History()
    for number in range(3):
        history.do(f"set {number}", [Assign(values, "x", number)])
    history.go_to(1)
    history.do("set z", [Assign(values, "z", 1)])
    assert [step.words for step in history.steps] == ["set 0", "set z"]
    assert not history.can_redo


def test_drag_is_one_step_that_keeps_one_inverse(values: dict[str, Any]):
    history = History()
    for number in range(100):
        history.do(f"drag to {number}", [Assign(values, "x", number)], f"command {number}", merge="drag 1")
    (step,) = history.steps
    assert (len(step.changes), step.commands) == (1, ["command 99"])
    history.undo()
    assert values["x"] is None
    history.redo()
    assert values["x"] == 99


@pytest.mark.parametrize("between", ["seal", "mark_saved", "undo and redo", "another key"])
def test_merging_ends_with_what_comes_between(values: dict[str, Any], between: str):
    history = History()
    history.do("a", [Assign(values, "x", 1)], merge="drag")
    if between == "undo and redo":
        history.undo()
        history.redo()
    elif between != "another key":
        getattr(history, between)()
    history.do("b", [Assign(values, "x", 2)], merge="other" if between == "another key" else "drag")
    assert len(history.steps) == 2
    history.undo()
    assert values["x"] == 1


def test_merge_of_other_places_keeps_all_of_them(values: dict[str, Any]):
    history = History()
    for name in "xyxy":
        history.do("drag", [Assign(values, name, name)], name, merge="drag")
    (step,) = history.steps
    assert step.commands == list("xyxy")
    history.undo()
    assert values == dict.fromkeys("xyz")


def test_failed_group_leaves_everything_unchanged(values: dict[str, Any]):
    history = History()
    history.do("first", [Assign(values, "x", 1)])
    with contextlib.suppress(KeyError), history.group("group"):
        history.do("second", [Assign(values, "x", 2), Assign(values, "y", 2)])
        raise KeyError
    assert values == {"x": 1, "y": None, "z": None}
    assert [step.words for step in history.steps] == ["first"]


def test_failed_inner_group_undoes_itself_only(values: dict[str, Any]):
    history = History()
    with history.group():
        history.do("outer", [Assign(values, "x", 1)], "outer", merge="m")
        with contextlib.suppress(KeyError), history.group():
            history.do("inner", [Assign(values, "x", 2)], "inner", merge="m")
            raise KeyError
        assert values["x"] == 1
        history.do("after", [Assign(values, "z", 3)], "after")
    (step,) = history.steps
    assert (step.words, step.commands) == ("outer and 1 more change", ["outer", "after"])
    history.undo()
    assert values == dict.fromkeys("xyz")


def test_group_without_changes_is_no_step():
    history = History()
    with history.group("nothing"):
        pass
    assert not history.steps


def test_undo_within_a_group_is_refused(values: dict[str, Any]):
    history = History()
    history.do("x", [Assign(values, "x", 1)])
    with history.group(), pytest.raises(RuntimeError, match="group"):
        history.undo()
    with pytest.raises(IndexError, match="0 to 1, found 2"):
        history.go_to(2)


def test_callbacks_come_once_a_step_or_jump(values: dict[str, Any]):
    history, calls = History(), []
    disconnect = history.connect(lambda: calls.append(history.position))
    for number in range(3):
        history.do("x", [Assign(values, "x", number)])
    with history.group():
        history.do("x", [Assign(values, "x", 1)])
        history.do("x", [Assign(values, "y", 1)])
    history.go_to(0)
    history.go_to(0)
    assert calls == [1, 2, 3, 4, 0]
    disconnect()
    history.redo()
    assert len(calls) == 5


def test_saved_state_is_known_again_after_undo(values: dict[str, Any]):
    history = History()
    assert history.is_saved
    history.do("x", [Assign(values, "x", 1)])
    history.mark_saved()
    history.do("y", [Assign(values, "y", 1)])
    assert not history.is_saved
    history.undo()
    assert history.is_saved
    history.undo()
    assert not history.is_saved
    history.do("z", [Assign(values, "z", 1)])
    assert not history.is_saved


def test_retaken_step_leaves_nothing_of_the_one_before(values: dict[str, Any]):
    history, drag = History(), object()
    history.do("before", [Assign(values, "x", 0)])
    for number in (1, 2, 3):
        with history.retake(drag):
            assert values == {"x": 0, "y": None, "z": None}
            history.do(f"y {number}", [Assign(values, "y", number)])
            if number < 3:
                history.do(f"z {number}", [Assign(values, "z", number)])
    assert values == {"x": 0, "y": 3, "z": None}
    assert [step.words for step in history.steps] == ["before", "y 3"]
    history.undo()
    with history.retake(drag):
        history.do("y 4", [Assign(values, "y", 4)])
    history.seal()
    with history.retake(drag):
        history.do("y 5", [Assign(values, "y", 5)])
    assert [step.words for step in history.steps] == ["before", "y 4", "y 5"]
    history.go_to(0)
    assert values == {"x": None, "y": None, "z": None}


def test_retaken_step_returns_after_an_error(values: dict[str, Any]):
    history, calls = History(), []
    history.connect(lambda: calls.append(dict(values)))

    def fail():
        with history.retake("drag"):
            history.do("y", [Assign(values, "y", 9)])
            raise KeyError

    with history.retake("drag"):
        history.do("x", [Assign(values, "x", 1), Assign(values, "x", 2)])
    with pytest.raises(KeyError):
        fail()
    assert values == {"x": 2, "y": None, "z": None} == calls[-1]
    assert (history.position, history.undo_words) == (1, "x")
    with history.retake("drag"):
        pass
    assert values == {"x": None, "y": None, "z": None} == calls[-1]
    assert not history.steps
    assert history.is_saved


def test_retaking_in_a_group_belongs_to_it(values: dict[str, Any]):
    history = History()
    with history.group("all"):
        for number in (1, 2):
            with history.retake("drag"):
                history.do("x", [Assign(values, "x", number)])
    assert [step.words for step in history.steps] == ["all"]
    history.undo()
    assert values["x"] is None
