"""Agreement with the labels of another file."""

from collections.abc import Generator
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout

from napari_i3d._utils.text import counted
from napari_i3d.annotations.agreement import OVERLAPS, Agreement, BehaviorAgreement, agreement
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.statistics_table import write_agreement
from napari_i3d.errors import AnnotationError
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import Done, Failed, Progress, Result
from napari_i3d.plugin.jobs.workers import Workers
from napari_i3d.plugin.label_statistics.number_table import Cell, NumberTable
from napari_i3d.plugin.label_statistics.tabs import StatisticsTab
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.save_as import TABLE, save_as
from napari_i3d.plugin.widgets.text_label import TextLabel
from napari_i3d.video.video import Video

_COLUMNS = (
    ("behavior", "What; the last line is about all of them"),
    ("kappa", "Cohen's kappa of the frames that show it"),
    ("F1 frames", "F1 of the frames that show it"),
    *((f"F1@{round(100 * overlap)}", f"F1 of bouts that share {overlap:.0%} of their frames") for overlap in OVERLAPS),
    ("edit score", "Likeness of the order of the bouts"),
    ("frames", "Frames that show it in these labels"),
    ("other's", "Frames that show it in the other labels"),
    ("bouts", "Bouts in these labels"),
    ("other's", "Bouts in the other labels"),
)


class AgreementTab(StatisticsTab):
    """Compares the labels with those of another file.

    Parameters
    ----------
    session
        The viewer's session.
    workers
        Workers of the dock.
    """

    NAME = "Agreement"

    def __init__(self, session: Session, workers: Workers) -> None:
        super().__init__()
        self._session, self._workers = session, workers
        self._annotation = Annotation()
        self._other: tuple[str, Annotation] | None = None
        self._found: Agreement | None = None
        self.choose = QPushButton("Compare with file…")
        self.choose.setToolTip("Labels of the same video by another person or program, in any format that is read")
        self.text = TextLabel("Choose the labels of another person for this video.")
        self.table = NumberTable(_COLUMNS)
        self.save = QPushButton("Save table…")
        self.save.setEnabled(False)
        fill(
            QVBoxLayout(self),
            fill(QHBoxLayout(), self.choose, self.text, grow=self.text),
            self.table,
            fill(QHBoxLayout(), None, self.save),
            grow=self.table,
        )
        self.choose.clicked.connect(self._on_choose)
        self.save.clicked.connect(self._on_save)

    def show_labels(self, annotation: Annotation) -> None:
        """Compare labels with the file that was chosen."""
        self._annotation = annotation
        self._found = None
        if self._other is not None:
            name, other = self._other
            try:
                self._found = agreement(annotation, other)
                self.text.setText(f"{name}: {counted(self._found.frames, 'frame')} that both assessed")
            except AnnotationError as error:
                self.text.setText(f"{name}: {dock_text(error)}")
        self.table.show_rows([] if self._found is None else _rows(self._found))
        self.save.setEnabled(self._found is not None)

    def _on_choose(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Labels to compare with")
        tracked = self._session.active
        if chosen and tracked is not None:
            self.choose.setEnabled(False)
            self._workers.start(run_reading_labels, Path(chosen), tracked.video, self._annotation, on_end=self._on_read)

    def _on_read(self, result: Result) -> None:
        self.choose.setEnabled(True)
        if isinstance(result, Done):
            self._other = result.value
            self.show_labels(self._annotation)
        elif isinstance(result, Failed):
            self.text.setText(result.message)

    def _on_save(self) -> None:
        found = self._found
        if found is not None:
            save_as(self, "Save the agreement", "agreement.csv", TABLE, lambda path: write_agreement(path, found))


def _rows(found: Agreement) -> list[list[Cell]]:
    def scores(one: Agreement | BehaviorAgreement) -> list[Cell]:
        return [one.kappa, one.frame_f1, *(one.bout_f1[overlap] for overlap in OVERLAPS)]

    each: list[list[Cell]] = [
        [one.behavior, *scores(one), None, one.true_frames, one.other_frames, one.true_bouts, one.other_bouts]
        for one in found.behaviors
    ]
    return [*each, ["all", *scores(found), found.edit_score, None, None, None, None]]


def run_reading_labels(
    path: Path, video: Video | None, labels: Annotation, _: StopRequest
) -> Generator[Progress, None, tuple[str, Annotation]]:
    """Read labels; return the name of the file too."""
    from napari_i3d.annotations.io.reading import read_annotation_file  # imports take time

    yield Progress(f"reading {path.name}")
    file = read_annotation_file(path, None, video, individuals=labels.individuals)
    return file.name, file.annotation
