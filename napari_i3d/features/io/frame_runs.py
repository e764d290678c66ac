"""Frames of rows as runs of evenly spaced numbers: an hour of rows is one line of JSON instead of a hundred thousand.

A run ``{"first": 3.5, "step": 1, "count": 4}`` is 3.5, 4.5, 5.5, 6.5. Lists of plain numbers, as earlier versions
wrote them, are still read.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_LARGEST = 2**53
"""float64 holds every whole number up to this."""


def as_runs(values: NDArray[Any]) -> list[Any]:
    """Return numbers as runs that give exactly these numbers; a plain list if they are not finite."""
    if values.size and not np.isfinite(values).all():
        return list(values.tolist())
    steps = np.diff(values)
    changes = np.flatnonzero(steps[1:] != steps[:-1]) + 1  # steps that differ from the one before
    runs: list[Any] = []
    start = 0
    while start < len(values):
        at = int(np.searchsorted(changes, start, side="right"))
        last = int(changes[at]) if at < len(changes) else len(values) - 1
        last = min(last, len(values) - 1)
        first = values[start].item()
        step = steps[start].item() if last > start else 0
        run = values[start : last + 1]
        if np.array_equal(first + step * np.arange(len(run)), run):
            runs.append(_run(first, step, len(run)))
        else:  # rounding: these are not multiples of their step
            runs.extend(_run(value, 0, 1) for value in run.tolist())
        start = last + 1
    return runs


def from_runs(stated: object, n_rows: int, dtype: DTypeLike) -> NDArray[Any]:
    """Return the numbers that runs, or a plain list, state.

    Nothing larger than `n_rows` numbers is made, whatever is stated. Raises `ValueError` or `TypeError` if it is not
    `n_rows` numbers.
    """
    if not isinstance(stated, Sequence) or isinstance(stated, str):
        raise TypeError(f"frames: expected a list, found {type(stated).__name__}")
    if not any(isinstance(item, Mapping) for item in stated):
        return np.array(stated, dtype)
    counts = [_count(item) for item in stated]
    if sum(counts) != n_rows:
        raise ValueError(f"runs of {sum(counts)} frames for {n_rows} rows")
    values = np.empty(n_rows, dtype)
    start = 0
    for run, count in zip(stated, counts, strict=True):
        first, step = _number(run["first"], dtype), _number(run["step"], dtype)
        if abs(first + step * (count - 1)) > _LARGEST:
            raise ValueError("a run that leaves the numbers that frames can have")
        values[start : start + count] = first + step * np.arange(count)
        start += count
    return values


def _run(first: float, step: float, count: int) -> dict[str, Any]:
    return {"first": _plain(first), "step": _plain(step), "count": count}


def _plain(number: float) -> float:
    """Return a whole number without its decimal point."""
    return int(number) if float(number).is_integer() and abs(number) <= _LARGEST else number


def _count(run: object) -> int:
    count = run["count"] if isinstance(run, Mapping) else None
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError("a run of frames without a count")
    return count


def _number(value: object, dtype: DTypeLike) -> float:
    whole = np.dtype(dtype).kind == "i"
    kinds = (int,) if whole else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool) or abs(value) > _LARGEST or not math.isfinite(value):
        raise ValueError("a run of frames that are no numbers")
    return value
