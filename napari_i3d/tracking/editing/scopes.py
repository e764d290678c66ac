"""Corrections of identities as a user chooses them: a command, perhaps another individual, and a scope of frames."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from napari_i3d.errors import TrackingError
from napari_i3d.individuals import Id
from napari_i3d.tracking.editing.box_edits import DeleteBoxes
from napari_i3d.tracking.editing.box_store import Range
from napari_i3d.tracking.editing.identity_edits import Assign, Delete, Merge, Rename, Split, Swap
from napari_i3d.tracking.editing.tracking_edit import TrackingEdit
from napari_i3d.tracking.tracklets import Tracking, Tracklet

_QUOTES = "'\""


class Scope(StrEnum):
    """The frames that a correction is about, seen from the frame that is shown."""

    ONWARD = "from here on"
    FRAME = "in this frame"
    UP_TO = "up to here"
    SPAN = "in the marked span"

    def frames(self, frame: int, span: Range | None) -> tuple[int, int | None]:
        """Return the half-open range of frames; a stop of None is the end of the boxes.

        Parameters
        ----------
        frame
            The frame that is shown; it belongs to all scopes but the span.
        span
            The half-open range that the user marked; None: none.

        Raises
        ------
        TrackingError
            The scope is the span, and none is marked.
        """
        if self is Scope.ONWARD:
            return frame, None
        if self is Scope.FRAME:
            return frame, frame + 1
        if self is Scope.UP_TO:
            return 0, frame + 1
        if span is None:
            raise TrackingError("expected a marked span, found none", hint="mark its first and its last frame")
        return span


class Command(StrEnum):
    """What can be corrected about an identity."""

    SWAP = "swap with"
    ASSIGN = "give boxes to"
    MERGE = "merge into"
    SPLIT = "split here"
    RENAME = "rename to"
    DELETE_BOXES = "delete boxes"
    DELETE = "delete individual"

    @property
    def has_other(self) -> bool:
        """Whether it is about another individual, too."""
        return self in (Command.SWAP, Command.ASSIGN, Command.MERGE)

    @property
    def has_scope(self) -> bool:
        """Whether it is about a range of frames."""
        return self in (Command.SWAP, Command.ASSIGN, Command.DELETE_BOXES)


@dataclass(frozen=True)
class IdentityChoice:
    """What a user chose.

    Attributes
    ----------
    command
        What is to be done.
    id
        The individual.
    other
        Another individual, or the new id of a rename; None: none was chosen.
    scope
        The frames, for commands that have a scope.
    replace
        Whether boxes that are in the way are replaced.
    """

    command: Command
    id: Id
    other: Id | None = None
    scope: Scope = Scope.ONWARD
    replace: bool = False

    def edit(self, frame: int, span: Range | None = None) -> TrackingEdit:
        """Return the correction, seen from a frame.

        Raises
        ------
        TrackingError
            Another individual is missing, or the span.
        """
        start, stop = self.scope.frames(frame, span) if self.command.has_scope else (0, None)
        match self.command:
            case Command.DELETE_BOXES:
                return DeleteBoxes(self.id, start, stop)
            case Command.DELETE:
                return Delete(self.id)
            case Command.SPLIT:
                return Split(self.id, frame)
        if self.other is None or (self.command is Command.RENAME and self.other == self.id):
            what = "a new id" if self.command is Command.RENAME else "another individual"
            raise TrackingError(f"expected {what}, found none")
        match self.command:
            case Command.SWAP:
                return Swap(self.id, self.other, start, stop)
            case Command.ASSIGN:
                return Assign(self.id, self.other, start, stop, self.replace)
            case Command.MERGE:
                return Merge(self.other, self.id, self.replace)
        return Rename(self.id, self.other)


def others_nearby(tracking: Tracking, individual: Id, frame: int, *, absent_first: bool = False) -> list[Id]:
    """Return the other individuals, the likeliest to be mistaken for this one in a frame first.

    Those with a box in the frame come before those without, each by the distance of their box that is nearest in time;
    a frame in between counts as a pixel.

    Parameters
    ----------
    tracking
        The boxes.
    individual
        One of its individuals.
    frame
        The frame.
    absent_first
        List those without a box in the frame before those with one: only they can get its boxes.
    """
    _, _, here = _nearest(tracking[individual], frame)
    listed: list[tuple[bool, float, int, Id]] = []
    for place, (other, tracklet) in enumerate(tracking.items()):
        present, apart, there = _nearest(tracklet, frame)
        if other != individual:
            distance = float(np.hypot(*(there - here))) + apart
            listed.append((present is absent_first, distance if np.isfinite(distance) else np.inf, place, other))
    return [other for *_, other in sorted(listed, key=lambda one: one[:3])]


def _nearest(tracklet: Tracklet, frame: int) -> tuple[bool, int, np.ndarray]:
    """Return whether there is a box in a frame, the frames up to the nearest one, and its center."""
    row = min(max(frame, tracklet.start), tracklet.stop - 1) - tracklet.start
    if not tracklet.present[row]:
        known = np.flatnonzero(tracklet.present)
        row = int(known[np.argmin(np.abs(known - row))])
    box, apart = tracklet.boxes[row], abs(tracklet.start + row - frame)
    return apart == 0, apart, (box[:2] + box[2:]) / 2


def mark_start(span: Range | None, frame: int) -> Range:
    """Return a span whose first frame is another one; its last frame stays if it is later."""
    return frame, max(frame + 1, span[1] if span is not None else 0)


def mark_end(span: Range | None, frame: int) -> Range:
    """Return a span whose last frame is another one; its first frame stays if it is earlier."""
    return min(frame, span[0] if span is not None else frame), frame + 1


def format_span(span: Range) -> str:
    """Format a marked span: ``frames 60 to 90 (31)``."""
    start, stop = span
    return f"frame {start}" if stop - start == 1 else f"frames {start} to {stop - 1} ({stop - start})"


def editable_id(individual: Id, ids: Iterable[Id]) -> str:
    """Return the text of an id to be edited: in quotes where it would be taken for another id."""
    text, found = str(individual), parse_id(str(individual), ids)
    return text if found == individual and type(found) is type(individual) else f"'{text}'"


def parse_id(text: str, ids: Iterable[Id]) -> Id:
    """Return the id that a text stands for; the inverse of `editable_id`.

    A whole number is a number, unless it stands in quotes or all the other ids are text.

    Parameters
    ----------
    text
        The text.
    ids
        The ids of the tracking.
    """
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        return text[1:-1]
    is_whole = text.removeprefix("-").isdecimal() and text.isascii() and str(int(text)) == text
    others = list(ids)
    return int(text) if is_whole and not (others and all(isinstance(one, str) for one in others)) else text
