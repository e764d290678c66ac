"""Records that a job in another thread yields, and outcomes that it returns."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

RECORD_EVERY_S = 0.1


@dataclass(frozen=True)
class Stage:
    """Description of the current step, whose length is unknown."""

    text: str


@dataclass(frozen=True)
class Advance:
    """Progress, in chunks or bytes."""

    done: int
    total: int


@dataclass(frozen=True, eq=False)
class Done:
    """The job succeeded.

    Attributes
    ----------
    value
        The result.
    """

    value: Any


@dataclass(frozen=True)
class Failed:
    """The job failed; one line for the user."""

    message: str


@dataclass(frozen=True)
class Cancelled:
    """The job was cancelled."""


Record = Stage | Advance
Outcome = Done | Failed | Cancelled
Work = Generator[Record, None, Outcome]
