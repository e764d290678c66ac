"""From problem to problem in a window: keys and buttons mend planted faults, and what is mended leaves the list."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from helpers.clips import MakeClip
from helpers.windows import open_dock
from napari_i3d.plugin.context import get_session
from napari_i3d.projects.accepted_problems import AcceptedProblems
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES = 60


@pytest.fixture(scope="module")
def video(clip_of: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = clip_of(FRAMES, tmp_path_factory.mktemp("alone"))
    clip.tracking.unlink()
    return clip.video


def walk(x: float, y: float) -> np.ndarray:
    left = x + np.arange(FRAMES) / 4
    return np.stack([left, np.full(FRAMES, y), left + 40, np.full(FRAMES, y + 30.0)], axis=1)


def planted() -> Tracking:
    """Three gaps, an inverted box, and a swap for good, each known to the frame."""
    one, two = walk(20, 30), walk(140, 150)
    for start, stop in ((8, 10), (20, 23)):
        one[start:stop] = np.nan
    two[12] = np.nan
    two[33] = two[33][[2, 1, 0, 3]]
    one[45:], two[45:] = two[45:].copy(), one[45:].copy()
    return Tracking([Tracklet("one", 0, one), Tracklet("two", 0, two)])


@pytest.fixture
def opened(make_napari_viewer, video, qtbot):
    viewer = make_napari_viewer()
    dock = open_dock(viewer, "Individuals")
    viewer.open(str(video), plugin="napari-i3d")
    dock.resize(600, 900)
    canvas = viewer.window._qt_viewer.canvas.native
    opened = get_session(viewer), dock, lambda key, *modifier: QTest.keyClick(canvas, key, *modifier)
    begin(opened)
    return opened


def begin(opened) -> None:
    """The planted problems, none of which was looked at."""
    session, dock, _ = opened
    dock.problems.accepted.setChecked(False)
    session.add_tracking(planted(), None)
    session.go_to(0)
    assert len(session.active.problems_left) == len(session.active.problems)


def as_walked(tracking: Tracking) -> None:
    for individual, boxes in (("one", walk(20, 30)), ("two", walk(140, 150))):
        assert tracking[individual].present.all()
        np.testing.assert_allclose(tracking[individual].boxes, boxes, atol=1e-9)


def keys_mend_all_problems_in_one_press_each(opened):
    session, dock, press = opened
    tracked = session.active
    press(Qt.Key.Key_N)
    presses = 1
    while tracked.problems_left:
        press(Qt.Key.Key_K)
        presses += 1
        assert presses < 10
    as_walked(tracked.tracking)
    # Three gaps, an inverted box, a swap.
    assert presses == 1 + 5
    assert dock.problems.title.text() == "No problems found"
    while tracked.editor.can_undo:
        tracked.editor.undo()
    for individual, tracklet in planted().items():
        np.testing.assert_array_equal(tracked.tracking[individual].boxes, tracklet.boxes)
    assert len(dock.problems.model.rows) == len(tracked.problems)


def buttons_say_what_they_do(opened, qtbot):
    session, dock, press = opened
    tracked = session.active
    press(Qt.Key.Key_N)
    assert dock.problems.title.text().startswith("Problem 1 of ")
    first = dock.problems.fixes.buttons[0]
    sentence = first.toolTip()
    assert sentence.startswith("Interpolate the boxes of one in frames 8 to 9")
    qtbot.mouseClick(first, Qt.MouseButton.LeftButton)
    assert tracked.history.undo_words == sentence[0].lower() + sentence[1:].removesuffix(" (K)")
    assert tracked.problem is not None  # the next one


def all_gaps_are_mended_in_one_step(opened, qtbot):
    session, dock, press = opened
    tracked = session.active
    press(Qt.Key.Key_N)
    every = next(button for button in dock.problems.fixes.buttons if " all " in button.toolTip())
    assert "all 3 problems" in every.toolTip()
    qtbot.mouseClick(every, Qt.MouseButton.LeftButton)
    assert tracked.history.position == 1
    assert all(tracklet.present.all() for tracklet in tracked.tracking.values())
    assert "gap" not in {str(problem.kind) for problem in tracked.problems}


def test_problems_are_mended_by_keys_and_buttons(opened, qtbot):
    keys_mend_all_problems_in_one_press_each(opened)
    begin(opened)
    buttons_say_what_they_do(opened, qtbot)
    begin(opened)
    all_gaps_are_mended_in_one_step(opened, qtbot)


def problem_marked_as_fine_is_remembered(opened, qtbot):
    session, dock, press = opened
    tracked = session.active
    press(Qt.Key.Key_N)
    problem, number = tracked.problem, len(tracked.problems_left)
    press(Qt.Key.Key_W)
    assert problem not in tracked.problems_left
    assert len(tracked.problems_left) == number - 1 == len(dock.problems.model.rows)
    assert tracked.problem is not None
    assert tracked.problem != problem
    assert problem in AcceptedProblems.load(planted())
    dock.problems.accepted.setChecked(True)
    assert problem in dock.problems.model.rows
    tracked.editor.undo()
    assert problem in tracked.problems_left
    assert problem not in AcceptedProblems.load(planted())


def all_of_a_kind_are_marked_in_one_step(opened, qtbot):
    session, dock, press = opened
    tracked = session.active
    press(Qt.Key.Key_N)
    every = dock.problems.fixes.buttons[-1]
    assert every.toolTip() == "Mark all 3 problems of this kind as fine (gap)"
    qtbot.mouseClick(every, Qt.MouseButton.LeftButton)
    assert tracked.history.position == 1
    assert len(tracked.problems) - len(tracked.problems_left) == 3
    assert "gap" not in {str(problem.kind) for problem in tracked.problems_left}
    tracked.editor.undo()
    assert len(dock.problems.model.rows) == len(tracked.problems)


def next_problem_skips_what_is_fine(opened):
    session, _, press = opened
    tracked = session.active
    frames = []
    press(Qt.Key.Key_N)
    press(Qt.Key.Key_W)
    for _ in range(len(tracked.problems_left)):
        frames.append(tracked.problem.frame)
        press(Qt.Key.Key_N)
    assert frames == sorted(problem.frame for problem in tracked.problems_left)
    assert tracked.problem.frame == frames[0]


def test_problems_are_marked_as_fine(opened, qtbot, home: Path):
    problem_marked_as_fine_is_remembered(opened, qtbot)
    shutil.rmtree(home)
    begin(opened)
    all_of_a_kind_are_marked_in_one_step(opened, qtbot)
    shutil.rmtree(home)
    begin(opened)
    next_problem_skips_what_is_fine(opened)
