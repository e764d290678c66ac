"""Boxes in the viewer: they follow the frame, the zoom, ticks, videos and the user's clicks and keys."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from helpers.clips import MakeClip, copy_clip
from napari_i3d import read_tracking, write_tracking
from napari_i3d._utils.colors import SHADOW
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.layers.convert import tracking_layer_data
from napari_i3d.plugin.session.layer_sources import TrackingSource
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES = 30


@pytest.fixture(scope="module")
def clip(clip_of: MakeClip) -> SyntheticClip:
    return clip_of(FRAMES)


@pytest.fixture(scope="module")
def lone_video(clip: SyntheticClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The video without tracking beside it, which would be opened along with it."""
    return Path(shutil.copy(clip.video, tmp_path_factory.mktemp("alone")))


def open_files(viewer, *paths: Path):
    """Open files as File > Open and drops do; return the tracked video."""
    for path in paths:
        names = {id(layer) for layer in viewer.layers}
        get_session(viewer)
        viewer.open(str(path), plugin="napari-i3d")
        assert {id(layer) for layer in viewer.layers} != names or path.suffix == ".pickle"
    return get_session(viewer).active


def drawn(layer) -> np.ndarray:
    """Vectors that have a length."""
    return layer.data[layer.data[:, 1].any(axis=1)]


def rectangles(tracked) -> set[tuple[float, ...]]:
    """The rectangles drawn, as upper, left, lower, right; without the outline of the current one."""
    lines = drawn(tracked.tracking_layer)
    over = 0.0 if len(lines) == 0 else float(tracked.tracking_layer.edge_width) / 2
    found = set()
    for place in range(0, len(lines) // 4 * 4, 4):
        upper, lower, left, _ = lines[place : place + 4]
        sides = (upper[0, 0], left[0, 1], lower[0, 0], upper[0, 1] + upper[1, 1] - over)
        found.add(tuple(np.round(sides, 3).tolist()))
    return found


def expected(tracked, frame: int, names=None) -> set[tuple[float, ...]]:
    sides = set()
    for name, tracklet in tracked.tracking.items():
        if tracklet.start <= frame < tracklet.stop and (names is None or name in names):
            left, upper, right, lower = tracklet.boxes[frame - tracklet.start] - 0.5
            sides.add(tuple(np.round([upper, left, lower, right], 3).tolist()))
    return sides


def labels(viewer) -> set[str]:
    layer = next(layer for layer in viewer.layers if layer.name.startswith("Ids"))
    return set(layer.features["id"][layer.shown])


def ids_layer(viewer):
    return next((layer for layer in viewer.layers if layer.name.startswith("Ids")), None)


def press(viewer, key, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(viewer.window._qt_viewer.canvas.native, key, modifier)


def click_world(viewer, row: float, column: float, drag: int = 0):
    """Press and release the left button over a place of the world."""
    native = viewer.window._qt_viewer.canvas.native
    camera = viewer.scene.camera
    height, width = viewer.canvas.size
    x = (column - camera.center[-1]) * camera.zoom + width / 2
    y = (row - camera.center[-2]) * camera.zoom + height / 2
    place = QPoint(round(x), round(y))
    QTest.mouseMove(native, place)
    QTest.mousePress(native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    if drag:
        QTest.mouseMove(native, place + QPoint(drag, drag))
    QTest.mouseRelease(native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place + QPoint(drag, drag))


def test_boxes_of_the_frame_shown_have_ids(viewer, clip):
    tracked = open_files(viewer, clip.video, clip.tracking)
    for frame in (0, 7, FRAMES - 1, 3):
        viewer.dims.set_current_step(0, frame)
        assert rectangles(tracked) >= expected(tracked, frame)
        assert len(drawn(tracked.tracking_layer)) == 4 * 3  # two boxes and the outline of the current one
        assert labels(viewer) == {"striped", "spotted"}


def test_spare_ids_have_no_text(viewer, clip):
    tracked = open_files(viewer, clip.video, clip.tracking)
    viewer.dims.set_current_step(0, 7)
    layer = get_session(viewer).boxes.display(tracked).ids_layer
    spare = [text for text, shown in zip(layer.text.values, layer.shown, strict=True) if not shown]
    assert spare
    assert not "".join(spare).strip()


def test_tracking_opened_before_its_video_waits_for_it(viewer, clip):
    tracked = open_files(viewer, clip.tracking, clip.video)
    assert len(get_session(viewer).videos) == 1
    assert tracked.video is not None
    viewer.dims.set_current_step(0, 5)
    assert rectangles(tracked) >= expected(tracked, 5)


def test_tracking_given_by_code_gets_its_layers(viewer, clip, lone_video):
    open_files(viewer, lone_video)
    session = get_session(viewer)
    tracked = session.add_tracking(read_tracking(clip.tracking), None)
    assert tracked.tracking_layer in viewer.layers
    viewer.dims.set_current_step(0, 9)
    assert rectangles(tracked) >= expected(tracked, 9)
    assert tracked.video is not None


def test_layers_that_exist_before_session_are_taken_up(viewer, clip):
    viewer.add_image(np.zeros((FRAMES, 288, 384), np.uint8))
    data, options, _ = tracking_layer_data(TrackingSource(read_tracking(clip.tracking), clip.tracking))
    viewer.add_vectors(data, **options)
    tracked = get_session(viewer).active
    viewer.dims.set_current_step(0, 9)
    assert rectangles(tracked) >= expected(tracked, 9)
    assert labels(viewer) == {"striped", "spotted"}


def test_absent_and_hidden_individuals_are_not_drawn(viewer, clip, lone_video):
    open_files(viewer, lone_video)
    whole = read_tracking(clip.tracking)
    late = Tracking([whole["striped"], Tracklet("late", 10, whole["spotted"].boxes[10:])])
    tracked = get_session(viewer).add_tracking(late, None)
    viewer.dims.set_current_step(0, 5)
    assert labels(viewer) == {"striped"}
    viewer.dims.set_current_step(0, 12)
    assert labels(viewer) == {"striped", "late"}
    tracked.shown = {"late"}
    assert labels(viewer) == {"late"}
    assert rectangles(tracked) == expected(tracked, 12, {"late"})
    tracked.shown = ()
    assert not len(drawn(tracked.tracking_layer))
    tracked.shown = late
    assert labels(viewer) == {"striped", "late"}


def test_individual_has_its_color_in_every_frame(viewer, clip, lone_video):
    open_files(viewer, lone_video)
    whole = read_tracking(clip.tracking)
    tracked = get_session(viewer).add_tracking(
        Tracking([Tracklet("late", 10, whole["spotted"].boxes[10:]), whole["striped"]]), None
    )
    tracked.current = "late"
    colors = {}
    for frame in (5, 12):
        viewer.dims.set_current_step(0, frame)
        layer = ids_layer(viewer)
        colors[frame] = dict(zip(layer.features["id"][layer.shown], layer.features["color"][layer.shown], strict=True))
    assert colors[5]["striped"] == colors[12]["striped"] != colors[12]["late"]


def test_line_width_is_constant_on_the_screen(viewer, clip):
    tracked = open_files(viewer, clip.video, clip.tracking)
    on_screen = []
    for zoom in (0.5, 1.0, 7.0):
        viewer.scene.camera.zoom = zoom
        on_screen.append(tracked.tracking_layer.edge_width * zoom)
    np.testing.assert_allclose(on_screen, on_screen[0])


def test_boxes_lie_on_the_pixels_that_they_name(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(700, 600)
    session = get_session(viewer)
    image = np.zeros((3, 60, 80), np.uint8)
    image[:, 20:40, 30:60] = 255  # what the box [30, 20, 60, 40] holds
    viewer.add_image(image, contrast_limits=(0, 255))
    tracked = session.add_tracking(Tracking([Tracklet("a", 0, np.tile([30.0, 20.0, 60.0, 40.0], (3, 1)))]), None)
    tracked.current = None
    ids_layer(viewer).visible = False
    viewer.dims.set_current_step(0, 1)
    viewer.scene.camera.zoom = 8
    viewer.scene.camera.center = (0, 29.5, 44.5)
    qtbot.wait(100)
    shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    colored = np.ptp(shot, axis=2) > 60  # lines are colored, the image is gray
    rows, columns = np.flatnonzero(colored.any(axis=1)), np.flatnonzero(colored.any(axis=0))
    white = (shot.min(axis=2) > 200) & ~colored
    inside_rows, inside_columns = np.flatnonzero(white.any(axis=1)), np.flatnonzero(white.any(axis=0))
    # The white pixels reach up to the lines on all sides, and the lines go half beyond them.
    assert rows[-1] - rows[0] + 1 == pytest.approx(20 * 8 + 2, abs=1)
    assert columns[-1] - columns[0] + 1 == pytest.approx(30 * 8 + 2, abs=1)
    assert inside_rows[0] - rows[0] in (1, 2, 3)
    assert rows[-1] - inside_rows[-1] in (1, 2, 3)
    assert inside_columns[0] - columns[0] in (1, 2, 3)
    assert columns[-1] - inside_columns[-1] in (1, 2, 3)


def test_boxes_of_a_resized_video_are_scaled(viewer, clip):
    tracked = open_files(viewer, clip.video, clip.tracking)
    height, width = tracked.video.shape[1:3]
    halves = Tracking(Tracklet(name, t.start, t.boxes / 2) for name, t in tracked.tracking.items())
    tracked = get_session(viewer).add_tracking(halves, clip.tracking)
    tracked.boxes_size = (width // 2, height // 2)
    viewer.dims.set_current_step(0, 0)
    whole = read_tracking(clip.tracking)
    left, upper, right, lower = whole["striped"].boxes[0] - 0.5
    assert (upper, left, lower, right) in rectangles(tracked)


def test_boxes_follow_a_moved_and_scaled_image(viewer, clip):
    tracked = open_files(viewer, clip.video, clip.tracking)
    tracked.layer.translate = (0, 100, 50)
    tracked.layer.scale = (1, 2, 2)
    for layer in (tracked.tracking_layer, ids_layer(viewer)):
        assert layer.translate.tolist() == [100, 50]
        assert layer.scale.tolist() == [2, 2]


def test_frame_is_the_videos_among_other_layers(viewer, lone_video):
    tracked = open_files(viewer, lone_video)
    session, layer = get_session(viewer), tracked.layer

    def shown() -> int:
        return next(n for n in range(len(layer.data)) if np.array_equal(layer.data[n], layer._slice.image.raw))

    session.go_to(12)
    viewer.add_image(np.zeros((3, 5, 8, 8), np.uint8), name="channels")
    assert session.frame == session.boxes.display(tracked).frame == shown() == 12
    session.go_to(7)
    assert session.frame == session.boxes.display(tracked).frame == shown() == 7
    viewer.layers.remove("channels")
    viewer.add_image(np.zeros((40, 8, 8), np.uint8), name="other")
    layer.translate = (10, 0, 0)
    viewer.dims.set_current_step(0, 13)
    assert session.frame == session.boxes.display(tracked).frame == shown() == 3
    session.go_to(9)
    assert viewer.dims.current_step[0] == 19
    assert session.frame == session.boxes.display(tracked).frame == shown() == 9


def test_trails_are_drawn_when_asked_for(viewer, clip):
    tracked = open_files(viewer, clip.video, clip.tracking)
    viewer.dims.set_current_step(0, 15)
    without = len(drawn(tracked.tracking_layer))
    get_session(viewer).boxes.trail_frames = 10
    assert len(drawn(tracked.tracking_layer)) > without + 10
    viewer.dims.set_current_step(0, FRAMES - 1)
    assert rectangles(tracked)
    get_session(viewer).boxes.trail_frames = 0
    assert len(drawn(tracked.tracking_layer)) == without


def test_videos_in_one_viewer_have_their_own_boxes(viewer, clip, tmp_path):
    other = copy_clip(clip, tmp_path)
    renamed = other.video.rename(tmp_path / "second.mp4")
    tracks = other.tracking.rename(tmp_path / "second_tracks.pickle")
    first = open_files(viewer, clip.video, clip.tracking)
    second = open_files(viewer, renamed, tracks)
    assert first is not second
    second.shown = {"spotted"}
    get_session(viewer).arrangement.side_by_side = True
    viewer.dims.set_current_step(0, 8)
    assert rectangles(first) >= expected(first, 8)
    assert rectangles(second) == expected(second, 8, {"spotted"})
    viewer.layers.selection.active = first.tracking_layer
    assert get_session(viewer).active is first


def test_tracking_opened_anew_replaces_the_old_boxes(viewer, clip, qtbot):
    open_files(viewer, clip.video, clip.tracking)
    tracked = open_files(viewer, clip.tracking)
    qtbot.waitUntil(lambda: len(viewer.layers) == 3)
    assert tracked.tracking_layer in viewer.layers


def test_removing_the_boxes_cleans_up(viewer, clip, qtbot):
    tracked = open_files(viewer, clip.video, clip.tracking)
    viewer.layers.remove(tracked.tracking_layer)
    qtbot.waitUntil(lambda: len(viewer.layers) == 1)
    assert tracked.tracking is None
    assert tracked.problems == ()
    viewer.dims.set_current_step(0, 3)


def test_removing_video_removes_its_boxes_and_no_others(viewer, clip, qtbot, tmp_path):
    other = copy_clip(clip, tmp_path)
    renamed = other.video.rename(tmp_path / "second.mp4")
    tracks = other.tracking.rename(tmp_path / "second_tracks.pickle")
    first = open_files(viewer, clip.video, clip.tracking)
    second = open_files(viewer, renamed, tracks)
    viewer.layers.remove(first.layer)
    qtbot.waitUntil(lambda: len(viewer.layers) == 3)
    session = get_session(viewer)
    assert session.videos == [second]
    assert session.active is second
    viewer.dims.set_current_step(0, 4)
    assert rectangles(second) >= expected(second, 4)


def test_all_layers_can_be_deleted_at_once(viewer, clip, qtbot):
    open_files(viewer, clip.video, clip.tracking)
    viewer.layers.select_all()
    viewer.layers.remove_selected()
    qtbot.wait(50)
    assert len(viewer.layers) == 0
    assert get_session(viewer).videos == []


def test_layers_may_be_renamed_and_hidden(viewer, clip):
    tracked = open_files(viewer, clip.video, clip.tracking)
    tracked.tracking_layer.name = "whatever"
    tracked.tracking_layer.visible = False
    viewer.dims.set_current_step(0, 11)
    tracked.tracking_layer.visible = True
    assert rectangles(tracked) >= expected(tracked, 11)


def test_removing_the_ids_leaves_the_boxes(viewer, clip):
    tracked = open_files(viewer, clip.video, clip.tracking)
    viewer.layers.remove(ids_layer(viewer))
    viewer.dims.set_current_step(0, 11)
    assert rectangles(tracked) >= expected(tracked, 11)


def test_tracking_of_another_video_is_told_of_once(viewer, clip, tmp_path):
    wrong = Tracking([Tracklet("x", 0, np.tile([5000.0, 5000.0, 5050.0, 5050.0], (400, 1)))])
    write_tracking(tmp_path / "animals_tracks.pickle", wrong)
    tracked = open_files(viewer, clip.video, tmp_path / "animals_tracks.pickle")
    told = [str(record.message) for record in notification_manager.records if "stop" in str(record.message)]
    assert len(told) == 1
    assert "2 problems that stop the extraction" in told[0]
    assert "Does it belong to animals?" in told[0]
    tracked.boxes_size = (100, 100)
    viewer.dims.set_current_step(0, 3)
    assert len([record for record in notification_manager.records if "stop" in str(record.message)]) == 1


def test_sound_tracking_is_opened_without_a_word(viewer, clip):
    open_files(viewer, clip.video, clip.tracking)
    assert not [record for record in notification_manager.records if "problem" in str(record.message)]


def test_click_selects_an_individual_drag_does_not(make_napari_viewer, clip, qtbot):
    viewer = make_napari_viewer(show=True)
    tracked = open_files(viewer, clip.video, clip.tracking)
    viewer.dims.set_current_step(0, 4)
    qtbot.wait(50)
    viewer.reset_view()
    assert tracked.current == "striped"
    left, upper, right, lower = tracked.tracking["spotted"].boxes[4]
    click_world(viewer, (upper + lower) / 2, (left + right) / 2, drag=30)
    assert tracked.current == "striped"
    viewer.reset_view()
    click_world(viewer, (upper + lower) / 2, (left + right) / 2)
    assert tracked.current == "spotted"
    click_world(viewer, 2, 2)
    assert tracked.current == "spotted"


def test_click_where_boxes_overlap_takes_the_smallest(viewer, clip, lone_video):
    open_files(viewer, lone_video)
    large, small = np.tile([0.0, 0, 200, 200], (FRAMES, 1)), np.tile([50.0, 50, 90, 90], (FRAMES, 1))
    tracked = get_session(viewer).add_tracking(
        Tracking([Tracklet("small", 0, small), Tracklet("large", 0, large)]), None
    )
    boxes = get_session(viewer).boxes
    tracked.current = None
    assert boxes.pick((0, 60, 60))
    assert tracked.current == "small"
    assert boxes.pick((0, 20, 20))
    assert tracked.current == "large"
    # The last pixel of the small box has its center at 89, its edge at 89.5.
    assert boxes.pick((0, 89.4, 89.4))
    assert tracked.current == "small"
    tracked.shown = {"large"}
    assert boxes.pick((0, 60, 60))
    assert tracked.current == "large"
    assert not boxes.pick((0, 250, 250))


def test_keys_go_through_individuals_and_ends_of_tracklets(viewer, clip, lone_video):
    open_files(viewer, lone_video)
    whole = read_tracking(clip.tracking)
    session = get_session(viewer)
    tracked = session.add_tracking(
        Tracking([whole["striped"], Tracklet("late", 10, whole["spotted"].boxes[10:20])]), None
    )
    session.go_to(4)
    press(viewer, Qt.Key.Key_J)
    assert (tracked.current, session.frame) == ("late", 10)
    press(viewer, Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    assert (tracked.current, session.frame) == ("late", 19)
    press(viewer, Qt.Key.Key_G)
    assert session.frame == 10
    press(viewer, Qt.Key.Key_J)
    assert (tracked.current, session.frame) == ("striped", 10)
    press(viewer, Qt.Key.Key_J, Qt.KeyboardModifier.ShiftModifier)
    assert tracked.current == "late"


def test_keys_go_through_problems_round_and_round(viewer, clip, lone_video):
    open_files(viewer, lone_video)
    whole = read_tracking(clip.tracking)
    holes = whole["striped"].boxes.copy()
    holes[8:10] = np.nan
    jump = whole["spotted"].boxes.copy()
    jump[20] += 100
    session = get_session(viewer)
    tracked = session.add_tracking(Tracking([Tracklet("holes", 0, holes), Tracklet("jump", 0, jump)]), None)
    session.go_to(0)
    frames = []
    for _ in range(len(tracked.problems) + 1):
        press(viewer, Qt.Key.Key_N)
        frames.append((session.frame, tracked.current))
        assert tracked.problem.frame == session.frame
    assert frames[0] == (8, "holes")
    assert frames[1] == (20, "jump")
    assert frames[-1] == frames[0]
    press(viewer, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert session.frame == tracked.problems[-1].frame
    # From elsewhere, it is the next one in time.
    tracked.problem = None
    session.go_to(15)
    press(viewer, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert session.frame == 8


def test_keys_leave_those_of_others_alone(make_napari_viewer):
    viewer = make_napari_viewer()
    viewer.bind_key("J", lambda viewer: None)
    before = dict(viewer.keymap)
    taken = set(viewer.class_keymap)
    get_session(viewer)
    assert all(viewer.keymap[key] is function for key, function in before.items())
    assert not taken & (set(viewer.keymap) - set(before))


def test_keys_without_a_video_do_nothing(viewer):
    get_session(viewer)
    for key in (Qt.Key.Key_N, Qt.Key.Key_J, Qt.Key.Key_G):
        press(viewer, key)


def test_many_individuals_are_ready_within_two_seconds(viewer):
    import time

    n_frames = 100_000
    viewer.add_image(np.broadcast_to(np.zeros((64, 64), np.uint8), (n_frames, 64, 64)))
    random = np.random.default_rng(0)
    tracklets = []
    for name in range(10):
        centers = 30 + 20 * np.sin(np.arange(n_frames)[:, None] / random.uniform(50, 90, 2))
        tracklets.append(Tracklet(name, 0, np.hstack([centers - 5, centers + 5])))
    tracking = Tracking(tracklets)
    session = get_session(viewer)
    start = time.process_time()
    tracked = session.add_tracking(tracking, None)
    assert time.process_time() - start < 2
    start = time.process_time()
    for frame in range(0, n_frames, 5000):
        viewer.dims.set_current_step(0, frame)
    assert (time.process_time() - start) / 20 < 0.2  # far above what it takes, for slow machines
    assert rectangles(tracked) >= expected(tracked, 95_000)


def test_real_tracks_are_drawn(viewer, shared):
    data = shared / "data"
    tracked = open_files(viewer, data / "flies_centered_pair.mp4", data / "flies_centered_pair_tracks.pickle")
    for frame in (0, 500, 1099):
        viewer.dims.set_current_step(0, frame)
        assert rectangles(tracked) >= expected(tracked, frame)
        assert labels(viewer) == {str(name) for name, t in tracked.tracking.items() if t.start <= frame < t.stop}


def test_video_begins_at_its_first_frame(viewer, lone_video):
    open_files(viewer, lone_video)
    assert viewer.dims.current_step[0] == 0


def test_ids_have_shadow_below_and_to_right(viewer, clip):
    open_files(viewer, clip.video, clip.tracking)
    viewer.dims.set_current_step(0, 3)
    layer = ids_layer(viewer)
    points, colors = layer.data[layer.shown], layer.features["color"][layer.shown]
    assert list(colors[:2]) == [SHADOW] * 2
    assert SHADOW not in set(colors[2:])
    assert list(layer.features["id"][:2]) == list(layer.features["id"][2:4])
    offsets = (points[:2] - points[2:]) * viewer.scene.camera.zoom
    np.testing.assert_allclose(offsets, 1.0)  # of the screen


def test_window_survives_videos_that_come_and_go(make_napari_viewer, clip, qtbot):
    viewer = make_napari_viewer(show=True)
    for _ in range(4):
        open_files(viewer, clip.video, clip.tracking)
        qtbot.wait(60)
        viewer.layers.clear()
        qtbot.wait(60)
    assert not get_session(viewer).videos


def middle_of_view(viewer) -> tuple[float, float]:
    return tuple(viewer.scene.camera.center[-2:])


def middle_of_box(session) -> tuple[float, float]:
    tracked = session.active
    left, upper, right, lower = session.boxes.display(tracked).box(tracked.current, session.frame)
    return (upper + lower) / 2, (left + right) / 2


@pytest.fixture
def followed(viewer, lone_video):
    """A viewer in which N has brought an individual to the middle."""
    session = open_files(viewer, lone_video) and get_session(viewer)
    moving = np.stack([np.arange(FRAMES) * 5.0 + side for side in (10, 20, 40, 50)], axis=1)
    moving[10] = np.nan
    other = np.tile([300.0, 200.0, 320.0, 230.0], (FRAMES - 5, 1))
    session.add_tracking(Tracking([Tracklet("moving", 0, moving), Tracklet("other", 5, other)]), None)
    session.go_to(0)
    press(viewer, Qt.Key.Key_N)
    assert session.frame == 10
    return viewer, session


def test_individual_of_a_problem_stays_in_the_middle(followed):
    viewer, session = followed
    for frame in (11, 20, 3):
        viewer.dims.set_current_step(0, frame)
        assert middle_of_view(viewer) == pytest.approx(middle_of_box(session))
    for key in (Qt.Key.Key_G, Qt.Key.Key_J, Qt.Key.Key_G):
        press(viewer, key)
        assert middle_of_view(viewer) == pytest.approx(middle_of_box(session))
    assert session.active.current == "other"


def test_zoom_of_the_user_stays_while_following(followed):
    viewer, session = followed
    viewer.scene.camera.zoom = 3.25
    viewer.dims.set_current_step(0, 25)
    assert viewer.scene.camera.zoom == 3.25
    assert middle_of_view(viewer) == pytest.approx(middle_of_box(session))


def test_key_goes_back_to_the_whole_image(followed):
    viewer, session = followed
    press(viewer, Qt.Key.Key_H)
    extent = session.active.layer.extent.world[:, -2:]
    half = np.array(viewer.canvas.size) / viewer.scene.camera.zoom / 2
    assert (np.array(middle_of_view(viewer)) - half <= extent[0]).all()
    assert (np.array(middle_of_view(viewer)) + half >= extent[1]).all()
    before = middle_of_view(viewer)
    viewer.dims.set_current_step(0, 25)
    assert middle_of_view(viewer) == before


def test_reset_view_of_napari_ends_following_too(followed):
    viewer, _session = followed
    viewer.reset_view()
    before = middle_of_view(viewer)
    viewer.dims.set_current_step(0, 25)
    assert middle_of_view(viewer) == before
