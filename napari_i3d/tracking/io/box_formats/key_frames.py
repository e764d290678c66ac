"""Key frames of boxes: choose them, and interpolate linearly between them."""

import numpy as np
from numpy.typing import NDArray

# Halvings after which every frame of a span that still does not fit becomes a key frame; random walks need about 40.
_LEVELS = 100


def needed_key_frames(boxes: NDArray[np.float64], tolerance_px: float) -> NDArray[np.bool_]:
    """Choose key frames so that no side of a linearly interpolated box is off by more than a tolerance.

    Spans are split at their worst frame until they fit (Douglas-Peucker), all spans at once.

    Parameters
    ----------
    boxes
        Shape (n, 4), finite, of consecutive frames.
    tolerance_px
        The largest difference of a side.

    Returns
    -------
    ndarray
        Shape (n,), bool; the first and the last frame are key frames.
    """
    n = len(boxes)
    keys = np.zeros(n, np.bool_)
    keys[[0, -1]] = True
    for _ in range(_LEVELS):
        ends = np.flatnonzero(keys)
        if len(ends) < 2:
            return keys
        wrong = _errors(boxes, ends)
        starts = ends[:-1]
        worst = np.maximum.reduceat(wrong, starts)
        if not (worst > tolerance_px).any():
            return keys
        # The first frame of each span whose error is that of its worst.
        span = np.repeat(np.arange(len(starts)), np.diff(ends, append=n)[:-1])
        at_worst = np.flatnonzero((wrong[: len(span)] == worst[span]) & (worst[span] > tolerance_px))
        _, first = np.unique(span[at_worst], return_index=True)
        keys[at_worst[first]] = True
    keys[: n - 1] |= np.repeat(worst > tolerance_px, np.diff(ends))
    return keys


def _errors(boxes: NDArray[np.float64], ends: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return for each frame, (n,), the deviation of its box from the line between the key frames around it."""
    frames = np.arange(len(boxes))
    wrong = np.zeros(len(boxes))
    for side in boxes.T:
        np.maximum(wrong, np.abs(np.interp(frames, ends, side[ends]) - side), out=wrong)
    return wrong


def fill_between(
    frames: NDArray[np.int64], values: NDArray[np.float64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Interpolate from each key frame to the next.

    Parameters
    ----------
    frames
        Shape (k,), ascending: the key frames.
    values
        Shape (k, m): what stands there.
    ends
        Shape (k,): the frame before which each key frame's span ends: the next key frame, or its own where nothing
        follows; behind the last key frame, its values stay.

    Returns
    -------
    frames : (n,)
        All frames of the spans.
    values : (n, m)
        The values in them; exactly those given at key frames.
    """
    lengths = ends - frames
    span = np.repeat(np.arange(len(frames)), lengths)
    step = np.arange(len(span)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    following = np.minimum(span + 1, len(frames) - 1)
    share = (step / lengths[span])[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        filled = values[span] + (values[following] - values[span]) * share
    filled[step == 0] = values[span[step == 0]]  # even if the difference overflows
    return frames[span] + step, filled
