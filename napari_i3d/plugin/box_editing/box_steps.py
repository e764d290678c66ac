"""What the user did in the layer in which boxes are edited, as one step of the video's history."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_i3d.individuals import Id
from napari_i3d.plugin.box_editing.box_shapes import EditedBox, ShapeChanges
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.editing.box_edits import DeleteBoxes, SetBox
from napari_i3d.tracking.editing.key_frames import next_id
from napari_i3d.tracking.editing.tracking_edit import TrackingEdit, named
from napari_i3d.tracking.tracklets import Tracking

_HELP = (
    "Drag a box or its corners; R: draw a new one, Delete: delete in this frame, {interpolate}: interpolate, {end}: end"
)
_HELP_EMPTY = "Drag from corner to corner to draw the box of {name}"


def boxes_at(tracking: Tracking | None, frame: int) -> dict[Id, NDArray[np.float64]]:
    """Return the boxes of a frame, (4,) each; those that are not finite are left out."""
    found = {}
    for individual, tracklet in (tracking or {}).items():
        if tracklet.start <= frame < tracklet.stop:
            box = tracklet.boxes[frame - tracklet.start]
            if np.isfinite(box).all():
                found[individual] = np.array(box)
    return found


def edited_boxes(tracked: TrackedVideo, frame: int) -> list[EditedBox]:
    """Return the boxes of the individuals shown in a frame, for the layer in which they are edited."""
    colors, keys, boxes = tracked.colors, tracked.editor.keys, boxes_at(tracked.tracking, frame)
    return [EditedBox(one, keys[one], box, colors[one]) for one, box in boxes.items() if one in tracked.shown]


def help_words(tracked: TrackedVideo, called: Callable[[str], str], *, drawing: bool) -> str:
    """Return what to do first, for the status line; `called` returns the key of an action."""
    current = tracked.current if tracked.current is not None else next_id(tracked.tracking or ())
    help_text = _HELP.format(interpolate=called("interpolate"), end=called("edit_boxes"))
    return _HELP_EMPTY.format(name=named(current)) if drawing else help_text


def do_changes(tracked: TrackedVideo, frame: int, changes: ShapeChanges) -> str:
    """Do what was done in the layer as one step; return what it was, empty if nothing.

    A new box belongs to the current individual if that has none in the frame, and otherwise to a new one, which
    becomes the current individual. A copy belongs to the individual it was copied from if that has none.

    Raises
    ------
    TrackingError
        The boxes cannot be set; nothing is changed.
    """
    edits: list[TrackingEdit] = [SetBox(one, frame, box) for one, box in changes.moved.items()]
    edits += [DeleteBoxes(one, frame, frame + 1) for one in changes.deleted]
    before = list(tracked.tracking or ())
    owners = _owners(tracked, frame, [key for _, key in changes.drawn])
    edits += [SetBox(one, frame, box) for one, (box, _) in zip(owners, changes.drawn, strict=True)]
    if not edits:
        return ""
    with tracked.editor.group():
        for edit in edits:
            tracked.editor.do(edit)
    if owners:
        if not tracked.shown.issuperset(owners):
            tracked.shown = tracked.shown.union(owners)
        tracked.current = owners[-1]
    new = [named(one) for one in owners if one not in before]
    words = tracked.history.undo_words
    return f"New individual {', '.join(new)}: {words}" if new else words


def _owners(tracked: TrackedVideo, frame: int, keys: list[int | None]) -> list[Id]:
    """Return whose new boxes are; each with the key of the individual it is a copy of, or None."""
    ids, taken = list(tracked.tracking or ()), set(boxes_at(tracked.tracking, frame))
    copied = {key: one for one, key in tracked.editor.keys.items()}
    owners: list[Id] = []
    for key in keys:
        owner = tracked.current if key is None else copied.get(key, tracked.current)
        if owner is None or owner in taken:
            owner = next_id(ids)
            ids.append(owner)
        taken.add(owner)
        owners.append(owner)
    return owners
