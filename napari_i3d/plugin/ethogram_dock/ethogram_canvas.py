"""An ethogram in a window: lanes of individuals, a cursor at the frame that is shown, and what is selected."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from psygnal import Signal

from napari_i3d.explore import FeatureTable, bouts
from napari_i3d.plots import plot_ethogram
from napari_i3d.plots.style import common_fps
from napari_i3d.plugin.widgets.moving_canvas import MovingCanvas
from napari_i3d.plugin.widgets.plot_theme import CURSOR, fill_room, paint_figure
from napari_i3d.plugin.widgets.time_margins import set_margins, set_time_ticks, shorten

_LEFT_BUTTON = 1
_LINE_PX = 13
_STRIP = 0.14
"""Height of the line below a lane that marks what is selected, in lanes."""


class EthogramCanvas:
    """Draws the clusters of the individuals of one video over time.

    Attributes
    ----------
    native
        The widget.
    navigating
        Tells whether the toolbar is zooming or panning, so that clicks are its own.
    place_clicked
        Signal, with the video frame that was clicked, or dragged to, and the number of the lane.
    limits_changed
        Signal, with the part of the x axis that is seen: it was zoomed or moved.
    """

    place_clicked = Signal(int, int)
    limits_changed = Signal(tuple)

    def __init__(self, theme: str) -> None:
        self.figure = Figure(figsize=(6, 2))
        self.native: Any = MovingCanvas(self.figure)
        fill_room(self.native, (300, 40))
        self.navigating: Callable[[], bool] = lambda: False
        self._theme = theme
        self._table: FeatureTable | None = None
        self._labels: NDArray[np.integer] = np.empty(0, np.int64)
        self._legend: tuple[list[Any], list[str]] = [], []
        self._axes: Axes | None = None
        self._cursor: Any = None
        self._strips: list[Any] = []
        self._dragging = False
        self._listen()
        self.set_theme(theme)

    def _listen(self) -> None:
        slots: dict[str, Callable[[Any], None]] = {
            "resize_event": self._on_resize,
            "button_press_event": self._on_press,
            "motion_notify_event": self._on_motion,
            "button_release_event": self._on_release,
        }
        for event, slot in slots.items():
            self.native.mpl_connect(event, slot)

    @property
    def axes(self) -> Axes | None:
        """Where it is drawn."""
        return self._axes

    @property
    def limits(self) -> tuple[float, float] | None:
        """The part of the x axis that is seen."""
        return None if self._axes is None else self._axes.get_xlim()

    @limits.setter
    def limits(self, limits: tuple[float, float]) -> None:
        if self._axes is not None and limits != self._axes.get_xlim():
            self._axes.set_xlim(limits)
            self.native.draw_idle()

    @property
    def cursor_frame(self) -> float | None:
        """The frame that the cursor is at; None where nothing is drawn."""
        return None if self._cursor is None else float(self._cursor.get_xdata()[0])

    @property
    def marked(self) -> list[tuple[float, float]]:
        """First frame and length, in frames, of each stretch that is marked as selected."""
        boxes = [path.get_extents() for strip in self._strips for path in strip.get_paths()]
        return [(box.x0, box.width) for box in boxes]

    def clear(self) -> None:
        """Draw nothing."""
        self.figure.clear()
        self._table = self._axes = self._cursor = None
        self.native.set_moving(None)
        self._strips = []
        self.native.draw_idle()

    def show_lanes(self, table: FeatureTable, labels: NDArray[np.integer]) -> None:
        """Draw a lane for each part of a table, with a label for each of its rows: (N,) integers."""
        self.clear()
        self._table, self._labels = table, labels
        self._axes = axes = self.figure.add_subplot()
        plot_ethogram(table, labels, axes)
        axes.set_ylabel("")
        axes.set_title("", loc="left")  # the dock has one
        set_time_ticks(axes, common_fps(table))
        legend = axes.get_legend()
        if legend is not None:
            self._legend = list(legend.legend_handles), [text.get_text() for text in legend.get_texts()]
        axes.callbacks.connect("xlim_changed", lambda axes: self.limits_changed.emit(axes.get_xlim()))
        self._fit()
        self._cursor = axes.axvline(0, color=CURSOR, linewidth=1.5)
        self.native.set_moving(axes, self._cursor)
        self.set_theme(self._theme)

    def set_selected(self, rows: NDArray[np.bool_]) -> None:
        """Mark rows below their lanes: (N,) bool."""
        if self._table is None or self._axes is None:
            return
        for strip in self._strips:
            strip.remove()
        lanes: dict[tuple[str, object], int] = {(p.video, p.individual): n for n, p in enumerate(self._table.sequences)}
        stretches: dict[int, list[tuple[float, float]]] = {}
        for bout in bouts(self._table, rows.astype(np.int8)) if rows.any() else ():
            if bout.label:
                lane = lanes[bout.video, bout.individual]
                half = self._table.sequences[lane].step_frames / 2
                stretches.setdefault(lane, []).append((bout.first_frame - half, bout.frames))
        self._strips = [
            self._axes.broken_barh(found, (lane + 0.5 - _STRIP, _STRIP), facecolors=CURSOR, linewidth=0)
            for lane, found in stretches.items()
        ]
        self.native.draw_idle()

    def set_frame(self, frame: int) -> None:
        """Move the cursor."""
        if self._cursor is not None:
            self._cursor.set_xdata([frame, frame])
            self.native.move()

    def set_theme(self, theme: str) -> None:
        """Take the colors of one of napari's themes."""
        self._theme = theme
        paint_figure(self.figure, theme)
        self.native.draw_idle()

    def _fit(self) -> None:
        """Give the lanes their margins, and the names and the legend the room that there is."""
        if self._axes is None or self._table is None:
            return
        _, height = set_margins(self._axes, self.native, titled=False)
        every = max(1, math.ceil(_LINE_PX * len(self._table.sequences) / height))
        names = [
            shorten(sequence.name) if lane % every == 0 else "" for lane, sequence in enumerate(self._table.sequences)
        ]
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
        paint_figure(self.figure, self._theme)

    def _on_resize(self, _: Any) -> None:
        self._fit()

    def _on_press(self, event: Any) -> None:
        self._dragging = event.button == _LEFT_BUTTON and event.inaxes is self._axes is not None
        self._on_motion(event)

    def _on_motion(self, event: Any) -> None:
        if event.inaxes is not self._axes or self._table is None:
            self.native.setToolTip("")
            return
        self.native.setToolTip(self._format_place(event.xdata, event.ydata))
        if not self._dragging or self.navigating():
            return
        lane = int(np.clip(np.rint(event.ydata), 0, len(self._table.sequences) - 1))
        frames = self._table.sequences[lane].frames
        frame = float(np.clip(np.rint(event.xdata), np.floor(frames[0]), np.ceil(frames[-1])))
        self.place_clicked.emit(int(frame), lane)

    def _on_release(self, _: Any) -> None:
        self._dragging = False

    def _format_place(self, x: float, y: float) -> str:
        """Name the individual and the cluster under the mouse: names may be cut, and the legend not have room."""
        if self._table is None:
            return ""
        lane = int(np.clip(np.rint(y), 0, len(self._table.sequences) - 1))
        sequence = self._table.sequences[lane]
        place = f"{sequence.name}, frame {x:.0f}"
        row = int(np.abs(sequence.frames - x).argmin())
        if abs(sequence.frames[row] - x) > sequence.step_frames / 2:
            return place
        return f"{place}: cluster {self._labels[self._table.starts[lane] + row]}"


def fitting_entries(handles: Sequence[Any], names: Sequence[str], rows: int) -> tuple[list[Any], list[str]]:
    """Return what of a legend fits into lines: all names, short ones in two columns, or the first and dots."""
    rows = max(rows, 1)
    if len(names) <= rows:
        return list(handles), list(names)
    short = [name.removeprefix("cluster ") for name in names]
    if len(names) <= 2 * rows:
        return list(handles), short
    return list(handles[: 2 * rows]), [*short[: 2 * rows - 1], f"{short[2 * rows - 1].split(' ')[0]} ..."]
