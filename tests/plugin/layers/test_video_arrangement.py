"""Several videos in one viewer: one is seen at a time, or all side by side, each with its own boxes and ids."""

from pathlib import Path

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.layers.video_arrangement import places, video_names
from napari_i3d.plugin.session.tracked_video import TrackedVideo

LONG, SHORT = 40, 25


@pytest.fixture(scope="module")
def clips(clip_of, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two videos of different lengths, with tracking beside each."""
    first, second = (
        clip_of(frames, tmp_path_factory.mktemp(name), name).video
        for name, frames in (("first", LONG), ("second", SHORT))
    )
    return first, second


@pytest.fixture
def opened(make_napari_viewer, clips, qtbot):
    """The viewer with the Individuals dock and both videos, and its session."""
    notification_manager.records.clear()
    viewer = make_napari_viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-i3d", "Individuals")
    for path in clips:
        viewer.open(str(path), plugin="napari-i3d")
    qtbot.wait(50)
    return viewer, get_session(viewer), dock


def seen(viewer) -> set[str]:
    return {layer.name for layer in viewer.layers if layer.visible}


def names_of(stem: str) -> set[str]:
    return {stem, f"Boxes: {stem}_tracks", f"Ids: {stem}_tracks"}


def choose(qtbot, dock, place: int) -> None:
    """Choose in the list of videos with the keyboard, as a person does."""
    box = dock.videos.list
    QTest.keyClick(box, Qt.Key.Key_Home if place == 0 else Qt.Key.Key_End)
    qtbot.wait(20)


def place_on_canvas(viewer, row: float, column: float) -> QPoint:
    camera = viewer.scene.camera
    height, width = viewer.canvas.size
    x = (column - camera.center[-1]) * camera.zoom + width / 2
    y = (row - camera.center[-2]) * camera.zoom + height / 2
    return QPoint(round(x), round(y))


def click_individual(viewer, session, tracked, individual) -> None:
    left, upper, right, lower = session.boxes.display(tracked).box(individual, session.frame)
    place = place_on_canvas(viewer, (upper + lower) / 2, (left + right) / 2)
    native = viewer.window._qt_viewer.canvas.native
    QTest.mouseMove(native, place)
    QTest.mouseClick(native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)


def test_opened_video_is_seen_alone(opened):
    viewer, _session, dock = opened
    assert seen(viewer) == names_of("second")
    assert [dock.videos.list.itemText(place) for place in range(2)] == ["first", "second"]
    assert dock.videos.list.currentText() == "second"


def test_list_chooses_image_boxes_ids_and_docks(opened, qtbot):
    viewer, session, dock = opened
    for place, stem in ((0, "first"), (1, "second"), (0, "first")):
        choose(qtbot, dock, place)
        assert seen(viewer) == names_of(stem)
        assert session.active.name == stem
        assert dock.title.text().startswith(stem)


def test_selecting_a_layer_shows_its_video(opened):
    viewer, session, dock = opened
    viewer.layers.selection.active = session.videos[0].tracking_layer
    assert seen(viewer) == names_of("first")
    assert dock.videos.list.currentText() == "first"


def test_eye_of_hidden_layer_switches_to_its_video(opened):
    viewer, session, _ = opened
    session.videos[0].layer.visible = True
    assert session.active.name == "first"
    assert seen(viewer) == names_of("first")


def test_layers_the_user_hid_stay_hidden(opened, qtbot):
    viewer, _session, dock = opened
    viewer.layers["Ids: second_tracks"].visible = False
    choose(qtbot, dock, 0)
    choose(qtbot, dock, 1)
    assert seen(viewer) == names_of("second") - {"Ids: second_tracks"}


def test_slider_has_the_frames_of_the_video_seen(opened, qtbot):
    viewer, session, dock = opened
    assert viewer.dims.range[0].stop == SHORT - 1
    choose(qtbot, dock, 0)
    assert viewer.dims.range[0].stop == LONG - 1
    session.go_to(LONG - 1)
    choose(qtbot, dock, 1)
    assert (viewer.dims.range[0].stop, session.frame) == (SHORT - 1, SHORT - 1)
    session.go_to(7)
    choose(qtbot, dock, 0)
    assert session.frame == 7


def test_boxes_are_those_of_frame_after_switch(opened, qtbot):
    _viewer, session, dock = opened
    session.go_to(3)
    choose(qtbot, dock, 0)
    session.go_to(11)
    choose(qtbot, dock, 1)
    tracked = session.active
    tracklet = tracked.tracking["spotted"]
    upper_lines = {tuple(np.round(line[0], 3)) for line in tracked.tracking_layer.data if line[1].any()}
    left, upper, *_ = tracklet.boxes[11 - tracklet.start] - 0.5
    width = float(tracked.tracking_layer.edge_width)
    assert (round(upper, 3), round(left - width / 2, 3)) in upper_lines


def test_side_by_side_images_take_their_own_clicks(opened, qtbot):
    viewer, session, dock = opened
    qtbot.mouseClick(dock.videos.side_by_side, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    qtbot.wait(50)
    assert seen(viewer) == names_of("first") | names_of("second")
    first, second = session.videos
    assert first.layer.extent.world[1, -1] < second.layer.extent.world[0, -1]
    np.testing.assert_array_equal(second.tracking_layer.translate, second.layer.translate[-2:])
    assert viewer.dims.range[0].stop == LONG - 1
    session.go_to(9)
    for tracked in (first, second, first):
        for individual in ("spotted", "striped"):
            click_individual(viewer, session, tracked, individual)
            assert (session.active, tracked.current) == (tracked, individual)
    qtbot.mouseClick(dock.videos.side_by_side, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert seen(viewer) == names_of("first")
    np.testing.assert_array_equal(second.layer.translate, 0)


def test_place_that_user_gave_image_is_kept(opened):
    _viewer, session, _ = opened
    session.videos[1].layer.translate = (0, 10, 20)
    session.arrangement.side_by_side = True
    assert session.videos[1].layer.translate[-1] > 100
    session.arrangement.side_by_side = False
    np.testing.assert_array_equal(session.videos[1].layer.translate, (0, 10, 20))


def test_each_video_keeps_its_view(opened, qtbot):
    viewer, _session, dock = opened
    viewer.scene.camera.zoom, viewer.scene.camera.center = 7.5, (0, 30, 40)
    choose(qtbot, dock, 0)
    assert viewer.scene.camera.zoom != 7.5
    choose(qtbot, dock, 1)
    assert viewer.scene.camera.zoom == 7.5
    assert viewer.scene.camera.center[-2:] == (30, 40)


def test_removing_the_video_seen_shows_the_other(opened, qtbot):
    viewer, session, dock = opened
    viewer.layers.remove(session.videos[1].layer)
    qtbot.wait(50)
    assert seen(viewer) == names_of("first")
    assert viewer.dims.range[0].stop == LONG - 1
    assert not dock.videos.isVisible()


def test_boxes_without_image_stay_off_other_images(opened, clips, tmp_path, qtbot):
    viewer, session, _ = opened
    viewer.layers.remove(session.videos[1].layer)
    qtbot.wait(50)
    stray = tmp_path / "third_tracks.pickle"
    stray.write_bytes(next(clips[1].parent.glob("*.pickle")).read_bytes())
    third = TrackedVideo("third")
    session.videos.append(third)
    session.videos_changed.emit()
    third.set_tracking(session.videos[0].tracking, stray)
    session.arrangement.side_by_side = True
    assert not third.tracking_layer.visible
    session.arrangement.side_by_side = False
    session.active = third
    assert {layer for layer in viewer.layers if layer.visible} == set(session.boxes.layers_of(third))


def test_ids_move_on_while_boxes_are_hidden(opened):
    viewer, session, _ = opened
    session.go_to(0)
    viewer.layers["Boxes: second_tracks"].visible = False
    before = viewer.layers["Ids: second_tracks"].data.copy()
    session.go_to(20)
    assert not np.array_equal(before, viewer.layers["Ids: second_tracks"].data)


def test_places_leave_room_for_the_largest():
    sizes = np.array([[100, 200], [50, 80], [70, 70]], float)
    found = places(sizes)
    for one in range(3):
        for other in range(one):
            apart = (found[one] + sizes[one] <= found[other]) | (found[other] + sizes[other] <= found[one])
            assert apart.any()
    assert places(np.empty((0, 2))).shape == (0, 2)


def test_names_of_videos_differ():
    assert video_names([TrackedVideo("a"), TrackedVideo("a"), TrackedVideo("b")]) == ["a", "a (2)", "b"]
