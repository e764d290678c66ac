"""Individuals: ids, their text, and spans of their frames."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from napari_i3d.errors import TrackingError

Id = str | int

MAX_ID = 2**63 - 1
"""The largest id that is a whole number."""


def format_id(value: object) -> str:
    """Format an id for figures and messages: escaped if not printable, and shortened to fit one line."""
    if value == "":
        return "whole image"
    if isinstance(value, int) and abs(value) > MAX_ID:
        return "a number of more than 18 digits"
    text = value if isinstance(value, str) else str(value)
    if text.isprintable() and len(text) <= 60:
        return text
    return ascii(text[:60]) + ("..." if len(text) > 60 else "")


def named(individual: Id) -> str:
    """Format an id for a sentence; text is quoted if it could be mistaken for a number, or is empty."""
    looks_whole = isinstance(individual, str) and individual.strip().lstrip("-").isdigit()
    return repr(individual) if looks_whole or individual == "" else format_id(individual)


def name_ids(ids: Iterable[Id]) -> dict[Id, str]:
    """Format ids that are listed together: the text ``"1"`` is quoted if the number 1 is among them."""
    ids = tuple(ids)
    written = Counter(map(format_id, ids))
    return {one: format_id(one) if written[format_id(one)] == 1 else named(one) for one in ids}


def whole_id(individual: Id, ids: Iterable[Id]) -> Id | None:
    """Return the one of `ids` that an individual of features is, or is a piece of; None if there is none."""
    ids = tuple(ids)
    if individual in ids:
        return individual
    whole = [name for name in ids if str(individual).startswith(f"{name}_part")]
    return max(whole, key=lambda name: len(str(name)), default=None)


def find_ids(known: Iterable[Id], names: Iterable[str]) -> list[Id]:
    """Return the ids, text or whole numbers, that are written like the names; a name that none is written like stays.

    Raises
    ------
    TrackingError
        A name is that of two ids: a text and a number.
    """
    known, ids = list(known), []
    for name in dict.fromkeys(names):
        alike: list[Id] = [individual for individual in known if str(individual) == name]
        if len(alike) > 1:
            raise TrackingError(
                f"{format_id(name)}: both the text and the number are ids in this file", hint="rename one of them"
            )
        ids += alike or [name]
    return ids


@dataclass(frozen=True)
class Span:
    """A range of frames of an individual of a video.

    Attributes
    ----------
    first_frame, last_frame
        The video frames of the first and the last row; equal for one row. The frame of an unpadded row is the center
        of its chunk, halfway between two frames.
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
        """Video and individual, for figures and messages."""
        return format_individual(self.video, self.individual)


def format_individual(video: str, individual: Id) -> str:
    """Format an individual of a video for figures and messages."""
    name = format_id(individual)
    return f"{video}: {name}" if video else name
