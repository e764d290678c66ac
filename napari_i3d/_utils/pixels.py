"""Images as arrays of packed colors: hatches and mixing."""

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint32]
"""(rows, columns) of 0xffRRGGBB."""


def hatch_pattern(hatch: int, x: NDArray[np.int64], ratio: float) -> NDArray[np.bool_]:
    """Return which pixels a hatch covers, for places from left to right: (rows of one period, len(x))."""
    thin, wide = max(round(ratio), 1), max(round(2 * ratio), 1)
    period = round((0, 6, 5, 7)[hatch] * ratio)
    y = np.arange(period)[:, None]
    if hatch == 1:
        return np.asarray((x + y) % period < wide)
    if hatch == 2:
        return (x % period < wide) & (y < wide)
    return ((x + y) % period < thin) | ((x - y) % period < thin)


def blend(under: Pixels, over: Pixels, opacity: NDArray[np.float32]) -> Pixels:
    """Return colors mixed by opacity, which is broadcast to them."""
    shape = (*under.shape, 4)
    low = np.ascontiguousarray(under).view(np.uint8).reshape(shape).astype(np.float32)
    high = np.ascontiguousarray(over).view(np.uint8).reshape(shape).astype(np.float32)
    low += (high - low) * opacity[..., None] + np.float32(0.5)
    return np.asarray(low.astype(np.uint8).view(np.uint32)[..., 0])
