"""Actions for the rows selected in the map: play, save as a table, clear."""

from pathlib import Path

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_i3d._utils.text import counted
from napari_i3d.explore import write_rows
from napari_i3d.plugin.exploration import Exploration
from napari_i3d.plugin.session.connections import Connections
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.save_as import TABLE, save_as
from napari_i3d.plugin.widgets.text_label import LineLabel

_DEFAULT_FPS = 25.0
_SHORTEST_MS = 15


class SelectionBar(QWidget):
    """Shows the number of selected rows, and plays, saves or clears them.

    Parameters
    ----------
    exploration
        The viewer's exploration.
    links
        The dock's connections.
    """

    def __init__(self, exploration: Exploration, links: Connections) -> None:
        super().__init__()
        self._exploration = exploration
        self._place = -1
        self.text = LineLabel()
        self.play = QPushButton("Play")
        self.play.setCheckable(True)
        self.play.setToolTip("Show only the selected frames, one after the other, again and again.")
        self.save = QPushButton("Save table...")
        self.save.setToolTip("Video, individual, frame, time, cluster and place in the map of each, as CSV.")
        self.clear = QPushButton("Clear")
        fill(QHBoxLayout(self), self.text, self.play, self.save, self.clear, grow=self.text)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._next)
        self.play.toggled.connect(self._on_play)
        self.save.clicked.connect(self._on_save)
        self.clear.clicked.connect(self._on_clear)
        links.connect(exploration.selection_changed, self._refresh)
        self._refresh()

    def stop(self) -> None:
        """Stop playing."""
        self.play.setChecked(False)

    def _refresh(self) -> None:
        selected = self._exploration.selected
        count = int(selected.sum())
        self._place = -1
        self.text.setText(
            f"{count:,} of {counted(len(selected), 'row')} selected" if count else "Draw around points to select"
        )
        for button in (self.play, self.save, self.clear):
            button.setEnabled(count > 0)
        if not count:
            self.stop()

    def _on_play(self, playing: bool) -> None:
        self.play.setText("Stop" if playing else "Play")
        if not playing:
            self._timer.stop()
            return
        explored = self._exploration.explored
        if explored is not None:
            sequence = explored.table.sequences[0]
            self._timer.start(max(_SHORTEST_MS, round(1000 * sequence.step_frames / (sequence.fps or _DEFAULT_FPS))))

    def _next(self) -> None:
        rows = np.flatnonzero(self._exploration.selected)
        if not len(rows):
            self.stop()
            return
        self._place = (self._place + 1) % len(rows)
        self._exploration.go_to_row(int(rows[self._place]))

    def _on_clear(self) -> None:
        self._exploration.selected = np.zeros_like(self._exploration.selected)

    def _on_save(self) -> None:
        explored = self._exploration.explored
        if explored is None:
            return
        points = explored.map.points
        columns = {"cluster": explored.clusters.labels, "map_x": points[:, 0], "map_y": points[:, 1]}

        def write(path: Path) -> None:
            write_rows(path, explored.table, np.flatnonzero(self._exploration.selected), columns)

        save_as(self, "Save the selected frames", "selection.csv", TABLE, write)
