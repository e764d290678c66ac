"""The Plot dock, used as a person does: look, click, zoom, choose, load, save."""

import time
from pathlib import Path

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from napari.utils.theme import get_theme
from qtpy.QtCore import QPoint, Qt

from helpers.clips import MakeClip
from helpers.windows import LONG_MS, choose_file, click, notifications, open_clip, open_dock
from napari_i3d import Features, read_features
from napari_i3d.explore.heat_map_data import Content, Order, Scale
from napari_i3d.features.io.writing import write_features
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.features_dock.plot_options import names_of
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES = 20


@pytest.fixture
def clip(clip_of: MakeClip, tmp_path: Path) -> SyntheticClip:
    return clip_of(FRAMES, tmp_path / "clip")


def made_up(
    individuals=("striped", "spotted"), n_rows=FRAMES, frames=True, video="animals.mp4", trained=True
) -> Features:
    random = np.random.default_rng(3)
    rows = {name: random.random((n_rows, 2048)).astype(np.float32) for name in individuals}
    return Features(
        rows=rows,
        frames={name: np.arange(n_rows, dtype=np.float64) for name in individuals} if frames else {},
        first_frame=dict.fromkeys(individuals, 0) if frames else {},
        last_frame=dict.fromkeys(individuals, n_rows - 1) if frames else {},
        fps=25.0 if frames else None,
        provenance={"weights": {"trained": trained}, **({"video": {"file": video}} if video else {})},
    )


def drawn(qtbot, dock) -> None:
    """Wait until everything asked for is drawn."""
    qtbot.waitUntil(lambda: dock.canvas.shown is not None and dock._drawing is None, timeout=LONG_MS)
    dock.canvas.native.draw()


@pytest.fixture
def plotted(viewer, qtbot, clip):
    """A clip with features and the dock that shows them."""
    tracked = open_clip(viewer, clip)
    dock = open_dock(viewer, "Plot features")
    dock.resize(800, 400)
    tracked.set_features(made_up(), None)
    drawn(qtbot, dock)
    return tracked, dock


def begin(plotted, qtbot) -> None:
    """Features of both individuals, of which the first is plotted, and nothing said yet."""
    tracked, dock = plotted
    before = dock.canvas.shown
    tracked.current = "striped"
    tracked.set_features(made_up(), None)
    qtbot.waitUntil(lambda: dock.canvas.shown is not before, timeout=LONG_MS)
    drawn(qtbot, dock)
    notification_manager.records.clear()


def point(dock, frame: float) -> QPoint:
    """Return where, in pixels of the widget, a frame is drawn."""
    x, y = dock.canvas.axes.transData.transform((frame, len(dock.canvas.shown.lines) / 2))
    ratio = dock.canvas.native.devicePixelRatioF()
    return QPoint(round(x / ratio), round(dock.canvas.native.height() - y / ratio))


def empty_dock_says_what_to_do(dock):
    assert "Extract features" in dock.empty.text()
    assert not dock.files.save.isEnabled()
    assert dock.files.load.isEnabled()


def heat_map_of_the_current_individual_is_drawn(plotted, qtbot):
    tracked, dock = plotted
    assert dock.canvas.axes.get_title(loc="left") == "striped"
    assert dock.canvas.axes.get_xlabel() == "video frame"
    tracked.current = "spotted"
    qtbot.waitUntil(lambda: dock.canvas.axes.get_title(loc="left") == "spotted", timeout=LONG_MS)
    assert dock.options.individual.value == "spotted"


def individual_chosen_in_dock_becomes_current_one(plotted, qtbot):
    tracked, dock = plotted
    dock.options.individual.value = "spotted"
    qtbot.waitUntil(lambda: dock.canvas.axes.get_title(loc="left") == "spotted", timeout=LONG_MS)
    assert tracked.current == "spotted"


def test_individuals_have_names_that_differ():
    assert names_of(["male", 1, "1", "a\nb", ""]) == ["male", "1", "'1'", "'a\\nb'", "whole image"]
    assert len(set(names_of(["x" * 200 + "a", "x" * 200 + "b", 0, "0"]))) == 4


def test_individuals_called_the_same_are_plotted_each(viewer, qtbot, clip):
    tracked = open_clip(viewer, clip)
    two = made_up((1, "1"))
    boxes = next(iter(tracked.tracking.values())).boxes
    tracked.set_tracking(Tracking([Tracklet(1, 0, boxes), Tracklet("1", 0, boxes)]), None)
    dock = open_dock(viewer, "Plot features")
    tracked.set_features(two, None)
    for individual in two:
        tracked.current = individual
        drawn(qtbot, dock)
        assert dock.options.individual.value == individual


def untrained_weights_are_named_in_the_title(plotted, qtbot):
    tracked, dock = plotted
    tracked.set_features(made_up(trained=False), None)
    qtbot.waitUntil(lambda: "untrained weights" in dock.canvas.axes.get_title(loc="left"), timeout=LONG_MS)


def cursor_follows_the_frame_of_the_viewer(plotted, viewer):
    _, dock = plotted
    get_session(viewer).go_to(13)
    assert dock.canvas.cursor_frame == 13
    dock.canvas.native.grab()  # the cursor is drawn when it is painted
    image = np.asarray(dock.canvas.native.buffer_rgba())
    place = point(dock, 13)
    red, green, _, _ = (int(value) for value in image[place.y(), place.x() - 1 : place.x() + 2].max(axis=0))
    assert red > 200 > green


def click_and_drag_move_the_viewer(plotted, viewer, qtbot):
    _, dock = plotted
    session = get_session(viewer)
    native = dock.canvas.native
    qtbot.mouseClick(native, Qt.MouseButton.LeftButton, pos=point(dock, 5))
    assert session.frame == 5
    qtbot.mousePress(native, Qt.MouseButton.LeftButton, pos=point(dock, 5))
    qtbot.mouseMove(native, point(dock, 11))
    qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, pos=point(dock, 11))
    assert session.frame == 11
    qtbot.mouseMove(native, point(dock, 3))
    assert session.frame == 11


def zooming_does_not_move_viewer_and_shows_part(plotted, viewer, qtbot):
    _, dock = plotted
    native = dock.canvas.native
    zoom = next(action for action in dock.toolbar.actions() if action.text() == "Zoom")
    zoom.trigger()
    qtbot.mousePress(native, Qt.MouseButton.LeftButton, pos=point(dock, 5))
    qtbot.mouseMove(native, point(dock, 10) + QPoint(0, 40))
    qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, pos=point(dock, 10) + QPoint(0, 40))
    assert get_session(viewer).frame == 0
    np.testing.assert_allclose(dock.canvas.limits, (5, 10), atol=0.3)
    next(action for action in dock.toolbar.actions() if action.text() == "Home").trigger()
    assert dock.canvas.limits == (-0.5, FRAMES - 0.5)


def test_plot_choices_are_applied_and_remembered(plotted, viewer, qtbot):
    _, dock = plotted
    dock.options.order.value = Order.FILE
    qtbot.waitUntil(lambda: dock.canvas.shown.options.order is Order.FILE, timeout=LONG_MS)
    assert (np.diff(dock.canvas.shown.lines) > 0).all()
    dock.options.scale.value = Scale.RAW
    dock.options.content.value = Content.COMPONENTS
    qtbot.waitUntil(lambda: dock.canvas.shown.options.content is Content.COMPONENTS, timeout=LONG_MS)
    assert dock.canvas.axes.get_ylabel() == "components"
    assert not dock.options.order.enabled
    viewer.window.remove_dock_widget("all")
    again = open_dock(viewer, "Plot features")
    assert again is not dock
    assert (again.options.content.value, again.options.scale.value) == (Content.COMPONENTS, Scale.RAW)


def colors_follow_the_theme_while_open(plotted, viewer):
    _, dock = plotted
    for theme in ("light", "dark"):
        viewer.theme = theme
        colors = get_theme(theme)
        ground = np.array(dock.canvas.figure.get_facecolor()[:3]) * 255
        np.testing.assert_allclose(ground, colors.background.as_rgb_tuple(alpha=False), atol=1)
        assert dock.canvas.axes.xaxis.label.get_color() == colors.text.as_hex(format="long")


def figure_is_saved(plotted, tmp_path, monkeypatch, ending, start):
    _, dock = plotted
    path = tmp_path / f"figure{ending}"
    choose_file(monkeypatch, "getSaveFileName", path)
    next(action for action in dock.toolbar.actions() if action.text() == "Save").trigger()
    assert path.read_bytes().startswith(start)
    assert notifications() == []


def figure_of_an_unknown_kind_is_one_notification(plotted, tmp_path, monkeypatch):
    _, dock = plotted
    choose_file(monkeypatch, "getSaveFileName", tmp_path / "figure.docx")
    next(action for action in dock.toolbar.actions() if action.text() == "Save").trigger()
    assert len(notifications()) == 1
    assert ".png, .svg or .pdf" in notifications()[0]


def load(dock, qtbot, monkeypatch, path: Path) -> None:
    """Load a file, and wait until it is drawn."""
    before = dock.canvas.shown
    choose_file(monkeypatch, "getOpenFileName", path)
    click(qtbot, dock.files.load)
    qtbot.waitUntil(lambda: dock.canvas.shown is not before, timeout=LONG_MS)
    drawn(qtbot, dock)


def loaded_features_of_open_video_are_taken_up(tracked, dock, qtbot, tmp_path, monkeypatch, ending):
    write_features(tmp_path / f"saved{ending}", made_up())
    load(dock, qtbot, monkeypatch, tmp_path / f"saved{ending}")
    assert list(tracked.features) == ["striped", "spotted"]
    assert tracked.features_path == tmp_path / f"saved{ending}"
    assert dock.canvas.cursor_frame == 0


def features_of_another_video_are_plotted_without_cursor(tracked, dock, qtbot, tmp_path, monkeypatch):
    write_features(tmp_path / "other.npy", made_up(("a", 7), video="other.mp4"))
    load(dock, qtbot, monkeypatch, tmp_path / "other.npy")
    assert tracked.features is None
    assert "belongs to no open video" in dock.status.text()
    assert dock.canvas.cursor_frame is None
    dock.options.individual.value = 7
    qtbot.waitUntil(lambda: dock.canvas.axes.get_title(loc="left") == "7", timeout=LONG_MS)


def rows_without_frames_have_no_cursor(viewer, dock, qtbot, tmp_path, monkeypatch):
    path = tmp_path / "bare.npy"
    np.save(path, dict(made_up(n_rows=12)), allow_pickle=True)
    load(dock, qtbot, monkeypatch, path)
    assert "row" in dock.canvas.axes.get_xlabel()
    assert dock.canvas.cursor_frame is None
    qtbot.mouseClick(dock.canvas.native, Qt.MouseButton.LeftButton, pos=point(dock, 5))
    assert get_session(viewer).frame == 0


def test_features_files_are_loaded_and_plotted(viewer, qtbot, clip, tmp_path, monkeypatch):
    dock = open_dock(viewer, "Plot features")
    empty_dock_says_what_to_do(dock)
    tracked = open_clip(viewer, clip)
    for ending in (".npy", ".npz", ".pickle"):
        tracked.set_features(None, None)
        loaded_features_of_open_video_are_taken_up(tracked, dock, qtbot, tmp_path, monkeypatch, ending)
    tracked.set_features(None, None)
    features_of_another_video_are_plotted_without_cursor(tracked, dock, qtbot, tmp_path, monkeypatch)
    rows_without_frames_have_no_cursor(viewer, dock, qtbot, tmp_path, monkeypatch)


def damaged_features_file_leaves_the_plot(plotted, qtbot, tmp_path, monkeypatch):
    tracked, dock = plotted
    (tmp_path / "damaged.npy").write_bytes(b"\x93NUMPY nothing")
    before = tracked.features
    choose_file(monkeypatch, "getOpenFileName", tmp_path / "damaged.npy")
    click(qtbot, dock.files.load)
    qtbot.waitUntil(lambda: len(notifications()) == 1, timeout=LONG_MS)
    assert "damaged.npy" in notifications()[0]
    assert tracked.features is before


FORMS = [
    ("Python, numpy (*.npy)", "out.npy", "out.npy"),
    ("Python, pickle (*.pickle)", "out", "out.pickle"),
    ("numpy archive, nothing pickled (*.npz)", "out", "out.npz"),
    ("DLC2Action (*.npy)", "out.npy", "out.npy"),
    ("MS-TCN, ASFormer: a file for each individual (*.npy)", "out", "out_spotted.npy"),
    ("ActionFormer, OpenTAD: a file for each individual (*.npy)", "out.npy", "out_spotted.npy"),
]
"""Entries of the dialog, the name chosen in it, and the file that is written."""


def features_are_saved_in_a_form(plotted, qtbot, tmp_path, monkeypatch, label, name, made):
    tracked, dock = plotted
    choose_file(monkeypatch, "getSaveFileName", tmp_path / name, label)
    click(qtbot, dock.files.save)
    qtbot.waitUntil(
        lambda: any("Saved" in text for text in notifications("info")) or bool(notifications()), timeout=LONG_MS
    )
    assert notifications() == []
    expected = tracked.features["spotted"]
    if made == "out_spotted.npy":
        array = np.load(tmp_path / made)
        np.testing.assert_array_equal(array, expected.T if "MS-TCN" in label else expected)
    else:
        np.testing.assert_array_equal(read_features(tmp_path / made)["spotted"], expected)
    if "DLC2Action" in label:
        assert np.load(tmp_path / made, allow_pickle=True).item()["max_frames"]["spotted"] == FRAMES - 1


def features_unfit_for_layout_are_one_notification(plotted, qtbot, tmp_path, monkeypatch):
    tracked, dock = plotted
    tracked.set_features(made_up(frames=False), None)
    choose_file(monkeypatch, "getSaveFileName", tmp_path / "out.npy", "DLC2Action (*.npy)")
    click(qtbot, dock.files.save)
    qtbot.waitUntil(lambda: len(notifications()) == 1, timeout=LONG_MS)
    assert "one row for each frame" in notifications()[0]
    assert not (tmp_path / "out.npy").exists()


def test_figures_and_features_are_saved(plotted, qtbot, tmp_path, monkeypatch):
    for ending, start in ((".png", b"\x89PNG"), (".svg", b"<?xml")):
        figure_is_saved(plotted, tmp_path, monkeypatch, ending, start)
    figure_of_an_unknown_kind_is_one_notification(plotted, tmp_path, monkeypatch)
    for number, form in enumerate(FORMS):
        begin(plotted, qtbot)
        (tmp_path / str(number)).mkdir()
        features_are_saved_in_a_form(plotted, qtbot, tmp_path / str(number), monkeypatch, *form)
    begin(plotted, qtbot)
    features_unfit_for_layout_are_one_notification(plotted, qtbot, tmp_path, monkeypatch)
    begin(plotted, qtbot)
    damaged_features_file_leaves_the_plot(plotted, qtbot, tmp_path, monkeypatch)


def closed_dock_hears_nothing_more(plotted, viewer, qtbot):
    tracked, dock = plotted
    viewer.window.remove_dock_widget(dock)
    before = dock.canvas.cursor_frame
    get_session(viewer).go_to(9)
    tracked.current = "spotted"
    tracked.set_features(None, None)
    viewer.theme = "light"
    qtbot.wait(100)
    assert dock.canvas.cursor_frame == before
    assert dock.canvas.axes.get_title(loc="left") == "striped"


def test_theme_is_followed_until_the_dock_closes(plotted, viewer, qtbot):
    colors_follow_the_theme_while_open(plotted, viewer)
    closed_dock_hears_nothing_more(plotted, viewer, qtbot)


def removing_the_video_takes_the_cursor_away(plotted, viewer, qtbot):
    tracked, dock = plotted
    viewer.layers.clear()
    qtbot.wait(50)
    assert dock.canvas.cursor_frame is None
    assert tracked.video is None


def test_heat_map_follows_individual_and_frame(plotted, viewer, qtbot):
    heat_map_of_the_current_individual_is_drawn(plotted, qtbot)
    begin(plotted, qtbot)
    individual_chosen_in_dock_becomes_current_one(plotted, qtbot)
    begin(plotted, qtbot)
    untrained_weights_are_named_in_the_title(plotted, qtbot)
    begin(plotted, qtbot)
    cursor_follows_the_frame_of_the_viewer(plotted, viewer)
    click_and_drag_move_the_viewer(plotted, viewer, qtbot)
    get_session(viewer).go_to(0)
    zooming_does_not_move_viewer_and_shows_part(plotted, viewer, qtbot)
    removing_the_video_takes_the_cursor_away(plotted, viewer, qtbot)


def test_100_000_rows_stay_smooth(viewer, qtbot, clip):
    n_rows = 100_000
    rows = np.zeros((n_rows, 2048), np.float32)
    rows[:, :300] = np.random.default_rng(0).random((n_rows, 300), np.float32)
    features = Features(rows={"striped": rows}, frames={"striped": np.arange(n_rows, dtype=np.float64)})
    tracked = open_clip(viewer, clip)
    dock = open_dock(viewer, "Plot features")
    dock.resize(900, 400)
    tracked.set_features(features, None)
    drawn(qtbot, dock)
    assert dock.canvas._image.get_array().shape[1] <= dock.canvas.axes.bbox.width
    times = []
    for frame in range(FRAMES):
        began = time.perf_counter()
        get_session(viewer).go_to(frame)
        dock.canvas.set_frame(frame * 5000)
        times.append(time.perf_counter() - began)
    began = time.perf_counter()
    dock.canvas.axes.set_xlim(20_000, 60_000)
    dock.canvas.native.draw()
    zoom_s = time.perf_counter() - began
    assert np.median(times) < 0.15, times  # with the viewer's own frame change, on a busy machine
    assert zoom_s < 1
