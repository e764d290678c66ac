"""Boxes edited in the canvas with mouse and keys, as a person does it, against a plain dictionary of boxes."""

from functools import partial

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from helpers.canvas import NONE, Canvas
from helpers.clips import MakeClip
from napari_i3d.plugin.context import get_session
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES = 30
BOXES = {1: [40.0, 30.0, 100.0, 90.0], 2: [150.25, 120.5, 230.75, 200.125]}
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def canvas(viewer, video_alone_of, qtbot) -> Canvas:
    """A video without boxes, in which none are edited yet."""
    viewer.window.resize(900, 700)
    viewer.open(str(video_alone_of(FRAMES)), plugin="napari-i3d")
    canvas = Canvas(viewer)
    assert canvas.tracked.tracking is None
    qtbot.wait(50)
    return canvas


@pytest.fixture
def editing(canvas: Canvas) -> Canvas:
    """Two individuals in all frames, whose boxes are being edited."""
    begin(canvas)
    return canvas


def begin(canvas: Canvas) -> None:
    """Both boxes in all frames, one frame shown, none selected, and nothing said."""
    if canvas.session.box_editor.is_on:
        canvas.key(Qt.Key.Key_8)
    tracklets = [Tracklet(one, 0, np.tile(box, (FRAMES, 1))) for one, box in BOXES.items()]
    canvas.tracked.set_tracking(Tracking(tracklets), None)
    canvas.viewer.dims.set_current_step(0, 7)
    notification_manager.records.clear()
    canvas.key(Qt.Key.Key_8)
    assert canvas.session.box_editor.is_on
    canvas.layer.mode = "select"
    canvas.layer.selected_data = set()
    canvas.assert_shapes_are_the_boxes()


def messages() -> str:
    return "\n".join(note.message for note in notification_manager.records)


def shapes_are_the_boxes_of_the_frame_shown(editing):
    editing.assert_shapes_are_the_boxes()
    assert editing.viewer.layers.selection.active is editing.layer
    editing.tracked.editor.set_box(1, 9, [10, 10, 30, 30])
    editing.viewer.dims.set_current_step(0, 9)
    editing.assert_shapes_are_the_boxes()
    assert editing.boxes()[1] == [10, 10, 30, 30]


def dragged_box_moves_in_this_frame_only(editing):
    before = {frame: editing.boxes(frame) for frame in range(FRAMES)}
    moved = editing.drag((190, 160), (220, 135))
    for frame in range(FRAMES):
        if frame != 7:
            assert editing.boxes(frame) == before[frame]
    now = editing.boxes()
    assert now[1] == BOXES[1]
    np.testing.assert_allclose(now[2], np.array(BOXES[2]) + np.tile(moved, 2), atol=2e-3)
    # The size is exactly the same, in spite of single precision.
    assert now[2][2] - now[2][0] == pytest.approx(80.5, abs=1e-12)
    assert editing.tracked.history.position == 1
    assert editing.tracked.current == 2
    editing.assert_shapes_are_the_boxes()
    assert editing.tracked.editor.set_by_hand(7) == {2}


def moving_down_leaves_left_and_right_exactly(editing):
    editing.drag((190, 160), (190, 180))
    now = editing.boxes()[2]
    assert (now[0], now[2]) == (150.25, 230.75)
    assert now[3] - now[1] == pytest.approx(79.625, abs=1e-12)


def dragged_corner_changes_its_two_sides_only(editing):
    for corner in ((0, 1), (2, 1), (2, 3), (0, 3)):  # each of two sides, which are its places in a box
        begin(editing)
        drag_corner(editing, corner)


def drag_corner(editing, corner) -> None:
    editing.click(190, 160)
    x, y = BOXES[2][corner[0]], BOXES[2][corner[1]]
    moved = editing.drag((x, y), (x + 9, y - 7))
    now = editing.boxes()[2]
    for side in range(4):
        if side in corner:
            assert now[side] == pytest.approx(BOXES[2][side] + moved[side % 2], abs=1.5)
            assert now[side] != BOXES[2][side]
        else:
            assert now[side] == BOXES[2][side]
    assert editing.tracked.history.position == 1
    editing.assert_shapes_are_the_boxes()


def corner_dragged_past_the_opposite_one_flips_the_box(editing):
    editing.click(190, 160)
    editing.drag((230.75, 200.125), (120, 90), steps=8)
    left, upper, right, lower = editing.boxes()[2]
    assert left < right
    assert upper < lower
    assert (right, lower) == pytest.approx((150.25, 120.5), abs=0.01)
    assert (left, upper) == pytest.approx((120, 90), abs=2)
    editing.assert_shapes_are_the_boxes()


def drag_is_one_step_that_undo_takes_back(editing):
    editing.drag((190, 160), (210, 170), steps=6)
    moved = editing.boxes()
    editing.tracked.editor.undo()
    assert editing.boxes() == BOXES
    editing.assert_shapes_are_the_boxes()
    assert not editing.tracked.history.can_undo
    editing.tracked.editor.redo()
    assert editing.boxes() == moved
    editing.assert_shapes_are_the_boxes()


def several_selected_boxes_move_in_one_step(editing):
    editing.click(70, 60)
    editing.click(190, 160, SHIFT)
    assert len(editing.layer.selected_data) == 2
    moved = editing.drag((70, 60), (85, 72))
    for one, box in BOXES.items():
        np.testing.assert_allclose(editing.boxes()[one], np.array(box) + np.tile(moved, 2), atol=2e-3)
    assert editing.tracked.history.position == 1
    editing.tracked.editor.undo()
    assert editing.boxes() == BOXES


def rotation_is_refused_in_words(editing):
    editing.click(190, 160)
    row, column = editing.layer._selected_box[9]
    start = (column + 0.5, row + 0.5)
    editing.drag(start, (start[0] + 60, start[1] + 40))
    assert editing.boxes() == BOXES
    assert "cannot be turned" in messages()
    assert not editing.tracked.history.can_undo
    editing.assert_shapes_are_the_boxes()


def corner_moved_in_direct_mode_takes_its_sides_along(editing):
    editing.key(Qt.Key.Key_D)
    editing.click(190, 160)
    editing.drag((150.25, 120.5), (165, 130))
    now = editing.boxes()[2]
    assert now[2:] == BOXES[2][2:]
    assert now[:2] == pytest.approx((165, 130), abs=1.5)
    editing.assert_shapes_are_the_boxes()


def inserted_and_removed_vertices_leave_rectangles(editing):
    editing.click(190, 160)
    editing.key(Qt.Key.Key_I)
    editing.click(190, 120.5)
    editing.assert_shapes_are_the_boxes()
    editing.key(Qt.Key.Key_X)
    editing.click(150.25, 120.5)
    editing.assert_shapes_are_the_boxes()
    for one, box in BOXES.items():
        np.testing.assert_allclose(editing.boxes()[one], box, atol=1.0)


def test_boxes_are_moved_and_changed_by_dragging(editing):
    for part in (
        shapes_are_the_boxes_of_the_frame_shown,
        dragged_box_moves_in_this_frame_only,
        moving_down_leaves_left_and_right_exactly,
        dragged_corner_changes_its_two_sides_only,
        corner_dragged_past_the_opposite_one_flips_the_box,
        drag_is_one_step_that_undo_takes_back,
        several_selected_boxes_move_in_one_step,
        rotation_is_refused_in_words,
        corner_moved_in_direct_mode_takes_its_sides_along,
        inserted_and_removed_vertices_leave_rectangles,
    ):
        begin(editing)
        part(editing)


def drawn_shape_becomes_its_bounding_rectangle(editing):
    draw_shape(editing, "add_ellipse")
    begin(editing)
    draw_shape(editing, "add_rectangle")


def draw_shape(editing, mode: str) -> None:
    editing.layer.mode = mode
    editing.drag((250, 40), (310, 80))
    assert set(editing.boxes()) == {1, 2, 3}
    np.testing.assert_allclose(editing.boxes()[3], [250, 40, 310, 80], atol=1.5)
    assert editing.tracked.current == 3
    assert editing.boxes(8) == BOXES
    editing.assert_shapes_are_the_boxes()
    assert editing.layer.mode == "select"


def drawn_path_and_polygon_become_rectangles(editing):
    for number, mode in enumerate(("add_path", "add_polygon_lasso"), start=3):
        editing.layer.mode = mode
        first = editing.point(250, 10 + 40 * number)
        QTest.mousePress(editing.native, Qt.MouseButton.LeftButton, NONE, first)
        for x, y in ((280, 0), (280, 20), (300, 30), (260, 25)):
            editing.move(editing.point(x, y + 10 + 40 * number))
        editing.release((255, 30 + 40 * number))
        assert set(editing.boxes()) == {1, 2, *range(3, number + 1)}, mode
        editing.assert_shapes_are_the_boxes()


def line_and_click_draw_no_box(editing):
    editing.layer.mode = "add_line"
    editing.drag((250, 40), (310, 40))
    editing.layer.mode = "add_rectangle"
    editing.click(300, 100)
    assert editing.boxes() == BOXES
    assert "Drag from one corner" in messages()
    editing.assert_shapes_are_the_boxes()


def deleted_shape_deletes_the_box_of_this_frame(editing):
    editing.click(190, 160)
    editing.key(Qt.Key.Key_Delete)
    assert set(editing.boxes()) == {1}
    assert editing.tracked.tracking[2].present.sum() == FRAMES - 1
    editing.assert_shapes_are_the_boxes()
    editing.tracked.editor.undo()
    assert editing.boxes() == BOXES
    editing.assert_shapes_are_the_boxes()


def pasted_box_goes_to_its_own_individual_in_another_frame(editing):
    editing.tracked.editor.delete_boxes(2, 20, 25)
    editing.viewer.dims.set_current_step(0, 9)
    editing.click(190, 160)
    editing.key(Qt.Key.Key_C, CONTROL)
    editing.viewer.dims.set_current_step(0, 22)
    editing.tracked.current = 1
    editing.key(Qt.Key.Key_V, CONTROL)
    np.testing.assert_allclose(editing.boxes()[2], BOXES[2], atol=1e-3)
    assert editing.tracked.current == 2


def box_pasted_beside_its_original_is_a_new_individual(editing):
    editing.click(190, 160)
    editing.key(Qt.Key.Key_C, CONTROL)
    editing.key(Qt.Key.Key_V, CONTROL)
    assert set(editing.boxes()) == {1, 2, 3}
    assert {one: editing.boxes()[one] for one in BOXES} == BOXES


def drawn_box_goes_to_the_current_individual_without_one(editing):
    editing.tracked.editor.delete_boxes(1, 5, 10)
    editing.viewer.dims.set_current_step(0, 6)
    editing.click(190, 160)  # what was selected last must not get the box
    editing.tracked.current = 1
    editing.key(Qt.Key.Key_R)
    editing.drag((250, 40), (310, 80))
    assert set(editing.boxes()) == {1, 2}
    np.testing.assert_allclose(editing.boxes()[1], [250, 40, 310, 80], atol=1.5)
    assert editing.boxes()[2] == BOXES[2]


def selected_shape_and_current_individual_follow_each_other(editing):
    editing.click(190, 160)
    assert editing.tracked.current == 2
    editing.tracked.current = 1
    assert [editing.layer.features["key"][place] for place in editing.layer.selected_data] == [0]


def box_outside_of_the_image_is_kept_and_tiny_one_is_not(editing):
    editing.drag((70, 60), (-5, -8))
    assert editing.boxes()[1][0] < 0
    editing.click(190, 160)
    editing.tracked.editor.undo()
    shapes = editing.layer.data
    thin = np.array(shapes[0])
    thin[:, 1] = thin[0, 1]
    editing.layer.data = [thin, shapes[1]]
    editing.settle()
    assert editing.boxes() == BOXES
    assert "at least one pixel" in messages()
    editing.layer.data = [np.full((4, 2), np.nan), shapes[1]]
    editing.settle()
    assert editing.boxes() == BOXES
    editing.assert_shapes_are_the_boxes()


def test_boxes_are_drawn_deleted_and_pasted(editing):
    for part in (
        drawn_shape_becomes_its_bounding_rectangle,
        drawn_path_and_polygon_become_rectangles,
        line_and_click_draw_no_box,
        deleted_shape_deletes_the_box_of_this_frame,
        pasted_box_goes_to_its_own_individual_in_another_frame,
        box_pasted_beside_its_original_is_a_new_individual,
        drawn_box_goes_to_the_current_individual_without_one,
        selected_shape_and_current_individual_follow_each_other,
        box_outside_of_the_image_is_kept_and_tiny_one_is_not,
    ):
        begin(editing)
        part(editing)


def frame_that_changes_during_a_drag_ends_it(editing):
    editing.drag((190, 160), (220, 150), release=False)
    editing.viewer.dims.set_current_step(0, 12)
    editing.move(editing.point(260, 160))
    editing.release((260, 160))
    assert editing.boxes(12) == BOXES
    assert editing.boxes(7)[2][0] == pytest.approx(180.25, abs=1.5)
    assert editing.tracked.history.position == 1
    editing.assert_shapes_are_the_boxes()


def press_on_a_box_stops_the_player(editing, qtbot):
    player = editing.viewer.window._qt_viewer.dims
    player.play(0, 20)
    qtbot.waitUntil(lambda: editing.session.frame != 7)
    editing.drag((190, 160), (200, 170))
    frame = editing.session.frame
    assert not player.is_playing
    assert [f for f in range(FRAMES) if editing.boxes(f) != BOXES] == [frame]


def place_video(canvas: Canvas, scale, translate, zoom: float, pan) -> None:
    image = canvas.tracked.layer
    image.scale, image.translate = scale, translate
    canvas.viewer.scene.camera.zoom *= zoom
    center = canvas.viewer.scene.camera.center
    canvas.viewer.scene.camera.center = (*center[:-2], center[-2] + pan[0], center[-1] + pan[1])
    canvas.settle()


@pytest.mark.parametrize(
    "boxes_size",
    [pytest.param(None, id="video", marks=pytest.mark.nightly), pytest.param((192, 144), id="half")],
)
def test_random_edits_equal_a_dictionary_wherever_the_video_lies(editing, boxes_size):
    """Drags, drawings, deletions, undo and redo in random frames, zoomed, panned, scaled and translated."""
    random = np.random.default_rng(5)
    tracked = editing.tracked
    tracked.boxes_size = boxes_size
    expected = {frame: {one: list(box) for one, box in BOXES.items()} for frame in range(FRAMES)}
    if boxes_size:
        half = {one: (np.array(box) / 2).tolist() for one, box in BOXES.items()}
        tracked.set_tracking(Tracking([Tracklet(one, 0, np.tile(box, (FRAMES, 1))) for one, box in half.items()]), None)
        expected = {frame: {one: list(box) for one, box in half.items()} for frame in range(FRAMES)}
    states, position = [expected], 0
    width, height = boxes_size or (384, 288)
    for number in range(40):
        if number % 8 == 0:
            editing.viewer.reset_view()
            scale, shift = random.uniform(0.5, 2, 2), random.uniform(-50, 50, 2)
            zoom, pan = random.uniform(0.8, 1.3), random.uniform(-5, 5, 2)
            place_video(editing, (1, *scale), (0, *shift), float(zoom), pan)
        frame = int(random.integers(3))
        editing.viewer.dims.set_current_step(0, frame)
        now = {f: {one: list(box) for one, box in boxes.items()} for f, boxes in states[position].items()}
        action = random.choice(["move", "draw", "delete", "undo", "redo"], p=[0.45, 0.2, 0.1, 0.15, 0.1])
        if action == "undo" and position:
            tracked.editor.undo()
            position -= 1
        elif action == "redo" and position < len(states) - 1:
            tracked.editor.redo()
            position += 1
        elif action in ("move", "delete") and now[frame]:
            one = int(random.choice(list(now[frame])))
            tracked.current = one
            editing.layer.mode = "select"
            left, upper, right, lower = now[frame][one]
            place = ((left + right) / 2, (upper + lower) / 2)
            editing.click(*place)
            one = tracked.current  # of boxes on top of each other another one may have been hit
            if one not in now[frame]:
                continue
            if action == "delete":
                editing.key(Qt.Key.Key_Delete)
                del now[frame][one]
            else:
                end = tuple(np.clip(np.array(place) + random.uniform(-30, 30, 2), 10, (width - 10, height - 10)))
                moved = editing.drag(place, end)
                if tracked.history.position == position:
                    continue  # less than a pixel of the screen
                now[frame][one] = (np.array(now[frame][one]) + np.tile(moved, 2)).tolist()
            states, position = [*states[: position + 1], now], position + 1
        elif action == "draw":
            editing.key(Qt.Key.Key_R)
            start = random.uniform(10, (width - 60, height - 50))
            end = start + random.uniform(20, 40, 2)
            drawer = tracked.current
            first, last = (editing.place(editing.point(*place)) for place in (start, end))
            editing.drag(start, end)
            everyone = {one for boxes in now.values() for one in boxes}
            name = drawer if drawer in everyone and drawer not in now[frame] else max(everyone, default=0) + 1
            assert tracked.current == name
            now[frame][name] = [*first, *last]
            states, position = [*states[: position + 1], now], position + 1
        assert tracked.history.position == position
        for f in range(4):
            found = editing.boxes(f)
            assert found.keys() == states[position][f].keys(), (number, action)
            for one, box in found.items():
                np.testing.assert_allclose(box, states[position][f][one], atol=0.05, err_msg=f"{number} {action}")
        editing.assert_shapes_are_the_boxes()
        assert editing.boxes(20) == states[0][20]
    assert position > 5


def test_other_video_is_edited_once_it_is_active(editing, clip_of: MakeClip, qtbot):
    first = editing.tracked
    other = clip_of(12)
    editing.viewer.open(str(other.video), plugin="napari-i3d")
    qtbot.wait(20)
    second = editing.session.active
    assert editing.viewer.layers[-1] is editing.layer
    assert editing.viewer.layers.selection.active is editing.layer
    assert second is not first
    assert editing.session.box_editor.is_on
    second.set_tracking(Tracking([Tracklet("z", 0, np.tile([10.0, 10.0, 60.0, 60.0], (12, 1)))]), None)
    editing.viewer.dims.set_current_step(0, 5)
    editing.assert_shapes_are_the_boxes()
    editing.drag((30, 30), (50, 60))
    assert second.history.position == 1
    assert first.history.position == 0
    editing.session.active = first
    editing.settle()
    editing.assert_shapes_are_the_boxes()
    editing.drag((70, 60), (90, 65))
    assert (first.history.position, second.history.position) == (1, 1)


def other_tracking_opened_meanwhile_is_edited(editing):
    editing.drag((190, 160), (200, 170))
    editing.tracked.set_tracking(Tracking([Tracklet("new", 0, np.tile([5.0, 5.0, 50.0, 50.0], (FRAMES, 1)))]), None)
    editing.assert_shapes_are_the_boxes()
    editing.drag((20, 20), (40, 50))
    assert editing.tracked.history.position == 1


def callbacks(canvas: Canvas) -> list[int]:
    viewer, tracked = canvas.viewer, canvas.tracked
    signals = (tracked.tracking_changed, tracked.shown_changed, tracked.video_changed, tracked.current_changed)
    emitters = (
        viewer.dims.events.current_step, viewer.dims.events.ndisplay, viewer.scene.camera.events.zoom,
        viewer.layers.events.removed, tracked.layer.events.scale, tracked.layer.events.translate,
    )  # fmt: skip
    return [len(signal) for signal in (*signals, canvas.session.active_changed)] + [
        len(emitter.callbacks) for emitter in emitters
    ]


def test_hidden_layer_is_left_after_leaving(canvas):
    canvas.tracked.set_tracking(Tracking([Tracklet(1, 0, np.tile(BOXES[1], (FRAMES, 1)))]), None)
    layers, active = list(canvas.viewer.layers), canvas.viewer.layers.selection.active
    canvas.key(Qt.Key.Key_8)
    edited = canvas.layer
    canvas.key(Qt.Key.Key_8)
    before = callbacks(canvas)
    for _ in range(3):
        canvas.key(Qt.Key.Key_8)
        assert canvas.layer is edited
        assert edited.visible
        canvas.drag((70, 60), (75, 66))
        canvas.key(Qt.Key.Key_8)
        assert list(canvas.viewer.layers) == [*layers, edited]
        assert not edited.visible
        assert canvas.viewer.layers.selection.active is active
        assert callbacks(canvas) == before
    lines = canvas.tracked.tracking_layer.data
    assert np.count_nonzero(lines[:, 1].any(axis=1)) == 8  # the box and the outline of the current one


def layer_removed_by_the_user_ends_editing(editing):
    before = callbacks(editing)
    editing.viewer.layers.remove(editing.layer)
    editing.settle()
    assert not editing.session.box_editor.is_on
    assert all(now < then for now, then in zip(callbacks(editing)[:4], before[:4], strict=True))
    editing.viewer.dims.set_current_step(0, 3)
    editing.key(Qt.Key.Key_8)
    editing.assert_shapes_are_the_boxes()


def eye_in_the_list_of_layers_switches_editing(editing):
    layer, editor = editing.layer, editing.session.box_editor
    layer.visible = False
    editing.settle()
    assert not editor.is_on
    editing.viewer.dims.set_current_step(0, 3)
    layer.visible = True
    editing.settle()
    assert editor.is_on
    editing.assert_shapes_are_the_boxes()
    editing.drag((190, 160), (220, 135))
    assert editing.tracked.editor.set_by_hand(3) == {2}
    editing.assert_shapes_are_the_boxes()


def hidden_layer_goes_with_the_last_video(editing):
    layer = editing.layer
    editing.key(Qt.Key.Key_8)
    assert layer in editing.viewer.layers
    editing.viewer.layers.remove(editing.tracked.layer)
    editing.settle()
    assert not len(editing.viewer.layers)


def list_of_layers_is_drawn_again_after_a_drag(editing, qtbot):
    held = editing.viewer.window._qt_viewer.layers
    editing.drag((190, 160), (220, 135), release=False)
    assert not held.updatesEnabled()
    editing.release((220, 135))
    qtbot.waitUntil(held.updatesEnabled)
    editing.drag((220, 135), (190, 160), release=False)
    assert not held.updatesEnabled()
    editing.viewer.dims.set_current_step(0, 9)
    qtbot.waitUntil(held.updatesEnabled)


def test_editing_follows_frames_layers_and_tracking(editing, qtbot):
    for part in (
        frame_that_changes_during_a_drag_ends_it,
        partial(press_on_a_box_stops_the_player, qtbot=qtbot),
        partial(list_of_layers_is_drawn_again_after_a_drag, qtbot=qtbot),
        other_tracking_opened_meanwhile_is_edited,
        eye_in_the_list_of_layers_switches_editing,
        layer_removed_by_the_user_ends_editing,
        hidden_layer_goes_with_the_last_video,
    ):
        begin(editing)
        part(editing)


def test_video_removed_while_editing_ends_it(editing):
    for layer in list(editing.viewer.layers):
        if layer is not editing.layer and layer in editing.viewer.layers:
            editing.viewer.layers.remove(layer)
            editing.settle()
    assert not editing.session.box_editor.is_on
    assert not len(editing.viewer.layers)


def test_viewer_closes_while_boxes_are_edited(editing):
    editing.drag((190, 160), (200, 170))
    editing.viewer.close()


def three_dimensions_refuse_or_end_editing(viewer):
    viewer.add_image(np.zeros((5, 60, 80), np.uint8))
    session = get_session(viewer)
    session.add_tracking(Tracking([Tracklet("a", 0, np.tile([30.0, 20.0, 60.0, 40.0], (5, 1)))]), None)
    viewer.dims.ndisplay = 3
    session.box_editor.start()
    assert not session.box_editor.is_on
    assert "2-D view" in messages()
    viewer.dims.ndisplay = 2
    session.box_editor.start()
    assert session.box_editor.is_on
    viewer.dims.ndisplay = 3
    QApplication.processEvents()
    assert not session.box_editor.is_on


def without_video_editing_is_refused(viewer):
    get_session(viewer).box_editor.start()
    assert not get_session(viewer).box_editor.is_on
    assert "Open a video" in messages()


def test_editing_is_refused_without_video_or_plane(viewer):
    without_video_editing_is_refused(viewer)
    three_dimensions_refuse_or_end_editing(viewer)


def test_boxes_drawn_from_nothing_can_be_undone_and_redone(canvas):
    canvas.viewer.dims.set_current_step(0, 4)
    canvas.key(Qt.Key.Key_8)
    assert canvas.layer.mode == "add_rectangle"
    canvas.drag((50, 40), (90, 100))
    assert list(canvas.boxes()) == [1]
    assert canvas.tracked.tracking_layer in canvas.viewer.layers
    drawn = canvas.boxes()
    canvas.tracked.editor.undo()
    canvas.settle()
    assert canvas.tracked.tracking is None
    assert canvas.tracked.tracking_layer is None
    assert [layer.name for layer in canvas.viewer.layers] == ["animals", "Edit boxes"]
    assert canvas.tracked.history.can_redo
    canvas.tracked.editor.redo()
    canvas.settle()
    assert canvas.boxes() == drawn
    assert canvas.tracked.tracking_layer in canvas.viewer.layers
    canvas.assert_shapes_are_the_boxes()
