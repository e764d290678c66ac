"""A heat map in a window: draws as many columns as there are pixels, and a cursor at the frame that is shown."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from psygnal import Signal

from napari_i3d.explore.heat_map_data import HeatMap
from napari_i3d.features.features import Features
from napari_i3d.individuals import Id
from napari_i3d.plots import RowAxis, draw_heat_map, label_heat_map, row_axis, scale_label, set_scale_ticks
from napari_i3d.plugin.widgets.moving_canvas import MovingCanvas
from napari_i3d.plugin.widgets.plot_theme import CURSOR, fill_room, paint_figure
from napari_i3d.plugin.widgets.time_margins import set_margins, set_time_ticks

_LEFT_BUTTON = 1
# Height of the line that marks what is selected, as a part of the image's.
_MARKS = 0.03


class HeatMapCanvas:
    """Draws the heat map of an individual.

    Attributes
    ----------
    native
        The widget.
    navigating
        Tells whether the toolbar is zooming or panning, so that clicks are its own.
    frame_clicked
        Signal, with the video frame that was clicked, or dragged to.
    limits_changed
        Signal, with the part of the x axis that is seen: it was zoomed or moved.
    """

    frame_clicked = Signal(int)
    limits_changed = Signal(tuple)

    def __init__(self, theme: str) -> None:
        self.figure = Figure(figsize=(6, 3))
        self.native: Any = MovingCanvas(self.figure)
        fill_room(self.native, (300, 40))
        self._theme = theme
        self._map: HeatMap | None = None
        self._axis: RowAxis | None = None
        self._axes: Axes | None = None
        self._image: Any = None
        self._cursor: Any = None
        self._marks: Any = None
        self._bar_axes: Axes | None = None
        self._frame: int | None = None
        self._dragging = False
        self.navigating: Callable[[], bool] = lambda: False
        self._listen()
        self._paint()

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
    def shown(self) -> HeatMap | None:
        """What is drawn."""
        return self._map

    @property
    def axes(self) -> Axes | None:
        """Where it is drawn."""
        return self._axes

    @property
    def cursor_frame(self) -> float | None:
        """The frame that the cursor is at; None where it is not seen."""
        return None if self._cursor is None or not self._cursor.get_visible() else float(self._cursor.get_xdata()[0])

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
    def axis(self) -> RowAxis | None:
        """Where its rows lie."""
        return self._axis

    @property
    def marked(self) -> list[tuple[float, float]]:
        """First frame and length, in frames, of each stretch that is marked as selected."""
        boxes = [] if self._marks is None else [path.get_extents() for path in self._marks.get_paths()]
        return [(float(box.x0), float(box.width)) for box in boxes]

    def clear(self) -> None:
        """Draw nothing."""
        self.figure.clear()
        self._marks = None
        self._map = self._axis = self._axes = self._image = self._cursor = self._bar_axes = None
        self.native.set_moving(None)
        self.native.draw_idle()

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
        axes.set_ylabel(str(shown.options.content))  # the order is seen in the boxes above
        set_time_ticks(axes, features.fps if axis.known else None)
        self._bar_axes = self.figure.add_axes((0.9, 0.1, 0.01, 0.8))
        bar = self.figure.colorbar(self._image, cax=self._bar_axes, extend="both")
        bar.set_label(_in_lines(scale_label(shown)), rotation=0, ha="left", va="center")
        bar.outline.set_visible(False)
        set_scale_ticks(bar)
        self._cursor = axes.axvline(0, color=CURSOR, linewidth=1.5, visible=False)
        self.native.set_moving(axes, self._cursor)
        axes.set_xlim(limits or axis.limits)
        axes.set_ylim(max(len(shown.lines), 1), 0)
        axes.callbacks.connect("xlim_changed", self._on_limits)
        self._set_margins()
        self._fill()
        self._paint()
        self.set_frame(self._frame)

    def mark(self, frames: NDArray[np.float64]) -> None:
        """Mark frames as selected, by a line along the lower edge: (n,) float64, ascending."""
        if self._marks is not None:
            self._marks.remove()
            self._marks = None
        if len(frames) and self._axis is not None and self._axes is not None:
            runs = np.split(frames, np.flatnonzero(np.diff(frames) > 1.5 * self._axis.step) + 1)
            spans = [(float(run[0] - self._axis.step / 2), len(run) * self._axis.step) for run in runs]
            along = self._axes.get_xaxis_transform()  # x in frames, y in parts of the height
            self._marks = self._axes.broken_barh(spans, (0, _MARKS), facecolors=CURSOR, linewidth=0, transform=along)
        self.native.draw_idle()

    def set_theme(self, theme: str) -> None:
        """Take the colors of one of napari's themes."""
        self._theme = theme
        self._paint()

    def set_frame(self, frame: int | None) -> None:
        """Move the cursor to a frame; None: there is none."""
        self._frame = frame
        if self._cursor is None or self._axis is None:
            return
        self._cursor.set_visible(frame is not None and self._axis.known)
        if frame is not None:
            self._cursor.set_xdata([frame, frame])
        self.native.move()

    def _fill(self, _: Any = None) -> None:
        """Give the image the rows that are seen, averaged to the columns of pixels that there are."""
        if self._map is None or self._axis is None or self._axes is None:
            return
        first, stop = self._axis.row_range(*sorted(self._axes.get_xlim()))
        if first >= stop:
            return
        columns = max(int(self._axes.bbox.width), 1)
        self._image.set_data(self._map.image(first, stop, columns))
        self._image.set_extent((self._axis.edge(first), self._axis.edge(stop), max(len(self._map.lines), 1), 0))

    def _on_limits(self, axes: Axes) -> None:
        self._fill()
        self.limits_changed.emit(axes.get_xlim())

    def _set_margins(self) -> None:
        if self._axes is None or self._bar_axes is None:
            return
        set_margins(self._axes, self.native, titled=True)
        place = self._axes.get_position()
        pixel = 1 / max(self.native.width(), 1)
        self._bar_axes.set_position((place.x1 + 10 * pixel, place.y0, 9 * pixel, place.height))

    def _paint(self) -> None:
        paint_figure(self.figure, self._theme)
        self.native.draw_idle()

    def _format_place(self, x: float, y: float) -> str:
        if self._map is None or self._axis is None or not 0 <= int(y) < len(self._map.lines):
            return ""
        place = f"frame {x:.0f}" if self._axis.known else f"row {x:.0f}"
        return f"{place}, {str(self._map.options.content).rstrip('s')} {self._map.lines[int(y)]}"

    def _on_resize(self, _: Any) -> None:
        self._set_margins()
        self._fill()

    def _on_press(self, event: Any) -> None:
        self._dragging = event.button == _LEFT_BUTTON and event.inaxes is self._axes is not None
        self._on_motion(event)

    def _on_motion(self, event: Any) -> None:
        if event.xdata is None or event.inaxes is not self._axes:
            self.native.setToolTip("")
            return
        self.native.setToolTip(self._format_place(event.xdata, event.ydata))
        if not self._dragging or self.navigating():
            return
        if self._axis is not None and self._axis.known:
            left, right = self._axis.first, self._axis.first + (self._axis.rows - 1) * self._axis.step
            self.frame_clicked.emit(int(np.clip(np.rint(event.xdata), np.floor(left), np.ceil(right))))

    def _on_release(self, _: Any) -> None:
        self._dragging = False


def _in_lines(label: str) -> str:
    """Return a label for the narrow room beside the color bar."""
    return label.replace(" ", "\n")
