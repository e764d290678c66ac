"""Run, Cancel and Discard, with a progress bar and what became of it."""

import time

from qtpy.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_i3d._utils.text import counted, format_duration
from napari_i3d.plugin.jobs.job_results import Advance
from napari_i3d.plugin.widgets.text_label import TextLabel


class RunBar(QWidget):
    """Run, Cancel, Discard, how far it is, and what became of it."""

    def __init__(self) -> None:
        super().__init__()
        self.run = QPushButton("Run")
        self.cancel = QPushButton("Cancel")
        self.discard = QPushButton("Discard")
        self.discard.setToolTip("Remove the chunks that an interrupted run kept; Run would go on after them.")
        self.discard.hide()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.status = TextLabel()
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 2)
        buttons.addWidget(self.cancel, 1)
        buttons.addWidget(self.discard, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        self._first: tuple[float, int] | None = None
        self.finish("")

    def set_ready(self, ready: bool) -> None:
        """Let Run be pressed, or not."""
        self.run.setEnabled(ready)

    def begin(self, text: str) -> None:
        """Show that work has begun, of unknown length."""
        self._first = None
        self.run.setEnabled(False)
        self.cancel.setEnabled(True)
        self.progress.setRange(0, 0)
        self.progress.show()
        self.say(text)

    def say(self, text: str) -> None:
        """Show what is done now."""
        self.status.setText(f"{text[:1].upper()}{text[1:]} ...")

    def advance(self, advance: Advance, unit: str) -> None:
        """Show how far the work is, how fast, and how long it will take yet."""
        now = time.monotonic()
        if self._first is None:
            self._first = now, advance.done
        self.progress.setRange(0, advance.total)
        self.progress.setValue(advance.done)
        seconds, done = now - self._first[0], advance.done - self._first[1]
        parts = [_format_amount(advance, unit)]
        if done and seconds > 0:
            rate = done / seconds
            parts.append(f"{rate:.1f} chunks/s" if unit == "chunk" else f"{rate / 1e6:.1f} MB/s")
            parts.append(f"{format_duration((advance.total - advance.done) / rate)} left")
        self.status.setText(" · ".join(parts))

    def finish(self, text: str) -> None:
        """Show that nothing runs, and what became of it."""
        self.cancel.setEnabled(False)
        self.progress.hide()
        self.status.setText(text)


def _format_amount(advance: Advance, unit: str) -> str:
    if unit == "chunk":
        return f"{advance.done:,} of {counted(advance.total, 'chunk')}"
    return f"{advance.done / 1e6:.0f} of {advance.total / 1e6:.0f} MB"
