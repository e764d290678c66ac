"""Result of a detection: the tracking, and the frames in which it is uncertain."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from napari_i3d.individuals import format_id
from napari_i3d.tracking.checks import Problem, ProblemKind
from napari_i3d.tracking.tracklets import Tracking, format_frames


class Doubt(StrEnum):
    """Why boxes are uncertain."""

    CROSSING = "crossing"
    """Individuals touch or cover each other; afterwards they may be swapped."""
    UNSEEN = "unseen"
    """An individual is out of sight; its boxes are interpolated, or missing."""


@dataclass(frozen=True)
class Uncertainty:
    """Frames in which boxes are uncertain.

    Attributes
    ----------
    kind
        Why.
    ids
        The individuals.
    first_frame, last_frame
        The frames, inclusive.
    """

    kind: Doubt
    ids: tuple[str, ...]
    first_frame: int
    last_frame: int

    @property
    def message(self) -> str:
        """One line that begins with the first id and names the frames."""
        who = [format_id(individual) for individual in self.ids]
        frames = format_frames([(self.first_frame, self.last_frame + 1)])
        if self.kind is Doubt.UNSEEN and len(who) == 1:
            return f"{who[0]}: {frames}: not seen; the boxes are interpolated"
        names = f"{', '.join(who[:-1])} and {who[-1]}"
        what = "touch or cross" if self.kind is Doubt.CROSSING else "are out of sight"
        return f"{who[0]}: {frames}: {names} {what}; they may be swapped from frame {self.last_frame + 1} on"

    @property
    def problem(self) -> Problem:
        """The same as a `Problem`, as `check_tracking` returns them."""
        return Problem(self.ids[0], self.first_frame, ProblemKind(self.kind), self.message, stop=self.last_frame + 1)


@dataclass(frozen=True, eq=False)
class Detection:
    """A first tracking, to be checked and corrected by a person.

    Attributes
    ----------
    tracking
        The boxes, with ids ``ind1``, ``ind2``, ... in the order in which individuals appear.
    uncertain
        Frames in which boxes are uncertain, ascending.
    notes
        Notes for the user: one sentence each, without a period.
    """

    tracking: Tracking
    uncertain: tuple[Uncertainty, ...]
    notes: tuple[str, ...] = ()

    @property
    def problems(self) -> list[Problem]:
        """The uncertain frames as problems of the tracking."""
        return [one.problem for one in self.uncertain]


def name_individual(number: int) -> str:
    """Return the id of an individual, counted from 0."""
    return f"ind{number + 1}"


def name_individuals(numbers: Sequence[int]) -> tuple[str, ...]:
    """Return the ids of individuals, counted from 0."""
    return tuple(name_individual(number) for number in numbers)
