"""What a job in another thread yields, and how it ends."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any


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
        What is counted: ``"chunk"``, ``"byte"``, or empty for steps of unequal length.
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
Steps = Generator[Progress, None, Any]
"""A job: yields its progress and returns a value, or raises."""
