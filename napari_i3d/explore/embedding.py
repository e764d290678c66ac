"""Fewer dimensions: principal components, and a map of two."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.extras import needed_for
from napari_i3d._utils.progress import Step, Steps, finish
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.components import DEFAULT_COMPONENTS, Components, component_steps
from napari_i3d.features.table import FeatureTable, StackLike, as_table

DEFAULT_SEED = 8


class MapMethod(StrEnum):
    """How rows are laid out in two dimensions."""

    PCA = "pca"
    UMAP = "umap"


@dataclass(frozen=True, eq=False)
class Map:
    """All rows in two dimensions.

    Attributes
    ----------
    table
        The rows; point n is row n of it.
    points : (N, 2) float32
    method
        How they were laid out.
    explained
        Share of the variance that each of two principal components has; None for UMAP, whose axes mean nothing.
    """

    table: FeatureTable
    points: NDArray[np.float32]
    method: MapMethod
    explained: tuple[float, float] | None


def map_rows(
    data: StackLike | Components,
    method: MapMethod | str = MapMethod.PCA,
    *,
    seed: int = DEFAULT_SEED,
    neighbors: int = 15,
    min_distance: float = 0.1,
) -> Map:
    """Return all rows in two dimensions; see `map_steps`."""
    return finish(map_steps(data, method, seed=seed, neighbors=neighbors, min_distance=min_distance))


def map_steps(
    data: StackLike | Components,
    method: MapMethod | str = MapMethod.PCA,
    *,
    seed: int = DEFAULT_SEED,
    neighbors: int = 15,
    min_distance: float = 0.1,
) -> Steps[Map]:
    """Lay all rows out in two dimensions.

    Parameters
    ----------
    data
        Rows, or their principal components, which are then not computed again.
    method
        ``"pca"``: the first two principal components. ``"umap"``: UMAP (McInnes, Healy and Melville 2018,
        arXiv:1802.03426) of the first 50, which keeps neighbors together but not distances.
    seed
        Of UMAP: the same seed and rows give the same map on one machine.
    neighbors, min_distance
        Of UMAP: its ``n_neighbors`` (fewer where there are fewer rows) and ``min_dist``.

    Yields
    ------
    Step

    Raises
    ------
    FeaturesError
        No such method, too few rows for UMAP, or it is not installed.
    """
    if method not in list(MapMethod):
        raise FeaturesError(f"map {method!r}: expected one of {', '.join(MapMethod)}")
    if not isinstance(data, Components):
        data = yield from component_steps(as_table(data), 2 if method == MapMethod.PCA else DEFAULT_COMPONENTS)
    points = np.zeros((len(data.table), 2), np.float32)
    if method == MapMethod.PCA:
        shown = data.scores[:, :2]
        points[:, : shown.shape[1]] = shown
        shares = [*data.explained[:2].tolist(), 0.0][:2]
        return Map(data.table, points, MapMethod.PCA, (shares[0], shares[1]))
    if len(data.table) < 5:
        raise FeaturesError(f"UMAP needs at least 5 rows, found {len(data.table)}", hint="use {method=pca}")
    with needed_for("the map 'umap'", "umap", FeaturesError):
        from umap import UMAP
    yield Step(0, 1, "UMAP")
    reducer = UMAP(
        n_neighbors=min(neighbors, len(data.table) - 1),
        min_dist=min_distance,
        # The default start, by eigenvectors, fails for very few rows.
        init="spectral" if len(data.table) > 50 else "random",
        random_state=seed,
        n_jobs=1,
    )
    points[:] = reducer.fit_transform(data.scores[:, :DEFAULT_COMPONENTS])
    return Map(data.table, points, MapMethod.UMAP, None)
