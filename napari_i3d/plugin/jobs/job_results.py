"""What a job in another thread yields, and how it ends."""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar


@dataclass(frozen=True)
class Progress:
    """Progress of a job.

    Attributes
    ----------
    text
        What the job does now; empty: the same as before.
    done, total
        How much of the work is done; total 0: the length is unknown.
    unit
        What is counted: ``"chunk"``, ``"frame"``, ``"byte"``, or empty for steps of unequal length.
    """

    text: str = ""
    done: int = 0
    total: int = 0
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Done:
    """The job succeeded, with a value."""

    value: Any


@dataclass(frozen=True)
class Failed:
    """The job failed, with a line for the user."""

    message: str


@dataclass(frozen=True)
class Cancelled:
    """The job was cancelled."""


Result = Done | Failed | Cancelled

S = TypeVar("S")
T = TypeVar("T")


def as_progress(steps: Generator[S, None, T], convert: Callable[[S], Progress | None]) -> Generator[Progress, None, T]:
    """Yield the steps of a computation as progress, but for those that `convert` makes None; return its result."""
    with contextlib.closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as finished:
                result: T = finished.value
                return result
            progress = convert(step)
            if progress is not None:
                yield progress
