"""Common to figures: hatches and markers, the time axis, the warning about untrained weights."""

import operator
from functools import partial
from typing import TYPE_CHECKING

from napari_i3d._utils.colors import CATEGORY_COLORS
from napari_i3d.features.table import FeatureTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

UNTRAINED = "untrained weights: no meaning"
HATCHES = ("", "////", "....", "xxxx")
MARKERS = ("o", "^", "s", "D")


def category_round(number: int) -> int:
    """Return how often the colors repeated before this number, which selects the hatch or marker."""
    return number // len(CATEGORY_COLORS) % len(HATCHES)


def current_axes(ax: "Axes | None") -> "Axes":
    """Return the Axes given, or the current ones of pyplot."""
    if ax is None:
        import matplotlib.pyplot as plt

        return plt.gca()
    return ax


def add_seconds(ax: "Axes", fps: float | None) -> None:
    """Show the time in seconds at the upper edge of Axes whose x is the video frame; nothing without a rate."""
    if fps:
        seconds = ax.secondary_xaxis("top", functions=(partial(operator.mul, 1 / fps), partial(operator.mul, fps)))
        seconds.set_xlabel(f"time at {fps:g} frames/s, s")


def common_fps(table: FeatureTable) -> float | None:
    """Return the frame rate that all videos of a table share; None if they differ or it is unknown."""
    rates = {sequence.fps for sequence in table.sequences}
    return rates.pop() if len(rates) == 1 else None


def with_warning(title: str, table: FeatureTable) -> str:
    """Return a title, with a warning if weights were untrained."""
    return title if table.trained else f"{title} ({UNTRAINED})"
