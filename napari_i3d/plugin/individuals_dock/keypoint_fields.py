"""Fields of how key points become boxes."""

from collections.abc import Sequence

from psygnal import Signal
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QListWidget,
    QListWidgetItem,
    QSpinBox,
    QStackedWidget,
    QWidget,
)

from napari_i3d.tracking.keypoints import KeypointBoxes

_MARGIN, _SIZE = 0, 1
_MODE_HINT = (
    "Squares of constant size are recommended: boxes around the points grow and shrink with the posture, so the scale "
    "of the animal in its crops flickers, and features tell of the size of the box as well as of behavior."
)
_LIST_ROWS = 4


class KeypointFields(QWidget):
    """Shows and edits a `KeypointBoxes`.

    Attributes
    ----------
    changed
        Signal, without arguments: the user changed a field.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.mode = QComboBox()
        self.mode.addItems(["Around the points", "Squares of constant size"])
        self.mode.setToolTip(_MODE_HINT)
        self.mode.setItemData(_SIZE, _MODE_HINT, Qt.ItemDataRole.ToolTipRole)
        self.margin_percent = QSpinBox()
        self.margin_percent.setRange(0, 500)
        self.margin_percent.setSuffix(" % margin")
        self.margin_percent.setSingleStep(5)
        self.margin_percent.setToolTip("Added at each side of a box, in percent of its longer side")
        self.size_px = QDoubleSpinBox()
        self.size_px.setDecimals(0)
        self.size_px.setRange(1, 10_000)
        self.size_px.setSuffix(" px square")
        self.size_px.setToolTip("Side of the squares around the mean of the points, in pixels of the tracked video")
        self.extent = QStackedWidget()
        self.extent.addWidget(self.margin_percent)
        self.extent.addWidget(self.size_px)
        self.min_confidence = QDoubleSpinBox()
        self.min_confidence.setRange(-1000, 1000)
        self.min_confidence.setSingleStep(0.05)
        self.min_confidence.setToolTip("Points of a lower confidence do not count")
        self.min_keypoints = QSpinBox()
        self.min_keypoints.setToolTip("Frames in which fewer points count have no box")
        self.max_gap_frames = QSpinBox()
        self.max_gap_frames.setRange(0, 100_000)
        self.max_gap_frames.setSuffix(" frames")
        self.max_gap_frames.setSpecialValueText("none")
        self.max_gap_frames.setToolTip("Gaps of up to this many frames get boxes by linear interpolation")
        self.keypoints = QListWidget()
        self.keypoints.setToolTip("The key points that count; untick those that stick out, such as the tip of a tail")
        self._build()
        self.mode.currentIndexChanged.connect(self._on_mode)
        for spin in (self.margin_percent, self.size_px, self.min_confidence, self.min_keypoints, self.max_gap_frames):
            spin.valueChanged.connect(self._emit)
        self.keypoints.itemChanged.connect(self._emit)

    def _build(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.mode.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        form.addRow("Boxes", self.mode)
        form.addRow("Size", self.extent)
        form.addRow("Min. confidence", self.min_confidence)
        form.addRow("Min. key points", self.min_keypoints)
        form.addRow("Fill gaps up to", self.max_gap_frames)
        form.addRow("Key points", self.keypoints)
        self._form = form

    def show_choices(self, choices: KeypointBoxes, names: Sequence[str], suggested_size_px: float) -> None:
        """Show choices about a file.

        Parameters
        ----------
        choices
            The choices.
        names
            The names of its key points.
        suggested_size_px
            What the side of squares begins with, if boxes are made around the points.
        """
        widgets = (
            self.mode,
            self.margin_percent,
            self.size_px,
            self.min_confidence,
            self.min_keypoints,
            self.max_gap_frames,
            self.keypoints,
        )
        blockers = [QSignalBlocker(widget) for widget in widgets]
        self.mode.setCurrentIndex(_MARGIN if choices.size_px is None else _SIZE)
        self.extent.setCurrentIndex(self.mode.currentIndex())
        self.margin_percent.setValue(round(100 * choices.margin))
        self.size_px.setValue(choices.size_px or suggested_size_px)
        self.min_confidence.setValue(choices.min_confidence)
        self.min_keypoints.setRange(1, max(1, len(names)))
        self.min_keypoints.setValue(choices.min_keypoints)
        self.max_gap_frames.setValue(choices.max_gap_frames)
        self.keypoints.clear()
        for name in names:
            item = QListWidgetItem(name)
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
            counts = choices.keypoints is None or name in choices.keypoints
            item.setCheckState(Qt.CheckState.Checked if counts else Qt.CheckState.Unchecked)
            self.keypoints.addItem(item)
        row_px = self.keypoints.sizeHintForRow(0) if names else 0
        self.keypoints.setFixedHeight(min(_LIST_ROWS, len(names)) * row_px + 2 * self.keypoints.frameWidth() + 2)
        several = len(names) > 1  # a single point makes squares only
        self.mode.setEnabled(several)
        for widget in (self.min_keypoints, self.keypoints):
            label = self._form.labelForField(widget)
            if label is not None:
                label.setVisible(several)
            widget.setVisible(several)
        for blocker in blockers:
            blocker.unblock()

    def choices(self) -> KeypointBoxes:
        """Return the choices that are shown."""
        items = [self.keypoints.item(row) for row in range(self.keypoints.count())]
        ticked = tuple(item.text() for item in items if item is not None and item.checkState() == Qt.CheckState.Checked)
        return KeypointBoxes(
            margin=self.margin_percent.value() / 100,
            size_px=self.size_px.value() if self.mode.currentIndex() == _SIZE else None,
            min_confidence=round(self.min_confidence.value(), 2),
            min_keypoints=self.min_keypoints.value(),
            keypoints=None if len(ticked) == len(items) else ticked,
            max_gap_frames=self.max_gap_frames.value(),
        )

    def _on_mode(self, mode: int) -> None:
        self.extent.setCurrentIndex(mode)
        self._emit()

    def _emit(self) -> None:
        self.changed.emit()
