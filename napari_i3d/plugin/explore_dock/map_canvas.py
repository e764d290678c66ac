"""Canvas of the map: points, a marker for the current row, clicks, and a lasso."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.path import Path
from numpy.typing import NDArray
from psygnal import Signal

from napari_i3d.plugin.plotting.plot_canvas import CURSOR, PlotCanvas

_CLICK_PX = 4
"""A mouse that moves farther than this during a click draws a lasso."""
_REACH_PX = 25
"""A click farther than this from every point hits none."""
_FADED = 0.12


class MapCanvas(PlotCanvas):
    """Draws the map of rows as points.

    Attributes
    ----------
    row_clicked
        Signal, with the row whose point was clicked.
    lassoed
        Signal, with the rows within a lasso, (N,) bool, and whether to add them to the selection.
    """

    row_clicked = Signal(int)
    lassoed = Signal(object, bool)

    def __init__(self, theme: str) -> None:
        self._points: NDArray[np.float32] | None = None
        self._colors = np.empty((0, 4))
        self._selected = np.empty(0, np.bool_)
        self._dots: Any = None
        self._marker: Any = None
        self._lasso: Any = None
        self._row: int | None = None
        self._trace: list[tuple[float, float]] = []  # of the mouse, in pixels of the figure
        super().__init__(theme, Figure(figsize=(4, 3.5), layout="constrained"), (200, 160))

    @property
    def marked(self) -> int | None:
        """The row that is marked as the current one."""
        return self._row

    @property
    def colors(self) -> NDArray[np.float64]:
        """Color of each point as drawn: (N, 4) float64, 0 to 1."""
        return np.asarray(self._dots.get_facecolors()) if self._dots is not None else np.empty((0, 4))

    def clear(self) -> None:
        """Draw nothing."""
        super().clear()
        self._points = self._dots = self._marker = self._lasso = self._row = None

    def show_points(self, points: NDArray[np.float32], labels: tuple[str, str]) -> None:
        """Draw a map.

        Parameters
        ----------
        points : (N, 2) float32
            Place of each row.
        labels
            Labels of the two axes.
        """
        self.clear()
        self._points = points
        self._selected = np.zeros(len(points), np.bool_)
        axes = self._axes = self.figure.add_subplot()
        size = float(np.clip(40_000 / max(len(points), 1), 2, 30))
        self._dots = axes.scatter(points[:, 0], points[:, 1], s=size, linewidths=0)
        self._marker = axes.plot([], [], "o", ms=11, mfc="none", mec=CURSOR, mew=2.2)[0]
        self._lasso = axes.plot([], [], color=CURSOR, linewidth=1.2)[0]
        self.native.set_moving(axes, self._marker, self._lasso)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        axes.set_xticks([])
        axes.set_yticks([])
        self._paint()

    def set_colors(self, colors: NDArray[np.float64]) -> None:
        """Set the color of each point: (N, 4), 0 to 1."""
        self._colors = colors
        self._color_points()

    def set_selected(self, rows: NDArray[np.bool_]) -> None:
        """Fade the points that are not selected, if any is: (N,) bool."""
        self._selected = rows
        self._color_points()

    def set_row(self, row: int | None) -> None:
        """Mark a row as the current one; None: no row."""
        self._row = row
        if self._marker is not None and self._points is not None:
            place = np.empty((0, 2)) if row is None else self._points[[row]]
            self._marker.set_data(*place.T)
            self.native.move()

    def _color_points(self) -> None:
        if self._dots is None or self._points is None or len(self._colors) != len(self._points):
            return
        colors = self._colors.copy()
        if self._selected.any():
            colors[~self._selected, 3] *= _FADED
        self._dots.set_facecolors(colors)
        self.native.draw_idle()

    def _drag(self, event: Any) -> None:
        if self._axes is not None:
            self._trace.append((event.x, event.y))
            self._lasso.set_data(*self._axes.transData.inverted().transform(self._trace).T)
            self.native.move()

    def _release(self, event: Any) -> None:
        trace, self._trace = self._trace, []
        if self._axes is None or self._points is None:
            return
        self._lasso.set_data([], [])
        self.native.move()
        places = self._axes.transData.transform(self._points)
        moved = np.abs(np.array(trace) - trace[0]).max()
        if moved > _CLICK_PX:
            self.lassoed.emit(Path(trace).contains_points(places), "shift" in (event.key or ""))
            return
        distances = np.hypot(*(places - trace[0]).T)
        if len(distances) and distances.min() <= _REACH_PX:
            self.row_clicked.emit(int(distances.argmin()))
