"""Individuals: their ids, how these are shown, and spans of their frames."""

import math
from dataclasses import dataclass

Id = str | int

MAX_ID = 2**63 - 1
"""The largest whole number that can be an id."""


def shown(value: object) -> str:
    """Format an id for messages: escaped if not printable, and shortened to fit one line."""
    if isinstance(value, int) and abs(value) > MAX_ID:
        return "a number of more than 18 digits"
    text = value if isinstance(value, str) else str(value)
    if text and text.isprintable() and len(text) <= 60:
        return text
    return ascii(text[:60]) + ("..." if len(text) > 60 else "")


@dataclass(frozen=True)
class Span:
    """A range of frames of an individual.

    Attributes
    ----------
    video, individual
        Names of the video and the individual.
    first_frame, last_frame
        The video frames of the first and the last row; equal for one row. The frame of an unpadded row is the center
        of its 8 frames, halfway between two.
    """

    video: str
    individual: Id
    first_frame: float
    last_frame: float

    @property
    def middle_frame(self) -> int:
        """The video frame to show: the middle, rounded down so that `FeatureTable.find_rows` finds the row again."""
        return math.floor((self.first_frame + self.last_frame) / 2)

    @property
    def name(self) -> str:
        """Video and individual, as shown in figures and messages."""
        return format_individual(self.video, self.individual)


def format_individual(video: str, individual: Id) -> str:
    """Return the name of an individual of a video for figures and messages."""
    name = name_of(individual)
    return f"{video}: {name}" if video else name


def name_of(tracklet_id: Id) -> str:
    """Return the name of an individual for messages."""
    return str(tracklet_id) if tracklet_id != "" else "whole image"
