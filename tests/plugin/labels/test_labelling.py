"""Labelling by key in a window, as a person does it: every bout lies in exactly the frames that were meant."""

from functools import partial

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from helpers.clips import MakeClip
from helpers.windows import notifications, open_dock
from napari_i3d import read_tracking
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.labels.labelling import HOLD_S
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.editing.identity_edits import Swap
from napari_i3d.tracking.editing.scopes import Command

FRAMES = 600
ETHOGRAM = Ethogram((Behavior("walk", "w"), Behavior("rest", "r"), Behavior("sing", "s", exclusive=False)))
KEYS = {"walk": Qt.Key.Key_W, "rest": Qt.Key.Key_R, "sing": Qt.Key.Key_S}
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(scope="module")
def clip(clip_of: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> SyntheticClip:
    return clip_of(FRAMES, tmp_path_factory.mktemp("labels"))


class Person:
    """Presses keys on the canvas, and counts them; looks at frames, which costs no key while a video plays."""

    def __init__(self, viewer) -> None:
        self.session = get_session(viewer)
        self.native = viewer.window._qt_viewer.canvas.native
        self.presses = 0

    def see(self, frame: int) -> None:
        self.session.go_to(frame)

    def press(self, key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.native, key, modifier)
        self.presses += 1

    @property
    def bouts(self) -> list[tuple]:
        annotation = self.session.active.labels.annotation
        return [(bout.individual, bout.behavior, bout.start, bout.stop) for bout in annotation.bouts]


@pytest.fixture
def person(make_napari_viewer, clip, qtbot) -> Person:
    viewer = make_napari_viewer(show=True)
    notification_manager.records.clear()
    dock = open_dock(viewer, "Annotate")
    viewer.open(str(clip.video), plugin="napari-i3d")
    person = Person(viewer)
    person.dock, person.tracking_path = dock, clip.tracking
    person.press(Qt.Key.Key_M, Qt.KeyboardModifier.AltModifier)
    assert person.session.labelling.on
    begin(person)
    return person


def begin(person: Person) -> None:
    """The boxes of the clip, no labels, and labelling switched on in the first frame, at the first individual."""
    session, tracked = person.session, person.session.active
    session.playback.pause()
    tracked.set_tracking(read_tracking(person.tracking_path), person.tracking_path)
    tracked.labels.set_annotation(Annotation(ETHOGRAM), None)
    tracked.span = None
    tracked.labelled = next(iter(tracked.tracking))
    session.go_to(0)
    session.labelling.on = True
    person.native.setFocus()
    notification_manager.records.clear()
    assert person.bouts == []
    person.presses = 0


def planted(random: np.random.Generator, individual) -> list[tuple]:
    """Fifteen bouts one after the other, some with frames between them, some not."""
    bouts, frame = [], int(random.integers(0, 9))
    for number in range(15):
        stop = frame + int(random.integers(1, 30))
        bouts.append((individual, ("walk", "rest")[number % 2], frame, stop))
        frame = stop + int(random.choice([0, 0, 7]))
    return bouts


def thirty_bouts_take_few_keys_and_are_exact(person):
    random = np.random.default_rng(5)
    individuals = list(person.session.active.tracking)
    wanted = [planted(random, individual) for individual in individuals]
    for number, bouts in enumerate(wanted):
        person.press((Qt.Key.Key_1, Qt.Key.Key_2)[number])
        for (_, behavior, start, stop), after in zip(bouts, [*bouts[1:], None], strict=True):
            if (individuals[number], behavior) not in running(person):
                person.see(start)
                person.press(KEYS[behavior])
            if after is not None and after[2] == stop:
                person.see(stop)
                person.press(KEYS[after[1]])  # the exclusive one ends the other
            else:
                person.see(stop - 1)
                person.press(KEYS[behavior])
    assert person.bouts == [bout for bouts in wanted for bout in bouts]
    edges = 2 * sum(map(len, wanted))
    assert edges == 60
    assert person.presses <= 1.3 * edges
    person.session.active.history.go_to(0)
    assert person.bouts == []


def running(person) -> list[tuple]:
    return [(bout.individual, bout.behavior) for bout in person.session.active.labels.open_bouts.bouts]


def several_behaviors_run_at_once(person):
    for frame, behavior in ((10, "walk"), (15, "sing"), (20, "rest"), (25, "sing"), (30, "rest")):
        person.see(frame)
        person.press(KEYS[behavior])
    one = person.session.active.labelled
    assert person.bouts == [(one, "walk", 10, 20), (one, "sing", 15, 26), (one, "rest", 20, 31)]


def bout_goes_on_with_the_frame_and_ends_by_escape(person):
    person.see(100)
    person.press(KEYS["walk"])
    person.see(140)
    assert person.bouts == [(person.session.active.labelled, "walk", 100, 141)]
    person.see(90)
    assert person.bouts == [(person.session.active.labelled, "walk", 90, 101)]
    person.press(Qt.Key.Key_Escape)
    person.see(300)
    assert person.bouts == [(person.session.active.labelled, "walk", 90, 101)]
    assert person.session.active.history.position == 1


def held_key_labels_until_it_is_released(person, qtbot):
    person.see(50)
    QTest.keyPress(person.native, KEYS["walk"])
    qtbot.wait(int(1000 * HOLD_S) + 100)
    person.see(80)
    QTest.keyRelease(person.native, KEYS["walk"])
    person.see(200)
    assert person.bouts == [(person.session.active.labelled, "walk", 50, 81)]


def marked_span_is_labelled_by_one_key(person):
    person.see(20)
    person.press(Qt.Key.Key_Comma)
    person.see(60)
    person.press(Qt.Key.Key_Period)
    person.press(KEYS["walk"])
    assert person.bouts == [(person.session.active.labelled, "walk", 20, 61)]
    assert person.session.active.span is None
    assert running(person) == []


def shift_erases(person):
    person.session.active.labels.editor.add(person.session.active.labelled, "walk", 0, 100)
    person.see(40)
    person.press(KEYS["walk"], SHIFT)
    person.see(49)
    person.press(KEYS["walk"], SHIFT)
    one = person.session.active.labelled
    assert person.bouts == [(one, "walk", 0, 40), (one, "walk", 50, 100)]


def edges_are_set_split_and_merged_in_this_frame(person):
    one, editor = person.session.active.labelled, person.session.active.labels.editor
    editor.add(one, "walk", 10, 50)
    for frame, key in ((15, Qt.Key.Key_BracketLeft), (39, Qt.Key.Key_BracketRight), (25, Qt.Key.Key_Slash)):
        person.see(frame)
        person.press(key)
    assert person.bouts == [(one, "walk", 15, 25), (one, "walk", 25, 40)]
    person.see(20)
    person.press(Qt.Key.Key_Slash, Qt.KeyboardModifier.AltModifier)
    assert person.bouts == [(one, "walk", 15, 40)]


def edges_are_gone_to_in_turn(person):
    one, editor = person.session.active.labelled, person.session.active.labels.editor
    editor.add(one, "walk", 10, 50)
    editor.add(one, "rest", 70, 71)
    person.see(0)
    seen = []
    for _ in range(4):
        person.press(Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ControlModifier)
        seen.append(person.session.frame)
    assert seen == [10, 49, 70, 70]


def keys_are_text_in_a_text_field_and_napari_s_when_off(person, qtbot):
    field = open_dock(person.session.viewer, "Individuals").individuals.filter
    field.window().activateWindow()
    field.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is field)
    qtbot.keyClicks(field, "wr")
    assert field.text() == "wr"
    assert person.bouts == []
    person.native.setFocus()
    person.press(Qt.Key.Key_M, Qt.KeyboardModifier.AltModifier)
    assert not person.session.labelling.on
    person.press(KEYS["walk"])
    assert person.bouts == []


def bouts_begin_in_the_frame_shown_while_it_plays(person, qtbot):
    person.see(0)
    person.session.playback.play()
    qtbot.waitUntil(lambda: person.session.frame > 5)
    person.press(KEYS["walk"])
    (begun,) = person.session.active.labels.open_bouts.bouts
    qtbot.waitUntil(lambda: person.session.frame > begun.frame + 5)
    person.press(KEYS["walk"])
    ended = person.session.frame
    person.session.playback.pause()
    ((_, behavior, start, stop),) = person.bouts
    assert (behavior, start) == ("walk", begun.frame)
    # The player may have gone a frame on between the press and the question.
    assert ended - 1 <= stop - 1 <= ended


def labelling_ends_when_its_dock_is_hidden_or_boxes_are_edited(person):
    person.dock.parent().hide()
    assert not person.session.labelling.on
    person.dock.parent().show()
    person.session.labelling.on = True
    person.press(Qt.Key.Key_Escape)
    person.session.box_editor.start()
    assert person.session.box_editor.is_on
    assert not person.session.labelling.on
    person.session.labelling.on = True
    assert not person.session.box_editor.is_on


def larger_steps_are_as_long_as_chosen(person):
    person.dock.playing.step.setValue(25)
    person.see(100)
    person.press(Qt.Key.Key_Right, SHIFT)
    assert person.session.frame == 125
    person.press(Qt.Key.Key_Left, SHIFT)
    person.press(Qt.Key.Key_Left, SHIFT)
    assert person.session.frame == 75


def bout_of_a_program_is_accepted_by_one_key(person):
    one = person.session.active.labelled
    made = Bout(one, "walk", 10, 30, origin=Origin.AUTOMATED, confidence=0.8)
    person.session.active.labels.set_annotation(Annotation(ETHOGRAM, (made,)), None)
    person.see(20)
    person.press(Qt.Key.Key_Y, Qt.KeyboardModifier.AltModifier)
    (bout,) = person.session.active.labels.annotation.bouts
    assert (bout.start, bout.stop, bout.origin) == (10, 30, Origin.CURATED)


def speed_and_edges_have_buttons(person, qtbot):
    bar, playback = person.dock.playing, person.session.playback
    bar.speed.setCurrentText("1/4×")
    bar.speed.activated.emit(bar.speed.currentIndex())
    assert playback.speed == pytest.approx(0.25)
    person.session.active.labels.editor.add(person.session.active.labelled, "walk", 100, 120)
    person.see(0)
    qtbot.mouseClick(bar.buttons["next_edge"], Qt.MouseButton.LeftButton)
    assert person.session.frame == 100
    qtbot.mouseClick(bar.buttons["loop_bout"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: playback.is_playing)
    qtbot.mouseClick(bar.buttons["play_pause"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not playback.is_playing)
    assert 0 < person.session.frame < 140


def test_other_video_has_its_own_labels(person, clip_of, tmp_path):
    first = person.session.active
    person.see(70)
    person.press(KEYS["walk"])
    person.see(80)  # the other video has no such frame
    other = clip_of(40, tmp_path / "other")
    person.session.viewer.open(str(other.video), plugin="napari-i3d")
    assert person.session.active is not first
    assert first.labels.open_bouts.bouts == ()
    person.session.active.labels.set_annotation(Annotation(ETHOGRAM), None)
    person.press(KEYS["rest"])
    assert [bout[1] for bout in person.bouts] == ["rest"]
    assert [(bout.behavior, bout.start, bout.stop) for bout in first.labels.annotation.bouts] == [("walk", 70, 81)]


def place(canvas, individual, frame: float) -> QPoint:
    row = next(row for row in canvas._layout.rows if row.group.individual == individual)
    x = canvas.parts.head_px + canvas.scale.column_of(frame) / canvas.parts.ratio
    return QPoint(round(x), canvas.parts.ruler_px + row.top + row.height // 2)


def edge_that_is_dragged_moves_the_bout(person):
    canvas, one = person.dock.canvas, person.session.active.labelled
    person.dock.resize(1300, 240)
    person.session.active.labels.editor.add(one, "walk", 100, 200)
    canvas.resize(1200, 200)
    begin, end = place(canvas, one, 200), place(canvas, one, 300)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place(canvas, one, 150))
    assert person.session.active.labels.selected == Bout(one, "walk", 100, 200)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=begin)
    for x in range(begin.x(), end.x() + 1, 3):
        QTest.mouseMove(canvas, QPoint(x, begin.y()))
    QTest.mouseMove(canvas, end)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end)
    ((_, _, start, stop),) = person.bouts
    assert start == 100
    assert abs(stop - 300) <= 2  # half a pixel is a frame
    assert person.session.active.labels.selected == Bout(one, "walk", 100, stop)
    person.session.active.history.undo()
    assert person.bouts == [(one, "walk", 100, 200)]


def marked_span_is_drawn_where_it_is_labelled(person):
    first, second = person.session.active.tracking
    person.see(20)
    person.press(Qt.Key.Key_Comma)
    person.see(60)
    person.press(Qt.Key.Key_Period)
    assert person.dock.canvas.span.individual == first
    person.press(Qt.Key.Key_2)
    assert person.dock.canvas.span.individual == second
    person.press(KEYS["walk"])
    assert person.bouts == [(second, "walk", 20, 61)]
    assert person.dock.canvas.span is None


def released_key_ends_the_bout_of_its_individual(person, qtbot):
    first, second = person.session.active.tracking
    person.see(50)
    QTest.keyPress(person.native, KEYS["walk"])
    qtbot.wait(int(1000 * HOLD_S) + 100)
    person.see(60)
    person.press(Qt.Key.Key_2)
    person.see(70)
    QTest.keyRelease(person.native, KEYS["walk"])
    person.see(200)
    assert person.session.active.labelled == second
    assert person.bouts == [(first, "walk", 50, 71)]


def test_keys_label_exactly_the_frames_meant(person, qtbot):
    for part in (
        thirty_bouts_take_few_keys_and_are_exact,
        several_behaviors_run_at_once,
        bout_goes_on_with_the_frame_and_ends_by_escape,
        partial(held_key_labels_until_it_is_released, qtbot=qtbot),
        marked_span_is_labelled_by_one_key,
        shift_erases,
        larger_steps_are_as_long_as_chosen,
        bout_of_a_program_is_accepted_by_one_key,
        marked_span_is_drawn_where_it_is_labelled,
        partial(released_key_ends_the_bout_of_its_individual, qtbot=qtbot),
    ):
        begin(person)
        part(person)


def swap_ends_an_open_bout_at_its_animal(person):
    first, second = person.session.active.tracking
    person.see(50)
    person.press(KEYS["walk"])
    person.see(80)
    person.session.active.editor.do(Swap(first, second, 60))
    person.see(120)
    assert person.bouts == [(first, "walk", 50, 60), (second, "walk", 60, 81)]
    assert running(person) == []
    assert "have ended" in person.session.viewer.status


def prompt_for_corrections_keeps_its_keys(person, qtbot):
    person.see(50)
    person.press(KEYS["sing"])
    person.press(Qt.Key.Key_Q)
    panel = person.session.identity_prompt.panel
    panel.window().activateWindow()
    panel.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is panel)
    QTest.keyClick(panel, KEYS["rest"])
    assert panel.choice.command is Command.RENAME
    assert [behavior for _, behavior, _, _ in person.bouts] == ["sing"]
    QTest.keyClick(panel.new_id, Qt.Key.Key_Escape)
    assert not panel.isVisible()
    assert [behavior for _, behavior in running(person)] == ["sing"]


def nothing_is_labelled_where_the_video_is_blank(person):
    session = person.session
    session.viewer.add_image(np.zeros((FRAMES + 100, 4, 4), np.uint8))
    session.viewer.dims.set_point(0, FRAMES + 50)
    for key in (KEYS["walk"], Qt.Key.Key_BracketLeft):
        person.press(key)
        assert "blank here" in session.viewer.status
    assert person.bouts == []
    person.see(FRAMES - 10)
    person.press(KEYS["walk"])
    session.viewer.dims.set_point(0, FRAMES + 50)
    person.press(KEYS["walk"])
    assert person.bouts == [(session.active.labelled, "walk", FRAMES - 10, FRAMES)]
    assert running(person) == []


def test_keys_label_only_while_labelling_is_on(person, qtbot):
    for part in (
        partial(prompt_for_corrections_keeps_its_keys, qtbot=qtbot),
        partial(keys_are_text_in_a_text_field_and_napari_s_when_off, qtbot=qtbot),
        labelling_ends_when_its_dock_is_hidden_or_boxes_are_edited,
        nothing_is_labelled_where_the_video_is_blank,
    ):
        begin(person)
        part(person)


def box_that_is_clicked_is_labelled_after_one_without(person):
    open_dock(person.session.viewer, "Individuals")
    tracked = person.session.active
    tracked.labels.set_annotation(Annotation(ETHOGRAM, (Bout("ghost", "rest", 50, 90),)), None)
    QTest.mouseClick(person.dock.canvas, Qt.MouseButton.LeftButton, pos=place(person.dock.canvas, "ghost", 70))
    assert tracked.labelled == "ghost"
    person.see(20)
    left, upper, right, lower = person.session.boxes.display(tracked).box(tracked.current, 20)
    assert person.session.boxes.pick((20, (upper + lower) / 2, (left + right) / 2))
    person.press(KEYS["walk"])
    assert person.bouts == [("ghost", "rest", 50, 90), (tracked.current, "walk", 20, 21)]


def labels_are_warned_of_when_boxes_are_others(person, tmp_path):
    tracked = person.session.active
    person.session.add_tracking(tracked.tracking, tmp_path / "first.pickle")
    assert notifications("warning") == []
    tracked.labels.editor.add(tracked.labelled, "walk", 0, 5)
    person.session.add_tracking(tracked.tracking, tmp_path / "second.pickle")
    (text,) = notifications("warning")
    assert "first.pickle" in text
    assert person.bouts == [(tracked.labelled, "walk", 0, 5)]


def test_labels_follow_the_player_and_their_animals(person, qtbot, tmp_path):
    for part in (
        partial(bouts_begin_in_the_frame_shown_while_it_plays, qtbot=qtbot),
        partial(speed_and_edges_have_buttons, qtbot=qtbot),
        swap_ends_an_open_bout_at_its_animal,
        partial(labels_are_warned_of_when_boxes_are_others, tmp_path=tmp_path),
    ):
        begin(person)
        part(person)


def edge_key_moves_no_bout_of_another(person):
    first, second = person.session.active.tracking
    editor = person.session.active.labels.editor
    editor.add(first, "walk", 100, 200)
    editor.add(second, "rest", 110, 210)
    person.see(150)
    QTest.mouseClick(person.dock.canvas, Qt.MouseButton.LeftButton, pos=place(person.dock.canvas, first, 150))
    assert person.session.active.labels.selected is not None
    person.press(Qt.Key.Key_2)
    person.press(Qt.Key.Key_BracketRight)
    assert person.bouts == [(first, "walk", 100, 200), (second, "rest", 110, 151)]


def test_edges_of_bouts_are_moved_and_gone_to(person):
    for part in (
        edges_are_set_split_and_merged_in_this_frame,
        edges_are_gone_to_in_turn,
        edge_that_is_dragged_moves_the_bout,
        edge_key_moves_no_bout_of_another,
        box_that_is_clicked_is_labelled_after_one_without,
    ):
        begin(person)
        part(person)
