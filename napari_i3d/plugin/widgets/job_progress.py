"""Start and stop of a job, its progress bar, and a line about what it does."""

import time
from typing import Any

from psygnal import Signal
from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from napari_i3d._utils.text import counted, format_duration
from napari_i3d.plugin.jobs.job_results import Progress, Result
from napari_i3d.plugin.jobs.workers import Job, StoppableWorker, Workers
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel


class JobProgress(QWidget):
    """Runs one job at a time, and shows its progress: with rate and time left if its work is counted.

    Parameters
    ----------
    workers
        Workers of the dock.

    Attributes
    ----------
    worker
        The job that runs; None if none does.
    ended
        Signal, with the result of the job; `finish` then shows what became of it.
    """

    ended = Signal(object)

    def __init__(self, workers: Workers) -> None:
        super().__init__()
        self._workers = workers
        self.worker: StoppableWorker | None = None
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.hide()
        self.text = TextLabel()
        fill(QVBoxLayout(self), self.bar, self.text)
        self._unit = ""
        self._first = 0.0, 0  # time and amount done when counting began

    @property
    def stoppable(self) -> bool:
        """Whether a job runs that was not asked to stop."""
        return self.worker is not None and not self.worker.stop.requested

    def start(self, job: Job, *arguments: Any, text: str) -> None:
        """Start a job, with a text for napari's activity dock."""
        self._unit = ""
        self.bar.setRange(0, 0)
        self.bar.show()
        self._say("starting")
        self.worker = self._workers.start(
            job, *arguments, on_end=self._on_end, on_progress=self._on_progress, text=text
        )

    def stop(self) -> None:
        """Ask the job to stop."""
        if self.worker is not None:
            self._say("cancelling")
            self.worker.quit()

    def _say(self, text: str) -> None:
        self.text.setText(f"{text[:1].upper()}{text[1:]} ...")

    def _on_end(self, result: Result) -> None:
        self.worker = None
        self.ended.emit(result)

    def _on_progress(self, progress: Progress) -> None:
        worker = self.worker
        if worker is None or worker.stop.requested:
            return
        self.bar.setRange(0, progress.total)
        self.bar.setValue(progress.done)
        self._show(progress)
        # Last: napari's activity dock handles events meanwhile, later progress and the end of the job among them.
        worker.show_progress(progress)

    def _show(self, progress: Progress) -> None:
        if not progress.unit:
            self._say(progress.text)
            return
        now = time.monotonic()
        if progress.unit != self._unit:
            self._unit, self._first = progress.unit, (now, progress.done)
        seconds, done = now - self._first[0], progress.done - self._first[1]
        parts = [_format_amount(progress)]
        if done and seconds > 0:
            rate = done / seconds
            parts.append(f"{rate / 1e6:.1f} MB/s" if progress.unit == "byte" else f"{rate:.1f} {progress.unit}s/s")
            parts.append(f"{format_duration((progress.total - progress.done) / rate)} left")
        text = f"{progress.text[:1].upper()}{progress.text[1:]}: " if progress.text else ""
        self.text.setText(text + " · ".join(parts))

    def finish(self, text: str) -> None:
        """Show a line while no job runs."""
        self.bar.hide()
        self.text.setText(text)


def _format_amount(progress: Progress) -> str:
    if progress.unit != "byte":
        return f"{progress.done:,} of {counted(progress.total, progress.unit)}"
    return f"{progress.done / 1e6:.0f} of {progress.total / 1e6:.0f} MB"
