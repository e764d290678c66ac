"""What the explorations share: progress of long work."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """How far a long computation is.

    Attributes
    ----------
    done, total
        Parts of the work, of about equal length within a computation.
    what
        What is being done, for a progress bar.
    """

    done: int
    total: int
    what: str


Steps = Generator[Step, None, T]
"""Long work: yields `Step` records, and returns its result (``yield from``, or ``StopIteration.value``)."""


def finish(steps: Generator[Any, None, T]) -> T:
    """Run long work to its end and return its result."""
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            result: T = finished.value
            return result
