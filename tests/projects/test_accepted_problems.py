"""Problems that were accepted stay so for the same boxes, whatever the file."""

from pathlib import Path

import pytest

from napari_i3d import Tracking, TrackingEditor, check_tracking, read_tracking, write_tracking
from napari_i3d.projects.accepted_problems import AcceptedProblems


def tracking() -> Tracking:
    boxes = {f: [10, 10, 40, 40] for f in range(30) if f not in (7, 20, 21)}
    return Tracking.from_boxes({1: boxes, "1": boxes})


def test_accepted_problem_is_of_one_individual_only():
    accepted, problems = AcceptedProblems(), check_tracking(tracking())
    accepted.accept(problems[0])
    assert (problems[0].id, problems[0].frame) == (1, 7)
    assert accepted.left(problems) == problems[1:]
    accepted.withdraw(problems[0])
    assert accepted.left(problems) == problems


def test_marks_are_kept_for_the_same_boxes(tmp_path: Path):
    accepted, problems = AcceptedProblems(), check_tracking(tracking())
    for problem in problems[:3]:
        accepted.accept(problem)
    accepted.save(tracking())
    write_tracking(tmp_path / "copy.pickle", tracking())
    again = AcceptedProblems.load(read_tracking(tmp_path / "copy.pickle"))
    assert again.left(problems) == problems[3:]
    editor = TrackingEditor(tracking())
    editor.delete_boxes(1, 3, 4)
    assert len(AcceptedProblems.load(editor.tracking)) == 0


def test_marks_follow_a_renamed_individual_and_end_with_its_frames():
    editor, accepted = TrackingEditor(tracking()), AcceptedProblems()
    editor.connect(accepted.follow)
    for problem in check_tracking(editor.tracking):
        accepted.accept(problem)
    editor.rename(1, "male")
    assert accepted.left(check_tracking(editor.tracking)) == []
    editor.delete_boxes("male", 8, 9)
    assert [(p.id, p.frame, p.stop) for p in accepted.left(check_tracking(editor.tracking))] == [("male", 7, 9)]
    editor.undo()
    editor.undo()
    assert accepted.left(check_tracking(editor.tracking)) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[" * 100_000,
        b'{"version": 2, "accepted": []}',
        b'{"version": 1, "accepted": 5}',
        b'{"version": 1, "accepted": [5, [], [[], "gap", 7, 8], [true, "gap", 7, 8], {"a": 1}]}',
    ],
)
def test_damaged_file_holds_no_marks(home: Path, content: bytes):
    accepted = AcceptedProblems()
    accepted.save(tracking())
    (path,) = (home / "accepted_problems").iterdir()
    path.write_bytes(content)
    assert len(AcceptedProblems.load(tracking())) == 0
