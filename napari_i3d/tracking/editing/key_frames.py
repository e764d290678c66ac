"""Corrections around key frames, the frames whose box was set by hand: which frames, and which edits."""

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import TrackingError
from napari_i3d.individuals import MAX_ID, Id
from napari_i3d.tracking.editing.box_edits import DeleteBoxes, Interpolate, SetBox
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.editing.tracking_edit import named
from napari_i3d.tracking.tracklets import Tracking, Tracklet


def key_frame_beside(editor: TrackingEditor, individual: Id, frame: int, step: int) -> int:
    """Return the next (`step` 1) or the previous (-1) key frame of an individual.

    Raises
    ------
    TrackingError
        There is none, or no such individual.
    """
    found = _beside(editor.key_frames(individual), frame, step)
    if found is None:
        raise TrackingError(f"{named(individual)}: no key frame {_SIDE[step]} frame {frame}")
    return found


def middle_key_frame(editor: TrackingEditor, individual: Id) -> int:
    """Return the frame between two key frames that is furthest from any: where interpolation may be off most.

    Raises
    ------
    TrackingError
        No two key frames have frames between them, or there is no such individual.
    """
    keys = editor.key_frames(individual)
    spans = np.diff(keys)
    if not (spans > 1).any():
        raise TrackingError(f"{named(individual)}: expected two key frames with frames between them, found none")
    widest = int(np.argmax(spans))
    return int(keys[widest] + spans[widest] // 2)


def interpolations(
    editor: TrackingEditor, individual: Id, frame: int, *, before: bool = True, after: bool = True
) -> list[Interpolate]:
    """Return what interpolates from a frame to the key frames beside it.

    Across a gap that begins or ends right beside the frame, the other end of the gap takes the place of the key frame.
    A frame that is no key frame itself is interpolated too, from the key frame before to the one after it, if both
    sides are asked for.

    Parameters
    ----------
    editor
        The boxes.
    individual
        An individual.
    frame
        The frame.
    before, after
        The sides.

    Raises
    ------
    TrackingError
        There is nothing to interpolate; the message says why.
    """
    keys = editor.key_frames(individual)
    tracklet = editor.tracking[individual]
    ends = [(_end(tracklet, keys, frame, step) if asked else None) for step, asked in ((-1, before), (1, after))]
    first, last = ends
    if before and after and frame not in keys and first is not None and last is not None:
        return [Interpolate(individual, first, last + 1)]
    if not _has_box(tracklet, frame):
        raise TrackingError(f"{named(individual)}: expected a box in frame {frame} to interpolate from, found none")
    edits = []
    if first is not None and frame - first > 1:
        edits.append(Interpolate(individual, first, frame + 1))
    if last is not None and last - frame > 1:
        edits.append(Interpolate(individual, frame, last + 1))
    if not edits:
        sides = " or ".join(_SIDE[step] for step, asked in ((-1, before), (1, after)) if asked)
        raise TrackingError(
            f"{named(individual)}: expected a key frame {sides} frame {frame}, with frames between, found none",
            hint="set its box in another frame too",
        )
    return edits


def leaving(editor: TrackingEditor, individual: Id, frame: int) -> DeleteBoxes:
    """Return what deletes an individual's boxes from a frame to its next key frame, or to the end.

    Raises
    ------
    TrackingError
        There is no such individual.
    """
    return DeleteBoxes(individual, frame, _beside(editor.key_frames(individual), frame, 1))


def copy_of_box(editor: TrackingEditor, individual: Id, frame: int, step: int, *, nearest: bool = False) -> SetBox:
    """Return what copies an individual's box of the previous (`step` -1) or the next frame (1) into a frame.

    Parameters
    ----------
    editor
        The boxes.
    individual
        An individual.
    frame
        Where the box is copied to.
    step
        Where it comes from.
    nearest
        If the frame beside has no box, take the nearest one on that side.

    Raises
    ------
    TrackingError
        There is no box to copy, or no such individual.
    """
    tracklet = _tracklet(editor, individual)
    beside = _nearest_box(tracklet, frame, step) if nearest else frame + step
    if beside is None:
        raise TrackingError(f"{named(individual)}: expected a box {_SIDE[step]} frame {frame}, found none")
    if not _has_box(tracklet, beside):
        raise TrackingError(f"{named(individual)}: expected a box in frame {beside}, found none")
    return SetBox(individual, frame, tracklet.boxes[beside - tracklet.start])


def next_id(ids: Iterable[Id]) -> Id:
    """Return a free id like those there are: the next whole number, or text with the next number at its end.

    The first is 1; text without a number gets the number of the individual: after ``male`` and ``female`` comes
    ``individual_3``.
    """
    taken = list(ids)
    numbers = [one for one in taken if isinstance(one, int)]
    if len(numbers) == len(taken):
        following = max(numbers, default=0) + 1
        return following if following <= MAX_ID else next(n for n in range(MAX_ID) if n not in numbers)
    last = next(one for one in reversed(taken) if isinstance(one, str))
    stem, digits = re.fullmatch(r"(.*?)([0-9]*)", last, re.DOTALL).groups()  # type: ignore[union-attr]
    number = int(digits) + 1 if digits else len(taken) + 1
    stem = stem if digits else "individual_"
    while (name := f"{stem}{number:0{len(digits)}d}") in taken:
        number += 1
    return name


_SIDE = {-1: "before", 1: "after"}


def _tracklet(editor: TrackingEditor, individual: Id) -> Tracklet:
    tracking: Tracking = editor.tracking
    if individual not in tracking:
        editor.key_frames(individual)  # raises, and lists those that there are
    return tracking[individual]


def _beside(keys: NDArray[np.int64], frame: int, step: int) -> int | None:
    found = keys[keys > frame][:1] if step > 0 else keys[keys < frame][-1:]
    return int(found[0]) if len(found) else None


def _end(tracklet: Tracklet, keys: NDArray[np.int64], frame: int, step: int) -> int | None:
    """Return the frame to interpolate to: that of the key frame, or of the box on the other side of a gap."""
    if _has_box(tracklet, frame + step):
        return _beside(keys, frame, step)
    return _nearest_box(tracklet, frame, step)


def _nearest_box(tracklet: Tracklet, frame: int, step: int) -> int | None:
    frames = np.flatnonzero(np.isfinite(tracklet.boxes).all(axis=1)) + tracklet.start
    return _beside(frames, frame, step)


def _has_box(tracklet: Tracklet, frame: int) -> bool:
    place = frame - tracklet.start
    return 0 <= place < len(tracklet.boxes) and bool(np.isfinite(tracklet.boxes[place]).all())
