"""The behaviors of a video are added, changed, ordered and deleted by hand, as steps; a click labels."""

import json

import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialogButtonBox

from helpers.clips import MakeClip
from helpers.windows import answer_question, choose_file, open_dock
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.annotations.io.writing import write_annotation
from napari_i3d.plugin.annotate_dock.behavior_dialog import BehaviorDialog
from napari_i3d.plugin.annotate_dock.behaviors_model import RUNNING_COLOR, Column
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.labels.known_behaviors import known_behaviors, remember_behaviors

ETHOGRAM = Ethogram((Behavior("walk", "w"), Behavior("rest", "r"), Behavior("sing", "s", exclusive=False)))


@pytest.fixture
def dock(viewer, clip_of: MakeClip):
    dock = open_dock(viewer, "Annotate")
    viewer.open(str(clip_of(40).video), plugin="napari-i3d")
    return dock


def labels(viewer):
    return get_session(viewer).active.labels


def fill_in(act) -> list[str]:
    """Fill in the next dialog of a behavior and accept it; the list gets the problem that is shown before."""
    problems: list[str] = []

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, BehaviorDialog):
            QTimer.singleShot(50, look)
            return
        act(dialog)
        problems.append(dialog.problem.text())
        accept = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
        accept.click() if accept.isEnabled() else dialog.reject()

    QTimer.singleShot(50, look)
    return problems


def choose(panel, row: int, text: str) -> None:
    action = next(action for action in panel.menu_of(row).actions() if action.text() == text)
    assert action.isEnabled()
    action.trigger()


def begin(viewer) -> None:
    """No behaviors and no labels yet, in the first frame."""
    labels(viewer).set_annotation(Annotation(), None)
    get_session(viewer).go_to(0)


def shown(panel) -> list[str]:
    return [row.behavior.name for row in panel.model.rows]


def first_behavior_is_added_by_typing_its_name(viewer, dock):
    panel = dock.behaviors
    assert not panel.empty.isHidden()
    assert panel.table.isHidden()
    fill_in(lambda dialog: QTest.keyClicks(dialog.name, "walk"))
    panel.add.click()
    assert labels(viewer).editor.ethogram.at("walk").key == "w"
    assert panel.empty.isHidden()
    fill_in(lambda dialog: (QTest.keyClicks(dialog.name, "wait"), dialog.exclusive.setChecked(False)))
    panel.add.click()
    assert labels(viewer).editor.ethogram.at("wait") == Behavior(
        "wait", "a", labels(viewer).editor.ethogram.at("wait").color, exclusive=False
    )
    assert len({behavior.color for behavior in labels(viewer).editor.ethogram.values()}) == 2
    labels(viewer).editor.undo()
    assert shown(panel) == ["walk"]
    assert known_behaviors() == Ethogram(tuple(known_behaviors().values()))
    assert list(known_behaviors()) == ["walk", "wait"]


def names_and_keys_that_others_have_are_refused_in_words(viewer, dock):
    labels(viewer).set_annotation(Annotation(ETHOGRAM), None)
    problems = fill_in(lambda dialog: (dialog.name.setText("new"), QTest.keyClick(dialog.key, Qt.Key.Key_R)))
    dock.behaviors.add.click()
    assert problems == ["R is the key of rest already."]
    problems = fill_in(lambda dialog: dialog.name.setText("sing"))
    choose(dock.behaviors, 0, "Change…")
    assert problems == ["There is a behavior called sing already."]
    assert labels(viewer).editor.ethogram == ETHOGRAM


def change_takes_bouts_along_as_one_step(viewer, dock):
    labels(viewer).set_annotation(Annotation(ETHOGRAM, (Bout("striped", "walk", 3, 9),)), None)

    def act(dialog) -> None:
        dialog.name.setText("march")
        QTest.keyClick(dialog.key, Qt.Key.Key_7)
        dialog.description.setPlainText("in step")

    fill_in(act)
    choose(dock.behaviors, 0, "Change…")
    editor = labels(viewer).editor
    assert editor.ethogram.at("march") == Behavior("march", "7", "", "in step")
    assert editor.annotation.bouts == (Bout("striped", "march", 3, 9),)
    assert len(editor.history.steps) == 1
    QTimer.singleShot(0, lambda: None)
    fill_in(lambda dialog: QTest.keyClick(dialog.key, Qt.Key.Key_Backspace))
    choose(dock.behaviors, 0, "Change…")
    assert editor.ethogram.at("march").key == ""
    choose(dock.behaviors, 0, "Excludes others")
    assert not editor.ethogram.at("march").exclusive
    editor.history.go_to(0)
    assert editor.ethogram == ETHOGRAM


def behaviors_are_moved_and_deleted_with_their_bouts(viewer, dock):
    bouts = (Bout("striped", "walk", 3, 9), Bout("spotted", "walk", 5, 9), Bout("spotted", "rest", 9, 12))
    labels(viewer).set_annotation(Annotation(ETHOGRAM, bouts), None)
    panel = dock.behaviors
    choose(panel, 0, "Move down")
    assert shown(panel) == ["rest", "walk", "sing"]
    choose(panel, 2, "Move up")
    assert shown(panel) == ["rest", "sing", "walk"]
    asked = answer_question("Cancel")
    choose(panel, 2, "Delete…")
    assert "walk has 2 bouts of 2 individuals" in asked[0]
    assert len(labels(viewer).annotation.bouts) == 3
    answer_question("Delete 2 bouts")
    choose(panel, 2, "Delete…")
    assert labels(viewer).annotation.bouts == (bouts[2],)
    choose(panel, 1, "Delete…")  # without bouts nothing is asked
    assert shown(panel) == ["rest"]


def test_behaviors_are_added_changed_and_deleted(viewer, dock):
    for part in (
        change_takes_bouts_along_as_one_step,
        first_behavior_is_added_by_typing_its_name,
        names_and_keys_that_others_have_are_refused_in_words,
        behaviors_are_moved_and_deleted_with_their_bouts,
    ):
        begin(viewer)
        part(viewer, dock)


def click_labels_and_running_behaviors_stand_out(viewer, qtbot, dock):
    labels(viewer).set_annotation(Annotation(ETHOGRAM, n_frames=40), None)
    panel, session = dock.behaviors, get_session(viewer)
    session.go_to(4)

    def click(row: int) -> None:
        place = panel.table.visualRect(panel.model.index(row, Column.NAME)).center()
        qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)

    def ground(row: int):
        return panel.model.index(row, Column.NAME).data(Qt.ItemDataRole.BackgroundRole)

    click(1)
    assert ground(1).color().name() == RUNNING_COLOR
    assert ground(0) is None
    session.go_to(9)
    assert panel.model.rows[1].n_bouts == 1
    click(1)
    assert ground(1) is None
    individual = session.active.labelled
    assert [(b.behavior, b.start, b.stop) for b in labels(viewer).annotation.of(individual)] == [("rest", 4, 10)]
    assert panel.model.index(1, Column.AMOUNT).data() == f"1×  {6 / session.active.video.fps:.1f} s"
    click(0)
    fill_in(lambda dialog: dialog.name.setText("march"))
    choose(panel, 0, "Change…")  # ends the bout that is open
    session.go_to(12)
    assert [b.behavior for b in labels(viewer).annotation.of(individual)] == ["rest", "march"]


def behaviors_are_taken_from_a_file_or_the_last_video(viewer, dock, tmp_path, monkeypatch):
    panel = dock.behaviors
    path = tmp_path / "other.json"
    write_annotation(path, Annotation(ETHOGRAM, (Bout("x", "walk", 3, 900),), n_frames=1000))
    choose_file(monkeypatch, "getOpenFileName", path)
    panel.take.click()
    assert [(b.name, b.key) for b in labels(viewer).editor.ethogram.values()] == [
        ("walk", "w"),
        ("rest", "r"),
        ("sing", "s"),
    ]
    assert labels(viewer).annotation.bouts == ()
    assert labels(viewer).editor.undo() == "take the behaviors of other.json"
    assert not panel.last.isHidden()
    assert "walk" in panel.last.text()
    panel.last.click()
    assert shown(panel) == ["walk", "rest", "sing"]


@pytest.mark.parametrize("kept", [{"last": [{"name": "a", "x": 1}]}, {"last": 5}, {"last": [{"name": "a"}] * 2}])
def test_damaged_memory_of_behaviors_is_ignored(home, kept):
    remember_behaviors(ETHOGRAM)
    assert known_behaviors() == ETHOGRAM
    path = home / "plugin.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"behaviors": kept}))
    assert known_behaviors() == Ethogram()


def panel_fits_a_low_dock_with_many_behaviors(viewer, dock):
    names = [f"behavior {number} with a name that is far too long for any table" for number in range(30)]
    labels(viewer).set_annotation(Annotation(Ethogram(tuple(map(Behavior, names)))), None)
    assert shown(dock.behaviors) == names
    assert dock.behaviors.minimumSizeHint().height() <= 60
    assert dock.minimumSizeHint().height() < 200
    assert dock.behaviors.model.index(3, 1).data(Qt.ItemDataRole.ToolTipRole).startswith(names[3])


def test_behaviors_are_taken_clicked_and_shown(viewer, qtbot, dock, tmp_path, monkeypatch):
    behaviors_are_taken_from_a_file_or_the_last_video(viewer, dock, tmp_path, monkeypatch)
    begin(viewer)
    click_labels_and_running_behaviors_stand_out(viewer, qtbot, dock)
    begin(viewer)
    panel_fits_a_low_dock_with_many_behaviors(viewer, dock)
