"""Scores of a probe: which behaviors it confuses, and how much more labels help."""

from typing import TYPE_CHECKING

import numpy as np

from napari_i3d.errors import AnnotationError
from napari_i3d.plots.style import current_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from napari_i3d.learning import Evaluation

_COLORS = "cividis"
_CURVE, _MAJORITY, _CHANCE = "#4477aa", "#999933", "#8c8c8c"


def plot_confusion(evaluation: "Evaluation", ax: "Axes | None" = None) -> "Axes":
    """Draw how many frames of each exclusive behavior were predicted as which.

    Parameters
    ----------
    evaluation
        From `napari_i3d.learning.evaluate`.
    ax
        Where to draw; None: the current Axes of pyplot.

    Returns
    -------
    matplotlib.axes.Axes
        y: labelled behavior, with its number of frames. x: predicted behavior. Color: share of the labelled frames.

    Raises
    ------
    AnnotationError
        There are no exclusive behaviors.
    """
    names = list(dict.fromkeys(name for pair in evaluation.confusion for name in pair))
    if not names:
        raise AnnotationError("expected exclusive behaviors, which can be confused, found none")
    ax = current_axes(ax)
    counts = np.array([[evaluation.confusion.get((one, other), 0) for other in names] for one in names])
    totals = counts.sum(axis=1)
    shares = counts / np.maximum(totals, 1)[:, None]
    ax.imshow(np.where(counts > 0, shares, np.nan), cmap=_COLORS, vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(counts > 0).tolist():
        color = "black" if shares[row, column] > 0.5 else "white"
        ax.text(column, row, f"{shares[row, column]:.0%}", ha="center", va="center", color=color, fontsize="small")
    shown = [name or "(none)" for name in names]
    ax.set_yticks(
        range(len(names)), [f"{name} ({total:,})" for name, total in zip(shown, totals.tolist(), strict=True)]
    )
    ax.set_xticks(range(len(names)), shown, rotation=45, ha="right", rotation_mode="anchor")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_ylabel("labelled (frames)")
    ax.set_xlabel("predicted")
    ax.set_title("Labelled and predicted frames", loc="left")
    return ax


def plot_learning_curve(evaluation: "Evaluation", ax: "Axes | None" = None) -> "Axes":
    """Draw the mean F1 of probes trained on few bouts up to all, beside what chance gives.

    Parameters
    ----------
    evaluation
        From `napari_i3d.learning.evaluate`.
    ax
        Where to draw; None: the current Axes of pyplot.

    Returns
    -------
    matplotlib.axes.Axes
        x: number of bouts that the probes were trained on. y: mean F1 of frames over behaviors.
    """
    ax = current_axes(ax)
    bouts, scores = zip(*evaluation.learning_curve, strict=True)
    ax.axhline(evaluation.majority_macro_f1, color=_MAJORITY, linestyle="--", label="most frequent")
    ax.axhline(evaluation.shuffled_macro_f1, color=_CHANCE, linestyle=":", label="random order")
    ax.plot(bouts, scores, marker="o", color=_CURVE, label="probe")
    ax.set_xlim(left=0)
    ax.set_ylim(0, 1.05)
    ax.spines[["right", "top"]].set_visible(False)
    ax.set_xlabel("bouts trained on")
    ax.set_ylabel("macro F1")
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.45, -0.3), ncols=3, frameon=False, columnspacing=1.0, handlelength=1.5
    )
    ax.set_title("What more labels bring", loc="left")
    return ax
