"""Whole figures of several plots, as the command draws them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.colors import category_color
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.clustering import Clusters, clusters
from napari_i3d.explore.components import principal_components
from napari_i3d.explore.embedding import DEFAULT_SEED, MapMethod, map_rows
from napari_i3d.explore.foote_novelty import novelty
from napari_i3d.explore.self_similarity import similarity_image
from napari_i3d.explore.standardize import standardize
from napari_i3d.features.features import Features
from napari_i3d.features.sequence import FeatureSequence
from napari_i3d.features.table import table_of_features
from napari_i3d.individuals import Id, Span
from napari_i3d.plots.contact_sheet import plot_contact_sheet
from napari_i3d.plots.embedding_map import MapColor, plot_map
from napari_i3d.plots.ethogram import plot_ethogram
from napari_i3d.plots.heat_map import plot_heat_map
from napari_i3d.plots.self_similarity import plot_self_similarity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Images = Callable[[Sequence[Span]], NDArray[np.uint8]]
"""Returns an image of each moment: (n, H, W, 3) uint8."""

_TYPICAL = 5
_IN_A_BLOCK = 5
_WIDTH = 9.0


class Kind(StrEnum):
    """Kind of figure."""

    HEATMAP = "heatmap"
    MAP = "map"
    SIMILARITY = "similarity"
    ETHOGRAM = "ethogram"


@dataclass(frozen=True, kw_only=True)
class FigureOptions:
    """Options of a figure.

    Parameters
    ----------
    kind
        The features over time, all rows as a map, the self-similarity with changes, or clusters over time.
    individuals
        Only these; None: all. Text also finds ids that are numbers.
    color
        Colors of a map; None: by cluster if there are images or a number of clusters, else by time.
    method
        Method of a map.
    clusters
        Number of clusters; None: chosen by silhouette.
    half_width_frames
        Half width of the kernel of novelty, in video frames; None: chosen by the length of the features, see
        `explore.novelty`.
    seed
        Seed of UMAP and clusters.
    """

    kind: Kind = Kind.HEATMAP
    individuals: tuple[Id, ...] | None = None
    color: MapColor | None = None
    method: MapMethod = MapMethod.PCA
    clusters: int | None = None
    half_width_frames: float | None = None
    seed: int = DEFAULT_SEED


def make_figure(features: Features, options: FigureOptions | None = None, images: Images | None = None) -> "Figure":
    """Draw a figure of features.

    Parameters
    ----------
    features
        Features of one video.
    options
        None: the defaults, a heat map of each individual.
    images
        Returns images of moments: typical ones of each cluster are shown beside a map and below an ethogram, evenly
        spaced
        ones below heat maps and self-similarity. None: no images.

    Raises
    ------
    FeaturesError
        No such individual, features that cannot be used, or a package is missing.
    """
    options = options or FigureOptions()
    chosen = _chosen(features, options.individuals)
    if not len(chosen):
        raise FeaturesError("no individual to draw: the features hold none")
    draw = {
        Kind.HEATMAP: _heat_maps,
        Kind.MAP: _map,
        Kind.SIMILARITY: _similarities,
        Kind.ETHOGRAM: _ethogram,
    }[Kind(options.kind)]
    return draw(chosen, options, images)


def _chosen(features: Features, individuals: tuple[Id, ...] | None) -> Features:
    if individuals is None:
        return features
    known = {str(individual): individual for individual in features} | {
        individual: individual for individual in features
    }
    unknown = [individual for individual in individuals if individual not in known]
    if unknown:
        there = ", ".join(map(str, features)) or "none"
        raise FeaturesError(f"no features of individual {unknown[0]!r}; there are: {there}")
    kept = [known[individual] for individual in individuals]

    def only(values: Mapping[Id, Any]) -> dict[Id, Any]:
        return {individual: values[individual] for individual in kept if individual in values}

    return replace(
        features,
        rows=only(features.rows),
        frames=only(features.frames),
        chunk_starts=only(features.chunk_starts),
        first_frame=only(features.first_frame),
        last_frame=only(features.last_frame),
    )


def _new_figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _heat_maps(features: Features, options: FigureOptions, images: Images | None) -> "Figure":
    del options
    ratios = [2.6] if images is None else [2.6, 1.5]
    figure = _new_figure(_WIDTH, 0.3 + (sum(ratios) + 0.3) * len(features))
    axes = figure.subplots(len(features) * len(ratios), height_ratios=ratios * len(features), squeeze=False)[:, 0]
    for number, individual in enumerate(features):
        plot_heat_map(features, individual, axes[number * len(ratios)])
        if images is not None:
            _moments(table_of_features(features, [individual]).sequences[0], images, axes[number * len(ratios) + 1], 8)
    return figure


def _similarities(features: Features, options: FigureOptions, images: Images | None) -> "Figure":
    # Taller than wide: the layout ignores the novelty above the matrix, whose aspect ratio is fixed.
    ratios = [7.4] if images is None else [7.4, 1.3]
    count = len(features)
    figure = _new_figure(6.6 * count, sum(ratios))
    axes = figure.subplots(len(ratios), count, height_ratios=ratios, squeeze=False)
    # Standardized over all individuals, as everywhere else.
    table = standardize(table_of_features(features))
    for number, sequence in enumerate(table.sequences):
        alone = replace(table, sequences=(sequence,))
        found = novelty(alone, options.half_width_frames)
        plot_self_similarity(similarity_image(alone), axes[0, number], novelty=found)
        if images is not None:
            _moments(sequence, images, axes[1, number], 6)
    return figure


def _moments(sequence: FeatureSequence, images: Images, ax: "Axes", count: int) -> None:
    """Show evenly spaced moments of an individual."""
    rows = np.unique(np.linspace(0, len(sequence) - 1, min(count, len(sequence))).round().astype(int))
    spans = [Span(sequence.video, sequence.individual, float(frame), float(frame)) for frame in sequence.frames[rows]]
    # Only the first title has room for a word.
    titles = [
        f"frame {span.middle_frame}" if not number else f"{span.middle_frame}" for number, span in enumerate(spans)
    ]
    plot_contact_sheet(images(spans), titles, ax, columns=count)


def _map(features: Features, options: FigureOptions, images: Images | None) -> "Figure":
    color = options.color
    if color is None:
        color = MapColor.CLUSTER if images is not None or options.clusters is not None else MapColor.TIME
    components = principal_components(table_of_features(features))
    shown = map_rows(components, options.method, seed=options.seed)
    needed = images is not None or color == MapColor.CLUSTER
    found = clusters(components, options.clusters, seed=options.seed) if needed else None
    labels = found.labels if found is not None and color == MapColor.CLUSTER else None
    if images is None or found is None:
        figure = _new_figure(7.5, 5.5)
        plot_map(shown, figure.subplots(), color=color, labels=labels)
        return figure
    blocks = 1 if found.count <= _IN_A_BLOCK else 2
    figure = _new_figure(13.5, max(5.5, 1.2 * -(-found.count // blocks) + 0.4))
    left, *sheets = figure.subplots(1, 1 + blocks, width_ratios=(1.3, *[1 / blocks] * blocks))
    plot_map(shown, left, color=color, labels=labels)
    _typical(found, images, sheets, _TYPICAL if blocks == 1 else _TYPICAL - 2)
    return figure


def _ethogram(features: Features, options: FigureOptions, images: Images | None) -> "Figure":
    table = table_of_features(features)
    found = clusters(table, options.clusters, seed=options.seed)
    lanes = 1.3 + 0.45 * max(len(table.sequences), 0.25 * found.count)
    if images is None:
        figure = _new_figure(_WIDTH, lanes)
        plot_ethogram(found.table, found.labels, figure.subplots())
        return figure
    sheet = 1.3 * found.count + 0.4
    figure = _new_figure(_WIDTH, lanes + sheet)
    upper, lower = figure.subplots(2, height_ratios=(lanes, sheet))
    plot_ethogram(found.table, found.labels, upper)
    _typical(found, images, [lower], _TYPICAL)
    return figure


def _typical(found: Clusters, images: Images, axes: "Sequence[Axes]", count: int) -> None:
    """Show typical moments of each cluster, one row each, with the clusters divided among the Axes."""
    moments = [found.typical(cluster, count) for cluster in range(found.count)]
    several = len({span.individual for row in moments for span in row}) > 1
    for ax, chosen in zip(axes, np.array_split(np.arange(found.count), len(axes)), strict=True):
        rows = [(cluster, moments[cluster]) for cluster in chosen.tolist()]
        spans = [span for _, row in rows for span in row]
        plot_contact_sheet(
            images(spans),
            [f"{span.name}, {span.middle_frame}" if several else f"frame {span.middle_frame}" for span in spans],
            ax,
            columns=[len(row) for _, row in rows],
            row_titles=[f"cluster {cluster}" for cluster, _ in rows],
            colors=[category_color(cluster) for cluster, row in rows for _ in row],
        )
    axes[0].set_title("Typical moments" + (" (individual, frame)" if several else ""), loc="left")
