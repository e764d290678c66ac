"""Where behaviour changes."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import FeaturesError
from napari_i3d.features.explore.reduce import DEFAULT_SEED, Components, component_steps
from napari_i3d.features.explore.stack import Stack, StackLike, as_stack, rows_apart
from napari_i3d.features.explore.standardise import standardise_steps, unit_rows
from napari_i3d.features.explore.steps import Step, Steps, finish, needed_for
from napari_i3d.features.model import Id

LEAST_PROMINENCE = 0.02
KERNEL_MOST_ROWS = 20_000
_SAMPLE_ROWS = 1000
_BLOCK_ROWS = 1024


@dataclass(frozen=True)
class Change:
    """A frame at which the features of an individual become others.

    Attributes
    ----------
    video, individual
        Whose.
    frame
        The video frame that the first row after the change stands for.
    strength
        How clear it is: the prominence of the peak of the novelty curve, 0 to 1; NaN for `kernel_changes`, which does
        not tell.
    """

    video: str
    individual: Id
    frame: float
    strength: float


@dataclass(frozen=True, eq=False)
class Novelty:
    """How much what follows a row differs from what precedes it.

    Attributes
    ----------
    stack
        The rows.
    curve : (N,) float32
        Novelty between each row and the one before it, 0 to 1; 0.5 where what follows has nothing in common with what
        precedes. NaN nearer to an end, or to missing frames, than the kernel reaches.
    half_width_frames
        How far the kernel reaches to both sides.
    prominence
        The least prominence of the peaks that are changes.
    changes
        Peaks, in the order of the rows.
    """

    stack: Stack
    curve: NDArray[np.float32]
    half_width_frames: float
    prominence: float
    changes: tuple[Change, ...]


def novelty(data: StackLike, half_width_frames: float | None = None, prominence: float | None = None) -> Novelty:
    """Return where the features change, by novelty after Foote; see `novelty_steps`."""
    return finish(novelty_steps(data, half_width_frames, prominence))


def novelty_steps(
    data: StackLike, half_width_frames: float | None = None, prominence: float | None = None
) -> Steps[Novelty]:
    """Find changes by novelty on the self-similarity matrix.

    After Foote (2000), "Automatic audio segmentation using a measure of audio novelty" (ICME): S(i, j) is the cosine of
    the standardised rows i and j; at each boundary a checkerboard with a Gaussian taper is laid on the diagonal of S,
    and the products are summed. With half width L, ``m`` from -L to L - 1, ``u = m + 0.5`` and sigma = L / 2 it is
    ``C(m, n) = k(m) k(n)``, ``k(m) = sign(u) exp(-u**2 / (2 sigma**2))``, so that the sum over ``C(m, n) S(i+m, i+n)``
    is the squared length of ``sum(k(m) x(i+m))``, x the rows made unit length. That is how it is computed: the
    same number, without S. It is divided by ``sum(abs(k))**2``, its largest possible value. Peaks are those of
    `scipy.signal.find_peaks`.

    Parameters
    ----------
    data
        Rows; each individual is looked at by itself, and so is each stretch between missing frames.
    half_width_frames
        L, in video frames: about the duration of the shortest behaviour to be told apart. None: 32, or a sixth of the
        longest stretch where that is less.
    prominence
        By how much a peak must rise above its surroundings; None: three robust deviations (1.4826 times the median
        absolute deviation) of all novelty, at least 0.02.

    Yields
    ------
    Step

    Raises
    ------
    FeaturesError
        Not a positive half width.
    """
    if half_width_frames is not None and not half_width_frames > 0:
        raise FeaturesError(f"half width: expected a positive number of frames, found {half_width_frames}")
    with needed_for("change points", "explore"):
        from scipy.signal import find_peaks
    stack = yield from standardise_steps(data)
    if half_width_frames is None:
        half_width_frames = _usual_half_width(stack)
    curve = np.full(len(stack), np.nan, np.float32)
    for number, start, stop in stack.segments:
        half = rows_apart(half_width_frames, stack.parts[number].step_frames)
        yield from _fill(stack, curve, start, stop, half)
    known = curve[~np.isnan(curve)]
    if prominence is None:
        spread = 1.4826 * float(np.median(np.abs(known - np.median(known)))) if len(known) else 0.0
        prominence = max(LEAST_PROMINENCE, 3 * spread)
    changes = []
    for number, start, stop in stack.segments:
        half = rows_apart(half_width_frames, stack.parts[number].step_frames)
        inner = curve[start + half : stop - half + 1]
        # Never at the first or last place: the curve may go on rising where it is not known.
        peaks, facts = find_peaks(inner, prominence=prominence)
        changes += _changes(stack, number, start + half + peaks, facts["prominences"])
    return Novelty(stack, curve, half_width_frames, prominence, tuple(changes))


def checkerboard(half_rows: int) -> NDArray[np.float64]:
    """Return k of `novelty_steps`, (2 L,) float64: its outer product with itself is Foote's kernel."""
    u = np.arange(-half_rows, half_rows) + 0.5
    kernel: NDArray[np.float64] = np.sign(u) * np.exp(-(u**2) / (2 * (half_rows / 2) ** 2))
    return kernel


def _usual_half_width(stack: Stack) -> float:
    longest = max((stop - start) * stack.parts[number].step_frames for number, start, stop in stack.segments)
    return min(32.0, float(max(1, longest // 6)))


def _fill(stack: Stack, curve: NDArray[np.float32], start: int, stop: int, half: int) -> Steps[None]:
    """Compute the novelty of the boundaries of one stretch that are `half` rows from its ends, in blocks."""
    kernel = checkerboard(half)
    kernel /= np.abs(kernel).sum()
    size = max(_BLOCK_ROWS, 2 * half)
    for first in range(start + half, stop - half + 1, size):
        end = min(first + size, stop - half + 1)
        rows = unit_rows(stack.rows(first - half, end - 1 + half))
        weights = np.zeros((end - first, len(rows)), np.float32)
        for boundary in range(end - first):
            weights[boundary, boundary : boundary + 2 * half] = kernel
        curve[first:end] = np.square(weights @ rows).sum(axis=1)
        yield Step(end, len(stack), "novelty")


def _changes(
    stack: Stack, number: int, rows: NDArray[np.integer], strengths: Iterable[float] | NDArray[np.float64]
) -> list[Change]:
    part = stack.parts[number]
    pairs = zip(rows.tolist(), strengths, strict=True)
    return [Change(part.video, part.individual, float(stack.frames[row]), float(strength)) for row, strength in pairs]


def kernel_changes(
    data: StackLike | Components,
    count: int | None = None,
    *,
    penalty: float | None = None,
    least_frames: float = 8,
    seed: int = DEFAULT_SEED,
) -> tuple[Change, ...]:
    """Return where the features change, by kernel change points; see `kernel_change_steps`."""
    return finish(kernel_change_steps(data, count, penalty=penalty, least_frames=least_frames, seed=seed))


def kernel_change_steps(
    data: StackLike | Components,
    count: int | None = None,
    *,
    penalty: float | None = None,
    least_frames: float = 8,
    seed: int = DEFAULT_SEED,
) -> Steps[tuple[Change, ...]]:
    """Find changes by segmentation with a Gaussian kernel (`ruptures.KernelCPD`).

    Of all segmentations the one that is best, in the mean square distance of rows from their segment's mean in the
    feature space of the kernel ``exp(-gamma * |x - y|**2)`` (Arlot, Celisse and Harchaoui 2019, JMLR 20), on the scores
    of the first 50 principal components. gamma is 1 / the median squared distance of 1000 rows drawn with the seed.
    Time grows with the square of the rows.

    Parameters
    ----------
    data
        Rows, or their principal components; each individual and each stretch between missing frames by itself.
    count
        Number of changes in each stretch; None: as many as the penalty allows.
    penalty
        What a change must save; None: 2 times the logarithm of the number of rows.
    least_frames
        Shortest time between changes, in video frames.
    seed
        Of the rows drawn.

    Yields
    ------
    Step

    Raises
    ------
    FeaturesError
        More than 20,000 rows in a stretch, more changes than fit, count and penalty both, or ruptures is missing.
    """
    if count is not None and penalty is not None:
        raise FeaturesError("give the number of changes or the penalty, not both")
    if (count is not None and count < 1) or (penalty is not None and not penalty > 0):
        raise FeaturesError(f"expected a positive number of changes or penalty, found {count or penalty}")
    with needed_for("kernel change points", "changes"):
        from ruptures import KernelCPD
    for _, start, stop in (data.stack if isinstance(data, Components) else as_stack(data)).segments:
        if stop - start > KERNEL_MOST_ROWS:
            raise FeaturesError(
                f"kernel change points: expected at most {KERNEL_MOST_ROWS} rows, found {stop - start}: use novelty"
            )
    if not isinstance(data, Components):
        data = yield from component_steps(as_stack(data))
    stack = data.stack
    gamma = _gamma(data.scores, seed)
    changes: list[Change] = []
    for number, start, stop in stack.segments:
        yield Step(start, len(stack), "kernel change points")
        least = rows_apart(least_frames, stack.parts[number].step_frames)
        fits = (stop - start) // least - 1
        if count is not None and count > fits:
            raise FeaturesError(
                f"{stack.parts[number].name}: at most {max(fits, 0)} changes fit, found {count} asked for"
            )
        if fits < 1:
            continue
        search = KernelCPD(kernel="rbf", min_size=least, params={"gamma": gamma})
        search.fit(stack.rows(start, stop).astype(np.float64))
        pen = 2 * np.log(stop - start) if penalty is None else penalty
        ends = search.predict(n_bkps=count) if count is not None else search.predict(pen=pen)
        rows = start + np.array(ends[:-1], np.int64)
        changes += _changes(stack, number, rows, np.full(len(rows), np.nan))
    return tuple(changes)


def _gamma(scores: NDArray[np.float32], seed: int) -> float:
    from scipy.spatial.distance import pdist

    sample = scores[np.random.default_rng(seed).permutation(len(scores))[:_SAMPLE_ROWS]]
    distances = pdist(sample, "sqeuclidean")
    middle = float(np.median(distances)) if len(distances) else 0.0
    return 1 / middle if middle > 0 else 1.0
