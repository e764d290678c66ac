"""The Crop preview dock: the network's input for the current individual and frame, or the individual followed."""

import napari
import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QRect, Qt, QTimer
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QComboBox, QStackedWidget, QVBoxLayout, QWidget

from napari_i3d.extraction.settings import SampleMode
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.crop_dock.follow_panel import FollowPanel
from napari_i3d.plugin.jobs.crop_image import crop_request, run_crop, whole_image
from napari_i3d.plugin.jobs.job_results import Done, Failed, Result
from napari_i3d.plugin.widgets.dock import Dock
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel

# The largest image, that of oversample. The others are shown in its middle, so that nothing moves.
_WIDTH, _HEIGHT, _SIDE = 340, 256, 224
# Skip crops of frames passed while the slider is dragged.
_SETTLE_MS = 30
_MODES = {
    SampleMode.EXPAND_BBOXES: "expand_bboxes: the box made square",
    SampleMode.CENTER_CROP: "center_crop: the middle of the box",
    SampleMode.OVERSAMPLE: "oversample: corners, center and mirror images",
}
_FOLLOW = "follow: the image around the individual"


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
    """Shows crops as the extraction makes them; reading and cropping run in a thread. Or follows the individual."""

    NAME = "Crop preview"

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        super().__init__(get_session(napari_viewer))
        self._running = False
        self._again = False
        self._unseen = False  # outdated while out of view
        self.mode = QComboBox()
        for mode, text in _MODES.items():
            self.mode.addItem(text, mode)
        self.view = CropView()
        self.text = TextLabel()
        self.text.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.text.setMinimumHeight(2 * self.text.fontMetrics().lineSpacing())
        self.mode.addItem(_FOLLOW)
        crop = QWidget()
        layout = fill(QVBoxLayout(crop))
        layout.addWidget(self.view, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self.text)
        layout.addStretch(1)
        self.follow = FollowPanel(self._session, self.workers)
        self.pages = QStackedWidget()
        self.pages.addWidget(crop)
        self.pages.addWidget(self.follow)
        content = QWidget()
        column = QVBoxLayout(content)
        column.addWidget(self.mode)
        column.addWidget(self.pages, 1)
        self.set_content(content)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._timer.timeout.connect(self._start)
        self.links.connect(self._session.sample_mode_changed, self._on_mode)
        self.links.connect(napari_viewer.dims.events.current_step, self._later)
        self.links.connect(napari_viewer.dims.events.current_step, self.follow.show_frame)
        self.view.painted.connect(self._on_painted)
        self.mode.currentIndexChanged.connect(self._on_mode_chosen)
        self._on_mode()
        show = self._show_all
        self.follow_active(show, current_changed=show, tracking_changed=show, video_changed=show)

    def closed(self) -> None:
        """Close the dock, and drop the crop that is due."""
        super().closed()
        self._timer.stop()

    def _on_mode(self) -> None:
        if self.pages.currentWidget() is not self.follow:
            self.mode.setCurrentIndex(list(_MODES).index(self._session.sample_mode))
        self._later()

    def _on_mode_chosen(self, place: int) -> None:
        follows = place == len(_MODES)
        self.pages.setCurrentIndex(int(follows))
        if not follows:
            self._session.sample_mode = list(_MODES)[place]
            self._later()

    def _show_all(self) -> None:
        self._later()
        self.follow.show_tracked()

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
        self._again = self._running
        if self._running:
            return
        tracked, mode = self._session.active, self._session.sample_mode
        request = crop_request(tracked, self._session.frame, mode)
        size = whole_image(tracked, mode)
        if isinstance(request, str) and size is None:
            self._show(None, request)
            return
        if size is None and self.view.image is None:
            self.text.setText("Loading ...")
        self._running = True
        self.workers.start(run_crop, request, size, on_end=self._on_end)

    def _on_end(self, result: Result) -> None:
        self._running = False
        if isinstance(result, Done):
            self._show(*result.value)
        elif isinstance(result, Failed):
            self._show(None, result.message)
        if self._again:
            self._later()

    def _show(self, image: NDArray[np.uint8] | None, text: str) -> None:
        self.view.show_image(image)
        self.text.setText(text)
