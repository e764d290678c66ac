"""Time budgets of individuals, and transitions between behaviors."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.statistics import Transitions, time_budgets
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, format_id
from napari_i3d.plots.bouts import bar_style, thin_lanes
from napari_i3d.plots.style import current_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRANSITION_COLORS = "cividis"
_HEIGHT = 0.7
_THIN = 0.3
_NO_BEHAVIOR: dict[str, Any] = {"facecolor": "none", "edgecolor": "#8c8c8c", "linewidth": 0.8}


def plot_time_budget(
    annotation: Annotation, ax: "Axes | None" = None, *, individuals: Iterable[Id] | None = None
) -> "Axes":
    """Draw a bar for each individual, divided into the behaviors that it shows in its assessed time.

    Exclusive behaviors are stacked, with the time of none of them as the rest; each other behavior, which can be shown
    at the same time, has a thin bar of its own below.

    Parameters
    ----------
    annotation
        The annotation.
    ax
        Where to draw; None: the current Axes of pyplot.
    individuals
        Who; None: all that were assessed.

    Returns
    -------
    matplotlib.axes.Axes
        x: share of the assessed frames in percent. y: individual.

    Raises
    ------
    AnnotationError
        No individual was assessed.
    """
    wanted = None if individuals is None else set(individuals)
    budgets = [one for one in time_budgets(annotation) if wanted is None or one.individual in wanted]
    if not budgets:
        raise AnnotationError("expected individuals that were assessed, found none")
    ax = current_axes(ax)
    extra = thin_lanes(annotation, [one.individual for one in budgets])
    block = 1 + _THIN * len(extra)
    shown = set()
    for number, budget in enumerate(budgets):
        left = 0.0
        for name, frames in budget.frames.items():
            share = 100 * frames / budget.assessed_frames
            if not share:
                continue
            shown.add(name)
            if name in extra:
                y = number * block + _HEIGHT + _THIN * (extra.index(name) + 0.55)
                ax.barh(y, share, _THIN * 0.8, **bar_style(annotation.ethogram, name))
            else:
                ax.barh(number * block + _HEIGHT / 2, share, _HEIGHT, left, **bar_style(annotation.ethogram, name))
                left += share
        ax.barh(number * block + _HEIGHT / 2, max(100 - left, 0), _HEIGHT, left, **_NO_BEHAVIOR)
    ax.set_yticks(
        [number * block + (block - 1 + _HEIGHT) / 2 for number in range(len(budgets))],
        [format_id(one.individual) for one in budgets],
    )
    ax.set_ylim(len(budgets) * block - 0.15, -0.15)
    ax.set_xlim(0, 100)
    ax.tick_params(axis="y", length=0)
    ax.spines[["left", "right", "top"]].set_visible(False)
    ax.set_xlabel("share of the assessed time, %")
    ax.set_ylabel("individual")
    _add_legend(annotation, shown, ax)
    ax.set_title("Time budget", loc="left")
    return ax


def _add_legend(annotation: Annotation, shown: set[str], ax: "Axes") -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(**bar_style(annotation.ethogram, name), label=name) for name in annotation.ethogram if name in shown
    ]
    handles.append(Patch(**_NO_BEHAVIOR, label="none of them"))
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, borderaxespad=0.3)


def plot_transitions(transitions: Transitions, ax: "Axes | None" = None) -> "Axes":
    """Draw how often behaviors follow each other.

    Parameters
    ----------
    transitions
        From `behavior_transitions`.
    ax
        Where to draw; None: the current Axes of pyplot.

    Returns
    -------
    matplotlib.axes.Axes
        y: behavior, with its number of transitions. x: the next one. Color: probability; number: count. Blank: never.

    Raises
    ------
    AnnotationError
        There are no behaviors.
    """
    if not transitions.behaviors:
        raise AnnotationError("expected transitions between behaviors, found no behaviors")
    ax = current_axes(ax)
    probabilities = np.where(transitions.counts > 0, transitions.probabilities, np.nan)
    image = ax.imshow(probabilities, cmap=TRANSITION_COLORS, vmin=0, vmax=1)
    bar = ax.figure.colorbar(image, ax=ax, label="probability that it follows", shrink=0.8)
    bar.outline.set_visible(False)
    for row, column in np.argwhere(transitions.counts > 0).tolist():
        color = "black" if probabilities[row, column] > 0.5 else "white"
        ax.text(column, row, f"{transitions.counts[row, column]}", ha="center", va="center", color=color)
    totals = transitions.counts.sum(axis=1).tolist()
    names = transitions.behaviors
    ax.set_yticks(range(len(names)), [f"{name} ({total})" for name, total in zip(names, totals, strict=True)])
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_ylabel("behavior (transitions)")
    ax.set_xlabel(f"next behavior, at most {transitions.max_gap_frames} frames later")
    ax.set_title("Transitions", loc="left")
    return ax
