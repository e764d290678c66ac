"""Arrays of layers that are overwritten in place."""

import numpy as np
from napari.layers import Points, Vectors
from numpy.typing import NDArray


def overwrite(layer: Vectors | Points, rows: NDArray[np.float64]) -> None:
    """Write rows to the beginning of the data of a layer, and let the rest be nothing."""
    if len(rows) > len(layer.data):
        room = np.zeros((len(rows) * 3 // 2, *rows.shape[1:]))
        room[:] = rows[0]
        room[: len(rows)] = rows
        # Listeners of the data are for edits by hand.
        with layer.events.data.blocker():
            layer.data = room
    layer.data[: len(rows)] = rows
    if isinstance(layer, Vectors):
        layer.data[len(rows) :, 1] = 0.0
