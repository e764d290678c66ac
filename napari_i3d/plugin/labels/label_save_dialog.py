"""Dialog for the file and the format of labels, with what the format can hold of them."""

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

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.format import AnnotatedVideo, AnnotationFormat
from napari_i3d.annotations.io.formats import WRITTEN
from napari_i3d.individuals import Id, format_id
from napari_i3d.plugin.jobs.job_results import Done, Failed, Result
from napari_i3d.plugin.jobs.workers import Workers
from napari_i3d.plugin.saving.trial_save_job import run_trial_labels
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel
from napari_i3d.projects.label_files import SavedLabels

_EXACT = "✓ Reading the file gives exactly these labels."
_WIDTH_PX = 640
_NOTE_LINES = 8
_NAME_CHARACTERS = 40


def ending_of(known: AnnotationFormat) -> str:
    """Return the ending that files of a format get."""
    return next(iter(known.endings), ".txt")


class LabelSaveDialog(QDialog):
    """Asks where to save labels.

    Parameters
    ----------
    parent
        The window.
    name
        Name of the video.
    suggest
        Returns the suggested path for an ending.
    annotation
        The labels.
    video
        The video, which some formats need.
    what
        What is saved.
    """

    def __init__(
        self,
        parent: QWidget,
        name: str,
        suggest: Callable[[str], Path],
        annotation: Annotation,
        video: AnnotatedVideo | None,
        what: str = "labels",
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Save the {what} of {name}")
        self.setMinimumWidth(_WIDTH_PX)
        self._suggest, self._annotation, self._video = suggest, annotation, video
        self._suggested: Path | None = None
        self._individuals: list[Id | None] = [None, *annotation.individuals]
        self._trials = _Trials(self)
        self.formats, self.individuals = QComboBox(), QComboBox()
        for known in WRITTEN:  # our own is the first: it keeps everything
            self.formats.addItem(f"{known.title} ({', '.join(f'*{one}' for one in known.endings) or '*.txt'})")
        self.individuals.addItem("all individuals")
        for individual in annotation.individuals:
            self.individuals.addItem(format_id(individual)[:_NAME_CHARACTERS])
        self.file = QLineEdit()
        self.browse = QPushButton("Browse…")
        self.notes = TextLabel()
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel, self
        )
        form = QFormLayout()
        form.addRow("Format", self.formats)
        form.addRow(f"{what.capitalize()} of", self.individuals)
        form.addRow("File", fill(QHBoxLayout(), self.file, self.browse, grow=self.file))
        form.setRowVisible(self.individuals, len(annotation.individuals) > 1)
        self.notes.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.notes.setMinimumHeight(_NOTE_LINES * self.fontMetrics().lineSpacing())
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.notes, 1)
        layout.addWidget(self.buttons)
        self.formats.currentIndexChanged.connect(self._on_format)
        self.individuals.currentIndexChanged.connect(self._try)
        self.browse.clicked.connect(self._on_browse)
        self.file.textChanged.connect(self._on_file)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._trials.ended.connect(self._on_trial)
        self._on_format()

    @property
    def format(self) -> AnnotationFormat:
        """The chosen format."""
        return WRITTEN[self.formats.currentIndex()]

    @property
    def individual(self) -> Id | None:
        """The individual whose labels are saved; None: all."""
        return self._individuals[self.individuals.currentIndex()]

    @property
    def path(self) -> Path:
        """The chosen file; without a folder it lies beside the video, without an ending it gets that of the format."""
        ending = ending_of(self.format)
        path = self._suggest(ending).parent / Path(self.file.text().strip()).expanduser()
        return path if path.suffix else path.with_name(path.name + ending)

    def end(self) -> None:
        """End what runs."""
        self._trials.workers.end()

    def _on_format(self) -> None:
        ending = ending_of(self.format)
        suggested, shown = self._suggest(ending), Path(self.file.text())
        if self._suggested is None or shown == self._suggested:
            self.file.setText(str(suggested))
        elif shown.suffix.lower() not in (*self.format.endings, ending):
            self.file.setText(str(shown.with_suffix(ending)))
        self._suggested = suggested
        self._try()

    def _try(self) -> None:
        self.notes.setText("Looking what this format holds of the labels…")
        self._trials.start(self.format, self.individual, self._annotation, self._video)

    def _on_file(self, text: str) -> None:
        save = self.buttons.button(QDialogButtonBox.StandardButton.Save)
        if save is not None:
            save.setEnabled(bool(text.strip()))

    def _on_browse(self) -> None:
        endings = " ".join(f"*{ending}" for ending in (self.format.endings or (".txt",)))
        chosen, _ = QFileDialog.getSaveFileName(
            self,
            "Save labels",
            str(self.path),
            f"{self.format.title} ({endings})",
            options=QFileDialog.Option.DontConfirmOverwrite,  # the dialog asks itself
        )
        if chosen:
            self.file.setText(chosen)

    def _on_trial(self, result: Result) -> None:
        if isinstance(result, Done) and result.value[0] == (self.format, self.individual):
            self.notes.setText(describe(result.value[1]))
        elif isinstance(result, Failed):
            self.notes.setText(f"✗ {result.message}.")


class _Trials(QObject):
    """Saves labels to temporary files in threads."""

    ended = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.workers = Workers()

    def start(
        self,
        chosen: AnnotationFormat,
        individual: Id | None,
        annotation: Annotation,
        video: AnnotatedVideo | None,
    ) -> None:
        self.workers.start(run_trial_labels, chosen, individual, annotation, video, on_end=self._on_end)

    def _on_end(self, result: Result) -> None:
        self.ended.emit(result)


def describe(saved: SavedLabels) -> str:
    """Return what became of labels in a file, a line each."""
    first = [f"⚠ {loss}" for loss in saved.losses] or [_EXACT]
    return "\n".join([*first, *(f"• {note}" for note in saved.notes)])
