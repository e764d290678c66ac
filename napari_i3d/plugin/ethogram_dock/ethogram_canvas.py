"""Canvas of the ethogram: a lane for each individual, and lines that mark what is selected."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_i3d.explore import FeatureTable, label_runs
from napari_i3d.plots import plot_ethogram
from napari_i3d.plots.style import common_fps
from napari_i3d.plugin.widgets.plot_canvas import CURSOR
from napari_i3d.plugin.widgets.time_canvas import TimeCanvas

_LINE_PX = 15
_MARK_HEIGHT = 0.14
"""Height of the line below a lane that marks what is selected, in lanes."""
_NAME_CHARACTERS = 15


class EthogramCanvas(TimeCanvas):
    """Draws the clusters of the individuals of one video over time.

    Attributes
    ----------
    place_clicked
        Signal, with the video frame that was clicked, or dragged to, and the number of the lane.
    """

    place_clicked = Signal(int, int)

    def __init__(self, theme: str) -> None:
        self._table: FeatureTable | None = None
        self._labels: NDArray[np.integer] = np.empty(0, np.int64)
        self._legend: tuple[list[Any], list[str]] = [], []
        super().__init__(theme, (6, 2))

    def clear(self) -> None:
        """Draw nothing."""
        super().clear()
        self._table = None

    def show_lanes(self, table: FeatureTable, labels: NDArray[np.integer]) -> None:
        """Draw a lane for each sequence of a table, with a label for each of its rows: (N,) integers."""
        self.clear()
        self._table, self._labels = table, labels
        self._axes = axes = self.figure.add_subplot()
        plot_ethogram(table, labels, axes)
        axes.set_ylabel("")
        axes.set_title("", loc="left")  # the dock has one
        legend = axes.get_legend()
        if legend is not None:
            self._legend = list(legend.legend_handles), [text.get_text() for text in legend.get_texts()]
        self._add_time(axes, common_fps(table))
        self._fit()

    def set_selected(self, rows: NDArray[np.bool_]) -> None:
        """Mark rows below their lanes: (N,) bool."""
        if self._table is None or self._axes is None:
            return
        self._remove_marks()
        lanes: dict[tuple[str, object], int] = {(s.video, s.individual): n for n, s in enumerate(self._table.sequences)}
        stretches: dict[int, list[tuple[float, float]]] = {}
        for run in label_runs(self._table, rows.astype(np.int8)) if rows.any() else ():
            if run.label:
                lane = lanes[run.video, run.individual]
                half = self._table.sequences[lane].step_frames / 2
                stretches.setdefault(lane, []).append((run.first_frame - half, run.frames))
        self._marks = [
            self._axes.broken_barh(found, (lane + 0.5 - _MARK_HEIGHT, _MARK_HEIGHT), facecolors=CURSOR, linewidth=0)
            for lane, found in stretches.items()
        ]
        self.native.draw_idle()

    def _fit(self) -> None:
        """Set the margins, and fit the names and the legend into the room that there is."""
        if self._axes is None or self._table is None:
            return
        _, height = self._set_margins(self._axes, titled=False)
        every = max(1, math.ceil(_LINE_PX * len(self._table.sequences) / height))
        names = [_shorten(sequence.name) if n % every == 0 else "" for n, sequence in enumerate(self._table.sequences)]
        self._axes.set_yticks(range(len(names)), names)
        self._axes.legend(
            *fitting_entries(*self._legend, int(height // _LINE_PX)),
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            frameon=False,
            borderaxespad=0.2,
            borderpad=0.0,
            labelspacing=0.15,
            handlelength=1.2,
            handletextpad=0.5,
            columnspacing=0.8,
            ncols=1 if len(self._legend[0]) <= height // _LINE_PX else 2,
        )
        self._paint()

    def _click(self, x: float, y: float) -> None:
        if self._table is not None:
            lane = self._lane(self._table, y)
            frames = self._table.sequences[lane].frames
            self.place_clicked.emit(int(np.clip(np.rint(x), np.floor(frames[0]), np.ceil(frames[-1]))), lane)

    @staticmethod
    def _lane(table: FeatureTable, y: float) -> int:
        return int(np.clip(np.rint(y), 0, len(table.sequences) - 1))

    def _describe(self, x: float, y: float) -> str:
        """Name the individual and the cluster under the mouse: names may be cut, and the legend incomplete."""
        if self._table is None:
            return ""
        lane = self._lane(self._table, y)
        sequence = self._table.sequences[lane]
        place = f"{sequence.name}, frame {x:.0f}"
        row = int(np.abs(sequence.frames - x).argmin())
        if abs(sequence.frames[row] - x) > sequence.step_frames / 2:
            return place
        return f"{place}: cluster {self._labels[self._table.starts[lane] + row]}"


def _shorten(name: str) -> str:
    """Return a name that fits into the left margin."""
    half = _NAME_CHARACTERS // 2
    return name if len(name) <= _NAME_CHARACTERS else f"{name[:half]}…{name[-half:]}"


def fitting_entries(handles: Sequence[Any], names: Sequence[str], rows: int) -> tuple[list[Any], list[str]]:
    """Return the entries of a legend that fit into rows: all, short names in two columns, or the first and dots."""
    rows = max(rows, 1)
    if len(names) <= rows:
        return list(handles), list(names)
    short = [name.removeprefix("cluster ") for name in names]
    if len(names) <= 2 * rows:
        return list(handles), short
    return list(handles[: 2 * rows]), [*short[: 2 * rows - 1], f"{short[2 * rows - 1].split(' ')[0]} ..."]
