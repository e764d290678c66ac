"""Run, Cancel and Discard, and the job that runs."""

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_i3d.plugin.jobs.workers import Workers
from napari_i3d.plugin.widgets.job_progress import JobProgress
from napari_i3d.plugin.widgets.layouts import fill


class RunBar(QWidget):
    """The buttons of the Extract dock, and the progress of the job that they start or stop.

    Parameters
    ----------
    workers
        Workers of the dock.
    """

    def __init__(self, workers: Workers) -> None:
        super().__init__()
        self.run = QPushButton("Run")
        self.cancel = QPushButton("Cancel")
        self.discard = QPushButton("Discard")
        self.discard.setToolTip("Remove the chunks that an interrupted run kept; Run would resume after them.")
        self.discard.hide()
        self.progress = JobProgress(workers)
        self.status = self.progress.text
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 2)
        buttons.addWidget(self.cancel, 1)
        buttons.addWidget(self.discard, 1)
        fill(QVBoxLayout(self), buttons, self.progress)
        self.cancel.setEnabled(False)
        self.cancel.clicked.connect(self._on_cancel)

    def _on_cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.progress.stop()
