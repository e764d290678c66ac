"""Maps: all rows as points."""

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.colors import category_color, colors_of
from napari_i3d._utils.text import counted
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.embedding import Map, MapMethod
from napari_i3d.features.sequence import FeatureSequence
from napari_i3d.features.table import FeatureTable
from napari_i3d.individuals import Id
from napari_i3d.plots.style import MARKERS, category_round, current_axes, with_warning

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TIME_COLORS = "viridis"


class MapColor(StrEnum):
    """Meaning of the colors of a map."""

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
    individual_color: Callable[[FeatureSequence], str] | None = None,
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
        Names of clusters, by number.
    individual_color
        Returns the color of an individual, ``#rrggbb``, for ``"individual"``; None: the viewer's colors for a tracking
        of
        the same individuals.

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
    ax = current_axes(ax)
    if color == MapColor.TIME:
        _by_time(shown, ax)
    elif labels is not None:
        found = np.unique(labels).tolist()
        styles = {n: (category_color(n), MARKERS[category_round(n)]) for n in found}
        _by_category(shown, ax, labels, styles, {n: (names or {}).get(n, f"cluster {n}") for n in found})
    else:
        sequences = shown.table.sequences
        colors = individual_colors(shown.table) if individual_color is None else [*map(individual_color, sequences)]
        # Individuals that share a color differ by marker.
        markers = [MARKERS[colors[:n].count(color) % len(MARKERS)] for n, color in enumerate(colors)]
        styles = dict(enumerate(zip(colors, markers, strict=True)))
        _by_category(shown, ax, shown.table.sequence_of_row, styles, {n: s.name for n, s in enumerate(sequences)})
    _label(shown, ax)
    return ax


def point_size(count: int) -> float:
    """Return the area of a point in square points, which shrinks with their number."""
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


def individual_colors(table: FeatureTable) -> list[str]:
    """Return the color of the individual of each sequence of a table, as the viewer colors its box."""
    videos: dict[str, list[Id]] = {}
    for sequence in table.sequences:
        videos.setdefault(sequence.video, []).append(sequence.individual)
    colors = {video: colors_of(individuals) for video, individuals in videos.items()}
    return [colors[sequence.video][sequence.individual] for sequence in table.sequences]


def _by_category(
    shown: Map, ax: "Axes", categories: NDArray[np.integer], styles: dict[int, tuple[str, str]], names: dict[int, str]
) -> None:
    """Draw each category in its style, a color and a marker."""
    # In random order, so that the last category does not hide the others.
    order = np.random.default_rng(0).permutation(len(categories))
    marker_of = np.array([styles[number][1] for number in categories.tolist()])
    for marker in MARKERS:
        rows = order[marker_of[order] == marker]
        if not len(rows):
            continue
        ax.scatter(
            shown.points[rows, 0],
            shown.points[rows, 1],
            c=[styles[number][0] for number in categories[rows].tolist()],
            marker=marker,
            s=point_size(len(shown.points)),
            linewidths=0,
            rasterized=True,
        )
    for number, name in names.items():
        color, marker = styles[number]
        ax.scatter([], [], c=color, marker=marker, s=30, linewidths=0, label=name)
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
