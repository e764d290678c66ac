"""Dialog for the file and the format of corrected boxes, with what the format can hold of them."""

from collections.abc import Callable
from pathlib import Path

from psygnal import Signal
from qtpy.QtCore import QObject, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_i3d.plugin.jobs.job_results import Done, Failed, Result
from napari_i3d.plugin.jobs.workers import Workers
from napari_i3d.plugin.saving.trial_save_job import run_trial_save
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel
from napari_i3d.projects.tracking_saving import SavedTracking
from napari_i3d.tracking.io import box_pickle
from napari_i3d.tracking.io.format import TrackingFormat, VideoFacts
from napari_i3d.tracking.io.writing import WRITTEN
from napari_i3d.tracking.tracklets import Tracking

_EXACT = "✓ Reading the file gives exactly these boxes."
_KEY_FRAMES = "• Which boxes were set by hand (key frames) is not marked in the file."
_WIDTH_PX = 640
_NOTE_LINES = 8


class SaveDialog(QDialog):
    """Asks where to save boxes.

    Parameters
    ----------
    parent
        The window.
    name
        Name of the video.
    suggest
        Returns the suggested path for an ending.
    tracking
        The boxes.
    video
        The video, which some formats need.
    """

    def __init__(
        self, parent: QWidget, name: str, suggest: Callable[[str], Path], tracking: Tracking, video: VideoFacts | None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Save the boxes of {name}")
        self.setMinimumWidth(_WIDTH_PX)
        self._suggest, self._tracking, self._video = suggest, tracking, video
        self._suggested: Path | None = None
        self._trials = _Trials(self)
        self.formats = QComboBox()
        # Our own first: it keeps everything.
        for known in sorted(WRITTEN, key=lambda known: known is not box_pickle.FORMAT):
            self.formats.addItem(f"{known.title} ({', '.join('*' + ending for ending in known.endings)})", known)
        self.file = QLineEdit()
        self.browse = QPushButton("Browse…")
        self.notes = TextLabel()
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel, self
        )
        form = QFormLayout()
        form.addRow("Format", self.formats)
        form.addRow("File", fill(QHBoxLayout(), self.file, self.browse, grow=self.file))
        self.notes.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.notes.setMinimumHeight(_NOTE_LINES * self.fontMetrics().lineSpacing())
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.notes, 1)
        layout.addWidget(self.buttons)
        self.formats.currentIndexChanged.connect(self._on_format)
        self.browse.clicked.connect(self._on_browse)
        self.file.textChanged.connect(self._on_file)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._trials.ended.connect(self._on_trial)
        self._on_format()

    @property
    def format(self) -> TrackingFormat:
        """The chosen format."""
        chosen: TrackingFormat = self.formats.currentData()
        return chosen

    @property
    def path(self) -> Path:
        """The chosen file; without a folder it lies beside the video, without an ending it gets that of the format."""
        suggested = self._suggest(self.format.endings[0])
        path = suggested.parent / Path(self.file.text().strip()).expanduser()
        return path if path.suffix else path.with_name(path.name + self.format.endings[0])

    def end(self) -> None:
        """End what runs."""
        self._trials.workers.end()

    def _on_format(self) -> None:
        suggested, shown = self._suggest(self.format.endings[0]), Path(self.file.text())
        if self._suggested is None or shown == self._suggested:
            self.file.setText(str(suggested))
        elif shown.suffix.lower() not in self.format.endings:
            self.file.setText(str(shown.with_suffix(self.format.endings[0])))
        self._suggested = suggested
        self.notes.setText("Looking what this format holds of the boxes…")
        self._trials.start(self.format, self._tracking, self._video)

    def _on_file(self, text: str) -> None:
        self._button().setEnabled(bool(text.strip()))

    def _on_browse(self) -> None:
        endings = " ".join("*" + ending for ending in self.format.endings)
        chosen, _ = QFileDialog.getSaveFileName(
            self,
            "Save corrected boxes",
            str(self.path),
            f"{self.format.title} ({endings})",
            options=QFileDialog.Option.DontConfirmOverwrite,  # the dialog asks itself
        )
        if chosen:
            self.file.setText(chosen)

    def _on_trial(self, result: Result) -> None:
        if isinstance(result, Done) and result.value[0] is self.format:
            self.notes.setText(_describe(result.value[1]))
        elif isinstance(result, Failed):
            self.notes.setText(f"✗ {result.message}.")

    def _button(self) -> QPushButton:
        button = self.buttons.button(QDialogButtonBox.StandardButton.Save)
        if button is None:
            raise RuntimeError("the dialog has no Save button")
        return button


class _Trials(QObject):
    """Saves boxes to temporary files in threads."""

    ended = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.workers = Workers()

    def start(self, chosen: TrackingFormat, tracking: Tracking, video: VideoFacts | None) -> None:
        self.workers.start(run_trial_save, chosen, tracking, video, on_end=self._on_end)

    def _on_end(self, result: Result) -> None:
        self.ended.emit(result)


def _describe(saved: SavedTracking) -> str:
    first = [f"⚠ {loss}" for loss in saved.losses] or [_EXACT]
    return "\n".join([*first, *(f"• {note}" for note in saved.notes), _KEY_FRAMES])
