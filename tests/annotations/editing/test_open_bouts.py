"""Labelling while a video plays: which bouts and steps come of key presses and frames."""

import pytest

from napari_i3d import Annotation, AnnotationEditor, Behavior, Bout, Ethogram
from napari_i3d.annotations.editing.open_bouts import OpenBouts
from napari_i3d.errors import AnnotationError

ETHOGRAM = Ethogram((Behavior("run"), Behavior("groom"), Behavior("call", exclusive=False)))


@pytest.fixture
def editor():
    return AnnotationEditor(Annotation(ETHOGRAM, (Bout("a", "groom", 40, 60),), n_frames=100))


def play(opened, start, stop):
    for frame in range(start, stop, 1 if start < stop else -1):
        opened.extend(frame)


def test_bout_from_press_to_press_is_one_step(editor):
    opened = OpenBouts(editor)
    assert opened.toggle("a", "run", 10)
    assert editor.bouts_of("a")[0] == Bout("a", "run", 10, 11)
    play(opened, 11, 46)
    assert editor.bouts_of("a") == (Bout("a", "run", 10, 46), Bout("a", "groom", 46, 60))
    assert not opened.toggle("a", "run", 30)
    # What was cut on the way is back.
    assert editor.bouts_of("a") == (Bout("a", "run", 10, 31), Bout("a", "groom", 40, 60))
    assert [step.words for step in editor.history.steps] == ["label run of a in frames 10 to 30"]
    assert opened.bouts == ()
    play(opened, 31, 50)
    assert len(editor.history.steps) == 1


def test_several_open_bouts_are_steps_of_their_own(editor):
    opened = OpenBouts(editor)
    opened.toggle("a", "run", 10)
    play(opened, 11, 15)
    opened.toggle("a", "call", 15)
    opened.toggle("b", "run", 15)
    play(opened, 16, 20)
    opened.toggle("a", "run", 20)
    play(opened, 21, 25)
    opened.end(25)
    assert [step.words for step in editor.history.steps] == [
        "label run of a in frames 10 to 20",
        "label call of a in frames 15 to 25",
        "label run of b in frames 15 to 25",
    ]
    assert editor.bouts_of("b") == (Bout("b", "run", 15, 26),)


def test_exclusive_bouts_end_each_other(editor):
    opened = OpenBouts(editor)
    opened.toggle("a", "run", 10)
    play(opened, 11, 20)
    opened.toggle("a", "groom", 20)
    opened.toggle("a", "run", 20)
    play(opened, 21, 23)
    opened.end(22)
    assert editor.bouts_of("a") == (Bout("a", "run", 10, 23), Bout("a", "groom", 40, 60))


def test_playing_backward_labels_backward(editor):
    opened = OpenBouts(editor)
    opened.toggle("a", "run", 30)
    play(opened, 29, 20)
    opened.toggle("a", "groom", 20)
    play(opened, 19, 14)
    opened.end(15)
    assert editor.bouts_of("a")[:2] == (Bout("a", "groom", 15, 21), Bout("a", "run", 21, 31))


def test_erasing_open_bout_restores_after_a_step_back(editor):
    opened = OpenBouts(editor)
    opened.toggle("a", "groom", 45, erase=True)
    play(opened, 46, 70)
    assert editor.bouts_of("a") == (Bout("a", "groom", 40, 45),)
    opened.end(50)
    assert editor.bouts_of("a") == (Bout("a", "groom", 40, 45), Bout("a", "groom", 51, 60))


def test_unknown_behavior_is_not_begun(editor):
    opened = OpenBouts(editor)
    for behavior, frame in (("fly", 3), ("run", 100)):
        with pytest.raises(AnnotationError):
            opened.toggle("a", behavior, frame)
    assert opened.bouts == ()
    assert not editor.can_undo


def test_other_step_in_between_ends_and_keeps_the_labels(editor):
    opened = OpenBouts(editor)
    opened.toggle("a", "run", 10)
    play(opened, 11, 15)
    editor.add("b", "run", 0, 5)
    play(opened, 15, 18)
    opened.end(17)
    assert editor.bouts_of("a")[0] == Bout("a", "run", 10, 15)
    while editor.can_undo:
        editor.undo()
    assert editor.annotation.bouts == (Bout("a", "groom", 40, 60),)


def test_undo_takes_an_open_bout_back_for_good(editor):
    opened = OpenBouts(editor)
    opened.toggle("a", "run", 10)
    play(opened, 11, 16)
    editor.undo()
    play(opened, 16, 20)
    assert editor.bouts_of("a") == (Bout("a", "groom", 40, 60),)
    assert opened.bouts == ()
    assert editor.can_redo
    editor.redo()
    play(opened, 20, 25)
    assert editor.bouts_of("a")[0] == Bout("a", "run", 10, 16)


def test_correction_of_identity_ends_an_open_bout(editor):
    opened = OpenBouts(editor)
    opened.toggle("a", "run", 10)
    play(opened, 11, 20)
    editor.swap_individuals("a", "b", 15)
    play(opened, 20, 30)  # who is "a" now was "b" when it began
    assert editor.bouts_of("a") == (Bout("a", "run", 10, 15),)
    assert editor.bouts_of("b") == (Bout("b", "run", 15, 20), Bout("b", "groom", 40, 60))
    assert opened.bouts == ()


def test_open_bouts_are_known_during_their_own_changes(editor):
    opened, seen = OpenBouts(editor), []
    editor.connect(lambda change: seen.append(len(opened.bouts)))
    opened.toggle("a", "run", 10)
    opened.extend(11)
    assert seen == [1, 1]
