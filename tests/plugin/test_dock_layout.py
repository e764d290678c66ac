"""Where docks are, and that the window fits a small screen: real docks in a real window, measured by Qt."""

import numpy as np
import pytest
from napari.settings import get_settings
from qtpy.QtCore import QRect
from qtpy.QtWidgets import QApplication, QDockWidget, QLabel

from helpers.clips import MakeClip
from napari_i3d import Annotation, Bout, Features, tracked_video
from napari_i3d.explore import Hit
from napari_i3d.plugin import viewer as view_module
from napari_i3d.plugin.session.time_axis import TimeAxis
from napari_i3d.plugin.viewer import view
from napari_i3d.plugin.widgets.text_label import LineLabel
from napari_i3d.synthetic import SyntheticClip

FRAMES = 30
SMALL = 1280, 690  # 1280 x 720 without a task bar
ALL = (
    "Individuals",
    "Crop preview",
    "Extract features",
    "Explore features",
    "Plot features",
    "Annotate",
    "Learn behaviors",
)
OVER_TIME = ("Plot features", "Annotate")
WAIT = 60_000


@pytest.fixture(scope="module")
def clip(clip_of: MakeClip) -> SyntheticClip:
    return clip_of(FRAMES)


@pytest.fixture(autouse=True)
def places():
    """No place of a dock is remembered, as for a new user."""
    positions = get_settings().application.plugin_widget_positions
    before = dict(positions)
    positions.clear()
    yield positions
    positions.clear()
    positions.update(before)


def made_up() -> Features:
    random = np.random.default_rng(2)
    numbers = np.arange(FRAMES, dtype=np.float64)
    return Features(
        rows={name: random.random((FRAMES, 64)).astype(np.float32) for name in ("striped", "spotted")},
        frames={"striped": numbers, "spotted": numbers},
        fps=25.0,
    )


@pytest.fixture
def shown(make_napari_viewer, monkeypatch: pytest.MonkeyPatch, clip: SyntheticClip):
    """`view` with all docks, on a screen of a size."""

    class Screen:
        def __init__(self, width: int, height: int) -> None:
            self.room = QRect(0, 0, width, height)

        def availableGeometry(self) -> QRect:  # noqa: N802
            return self.room

    class Application:
        processEvents = staticmethod(QApplication.processEvents)  # noqa: N815

    def show(width: int, height: int):
        viewer = make_napari_viewer(show=True)
        monkeypatch.setattr(view_module.napari, "Viewer", lambda show: viewer)
        Application.primaryScreen = staticmethod(lambda: Screen(width, height))
        monkeypatch.setattr(view_module, "QApplication", Application)
        view(clip.video, clip.tracking, made_up())
        viewer.window.add_plugin_dock_widget("napari-i3d", "Annotate")
        settle()
        return viewer

    return show


def settle() -> None:
    for _ in range(5):  # docks take their places one event after another
        QApplication.processEvents()


def docks_of(viewer) -> dict[str, QDockWidget]:
    return {name.removesuffix(" (napari-i3d)"): w.parent() for name, w in viewer.window.dock_widgets.items()}


def least(viewer) -> tuple[int, int]:
    window = viewer.window._qt_window
    hint, size = window.minimumSizeHint(), window.minimumSize()
    return max(hint.width(), size.width()), max(hint.height(), size.height())


@pytest.mark.parametrize("screen", [(1280, 720), (2560, 1440)])
def test_all_docks_fit_a_small_screen(shown, screen):
    viewer = shown(*screen)
    window = viewer.window._qt_window
    assert least(viewer)[0] <= SMALL[0]
    assert least(viewer)[1] <= SMALL[1]
    viewer.window.resize(*SMALL)
    settle()
    assert (window.width(), window.height()) == SMALL
    inside = window.rect()
    for name, dock in docks_of(viewer).items():
        dock.raise_()
        settle()
        assert inside.contains(dock.geometry()), name
    if screen[0] > SMALL[0]:
        return  # the column beside the time line keeps its width when the window is made smaller
    annotate = docks_of(viewer)["Annotate"].widget()
    proposed = Annotation(bouts=[Bout("striped", "walk", 0, 5)], n_frames=FRAMES)
    tracked_video(viewer).predictions.set(proposed, "a program")
    settle()
    assert annotate.proposed.isVisible()
    assert annotate.readout.text().startswith("frame 0  ·  0:00:00.000")
    assert QLabel.text(annotate.readout) == annotate.readout.text()  # not cut
    assert annotate.readout.contentsRect().width() > annotate.readout.fontMetrics().horizontalAdvance(
        annotate.readout.text()
    )


@pytest.mark.parametrize("name", ALL)
def test_each_dock_alone_fits_a_small_screen(make_napari_viewer, name):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(*SMALL)
    viewer.window.add_plugin_dock_widget("napari-i3d", name)
    settle()
    assert least(viewer)[0] <= SMALL[0]
    assert least(viewer)[1] <= SMALL[1]


@pytest.mark.parametrize("order", [ALL, ALL[::-1]])
def test_docks_of_the_menu_land_in_their_places(make_napari_viewer, order):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 720)
    for name in order:
        viewer.window.add_plugin_dock_widget("napari-i3d", name)
        settle()
    docks, window = docks_of(viewer), viewer.window._qt_window
    forms = [docks[name] for name in ALL if name not in OVER_TIME]
    for dock in forms:
        assert set(window.tabifiedDockWidgets(dock)) == set(forms) - {dock}
    upper, lower = (docks[name].geometry() for name in OVER_TIME)
    assert (upper.left(), upper.width()) == (lower.left(), lower.width())
    assert upper.bottom() < lower.top()
    column = next(dock for dock in forms if not dock.visibleRegion().isEmpty()).geometry()
    assert lower.right() < column.left()
    assert lower.width() > 0.6 * window.width()
    assert upper.top() > viewer.window._qt_viewer.geometry().center().y()


def test_crop_preview_is_below_others_in_high_window(shown):
    viewer = shown(2560, 1440)
    docks = docks_of(viewer)
    assert not docks["Individuals"].visibleRegion().isEmpty()
    assert docks["Crop preview"].geometry().top() > docks["Individuals"].geometry().bottom()
    assert viewer.window._qt_window.width() == 2560
    assert viewer.window._qt_viewer.width() > 1200


def test_place_chosen_by_the_user_is_kept(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    get_settings().application.plugin_widget_positions["Annotate (napari-i3d)"] = "left"
    viewer.window.add_plugin_dock_widget("napari-i3d", "Plot features")
    viewer.window.add_plugin_dock_widget("napari-i3d", "Annotate")
    settle()
    window = viewer.window._qt_window
    areas = {name: window.dockWidgetArea(dock).name for name, dock in docks_of(viewer).items()}
    assert areas == {"Plot features": "BottomDockWidgetArea", "Annotate": "LeftDockWidgetArea"}


@pytest.fixture
def explored(shown, qtbot):
    viewer = shown(1600, 1000)
    docks = {name: dock.widget() for name, dock in docks_of(viewer).items()}
    explore, plot = docks["Explore features"], docks["Plot features"]
    explore.parent().raise_()
    explore.options.clusters.value = 2
    explore.options.compute.click()
    qtbot.waitUntil(lambda: explore._exploration.explored is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: plot.canvas.shown is not None, timeout=WAIT)
    settle()
    return viewer, docks


def test_heat_map_and_time_line_share_the_time_axis(explored):
    viewer, docks = explored
    heat, line = docks["Plot features"].canvas, docks["Annotate"].canvas

    def same(first: float, last: float) -> None:
        """Frame f is around f in the heat map, and from f to f + 1 in the time line."""
        assert heat.limits == pytest.approx((first, last))
        assert line.limits == pytest.approx((first + 0.5, last + 0.5))

    same(-0.5, FRAMES - 0.5)
    heat.axes.set_xlim(5, 22)  # the time line shows no fewer frames, each 80 pixels wide
    same(5, 22)
    line.limits = (3, 21)
    same(2.5, 20.5)
    viewer.window.resize(1300, 800)
    settle()
    same(2.5, 20.5)
    heat.axes.set_xlim(-10, 50)  # moved beyond the video, which the time line does not show
    assert heat.limits == (-10, 50)
    assert line.limits == pytest.approx((0, FRAMES))
    next(action for action in docks["Plot features"].toolbar.actions() if action.text() == "Home").trigger()
    same(-0.5, FRAMES - 0.5)
    viewer.window.remove_dock_widget(docks["Annotate"])
    heat.axes.set_xlim(5, 12)
    assert line.limits == pytest.approx((0, FRAMES))


def test_plots_have_most_of_their_docks(explored):
    _, docks = explored
    canvas, line = docks["Plot features"].canvas, docks["Annotate"].canvas
    assert canvas.axes.get_position().height * canvas.native.height() > 0.5 * docks["Plot features"].height()
    assert line.height() > 0.7 * docks["Annotate"].height()


def test_explore_keeps_its_width_when_there_are_hits(explored):
    _, docks = explored
    explore = docks["Explore features"]
    before = explore.minimumSizeHint().width(), explore.width()
    name = "an individual with a name that is longer than any dock should be wide, and then some" * 3
    explore.similar._show_hits((Hit(video="v", individual=name, first_frame=1, last_frame=9, similarity=0.5),))
    explore.similar.text.setText(f"1 moment like {name}")
    settle()
    assert (explore.minimumSizeHint().width(), explore.width()) == before
    content = explore.canvas.native
    assert content.visibleRegion().boundingRect() == content.rect()  # all of the map is in sight
    assert explore.similar.list.isVisible()


def test_too_long_line_is_cut_and_told(qtbot):
    label = LineLabel()
    label.setText("a text that is much longer than its label")
    qtbot.addWidget(label)
    label.resize(80, 20)
    label.show()
    assert QLabel.text(label).endswith("…")
    assert label.text() == label.toolTip() == "a text that is much longer than its label"
    label.resize(800, 20)
    settle()
    assert QLabel.text(label) == label.text()


def test_axis_without_a_whole_is_nobodys():
    axis = TimeAxis()
    heard = []
    axis.changed.connect(lambda: heard.append(axis.limits))
    axis.limits = (1, 2)
    assert axis.limits is None
    axis.whole = (0, 10)
    axis.limits = (1, 2)
    axis.limits = (1, 2)
    axis.whole = (0, 10)
    axis.whole = None
    assert heard == [(0, 10), (1, 2), None]
