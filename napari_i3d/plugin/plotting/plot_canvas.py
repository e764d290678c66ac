"""Canvas for matplotlib figures in docks: napari's theme, mouse events, and parts that move with the viewer's frame."""

from collections.abc import Callable
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from napari.utils.theme import get_theme
from qtpy.QtGui import QPaintEvent, QResizeEvent
from qtpy.QtWidgets import QSizePolicy

CURSOR = "#ff4b3e"
"""Color of the cursor, of the current row and of what is selected."""

_LEFT_BUTTON = 1
# Smaller than in a figure: docks are low.
_TITLE_PT, _TEXT_PT = 9, 8


class PlotCanvas:
    """A figure with one main Axes, shown in a dock.

    Subclasses draw the figure and override `_drag`, `_release`, `_describe` and `_fit`.

    Parameters
    ----------
    theme
        Name of one of napari's themes.
    figure
        The figure to draw in.
    min_size_px
        Minimum width and height.

    Attributes
    ----------
    native
        The widget.
    navigating
        Returns True while the toolbar zooms or pans; the mouse then belongs to the toolbar.
    """

    def __init__(self, theme: str, figure: Figure, min_size_px: tuple[int, int]) -> None:
        self.figure = figure
        self.native: Any = _BlittedCanvas(figure)
        self.native.setMinimumSize(*min_size_px)
        # The size hint is the current size: a canvas that followed it could only grow.
        self.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.navigating: Callable[[], bool] = lambda: False
        self._axes: Axes | None = None
        self._pressed = False
        self.native.mpl_connect("resize_event", lambda _: self._fit())
        self.native.mpl_connect("button_press_event", self._on_press)
        self.native.mpl_connect("motion_notify_event", self._on_motion)
        self.native.mpl_connect("button_release_event", self._on_release)
        self.set_theme(theme)

    @property
    def axes(self) -> Axes | None:
        """The main Axes; None while nothing is drawn."""
        return self._axes

    def clear(self) -> None:
        """Draw nothing."""
        self.figure.clear()
        self._axes = None
        self.native.set_moving(None)
        self.native.draw_idle()

    def set_theme(self, theme: str) -> None:
        """Use the colors of one of napari's themes, by its name."""
        self._theme = theme
        self._paint()

    def _paint(self) -> None:
        """Color the figure by the theme, and draw it."""
        _color_figure(self.figure, self._theme)
        self.native.draw_idle()

    def _drag(self, event: Any) -> None:
        """Handle the left button: called when it is pressed in the Axes, and when the mouse then moves anywhere."""

    def _release(self, event: Any) -> None:
        """Handle the end of a click or drag."""

    def _describe(self, x: float, y: float) -> str:  # noqa: ARG002
        """Return the tooltip for a place in the Axes, in its data coordinates."""
        return ""

    def _fit(self) -> None:
        """Adapt the figure to the size of the widget."""

    def _on_press(self, event: Any) -> None:
        if event.button == _LEFT_BUTTON and event.inaxes is self._axes is not None and not self.navigating():
            self._pressed = True
            self._drag(event)

    def _on_motion(self, event: Any) -> None:
        inside = event.inaxes is self._axes is not None
        self.native.setToolTip(self._describe(event.xdata, event.ydata) if inside else "")
        if self._pressed:
            self._drag(event)

    def _on_release(self, event: Any) -> None:
        if self._pressed:
            self._pressed = False
            self._release(event)


class _BlittedCanvas(FigureCanvasQTAgg):
    """Keeps an image of the figure and draws the moving artists on it when Qt paints the widget.

    A new frame draws nothing by itself: all canvases are painted once, together with the viewer's canvas, and a hidden
    one not before it is shown. `blit` of matplotlib paints at once instead; beside an OpenGL canvas, each call composes
    the whole window.
    """

    def __init__(self, figure: Figure) -> None:
        super().__init__(figure)  # type: ignore[no-untyped-call]
        self._axes: Axes | None = None
        self._moving: tuple[Artist, ...] = ()
        self._background: Any = None
        self._moved = False
        self.mpl_connect("draw_event", self._on_draw)

    def set_moving(self, axes: Axes | None, *artists: Artist) -> None:
        """Set the artists that move, all in the same Axes; None: nothing is drawn."""
        self._axes, self._moving, self._background = axes, artists, None
        for artist in artists:
            artist.set_animated(True)

    def move(self) -> None:
        """Redraw the moving artists at the next paint."""
        if self._axes is None:
            return
        self._moved = True
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Redraw the moving artists if they have moved, and paint."""
        if self._moved and self._background is not None:
            self._moved = False
            self.restore_region(self._background)  # type: ignore[no-untyped-call]
            self._draw_moving()
        super().paintEvent(event)  # type: ignore[no-untyped-call]

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Discard the image, which has the old size."""
        self._background = None
        super().resizeEvent(event)  # type: ignore[no-untyped-call]

    def _on_draw(self, _: Any) -> None:
        if self._axes is not None:
            self._background = self.copy_from_bbox(self._axes.bbox)  # type: ignore[no-untyped-call]
            self._draw_moving()

    def _draw_moving(self) -> None:
        if self._axes is not None:
            for artist in self._moving:
                self._axes.draw_artist(artist)


def _color_figure(figure: Figure, theme: str) -> None:
    """Give a figure and everything in it the colors of a theme."""
    colors = get_theme(theme)
    text, background = colors.text.as_hex(format="long"), colors.background.as_hex(format="long")
    figure.set_facecolor(background)
    for main_axes in figure.axes:
        main_axes.set_facecolor(background)
        main_axes.set_title(main_axes.get_title(loc="left"), loc="left", color=text, fontsize=_TITLE_PT)
        for axes in (main_axes, *main_axes.child_axes):
            axes.tick_params(colors=text, which="both", labelsize=_TEXT_PT)
            for axis in (axes.xaxis, axes.yaxis):
                axis.label.set(color=text, fontsize=_TEXT_PT)
            for spine in axes.spines.values():
                spine.set_color(colors.secondary.as_hex(format="long"))
        legend = main_axes.get_legend()
        for line in legend.get_texts() if legend is not None else ():
            line.set(color=text, fontsize=_TEXT_PT)
