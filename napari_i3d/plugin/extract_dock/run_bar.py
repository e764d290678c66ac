"""Run, Cancel and Discard, with the progress of the run."""

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_i3d.plugin.widgets.job_progress import JobProgress


class RunBar(QWidget):
    """The buttons of the Extract dock, and the progress of a run."""

    def __init__(self) -> None:
        super().__init__()
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
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        self.finish("")

    def begin(self) -> None:
        """Show that a job has begun."""
        self.run.setEnabled(False)
        self.cancel.setEnabled(True)
        self.progress.begin("starting")

    def finish(self, text: str) -> None:
        """Show that nothing runs, and how the job ended."""
        self.cancel.setEnabled(False)
        self.progress.finish(text)
