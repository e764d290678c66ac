"""What a job in another thread yields and returns."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


RECORD_EVERY_S = 0.1


@dataclass(frozen=True)
class Stage:
    """What is done now, in words; of unknown length."""

    text: str


@dataclass(frozen=True)
class Advance:
    """How far it is: chunks, or bytes."""

    done: int
    total: int


@dataclass(frozen=True, eq=False)
class Done:
    """All went well.

    Attributes
    ----------
    value
        What was made.
    """

    value: Any


@dataclass(frozen=True)
class Failed:
    """It cannot be done; one line for the user."""

    message: str


@dataclass(frozen=True)
class Cancelled:
    """The work ended because it was asked to; nothing of it is left."""


Record = Stage | Advance
Outcome = Done | Failed | Cancelled
Work = Generator[Record, None, Outcome]
