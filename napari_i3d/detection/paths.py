"""Results of linking: the paths of individuals, and their encounters."""

from array import array
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass
class Path:
    """The boxes of an individual over time.

    Attributes
    ----------
    start
        Frame of the first row.
    boxes
        Four numbers per frame, in pixels of the reduced image; not-a-number if the individual was not seen.
    """

    start: int
    boxes: array = field(default_factory=lambda: array("d"))  # type: ignore[type-arg]

    def put(self, frame: int, box: NDArray[np.float64]) -> None:
        """Add a frame; frames skipped since the last one have no box."""
        missing = frame - self.start - len(self.boxes) // 4
        self.boxes.extend([np.nan] * (4 * missing))
        self.boxes.extend(box.tolist())


@dataclass(frozen=True)
class Meeting:
    """Frames [start, stop) in which individuals share a blob, or are `unseen` at the same time."""

    ids: tuple[int, ...]
    start: int
    stop: int
    unseen: bool = False
