"""A common scale for the columns of features."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROWS = 256


@dataclass(frozen=True, eq=False)
class Scaling:
    """Mean and deviation of each column.

    Attributes
    ----------
    mean : (D,) float64
    deviation : (D,) float64
        Standard deviation of the population (divided by N); 0 for a constant column.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ``(values - mean) / deviation``, 0 in constant columns: (n, D) float32, a new array."""
        constant = self.deviation == 0
        factor = np.where(constant, 0.0, 1 / np.where(constant, 1.0, self.deviation))
        scaled = np.empty(values.shape, np.float32)
        # Few rows at once, so that the float64 intermediates (needed for small deviations on a large mean) stay in
        # the processor's cache.
        for start in range(0, len(values), _ROWS):
            piece = values[start : start + _ROWS] - self.mean
            scaled[start : start + _ROWS] = np.multiply(piece, factor, out=piece)
        return scaled
