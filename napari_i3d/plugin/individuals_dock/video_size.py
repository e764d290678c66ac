"""Input of the size of the tracked video, if it was resized before tracking."""

from psygnal import Signal
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QSpinBox, QWidget

from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.layouts import fill

_MOST_PX = 32768


class VideoSize(QWidget):
    """A check box, and width and height of the resized video that the boxes refer to.

    Attributes
    ----------
    changed
        Signal: (width, height) in pixels, or None if boxes refer to the original size.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.resized = QCheckBox("Boxes are for size")
        self.resized.setToolTip("Tick it if the video was resized before it was tracked; else boxes are in its pixels")
        self.width_px, self.height_px = QSpinBox(), QSpinBox()
        fill(QHBoxLayout(self), self.resized, self.width_px, QLabel("x"), self.height_px, None)
        for box, name in ((self.width_px, "Width"), (self.height_px, "Height")):
            box.setRange(1, _MOST_PX)
            box.setToolTip(f"{name} in pixels")
            # Apply a complete size, not each digit.
            box.setKeyboardTracking(False)
            box.valueChanged.connect(self._emit)
        self.resized.toggled.connect(self._emit)

    def show_tracked(self, tracked: TrackedVideo | None) -> None:
        """Show the size chosen for a video."""
        size = tracked.boxes_size if tracked else None
        if size is None and tracked is not None and tracked.video is not None:
            shown = tracked.video.shape[2], tracked.video.shape[1]
        else:
            shown = size or (1, 1)
        blocked = [QSignalBlocker(widget) for widget in (self.resized, self.width_px, self.height_px)]
        self.resized.setChecked(size is not None)
        for box, value in ((self.width_px, shown[0]), (self.height_px, shown[1])):
            box.setValue(value)
            box.setEnabled(size is not None)
        for blocker in blocked:
            blocker.unblock()
        self.setEnabled(tracked is not None and tracked.video is not None)

    def _emit(self) -> None:
        size = (self.width_px.value(), self.height_px.value()) if self.resized.isChecked() else None
        for box in (self.width_px, self.height_px):
            box.setEnabled(size is not None)
        self.changed.emit(size)
