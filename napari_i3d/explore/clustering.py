"""Cluster similar rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d.backbones.registry import I3D
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.components import Components, principal_components
from napari_i3d.explore.embedding import DEFAULT_SEED
from napari_i3d.features.table import FeatureTable, TableLike
from napari_i3d.individuals import Span

MOST_CLUSTERS = 10
SILHOUETTE_ROWS = 2000
_STARTS = 4


@dataclass(frozen=True, eq=False)
class Clusters:
    """The cluster of each row.

    Attributes
    ----------
    table
        The rows with the scores that were clustered as values.
    labels : (N,) int32
        Cluster of each row, from 0; the largest cluster is 0.
    centers : (K, D) float32
        Mean scores of each cluster.
    silhouettes
        Mean silhouette, -1 to 1, of each number of clusters tried; empty if the number was given.
    """

    table: FeatureTable
    labels: NDArray[np.int32]
    centers: NDArray[np.float32]
    silhouettes: dict[int, float]

    @property
    def count(self) -> int:
        """Number of clusters."""
        return len(self.centers)

    def typical(self, cluster: int, count: int = 6, apart_frames: float = I3D.chunk_frames) -> tuple[Span, ...]:
        """Return the rows nearest to a cluster's center, the nearest first.

        Parameters
        ----------
        cluster
            Its number.
        count
            Maximum number of rows.
        apart_frames
            Minimum distance between rows of one individual; the default, the length of a chunk, avoids shared frames.
        """
        if not 0 <= cluster < self.count:
            raise FeaturesError(f"cluster {cluster}: expected one of 0 to {self.count - 1}")
        members = np.flatnonzero(self.labels == cluster)
        distances = np.linalg.norm(self.table.take(members) - self.centers[cluster], axis=1)
        chosen: list[int] = []
        for row in members[np.argsort(distances, kind="stable")].tolist():
            sequence, frame = self.table.sequence_of_row[row], self.table.frames[row]
            near = (
                abs(self.table.frames[o] - frame) < apart_frames
                for o in chosen
                if self.table.sequence_of_row[o] == sequence
            )
            if not any(near):
                chosen.append(row)
            if len(chosen) == count:
                break
        return tuple(self.table.span(row) for row in chosen)


@long_call
def clusters(data: TableLike | Components, count: int | None = None, *, seed: int = DEFAULT_SEED) -> Steps[Clusters]:
    """Cluster rows by k-means on the scores of the first 50 principal components (scikit-learn's `KMeans`).

    Parameters
    ----------
    data
        Rows, or their principal components, which are then not computed again.
    count
        Number of clusters; None: the one of 2 to 10 with the largest mean silhouette (Rousseeuw 1987), the mean over
        rows
        of ``(b - a) / max(a, b)``, a the row's mean distance to its own cluster and b to the next nearest, of at most
        2000 rows drawn with the seed.
    seed
        The same seed and rows give the same clusters.

    Raises
    ------
    FeaturesError
        A count that is not positive, or more clusters than different rows.
    """
    if count is not None and count < 1:
        raise FeaturesError(f"expected at least 1 cluster, found {count}")
    if not isinstance(data, Components):
        data = yield from principal_components.steps(data)
    scores = data.scores
    sample = np.sort(np.random.default_rng(seed).permutation(len(scores))[:SILHOUETTE_ROWS])
    different = len(np.unique(scores[sample], axis=0))
    if count is not None and different < count:
        different = len(np.unique(scores, axis=0))  # slow for many rows
    if different < (2 if count is None else count):
        wanted = "2 or more clusters" if count is None else f"{count} clusters"
        raise FeaturesError(
            f"expected as many different rows as clusters, found {different} for {wanted}", hint="ask for fewer"
        )
    tried: dict[int, float] = {}
    if count is None:
        tried = yield from _silhouettes(scores[sample], min(MOST_CLUSTERS, different - 1), seed)
        count = max(tried, key=lambda number: tried[number]) if tried else 2
    yield Step(0, 1, "k-means")
    labels, centers = _k_means(scores, count, seed)
    return Clusters(data.table, labels, centers, tried)


def _silhouettes(sample: NDArray[np.float32], most: int, seed: int) -> Steps[dict[int, float]]:
    from sklearn.metrics import silhouette_score

    tried: dict[int, float] = {}
    for number in range(2, most + 1):
        yield Step(number - 2, most - 1, "number of clusters")
        labels, _ = _k_means(sample, number, seed)
        tried[number] = float(silhouette_score(sample, labels))
    return tried


def _k_means(scores: NDArray[np.float32], count: int, seed: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return labels and centers, the largest cluster first."""
    from sklearn.cluster import KMeans

    found = KMeans(count, n_init=_STARTS, random_state=seed).fit(scores)
    order = np.argsort(-np.bincount(found.labels_, minlength=count), kind="stable")
    rank = np.empty(count, np.int32)
    rank[order] = np.arange(count, dtype=np.int32)
    return rank[found.labels_], found.cluster_centers_[order].astype(np.float32)
