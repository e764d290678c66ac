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
        self._used: dict[Id, NDArray[np.bool_]] = {}

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
        if individual not in self._used:
            self._used[individual] = _used(self._features, individual, before)
        changed = _differs(before, after)
        # Boxes in gaps were interpolated, from boxes that may lie far away.
        fills_gaps = not before.present[self._used[individual]].all()
        return bool(changed.any() if fills_gaps else changed[self._used[individual]].any())


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


def _used(features: Features, individual: Id, tracklet: Tracklet) -> NDArray[np.bool_]:
    """Return which boxes of a tracklet rows were computed from, (N,); all if that is not known."""
    starts = features.chunk_starts.get(individual)
    if starts is None:
        return np.ones(len(tracklet), np.bool_)
    rows = starts[(starts >= tracklet.start) & (starts < tracklet.stop)] - tracklet.start
    edges = np.zeros(len(tracklet) + I3D.chunk_frames, np.int64)
    np.add.at(edges, rows, 1)
    np.add.at(edges, rows + I3D.chunk_frames, -1)
    return np.cumsum(edges)[: len(tracklet)] > 0


def _differs(before: Tracklet, after: Tracklet) -> NDArray[np.bool_]:
    """Return which boxes of a tracklet are others, or are missing, in another: (N,)."""
    differs = np.ones(len(before), np.bool_)
    first, stop = max(before.start, after.start), min(before.stop, after.stop)
    if first < stop:
        one, other = (slice(first - tracklet.start, stop - tracklet.start) for tracklet in (before, after))
        boxes, others = before.boxes[one], after.boxes[other]
        same = ((boxes == others) | (np.isnan(boxes) & np.isnan(others))).all(axis=1)
        differs[one] = ~same | (before.present[one] != after.present[other])
    return differs
