"""Figures of features, drawn on matplotlib Axes: for notebooks, the command and the viewer alike."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.features.model import Features, Id
from napari_i3d.files import atomic_writer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOUR_MAP = "cividis"
"""Even in lightness, and the same to people with a colour vision deficiency."""

_Z_LIMIT = 2.5


def plot_heat_map(features: Features, individual: Id, ax: "Axes | None" = None, max_features: int = 200) -> "Axes":
    """Draw the most variable features of an individual over time, each standardised to mean 0 and deviation 1.

    Features that rise and fall together lie together: rows are in the order of their weights in the first principal
    component.

    Parameters
    ----------
    features
        From `extract_features` or `read_features`.
    individual
        Whose.
    ax
        Where to draw; None: the current Axes of pyplot.
    max_features
        Number of features shown.

    Returns
    -------
    matplotlib.axes.Axes
        x: video frame, or row where the frames are not known. y: feature.
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.gca()
    shown = most_variable(features[individual], max_features)
    frames = features.frames.get(individual)
    first, last = (0.0, len(shown) - 1.0) if frames is None else (float(frames[0]), float(frames[-1]))
    half_step = (last - first) / max(len(shown) - 1, 1) / 2 or 0.5
    image = ax.imshow(
        shown.T,
        aspect="auto",
        origin="lower",
        cmap=COLOUR_MAP,
        vmin=-_Z_LIMIT,
        vmax=_Z_LIMIT,
        interpolation="nearest",
        extent=(first - half_step, last + half_step, 0, shown.shape[1]),
    )
    ax.set_title(title_of(features, individual), loc="left")
    ax.set_xlabel("row" if frames is None else "video frame")
    ax.set_ylabel("feature, sorted")
    ax.set_yticks([])
    bar = ax.figure.colorbar(image, ax=ax, label="standard deviations\nfrom the mean", ticks=[-2, 0, 2], extend="both")
    bar.outline.set_visible(False)
    if features.fps and frames is not None:
        fps = features.fps
        seconds = ax.secondary_xaxis("top", functions=(_Scale(1 / fps), _Scale(fps)))
        seconds.set_xlabel(f"time at {fps:g} frames/s, s")
    return ax


@dataclass(frozen=True)
class _Scale:
    """A factor, as a function that matplotlib can apply to an axis."""

    factor: float

    def __call__(self, values: Any) -> Any:
        return values * self.factor


def plot_heat_maps(features: Features, max_features: int = 200) -> "Figure":
    """Draw the heat map of every individual into a new figure, one below the other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.6 + 2.6 * len(features)), layout="constrained")
    for ax, individual in zip(figure.subplots(len(features), squeeze=False)[:, 0], features, strict=True):
        plot_heat_map(features, individual, ax, max_features)
    return figure


def save_heat_maps(features: Features, path: str | Path) -> None:
    """Draw the heat map of every individual and save the figure; the ending of `path` tells the format.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    path = Path(path)
    with atomic_writer(path) as file:
        plot_heat_maps(features).savefig(file, format=path.suffix.lstrip(".") or "png", dpi=120)


def title_of(features: Features, individual: Id) -> str:
    """Return what a figure says above an individual: its id, and that the weights are untrained where they are."""
    name = str(individual) if individual != "" else "whole picture"
    trained = features.provenance.get("weights", {}).get("trained", True)
    return name if trained else f"{name} (untrained weights: no meaning)"


def most_variable(rows: NDArray[np.float32], count: int) -> NDArray[np.float64]:
    """Return the features of largest variance, standardised, similar ones side by side.

    Parameters
    ----------
    rows : (N, D) float32
    count
        How many at most; constant features are never among them.

    Returns
    -------
    (N, min(count, D)) float64
    """
    variances = rows.var(axis=0, dtype=np.float64)
    chosen = np.argsort(variances)[::-1][:count]
    values = rows[:, chosen].astype(np.float64)
    deviations = np.sqrt(variances[chosen])
    standardised = (values - values.mean(axis=0)) / np.where(deviations > 0, deviations, 1)
    _, vectors = np.linalg.eigh(standardised.T @ standardised)
    weights = vectors[:, -1]
    return np.asarray(standardised[:, np.argsort(weights * np.sign(weights.sum() or 1))])
