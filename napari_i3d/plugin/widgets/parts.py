"""Small parts of the Extract dock: the offer to download weights, and the bar with Run and Cancel."""

import time
from collections.abc import Iterable
from pathlib import Path

import napari
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_i3d.errors import counted
from napari_i3d.i3d.registry import SOURCES, WeightsSource
from napari_i3d.plugin.choices import spell_duration
from napari_i3d.plugin.tasks import Advance
from napari_i3d.plugin.widgets.text_label import TextLabel

FIGURE_FILTER = "Picture (*.png);;Vector graphics (*.svg);;PDF (*.pdf)"

_MEGABYTES = 112


class DownloadOffer(QFrame):
    """Shown where published weights are chosen that are not on this machine."""

    def __init__(self) -> None:
        super().__init__()
        self.text = TextLabel()
        self.button = QPushButton()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        layout.addWidget(self.button)
        self.hide()

    def show_for(self, name: str | None) -> None:
        """Offer the weights of a name; None: nothing to offer."""
        self.setVisible(name is not None)
        if name is not None:
            source = SOURCES[name]
            self.text.setText(f"These weights are published by others, under {source.licence}; get them once:")
            self.button.setText(f"Download ({_MEGABYTES} MB, {source.licence})")

    def licence_accepted(self, source: WeightsSource) -> bool:
        """Show licence and source, and ask."""
        box = QMessageBox(self)
        box.setWindowTitle("Download weights?")
        box.setTextFormat(Qt.TextFormat.RichText)
        box.setText(
            f"<p><b>{source.name}</b>, {_MEGABYTES} MB</p>"
            f"<p>Licence: <b>{source.licence}</b>. You may not use them for commercial purposes.</p>"
            f"<p>Source: {source.page}<br>File: {source.url}</p>"
            f"<p>Please cite: {source.citation}</p>"
            f"<p>They are kept in {source.path.parent}.</p>"
        )
        box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        accept = box.addButton("Download", QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        return box.clickedButton() is accept


class RunBar(QWidget):
    """Run, Cancel, how far it is, and what became of it."""

    def __init__(self) -> None:
        super().__init__()
        self.run = QPushButton("Run")
        self.cancel = QPushButton("Cancel")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.status = TextLabel()
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 2)
        buttons.addWidget(self.cancel, 1)
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
        parts = [_spell_amount(advance, unit)]
        if done and seconds > 0:
            rate = done / seconds
            parts.append(f"{rate:.1f} chunks/s" if unit == "chunk" else f"{rate / 1e6:.1f} MB/s")
            parts.append(f"{spell_duration((advance.total - advance.done) / rate)} left")
        self.status.setText(" · ".join(parts))

    def finish(self, text: str) -> None:
        """Show that nothing runs, and what became of it."""
        self.cancel.setEnabled(False)
        self.progress.hide()
        self.status.setText(text)


def _spell_amount(advance: Advance, unit: str) -> str:
    if unit == "chunk":
        return f"{advance.done:,} of {counted(advance.total, 'chunk')}"
    return f"{advance.done / 1e6:.0f} of {advance.total / 1e6:.0f} MB"


def may_replace(parent: QWidget, paths: Iterable[Path]) -> bool:
    """Ask before files that exist are replaced; tell whether they may be, or there are none."""
    there = [path for path in paths if path.exists()]
    if not there:
        return True
    name, folder = there[0].name, there[0].parent
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Replace features?")
    box.setTextFormat(Qt.TextFormat.PlainText)
    if len(there) == 1:
        box.setText(f"{name} exists in {folder}.")
    else:
        box.setText(f"{name} and {len(there) - 1} more of the files exist in {folder}.")
    replace = box.addButton("Replace", QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.exec()
    return box.clickedButton() is replace


def figure_path(chosen: str, chosen_filter: str) -> Path:
    """Return the file that a dialog with `FIGURE_FILTER` gave, with the ending of the kind chosen if it has none."""
    path = Path(chosen)
    if path.suffix:
        return path
    kind = chosen_filter[chosen_filter.rindex(".") : -1] if "." in chosen_filter else ".png"
    return path.with_name(path.name + kind)


def open_dock(viewer: "napari.Viewer", name: str) -> None:
    """Open a dock of the plugin; leave it where it is if it is open."""
    viewer.window.add_plugin_dock_widget("napari-i3d", name)
