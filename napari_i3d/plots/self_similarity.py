"""The self-similarity matrix, with the curve of novelty above it."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.colors import category_color
from napari_i3d._utils.text import counted
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.foote_novelty import Novelty
from napari_i3d.explore.self_similarity import SimilarityImage
from napari_i3d.features.table import FeatureTable
from napari_i3d.plots.style import add_seconds, current_axes, with_warning

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIMILARITY_COLORS = "cividis"


def plot_self_similarity(
    similarity: SimilarityImage, ax: "Axes | None" = None, *, novelty: Novelty | None = None
) -> "Axes":
    """Draw the self-similarity matrix of one individual, or of several one after the other.

    Parameters
    ----------
    similarity
        From `explore.similarity_image`.
    ax
        Where to draw; None: the current Axes of pyplot.
    novelty
        From `explore.novelty`, of the same rows: drawn above, with its changes.

    Returns
    -------
    matplotlib.axes.Axes
        x, y: video frame; several individuals follow one another, with their names. Missing frames are blank. Color:
        cosine
        of standardized rows.
    """
    if novelty is not None and not np.array_equal(novelty.table.frames, similarity.table.frames):
        raise FeaturesError("novelty: expected that of the rows of the self-similarity, found that of others")
    ax = current_axes(ax)
    table = similarity.table
    edges, values = _with_holes(similarity)
    limit = float(np.percentile(np.abs(similarity.values), 98)) or 1.0
    image = ax.pcolormesh(
        edges, edges, values, cmap=SIMILARITY_COLORS, vmin=-limit, vmax=limit, shading="flat", rasterized=True
    )
    ax.set_aspect("equal")
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(edges[0], edges[-1])
    bar = ax.figure.colorbar(image, ax=ax, label="similarity\n(cosine of standardized rows)", extend="both", shrink=0.8)
    bar.outline.set_visible(False)
    upper = ax if novelty is None else _draw_novelty(novelty, ax)
    if len(table.sequences) == 1:
        ax.set_xlabel("video frame")
        ax.set_ylabel("video frame")
        add_seconds(upper, table.sequences[0].fps)
    else:
        _name_sequences(table, ax)
    upper.set_title(
        with_warning(table.sequences[0].name if len(table.sequences) == 1 else "Self-similarity", table),
        loc="left",
        pad=6 if len(table.sequences) == 1 and table.sequences[0].fps else 14,  # room for the markers of changes
    )
    return ax


def _offsets(table: FeatureTable) -> NDArray[np.float64]:
    """Return the offset that places the frames of each sequence after the sequence before; 0 for a single one."""
    if len(table.sequences) == 1:
        return np.zeros(1)
    lengths = [sequence.frames[-1] - sequence.frames[0] + sequence.step_frames for sequence in table.sequences]
    begins = np.cumsum([0.0, *lengths[:-1]])
    lefts = np.array([sequence.frames[0] - sequence.step_frames / 2 for sequence in table.sequences])
    return np.asarray(begins - lefts)


def _with_holes(similarity: SimilarityImage) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the edges of pixels on the axes, and their values, with empty pixels for missing frames."""
    table = similarity.table
    sequences = table.sequence_of_row[similarity.edges[:-1]]
    offsets = _offsets(table)[sequences]
    halves = np.array([sequence.step_frames / 2 for sequence in table.sequences])[sequences]
    lefts = table.frames[similarity.edges[:-1]] - halves + offsets
    rights = table.frames[similarity.edges[1:] - 1] + halves + offsets
    holes = np.flatnonzero(lefts[1:] - rights[:-1] > 1e-6) + 1
    edges = np.concatenate([np.insert(lefts, holes, rights[holes - 1]), rights[-1:]])
    values = np.insert(np.insert(similarity.values, holes, np.nan, axis=0), holes, np.nan, axis=1)
    return edges, values


def _draw_novelty(novelty: Novelty, ax: "Axes") -> "Axes":
    """Draw the curve into its own Axes above the matrix, with breaks at unknown values and between sequences."""
    upper = ax.inset_axes((0.0, 1.03, 1.0, 0.22), sharex=ax)
    offsets = _offsets(novelty.table)
    for _, start, stop in novelty.table.stretches:
        number = int(novelty.table.sequence_of_row[start])
        upper.plot(
            novelty.table.frames[start:stop] + offsets[number],
            novelty.curve[start:stop],
            color=ax.xaxis.label.get_color(),
            lw=1,
        )
    places = [
        change.frame + offsets[novelty.table.sequence_number(change.individual, change.video)]
        for change in novelty.changes
    ]
    if places:
        upper.plot(
            places, np.full(len(places), 1.06), "v", color=category_color(3), ms=4, clip_on=False,
            transform=upper.get_xaxis_transform(), label=counted(len(places), "change"),
        )  # fmt: skip
    upper.set_ylim(bottom=0)
    upper.set_ylabel(f"novelty\n(0 to 1, ±{novelty.half_width_frames:g} frames)", fontsize="small")
    upper.tick_params(labelbottom=False)
    upper.spines[["right", "top"]].set_visible(False)
    return upper


def _name_sequences(table: FeatureTable, ax: "Axes") -> None:
    offsets = _offsets(table)
    middles, names = [], []
    for sequence, offset in zip(table.sequences, offsets, strict=True):
        first, last = sequence.frames[0] + offset, sequence.frames[-1] + offset
        middles.append((first + last) / 2)
        names.append(f"{sequence.name}\nframes {sequence.frames[0]:g} to {sequence.frames[-1]:g}")
        for draw in (ax.axvline, ax.axhline):
            if offset != offsets[0]:
                draw(first - sequence.step_frames / 2, color="white", lw=1)
    ax.set_xticks(middles, names)
    ax.set_yticks(middles, names, rotation=90, va="center")
    ax.tick_params(length=0)
