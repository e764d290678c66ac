"""Figures of features and annotations on matplotlib Axes, for notebooks, the command and the viewer.

Each function takes ``ax=None`` (the current Axes of pyplot), returns the Axes, and labels them with units.
"""

from napari_i3d._utils.colors import CATEGORY_COLORS, category_color
from napari_i3d.plots.behavior_statistics import plot_time_budget, plot_transitions
from napari_i3d.plots.bouts import plot_bouts
from napari_i3d.plots.contact_sheet import plot_contact_sheet
from napari_i3d.plots.embedding_map import MapColor, plot_map
from napari_i3d.plots.ethogram import plot_ethogram
from napari_i3d.plots.figures import FigureOptions, Kind, make_figure
from napari_i3d.plots.heat_map import (
    COLOR_MAP,
    RowAxis,
    draw_heat_map,
    fill_heat_map,
    label_heat_map,
    plot_heat_map,
    row_axis,
    save_heat_map,
    scale_label,
    set_scale_ticks,
    title_of,
)
from napari_i3d.plots.probe_scores import plot_confusion, plot_learning_curve, scores_figure
from napari_i3d.plots.save import save_figure
from napari_i3d.plots.self_similarity import plot_self_similarity

__all__ = [
    "CATEGORY_COLORS",
    "COLOR_MAP",
    "FigureOptions",
    "Kind",
    "MapColor",
    "RowAxis",
    "category_color",
    "draw_heat_map",
    "fill_heat_map",
    "label_heat_map",
    "make_figure",
    "plot_bouts",
    "plot_confusion",
    "plot_contact_sheet",
    "plot_ethogram",
    "plot_heat_map",
    "plot_learning_curve",
    "plot_map",
    "plot_self_similarity",
    "plot_time_budget",
    "plot_transitions",
    "row_axis",
    "save_figure",
    "save_heat_map",
    "scale_label",
    "scores_figure",
    "set_scale_ticks",
    "title_of",
]
