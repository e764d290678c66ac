"""The boxes of all frames of a tracking, as one table that is quick to ask for a frame."""

import numpy as np
from numpy.typing import NDArray

from napari_i3d.individuals import Id
from napari_i3d.tracking.tracklets import Tracking


class BoxTable:
    """Who is where in a frame.

    Works like an array (frames, ids, 4) that is not-a-number where an individual is absent, but holds the rows of the
    tracklets alone: a thousand short tracklets of a long video would be gigabytes of nothing.

    Parameters
    ----------
    tracking
        The tracking.
    scale
        Pixels of the video, (x, y), for a pixel of the boxes.

    Attributes
    ----------
    ids
        The individuals; their places in this list are what the methods call places.
    """

    def __init__(self, tracking: Tracking, scale: tuple[float, float] = (1.0, 1.0)) -> None:
        tracklets = list(tracking.values())
        self.ids: list[Id] = list(tracking)
        self._places = {individual: place for place, individual in enumerate(self.ids)}
        self._starts = np.array([tracklet.start for tracklet in tracklets], np.int64)
        self._stops = np.array([tracklet.stop for tracklet in tracklets], np.int64)
        lengths = self._stops - self._starts
        # Row of the table in which frame 0 of the individual would stand.
        self._origins = np.cumsum(lengths) - lengths - self._starts
        rows = [tracklet.boxes for tracklet in tracklets]
        self._boxes = np.concatenate(rows) if rows else np.empty((0, 4))
        if scale != (1.0, 1.0):
            self._boxes = self._boxes * np.array(scale * 2)

    @property
    def first_frame(self) -> int:
        """The first frame that has a box."""
        return int(self._starts.min(initial=np.iinfo(np.int64).max)) if self.ids else 0

    def at(self, frame: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the places (n,) of those who are in a frame, and their boxes (n, 4) in pixels of the video.

        A box with a side that is no finite number cannot be drawn, and is left out.
        """
        places = np.flatnonzero((self._starts <= frame) & (frame < self._stops))
        boxes = self._boxes[self._origins[places] + frame]
        sound = np.isfinite(boxes).all(axis=1)
        return places[sound], boxes[sound]

    def centers(self, frames: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return where the boxes are in some frames.

        Parameters
        ----------
        frames : (m,) int64
            Ascending.

        Returns
        -------
        places : (n,)
            Those who have a tracklet that reaches into the time from the first to the last of the frames.
        centers : (n, m, 2)
            x and y in pixels of the video; not-a-number where there is no box.
        """
        places = np.flatnonzero((self._starts <= frames[-1]) & (frames[0] < self._stops))
        known = (self._starts[places, None] <= frames) & (frames < self._stops[places, None])
        rows = np.where(known, self._origins[places, None] + frames, 0)
        boxes = self._boxes[rows]
        centers = (boxes[..., :2] + boxes[..., 2:]) / 2
        centers[~(known & np.isfinite(centers).all(axis=-1))] = np.nan
        return places, centers

    def nearest(self, individual: Id, frame: int) -> NDArray[np.float64] | None:
        """Return the box, (4,), that an individual has in a frame, or in the nearest one in which it has any."""
        if individual not in self._places:
            return None
        place = self._places[individual]
        first = self._origins[place] + self._starts[place]
        boxes = self._boxes[first : first + self._stops[place] - self._starts[place]]
        sound = np.flatnonzero(np.isfinite(boxes).all(axis=1))
        if not len(sound):
            return None
        row: NDArray[np.float64] = boxes[sound[np.argmin(np.abs(sound + self._starts[place] - frame))]]
        return row
