"""A first tracking of a video without a tracking program, in the Individuals dock."""

from napari.utils.notifications import show_info
from qtpy.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from napari_i3d._utils.text import counted
from napari_i3d.detection.settings import MAX_INDIVIDUALS, Contrast, DetectionSettings
from napari_i3d.plugin.jobs.detection_job import run_detection
from napari_i3d.plugin.jobs.job_results import Done, Failed, Result
from napari_i3d.plugin.jobs.workers import Workers
from napari_i3d.plugin.session.layer_sources import Detected, TrackingSource
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.job_progress import JobProgress
from napari_i3d.plugin.widgets.layouts import fill

_CONTRASTS = {
    Contrast.AUTO: "dark or light (automatic)",
    Contrast.DARK: "darker than the background",
    Contrast.LIGHT: "lighter than the background",
}


class FindAnimals(QWidget):
    """Detects the individuals of the active video.

    Parameters
    ----------
    session
        The viewer's session.
    workers
        Workers of the dock.
    """

    def __init__(self, session: Session, workers: Workers) -> None:
        super().__init__()
        self._session = session
        self._tracked: TrackedVideo | None = None  # whose animals are being found
        self.button = QPushButton("Find animals…")
        self.button.setToolTip("A first tracking, to be checked and corrected: animals that move on a still background")
        self.individuals = QSpinBox()
        self.individuals.setRange(1, MAX_INDIVIDUALS)
        self.contrast = QComboBox()
        self.contrast.addItems(list(_CONTRASTS.values()))
        self.contrast.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.run, self.cancel = QPushButton("Run"), QPushButton("Cancel")
        self.progress = JobProgress(workers)
        self.form = QWidget()
        rows = QFormLayout()
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow("Number of animals", self.individuals)
        rows.addRow("Animals are", self.contrast)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 2)
        buttons.addWidget(self.cancel, 1)
        fill(QVBoxLayout(self.form), rows, buttons, self.progress)
        rows.setContentsMargins(0, 0, 0, 0)
        fill(QVBoxLayout(self), self.button, self.form)
        self.form.hide()
        self.button.clicked.connect(self.unfold)
        self.run.clicked.connect(self._on_run)
        self.cancel.clicked.connect(self._on_cancel)
        self.progress.ended.connect(self._on_end)

    def show_tracked(self) -> None:
        """Offer the search if the active video has no tracking; what runs goes on."""
        tracked = self._session.active
        has_video = tracked is not None and tracked.video is not None
        if self.progress.worker is None and (tracked is not self._tracked or not has_video):
            self._fold()
        offered = tracked is not None and has_video and tracked.tracking is None
        self.button.setVisible(offered and self.form.isHidden())
        self.run.setEnabled(has_video and self.progress.worker is None)

    def unfold(self) -> None:
        """Show the fields."""
        if self.progress.worker is None:
            self._tracked = self._session.active
            replaced = self._tracked is not None and self._tracked.tracking is not None
            self.progress.finish("The boxes that are shown are replaced; their file stays." if replaced else "")
        self.form.show()
        self.show_tracked()

    def _fold(self) -> None:
        self.form.hide()
        self._tracked = None

    def _on_run(self) -> None:
        tracked = self._session.active
        if tracked is None or tracked.video is None:
            return
        self._tracked = tracked
        settings = DetectionSettings(
            individuals=self.individuals.value(), contrast=list(_CONTRASTS)[self.contrast.currentIndex()]
        )
        self.run.setEnabled(False)
        self.progress.start(run_detection, tracked.video.path, settings, text=f"{tracked.name}: finding animals")

    def _on_cancel(self) -> None:
        if self.progress.worker is not None:
            self.cancel.setEnabled(False)
            self.progress.stop()
            return
        self._fold()
        self.show_tracked()

    def _on_end(self, result: Result) -> None:
        self.cancel.setEnabled(True)
        tracked = self._tracked
        if isinstance(result, Done) and tracked in self._session.videos and tracked is not None:
            self.progress.finish("")
            self._fold()
            self._show_found(tracked, result.value)
        else:
            self.progress.finish(result.message if isinstance(result, Failed) else "Cancelled.")
        self.show_tracked()

    def _show_found(self, tracked: TrackedVideo, detected: Detected) -> None:
        detection = detected.detection
        source = TrackingSource(detection.tracking, None, uncertain=tuple(detection.problems), detected=detected)
        tracked.set_source(source)
        found = counted(len(detection.tracking), "individual")
        doubts = counted(len(detection.uncertain), "uncertain passage")
        lines = [
            f"{tracked.name}: {found} found; {doubts} in the list of problems",
            *detection.notes,
            "To keep the boxes, select their layer, then File > Save Selected Layers",
        ]
        show_info("\n".join(lines))
