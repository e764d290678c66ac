"""Canvas of the heat map: draws as many columns as there are pixels."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from psygnal import Signal

from napari_i3d.explore.heat_map_data import HeatMap
from napari_i3d.features.features import Features
from napari_i3d.individuals import Id
from napari_i3d.plots import (
    RowAxis,
    draw_heat_map,
    fill_heat_map,
    label_heat_map,
    row_axis,
    scale_label,
    set_scale_ticks,
)
from napari_i3d.plugin.plotting.plot_canvas import CURSOR
from napari_i3d.plugin.plotting.time_canvas import TimeCanvas

# Height of the line that marks selected frames, as a share of the image's.
_MARK_HEIGHT = 0.03


class HeatMapCanvas(TimeCanvas):
    """Draws the heat map of an individual.

    Attributes
    ----------
    frame_clicked
        Signal, with the video frame that was clicked, or dragged to.
    """

    frame_clicked = Signal(int)

    def __init__(self, theme: str) -> None:
        self._map: HeatMap | None = None
        self._axis: RowAxis | None = None
        self._image: Any = None
        self._bar_axes: Axes | None = None
        super().__init__(theme, (6, 3))

    @property
    def shown(self) -> HeatMap | None:
        """The heat map that is drawn."""
        return self._map

    @property
    def axis(self) -> RowAxis | None:
        """Places of its rows on the x axis."""
        return self._axis

    @property
    def whole(self) -> tuple[float, float] | None:
        """Limits that show all rows."""
        return None if self._axis is None else self._axis.limits

    def clear(self) -> None:
        """Draw nothing."""
        super().clear()
        self._map = self._axis = self._image = self._bar_axes = None

    def show_map(
        self, features: Features, individual: Id, shown: HeatMap, limits: tuple[float, float] | None = None
    ) -> None:
        """Draw a heat map, within limits of the x axis; None: all of it."""
        self.clear()
        axis = row_axis(features, individual)
        axes = self.figure.add_subplot()
        self._map, self._axis, self._axes = shown, axis, axes
        self._image = draw_heat_map(shown, axis, axes)
        label_heat_map(features, individual, shown, axes)
        axes.set_ylabel(str(shown.options.content))  # the boxes above show the order
        self._bar_axes = self.figure.add_axes((0.9, 0.1, 0.01, 0.8))
        bar = self.figure.colorbar(self._image, cax=self._bar_axes, extend="both")
        bar.set_label(scale_label(shown).replace(" ", "\n"), rotation=0, ha="left", va="center")  # narrow
        bar.outline.set_visible(False)
        set_scale_ticks(bar)
        axes.set_xlim(limits or axis.limits)
        axes.set_ylim(max(len(shown.lines), 1), 0)
        self._add_time(axes, features.fps if axis.known else None)
        self._fit()
        self._paint()

    def mark(self, frames: NDArray[np.float64]) -> None:
        """Mark frames as selected, by a line along the lower edge: (n,) float64, ascending."""
        self._remove_marks()
        if len(frames) and self._axis is not None and self._axes is not None:
            runs = np.split(frames, np.flatnonzero(np.diff(frames) > 1.5 * self._axis.step) + 1)
            spans = [(float(run[0] - self._axis.step / 2), len(run) * self._axis.step) for run in runs]
            along = self._axes.get_xaxis_transform()  # x in frames, y as a share of the height
            mark = self._axes.broken_barh(spans, (0, _MARK_HEIGHT), facecolors=CURSOR, linewidth=0, transform=along)
            self._marks = [mark]
        self.native.draw_idle()

    def set_frame(self, frame: int | None) -> None:
        """Move the cursor to a frame; None, or rows whose frames are unknown: hide it."""
        super().set_frame(frame if self._axis is not None and self._axis.known else None)

    def _fill(self) -> None:
        """Set the image to the rows in view, averaged to the number of pixel columns."""
        if self._map is None or self._axis is None or self._axes is None:
            return
        first, stop = self._axis.row_range(*sorted(self._axes.get_xlim()))
        if first >= stop:
            return
        columns = max(int(self._axes.bbox.width), 1)
        fill_heat_map(self._image, self._map.image(first, stop, columns), self._axis)

    def _on_limits(self, limits: tuple[float, float]) -> None:
        self._fill()
        super()._on_limits(limits)

    def _fit(self) -> None:
        if self._axes is None or self._bar_axes is None:
            return
        self._set_margins(self._axes, titled=True)
        place = self._axes.get_position()
        pixel = 1 / max(self.native.width(), 1)
        self._bar_axes.set_position((place.x1 + 10 * pixel, place.y0, 9 * pixel, place.height))
        self._fill()

    def _describe(self, x: float, y: float) -> str:
        if self._map is None or self._axis is None or not 0 <= int(y) < len(self._map.lines):
            return ""
        place = f"frame {x:.0f}" if self._axis.known else f"row {x:.0f}"
        return f"{place}, {str(self._map.options.content).rstrip('s')} {self._map.lines[int(y)]}"

    def _click(self, x: float, y: float) -> None:  # noqa: ARG002
        if self._axis is not None and self._axis.known:
            first, last = self._axis.first, self._axis.first + (self._axis.rows - 1) * self._axis.step
            self.frame_clicked.emit(int(np.clip(np.rint(x), np.floor(first), np.ceil(last))))
