"""Canvas of plots over time: same margins and ticks in all of them, so that plots below each other line up."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from psygnal import Signal

from napari_i3d.plugin.plotting.plot_canvas import CURSOR, PlotCanvas

# Room for the names of lanes, and for a legend or color bar.
_LEFT_PX, _RIGHT_PX = 96, 164
_BOTTOM_PX, _TITLE_PX, _EDGE_PX = 20, 18, 5
_TICK_PX, _MIN_PX, _LABEL_PX = 110, 10, 44


class TimeCanvas(PlotCanvas):
    """A canvas whose x axis is the video frame, with a cursor at the frame that the viewer shows.

    Subclasses override `_click`.

    Parameters
    ----------
    theme
        Name of one of napari's themes.
    figure_inch
        Width and height of the figure, before Qt sets them.

    Attributes
    ----------
    limits_changed
        Signal, with the limits of the x axis: it was zoomed or moved.
    """

    limits_changed = Signal(tuple)

    def __init__(self, theme: str, figure_inch: tuple[float, float]) -> None:
        self._cursor: Any = None
        self._marks: list[Any] = []
        super().__init__(theme, Figure(figsize=figure_inch), (300, 40))

    @property
    def limits(self) -> tuple[float, float] | None:
        """Limits of the x axis."""
        return None if self._axes is None else self._axes.get_xlim()

    @limits.setter
    def limits(self, limits: tuple[float, float]) -> None:
        if self._axes is not None and limits != self._axes.get_xlim():
            self._axes.set_xlim(limits)
            self.native.draw_idle()

    @property
    def whole(self) -> tuple[float, float] | None:
        """Limits that show all; None if they are not known."""
        return None

    @property
    def cursor_frame(self) -> float | None:
        """Frame of the cursor; None while there is no cursor."""
        return None if self._cursor is None or not self._cursor.get_visible() else float(self._cursor.get_xdata()[0])

    @property
    def marked(self) -> list[tuple[float, float]]:
        """First frame and length, in frames, of each stretch that is marked as selected."""
        boxes = [path.get_extents() for mark in self._marks for path in mark.get_paths()]
        return [(float(box.x0), float(box.width)) for box in boxes]

    def clear(self) -> None:
        """Draw nothing."""
        super().clear()
        self._cursor = None
        self._marks = []

    def set_frame(self, frame: int | None) -> None:
        """Move the cursor to a frame; None: hide it."""
        if self._cursor is not None:
            self._cursor.set_visible(frame is not None)
            if frame is not None:
                self._cursor.set_xdata([frame, frame])
            self.native.move()

    def _add_time(self, axes: Axes, fps: float | None) -> None:
        """Add the ticks and the cursor to Axes whose limits are set."""
        for child in list(axes.child_axes):
            child.remove()  # the axis of seconds of a figure on paper; docks are too low for two axes
        axes.xaxis.set_major_formatter(FuncFormatter(lambda frame, _: _format_frame(frame, fps)))
        self._cursor = axes.axvline(0, color=CURSOR, linewidth=1.5, visible=False)
        self.native.set_moving(axes, self._cursor)
        axes.callbacks.connect("xlim_changed", lambda axes: self._on_limits(axes.get_xlim()))

    def _set_margins(self, axes: Axes, *, titled: bool) -> tuple[float, float]:
        """Give Axes the margins of all plots over time; return their width and height in pixels of Qt."""
        width, height = max(self.native.width(), 1), max(self.native.height(), 1)
        top = _TITLE_PX if titled else _EDGE_PX
        inner = max(width - _LEFT_PX - _RIGHT_PX, _MIN_PX), max(height - top - _BOTTOM_PX, _MIN_PX)
        axes.set_position((_LEFT_PX / width, _BOTTOM_PX / height, inner[0] / width, inner[1] / height))
        axes.xaxis.set_major_locator(MaxNLocator(max(inner[0] // _TICK_PX, 1), integer=True, steps=[1, 2, 5, 10]))
        axes.tick_params(axis="x", length=3, pad=2)
        axes.xaxis.label.set(ha="left", va="center")
        axes.xaxis.set_label_coords(1 + _LABEL_PX / inner[0], -11 / inner[1])
        return inner

    def _remove_marks(self) -> None:
        for mark in self._marks:
            mark.remove()
        self._marks = []

    def _drag(self, event: Any) -> None:
        if event.inaxes is self._axes is not None:
            self._click(event.xdata, event.ydata)

    def _click(self, x: float, y: float) -> None:
        """Handle a click in the Axes, or the mouse dragged there, in data coordinates."""

    def _on_limits(self, limits: tuple[float, float]) -> None:
        self.limits_changed.emit(limits)


def _format_frame(frame: float, fps: float | None) -> str:
    """Return the label of a tick: the video frame, and the time if the frame rate is known."""
    if not fps or frame < 0:
        return f"{frame:g}"
    seconds = frame / fps
    if seconds < 10 and seconds % 1:
        return f"{frame:g} ({seconds:.3g} s)"
    return f"{frame:g} ({int(seconds) // 60}:{int(seconds) % 60:02d})"
