"""The mouse and the keys over the canvas in which boxes are edited."""

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_i3d.plugin.context import get_session

NONE = Qt.KeyboardModifier.NoModifier

_PAUSE_MS = 12


class Canvas:
    """The mouse and the keys over the canvas; places are pixels of the boxes, (x, y), as in [left, upper, ...]."""

    def __init__(self, viewer) -> None:
        self.viewer, self.session = viewer, get_session(viewer)

    @property
    def native(self):
        return self.viewer.window._qt_viewer.canvas.native

    @property
    def layer(self):
        return self.session.box_editor.layer

    @property
    def tracked(self):
        return self.session.active

    def point(self, x: float, y: float) -> QPoint:
        scale = self.tracked.box_scale
        image = self.tracked.layer
        row, column = y * scale[1] - 0.5, x * scale[0] - 0.5
        world = image.data_to_world((0, row, column))[-2:]
        camera, (height, width) = self.viewer.scene.camera, self.viewer.canvas.size
        return QPoint(
            round((world[1] - camera.center[-1]) * camera.zoom + width / 2),
            round((world[0] - camera.center[-2]) * camera.zoom + height / 2),
        )

    def place(self, point: QPoint) -> tuple[float, float]:
        """The exact place of a pixel of the screen."""
        camera, (height, width) = self.viewer.scene.camera, self.viewer.canvas.size
        world = (
            (point.y() - height / 2) / camera.zoom + camera.center[-2],
            (point.x() - width / 2) / camera.zoom + camera.center[-1],
        )
        row, column = self.tracked.layer.world_to_data((0, *world))[-2:]
        scale = self.tracked.box_scale
        return (column + 0.5) / scale[0], (row + 0.5) / scale[1]

    def drag(self, start, end, modifier=NONE, steps: int = 3, *, release: bool = True) -> np.ndarray:
        """Drag from one place to another; return by how much the mouse moved, in pixels of the boxes."""
        first, last = self.point(*start), self.point(*end)
        QTest.mouseMove(self.native, first)
        QTest.mousePress(self.native, Qt.MouseButton.LeftButton, modifier, first)
        for step in range(1, steps + 1):
            self.move(first + (last - first) * (step / steps), modifier)
        if release:
            self.release(end, modifier)
        return np.array(self.place(last)) - self.place(first)

    def move(self, point: QPoint, modifier=NONE) -> None:
        """Move the mouse until napari knows it: vispy and napari ignore moves in quick succession."""
        place, left = QPointF(point), Qt.MouseButton.LeftButton
        everywhere = QPointF(self.native.mapToGlobal(point))
        for _ in range(100):
            event = QMouseEvent(QEvent.Type.MouseMove, place, everywhere, Qt.MouseButton.NoButton, left, modifier)
            QApplication.sendEvent(self.native, event)
            QTest.qWait(_PAUSE_MS)
            if np.allclose(self.place(point), self.cursor(), atol=1e-3):
                return
        raise AssertionError(f"the mouse is at {self.cursor()}, not at {self.place(point)}")

    def cursor(self) -> tuple[float, float]:
        row, column = self.tracked.layer.world_to_data((0, *self.viewer.cursor.position[-2:]))[-2:]
        scale = self.tracked.box_scale
        return (column + 0.5) / scale[0], (row + 0.5) / scale[1]

    def release(self, end, modifier=NONE) -> None:
        QTest.mouseRelease(self.native, Qt.MouseButton.LeftButton, modifier, self.point(*end))
        self.settle()

    def click(self, x: float, y: float, modifier=NONE) -> None:
        self.drag((x, y), (x, y), modifier, steps=0)

    def key(self, key, modifier=NONE) -> None:
        QTest.keyClick(self.native, key, modifier)
        self.settle()

    def settle(self) -> None:
        for _ in range(3):
            QApplication.processEvents()

    def boxes(self, frame: int | None = None) -> dict:
        frame = self.session.frame if frame is None else frame
        found = {}
        for one, tracklet in (self.tracked.tracking or {}).items():
            if tracklet.start <= frame < tracklet.stop and tracklet.present[frame - tracklet.start]:
                found[one] = tracklet.boxes[frame - tracklet.start].tolist()
        return found

    def drawn(self) -> list[list[float]]:
        """The rectangles of the layer, in pixels of the video."""
        return sorted([*(shape.min(axis=0)[::-1] + 0.5), *(shape.max(axis=0)[::-1] + 0.5)] for shape in self.layer.data)

    def assert_shapes_are_the_boxes(self) -> None:
        scale = np.array(self.tracked.box_scale * 2)
        expected = sorted((np.array(box) * scale).tolist() for box in self.boxes().values())
        np.testing.assert_allclose(np.reshape(self.drawn(), (-1, 4)), np.reshape(expected, (-1, 4)), atol=1e-3)
        assert set(self.layer.shape_type) <= {"rectangle"}
