"""Conversion of boxes to the data of layers, without Qt and without a viewer.

Boxes are [left, upper, right, lower] and span the edges of pixels: [0, 0, 10, 10] holds the pixels 0 to 9. In napari
whole coordinates are the *centers* of pixels, and rows come before columns. So the box is drawn from (-0.5, -0.5) to
(9.5, 9.5), (row, column); the functions here hide that from everybody else.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.colors import colors_of, rgb
from napari_i3d.plugin.session.layer_sources import METADATA_KEY, TrackingSource
from napari_i3d.tracking.box_table import BoxTable

LayerData = tuple[Any, dict[str, Any], str]

HALF_PIXEL = 0.5
LINES = 4
"""Number of lines of a box."""

_LABEL_SIZE_PT = 11
_TRAIL_FADE = 0.8
"""Transparency of trails at their ends."""


def tracking_layer_data(source: TrackingSource) -> LayerData:
    """Return the layer of the boxes of a tracking, as readers do.

    It holds the boxes of the first frame that has any. In a viewer with a `Session` it is refilled at every change of
    the frame, and gets a companion with the ids.
    """
    tracking = source.tracking
    table = BoxTable(tracking)
    individuals, boxes = table.at(table.first_frame)
    colors = rgba(colors_of(tracking).values())[individuals]
    name = source.path.stem if source.path else "tracking"
    options = {
        **boxes_layer_options(f"Boxes: {name}"),
        "edge_color": np.repeat(colors, LINES, axis=0),
        "metadata": {METADATA_KEY: source},
    }
    return box_lines(boxes), options, "vectors"


def boxes_layer_options(name: str) -> dict[str, Any]:
    """Return the options of a Vectors layer of boxes and trails."""
    return {"name": name, "ndim": 2, "vector_style": "line", "edge_width": 1.0, "opacity": 1.0, "length": 1.0}


def rgba(colors: Iterable[str]) -> NDArray[np.float32]:
    """Return colors ``#rrggbb`` as (n, 4) float32, 0 to 1."""
    return np.array([(*rgb(color), 1.0) for color in colors], np.float32).reshape(-1, 4)


def box_lines(boxes: NDArray[np.float64], line_width: float = 0.0, grow: float = 0.0) -> NDArray[np.float64]:
    """Return the four sides of boxes as vectors.

    Parameters
    ----------
    boxes : (n, 4)
        [left, upper, right, lower], pixel edges.
    line_width
        In pixels of the video; the lines are made longer by it so that they meet in square corners.
    grow
        Distance of each rectangle from its box, outward, in pixels.

    Returns
    -------
    (4 * n, 2, 2) float64
        (start, direction) of each line, in (row, column) of napari: upper, lower, left and right side of each box.
    """
    left, upper, right, lower = boxes.T - HALF_PIXEL
    left, upper, right, lower = left - grow, upper - grow, right + grow, lower + grow
    width, height = right - left, lower - upper
    over = line_width / 2
    nothing = np.zeros_like(left)
    sides = [  # start row, start column, rows, columns
        (upper, left - over, nothing, width + 2 * over),
        (lower, left - over, nothing, width + 2 * over),
        (upper, left, height, nothing),
        (upper, right, height, nothing),
    ]
    return np.stack([np.stack(side, axis=-1) for side in sides], axis=1).reshape(-1, 2, 2)


def trail_lines(centers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return trails as vectors; steps from or to a frame without a box have no length.

    Parameters
    ----------
    centers : (n, frames, 2)
        x and y of the center of the box, NaN if there is none.

    Returns
    -------
    (n * (frames - 1), 2, 2) float64
        (start, direction) of each step, in (row, column) of napari.
    """
    points = centers[..., ::-1] - HALF_PIXEL
    lines = np.stack([points[:, :-1], np.diff(points, axis=1)], axis=2).reshape(-1, 2, 2)
    lines[np.isnan(lines).any(axis=(1, 2))] = 0.0
    return lines


def trail_colors(colors: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    """Return the colors of the steps of trails, which fade away from the current frame, in the middle.

    Parameters
    ----------
    colors : (n, 4)
        RGBA of each individual.
    steps
        Number of steps of each trail.

    Returns
    -------
    (n * steps, 4) float32
    """
    faded = np.repeat(colors[:, None], steps, axis=1).astype(np.float32)
    faded[..., 3] *= 1 - _TRAIL_FADE * np.abs(np.linspace(-1, 1, steps))
    return faded.reshape(-1, 4)


def label_points(boxes: NDArray[np.float64], lift: float = 0.0) -> NDArray[np.float64]:
    """Return positions of ids: (n, 2), (row, column), above the upper left corner of each box by `lift` pixels."""
    points: NDArray[np.float64] = boxes[:, 1::-1] - HALF_PIXEL - np.array([lift, 0.0])
    return points


def labels_layer_options(name: str) -> dict[str, Any]:
    """Return the options of a Points layer that shows only the ids beside the boxes."""
    return {
        "name": name,
        "ndim": 2,
        "size": 1,
        "face_color": "transparent",
        "border_color": "transparent",
        "features": label_features([], []),
        "text": {
            "string": {"feature": "id"},
            "color": {"feature": "color"},
            "size": _LABEL_SIZE_PT,
            "anchor": "upper_left",
        },
        "opacity": 1.0,
    }


def label_features(texts: list[str], colors: list[str]) -> dict[str, NDArray[np.object_]]:
    """Return the features of the Points layer: texts and colors."""
    return {
        "id": np.array(texts, object),
        "color": np.array(colors, object),
    }
