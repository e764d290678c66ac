"""Identities corrected in a real window by keys, menus and the table; the oracle is boxes in plain dictionaries."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Labels
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLineEdit, QMenu

from helpers.clips import MakeClip
from helpers.windows import open_dock
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.corrections.history_list import HistoryModel
from napari_i3d.plugin.individuals_dock.individuals_model import Column, rows_of
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES, FRAME, SPAN = 40, 20, (8, 15)
Plain = dict[object, dict[int, tuple[float, ...]]]
NO, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)


@pytest.fixture(scope="module")
def video(clip_of: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = clip_of(FRAMES, tmp_path_factory.mktemp("alone"))
    clip.tracking.unlink()
    return clip.video


def standing(individual, x: float, start: int = 0, stop: int = FRAMES) -> Tracklet:
    frames = np.arange(start, stop, dtype=float)
    return Tracklet(individual, start, np.stack([x + frames, 100 + 0 * frames, x + frames + 40, 140 + frames], axis=1))


def several() -> Tracking:
    return Tracking([standing("male", 20), standing("female", 70), standing(1, 200), standing("1", 280, 0, 18)])


def plain(tracking: Tracking) -> Plain:
    return {
        one: {t.start + row: tuple(t.boxes[row]) for row in np.flatnonzero(t.present).tolist()}
        for one, t in tracking.items()
    }


@pytest.fixture
def opened(make_napari_viewer, video, qtbot):
    """The session of a shown viewer with a video and tracking at a frame, and the dock."""
    notification_manager.records.clear()
    viewer = make_napari_viewer(show=True)
    session = get_session(viewer)
    dock = open_dock(viewer, "Individuals")
    viewer.open(str(video), plugin="napari-i3d")
    begin((session, dock))
    qtbot.wait(50)
    return session, dock


def begin(opened) -> None:
    """The boxes of all, a frame in their middle, nothing marked, asked or said."""
    session, _ = opened
    panel = session.identity_prompt.panel
    if panel is not None and panel.isVisible():
        press(session, "Escape")
    session.add_tracking(several(), None)
    session.active.span = None
    session.go_to(FRAME)
    notification_manager.records.clear()


def press(session, key: str, modifier=NO) -> None:
    """Press a key where the keyboard is: in the panel if it is open, otherwise on the canvas."""
    panel = session.identity_prompt.panel
    target = session.viewer.window._qt_viewer.canvas.native
    if panel is not None and panel.isVisible():
        target = panel.new_id if panel.new_id.isVisible() else panel
    if key in ("Return", "Escape"):
        QTest.keyClick(target, getattr(Qt.Key, f"Key_{key}"), modifier)
    else:
        QTest.keyClick(target, key, modifier)


def words(session) -> str:
    return session.identity_prompt.panel.words.text()


def said(session) -> str:
    return session.viewer.status


def two_keys_swap_with_the_nearest_from_here_on(opened):
    session, _ = opened
    before = plain(session.active.tracking)
    press(session, "Q")
    assert words(session) == f"Swap male and female in frames {FRAME} to {FRAMES - 1}"
    assert plain(session.active.tracking) == before
    press(session, "Return")
    male, female = before["male"], before["female"]
    expected = before | {
        "male": {frame: (male if frame < FRAME else female)[frame] for frame in male},
        "female": {frame: (female if frame < FRAME else male)[frame] for frame in male},
    }
    assert plain(session.active.tracking) == expected
    assert session.active.history.undo_words == f"swap male and female in frames {FRAME} to {FRAMES - 1}"
    assert said(session).endswith(session.active.history.undo_words)
    assert not session.identity_prompt.panel.isVisible()


def each_scope_by_keys(opened):
    for scope in "1234":
        begin(opened)
        correct_in_scope(opened, scope)


def correct_in_scope(opened, scope: str) -> None:
    session, _ = opened
    session.go_to(SPAN[0])
    press(session, ",")
    session.go_to(SPAN[1] - 1)
    press(session, ".")
    session.go_to(FRAME)
    before = plain(session.active.tracking)
    frames = {
        "1": set(range(FRAME, FRAMES)),
        "2": {FRAME},
        "3": set(range(FRAME + 1)),
        "4": set(range(*SPAN)),
    }[scope]
    male, female = before["male"], before["female"]
    rest = {frame: box for frame, box in male.items() if frame not in frames}
    swapped = before | {
        "male": {frame: (female if frame in frames else male)[frame] for frame in male},
        "female": {frame: (male if frame in frames else female)[frame] for frame in male},
    }
    given = before | {"male": rest, "male_2": {frame: male[frame] for frame in sorted(frames)}}
    for letter, next_other, expected in (("S", 0, swapped), ("B", 3, given), ("X", 0, before | {"male": rest})):
        press(session, "Q")
        press(session, letter)
        press(session, scope)
        for _ in range(next_other):
            press(session, "Q")
        announced = words(session)
        press(session, "Return")
        assert plain(session.active.tracking) == expected
        done = session.active.history.undo_words
        assert announced == done[0].upper() + done[1:]
        press(session, "U")
        assert plain(session.active.tracking) == before
        assert said(session) == f"Undone: {done}"


def refused_gift_names_frames_and_can_replace(opened):
    session, _ = opened
    session.active.current = "1"
    session.go_to(5)
    before = plain(session.active.tracking)
    press(session, "Q")
    press(session, "M")
    panel = session.identity_prompt.panel
    panel.other.setCurrentIndex([panel.other.itemText(place) for place in range(panel.other.count())].index("1"))
    assert "frames 0-17" in words(session)
    assert not panel.done.isEnabled()
    press(session, "Return")
    assert plain(session.active.tracking) == before
    assert panel.isVisible()
    press(session, "P")
    assert words(session) == "Merge '1' into 1 in place of its own boxes"
    press(session, "Return")
    assert plain(session.active.tracking) == {
        "male": before["male"],
        "female": before["female"],
        1: before[1] | before["1"],
    }
    assert session.active.current == 1
    assert type(session.active.current) is int


def escape_changes_nothing(opened):
    session, _ = opened
    before = session.active.tracking
    for letter in "SBMTRXD":
        press(session, "Q")
        press(session, letter)
        press(session, "Escape")
        assert not session.identity_prompt.panel.isVisible()
    assert session.active.tracking is before


def words_follow_frame_span_and_individual(opened):
    session, _ = opened
    press(session, "Q")
    session.go_to(25)
    assert words(session) == "Swap male and female in frames 25 to 39"
    press(session, "4")
    assert "marked span" in words(session)
    session.active.span = (3, 5)
    assert words(session) == "Swap male and female in frames 3 to 4"
    session.active.current = "female"
    assert words(session) == "Swap female and male in frames 3 to 4"
    press(session, "T")
    assert words(session) == "Split female at frame 25: from there on it is female_2"
    press(session, "D")
    assert words(session) == "Delete female, all its boxes"


def undo_and_redo_keys(opened):
    session, _ = opened
    before = plain(session.active.tracking)
    session.active.editor.delete("male")
    after = plain(session.active.tracking)
    for undo, redo in ((("U", NO), ("U", SHIFT)), (("Z", CONTROL), ("Z", CONTROL | SHIFT))):
        press(session, *undo)
        assert plain(session.active.tracking) == before
        press(session, *redo)
        assert plain(session.active.tracking) == after
    press(session, "U")
    press(session, "U")
    assert said(session) == "There is nothing to undo"


def labels_layer_keeps_its_own_undo(opened):
    session, _ = opened
    layer = Labels(np.zeros((FRAMES, 60, 60), int))
    session.viewer.add_layer(layer)
    session.viewer.layers.selection.active = layer
    session.active.editor.delete("male")
    layer.data_setitem((np.array([FRAME]), np.array([3]), np.array([3])), 5)
    press(session, "Z", CONTROL)
    assert not layer.data.any()
    assert "male" not in session.active.tracking
    press(session, "U")
    assert "male" in session.active.tracking


def test_identities_are_corrected_by_keys(opened):
    for part in (
        two_keys_swap_with_the_nearest_from_here_on,
        each_scope_by_keys,
        refused_gift_names_frames_and_can_replace,
        escape_changes_nothing,
        words_follow_frame_span_and_individual,
        undo_and_redo_keys,
        labels_layer_keeps_its_own_undo,
    ):
        begin(opened)
        part(opened)


def menu_entry(menu: QMenu, *titles: str):
    """Return an entry by the beginnings of the titles on the way to it, opening the submenus as a mouse would."""
    for title in titles:
        action = next(action for action in menu.actions() if action.text().startswith(title))
        if action.menu() is not None:
            menu = action.menu()
            menu.aboutToShow.emit()
    return action


def right_click(session, x: float, y: float, *, drag_px: int = 0) -> None:
    """Click with the right button on a place of the video, given in its pixels."""
    viewer = session.viewer
    canvas = viewer.window._qt_viewer.canvas.native
    camera = viewer.scene.camera
    column = (x - 0.5 - camera.center[-1]) * camera.zoom + canvas.width() / 2
    row = (y - 0.5 - camera.center[-2]) * camera.zoom + canvas.height() / 2
    start = QPoint(round(column), round(row))
    QTest.mousePress(canvas, Qt.MouseButton.RightButton, NO, start)
    if drag_px:
        for step in range(1, 5):
            QTest.mouseMove(canvas, start + QPoint(0, drag_px * step // 4))
            QTest.qWait(20)
    QTest.mouseRelease(canvas, Qt.MouseButton.RightButton, NO, start + QPoint(0, drag_px))
    QApplication.processEvents()


def right_click_on_a_box_opens_its_menu(opened, qtbot):
    session, _ = opened
    before = plain(session.active.tracking)
    right_click(session, 75 + FRAME, 120)
    menu = session.canvas_menu.menu
    assert menu is not None
    assert session.active.current == "female"
    others = menu_entry(menu, "Swap with").menu()
    assert [action.text() for action in others.actions()] == ["male", "1", "'1'"]
    entry = menu_entry(menu, "Swap with", "male", "Swap female and male in frame 20")
    assert entry.statusTip() == "swap female and male in frame 20"
    entry.trigger()
    menu.close()
    now = plain(session.active.tracking)
    assert now["female"][FRAME] == before["male"][FRAME]
    assert {frame: box for frame, box in now["female"].items() if frame != FRAME} == {
        frame: box for frame, box in before["female"].items() if frame != FRAME
    }


def right_click_works_while_boxes_are_edited(opened, qtbot):
    session, _ = opened
    before = plain(session.active.tracking)
    session.box_editor.start()
    qtbot.wait(50)
    right_click(session, 75 + FRAME, 120)
    menu_entry(session.canvas_menu.menu, "Delete female").trigger()
    session.canvas_menu.menu.close()
    session.box_editor.stop()
    assert plain(session.active.tracking) == {one: boxes for one, boxes in before.items() if one != "female"}


def right_click_beside_boxes_opens_none(opened):
    session, _ = opened
    right_click(session, 300, 20)
    assert session.canvas_menu.menu is None


def dragged_right_button_zooms_and_opens_none(opened):
    session, _ = opened
    zoom = session.viewer.scene.camera.zoom
    right_click(session, 75 + FRAME, 120, drag_px=40)
    assert session.canvas_menu.menu is None
    assert session.viewer.scene.camera.zoom != zoom


def delete_entries_are_told_apart(opened):
    session, _ = opened
    session.canvas_menu.open()
    menu = session.canvas_menu.menu
    whole = menu_entry(menu, "Delete male")
    assert whole.text() == "Delete male, all its boxes"
    menu_entry(menu, "Delete boxes", "Delete the box of male in frame 20").trigger()
    assert FRAME not in plain(session.active.tracking)["male"]
    whole.trigger()
    assert "male" not in session.active.tracking
    menu.close()


def test_right_clicks_open_the_menu_of_a_box(opened, qtbot):
    for part in (
        right_click_beside_boxes_opens_none,
        dragged_right_button_zooms_and_opens_none,
        partial(right_click_on_a_box_opens_its_menu, qtbot=qtbot),
        partial(right_click_works_while_boxes_are_edited, qtbot=qtbot),
        delete_entries_are_told_apart,
    ):
        begin(opened)
        part(opened)


def row_of(dock, individual) -> int:
    return dock.individuals.proxy.individuals().index(individual)


def type_id(session, dock, individual, text: str, qtbot) -> None:
    table = dock.individuals.table
    table.selectRow(row_of(dock, individual))
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_F2)
    editor = next(editor for editor in table.viewport().findChildren(QLineEdit) if editor.isVisible())
    editor.selectAll()
    QTest.keyClicks(editor, text)
    answers = len(session.active.history.steps), len(notification_manager.records)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: answers != (len(session.active.history.steps), len(notification_manager.records)))


def typed_ids_keep_their_type(opened, qtbot):
    session, dock = opened
    tracking = plain(session.active.tracking)
    type_id(session, dock, "male", "7", qtbot)
    type_id(session, dock, 1, "'9'", qtbot)
    now = plain(session.active.tracking)
    assert list(now) == [7, "female", "9", "1"]
    assert [now[one] for one in now] == list(tracking.values())
    assert session.active.history.undo_words == "rename 1 to '9'"
    type_id(session, dock, "female", "7", qtbot)
    assert "female" in session.active.tracking
    assert any("7" in record.message for record in notification_manager.records)


def table_menu_deletes_all_that_are_selected(opened, qtbot, monkeypatch):
    session, dock = opened
    menus: list[QMenu] = []
    monkeypatch.setattr(QMenu, "popup", lambda menu, *_: menus.append(menu))
    table = dock.individuals.table
    table.selectRow(0)
    index = dock.individuals.proxy.index(2, Column.ID)
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, CONTROL, table.visualRect(index).center())
    table.customContextMenuRequested.emit(table.visualRect(index).center())
    menu_entry(menus[-1], "Delete 2 individuals").trigger()
    assert list(session.active.tracking) == ["female", "1"]
    assert session.active.history.position == 1
    press(session, "U")
    assert list(session.active.tracking) == ["male", "female", 1, "1"]


def check_table(session, dock) -> None:
    model, proxy = dock.individuals.model, dock.individuals.proxy
    assert model.rows == rows_of(session.active)
    assert sorted(map(repr, proxy.individuals())) == sorted(map(repr, session.active.tracking))
    chosen = dock.individuals.table.selectionModel().selectedRows()
    assert [proxy.individual(index.row()) for index in chosen] == [session.active.current]


def table_keeps_selection_order_and_place(opened, qtbot):
    session, dock = opened
    tracking = Tracking([standing(f"id{n}", 10 + 5 * n, n // 2, 30) for n in range(40)])
    session.active.set_tracking(tracking, None)
    table, resets = dock.individuals.table, []
    dock.individuals.model.modelReset.connect(lambda: resets.append(1))
    table.tick_header.setSortIndicator(Column.LENGTH, Qt.SortOrder.AscendingOrder)
    dock.individuals._sort()
    session.active.current = "id20"
    place = table.verticalScrollBar().value()
    assert place > 0
    session.active.editor.set_box("id20", 25, [1, 2, 33, 44])
    session.active.editor.rename("id30", "other")
    session.active.editor.delete("id3")
    assert session.active.current == "id20"
    assert table.verticalScrollBar().value() in (place - 1, place)
    lengths = [len(session.active.tracking[one]) for one in dock.individuals.proxy.individuals()]
    assert lengths == sorted(lengths)
    check_table(session, dock)
    assert not resets


def history_list_goes_to_the_state_clicked(opened, qtbot):
    session, dock = opened
    states = [plain(session.active.tracking)]
    editor, bar = session.active.editor, dock.corrections
    for change in (lambda: editor.delete_boxes("male", 3, 9), lambda: editor.split(1, 10), lambda: editor.delete("1")):
        change()
        states.append(plain(session.active.tracking))
    qtbot.mouseClick(bar.fold, Qt.MouseButton.LeftButton)
    model = bar.steps.model()
    assert [model.index(row, 0).data() for row in range(2)] == [
        "Boxes as opened",
        "1  delete the boxes of male in frames 3 to 8",
    ]
    for row in (1, 3, 0, 2):
        spot = bar.steps.visualRect(model.index(row, 0)).center()
        qtbot.mouseClick(bar.steps.viewport(), Qt.MouseButton.LeftButton, NO, spot)
        assert plain(session.active.tracking) == states[row]
        assert bar.steps.currentIndex().row() == row
        enabled = [bool(model.flags(model.index(n, 0)) & Qt.ItemFlag.ItemIsEnabled) for n in range(4)]
        assert enabled == [n <= row for n in range(4)]
    session.active.history.mark_saved()
    assert model.index(2, 0).data().endswith("(saved)")
    assert "split 1 at frame 10" in bar.undo.toolTip()
    assert "delete '1'" in bar.redo.toolTip()


def test_history_model_inserts_rows_only():
    from napari_i3d.tracking.editing.editor import TrackingEditor

    editor, model, resets = TrackingEditor(several()), HistoryModel(), []
    model.set_history(editor.history)
    model.modelReset.connect(lambda: resets.append(1))
    for n in range(20):
        editor.delete_boxes("male", n, n + 1)
        model.set_history(editor.history)
    assert not resets
    editor.history.go_to(5)
    editor.delete("male")
    model.set_history(editor.history)
    listed = [model.index(row, 0).data().split("  ")[-1] for row in range(1, model.rowCount())]
    assert listed == [step.words for step in editor.history.steps]


def marked_span_is_shown_and_cleared(opened, qtbot):
    session, dock = opened
    press(session, ",")
    session.go_to(29)
    press(session, ".")
    assert dock.corrections.span.text() == "Marked: frames 20 to 29 (10)"
    qtbot.mouseClick(dock.corrections.clear, Qt.MouseButton.LeftButton)
    assert session.active.span is None
    assert dock.corrections.span_row.isHidden()


def bar_shows_editing_and_signs_in_a_narrow_dock(opened, qtbot):
    session, dock = opened
    bar = dock.corrections
    qtbot.mouseClick(bar.edit, Qt.MouseButton.LeftButton)
    assert session.box_editor.is_on
    assert bar.edit.isChecked()
    session.box_editor.stop()
    assert not bar.edit.isChecked()
    bar.resize(150, bar.height())
    assert [bar.undo.text(), bar.redo.text()] == ["↶", "↷"]
    assert bar.undo.toolTip().startswith("Nothing to undo")
    bar.resize(600, bar.height())
    assert [bar.undo.text(), bar.redo.text()] == ["Undo", "Redo"]


def test_dock_corrects_and_shows_the_history(opened, qtbot, monkeypatch):
    for part in (
        partial(typed_ids_keep_their_type, qtbot=qtbot),
        partial(history_list_goes_to_the_state_clicked, qtbot=qtbot),
        partial(marked_span_is_shown_and_cleared, qtbot=qtbot),
        partial(bar_shows_editing_and_signs_in_a_narrow_dock, qtbot=qtbot),
        partial(table_menu_deletes_all_that_are_selected, qtbot=qtbot, monkeypatch=monkeypatch),
        partial(table_keeps_selection_order_and_place, qtbot=qtbot),
    ):
        begin(opened)
        part(opened)


def test_corrections_act_on_the_active_video(opened, clip_of, tmp_path):
    session, dock = opened
    first = session.active
    clip = clip_of(FRAMES, tmp_path, "other")
    session.viewer.open(str(clip.video), plugin="napari-i3d")
    if session.active.tracking is None:
        session.active.set_tracking(several(), None)
    second, before = session.active, first.tracking
    assert second is not first
    press(session, "Q")
    press(session, "D")
    press(session, "Return")
    assert first.tracking is before
    assert second.history.position == 1
    assert dock.corrections.undo.isEnabled()
    session.active = first
    assert not dock.corrections.undo.isEnabled()
    press(session, "U")
    assert second.history.position == 1


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.nightly) for n in (1, 2))])
def test_random_corrections_equal_plain_boxes(opened, seed):
    """Swap, give, split, delete by keys in random frames; each state is compared, then all are undone one by one."""
    session, dock = opened
    random = np.random.default_rng(seed)
    states = [plain(session.active.tracking)]
    for _ in range(15):
        frame = int(random.integers(FRAMES))
        session.go_to(frame)
        current = list(session.active.tracking)[random.integers(len(session.active.tracking))]
        session.active.current = current
        now = {one: dict(boxes) for one, boxes in states[-1].items()}
        letter, scope = random.choice(list("SXT")), int(random.integers(1, 4))
        press(session, "Q")
        press(session, letter)
        press(session, str(scope))
        panel = session.identity_prompt.panel
        other = panel.choice.other
        frames = {1: range(frame, FRAMES), 2: range(frame, frame + 1), 3: range(frame + 1)}[scope]
        possible = panel.done.isEnabled()
        if letter == "S":
            both = [{f: now[one].pop(f) for f in frames if f in now[one]} for one in (current, other)]
            assert possible is any(both)
            for one, boxes in ((current, both[1]), (other, both[0])):
                now[one] = dict(sorted((now[one] | boxes).items()))
        elif letter == "X":
            gone = [now[current].pop(f) for f in frames if f in now[current]]
            assert possible is bool(gone)
        else:
            assert possible is (min(now[current]) < frame <= max(now[current]))
            if possible:
                new = session.active.editor.unused_id(current)
                now[new] = {f: now[current].pop(f) for f in list(now[current]) if f >= frame}
        press(session, "Return" if possible else "Escape")
        if possible:
            states.append({one: boxes for one, boxes in now.items() if boxes})
        assert plain(session.active.tracking) == states[-1]
        check_table(session, dock)
        if len(session.active.tracking) < 2:
            break
    while len(states) > 1:
        states.pop()
        press(session, "U")
        assert plain(session.active.tracking) == states[-1]
        check_table(session, dock)
    assert not session.active.history.can_undo


def test_question_stops_a_video_at_the_frame_asked_about(opened, qtbot):
    session, _ = opened
    for ask in (session.canvas_menu.open, lambda: press(session, "Q")):
        session.go_to(0)
        session.playback.play()
        qtbot.waitUntil(lambda: session.frame > 1)
        ask()
        assert not session.playback.is_playing
        asked = session.frame
        qtbot.wait(200)
        assert session.frame == asked
        session.canvas_menu.menu.close()
    assert words(session) == f"Swap male and female in frames {asked} to {FRAMES - 1}"
