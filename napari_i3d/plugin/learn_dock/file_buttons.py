"""Buttons that open and save a probe, and export a data set."""

from functools import partial
from pathlib import Path

from psygnal import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QPushButton, QWidget

from napari_i3d.learning.datasets.programs import PROGRAMS
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.save_as import save_as

_PROBE = "Probe (*.npz)"


class FileButtons(QWidget):
    """Asks for the names of files, and saves the probe.

    Parameters
    ----------
    session
        The viewer's session.

    Attributes
    ----------
    opened
        Signal (Path): a probe is to be opened.
    exported
        Signal (str, Path): a data set for a program is to be written into a new folder.
    """

    opened = Signal(Path)
    exported = Signal(str, Path)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.open, self.save = QPushButton("Open probe…"), QPushButton("Save probe…")
        self.export = QPushButton("Export data set")
        self.open.setToolTip("Apply a probe that was trained before, here or by the command, to the open videos")
        self.save.setToolTip("Save the probe; reading it runs no code")
        self.export.setToolTip("Features, labels, splits and instructions for a program that learns to find behaviors")
        self.programs = QMenu(self.export)
        for key, program in PROGRAMS.items():
            self.programs.addAction(f"for {program.title}…", partial(self._on_export, key))
        self.export.setMenu(self.programs)
        fill(QHBoxLayout(self), self.open, self.save, self.export)
        self.open.clicked.connect(self._on_open)
        self.save.clicked.connect(self._on_save)

    def enable(self, *, idle: bool, probe: bool, data: bool) -> None:
        """Enable what can be done: while nothing runs, with a probe, with labels and features."""
        self.open.setEnabled(idle)
        self.save.setEnabled(idle and probe)
        self.export.setEnabled(idle and data)

    def _on_open(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Open a probe", "", _PROBE)
        if chosen:
            self.opened.emit(Path(chosen))

    def _on_save(self) -> None:
        probe = self._session.learning.probe
        if probe is not None:
            save_as(self, "Save the probe", "probe.npz", _PROBE, probe.save)

    def _on_export(self, program: str) -> None:
        title = f"Folder to make for {PROGRAMS[program].title}"
        chosen, _ = QFileDialog.getSaveFileName(
            self, title, f"{program}_data", options=QFileDialog.Option.DontConfirmOverwrite
        )
        if chosen:
            self.exported.emit(program, Path(chosen))
