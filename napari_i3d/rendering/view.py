"""What part of the video is shown: the whole image, or a square around an individual that is followed."""

from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.rendering.options import LARGEST_SQUARE_PX
from napari_i3d.rendering.painting import Image8
from napari_i3d.tracking.tracklets import Tracklet

_SMALLEST_SIDE_PX = 320
_BOX_LENGTHS = 2.0
_LARGER_BOXES = 0.95  # quantile
_LEAST_SQUARE_PX = 32
_FARTHEST_PX = 1e6
_OUTSIDE = np.uint8(40)  # gray beyond the edges of the image


class Whereabouts(StrEnum):
    """Where the place of a followed individual comes from; the text is shown in the image."""

    BOX = ""
    BEFORE = "no box yet: where its first box will be"
    GAP = "no box: place interpolated"
    AFTER = "no box: its last place"


class View(Protocol):
    """A part of the video, enlarged by a whole number.

    Attributes
    ----------
    enlarged
        Pixels of the picture for a pixel of the video.
    size
        Width and height of the picture in pixels.
    """

    enlarged: int
    size: tuple[int, int]

    def corner(self, frame: int) -> tuple[int, int]:
        """Return x and y of the pixel of the video that is at the upper left of the picture."""

    def remark(self, frame: int) -> str:
        """Return what is to be said about the place; empty if nothing."""

    def copy(self, image: Image8, frame: int, picture: Image8) -> None:
        """Copy the part of a video frame into the picture, (height, width, 3)."""


class WholeView:
    """The whole image."""

    def __init__(self, width: int, height: int) -> None:
        self.enlarged = _enlargement(max(width, height))
        self.size = width * self.enlarged, height * self.enlarged

    def corner(self, frame: int) -> tuple[int, int]:  # noqa: ARG002 - the same in all frames
        """Return 0, 0."""
        return 0, 0

    def remark(self, frame: int) -> str:  # noqa: ARG002
        """Return nothing."""
        return ""

    def copy(self, image: Image8, frame: int, picture: Image8) -> None:  # noqa: ARG002
        """Copy the image into the picture."""
        picture[:] = _enlarge(image, self.enlarged)


class FollowingView:
    """A square of constant size around the center of an individual's box.

    Where the individual has no box, the place is interpolated between the neighboring boxes, or is that of the first
    or last box; `remark` says so. Another individual is never followed instead.

    Parameters
    ----------
    tracklet
        The individual; its boxes times `scale` (x, y) are in pixels of the video.
    side_px
        Side of the square in pixels of the video, made even; None: twice the length of the larger boxes.

    Raises
    ------
    TrackingError
        There is no box of finite numbers.
    """

    def __init__(self, tracklet: Tracklet, scale: tuple[float, float], side_px: int | None) -> None:
        boxes = tracklet.boxes * np.array(scale * 2)
        known = np.flatnonzero(np.isfinite(boxes).all(axis=1))
        if not len(known):
            raise TrackingError(f"{format_id(tracklet.id)}: expected a box of finite numbers to follow, found none")
        # Far beyond any image, numbers are too large to count pixels.
        boxes = np.clip(boxes[known], -_FARTHEST_PX, _FARTHEST_PX)
        if side_px is None:
            longer = np.abs(boxes[:, 2:] - boxes[:, :2]).max(axis=1)
            side_px = round(_BOX_LENGTHS * float(np.quantile(longer, _LARGER_BOXES)))
            side_px = min(max(_LEAST_SQUARE_PX, side_px), LARGEST_SQUARE_PX)
        self._side = side_px + side_px % 2
        self._frames: NDArray[np.int64] = known + tracklet.start
        self._centers = (boxes[:, :2] + boxes[:, 2:]) / 2
        self.enlarged = _enlargement(self._side)
        self.size = self._side * self.enlarged, self._side * self.enlarged

    @property
    def side_px(self) -> int:
        """Side of the square in pixels of the video."""
        return self._side

    def corner(self, frame: int) -> tuple[int, int]:
        """Return x and y of the pixel of the video at the upper left; negative beyond the image."""
        x, y = (np.interp(frame, self._frames, self._centers[:, axis]) for axis in (0, 1))
        return round(float(x) - self._side / 2), round(float(y) - self._side / 2)

    def remark(self, frame: int) -> str:
        """Return where the place comes from if there is no box."""
        if frame < self._frames[0]:
            return Whereabouts.BEFORE
        if frame > self._frames[-1]:
            return Whereabouts.AFTER
        here = self._frames[np.searchsorted(self._frames, frame)] == frame
        return Whereabouts.BOX if here else Whereabouts.GAP

    def copy(self, image: Image8, frame: int, picture: Image8) -> None:
        """Copy the square into the picture; beyond the edges of the image it is gray."""
        left, upper = self.corner(frame)
        height, width = image.shape[:2]
        columns = slice(max(0, left), max(0, min(width, left + self._side)))
        rows = slice(max(0, upper), max(0, min(height, upper + self._side)))
        inside = image[rows, columns]
        square = np.full((self._side, self._side, 3), _OUTSIDE)
        if inside.size:
            y, x = rows.start - upper, columns.start - left
            square[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
        picture[:] = _enlarge(square, self.enlarged)


def _enlargement(side_px: int) -> int:
    """Return the smallest whole number by which a side becomes long enough for text."""
    return max(1, -(-_SMALLEST_SIDE_PX // side_px))


def _enlarge(image: Image8, times: int) -> Image8:
    return image if times == 1 else image.repeat(times, axis=0).repeat(times, axis=1)
