"""Clusters, or other labels, of each individual over time."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.colors import category_color
from napari_i3d.explore.label_runs import LabelRun, label_runs
from napari_i3d.features.table import FeatureTable
from napari_i3d.plots.style import HATCHES, add_seconds, category_round, common_fps, current_axes, with_warning

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEIGHT = 0.8
_LEGEND_ROWS = 10


def plot_ethogram(
    table: FeatureTable,
    labels: NDArray[np.integer],
    ax: "Axes | None" = None,
    *,
    names: dict[int, str] | None = None,
) -> "Axes":
    """Draw a lane for each individual, colored by the cluster, or any other label, of its rows.

    Parameters
    ----------
    table
        The rows.
    labels : (N,) integers
        The label of each row, from 0.
    ax
        Where to draw; None: the current Axes of pyplot.
    names
        Names of labels, by number.

    Returns
    -------
    matplotlib.axes.Axes
        x: video frame, and time in seconds if all videos have the same rate. y: individual of each video. Missing
        frames
        are blank.
    """
    found = label_runs(table, labels)
    ax = current_axes(ax)
    lanes = {(sequence.video, sequence.individual): lane for lane, sequence in enumerate(table.sequences)}
    steps = [sequence.step_frames for sequence in table.sequences]
    groups: dict[tuple[int, int], list[LabelRun]] = {}
    for run in found:
        groups.setdefault((lanes[run.video, run.individual], run.label), []).append(run)
    for (lane, label), runs in groups.items():
        ax.broken_barh(
            [(run.first_frame - steps[lane] / 2, run.frames) for run in runs],
            (lane - _HEIGHT / 2, _HEIGHT),
            facecolors=category_color(label),
            hatch=HATCHES[category_round(label)] or None,
            edgecolor="black" if category_round(label) else "none",
            linewidth=0,
        )
    _label(table, labels, ax, names or {})
    return ax


def _label(table: FeatureTable, labels: NDArray[np.integer], ax: "Axes", names: dict[int, str]) -> None:
    from matplotlib.patches import Patch

    ax.set_yticks(range(len(table.sequences)), [sequence.name for sequence in table.sequences])
    ax.set_ylim(len(table.sequences) - 0.5, -0.5)
    ax.set_xlim(
        min(sequence.frames[0] - sequence.step_frames / 2 for sequence in table.sequences),
        max(sequence.frames[-1] + sequence.step_frames / 2 for sequence in table.sequences),
    )
    ax.tick_params(axis="y", length=0)
    ax.spines[["left", "right", "top"]].set_visible(False)
    ax.set_xlabel("video frame")
    ax.set_ylabel("individual")
    add_seconds(ax, common_fps(table))
    handles = []
    for number, count in zip(*(values.tolist() for values in np.unique(labels, return_counts=True)), strict=True):
        name = names.get(number, f"cluster {number}")
        handles.append(
            Patch(
                facecolor=category_color(number),
                hatch=HATCHES[category_round(number)] or None,
                label=f"{name} ({count / len(labels):.0%})",
            )
        )
    ax.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        frameon=False,
        borderaxespad=0.3,
        ncols=-(-len(handles) // _LEGEND_ROWS),
    )
    ax.set_title(with_warning("Ethogram", table), loc="left")
