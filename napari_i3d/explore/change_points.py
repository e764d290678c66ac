"""Find changes of behavior by segmentation with a kernel."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.extras import needed_for
from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d.backbones.registry import I3D
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.components import Components, principal_components
from napari_i3d.explore.embedding import DEFAULT_SEED
from napari_i3d.features.table import FeatureTable, TableLike, as_table, rows_apart
from napari_i3d.individuals import Id

KERNEL_MOST_ROWS = 20_000
_SAMPLE_ROWS = 1000


@dataclass(frozen=True)
class Change:
    """A frame at which the features of an individual change.

    Attributes
    ----------
    frame
        The video frame of the first row after the change.
    strength
        Prominence of the peak of the novelty curve, 0 to 1; NaN for `kernel_changes`, which does not compute it.
    """

    video: str
    individual: Id
    frame: float
    strength: float


def changes_at(table: FeatureTable, number: int, rows: NDArray[np.integer], strengths: Iterable[float]) -> list[Change]:
    """Return changes at rows of a sequence, with their strengths."""
    sequence = table.sequences[number]
    return [
        Change(sequence.video, sequence.individual, float(table.frames[row]), float(strength))
        for row, strength in zip(rows.tolist(), strengths, strict=True)
    ]


@long_call
def kernel_changes(
    data: TableLike | Components,
    count: int | None = None,
    *,
    penalty: float | None = None,
    least_frames: float = I3D.chunk_frames,
    seed: int = DEFAULT_SEED,
) -> Steps[tuple[Change, ...]]:
    """Find changes by segmentation with a Gaussian kernel (`ruptures.KernelCPD`).

    Computes the segmentation with the least mean square distance of rows from the mean of their segment, in the feature
    space of the kernel ``exp(-gamma * |x - y|**2)`` (Arlot, Celisse and Harchaoui 2019, JMLR 20), on the scores of the
    first 50 principal components. gamma is 1 / the median squared distance of 1000 rows drawn with the seed. Time grows
    with the square of the number of rows.

    Parameters
    ----------
    data
        Rows or their principal components. Each individual, and each stretch between missing frames, is segmented
        alone.
    count
        Number of changes in each stretch; None: as many as the penalty allows.
    penalty
        Cost of a change; None: 2 times the logarithm of the number of rows.
    least_frames
        Shortest time between changes, in video frames.
    seed
        For the rows drawn.

    Raises
    ------
    FeaturesError
        More than 20,000 rows in a stretch, more changes than fit, both count and penalty, or ruptures is missing.
    """
    if count is not None and penalty is not None:
        raise FeaturesError("give the number of changes or the penalty, not both")
    if (count is not None and count < 1) or (penalty is not None and not penalty > 0):
        raise FeaturesError(f"expected a positive number of changes or penalty, found {count or penalty}")
    with needed_for("kernel change points", "changes", FeaturesError):
        from ruptures import KernelCPD
    for _, start, stop in (data.table if isinstance(data, Components) else as_table(data)).stretches:
        if stop - start > KERNEL_MOST_ROWS:
            raise FeaturesError(
                f"kernel change points: expected at most {KERNEL_MOST_ROWS} rows, found {stop - start}",
                hint="use the novelty instead",
            )
    if not isinstance(data, Components):
        data = yield from principal_components.steps(data)
    table = data.table
    gamma = _gamma(data.scores, seed)
    changes: list[Change] = []
    for number, start, stop in table.stretches:
        yield Step(start, len(table), "kernel change points")
        least = rows_apart(least_frames, table.sequences[number].step_frames)
        fits = (stop - start) // least - 1
        if count is not None and count > fits:
            raise FeaturesError(
                f"{table.sequences[number].name}: at most {max(fits, 0)} changes fit, found {count} asked for"
            )
        if fits < 1:
            continue
        search = KernelCPD(kernel="rbf", min_size=least, params={"gamma": gamma})
        search.fit(table.rows(start, stop).astype(np.float64))
        pen = 2 * np.log(stop - start) if penalty is None else penalty
        ends = search.predict(n_bkps=count) if count is not None else search.predict(pen=pen)
        rows = start + np.array(ends[:-1], np.int64)
        changes += changes_at(table, number, rows, np.full(len(rows), np.nan))
    return tuple(changes)


def _gamma(scores: NDArray[np.float32], seed: int) -> float:
    from scipy.spatial.distance import pdist

    sample = scores[np.random.default_rng(seed).permutation(len(scores))[:_SAMPLE_ROWS]]
    distances = pdist(sample, "sqeuclidean")
    middle = float(np.median(distances)) if len(distances) else 0.0
    return 1 / middle if middle > 0 else 1.0
