"""Maps: all rows in two dimensions."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.extras import needed_for
from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.components import DEFAULT_COMPONENTS, Components, principal_components
from napari_i3d.features.table import FeatureTable, TableLike

DEFAULT_SEED = 8


class MapMethod(StrEnum):
    """Layout of a map."""

    PCA = "pca"
    UMAP = "umap"


@dataclass(frozen=True, eq=False)
class Map:
    """All rows in two dimensions.

    Attributes
    ----------
    table
        The rows.
    points : (N, 2) float32
        The point of each row.
    method
        How they were laid out.
    explained
        Share of the variance of each of two principal components; None for UMAP, whose axes mean nothing.
    """

    table: FeatureTable
    points: NDArray[np.float32]
    method: MapMethod
    explained: tuple[float, float] | None


@long_call
def map_rows(
    data: TableLike | Components,
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
        For UMAP: the same seed and rows give the same map on one machine.
    neighbors, min_distance
        UMAP's ``n_neighbors`` (at most the number of other rows) and ``min_dist``.

    Raises
    ------
    FeaturesError
        No such method, too few rows for UMAP, or it is not installed.
    """
    if method not in list(MapMethod):
        raise FeaturesError(f"map {method!r}: expected one of {', '.join(MapMethod)}")
    if not isinstance(data, Components):
        count = 2 if method == MapMethod.PCA else DEFAULT_COMPONENTS
        data = yield from principal_components.steps(data, count)
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
