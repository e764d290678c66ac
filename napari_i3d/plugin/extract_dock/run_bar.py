"""Run, Cancel and Discard, and the job that runs."""

from typing import Any

from psygnal import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_i3d.plugin.jobs.job_results import Progress, Result
from napari_i3d.plugin.jobs.workers import Job, StoppableWorker, Workers
from napari_i3d.plugin.widgets.job_progress import JobProgress
from napari_i3d.plugin.widgets.layouts import fill


class RunBar(QWidget):
    """The buttons of the Extract dock, and the job that they start or stop.

    Parameters
    ----------
    workers
        Workers of the dock.

    Attributes
    ----------
    worker
        The job that runs; None if none does.
    ended
        Signal, with the result of the job.
    """

    ended = Signal(object)

    def __init__(self, workers: Workers) -> None:
        super().__init__()
        self._workers = workers
        self.worker: StoppableWorker | None = None
        self.run = QPushButton("Run")
        self.cancel = QPushButton("Cancel")
        self.discard = QPushButton("Discard")
        self.discard.setToolTip("Remove the chunks that an interrupted run kept; Run would resume after them.")
        self.discard.hide()
        self.progress = JobProgress()
        self.status = self.progress.text
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 2)
        buttons.addWidget(self.cancel, 1)
        buttons.addWidget(self.discard, 1)
        fill(QVBoxLayout(self), buttons, self.progress)
        self.cancel.clicked.connect(self.stop)
        self.cancel.setEnabled(False)

    def start(self, job: Job, *arguments: Any, text: str) -> None:
        """Start a job, with a text for napari's activity dock."""
        self.run.setEnabled(False)
        self.cancel.setEnabled(True)
        self.progress.begin("starting")
        self.worker = self._workers.start(
            job, *arguments, on_end=self._on_end, on_progress=self._on_progress, text=text
        )

    def stop(self) -> None:
        """Stop the job."""
        if self.worker is not None:
            self.progress.say("cancelling")
            self.cancel.setEnabled(False)
            self.worker.quit()

    def _on_progress(self, progress: Progress) -> None:
        self.progress.show_progress(self.worker, progress)

    def _on_end(self, result: Result) -> None:
        self.worker = None
        self.cancel.setEnabled(False)
        self.ended.emit(result)
