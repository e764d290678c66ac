"""Labels survive a killed process, alone and with corrections of boxes; hostile recovery files are refused.

What was labelled in the session that was killed is the oracle of what is restored.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_i3d._utils.history import History
from napari_i3d.annotations.annotation import Annotation, VideoFacts
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.editing.editor import AnnotationEditor
from napari_i3d.annotations.editing.ethogram_edits import AddBehavior, DeleteBehavior, RenameBehavior
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.errors import RecoveryError
from napari_i3d.projects.label_following import LabelFollowing
from napari_i3d.projects.label_recovery import (
    LabelRecoveryFile,
    annotation_of_values,
    annotation_values,
    find_label_recoveries,
    read_label_recovery,
    restore,
)
from napari_i3d.projects.recovery import RecoveryFile, find_recovery_files, read_recovery
from napari_i3d.tracking.content import content_sha256
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.tracklets import Tracking

VIDEO, TRACKS, LABELS = Path("day 1.mp4"), Path("day 1_tracks.pickle"), Path("day 1_labels.json")


def boxes() -> Tracking:
    return Tracking.from_boxes({one: {f: [f, 0, f + 5, 5] for f in range(40)} for one in ("male", "female", 3)})


def labels() -> Annotation:
    bouts = (
        Bout("male", "walk", 0, 12, target=3, origin="automated", confidence=0.25, note="a\nb"),
        Bout(3, "rest \N{GREEK SMALL LETTER MU}", 5, 40),
    )
    return Annotation(
        Ethogram((Behavior("walk", "w", "#112233", "on \udce9 legs", exclusive=False), Behavior(bouts[1].behavior))),
        bouts,
        {"male": ((0, 20), (30, 40)), "alone": ((3, 4),)},
        ("female", "male", 3, "empty"),
        40,
        29.97,
        VideoFacts("day 1.mp4", (640, 480)),
        "me",
        "some\nnotes",
    )


class Session:
    """Boxes and labels on one history, with their recovery files."""

    def __init__(self, annotation: Annotation | None = None) -> None:
        self.boxes = TrackingEditor(boxes(), History())
        self.labels = AnnotationEditor(annotation or labels(), self.boxes.history)
        self.boxes.carry_along(LabelFollowing(self.boxes, self.labels).do)
        self.files = (
            RecoveryFile(self.boxes, VIDEO, TRACKS, session="s"),
            LabelRecoveryFile(self.labels, VIDEO, TRACKS, LABELS, session="s"),
        )

    def crash(self) -> None:
        for file in self.files:
            file.save()
            file.close()

    def work(self) -> None:
        self.labels.do(AddBehavior(Behavior("groom", "g")))
        self.labels.add("male", "groom", 10, 20)
        self.boxes.swap("male", "female", 15)
        self.labels.add("female", "groom", 30, 35)
        self.boxes.delete_boxes("male", 3, 5)
        self.labels.do(RenameBehavior("groom", "preen"))
        self.boxes.rename("female", "queen")
        self.labels.erase("queen", 32, 33)


def restored(now: TrackingEditor | None = None):
    box_files, label_files = find_recovery_files(VIDEO, TRACKS), find_label_recoveries(VIDEO, TRACKS)
    corrections = read_recovery(box_files[0]) if box_files else None
    kept = read_label_recovery(label_files[0]) if label_files else None
    job = restore(now or TrackingEditor(boxes()), corrections, kept)
    try:
        while True:
            done, total = next(job)
            assert 0 <= done <= total
    except StopIteration as end:
        return end.value


def words(history: History) -> list[str]:
    return [step.words for step in history.steps]


def test_any_annotation_survives_json():
    values = json.loads(json.dumps(list(annotation_values(labels()))))
    assert annotation_of_values(values) == labels()
    assert annotation_of_values(list(annotation_values(Annotation()))) == Annotation()


def test_labels_and_boxes_of_a_crash_come_back_with_their_history():
    session = Session()
    session.work()
    session.crash()
    tracking, annotation = restored()
    assert tracking.history is annotation.history
    assert words(tracking.history) == words(session.boxes.history)
    assert len(words(tracking.history)) == 8  # each correction that took labels along is one step
    while True:
        assert annotation.annotation == session.labels.annotation
        assert content_sha256(tracking.tracking) == content_sha256(session.boxes.tracking)
        if not tracking.undo():
            break
        session.boxes.undo()
    assert annotation.annotation == labels()
    assert content_sha256(tracking.tracking) == content_sha256(boxes())


def test_labels_saved_before_the_boxes_are_not_applied_twice():
    session = Session()
    session.work()
    session.labels.mark_saved()
    saved = session.labels.annotation
    session.boxes.swap("male", "queen", 30)
    session.crash()
    tracking, annotation = restored()
    assert annotation.saved == saved
    assert annotation.annotation == session.labels.annotation
    assert content_sha256(tracking.tracking) == content_sha256(session.boxes.tracking)
    tracking.undo()
    assert annotation.annotation == saved


def test_saved_boxes_leave_the_labels_that_followed_them():
    session = Session()
    session.work()
    session.boxes.mark_saved()
    session.crash()
    assert find_recovery_files(VIDEO, TRACKS) == []
    tracking, annotation = restored(TrackingEditor(session.boxes.tracking))
    assert annotation.annotation == session.labels.annotation
    assert content_sha256(tracking.tracking) == content_sha256(session.boxes.tracking)
    assert tracking.is_saved
    assert not annotation.is_saved


def test_labels_behind_what_was_saved_are_kept_whole():
    session = Session()
    session.work()
    session.labels.mark_saved()
    saved = session.labels.annotation
    session.boxes.history.go_to(2)
    session.crash()
    _, annotation = restored()
    assert annotation.annotation == session.labels.annotation
    assert annotation.saved == saved
    assert not annotation.is_saved


def test_files_of_two_sessions_are_replayed_one_after_the_other():
    first, second = Session(), Session()
    first.labels.add("male", "walk", 25, 30)
    first.boxes.delete_boxes("male", 3, 5)
    second.files = (second.files[0], LabelRecoveryFile(second.labels, VIDEO, TRACKS, None, session="t"))
    second.labels.do(DeleteBehavior("walk"))
    first.files[0].save()
    second.files[1].save()
    for session in (first, second):
        for file in session.files:
            file.close()
    tracking, annotation = restored()
    assert words(tracking.history) == [first.boxes.history.steps[1].words, second.labels.history.steps[0].words]
    assert annotation.annotation == second.labels.annotation


def test_killed_process_leaves_its_labels(home: Path):
    code = (
        "import os, signal; from pathlib import Path\n"
        "from napari_i3d.annotations.annotation import Annotation\n"
        "from napari_i3d.annotations.ethogram import Behavior, Ethogram\n"
        "from napari_i3d.annotations.editing.editor import AnnotationEditor\n"
        "from napari_i3d.projects.label_recovery import LabelRecoveryFile\n"
        "editor = AnnotationEditor(Annotation(Ethogram((Behavior('walk'),))))\n"
        "file = LabelRecoveryFile(editor, Path('day 1.mp4'), None, None)\n"
        "editor.add('a', 'walk', 3, 9)\nfile.save()\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"NAPARI_I3D_HOME": str(home)}, cwd=Path.cwd()
    )
    assert process.returncode == -signal.SIGKILL
    _, annotation = restored()
    assert annotation.annotation.bouts == (Bout("a", "walk", 3, 9),)


def test_random_sessions_are_restored_exactly():
    for seed in range(20):
        random, session = np.random.default_rng(seed), Session(Annotation(labels().ethogram))
        for _ in range(25):
            match random.integers(6):
                case 0:
                    ids = [one for one in session.boxes.tracking if one != 3]
                    if len(ids) > 1:
                        session.boxes.swap(*ids[:2], int(random.integers(1, 39)))
                case 1:
                    session.boxes.history.undo()
                case 2:
                    (session.boxes if random.integers(2) else session.labels).mark_saved()
                case _:
                    start = int(random.integers(0, 30))
                    one = list(session.boxes.tracking)[int(random.integers(len(session.boxes.tracking)))]
                    session.labels.add(one, list(labels().ethogram)[int(random.integers(2))], start, start + 7)
        now = TrackingEditor(session.boxes.saved)
        session.crash()
        tracking, annotation = restored(now)
        if annotation is not None:
            assert annotation.annotation == session.labels.annotation, seed
            assert annotation.saved == session.labels.saved
        else:
            assert session.labels.is_saved
        assert content_sha256(tracking.tracking) == content_sha256(session.boxes.tracking), seed
        for path in (*find_recovery_files(VIDEO, TRACKS), *find_label_recoveries(VIDEO, TRACKS)):
            path.unlink()


@pytest.mark.parametrize(
    "damage",
    [
        {"base": []},
        {"base": [{}]},
        {"base": [["head"]]},
        {"base": "text"},
        {"steps": [{"words": "w", "edits": [{"edit": "Add"}]}]},
        {"steps": [{"words": "w", "edits": [{"edit": "__class__"}]}]},
        {"steps": [{"words": "w", "edits": [[]]}]},
        {"steps": [{"words": "w", "serial": "1", "edits": []}]},
        {"steps": 3},
        {"labels": 5},
        {"saved": "yesterday"},
        {"kind": "tracking"},
    ],
)
def test_damaged_files_are_refused_in_words(damage):
    session = Session()
    session.work()
    session.crash()
    (path,) = find_label_recoveries(VIDEO, TRACKS)
    assert read_label_recovery(path).labels == LABELS
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    with pytest.raises(RecoveryError, match=r"expected|holds"):
        read_label_recovery(path)
