"""Colors of explored rows: by time, by individual, or by cluster."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.colors import PALETTE, category_color, rgb
from napari_i3d.features.sequence import FeatureSequence
from napari_i3d.plugin.exploration import Explored
from napari_i3d.plugin.session.matching import tracking_id


class ColorBy(StrEnum):
    """Meaning of the color of a row."""

    TIME = "time"
    INDIVIDUAL = "individual"
    CLUSTER = "cluster"


def row_colors(explored: Explored, by: ColorBy) -> NDArray[np.float64]:
    """Return the color of each row: (N, 4) float64, 0 to 1.

    Individuals have the colors of their boxes; time goes from dark to light (viridis) in each video.
    """
    table = explored.table
    colors = np.ones((len(table), 4))
    if by is ColorBy.CLUSTER:
        groups = [rgb(category_color(number)) for number in range(explored.clusters.count)]
        colors[:, :3] = np.array(groups)[explored.clusters.labels]
    elif by is ColorBy.TIME:
        from matplotlib import colormaps

        last = {name: max(p.frames[-1] for p in table.sequences if p.video == name) for name in explored.owners}
        for number, sequence in enumerate(table.sequences):
            shares = sequence.frames / max(last[sequence.video], 1.0)
            colors[table.starts[number] : table.starts[number + 1]] = colormaps["viridis"](shares)
    else:
        for number, sequence in enumerate(table.sequences):
            colors[table.starts[number] : table.starts[number + 1], :3] = rgb(individual_color(explored, sequence))
    return colors


def individual_color(explored: Explored, sequence: FeatureSequence) -> str:
    """Return the color of the boxes of a sequence's individual, ``#rrggbb``."""
    tracked = explored.owners[sequence.video]
    individual = tracking_id(sequence.individual, tracked)
    return PALETTE[0] if individual is None else tracked.colors[individual]
