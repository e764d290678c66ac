"""A change of the frame: how much is drawn for it, and that nothing is for docks that nobody sees."""

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QObject, QPoint
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QLabel

from napari_i3d import Features, read_tracking
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.crop_dock import crop_preview_widget
from napari_i3d.plugin.plotting.plot_canvas import CURSOR
from napari_i3d.plugin.session.session import Session

FRAMES = 20
WAIT = 20_000


class Paints(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: Any) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, _watched: Any, event: Any) -> bool:  # noqa: N802
        self.count += event.type() == QEvent.Type.Paint
        return False


@pytest.fixture
def window(make_napari_viewer, clip_of):
    viewer = make_napari_viewer(show=True)
    clip = clip_of(FRAMES)
    session = get_session(viewer)
    viewer.open(str(clip.video), plugin="napari-i3d")
    session.add_tracking(read_tracking(clip.tracking), clip.tracking)
    session.go_to(0)
    return viewer, session


@pytest.fixture
def plotted(window, qtbot):
    viewer, session = window
    random = np.random.default_rng(3)
    rows = {name: random.random((FRAMES, 2048)).astype(np.float32) for name in session.active.tracking}
    session.active.set_features(
        Features(rows=rows, frames=dict.fromkeys(rows, np.arange(FRAMES, dtype=np.float64)), fps=25.0), None
    )
    dock = viewer.window.add_plugin_dock_widget("napari-i3d", "Plot features")[1]
    qtbot.waitUntil(lambda: dock.canvas.shown is not None and dock._drawing is None, timeout=WAIT)
    qtbot.wait(300)
    return viewer, session, dock


def put_behind(viewer: Any, dock: Any, qtbot: Any) -> Any:
    """Put another dock in front of one, in the same place; returns the dock of the window that is behind now."""
    behind = dock.parent()
    front = viewer.window.add_dock_widget(QLabel("in front"), name="in front", area="right")
    qtbot.wait(50)
    viewer.window._qt_window.tabifyDockWidget(behind, front)
    qtbot.wait(50)
    front.raise_()
    qtbot.waitUntil(lambda: dock.visibleRegion().isEmpty(), timeout=WAIT)
    qtbot.wait(300)
    assert dock.isVisible()  # says Qt
    return behind


def cursor_is_seen_at(dock: Any, frame: int) -> bool:
    native = dock.canvas.native
    x, y = dock.canvas.axes.transData.transform((frame, len(dock.canvas.shown.lines) / 2))
    ratio = native.devicePixelRatioF()
    image = native.grab().toImage()
    place = QPoint(round(x / ratio), round(native.height() - y / ratio))
    near = [QColor(image.pixel(place + QPoint(step, 0))) for step in (-1, 0, 1)]
    return any(abs(color.red() - QColor(CURSOR).red()) < 40 and color.blue() < 120 for color in near)


def test_plot_is_painted_once_for_burst_of_frames(plotted, qtbot):
    _, session, dock = plotted
    paints = Paints(dock.canvas.native)
    for frame in (3, 9, 17, 5, 12):
        session.go_to(frame)
    assert paints.count == 0  # first the image
    qtbot.waitUntil(lambda: paints.count > 0, timeout=WAIT)
    qtbot.wait(100)
    assert paints.count == 1
    assert cursor_is_seen_at(dock, 12)
    assert not cursor_is_seen_at(dock, 5)


def test_plot_behind_a_tab_is_drawn_when_seen(plotted, qtbot, monkeypatch):
    viewer, session, dock = plotted
    behind = put_behind(viewer, dock, qtbot)
    drawn = []
    draw = dock.canvas.axes.draw_artist
    monkeypatch.setattr(dock.canvas.axes, "draw_artist", lambda artist: (drawn.append(artist), draw(artist)))
    for frame in (3, 9, 17):
        session.go_to(frame)
        qtbot.wait(50)
    assert drawn == []
    behind.raise_()
    qtbot.waitUntil(lambda: drawn != [], timeout=WAIT)
    assert cursor_is_seen_at(dock, 17)


def test_crop_behind_a_tab_is_made_when_seen(window, qtbot, monkeypatch):
    viewer, session = window
    dock = viewer.window.add_plugin_dock_widget("napari-i3d", "Crop preview")[1]
    qtbot.waitUntil(lambda: "frame 0:" in dock.text.text(), timeout=WAIT)
    behind = put_behind(viewer, dock, qtbot)
    made = []
    run_crop = crop_preview_widget.run_crop

    def noting(request, *others):
        made.append(request.frame)
        return (yield from run_crop(request, *others))

    monkeypatch.setattr(crop_preview_widget, "run_crop", noting)
    for frame in (3, 9, 17):
        session.go_to(frame)
        qtbot.wait(100)
    assert made == []
    behind.raise_()
    qtbot.waitUntil(lambda: "frame 17:" in dock.text.text(), timeout=WAIT)
    assert made == [17]


def test_crop_uses_the_frame_already_decoded(window: tuple[Any, Session], qtbot, monkeypatch):
    viewer, session = window
    session.go_to(7)
    cache = session.active.layer.data.cache
    qtbot.waitUntil(lambda: 7 in cache, timeout=WAIT)
    monkeypatch.setattr(cache, "_decode", lambda number: pytest.fail(f"frame {number} is decoded again"))
    dock = viewer.window.add_plugin_dock_widget("napari-i3d", "Crop preview")[1]
    qtbot.waitUntil(lambda: "frame 7:" in dock.text.text(), timeout=WAIT)
