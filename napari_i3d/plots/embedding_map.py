"""The map of all rows as points."""

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.colors import category_color
from napari_i3d._utils.text import counted
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.embedding import Map, MapMethod
from napari_i3d.plots.style import MARKERS, category_round, with_warning

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TIME_COLORS = "viridis"


class MapColor(StrEnum):
    """What the colors of a map stand for."""

    TIME = "time"
    INDIVIDUAL = "individual"
    CLUSTER = "cluster"


def plot_map(
    shown: Map,
    ax: "Axes | None" = None,
    *,
    color: MapColor | str = MapColor.TIME,
    labels: NDArray[np.integer] | None = None,
    names: dict[int, str] | None = None,
) -> "Axes":
    """Draw a map of rows, a point for each.

    Parameters
    ----------
    shown
        From `explore.map_rows`.
    ax
        Where to draw; None: the current Axes of pyplot.
    color
        By ``"time"`` (the video frame), ``"individual"`` (of each video) or ``"cluster"``.
    labels : (N,) integers
        The cluster of each row, from 0; needed for, and only for, ``"cluster"``.
    names
        What clusters are called; by number.

    Returns
    -------
    matplotlib.axes.Axes
        x, y: scores on principal components, in standard deviations of a feature, or the axes of UMAP, without unit.
    """
    if color not in list(MapColor):
        raise FeaturesError(f"color {color!r}: expected one of {', '.join(MapColor)}")
    if (color == MapColor.CLUSTER) != (labels is not None):
        raise FeaturesError("labels: expected for the color 'cluster', and only for that")
    if labels is not None and labels.shape != (len(shown.table),):
        raise FeaturesError(f"expected a label for each of {len(shown.table)} rows, found shape {labels.shape}")
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.gca()
    if color == MapColor.TIME:
        _by_time(shown, ax)
    elif labels is not None:
        _by_category(shown, ax, labels, {n: (names or {}).get(n, f"cluster {n}") for n in np.unique(labels).tolist()})
    else:
        _by_category(shown, ax, shown.table.part_of_row, {n: p.name for n, p in enumerate(shown.table.sequences)})
    _label(shown, ax)
    return ax


def point_size(count: int) -> float:
    """Return the area of a point, in square points: smaller the more there are."""
    return float(np.clip(6000 / max(count, 1), 1.5, 22))


def _by_time(shown: Map, ax: "Axes") -> None:
    points = ax.scatter(
        shown.points[:, 0],
        shown.points[:, 1],
        c=shown.table.frames,
        cmap=TIME_COLORS,
        s=point_size(len(shown.points)),
        linewidths=0,
        rasterized=True,
    )
    bar = ax.figure.colorbar(points, ax=ax, label="video frame")
    bar.outline.set_visible(False)


def _by_category(shown: Map, ax: "Axes", categories: NDArray[np.integer], names: dict[int, str]) -> None:
    # In an order drawn at random: else the last category would hide the others.
    order = np.random.default_rng(0).permutation(len(categories))
    for marker_round in sorted({category_round(number) for number in names}):
        rows = order[(categories[order] // 8 % len(MARKERS)) == marker_round]
        ax.scatter(
            shown.points[rows, 0],
            shown.points[rows, 1],
            c=[category_color(number) for number in categories[rows].tolist()],
            marker=MARKERS[marker_round],
            s=point_size(len(shown.points)),
            linewidths=0,
            rasterized=True,
        )
    for number, name in names.items():
        marker = MARKERS[category_round(number)]
        ax.scatter([], [], c=category_color(number), marker=marker, s=30, linewidths=0, label=name)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, borderaxespad=0.3, handletextpad=0.2)


def _label(shown: Map, ax: "Axes") -> None:
    if shown.explained is not None:
        for axis, number, share in ((ax.xaxis, 1, shown.explained[0]), (ax.yaxis, 2, shown.explained[1])):
            axis.set_label_text(f"principal component {number} ({share:.0%} of the variance)")
    else:
        ax.set_xlabel("UMAP 1 (no unit)")
        ax.set_ylabel("UMAP 2 (no unit)")
        ax.set_xticks([])
        ax.set_yticks([])
    ax.set_aspect("equal", adjustable="datalim")
    method = "Principal components" if shown.method == MapMethod.PCA else "UMAP"
    ax.set_title(with_warning(f"{method} of {counted(len(shown.points), 'row')}", shown.table), loc="left")
