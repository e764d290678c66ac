"""Features of an individual over time, as a heat map."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_i3d.explore.heat_map_data import Content, HeatMap, HeatMapOptions, MapImage, Order, Scale, heat_map
from napari_i3d.features.features import Features
from napari_i3d.individuals import Id, format_id
from napari_i3d.plots.save import save_figure
from napari_i3d.plots.style import UNTRAINED, add_seconds, current_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.image import AxesImage

COLOR_MAP = "cividis"
"""Even in lightness, and safe for color vision deficiency."""

_MOST_COLUMNS = 4000
"""More than any figure has pixels; matplotlib would keep and resample all of them."""


def plot_heat_map(
    features: Features,
    individual: Id,
    ax: "Axes | None" = None,
    max_features: int = 200,
    options: HeatMapOptions | None = None,
    limits: tuple[float, float] | None = None,
) -> "Axes":
    """Draw features of an individual over time; by default the most variable ones, standardized.

    Parameters
    ----------
    features
        From `extract_features` or `read_features`.
    individual
        The individual.
    ax
        Where to draw; None: the current Axes of pyplot.
    max_features
        Maximum number of features.
    options
        Content, order and scale; their count replaces `max_features`.
    limits
        Limits of the x axis; None: all rows.

    Returns
    -------
    matplotlib.axes.Axes
        x: video frame, or row if the frames are unknown. y: feature, or principal component.
    """
    ax = current_axes(ax)
    shown = heat_map(features[individual], options or HeatMapOptions(count=max_features))
    _fill(ax, features, individual, shown, limits)
    return ax


@dataclass(frozen=True)
class RowAxis:
    """Positions of rows on the x axis, evenly spaced as extractions make them.

    Attributes
    ----------
    first, step
        Video frame of the first row, and frames from one row to the next; 0 and 1 if frames are unknown.
    rows
        Number of rows.
    known
        Whether the frames are known.
    """

    first: float
    step: float
    rows: int
    known: bool

    @property
    def limits(self) -> tuple[float, float]:
        """Left edge of the first row and right edge of the last."""
        return self.edge(0), self.edge(self.rows)

    def edge(self, row: int) -> float:
        """Return the left edge of a row."""
        return self.first + (row - 0.5) * self.step

    def row_range(self, left: float, right: float) -> tuple[int, int]:
        """Return the half-open range of rows that are visible, at least in part, between two positions."""
        first = math.floor((left - self.first) / self.step + 0.5)
        stop = math.ceil((right - self.first) / self.step + 0.5)
        return max(0, min(first, self.rows)), max(0, min(stop, self.rows))


def row_axis(features: Features, individual: Id) -> RowAxis:
    """Return the positions of an individual's rows; unevenly spaced rows count as unknown."""
    rows = len(features[individual])
    frames = features.frames.get(individual)
    if frames is None or not rows:
        return RowAxis(0.0, 1.0, rows, known=False)
    step = float(frames[-1] - frames[0]) / (rows - 1) if rows > 1 else 1.0
    if step <= 0 or not np.allclose(frames, frames[0] + step * np.arange(rows), rtol=0, atol=0.01 * step):
        return RowAxis(0.0, 1.0, rows, known=False)
    return RowAxis(float(frames[0]), step, rows, known=True)


def _fill(
    ax: "Axes", features: Features, individual: Id, shown: HeatMap, limits: tuple[float, float] | None = None
) -> None:
    axis = row_axis(features, individual)
    limits = limits or axis.limits
    first, stop = axis.row_range(*limits)
    image = draw_heat_map(shown, axis, ax)
    if first < stop:
        fill_heat_map(image, shown.image(first, stop, _MOST_COLUMNS), axis)
    ax.set_xlim(limits)
    ax.set_ylim(max(len(shown.lines), 1), 0)
    label_heat_map(features, individual, shown, ax)
    bar = ax.figure.colorbar(image, ax=ax, label=scale_label(shown), extend="both")
    bar.outline.set_visible(False)
    set_scale_ticks(bar)


def draw_heat_map(shown: HeatMap, axis: RowAxis, ax: "Axes") -> "AxesImage":
    """Add the image of a heat map, still without data, to Axes; see `HeatMap.image`."""
    lines = max(len(shown.lines), 1)
    image = ax.imshow(
        np.zeros((lines, 1), np.float32),
        aspect="auto",
        origin="upper",
        cmap=COLOR_MAP,
        vmin=shown.low,
        vmax=shown.high,
        interpolation="nearest",
        extent=(*axis.limits, lines, 0),
    )
    ax.set_yticks([])
    return image


def fill_heat_map(image: "AxesImage", part: MapImage, axis: RowAxis) -> None:
    """Show a part of a heat map in the image of `draw_heat_map`, at the places of its rows."""
    image.set_data(part.values)
    image.set_extent((axis.edge(part.first), axis.edge(part.stop), max(len(part.values), 1), 0))


def label_heat_map(features: Features, individual: Id, shown: HeatMap, ax: "Axes") -> None:
    """Label the Axes with title, frames or rows, and time if it is known."""
    axis = row_axis(features, individual)
    ax.set_title(title_of(features, individual), loc="left")
    ax.set_xlabel("video frame" if axis.known else "row (its frame is not known)")
    ax.set_ylabel(_line_label(shown))
    if axis.known:
        add_seconds(ax, features.fps)


def scale_label(shown: HeatMap) -> str:
    """Return the label of the color scale."""
    if shown.options.scale == Scale.STANDARDIZED:
        return "standard deviations\nfrom the mean"
    return "score" if shown.options.content == Content.COMPONENTS else "feature value"


def _line_label(shown: HeatMap) -> str:
    if shown.options.content == Content.COMPONENTS:
        return "principal component"
    order = {Order.SIMILARITY: "similar together", Order.VARIABILITY: "by variability", Order.FILE: "as in the file"}
    return f"feature, {order[shown.options.order]}"


def set_scale_ticks(bar: "Colorbar") -> None:
    """Give a color bar a few round numbers."""
    from matplotlib.ticker import MaxNLocator

    bar.locator = MaxNLocator(nbins=4, steps=[1, 2, 5, 10])
    bar.update_ticks()


def save_heat_map(
    features: Features, individual: Id, shown: HeatMap, path: str | Path, limits: tuple[float, float] | None = None
) -> None:
    """Draw one heat map, or the part of it within limits of the x axis, and save it as PNG, SVG or PDF.

    Raises
    ------
    OutputError
        The file cannot be written, or its ending is not that of a format.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    _fill(figure.subplots(), features, individual, shown, limits)
    save_figure(figure, path)


def title_of(features: Features, individual: Id) -> str:
    """Return the title of an individual: its id, and a warning if the weights are untrained."""
    name = format_id(individual)
    trained = features.provenance.get("weights", {}).get("trained", True)
    return name if trained else f"{name} ({UNTRAINED})"
