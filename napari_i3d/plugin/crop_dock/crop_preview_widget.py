"""The Crop preview dock: the network's input for the current individual and frame."""

import atexit
from collections import deque
from typing import Any

import napari
import numpy as np
from napari.qt.threading import create_worker
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QRect, Qt, QThreadPool, QTimer
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from napari_i3d.errors import NapariI3DError
from napari_i3d.extraction.settings import ExtractionSettings, SampleMode
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.jobs.crop_image import (
    CropRequest,
    crop_image,
    crop_request,
    format_crop,
    format_squash,
    whole_image,
)
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.widgets.dock import Connections, Dock
from napari_i3d.plugin.widgets.scroll_area import DockScrollArea
from napari_i3d.plugin.widgets.text_label import TextLabel

# The largest image, that of oversample. The others are shown in its middle, so that nothing moves.
_WIDTH, _HEIGHT, _SIDE = 340, 256, 224
# Skip crops of frames passed while the slider is dragged.
_SETTLE_MS = 30
# Decoding of a frame cannot be interrupted.
_MAX_WAIT_MS = 10_000
_MODES = {
    SampleMode.EXPAND_BBOXES: "expand_bboxes: the box made square",
    SampleMode.CENTER_CROP: "center_crop: the middle of the box",
    SampleMode.OVERSAMPLE: "oversample: corners, center and mirror images",
}


class CropView(QWidget):
    """Shows a crop in a widget of fixed size, pixel by pixel, or nothing.

    Attributes
    ----------
    painted
        Signal, without arguments: the widget was painted.
    """

    painted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(_WIDTH + 2, _HEIGHT + 2)
        self.image: NDArray[np.uint8] | None = None

    def show_image(self, image: NDArray[np.uint8] | None) -> None:
        """Show (H, W, 3) uint8, or nothing."""
        self.image = image
        self.update()

    def paintEvent(self, _: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the crop in the middle, and the frames of the ten views."""
        self.painted.emit()
        painter = QPainter(self)
        painter.setPen(QPen(self.palette().color(self.foregroundRole()), 1, Qt.PenStyle.DotLine))
        if self.image is None:
            painter.drawRect(QRect(0, 0, self.width() - 1, self.height() - 1))
            return
        height, width, _ = self.image.shape
        left, top = (self.width() - width) // 2, (self.height() - height) // 2
        painter.drawImage(
            left, top, QImage(self.image.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        )
        if width > _SIDE:
            painter.setPen(QPen(QColor("white"), 1, Qt.PenStyle.DashLine))
            right, bottom = width - _SIDE, height - _SIDE
            for x, y in ((0, 0), (right, 0), (0, bottom), (right, bottom), (right // 2, bottom // 2)):
                painter.drawRect(QRect(left + x, top + y, _SIDE - 1, _SIDE - 1))


class CropPreviewWidget(Dock):
    """Shows crops as the extraction makes them; reading and cropping run in a thread.

    Parameters
    ----------
    napari_viewer
        The viewer.
    """

    NAME = "Crop preview"
    TAB = "Crop"

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        super().__init__()
        self._session = get_session(napari_viewer)
        self._video_links = Connections()
        self.destroyed.connect(self._video_links.close)
        self._running: Any = None
        # A worker without references may be deleted in its own thread, which crashes the program.
        self._kept: deque[Any] = deque(maxlen=8)
        atexit.unregister(_wait_for_threads)
        atexit.register(_wait_for_threads)
        self._again = False
        self._unseen = False  # outdated while out of view
        self.mode = QComboBox()
        for mode, text in _MODES.items():
            self.mode.addItem(text, mode)
        self.view = CropView()
        self.text = TextLabel()
        self.text.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.text.setMinimumHeight(2 * self.text.fontMetrics().lineSpacing())
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self.view)
        middle.addStretch(1)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.addWidget(self.mode)
        layout.addLayout(middle)
        layout.addWidget(self.text)
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(DockScrollArea(content))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._timer.timeout.connect(self._start)

        self.links.connect(self._session.active_changed, self._on_active)
        self.links.connect(self._session.sample_mode_changed, self._on_mode)
        self.links.connect(napari_viewer.dims.events.current_step, self._later)
        self.view.painted.connect(self._on_painted)
        self.mode.currentIndexChanged.connect(self._on_mode_chosen)
        self._on_mode()
        self._on_active()

    def closed(self) -> None:
        """End all connections and what runs."""
        super().closed()
        self._video_links.close()
        self._timer.stop()

    def _on_active(self) -> None:
        self._video_links.close()
        tracked = self._session.active
        if tracked is not None:
            for signal in (tracked.current_changed, tracked.tracking_changed, tracked.video_changed):
                self._video_links.connect(signal, self._later)
        self._later()

    def _on_mode(self) -> None:
        self.mode.setCurrentIndex(list(_MODES).index(self._session.sample_mode))
        self._later()

    def _on_mode_chosen(self, place: int) -> None:
        self._session.sample_mode = list(_MODES)[place]

    def _later(self) -> None:
        self._timer.start()

    def _on_painted(self) -> None:
        if self._unseen:
            self._unseen = False
            self._later()

    def _start(self) -> None:
        # To Qt, a dock behind another tab is visible.
        self._unseen = self.view.visibleRegion().isEmpty()
        if self._unseen:
            return
        if self._running is not None:
            self._again = True
            return
        request = crop_request(self._session.active, self._session.frame, self._session.sample_mode)
        tracked = self._session.active
        whole = tracked is not None and tracked.video is not None and tracked.tracking is None
        if isinstance(request, str) and not whole:
            self._show(None, request)
            return
        if not whole and self.view.image is None:
            self.text.setText("Loading ...")
        worker = self._running = create_worker(_work, request, whole_image(tracked, self._session.sample_mode))
        self._kept.append(worker)
        worker.returned.connect(self._on_returned)
        worker.finished.connect(self._on_finished)
        worker.start()

    def _on_returned(self, result: tuple[NDArray[np.uint8] | None, str]) -> None:
        self._show(*result)

    def _on_finished(self) -> None:
        self._running = None
        if self._again:
            self._again = False
            self._later()

    def _show(self, image: NDArray[np.uint8] | None, text: str) -> None:
        self.view.show_image(image)
        self.text.setText(text)


def _work(
    request: CropRequest | str, whole: tuple[int, int, ExtractionSettings] | None
) -> tuple[NDArray[np.uint8] | None, str]:
    if isinstance(request, str):
        return None, request if whole is None else f"{request} {format_squash(*whole)}".rstrip()
    try:
        return crop_image(request), format_crop(request)
    except NapariI3DError as error:
        return None, dock_text(error)


def _wait_for_threads() -> None:
    """Finish running crops when the program ends, before the widgets that they report to are deleted."""
    pool = QThreadPool.globalInstance()
    if pool is not None:
        pool.waitForDone(_MAX_WAIT_MS)
