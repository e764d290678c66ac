"""Changes of behavior as peaks of Foote's novelty on the self-similarity matrix."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.change_points import Change, changes_at
from napari_i3d.explore.standardize import standardize, unit_rows
from napari_i3d.features.table import FeatureTable, TableLike, rows_apart

_BLOCK_ROWS = 1024


@dataclass(frozen=True, eq=False)
class Novelty:
    """How much the rows after each row differ from those before it.

    Attributes
    ----------
    table
        The rows.
    curve : (N,) float32
        Novelty between each row and the one before it, 0 to 1; 0.5 if the rows after it have nothing in common with
        those
        before. NaN nearer to an end, or to missing frames, than the kernel reaches.
    half_width_frames
        Reach of the kernel to both sides.
    prominence
        Minimum prominence of a peak that counts as a change.
    changes
        Peaks, in the order of the rows.
    """

    table: FeatureTable
    curve: NDArray[np.float32]
    half_width_frames: float
    prominence: float
    changes: tuple[Change, ...]


@long_call
def novelty(data: TableLike, half_width_frames: float | None = None, prominence: float | None = None) -> Steps[Novelty]:
    """Find changes by novelty on the self-similarity matrix.

    After Foote (2000), "Automatic audio segmentation using a measure of audio novelty" (ICME): S(i, j) is the cosine of
    the standardized rows i and j; at each boundary a checkerboard with a Gaussian taper is laid on the diagonal of S,
    and the products are summed. With half width L, ``m`` from -L to L - 1, ``u = m + 0.5`` and sigma = L / 2 it is
    ``C(m, n) = k(m) k(n)``, ``k(m) = sign(u) exp(-u**2 / (2 sigma**2))``, so that the sum over ``C(m, n) S(i+m, i+n)``
    is the squared length of ``sum(k(m) x(i+m))``, x the rows made unit length, which is computed without S. It is
    divided
    by ``sum(abs(k))**2``, its largest possible value. Peaks are those of `scipy.signal.find_peaks`.

    Parameters
    ----------
    data
        Rows; each individual, and each stretch between missing frames, is processed alone.
    half_width_frames
        L, in video frames: about the duration of the shortest behavior of interest. None: 32, or a sixth of the longest
        stretch if that is less.
    prominence
        Minimum rise of a peak above its surroundings; None: a robust deviation (1.4826 times the median absolute
        deviation) of all novelty, but at least the novelty of unrelated rows, ``sum(k**2) / sum(abs(k))**2``.

    Raises
    ------
    FeaturesError
        The half width is not positive.
    """
    if half_width_frames is not None and not half_width_frames > 0:
        raise FeaturesError(f"half width: expected a positive number of frames, found {half_width_frames}")
    from scipy.signal import find_peaks

    table = yield from standardize.steps(data)
    if half_width_frames is None:
        longest = max((stop - start) * table.sequences[number].step_frames for number, start, stop in table.stretches)
        half_width_frames = min(32.0, float(max(1, longest // 6)))
    curve = np.full(len(table), np.nan, np.float32)
    for number, start, stop in table.stretches:
        half = rows_apart(half_width_frames, table.sequences[number].step_frames)
        yield from _fill(table, curve, start, stop, half)
    known = curve[~np.isnan(curve)]
    if prominence is None:
        spread = 1.4826 * float(np.median(np.abs(known - np.median(known)))) if len(known) else 0.0
        prominence = max(
            spread, *(_novelty_of_unrelated_rows(half_width_frames, s.step_frames) for s in table.sequences)
        )
    changes = []
    for number, start, stop in table.stretches:
        half = rows_apart(half_width_frames, table.sequences[number].step_frames)
        inner = curve[start + half : stop - half + 1]
        # find_peaks never returns the ends, beyond which the unknown curve may rise further.
        peaks, facts = find_peaks(inner, prominence=prominence)
        changes += changes_at(table, number, start + half + peaks, facts["prominences"])
    return Novelty(table, curve, half_width_frames, prominence, tuple(changes))


def checkerboard(half_rows: int) -> NDArray[np.float64]:
    """Return k of `novelty`, (2 L,) float64: its outer product with itself is Foote's kernel."""
    u = np.arange(-half_rows, half_rows) + 0.5
    kernel: NDArray[np.float64] = np.sign(u) * np.exp(-(u**2) / (2 * (half_rows / 2) ** 2))
    return kernel


def _novelty_of_unrelated_rows(half_width_frames: float, step_frames: float) -> float:
    kernel = checkerboard(rows_apart(half_width_frames, step_frames))
    return float(np.square(kernel).sum() / np.square(np.abs(kernel).sum()))


def _fill(table: FeatureTable, curve: NDArray[np.float32], start: int, stop: int, half: int) -> Steps[None]:
    """Compute the novelty of the boundaries of one stretch that are at least `half` rows from its ends, in blocks."""
    kernel = checkerboard(half)
    kernel /= np.abs(kernel).sum()
    size = max(_BLOCK_ROWS, 2 * half)
    for first in range(start + half, stop - half + 1, size):
        end = min(first + size, stop - half + 1)
        rows = unit_rows(table.rows(first - half, end - 1 + half))
        weights = np.zeros((end - first, len(rows)), np.float32)
        for boundary in range(end - first):
            weights[boundary, boundary : boundary + 2 * half] = kernel
        curve[first:end] = np.square(weights @ rows).sum(axis=1)
        yield Step(end, len(table), "novelty")
