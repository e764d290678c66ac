"""The frames in view of the time line are those of all plots over time, and the other way round."""

from napari_i3d.plugin.session.connections import Connections
from napari_i3d.plugin.session.time_axis import Limits, TimeAxis
from napari_i3d.plugin.timeline.timeline_canvas import TimelineCanvas

_HALF = 0.5
"""In plots the middle of a frame has its number, in the time line its left edge."""


class SharedTime:
    """Ties a time line to the time axis that plots share.

    Parameters
    ----------
    canvas
        The time line.
    axis
        The axis.
    links
        Connections of the dock.
    """

    def __init__(self, canvas: TimelineCanvas, axis: TimeAxis, links: Connections) -> None:
        self._canvas, self._axis = canvas, axis
        self._adopting = False
        links.connect(canvas.limits_changed, self._on_limits)
        links.connect(axis.changed, self._on_axis)

    def show(self, n_frames: int | None) -> None:
        """Set the length of the video that the axis is about; None: there is none, each plot has an axis of its own."""
        self._axis.whole = None if n_frames is None else (-_HALF, n_frames - _HALF)

    def _on_limits(self, limits: Limits) -> None:
        if not self._adopting:
            self._axis.limits = limits[0] - _HALF, limits[1] - _HALF

    def _on_axis(self) -> None:
        if self._axis.limits is None:
            return
        # A plot may show more than there is: it keeps its limits.
        self._adopting = True
        try:
            self._canvas.limits = self._axis.limits[0] + _HALF, self._axis.limits[1] + _HALF
        finally:
            self._adopting = False
