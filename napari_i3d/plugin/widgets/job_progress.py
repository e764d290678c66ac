"""Progress bar of a job, and a line about what it does."""

import time

from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from napari_i3d._utils.text import counted, format_duration
from napari_i3d.plugin.jobs.job_results import Progress
from napari_i3d.plugin.jobs.workers import StoppableWorker
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel


class JobProgress(QWidget):
    """Shows the progress of a job, with rate and time left if its work is counted, and its end."""

    def __init__(self) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.hide()
        self.text = TextLabel()
        fill(QVBoxLayout(self), self.bar, self.text)
        self._unit = ""
        self._first = 0.0, 0  # time and amount done when counting began

    def begin(self, text: str) -> None:
        """Show that a job has begun."""
        self._unit = ""
        self.bar.setRange(0, 0)
        self.bar.show()
        self.say(text)

    def say(self, text: str) -> None:
        """Show what the job does now."""
        self.text.setText(f"{text[:1].upper()}{text[1:]} ...")

    def show_progress(self, worker: StoppableWorker | None, progress: Progress) -> None:
        """Show the progress of a job, unless it was asked to stop meanwhile."""
        if worker is None or worker.stop.requested:
            return
        worker.show_progress(progress)
        self.bar.setRange(0, progress.total)
        self.bar.setValue(progress.done)
        if not progress.unit:
            self.say(progress.text)
            return
        now = time.monotonic()
        if progress.unit != self._unit:
            self._unit, self._first = progress.unit, (now, progress.done)
        seconds, done = now - self._first[0], progress.done - self._first[1]
        parts = [_format_amount(progress)]
        if done and seconds > 0:
            rate = done / seconds
            parts.append(f"{rate:.1f} chunks/s" if progress.unit == "chunk" else f"{rate / 1e6:.1f} MB/s")
            parts.append(f"{format_duration((progress.total - progress.done) / rate)} left")
        text = f"{progress.text[:1].upper()}{progress.text[1:]}: " if progress.text else ""
        self.text.setText(text + " · ".join(parts))

    def finish(self, text: str) -> None:
        """Show how the job ended."""
        self.bar.hide()
        self.text.setText(text)


def _format_amount(progress: Progress) -> str:
    if progress.unit == "chunk":
        return f"{progress.done:,} of {counted(progress.total, 'chunk')}"
    return f"{progress.done / 1e6:.0f} of {progress.total / 1e6:.0f} MB"
