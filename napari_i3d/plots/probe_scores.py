"""Figures of the scores of a probe: the confusion of behaviors, and the learning curve."""

from typing import TYPE_CHECKING

import numpy as np

from napari_i3d.errors import AnnotationError
from napari_i3d.plots.behavior_statistics import TRANSITION_COLORS
from napari_i3d.plots.style import UNTRAINED, current_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from napari_i3d.learning.scores import Evaluation

_MOST_NUMBERS = 12
"""With more behaviors, numbers in the cells would not be legible."""


def plot_confusion(evaluation: "Evaluation", ax: "Axes | None" = None) -> "Axes":
    """Draw which behavior the frames of each labelled one are predicted as.

    Parameters
    ----------
    evaluation
        From `learning.evaluate`.
    ax
        Where to draw; None: the current Axes of pyplot.

    Returns
    -------
    matplotlib.axes.Axes
        y: labelled behavior, with its number of frames. x: predicted behavior. Color and number: percent of the
        labelled frames.

    Raises
    ------
    AnnotationError
        There are no exclusive behaviors, which alone can be confused.
    """
    names = evaluation.confused
    if not names:
        raise AnnotationError("expected exclusive behaviors, which can be confused, found none")
    ax = current_axes(ax)
    counts = np.array([[evaluation.confusion.get((true, other), 0) for other in names] for true in names])
    totals = counts.sum(axis=1)
    shares = np.where(totals[:, None] > 0, 100 * counts / np.maximum(totals, 1)[:, None], np.nan)
    image = ax.imshow(shares, cmap=TRANSITION_COLORS, vmin=0, vmax=100)
    bar = ax.figure.colorbar(image, ax=ax, label="labelled frames, %", shrink=0.8)
    bar.outline.set_visible(False)
    if len(names) <= _MOST_NUMBERS:
        for row, column in np.argwhere(counts > 0).tolist():
            color = "black" if shares[row, column] > 50 else "white"
            ax.text(column, row, f"{shares[row, column]:.0f}", ha="center", va="center", color=color)
    titles = [name or "(none)" for name in names]
    rows = [f"{name} ({total})" for name, total in zip(titles, totals.tolist(), strict=True)]
    ax.set_yticks(range(len(names)), rows)
    ax.set_xticks(range(len(names)), titles, rotation=45, ha="right", rotation_mode="anchor")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_ylabel("labelled behavior (frames)")
    ax.set_xlabel("predicted behavior")
    ax.set_title(_title("Confusion", evaluation), loc="left")
    return ax


def plot_learning_curve(evaluation: "Evaluation", ax: "Axes | None" = None) -> "Axes":
    """Draw the macro F1 by the number of bouts trained on, beside what chance gives.

    Parameters
    ----------
    evaluation
        From `learning.evaluate`.
    ax
        Where to draw; None: the current Axes of pyplot.

    Returns
    -------
    matplotlib.axes.Axes
        x: bouts trained on, each tick twice the one before. y: macro F1 of frames that were held back.
    """
    ax = current_axes(ax)
    bouts, scores = zip(*evaluation.learning_curve, strict=True)
    ax.plot(bouts, scores, marker="o", color="#0072b2", label="probe")
    ax.axhline(evaluation.shuffled_macro_f1, color="#d55e00", linestyle="--", label="bouts in a random order")
    ax.axhline(evaluation.majority_macro_f1, color="#555555", linestyle=":", label="most frequent behavior")
    ax.set_xscale("log", base=2)
    ax.set_xticks(bouts, [str(number) for number in bouts])
    ax.minorticks_off()
    ax.set_ylim(0, 1)
    ax.set_xlabel("bouts trained on")
    ax.set_ylabel(f"macro F1, {evaluation.fold_unit}s held back")
    ax.spines[["right", "top"]].set_visible(False)
    ax.legend(frameon=False, loc="best")
    ax.set_title(_title("Learning curve", evaluation), loc="left")
    return ax


def scores_figure(evaluation: "Evaluation") -> "Figure":
    """Return a figure of the learning curve, and of the confusion if there are exclusive behaviors."""
    from matplotlib.figure import Figure

    wide = 1.6 + 0.55 * len(evaluation.confused)
    figure = Figure(figsize=(5 + max(wide, 3.5) if evaluation.confused else 5, max(4.0, wide)), layout="constrained")
    if evaluation.confused:
        left, right = figure.subplots(1, 2, width_ratios=(max(wide, 3.5), 4.5))
        plot_confusion(evaluation, left)
    else:
        right = figure.subplots()
    plot_learning_curve(evaluation, right)
    return figure


def _title(text: str, evaluation: "Evaluation") -> str:
    trained = evaluation.provenance.get("source", {}).get("trained", True)
    return text if trained else f"{text}\n({UNTRAINED})"
