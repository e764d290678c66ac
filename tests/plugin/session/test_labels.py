"""Labels of a video: on the history of its boxes, and with its animals."""

from types import SimpleNamespace

import numpy as np
import pytest

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.editing.painting import Add
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.plugin.labels import label_actions
from napari_i3d.plugin.session.layer_sources import TrackingSource
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.tracklets import Tracking, Tracklet

ETHOGRAM = Ethogram((Behavior("walk", "w"), Behavior("rest", "r")))


def source_of(*ids) -> TrackingSource:
    boxes = np.tile([10.0, 0, 18, 8], (100, 1))
    return TrackingSource(Tracking(Tracklet(one, 0, boxes, np.ones(100, bool)) for one in ids), None)


@pytest.fixture
def tracked() -> TrackedVideo:
    tracked = TrackedVideo("video")
    tracked.set_source(source_of("a", "b"))
    tracked.labels.set_annotation(Annotation(ETHOGRAM), None)
    return tracked


def test_swap_takes_bouts_along_in_one_step(tracked):
    tracked.labels.editor.add("a", "walk", 10, 30)
    tracked.editor.swap("a", "b", 20)
    assert tracked.labels.annotation.of("a") == (Bout("a", "walk", 10, 20),)
    assert tracked.labels.annotation.of("b") == (Bout("b", "walk", 20, 30),)
    assert tracked.history.position == 2
    assert tracked.editor.undo() == "swap a and b in frames 20 to 99"
    assert tracked.labels.annotation.bouts == (Bout("a", "walk", 10, 30),)
    tracked.editor.redo()
    tracked.editor.rename("b", "c")
    assert tracked.labels.annotation.of("c") == (Bout("c", "walk", 20, 30),)


def test_undo_takes_back_labels_and_boxes_in_turn(tracked):
    tracked.labels.editor.add("a", "walk", 10, 30)
    tracked.editor.delete_boxes("b", 5, 9)
    tracked.labels.editor.add("b", "rest", 0, 5)
    assert [tracked.history.undo() for _ in range(2)] == [
        "label rest of b in frames 0 to 4",
        "delete the boxes of b in frames 5 to 8",
    ]
    assert tracked.labels.annotation.bouts == (Bout("a", "walk", 10, 30),)


def test_other_boxes_leave_the_labels(tracked):
    tracked.labels.editor.add("a", "walk", 10, 30)
    seen = []
    tracked.labels.changed.connect(seen.append)
    tracked.set_source(source_of("a", "c"))
    assert tracked.labels.annotation.bouts == (Bout("a", "walk", 10, 30),)
    assert seen == [None]
    assert not tracked.labels.editor.is_saved
    assert tracked.labels.editor.history is tracked.history
    tracked.editor.rename("a", "d")
    assert [bout.individual for bout in tracked.labels.annotation.bouts] == ["d"]


def test_boxes_and_labels_are_saved_on_their_own(tracked):
    tracked.labels.editor.add("a", "walk", 10, 30)
    assert (tracked.editor.is_saved, tracked.labels.editor.is_saved) == (True, False)
    tracked.labels.editor.mark_saved()
    tracked.editor.delete_boxes("b", 5, 9)
    assert (tracked.editor.is_saved, tracked.labels.editor.is_saved) == (False, True)
    tracked.editor.swap("a", "b", 0, 50)
    assert (tracked.editor.is_saved, tracked.labels.editor.is_saved) == (False, False)


def test_selected_bout_is_none_once_it_is_gone(tracked):
    tracked.labels.editor.add("a", "walk", 10, 30)
    tracked.labels.selected = tracked.labels.annotation.bouts[0]
    tracked.labels.editor.split(tracked.labels.selected, 20)
    assert tracked.labels.selected is None


def test_choice_of_an_animal_leaves_one_without_boxes(tracked):
    told = []
    tracked.current_changed.connect(lambda: told.append(tracked.labelled))
    for again in ("a", "b"):
        tracked.labelled = "ghost"
        assert tracked.labelled == "ghost"
        tracked.current = again  # also the one that was current before
        assert tracked.labelled == again
    tracked.labelled = "b"
    assert told == ["ghost", "a", "ghost", "b"]


def test_other_boxes_leave_no_individual_behind(tracked):
    tracked.labelled = "ghost"
    tracked.set_source(source_of("ghost", "c"))
    tracked.current = "c"
    assert tracked.labelled == "c"
    tracked.labelled = "other"
    tracked.set_source(source_of("ghost", "c"))
    assert tracked.labelled == "ghost"


def test_selected_bout_is_left_with_its_individual(tracked):
    tracked.labels.editor.add("a", "walk", 10, 30)
    (bout,) = tracked.labels.annotation.bouts
    tracked.labels.selected = bout
    tracked.current = "a"
    assert tracked.labels.selected == bout
    tracked.current = "b"
    assert tracked.labels.selected is None
    tracked.labels.selected = bout  # by its menu, while another one is current
    assert tracked.labels.selected == bout
    tracked.labelled = "ghost"
    assert tracked.labels.selected is None


def test_status_says_when_nothing_was_changed(tracked):
    session = SimpleNamespace(active=tracked, viewer=SimpleNamespace(status=""), frame_of=lambda _: 15)
    assert label_actions.do(session, [Add("a", "walk", 10, 30)])
    assert session.viewer.status == "Done: label walk of a in frames 10 to 29"
    tracked.labels.selected = tracked.labels.annotation.bouts[0]
    label_actions.accept(session)  # a person made it
    assert session.viewer.status == "Nothing changed: accept walk of a in frames 10 to 29"
    tracked.labels.editor.undo()
    assert tracked.labels.annotation.bouts == ()  # it was no step


def test_undone_steps_of_labels_before_are_no_change(tracked):
    boxes, before = tracked.editor, tracked.labels.editor
    before.add("a", "walk", 10, 30)
    tracked.labels.set_annotation(Annotation(ETHOGRAM), None)
    tracked.labels.editor.add("b", "rest", 0, 5)
    heard = []
    tracked.labels.changed.connect(heard.append)
    boxes.history.undo()
    assert tracked.labels.annotation.bouts == ()
    assert len(heard) == 1
    boxes.history.undo()  # a step of the labels before
    assert before.annotation.bouts == ()
    assert len(heard) == 1
    boxes.history.redo()
    boxes.history.redo()
    assert [bout.individual for bout in before.annotation.bouts] == ["a"]
    assert [bout.individual for bout in tracked.labels.annotation.bouts] == ["b"]
    assert len(heard) == 2
