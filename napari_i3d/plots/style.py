"""What figures have in common: colors, the axis of time, the words about untrained weights."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_i3d.features.table import FeatureTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

from napari_i3d._utils.colors import CATEGORY_COLORS

HATCHES = ("", "////", "....", "xxxx")
MARKERS = ("o", "^", "s", "D")


def category_round(number: int) -> int:
    """Return how often the colors began anew before this number: which hatch or marker it has."""
    return number // len(CATEGORY_COLORS) % len(HATCHES)


@dataclass(frozen=True)
class Scale:
    """A factor, as a function that matplotlib can apply to an axis."""

    factor: float

    def __call__(self, values: Any) -> Any:
        """Return values times the factor."""
        return values * self.factor


def add_seconds(ax: "Axes", fps: float | None) -> None:
    """Show the time in seconds at the upper edge of Axes whose x is the video frame; without a rate, nothing."""
    if fps:
        seconds = ax.secondary_xaxis("top", functions=(Scale(1 / fps), Scale(fps)))
        seconds.set_xlabel(f"time at {fps:g} frames/s, s")


def common_fps(table: FeatureTable) -> float | None:
    """Return the frames a second that all videos of a table have; None where they differ or are not known."""
    rates = {sequence.fps for sequence in table.sequences}
    return rates.pop() if len(rates) == 1 else None


def with_warning(title: str, table: FeatureTable) -> str:
    """Return a title that says so where weights were untrained."""
    if table.trained:
        return title
    return f"{title} (untrained weights: no meaning)" if title else "untrained weights: no meaning"
