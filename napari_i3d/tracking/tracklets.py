"""Bounding boxes: `Tracklet` holds those of one individual, `Tracking` those of all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.tracking.origin import Origin
from napari_i3d.tracking.validation import check_span, describe, parse_frames, parse_rows, plain_id

# The longest lists of frame ranges and of ids that fit one line.
_RANGES = 6
_IDS = 20


@dataclass(frozen=True, eq=False)
class Tracklet:
    """The bounding boxes of one individual, from its first frame with a box to its last.

    Boxes may be inverted, empty or not finite (see `napari_i3d.tracking.checks`).

    Parameters
    ----------
    id
        Text or whole number, as in the tracking file.
    start
        Video frame of the first box.
    boxes
        Shape (N, 4), float64, read-only: [left, upper, right, lower] in pixels of the (resized) video; frame i has
        ``boxes[i - start]``. Rows of frames without a box are not-a-number.
    present
        Shape (N,), bool, read-only: whether the frame has a box. Default: the rows that are not all not-a-number.
        A box of not-a-numbers in a file is present, so that it is refused instead of taken for a gap.

    Raises
    ------
    TrackingError
        The id, the start or a shape is invalid, or the first or last row has no box.
    """

    id: str | int
    start: int
    boxes: NDArray[np.float64]
    present: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))

    def __post_init__(self) -> None:
        individual = plain_id(self.id)
        start = int(parse_frames(individual, [self.start])[0])
        try:
            boxes = np.array(self.boxes, np.float64, order="C")
        except (TypeError, ValueError):
            boxes = np.empty(0)
        present = np.array(self.present, np.bool_)
        if not len(present) and boxes.ndim == 2:
            present = np.logical_not(np.isnan(boxes).all(axis=1))
        fits = boxes.ndim == 2 and boxes.shape[1] == 4 and len(boxes) > 0 and present.shape == boxes.shape[:1]
        if not fits or not present[[0, -1]].all():
            raise TrackingError(
                f"{format_id(individual)}: expected boxes of shape (N, 4) whose first and last row hold a box, "
                f"found {describe(boxes)}",
                hint="leave out the frames before the first box and after the last",
            )
        boxes[~present] = np.nan
        for array in (boxes, present):
            array.flags.writeable = False
        for name, value in (("id", individual), ("start", start), ("boxes", boxes), ("present", present)):
            object.__setattr__(self, name, value)

    @classmethod
    def from_boxes(cls, individual: str | int, boxes: Mapping[int, Sequence[float] | NDArray[Any]]) -> "Tracklet":
        """Make a tracklet from `{frame: [left, upper, right, lower]}` in any order; missing frames are gaps.

        Raises
        ------
        TrackingError
            There is no box, a frame is not a whole number from 0 on, or a box is not 4 numbers.
        """
        if not isinstance(boxes, Mapping) or not boxes:
            raise TrackingError(
                f"{format_id(individual)}: expected {{frame: [left, upper, right, lower]}} with at least one frame, "
                f"found {describe(boxes)}",
                hint="correct or remove this individual",
            )
        frames = parse_frames(individual, boxes)
        rows = parse_rows(individual, frames, boxes.values())
        start, last = int(frames.min()), int(frames.max())
        check_span(individual, last - start + 1, len(frames))
        filled = np.full((last - start + 1, 4), np.nan)
        filled[frames - start] = rows
        present = np.zeros(len(filled), np.bool_)
        present[frames - start] = True
        return cls(individual, start, filled, present)

    @property
    def stop(self) -> int:
        """The frame after the last box."""
        return self.start + len(self.boxes)

    def __len__(self) -> int:
        """Return the number of frames from the first to the last box, including gaps."""
        return len(self.boxes)

    @property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Half-open ranges (first, stop) of the frames without a box."""
        return tuple((self.start + first, self.start + stop) for first, stop in runs(~self.present))


class Tracking(Mapping[str | int, Tracklet]):
    """The tracklets of a video by id, in the order of the file; immutable.

    Parameters
    ----------
    tracklets
        One per individual. Ids keep their type: 1 and ``"1"`` are two individuals.
    origin
        Where they come from; None: a pickle of boxes, or made in memory.

    Raises
    ------
    TrackingError
        Two tracklets have the same id.
    """

    def __init__(self, tracklets: Iterable[Tracklet], origin: Origin | None = None) -> None:
        self.origin = origin
        self._tracklets: dict[str | int, Tracklet] = {}
        for tracklet in tracklets:
            if tracklet.id in self._tracklets:
                raise TrackingError(
                    f"{format_id(tracklet.id)}: two individuals have this id", hint="rename one of them"
                )
            self._tracklets[tracklet.id] = tracklet

    @classmethod
    def from_boxes(cls, boxes: Mapping[str | int, Mapping[int, Sequence[float] | NDArray[Any]]]) -> "Tracking":
        """Make a tracking from `{id: {frame: [left, upper, right, lower]}}`, the layout of the files.

        Raises
        ------
        TrackingError
            There is no individual, an id is neither text nor a whole number, or a tracklet is invalid.
        """
        if not isinstance(boxes, Mapping) or not boxes:
            raise TrackingError(
                "expected {id: {frame: [left, upper, right, lower]}} with at least one individual, found "
                f"{describe(boxes)}"
            )
        span, n_boxes = 0, 0
        tracklets = []
        for individual, frames in boxes.items():
            tracklet = Tracklet.from_boxes(plain_id(individual), frames)
            # Check the sum too: a small file can name many individuals.
            span, n_boxes = span + len(tracklet), n_boxes + len(frames)
            check_span(tracklet.id, span, n_boxes, together=True)
            tracklets.append(tracklet)
        return cls(tracklets)

    def __getitem__(self, individual: str | int) -> Tracklet:
        return self._tracklets[individual]

    def __iter__(self) -> Iterator[str | int]:
        return iter(self._tracklets)

    def __len__(self) -> int:
        return len(self._tracklets)

    def __repr__(self) -> str:
        return f"Tracking of {len(self)}: {_listed(self)}"

    def select(self, ids: Iterable[str | int]) -> "Tracking":
        """Return a tracking of these individuals only, in this order.

        Raises
        ------
        TrackingError
            An id is not in the tracking (the message lists its ids), is repeated, or `ids` is empty.
        """
        chosen = list(ids)
        unknown = [individual for individual in chosen if individual not in self]
        if unknown or not chosen:
            raise TrackingError(
                f"no individual {_listed(unknown)} in the tracking; it has {_listed(self)}"
                if unknown
                else f"no individual was chosen; the tracking has {_listed(self)}"
            )
        return Tracking((self[individual] for individual in chosen), self.origin)

    def facts(self) -> dict[str, Any]:
        """Return the facts about the tracking for provenance, as JSON values.

        Returns
        -------
        dict
            ``individuals``: a list of dictionaries with ``id``, ``first_frame`` and ``last_frame`` (inclusive) and
            ``missing_frames`` (the number of frames in gaps). ``origin``, if there is one: see `Origin.as_dict`.
        """
        facts: dict[str, Any] = {
            "individuals": [
                {
                    "id": tracklet.id,
                    "first_frame": tracklet.start,
                    "last_frame": tracklet.stop - 1,
                    "missing_frames": int(len(tracklet) - tracklet.present.sum()),
                }
                for tracklet in self.values()
            ]
        }
        return facts if self.origin is None else {**facts, "origin": self.origin.as_dict()}


def _listed(ids: Iterable[str | int]) -> str:
    names = [repr(individual)[:60] for individual in ids]
    more = f" and {len(names) - _IDS} more" if len(names) > _IDS else ""
    return ", ".join(names[:_IDS]) + more


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the half-open ranges (first, stop) of indices at which a mask of shape (n,) is true."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [(first, stop) for first, stop in edges.reshape(-1, 2).tolist()]


def format_frames(ranges: Sequence[tuple[int, int]]) -> str:
    """Format half-open frame ranges for messages: ``frames 1007, 1010-1021``; long lists are shortened."""
    count = sum(stop - first for first, stop in ranges)
    parts = [str(first) if stop - first == 1 else f"{first}-{stop - 1}" for first, stop in ranges]
    text = ", ".join(parts[:_RANGES])
    if len(parts) > _RANGES:
        text += f" and {len(parts) - _RANGES} more ranges ({count} frames in all)"
    return f"{'frame' if count == 1 else 'frames'} {text}"
