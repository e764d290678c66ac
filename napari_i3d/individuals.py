"""Individuals: their ids, how these are shown, and spans of their frames."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


Id = str | int

MAX_ID = 2**63 - 1
"""The largest whole number that can be an id."""


def shown(value: object) -> str:
    """Return an id as messages show it: itself, or shortened and escaped where it would not fit one line."""
    if isinstance(value, int) and abs(value) > MAX_ID:
        return "a number of more than 18 digits"
    text = value if isinstance(value, str) else str(value)
    if text and text.isprintable() and len(text) <= 60:
        return text
    return ascii(text[:60]) + ("..." if len(text) > 60 else "")


@dataclass(frozen=True)
class Span:
    """Some frames of an individual.

    Attributes
    ----------
    video, individual
        Whose.
    first_frame, last_frame
        The video frames that the first and the last row stand for; equal for one row. A row of unpadded features
        stands for the center of its 8 frames, half way between two.
    """

    video: str
    individual: Id
    first_frame: float
    last_frame: float

    @property
    def middle_frame(self) -> int:
        """The whole video frame to show: the middle, rounded down as `Stack.find_rows` needs it to come back."""
        return math.floor((self.first_frame + self.last_frame) / 2)

    @property
    def name(self) -> str:
        """Video and individual, as figures and messages call them."""
        return format_individual(self.video, self.individual)


def format_individual(video: str, individual: Id) -> str:
    """Return what figures and messages call an individual of a video."""
    who = str(individual) if individual != "" else "whole image"
    return f"{video}: {who}" if video else who


def name_of(tracklet_id: Id) -> str:
    """Return what messages call an individual."""
    return str(tracklet_id) if tracklet_id != "" else "whole image"
