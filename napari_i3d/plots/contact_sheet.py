"""Images side by side: the best hits, or the typical frames of each cluster."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import FeaturesError
from napari_i3d.plots.style import current_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GAP = 0.06
_TITLE_LINE = 0.19


def plot_contact_sheet(
    images: NDArray[np.uint8],
    titles: Sequence[str] | None = None,
    ax: "Axes | None" = None,
    *,
    columns: int | Sequence[int] | None = None,
    row_titles: Sequence[str] | None = None,
    colors: Sequence[str] | None = None,
) -> "Axes":
    """Draw images in rows, from left to right.

    Parameters
    ----------
    images : (n, H, W, 3) uint8
        RGB.
    titles
        Title above each image, such as its frame.
    ax
        Where to draw; None: the current Axes of pyplot.
    columns
        Images in a row, or in each of the rows; None: at most 8.
    row_titles
        Title at the left of each row.
    colors
        Color of the frame around each image; None: no frames.

    Returns
    -------
    matplotlib.axes.Axes
        x, y: in widths and heights of an image; without ticks.
    """
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8 or not len(images):
        raise FeaturesError(f"expected images (n, H, W, 3) uint8, found {images.dtype} {images.shape}")
    for name, values in (("titles", titles), ("colors", colors)):
        if values is not None and len(values) != len(images):
            raise FeaturesError(f"expected {name} for {len(images)} images, found {len(values)}")
    in_rows = _in_rows(len(images), columns)
    if row_titles is not None and len(row_titles) != len(in_rows):
        raise FeaturesError(f"expected titles for {len(in_rows)} rows of images, found {len(row_titles)}")
    ax = current_axes(ax)
    from matplotlib.patches import Rectangle

    lines = max((title.count("\n") + 1 for title in titles or ()), default=0)
    pitch = 1 + _GAP + lines * _TITLE_LINE
    places = [(column, row) for row, count in enumerate(in_rows) for column in range(count)]
    for number, (column, row) in enumerate(places):
        left, top = column * (1 + _GAP), row * pitch
        ax.imshow(images[number], extent=(left, left + 1, top + 1, top), interpolation="bilinear", aspect="auto")
        if titles is not None:
            ax.text(left + 0.5, top - 0.02, titles[number], ha="center", va="bottom", fontsize="small")
        if colors is not None:
            ax.add_patch(Rectangle((left, top), 1, 1, fill=False, edgecolor=colors[number], linewidth=2.5))
    for row, title in enumerate(row_titles or ()):
        ax.text(-2 * _GAP, row * pitch + 0.5, title, ha="right", va="center")
    width = max(in_rows) if columns is None or not isinstance(columns, int) else columns
    _arrange(ax, width * (1 + _GAP), len(in_rows) * pitch, lines * _TITLE_LINE, images.shape[1] / images.shape[2])
    return ax


def _in_rows(count: int, columns: int | Sequence[int] | None) -> list[int]:
    """Return the number of images in each row."""
    if columns is None or isinstance(columns, int):
        columns = min(count, 8) if columns is None else columns
        if columns < 1:
            raise FeaturesError(f"expected at least 1 image in a row, found {columns}")
        return [min(columns, count - first) for first in range(0, count, columns)]
    if sum(columns) != count:
        raise FeaturesError(f"expected {count} images in the rows, found {sum(columns)}")
    return list(columns)


def _arrange(ax: "Axes", width: float, height: float, above: float, aspect: float) -> None:
    ax.set_xlim(-_GAP, width)
    ax.set_ylim(height - above, -above - _GAP)
    ax.set_aspect(aspect, adjustable="box", anchor="NW")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
