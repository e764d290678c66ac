"""Proposals in a window: reviewed by key, click and drag; what a key does is what is seen, and U takes it back."""

import random

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtGui import QContextMenuEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialogButtonBox, QMenu

from helpers.clips import MakeClip
from helpers.windows import answer_question, choose_file, click, notifications, open_dock
from napari_i3d import Features
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.editing.ethogram_edits import RenameBehavior
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.annotations.io.reading import read_annotation
from napari_i3d.annotations.io.writing import write_annotation
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.labels import label_actions
from napari_i3d.plugin.labels.label_opening import open_labels
from napari_i3d.plugin.labels.label_save_dialog import LabelSaveDialog
from napari_i3d.plugin.proposals.accept_dialog import AcceptDialog
from napari_i3d.plugin.timeline.lanes import LaneKind
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.editing.box_edits import SetBox
from napari_i3d.tracking.editing.identity_edits import Delete, Rename, Swap

FRAMES = 600
ETHOGRAM = Ethogram((Behavior("walk", "w"), Behavior("rest", "r"), Behavior("sing", "s", exclusive=False)))
PROPOSED = Ethogram((*ETHOGRAM.behaviors, Behavior("groom")))
ONE, TWO = "striped", "spotted"
ALT, SHIFT = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier
ACCEPT, REJECT = (Qt.Key.Key_Y, ALT), (Qt.Key.Key_X, ALT)
NEXT, PREVIOUS, UNDO = (Qt.Key.Key_Period, ALT), (Qt.Key.Key_Comma, ALT), (Qt.Key.Key_U,)


@pytest.fixture(scope="module")
def clip(clip_of: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> SyntheticClip:
    return clip_of(FRAMES, tmp_path_factory.mktemp("proposals"))


def made(individual, behavior, start, stop, confidence=0.5) -> Bout:
    return Bout(individual, behavior, start, stop, origin=Origin.AUTOMATED, confidence=confidence)


class Person:
    """Looks, clicks and presses keys."""

    def __init__(self, viewer, dock) -> None:
        self.session, self.dock, self.canvas = get_session(viewer), dock, dock.canvas
        self.native = viewer.window._qt_viewer.canvas.native

    @property
    def tracked(self):
        return self.session.active

    def press(self, key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.native, key, modifier)

    def propose(self, *bouts: Bout) -> None:
        self.tracked.labels.set_annotation(Annotation(ETHOGRAM, n_frames=FRAMES), None)
        self.tracked.predictions.set(Annotation(PROPOSED, bouts, {}, n_frames=FRAMES), "probe")
        self.session.go_to(0)
        self.tracked.labelled = ONE

    @property
    def labels(self) -> list[tuple]:
        return [(b.individual, b.behavior, b.start, b.stop) for b in self.tracked.labels.annotation.bouts]

    @property
    def proposals(self) -> list[tuple]:
        found = self.tracked.predictions.annotation.bouts
        return [(b.individual, b.behavior, b.start, b.stop) for b in found]

    @property
    def lane(self) -> list[tuple]:
        """What the lanes of proposals show."""
        shown = []
        for group in self.canvas.data.groups:
            lane = group.lane(LaneKind.PREDICTIONS)
            for at in range(0 if lane is None else len(lane.bouts)):
                name = lane.styles[lane.bouts.style[at]].name
                shown.append((group.individual, name, int(lane.bouts.start[at]), int(lane.bouts.stop[at])))
        return shown

    def place(self, individual, frame: float) -> QPoint:
        rows = (row for row in self.canvas._layout.rows if row.group.individual == individual)
        strip = next(strip for strip in next(rows).strips if strip.lane.kind is LaneKind.PREDICTIONS)
        x = self.canvas.parts.head_px + self.canvas.scale.column_of(frame) / self.canvas.parts.ratio
        y = self.canvas.parts.ruler_px + strip.top + strip.height // 2 - self.canvas.scroll_px
        return QPoint(round(x), y)

    def click(self, individual, frame: float) -> None:
        QTest.mouseClick(self.canvas, Qt.MouseButton.LeftButton, pos=self.place(individual, frame))


@pytest.fixture
def person(make_napari_viewer, clip, qtbot) -> Person:
    viewer = make_napari_viewer(show=True)
    notification_manager.records.clear()
    dock = open_dock(viewer, "Annotate")
    viewer.open(str(clip.video), plugin="napari-i3d")
    viewer.window.resize(1280, 800)
    return Person(viewer, dock)


def test_keys_accept_and_reject_what_is_seen(person, qtbot):
    person.propose(
        made(ONE, "walk", 100, 120, 0.83), made(ONE, "rest", 200, 220), made(ONE, "groom", 300, 330, 0.25),
        made(TWO, "walk", 100, 140),
    )  # fmt: skip
    all_proposals = sorted(person.proposals, key=str)
    assert sorted(person.lane, key=str) == all_proposals
    assert person.labels == []
    person.press(*ACCEPT)  # nothing is here
    assert person.labels == []
    assert "No proposal of striped in this frame" in str(person.session.viewer.status)
    person.press(*NEXT)
    assert person.session.frame == 100
    assert person.dock.running.text() == "striped: -  ·  proposal 1 of 3: walk 0.83"
    person.press(*ACCEPT)
    (bout,) = person.tracked.labels.annotation.bouts
    assert bout == Bout(ONE, "walk", 100, 120, origin=Origin.CURATED, confidence=0.83)
    assert person.tracked.labels.annotation.assessed == {ONE: ((100, 120),)}
    assert person.session.frame == 200  # it went on
    person.press(*REJECT)
    assert person.session.frame == 300
    assert person.labels == [(ONE, "walk", 100, 120)]
    assert person.tracked.labels.annotation.assessed == {ONE: ((100, 120),)}
    person.press(*REJECT[:1], ALT | SHIFT)  # none of the behaviors
    assert person.tracked.labels.annotation.assessed == {ONE: ((100, 120), (300, 330))}
    assert "groom" not in person.tracked.labels.editor.ethogram
    assert person.lane == person.proposals == [(TWO, "walk", 100, 140)]
    assert "1 of others" in str(person.session.viewer.status)
    for left in (2, 3, 4):
        person.press(*UNDO)
        assert len(person.lane) == len(person.proposals) == left
    assert person.labels == []
    assert person.tracked.labels.annotation.assessed == {}
    assert sorted(person.lane, key=str) == all_proposals
    # What was done stays in the status line when napari writes there what lies under the pointer.
    viewer = person.session.viewer
    viewer.mouse_over_canvas = True
    person.session.go_to(0)
    person.press(*NEXT)
    viewer.window._qt_window.set_status_and_tooltip(viewer._calc_status_from_cursor())
    assert not isinstance(viewer.status, str)
    qtbot.waitUntil(lambda: viewer.status == "proposal 1 of 3: walk 0.83")
    person.session.go_to(310)
    person.press(Qt.Key.Key_Y, ALT | SHIFT)
    assert person.session.frame == 310  # it stays
    assert list(person.tracked.labels.editor.ethogram) == list(PROPOSED)
    person.press(*PREVIOUS)
    assert person.session.frame == 200
    person.dock.proposed.click()
    assert person.lane == []
    person.press(*ACCEPT)
    assert person.labels == [(ONE, "groom", 300, 330)]
    # A label that a program made is accepted as it always was.
    automated = made(ONE, "walk", 400, 420, 0.9)
    person.tracked.labels.set_annotation(Annotation(ETHOGRAM, (automated,), n_frames=FRAMES), None)
    person.press(*ACCEPT)  # it is not here
    assert person.tracked.labels.annotation.bouts == (automated,)
    person.session.go_to(410)
    person.press(*ACCEPT)
    assert person.tracked.labels.annotation.bouts[0].origin is Origin.CURATED
    assert notifications() == []


def test_clicks_and_drags_say_what_is_meant(person, qtbot):
    person.propose(made(ONE, "walk", 100, 200), made(ONE, "sing", 350, 450), made(TWO, "rest", 300, 400))
    person.tracked.labels.editor.add(TWO, "walk", 340, 360)
    person.click(TWO, 380)
    assert person.tracked.labelled == TWO
    assert 300 <= person.session.frame < 400
    assert person.tracked.predictions.selected == made(TWO, "rest", 300, 400)
    person.press(*ACCEPT)
    assert person.labels == [(TWO, "rest", 300, 340), (TWO, "walk", 340, 360), (TWO, "rest", 360, 400)]
    assert "20 frames of it kept your labels" in str(person.session.viewer.status)
    person.press(*UNDO)
    person.click(ONE, 150)
    person.session.go_to(500)
    assert person.tracked.predictions.selected is None
    person.press(*ACCEPT)  # it is seen no more
    assert person.labels == [(TWO, "walk", 340, 360)]
    begin, end = person.place(ONE, 200), person.place(ONE, 260)
    QTest.mousePress(person.canvas, Qt.MouseButton.LeftButton, pos=begin)
    for x in range(begin.x(), end.x() + 1, 3):
        QTest.mouseMove(person.canvas, QPoint(x, begin.y()))
    QTest.mouseRelease(person.canvas, Qt.MouseButton.LeftButton, pos=end)
    assert person.session.frame == 199  # a frame of it is shown from the press on
    moved = person.tracked.predictions.selected
    assert (moved.start, abs(moved.stop - 260) <= 2) == (100, True)
    assert person.labels == [(TWO, "walk", 340, 360)]
    person.press(Qt.Key.Key_M, ALT)
    person.press(Qt.Key.Key_R)
    assert person.labels == [(TWO, "walk", 340, 360), (ONE, "rest", 100, moved.stop)]
    assert person.tracked.labels.annotation.bouts[1].confidence is None
    assert person.session.frame == 350
    assert person.tracked.predictions.selected == made(ONE, "sing", 350, 450)
    person.press(Qt.Key.Key_Escape)
    person.press(Qt.Key.Key_W)  # begins a bout: no proposal is selected
    assert person.labels[-1] == (ONE, "walk", 350, 351)
    person.press(Qt.Key.Key_Escape)
    person.press(Qt.Key.Key_M, ALT)
    for _ in range(3):
        person.press(*UNDO)
    assert (ONE, "walk", 100, 200) in person.lane
    menu = menu_at(person, ONE, 400)
    texts = [action.text() for action in menu.actions()]
    assert texts[:3] == ["Accept as sing", "Accept as", "Reject"]
    menu.actions()[2].trigger()
    assert person.proposals == [(ONE, "walk", 100, 200), (TWO, "rest", 300, 400)]
    person.canvas._hover(person.place(ONE, 150).toPointF())
    assert person.canvas._moving.hover.lines == (
        "walk 0.50 · striped", "frames 100 to 199  (100 frames, 4.00 s)", "0:00:04.000 to 0:00:07.960",
        "proposed by probe",
    )  # fmt: skip


def menu_at(person, individual, frame) -> QMenu:
    place = person.place(individual, frame)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, person.canvas.mapToGlobal(place))
    QApplication.sendEvent(person.canvas, event)
    return next(menu for menu in person.dock.findChildren(QMenu) if menu.isVisible())


def test_random_reviews_by_key_can_all_be_undone(person):
    rng = random.Random(4)
    starts = range(0, 560, 20)
    bouts = [made(who, rng.choice(list(PROPOSED)), s, s + rng.randint(1, 20)) for who in (ONE, TWO) for s in starts]
    person.propose(*bouts)
    states = [([], sorted(person.proposals))]
    for _ in range(20):
        left = [bout for bout in states[-1][1] if bout[0] == person.tracked.labelled]
        act = rng.choice(["accept", "accept", "reject", "undo", "other"])
        if act == "other":
            person.click(TWO if person.tracked.labelled == ONE else ONE, 599.5)
        elif act == "undo" and len(states) > 1:
            states.pop()
            person.press(*UNDO)
        elif left and act != "undo":
            bout = rng.choice(left)
            person.session.go_to(rng.randrange(bout[2], bout[3]))
            person.press(*(ACCEPT if act == "accept" else REJECT))
            labels = [*states[-1][0], bout] if act == "accept" else states[-1][0]
            states.append((sorted(labels), [other for other in states[-1][1] if other != bout]))
        assert (sorted(person.labels), sorted(person.proposals)) == states[-1]
        assert sorted(person.lane) == states[-1][1]


def test_proposals_follow_their_animals(person):
    person.propose(made(ONE, "walk", 100, 200), made(TWO, "rest", 300, 400))
    person.session.go_to(350)
    person.tracked.labelled = TWO
    person.press(*REJECT)
    person.tracked.editor.do(Swap(ONE, TWO, 150))
    assert set(person.lane) == {(TWO, "walk", 150, 200), (ONE, "walk", 100, 150)}
    # What was rejected of the animal is remembered of it, whatever it is called now.
    again = Annotation(PROPOSED, (made(ONE, "rest", 300, 400), made(TWO, "rest", 300, 400)), {}, n_frames=FRAMES)
    person.tracked.predictions.set(again, "probe")
    assert person.proposals == [(TWO, "rest", 300, 400)]
    person.tracked.editor.do(Rename(TWO, "new"))
    assert person.lane == [("new", "rest", 300, 400)]
    person.session.go_to(320)
    person.tracked.labelled = "new"
    person.press(*ACCEPT)
    assert person.labels == [("new", "rest", 300, 400)]
    for _ in range(2):
        person.press(*UNDO)
    assert person.lane == [(TWO, "rest", 300, 400)]
    person.tracked.editor.do(Delete(TWO))
    assert person.lane == []
    person.press(*UNDO)
    assert person.lane == [(TWO, "rest", 300, 400)]
    label_actions.do(person.session, [RenameBehavior("rest", "still")])
    assert person.lane == [(TWO, "still", 300, 400)]
    person.press(*UNDO)
    assert person.lane == [(TWO, "rest", 300, 400)]
    rows = {one: np.ones((FRAMES, 4), np.float32) for one in (ONE, TWO)}
    person.tracked.set_features(Features(rows, {one: np.arange(FRAMES, dtype=float) for one in rows}), None)
    assert outdated(person) == {ONE: False, TWO: False}
    person.tracked.editor.do(SetBox(TWO, 320, [0, 0, 9, 9]))
    assert outdated(person) == {ONE: False, TWO: True}
    person.press(*UNDO)
    assert outdated(person) == {ONE: False, TWO: False}
    person.tracked.set_tracking(person.tracked.tracking, None)
    assert person.tracked.predictions.annotation is None  # other boxes: perhaps other animals
    assert person.lane == []


def outdated(person) -> dict:
    """Which lanes of proposals say that boxes were corrected since."""
    return {group.individual: group.lane(LaneKind.PREDICTIONS).outdated for group in person.canvas.data.groups}


def test_all_above_a_confidence_are_one_step(person, qtbot):
    person.propose(
        made(ONE, "walk", 0, 50, 0.95), made(ONE, "rest", 40, 60, 0.9), made(ONE, "rest", 100, 120, 0.2),
        made(TWO, "walk", 0, 50, 0.85), made(TWO, "sing", 10, 20, 0.5),
    )  # fmt: skip
    person.tracked.span = (0, 70)
    seen = []

    def act(dialog) -> None:
        seen.append(dialog.text.text())
        dialog.individual.value = next(one for one in dialog.individual.choices if one == (ONE,))
        dialog.frames.value = person.tracked.span
        seen.append(dialog.text.text())
        dialog.behavior.value = next(one for one in dialog.behavior.choices if one == ("rest",))
        dialog.slider.setValue(10)
        dialog.frames.value = ()
        seen.append(dialog.text.text())
        dialog.behavior.value = dialog.individual.value = ()
        dialog.confidence.setValue(0.8)
        click(qtbot, dialog.buttons.button(QDialogButtonBox.StandardButton.Ok))

    drive(AcceptDialog, act)
    person.dock.more._on_menu()
    person.dock.more.accept.trigger()
    assert seen == [
        "Accepts 3 of 5 proposals of 2 individuals of this video.",
        "Accepts 2 of 5 proposals of 1 individual of this video.",
        "Accepts 2 of 5 proposals of 1 individual of this video.",
    ]
    assert person.labels == [(ONE, "walk", 0, 50), (ONE, "rest", 50, 60), (TWO, "walk", 0, 50)]
    person.press(*UNDO)
    assert person.labels == []
    assert len(person.lane) == 5


def drive(kind, act) -> None:
    """Do something in the next dialog of a kind."""

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, kind):
            act(dialog)
        else:
            QTimer.singleShot(50, look)

    QTimer.singleShot(50, look)


def test_files_of_programs_are_opened_beside_the_labels(person, tmp_path, monkeypatch):
    bouts = (made(ONE, "walk", 100, 200, 0.75), made(TWO, "groom", 300, 400, 0.5))
    path = tmp_path / "found.json"
    write_annotation(path, Annotation(PROPOSED, bouts, {}, (ONE, TWO), FRAMES))
    person.tracked.labels.set_annotation(Annotation(ETHOGRAM, n_frames=FRAMES), None)
    person.tracked.labels.editor.add(ONE, "rest", 0, 5)
    asked = answer_question("Proposals")
    assert open_labels(person.session, path)
    assert "A program made all 2 bouts of found.json" in asked[0]
    assert person.labels == [(ONE, "rest", 0, 5)]
    assert person.lane == [(ONE, "walk", 100, 200), (TWO, "groom", 300, 400)]
    person.tracked.predictions.set(None)
    choose_file(monkeypatch, "getOpenFileName", path)
    person.dock.file.propose.trigger()
    assert person.tracked.predictions.annotation.bouts == bouts
    assert person.labels == [(ONE, "rest", 0, 5)]
    written = tmp_path / "left.json"

    def save(dialog) -> None:
        dialog.file.setText(str(written))
        dialog.accept()

    person.session.go_to(150)
    person.press(*ACCEPT)
    drive(LabelSaveDialog, save)
    person.dock.file.save_proposals.trigger()
    assert read_annotation(written).bouts == bouts[1:]
    assert not person.tracked.labels.editor.is_saved
