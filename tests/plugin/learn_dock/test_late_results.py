"""What a probe found is about the videos as they are when it arrives, not as they were when it was asked for."""

from dataclasses import replace

import numpy as np
import pytest
from psygnal import Signal

from helpers.labelled import BEHAVIORS, make_planted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.editing.bout_edits import MoveEdges
from napari_i3d.annotations.editing.ethogram_edits import AddBehavior, DeleteBehavior, RenameBehavior
from napari_i3d.annotations.ethogram import Behavior
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.learn_job import run_learning
from napari_i3d.plugin.learning.learned import Learned, LearnRequest, LearnSettings
from napari_i3d.plugin.learning.learning_state import Learning
from napari_i3d.plugin.learning.training_data import TrainingData
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.editing.identity_edits import Rename, Swap
from napari_i3d.tracking.tracklets import Tracking, Tracklet


class OneVideo:
    """As much of a session as learning needs."""

    videos_changed = Signal()

    def __init__(self) -> None:
        planted = make_planted(individual="mouse")
        n_frames = len(planted.states)
        self.tracked = TrackedVideo("day1")
        boxes = np.tile([10.0, 10.0, 30.0, 30.0], (n_frames, 1))
        names = ("mouse", "rat")
        self.tracked.set_tracking(
            Tracking(Tracklet(one, 0, boxes + 40 * place) for place, one in enumerate(names)), None
        )
        self.tracked.set_features(planted.features, None)
        labels = planted.annotation
        early = tuple(bout for bout in labels.bouts if bout.stop <= n_frames // 2)
        seen = {"mouse": [(0, n_frames // 2)]}
        self.tracked.labels.set_annotation(Annotation(labels.ethogram, early, seen, n_frames=n_frames), None)
        self.videos = [self.tracked]

    def learn(self) -> Learned:
        job = run_learning(LearnRequest(TrainingData.of(self.videos), LearnSettings()), StopRequest())
        while True:
            try:
                next(job)
            except StopIteration as end:
                return end.value


@pytest.fixture
def session() -> OneVideo:
    return OneVideo()


def test_late_proposals_have_the_new_names(session: OneVideo) -> None:
    tracked, learning = session.tracked, Learning(session)
    learned = session.learn()
    tracked.labels.editor.do(RenameBehavior("walk", "stroll"))
    learning.adopt(learned, "probe", is_own=True)
    found = tracked.predictions.annotation
    assert set(found.ethogram) == {"stroll", "groom", "rear"}
    expected = learned.proposals["day1"].bouts
    assert len(expected) > 20
    assert found.bouts == tuple(
        replace(bout, behavior="stroll" if bout.behavior == "walk" else bout.behavior) for bout in expected
    )
    # A behavior that was deleted, or whose name another one took, is not renamed.
    tracked.labels.editor.do(DeleteBehavior("groom"))
    tracked.labels.editor.do(AddBehavior(Behavior("groom")))
    learning.show_proposals(learned)
    assert set(tracked.predictions.annotation.ethogram) == {"stroll", "groom", "rear"}
    for _ in range(3):
        tracked.labels.editor.undo()
    learning.show_proposals(learned)
    assert set(tracked.predictions.annotation.ethogram) == set(BEHAVIORS)
    assert tracked.predictions.annotation.bouts == expected


def test_proposal_that_is_looked_at_stays(session: OneVideo) -> None:
    tracked, learning = session.tracked, Learning(session)
    learned = session.learn()
    learning.adopt(learned, "probe", is_own=True)
    before = tracked.predictions.annotation.bouts[10]
    tracked.predictions.editor.do(MoveEdges(before, before.start - 3, before.stop + 4))
    moved = replace(before, start=before.start - 3, stop=before.stop + 4)
    tracked.predictions.selected = moved
    learning.adopt(learned, "probe", is_own=True, keep_selected=True)
    assert tracked.predictions.selected == moved
    found = set(tracked.predictions.annotation.bouts)
    assert found == {one for one in learned.proposals["day1"].bouts if not one.overlaps(moved.start, moved.stop)} | {
        moved
    }
    learning.adopt(learned, "probe", is_own=True)
    assert tracked.predictions.selected is None
    assert tracked.predictions.annotation.bouts == learned.proposals["day1"].bouts
    # Of an individual that is another one by now, nothing stays.
    tracked.predictions.selected = before
    tracked.editor.do(Swap("mouse", "rat", 100))
    learning.adopt(learned, "probe", is_own=True, keep_selected=True)
    assert tracked.predictions.annotation.bouts == ()
    assert tracked.predictions.selected is None


def test_renamed_individuals_are_named(session: OneVideo) -> None:
    tracked = session.tracked
    tracked.editor.do(Rename("mouse", "bob"))
    said = TrainingData.of(session.videos).describe()
    assert "mouse renamed or deleted since; extract again to use the rows." in said
    assert "corrected" not in said
    tracked.editor.undo()
    tracked.editor.do(Swap("mouse", "rat", 100))
    said = TrainingData.of(session.videos).describe()
    assert "boxes of mouse were corrected since" in said
    assert "renamed" not in said


def test_late_results_leave_out_swapped_individuals(session: OneVideo) -> None:
    tracked, learning = session.tracked, Learning(session)
    learned = session.learn()
    tracked.editor.do(Swap("mouse", "rat", 100))
    learning.adopt(learned, "probe", is_own=True)
    assert tracked.predictions.annotation.bouts == ()
    assert learning.queue == ()
    tracked.editor.undo()
    learning.adopt(learned, "probe", is_own=True)
    assert tracked.predictions.annotation.bouts == learned.proposals["day1"].bouts
    assert len(learning.queue) == len(learned.windows) > 0
