"""Margins and ticks of plots over time: the same in all of them, so that they can lie below each other."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

LEFT_PX, RIGHT_PX = 96, 164
"""Room for the names of lanes, and for a legend or color bar."""
_BOTTOM_PX, _TITLE_PX, _EDGE_PX = 20, 18, 5
_TICK_PX, _LEAST_PX, _LABEL_PX = 110, 10, 44


def set_time_ticks(axes: Axes, fps: float | None) -> None:
    """Label ticks with the video frame, and the time where the rate is known; docks are too low for two axes."""
    for part in list(axes.child_axes):
        part.remove()  # the axis of seconds of a figure on paper
    axes.xaxis.set_major_formatter(FuncFormatter(lambda frame, _: _format_frame(frame, fps)))


def set_margins(axes: Axes, native: Any, *, titled: bool) -> tuple[float, float]:
    """Give Axes the margins that all plots over time have; return their width and height in pixels of Qt."""
    width, height = max(native.width(), 1), max(native.height(), 1)
    top = _TITLE_PX if titled else _EDGE_PX
    inner = max(width - LEFT_PX - RIGHT_PX, _LEAST_PX), max(height - top - _BOTTOM_PX, _LEAST_PX)
    axes.set_position((LEFT_PX / width, _BOTTOM_PX / height, inner[0] / width, inner[1] / height))
    axes.xaxis.set_major_locator(MaxNLocator(max(inner[0] // _TICK_PX, 1), integer=True, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="x", length=3, pad=2)
    axes.xaxis.label.set(ha="left", va="center")
    axes.xaxis.set_label_coords(1 + _LABEL_PX / inner[0], -11 / inner[1])
    return inner


def shorten(text: str, most: int = 15) -> str:
    """Return a name that fits into the left margin."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[len(text) - most // 2 :]}"


def _format_frame(frame: float, fps: float | None) -> str:
    if not fps or frame < 0:
        return f"{frame:g}"
    seconds = frame / fps
    if seconds < 10 and seconds % 1:
        return f"{frame:g} ({seconds:.3g} s)"
    return f"{frame:g} ({int(seconds) // 60}:{int(seconds) % 60:02d})"
