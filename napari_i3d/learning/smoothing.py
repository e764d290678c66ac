"""From probabilities of rows to bouts."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import SettingsError


@dataclass(frozen=True)
class Smoothing:
    """How probabilities become bouts.

    Attributes
    ----------
    enter
        A bout has at least one row of this probability.
    stay
        It goes on as long as rows have this one; of several exclusive behaviors the more probable goes on.
    shortest_frames
        Shorter gaps within a behavior are closed, then shorter bouts are dropped.

    Raises
    ------
    SettingsError
        Not ``0 < stay <= enter <= 1``, or a length that is not positive.
    """

    enter: float = 0.5
    stay: float = 0.4
    shortest_frames: int = 5

    def __post_init__(self) -> None:
        if not 0 < self.stay <= self.enter <= 1:
            raise SettingsError(
                f"probabilities: expected 0 < stay <= enter <= 1, found stay {self.stay:g} and enter {self.enter:g}"
            )
        if self.shortest_frames < 1:
            raise SettingsError(f"shortest_frames: expected at least 1, found {self.shortest_frames}")


def smooth(probabilities: NDArray[np.float32], smoothing: Smoothing, step_frames: float = 1.0) -> NDArray[np.int64]:
    """Return the class of each row of a stretch without gaps.

    Parameters
    ----------
    probabilities : (n, C) float32
        Probabilities of a head; class 0 is none.
    smoothing
        The settings.
    step_frames
        Frames from row to row.

    Returns
    -------
    (n,) int64
        Class of each row; 0: none.
    """
    shortest = math.ceil(smoothing.shortest_frames / step_frames)
    going = np.full(probabilities.shape, -1.0, np.float32)
    going[:, 0] = 0.0
    for index in range(1, probabilities.shape[1]):
        likely = probabilities[:, index] >= smoothing.stay
        if likely.any():
            own = probabilities[likely, index]
            edges = np.diff(likely.astype(np.int8), prepend=0, append=0)
            lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
            highest = np.maximum.reduceat(own, np.cumsum(lengths) - lengths)
            going[likely, index] = np.where(np.repeat(highest >= smoothing.enter, lengths), own, -1.0)
    return _without_short_runs(going.argmax(axis=1).astype(np.int64), shortest)


def runs_of(classes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row of each run of equal classes, and the row after its last: two (runs,) int64."""
    edges = np.flatnonzero(np.diff(classes)) + 1
    return np.r_[0, edges].astype(np.int64), np.r_[edges, len(classes)].astype(np.int64)


def _without_short_runs(classes: NDArray[np.int64], shortest: int) -> NDArray[np.int64]:
    starts, stops = runs_of(classes)
    values, short = classes[starts], stops - starts < shortest
    if len(values) > 2:
        # What interrupts a behavior only shortly is part of it.
        within = short[1:-1] & (values[:-2] == values[2:]) & (values[:-2] > 0) & ~(short[:-2] & short[2:])
        values[1:-1] = np.where(within, values[:-2], values[1:-1])
        classes = np.repeat(values, stops - starts)
        starts, stops = runs_of(classes)
        values, short = classes[starts], stops - starts < shortest
    values[short] = 0
    return np.repeat(values, stops - starts)
