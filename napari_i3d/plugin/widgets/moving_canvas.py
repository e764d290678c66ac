"""A canvas of matplotlib with parts that move with the frame of the viewer."""

from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtGui import QPaintEvent, QResizeEvent


class MovingCanvas(FigureCanvasQTAgg):
    """Draws parts that move on a image kept of the rest, when Qt paints the canvas.

    So a change of the frame draws nothing by itself: all canvases are painted once, together with the image of the
    viewer, and one that is not seen (hidden, or behind another tab) not at all until it is. `blit` of matplotlib paints
    at once instead; beside a canvas of OpenGL, each time that puts the whole window together.

    Parameters
    ----------
    figure
        What is drawn.
    """

    def __init__(self, figure: Figure) -> None:
        super().__init__(figure)  # type: ignore[no-untyped-call]
        self._axes: Axes | None = None
        self._moving: tuple[Artist, ...] = ()
        self._ground: Any = None
        self._moved = False
        self.mpl_connect("draw_event", self._on_draw)

    def set_moving(self, axes: Axes | None, *artists: Artist) -> None:
        """Say which artists move, all within the same axes; none, where nothing is drawn."""
        self._axes, self._moving, self._ground = axes, artists, None
        for artist in artists:
            artist.set_animated(True)

    def move(self) -> None:
        """Draw the parts that move again, as soon as they are seen."""
        if self._axes is None:
            return
        self._moved = True
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw what has moved, and paint."""
        if self._moved and self._ground is not None:
            self._moved = False
            self.restore_region(self._ground)  # type: ignore[no-untyped-call]
            self._draw_moving()
        super().paintEvent(event)  # type: ignore[no-untyped-call]

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Forget the image, which has another size."""
        self._ground = None
        super().resizeEvent(event)  # type: ignore[no-untyped-call]

    def _on_draw(self, _: Any) -> None:
        if self._axes is not None:
            self._ground = self.copy_from_bbox(self._axes.bbox)  # type: ignore[no-untyped-call]
            self._draw_moving()

    def _draw_moving(self) -> None:
        if self._axes is not None:
            for artist in self._moving:
                self._axes.draw_artist(artist)
