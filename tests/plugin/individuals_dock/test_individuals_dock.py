"""The Individuals dock, used as a person does: tick, sort, filter, double click, step through problems, close."""

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QItemSelectionModel, QPoint, QRect, Qt
from qtpy.QtWidgets import QApplication

from helpers.clips import MakeClip
from helpers.windows import open_dock
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.individuals_dock.individuals_model import Column, IndividualsModel, rows_of
from napari_i3d.plugin.individuals_dock.individuals_table import IndividualsProxy
from napari_i3d.plugin.keys import ACTIONS
from napari_i3d.tracking.checks import ProblemKind
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES = 30


@pytest.fixture(scope="module")
def video(clip_of: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video without tracking beside it."""
    clip = clip_of(FRAMES, tmp_path_factory.mktemp("alone"))
    clip.tracking.unlink()
    return clip.video


def walk(n: int, x: float, y: float = 100.0, size: float = 40.0) -> np.ndarray:
    left = x + np.arange(n, dtype=float)
    upper = np.full(n, y)
    return np.stack([left, upper, left + size, upper + size / 2], axis=1)


def four() -> Tracking:
    holes, jump = walk(FRAMES, 10, 10), walk(FRAMES, 60, 200)
    holes[8:10] = np.nan
    jump[20] += [150, -100, 150, -100]
    return Tracking(
        [
            Tracklet("10", 0, holes),
            Tracklet("9", 0, jump),
            Tracklet("late", 12, walk(15, 150)),
            Tracklet("small", 3, walk(20, 250, 40, 10)),
        ]
    )


@pytest.fixture
def opened(make_napari_viewer, video, qtbot):
    """The viewer with a video and tracking, its session and the dock."""
    notification_manager.records.clear()
    viewer = make_napari_viewer()
    session = get_session(viewer)
    dock = open_dock(viewer, "Individuals")
    viewer.open(str(video), plugin="napari-i3d")
    session.add_tracking(four(), None)
    session.go_to(0)
    dock.resize(700, 900)
    return viewer, session, dock


def in_turn(opened, *parts) -> None:
    """Check parts of a behavior in one window, each from the same state."""
    _, session, dock = opened
    for part in parts:
        dock.individuals.filter.clear()
        session.add_tracking(four(), None)
        session.go_to(0)
        notification_manager.records.clear()
        part(opened)


def row_of(dock, individual) -> int:
    return dock.individuals.proxy.individuals().index(individual)


def cell(dock, individual, column: Column) -> QPoint:
    index = dock.individuals.proxy.index(row_of(dock, individual), column)
    dock.individuals.table.scrollTo(index)
    return dock.individuals.table.visualRect(index).center()


def click(qtbot, dock, individual, column: Column, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    place = cell(dock, individual, column)
    qtbot.mouseClick(dock.individuals.table.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def double_click(qtbot, dock, individual) -> None:
    place = cell(dock, individual, Column.ID)
    qtbot.mouseClick(dock.individuals.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(dock.individuals.table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def click_header(qtbot, dock, column: Column) -> None:
    header = dock.individuals.table.tick_header
    place = QPoint(header.sectionViewportPosition(column) + 20, header.height() // 2)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)


def texts(dock, individual) -> list[str]:
    row = row_of(dock, individual)
    return [dock.individuals.proxy.index(row, column).data() for column in list(Column)[2:]]


def selected(dock) -> list:
    return [
        dock.individuals.proxy.individual(index.row())
        for index in dock.individuals.table.selectionModel().selectedRows()
    ]


def test_empty_dock_says_what_to_do(make_napari_viewer, video):
    viewer = make_napari_viewer()
    dock = open_dock(viewer, "Individuals")
    assert dock.pages.currentWidget() is dock.empty
    assert "drop both files" in dock.empty.text()
    viewer.open(str(video), plugin="napari-i3d")
    assert "has no tracking" in dock.empty.text()


def table_tells_what_the_tracking_holds(opened):
    _, session, dock = opened
    assert dock.individuals.proxy.individuals() == ["10", "9", "late", "small"]
    problems = sum(problem.id == "9" for problem in session.active.problems)
    assert texts(dock, "9") == ["9", "0", "29", "30", "40 x 20", str(problems)]
    assert texts(dock, "late") == ["late", "12", "26", "15", "40 x 20", ""]
    assert dock.title.text() == "animals: 4 individuals, 4 to extract"


def ticks_show_and_choose(opened, qtbot):
    _, session, dock = opened
    click(qtbot, dock, "late", Column.SHOW)
    assert session.active.shown == {"10", "9", "small"}
    click(qtbot, dock, "small", Column.EXTRACT)
    assert session.active.chosen == {"10", "9", "late"}
    assert dock.title.text() == "animals: 4 individuals, 3 to extract"
    click(qtbot, dock, "late", Column.SHOW)
    assert session.active.shown == {"10", "9", "late", "small"}


def ticks_chosen_elsewhere_are_shown(opened):
    _, session, dock = opened
    session.active.chosen = {"9"}
    index = dock.individuals.proxy.index(row_of(dock, "9"), Column.EXTRACT)
    assert index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
    other = index.siblingAtRow(row_of(dock, "late"))
    assert other.siblingAtColumn(Column.EXTRACT).data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Unchecked
    assert dock.individuals.table.tick_header.tick_state(Column.EXTRACT) == Qt.CheckState.PartiallyChecked


def tick_in_selection_is_for_all_rows_selected(opened, qtbot):
    _, session, dock = opened
    click(qtbot, dock, "9", Column.ID)
    click(qtbot, dock, "small", Column.ID, Qt.KeyboardModifier.ControlModifier)
    click(qtbot, dock, "9", Column.SHOW)
    assert session.active.shown == {"10", "late"}
    assert set(selected(dock)) == {"9", "small"}


def space_chooses_the_rows_selected(opened, qtbot):
    _, session, dock = opened
    click(qtbot, dock, "10", Column.ID)
    click(qtbot, dock, "late", Column.ID, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(dock.individuals.table, Qt.Key.Key_Space)
    assert session.active.chosen == {"small"}
    qtbot.keyClick(dock.individuals.table, Qt.Key.Key_Space)
    assert session.active.chosen == {"10", "9", "late", "small"}


def tick_in_header_is_for_all_rows_listed(opened, qtbot):
    _, session, dock = opened
    qtbot.keyClicks(dock.individuals.filter, "la")
    assert dock.individuals.proxy.individuals() == ["late"]
    click_header(qtbot, dock, Column.EXTRACT)
    assert session.active.chosen == {"10", "9", "small"}
    dock.individuals.filter.clear()
    click_header(qtbot, dock, Column.EXTRACT)
    assert len(session.active.chosen) == 4
    click_header(qtbot, dock, Column.EXTRACT)
    assert not session.active.chosen


def columns_sort_as_people_do(opened, qtbot):
    _, _, dock = opened
    click_header(qtbot, dock, Column.ID)
    assert dock.individuals.proxy.individuals() == ["9", "10", "late", "small"]
    click_header(qtbot, dock, Column.LENGTH)
    assert dock.individuals.proxy.individuals()[:2] == ["late", "small"]
    click_header(qtbot, dock, Column.LENGTH)
    assert dock.individuals.proxy.individuals()[-1] == "late"
    click_header(qtbot, dock, Column.SIZE)
    assert dock.individuals.proxy.individuals()[0] == "small"


def double_click_goes_to_first_frame(opened, qtbot):
    viewer, session, dock = opened
    viewer.scene.camera.zoom = 0.01
    double_click(qtbot, dock, "late")
    assert session.frame == 12
    assert session.active.current == "late"
    assert viewer.scene.camera.center[-2:] == pytest.approx((109.5, 169.5))
    part = 40 * viewer.scene.camera.zoom / viewer.canvas.size[1]
    assert 0.1 < part < 0.8


def row_and_current_individual_follow_each_other(opened, qtbot):
    _, session, dock = opened
    assert selected(dock) == ["10"]
    click(qtbot, dock, "small", Column.ID)
    assert session.active.current == "small"
    session.boxes.pick((0, 205.0, 70.0))  # the box of 9 in frame 0
    assert session.active.current == "9"
    assert selected(dock) == ["9"]


def current_individual_is_selected_if_filter_allows(opened, qtbot):
    _, session, dock = opened
    dock.individuals.filter.setText("late")
    session.active.current = "small"
    assert selected(dock) == []
    dock.individuals.filter.clear()
    assert selected(dock) == ["small"]


def problems_are_listed_by_frame_and_stepped_through(opened, qtbot):
    _, session, dock = opened
    problems = dock.problems
    frames = [problem.frame for problem in problems.model.rows]
    assert frames == sorted(frames)
    assert len(frames) == len(session.active.problems) >= 2
    assert problems.title.text() == f"{len(frames)} problems left, 1 stops extraction"
    seen = []
    for _ in frames:
        qtbot.mouseClick(problems.next, Qt.MouseButton.LeftButton)
        seen.append(session.frame)
        assert session.active.current == session.active.problem.id
        assert problems.message.text() == session.active.problem.message
    assert seen == frames
    qtbot.mouseClick(problems.previous, Qt.MouseButton.LeftButton)
    assert session.frame == frames[-2]


def click_on_a_problem_goes_there(opened, qtbot):
    _, session, dock = opened
    table = dock.problems.table
    row = next(place for place, problem in enumerate(dock.problems.model.rows) if problem.id == "10")
    index = dock.problems.model.index(row, 2)
    table.scrollTo(index)
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(index).center())
    assert session.frame == 8
    assert session.active.current == "10"


def arrow_keys_in_the_problems_move_the_video(opened, qtbot):
    _, session, dock = opened
    table, problems = dock.problems.table, dock.problems.model.rows
    assert len(problems) == 2
    qtbot.mouseClick(dock.problems.next, Qt.MouseButton.LeftButton)
    for key, place in ((Qt.Key.Key_Down, 1), (Qt.Key.Key_Up, 0), (Qt.Key.Key_Down, 1)):
        qtbot.keyClick(table, key)
        assert session.active.problem is problems[place]
        assert (session.frame, session.active.current) == (problems[place].frame, problems[place].id)


def problems_say_whether_they_stop_the_extraction(opened):
    _, _, dock = opened
    model = dock.problems.model
    levels = {problem.kind: model.data(model.index(row, 2)) for row, problem in enumerate(model.rows)}
    assert levels == {ProblemKind.GAP: "error", ProblemKind.JUMP: "warning"}


def test_problems_are_listed_and_gone_through(opened, qtbot):
    in_turn(
        opened,
        partial(problems_are_listed_by_frame_and_stepped_through, qtbot=qtbot),
        partial(click_on_a_problem_goes_there, qtbot=qtbot),
        partial(arrow_keys_in_the_problems_move_the_video, qtbot=qtbot),
        problems_say_whether_they_stop_the_extraction,
    )


def test_texts_of_problems_are_not_cut(make_napari_viewer, video, qtbot):
    viewer = make_napari_viewer(show=True)
    session = get_session(viewer)
    dock = open_dock(viewer, "Individuals")
    viewer.open(str(video), plugin="napari-i3d")
    session.add_tracking(four(), None)
    qtbot.wait(50)
    table, model = dock.problems.table, dock.problems.model
    for row in range(model.rowCount()):
        place = table.visualRect(model.index(row, 3))
        room = QRect(0, 0, place.width() - 8, 10_000)
        text = model.data(model.index(row, 3))
        needed = table.fontMetrics().boundingRect(room, int(Qt.TextFlag.TextWordWrap.value), text)
        assert place.height() >= needed.height(), text


def keys_work_while_a_table_has_the_focus(opened, qtbot):
    _, session, dock = opened
    qtbot.keyClick(dock.individuals.table, Qt.Key.Key_J)
    assert session.active.current == "9"
    qtbot.keyClick(dock.problems.table, Qt.Key.Key_N)
    assert session.active.problem is not None


def size_of_resized_video_scales_and_checks_anew(opened, qtbot):
    _, session, dock = opened
    row = dock.video_size
    assert (row.width_px.value(), row.height_px.value()) == (384, 288)
    assert not row.width_px.isEnabled()
    row.resized.click()
    row.width_px.setValue(192)
    row.height_px.setValue(144)
    assert session.active.boxes_size == (192, 144)
    assert session.active.box_scale == (2, 2)
    assert any(problem.kind == "outside" for problem in session.active.problems)
    assert "stop" in dock.problems.title.text()
    row.resized.click()
    assert session.active.boxes_size is None
    assert (row.width_px.value(), row.height_px.value()) == (384, 288)


def trails_are_switched_on_and_off(opened, qtbot):
    _, session, dock = opened
    dock.trails.click()
    assert session.boxes.trail_frames == 25
    dock.trail_frames.setValue(5)
    assert session.boxes.trail_frames == 5
    dock.trails.click()
    assert session.boxes.trail_frames == 0


def help_lists_all_keys(opened):
    _, session, dock = opened
    for action in ACTIONS:
        key = session.keys.shown_keys(action.name)
        assert bool(key) == bool(action.key)
        assert not key or f"<b>{key}</b>&nbsp;&nbsp;</td><td>{action.text}</td>" in dock.help.text()


def test_rows_lead_to_their_individuals(opened, qtbot):
    in_turn(
        opened,
        partial(row_and_current_individual_follow_each_other, qtbot=qtbot),
        partial(current_individual_is_selected_if_filter_allows, qtbot=qtbot),
        partial(keys_work_while_a_table_has_the_focus, qtbot=qtbot),
        partial(trails_are_switched_on_and_off, qtbot=qtbot),
        help_lists_all_keys,
        partial(size_of_resized_video_scales_and_checks_anew, qtbot=qtbot),
        partial(double_click_goes_to_first_frame, qtbot=qtbot),
        partial(columns_sort_as_people_do, qtbot=qtbot),
    )


def context_menu_acts_on_the_rows_selected(opened, qtbot):
    _, session, dock = opened
    click(qtbot, dock, "late", Column.ID)
    dock.individuals.table.customContextMenuRequested.emit(cell(dock, "late", Column.ID))
    menu = next(menu for menu in dock.findChildren(type(dock.help_button.menu())) if menu.isVisible())
    next(action for action in menu.actions() if action.text() == "Extract only these").trigger()
    assert session.active.chosen == {"late"}
    menu.close()


def test_table_holds_and_ticks_the_tracking(opened, qtbot):
    in_turn(
        opened,
        table_tells_what_the_tracking_holds,
        partial(ticks_show_and_choose, qtbot=qtbot),
        ticks_chosen_elsewhere_are_shown,
        partial(tick_in_selection_is_for_all_rows_selected, qtbot=qtbot),
        partial(space_chooses_the_rows_selected, qtbot=qtbot),
        partial(tick_in_header_is_for_all_rows_listed, qtbot=qtbot),
        partial(context_menu_acts_on_the_rows_selected, qtbot=qtbot),
    )


def dock_follows_the_active_video(opened, clip_of, tmp_path):
    viewer, session, dock = opened
    first = session.active
    other = clip_of(FRAMES, tmp_path)
    viewer.open(str(other.video.rename(tmp_path / "second.mp4")), plugin="napari-i3d")
    second = session.active
    assert second is not first
    assert "second has no tracking" in dock.empty.text()
    viewer.layers.selection.active = first.layer
    assert dock.individuals.proxy.individuals() == ["10", "9", "late", "small"]
    assert first.tracking is not None


def removing_layers_empties_the_dock(opened, qtbot):
    viewer, session, dock = opened
    viewer.layers.remove(session.active.tracking_layer)
    assert dock.pages.currentWidget() is dock.empty
    viewer.layers.clear()
    qtbot.wait(20)
    assert "drop both files" in dock.empty.text()
    assert dock.individuals.proxy.rowCount() == 0


def test_dock_follows_videos_until_none_is_left(opened, clip_of, tmp_path, qtbot):
    dock_follows_the_active_video(opened, clip_of, tmp_path)
    removing_layers_empties_the_dock(opened, qtbot)


def test_closed_docks_are_at_rest(opened, qtbot):
    viewer, session, dock = opened
    again = None
    for _ in range(2):
        viewer.window.remove_dock_widget(dock)
        session.active.current = "late"
        session.active.shown = {"late"}
        assert selected(dock) != ["late"]
        dock.deleteLater()
        qtbot.wait(10)
        session.active.current = "9"
        session.active.set_tracking(four(), None)
        dock = again = open_dock(viewer, "Individuals")
    assert again.individuals.proxy.rowCount() == 4


def test_thousand_individuals_are_quick():
    import time

    from napari_i3d.plugin.session.tracked_video import TrackedVideo

    tracked = TrackedVideo("many")
    tracked.set_tracking(Tracking(Tracklet(i, i, walk(300, 10)) for i in range(1000)), None)
    start = time.process_time()
    model, proxy = IndividualsModel(), IndividualsProxy()
    proxy.setSourceModel(model)
    model.set_tracked(tracked)
    proxy.sort(Column.ID, Qt.SortOrder.DescendingOrder)
    proxy.setFilterFixedString("9")
    model.tick(Column.EXTRACT, proxy.individuals(), False)
    assert time.process_time() - start < 2
    assert proxy.individual(0) == 999
    assert len(tracked.chosen) == 1000 - proxy.rowCount() == 729


def test_long_names_leave_room_for_the_image(make_napari_viewer, video, tmp_path):
    viewer = make_napari_viewer(show=True)
    docks = [viewer.window.add_plugin_dock_widget("napari-i3d", name)[1] for name in ("Individuals", "Crop preview")]
    before = [dock.minimumSizeHint().width() for dock in docks]
    path = tmp_path / f"{'v' * 150}.mp4"
    shutil.copy(video, path)
    viewer.open(str(path), plugin="napari-i3d")
    tracking = Tracking([Tracklet("x" * 300, 0, np.tile([10.0, 10, 40, 40], (20, 1)))])
    get_session(viewer).add_tracking(tracking, None)
    QApplication.processEvents()
    assert all(dock.minimumSizeHint().width() <= max(600, width) for dock, width in zip(docks, before, strict=True))


def test_mean_size_passes_over_boxes_that_are_none():
    from napari_i3d.plugin.session.tracked_video import TrackedVideo

    boxes = walk(5, 0, size=10)
    boxes[2] = [np.nan, 0, np.inf, 1]
    tracked = TrackedVideo("x")
    tracked.set_tracking(Tracking([Tracklet("a", 0, boxes)]), None)
    assert rows_of(tracked)[0].size == "10 x 5"
    only = boxes[[2, 2]]
    tracked.set_tracking(Tracking([Tracklet("a", 0, only)]), None)
    assert rows_of(tracked)[0].size == ""


def test_real_tracks_with_many_ids(make_napari_viewer, shared, qtbot):
    viewer = make_napari_viewer()
    dock = open_dock(viewer, "Individuals")
    data = shared / "data"
    viewer.open(str(data / "flies_courtship_clip.mp4"), plugin="napari-i3d")
    viewer.open(str(data / "flies_courtship_clip_predicted_split.pickle"), plugin="napari-i3d")
    session = get_session(viewer)
    assert dock.individuals.proxy.rowCount() == 32
    assert "stop" not in dock.problems.title.text()
    dock.resize(700, 900)
    qtbot.keyClicks(dock.individuals.filter, "male.3")
    first = dock.individuals.proxy.individuals()[0]
    double_click(qtbot, dock, first)
    assert session.frame == session.active.tracking[first].start
    selection = dock.individuals.table.selectionModel()
    selection.select(
        dock.individuals.proxy.index(0, 0),
        QItemSelectionModel.SelectionFlag.Rows | QItemSelectionModel.SelectionFlag.Select,
    )
    assert session.active.current == first


def test_tracking_with_gaps_is_told_of(make_napari_viewer, shared):
    notification_manager.records.clear()
    viewer = make_napari_viewer()
    dock = open_dock(viewer, "Individuals")
    data = shared / "data"
    viewer.open(str(data / "flies_courtship_clip.mp4"), plugin="napari-i3d")
    viewer.open(str(data / "flies_courtship_clip_INVALID_gaps.pickle"), plugin="napari-i3d")
    told = [str(record.message) for record in notification_manager.records if "stop" in str(record.message)]
    assert len(told) == 1
    assert "gaps" in told[0]
    assert "extraction" in dock.problems.title.text()
