"""Colours of the rows that are explored: by time, by individual, or by cluster."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.colors import PALETTE, category_colour, colours_of, rgb
from napari_i3d.plugin.exploration import Explored
from napari_i3d.plugin.session.matching import tracking_id


class ColourBy(StrEnum):
    """What the colour of a row says."""

    TIME = "time"
    INDIVIDUAL = "individual"
    CLUSTER = "cluster"


def row_colours(explored: Explored, by: ColourBy) -> NDArray[np.float64]:
    """Return the colour of each row: (N, 4) float64, 0 to 1.

    Individuals have the colours of their boxes; time goes from dark to light (viridis) in each video.
    """
    stack = explored.stack
    colours = np.ones((len(stack), 4))
    if by is ColourBy.CLUSTER:
        groups = [rgb(category_colour(number)) for number in range(explored.clusters.count)]
        colours[:, :3] = np.array(groups)[explored.clusters.labels]
    elif by is ColourBy.TIME:
        from matplotlib import colormaps

        last = {name: max(p.frames[-1] for p in stack.parts if p.video == name) for name in explored.owners}
        for number, part in enumerate(stack.parts):
            shares = part.frames / max(last[part.video], 1.0)
            colours[stack.starts[number] : stack.starts[number + 1]] = colormaps["viridis"](shares)
    else:
        for number, part in enumerate(stack.parts):
            tracked = explored.owners[part.video]
            individual = tracking_id(part.individual, tracked)
            given = colours_of(tracked.tracking or ())
            colour = given.get(individual, PALETTE[0]) if individual is not None else PALETTE[0]
            colours[stack.starts[number] : stack.starts[number + 1], :3] = rgb(colour)
    return colours
