"""How long corrections by hand take in the window: edit mode, drags, and one correction until it is drawn.

``python tests/benchmarks/correcting.py [--individuals 10] [--frames 100000] [--drags 40]`` opens a viewer with an
image of 1024x1024 pixels, the tracking and the Individuals dock. To reach: entering and leaving edit mode at most
100 ms each; at least 20 frames a second while a box is dragged; p95 at most 100 ms from the release of the mouse until
the box, the table and the problems are drawn. Times are those of the processor, and include what software OpenGL
draws. Without a screen: ``xvfb-run -a -s "-screen 0 1600x1000x24" python ...``.
"""

import argparse
import time
from functools import partial

import dask.array
import napari
import numpy as np
from editing import SIDE, walks
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication
from vispy.gloo import gl

from napari_i3d.plugin.context import get_session


class Window:
    """A viewer with tracking, and the mouse over its canvas."""

    def __init__(self, individuals: int, n_frames: int) -> None:
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1400, 950)
        self.session = get_session(self.viewer)
        self.viewer.add_image(dask.array.zeros((n_frames, SIDE, SIDE), np.uint8, chunks=(1, SIDE, SIDE)),
                              contrast_limits=(0, 255))  # fmt: skip
        self.tracked = self.session.add_tracking(walks(individuals, n_frames), None)
        self.viewer.window.add_plugin_dock_widget("napari-i3d", "Individuals")
        self.native = self.viewer.window._qt_viewer.canvas.native
        self.n_frames = n_frames
        self.go_to(n_frames // 2)

    def draw(self) -> None:
        """Handle all events and draw."""
        for _ in range(4):
            QApplication.processEvents()
        self.native.makeCurrent()
        gl.glFinish()

    def go_to(self, frame: int) -> None:
        self.viewer.dims.set_current_step(0, frame)
        self.draw()

    def timed(self, action) -> float:
        start = time.process_time()
        action()
        self.draw()
        return (time.process_time() - start) * 1e3

    def point(self, x: float, y: float) -> QPoint:
        camera, (height, width) = self.viewer.scene.camera, self.viewer.canvas.size
        return QPoint(
            round((x - 0.5 - camera.center[-1]) * camera.zoom + width / 2),
            round((y - 0.5 - camera.center[-2]) * camera.zoom + height / 2),
        )

    def mouse(self, kind: QEvent.Type, point: QPoint) -> None:
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        move, release = kind == QEvent.Type.MouseMove, kind == QEvent.Type.MouseButtonRelease
        event = QMouseEvent(kind, QPointF(point), QPointF(self.native.mapToGlobal(point)), none if move else left,
                            none if release else left, Qt.KeyboardModifier.NoModifier)  # fmt: skip
        QApplication.sendEvent(self.native, event)


def _past(start: QPoint, move: int) -> QPoint:
    return start + QPoint(3 * move, 2 * move)


def show(name: str, times_ms: list[float]) -> None:
    values = np.array(times_ms)
    print(
        f"{name}: median {np.median(values):.1f} ms, p95 {np.percentile(values, 95):.1f} ms, max {values.max():.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--individuals", type=int, default=10)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--drags", type=int, default=40)
    parser.add_argument("--profile", default="", help="write a profile of the corrections to this file")
    options = parser.parse_args()
    window = Window(options.individuals, options.frames)
    editor = window.session.box_editor
    print(f"entering for the first time: {window.timed(editor.start):.0f} ms")
    enter, leave, drag, release, correct, step = [], [], [], [], [], []
    leave.append(window.timed(editor.stop))
    for _ in range(8):
        enter.append(window.timed(editor.start))
        leave.append(window.timed(editor.stop))
    editor.start()
    window.draw()
    random = np.random.default_rng(3)
    profile = None
    if options.profile:
        import cProfile

        profile = cProfile.Profile()
    for number in range(options.drags):
        frame = int(random.integers(options.frames))
        step.append(window.timed(partial(window.viewer.dims.set_current_step, 0, frame)))
        individual = list(window.tracked.tracking)[number % options.individuals]
        left, upper, right, lower = window.tracked.tracking[individual].boxes[frame]
        start = window.point((left + right) / 2, (upper + lower) / 2)
        position = window.tracked.history.position
        window.mouse(QEvent.Type.MouseMove, start)
        window.mouse(QEvent.Type.MouseButtonPress, start)
        for move in range(1, 9):
            time.sleep(0.011)  # vispy ignores what comes faster
            window.draw()
            drag.append(window.timed(partial(window.mouse, QEvent.Type.MouseMove, _past(start, move))))
        if profile:
            profile.enable()
        release.append(window.timed(partial(window.mouse, QEvent.Type.MouseButtonRelease, _past(start, 8))))
        if profile:
            profile.disable()
        assert window.tracked.history.position == position + 1, "the drag was no step"
    for number in range(options.drags):
        individual = list(window.tracked.tracking)[number % options.individuals]
        frame = window.session.frame
        box = window.tracked.tracking[individual].boxes[frame] + 3
        correct.append(window.timed(partial(window.tracked.editor.set_box, individual, frame, box)))
    show("entering edit mode", enter)
    show("leaving edit mode", leave)
    show(f"moving while dragging ({1000 / np.median(drag):.0f} frames/s)", drag)
    show("from the release until drawn", release)
    show("a correction by code until drawn", correct)
    show("another frame", step)
    show("undo until drawn", [window.timed(window.tracked.editor.undo) for _ in range(options.drags)])
    if profile:
        profile.dump_stats(options.profile)
    window.viewer.close()


if __name__ == "__main__":
    main()
