"""All boxes of a tracking in one table, for fast lookup by frame."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_i3d.individuals import Id
from napari_i3d.tracking.tracklets import Tracking


class BoxTable:
    """The boxes of a tracking by frame, in pixels of the boxes times `scale` (x, y).

    Works like an array (frames, ids, 4) with not-a-number for absent individuals, but holds only the rows of the
    tracklets: for a thousand short tracklets of a long video, the array would take gigabytes. The methods call the
    indices of individuals in `ids` places.
    """

    def __init__(self, tracking: Tracking, scale: tuple[float, float] = (1.0, 1.0)) -> None:
        tracklets = list(tracking.values())
        self.ids: list[Id] = list(tracking)
        self._places = {individual: place for place, individual in enumerate(self.ids)}
        self._starts = np.array([tracklet.start for tracklet in tracklets], np.int64)
        self._stops = np.array([tracklet.stop for tracklet in tracklets], np.int64)
        lengths = self._stops - self._starts
        # Row of the table that would hold frame 0 of the individual.
        self._origins = np.cumsum(lengths) - lengths - self._starts
        rows = [tracklet.boxes for tracklet in tracklets]
        self._boxes = np.concatenate(rows) if rows else np.empty((0, 4))
        self._scale = scale
        if scale != (1.0, 1.0):
            self._boxes = self._boxes * np.array(scale * 2)

    def update(self, tracking: Tracking, ranges: Mapping[Id, tuple[int, int]], scale: tuple[float, float]) -> bool:
        """Adopt changed boxes if individuals, their first and last frames and the scale are the same; else False.

        Parameters
        ----------
        tracking
            The boxes as they are now.
        ranges
            {id: half-open range of frames} that contains all changed boxes.
        scale
            As for a new table.
        """
        starts = [tracklet.start for tracklet in tracking.values()]
        stops = [tracklet.stop for tracklet in tracking.values()]
        kept = [(type(one), one) for one in tracking] == [(type(one), one) for one in self.ids]
        if not kept or scale != self._scale or starts != self._starts.tolist() or stops != self._stops.tolist():
            return False
        for individual, (start, stop) in ranges.items():
            tracklet, origin = tracking[individual], self._origins[self._places[individual]]
            first, last = max(start, tracklet.start), min(stop, tracklet.stop)
            if first < last:
                boxes = tracklet.boxes[first - tracklet.start : last - tracklet.start]
                self._boxes[origin + first : origin + last] = boxes * np.array(scale * 2)
        return True

    @property
    def first_frame(self) -> int:
        """The first frame with a box."""
        return int(self._starts.min(initial=np.iinfo(np.int64).max)) if self.ids else 0

    def at(self, frame: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the places (n,) of the individuals in a frame, and their boxes (n, 4) in pixels of the video.

        Boxes that are not finite cannot be drawn and are left out.
        """
        places = np.flatnonzero((self._starts <= frame) & (frame < self._stops))
        boxes = self._boxes[self._origins[places] + frame]
        valid = np.isfinite(boxes).all(axis=1)
        return places[valid], boxes[valid]

    def centers(self, frames: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the centers of the boxes in some frames, (m,) int64, ascending.

        Returns
        -------
        places : (n,)
            The individuals whose tracklet overlaps the range from the first frame to the last.
        centers : (n, m, 2)
            x and y in pixels of the video; not-a-number if there is no box.
        """
        places = np.flatnonzero((self._starts <= frames[-1]) & (frames[0] < self._stops))
        known = (self._starts[places, None] <= frames) & (frames < self._stops[places, None])
        rows = np.where(known, self._origins[places, None] + frames, 0)
        boxes = self._boxes[rows]
        centers = (boxes[..., :2] + boxes[..., 2:]) / 2
        centers[~(known & np.isfinite(centers).all(axis=-1))] = np.nan
        return places, centers

    def nearest(self, individual: Id, frame: int) -> NDArray[np.float64] | None:
        """Return an individual's box, (4,), in a frame or the nearest frame that has one; None without any."""
        if individual not in self._places:
            return None
        place = self._places[individual]
        first = self._origins[place] + self._starts[place]
        boxes = self._boxes[first : first + self._stops[place] - self._starts[place]]
        valid = np.flatnonzero(np.isfinite(boxes).all(axis=1))
        if not len(valid):
            return None
        row: NDArray[np.float64] = boxes[valid[np.argmin(np.abs(valid + self._starts[place] - frame))]]
        return row
