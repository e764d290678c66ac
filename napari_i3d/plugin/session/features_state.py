"""Which features were computed from boxes that were corrected since."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.backbones.registry import I3D
from napari_i3d.features.features import Features
from napari_i3d.individuals import Id, format_id, whole_id
from napari_i3d.tracking.content import tracklet_sha256
from napari_i3d.tracking.tracklets import Tracking, Tracklet

_NAMES = 4


class FeaturesState:
    """The boxes that features were computed from, to compare those of the viewer with.

    An individual is out of date if boxes changed in the frames that its rows were computed from, or if it was renamed
    or deleted: its rows belong to no individual by this id. Rows of the whole image never are.

    Parameters
    ----------
    features
        The features, by the ids of the tracking or of pieces of its individuals. If their provenance names the boxes
        that they were computed from, it counts.
    boxes
        The tracking that they were computed from, or opened with.
    """

    def __init__(self, features: Features, boxes: Tracking | None) -> None:
        self._features = features
        named = _named_boxes(features.provenance)
        ids = {one: whole_id(one, boxes or ()) for one in features}
        self._names = {one: name for one, name in ids.items() if name is not None}
        self._sha256 = {name: named[name] for name in self._names.values() if name in named}
        # Of an individual that was opened with other boxes, the boxes are not known but by their checksum.
        self._boxes = {name: tracklet for name, tracklet in (boxes or {}).items() if self._is_of(tracklet)}
        self._checked: dict[Id, Tracklet] = {}

    def out_of_date(self, now: Tracking | None) -> frozenset[Id]:
        """Return the individuals of the features that are out of date, by their ids in the features."""
        boxes: Mapping[Id, Tracklet] = now or {}
        return frozenset(one for one, name in self._names.items() if self._is_changed(one, name, boxes.get(name)))

    def _is_of(self, tracklet: Tracklet) -> bool:
        """Whether features were computed from these boxes, as far as is known."""
        sha256 = self._sha256.get(tracklet.id)
        return sha256 is None or sha256 == tracklet_sha256(tracklet)

    def _is_changed(self, individual: Id, name: Id, after: Tracklet | None) -> bool:
        if after is None:
            return True
        before = self._boxes.get(name)
        if before is None and self._checked.get(name) is not after:
            self._checked[name] = after
            if self._is_of(after):
                before = self._boxes[name] = after
        if before is None or before is after:
            return before is None
        frames = _frames(self._features, individual, before)
        boxes, present = _boxes_at(before, frames)
        if not present.all():
            # Boxes in gaps were interpolated, from boxes that may lie far away.
            boxes, present = before.boxes, before.present
            frames = np.arange(before.start, before.stop)
        others, others_present = _boxes_at(after, frames)
        return not (np.array_equal(present, others_present) and np.array_equal(boxes, others, equal_nan=True))


def format_out_of_date(individuals: frozenset[Id]) -> str:
    """Return a line about individuals that are out of date; empty if there is none."""
    if not individuals:
        return ""
    names = sorted(map(format_id, individuals))
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return f"OUT OF DATE: the boxes of {', '.join(names[:_NAMES])}{more} are others by now"


def _named_boxes(provenance: Mapping[str, Any]) -> dict[Id, str]:
    """Return the checksums of boxes, by individual, in a provenance of whatever content."""
    tracking = provenance.get("tracking")
    entries = tracking.get("boxes") if isinstance(tracking, Mapping) else None
    found = {}
    for entry in entries if isinstance(entries, list) else ():
        individual, sha256 = (entry.get("id"), entry.get("sha256")) if isinstance(entry, Mapping) else (None, None)
        if isinstance(individual, str | int) and isinstance(sha256, str):
            found[individual] = sha256
    return found


def _frames(features: Features, individual: Id, tracklet: Tracklet) -> NDArray[np.int64]:
    """Return the frames that the rows of an individual were computed from; all of its boxes if that is not known."""
    starts = features.chunk_starts.get(individual)
    if starts is not None:
        return np.unique((starts[:, None] + np.arange(I3D.chunk_frames)).ravel())
    return np.arange(tracklet.start, tracklet.stop)


def _boxes_at(tracklet: Tracklet, frames: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rows = frames - tracklet.start
    inside = (rows >= 0) & (rows < len(tracklet))
    rows = np.where(inside, rows, 0)
    present = tracklet.present[rows] & inside
    return np.where(present[:, None], tracklet.boxes[rows], np.nan), present
