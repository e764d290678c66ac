"""Content of the time line: individuals with their lanes of bouts, as sorted arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_i3d._utils.colors import CATEGORY_COLORS
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id

HATCHES = 4
"""Number of fills: plain, lines, dots and crosses."""

Ranges = NDArray[np.int64]
"""Disjoint ranges of frames in order: (N, 2), each ``[start, stop)``."""


class LaneKind(StrEnum):
    """What the bouts of a lane are."""

    LABELS = "labels"
    PREDICTIONS = "predictions"
    CLUSTERS = "clusters"
    SELECTED = "selected"
    """Rows that were selected elsewhere."""
    MARKS = "marks"
    """Problems, edges of predictions and other single frames."""


@dataclass(frozen=True)
class Style:
    """Look of one behavior, cluster or kind of mark.

    Attributes
    ----------
    name
        Its name, unique in a lane.
    color
        ``#rrggbb``.
    hatch
        Number of the fill, below `HATCHES`; 0 is plain.
    """

    name: str
    color: str
    hatch: int = 0


def make_styles(names: Iterable[str], colors: Iterable[str | None] = ()) -> tuple[Style, ...]:
    """Return styles for names: given colors, else the palette's; a color that is used again gets another fill."""
    chosen = list(colors)
    used: dict[str, int] = {}
    styles = []
    for number, name in enumerate(names):
        given = chosen[number] if number < len(chosen) else None
        color = given or CATEGORY_COLORS[number % len(CATEGORY_COLORS)]
        rounds = used[color] = used.get(color, -1) + 1
        styles.append(Style(name, color, rounds % HATCHES))
    return tuple(styles)


@dataclass(frozen=True, eq=False)
class BoutArrays:
    """Bouts of one lane, sorted by start; see `make`.

    Attributes
    ----------
    start, stop
        Frames ``[start, stop)``: (N,) int64.
    style
        Index into the styles of the lane: (N,) int64.
    opacity
        Confidence, 0 to 1: (N,) float32.
    index
        Place of each bout in what `make` was given: (N,) int64.
    """

    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    style: NDArray[np.int64]
    opacity: NDArray[np.float32]
    index: NDArray[np.int64]

    @classmethod
    def make(
        cls, start: ArrayLike, stop: ArrayLike, style: ArrayLike = 0, opacity: ArrayLike | None = None
    ) -> "BoutArrays":
        """Return bouts in any order as sorted arrays.

        Raises
        ------
        AnnotationError
            A bout has no frame, or the arrays have different lengths.
        """
        starts, stops = np.asarray(start, np.int64).reshape(-1), np.asarray(stop, np.int64).reshape(-1)
        if starts.shape != stops.shape:
            raise AnnotationError(f"expected a stop for each start, got {len(starts)} starts and {len(stops)} stops")
        if (stops <= starts).any():
            bad = int(np.flatnonzero(stops <= starts)[0])
            raise AnnotationError(f"expected bouts that stop after their start, got [{starts[bad]}, {stops[bad]})")
        try:
            styles = np.broadcast_to(np.asarray(style, np.int64), starts.shape)
            opacities = np.broadcast_to(np.asarray(1.0 if opacity is None else opacity, np.float32), starts.shape)
        except ValueError as error:
            raise AnnotationError(f"expected a style and an opacity for each of {len(starts)} bouts") from error
        order = np.lexsort((stops, starts))
        return cls(starts[order], stops[order], styles[order], opacities[order], order.astype(np.int64))

    def __len__(self) -> int:
        return len(self.start)

    @cached_property
    def reach(self) -> NDArray[np.int64]:
        """Latest stop of each bout and those before it: (N,); bouts may overlap."""
        return np.maximum.accumulate(self.stop) if len(self.stop) else self.stop

    def within(self, first: int, last: int) -> "BoutArrays":
        """Return the bouts with a frame in ``[first, last)``."""
        begin = int(np.searchsorted(self.reach, first, "right"))
        end = int(np.searchsorted(self.start, last, "left"))
        part = slice(begin, max(begin, end))
        found = self._where(part)
        keep = found.stop > first
        return found if keep.all() else found._where(keep)

    def of_style(self, style: int) -> "BoutArrays":
        """Return the bouts of one style."""
        return self._by_style.get(style, NO_BOUTS)

    @cached_property
    def _by_style(self) -> dict[int, "BoutArrays"]:
        return {int(number): self._where(self.style == number) for number in np.unique(self.style)}

    def _where(self, keep: NDArray[np.bool_] | slice) -> "BoutArrays":
        return BoutArrays(self.start[keep], self.stop[keep], self.style[keep], self.opacity[keep], self.index[keep])


NO_BOUTS = BoutArrays.make((), ())


@dataclass(frozen=True, eq=False)
class Lane:
    """Bouts of one kind of one individual.

    Attributes
    ----------
    kind
        What the bouts are.
    styles
        What `BoutArrays.style` refers to; those of labels and predictions are the behaviors, in the same order.
    bouts
        The bouts.
    source, outdated
        What made them, and whether boxes were corrected since.
    """

    kind: LaneKind
    styles: tuple[Style, ...]
    bouts: BoutArrays = NO_BOUTS
    source: str = ""
    outdated: bool = False

    def __post_init__(self) -> None:
        if len(self.bouts) and not 0 <= self.bouts.style.min() <= self.bouts.style.max() < len(self.styles):
            raise AnnotationError(f"expected styles below {len(self.styles)}, got {self.bouts.style.max()}")


@dataclass(frozen=True, eq=False)
class LaneGroup:
    """Lanes of one individual, drawn below each other.

    Attributes
    ----------
    individual
        Its id.
    name
        As it is shown.
    color
        Its color in the viewer, ``#rrggbb``.
    lanes
        From top to bottom, at most one of each kind.
    assessed
        Ranges that were looked at; None: all.
    present
        Ranges in which the individual is tracked; None: all.
    """

    individual: Id
    name: str
    color: str
    lanes: tuple[Lane, ...]
    assessed: Ranges | None = None
    present: Ranges | None = None

    def lane(self, kind: LaneKind) -> Lane | None:
        """Return the lane of a kind."""
        return next((lane for lane in self.lanes if lane.kind is kind), None)

    def with_bouts(self, kind: LaneKind, bouts: BoutArrays) -> "LaneGroup":
        """Return the group with other bouts in the lane of a kind."""
        lanes = tuple(replace(lane, bouts=bouts) if lane.kind is kind else lane for lane in self.lanes)
        return replace(self, lanes=lanes)


@dataclass(frozen=True, eq=False)
class TimelineData:
    """Everything that a time line shows of one video.

    Attributes
    ----------
    n_frames
        Number of frames of the video, at least 1.
    groups
        One for each individual, from top to bottom.
    times_s
        Time of each frame since the first one: (n_frames,) float64, increasing; None: no times are shown.
    """

    n_frames: int
    groups: tuple[LaneGroup, ...] = ()
    times_s: NDArray[np.float64] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.n_frames < 1:
            raise AnnotationError(f"expected a video with frames, got {self.n_frames}")
        if self.times_s is not None and len(self.times_s) != self.n_frames:
            raise AnnotationError(f"expected {self.n_frames} times, one for each frame, got {len(self.times_s)}")

    def group(self, individual: Id) -> LaneGroup | None:
        """Return the lanes of an individual."""
        return next((g for g in self.groups if same_id(g.individual, individual)), None)

    def with_group(self, group: LaneGroup) -> "TimelineData":
        """Return the data with other lanes for one individual."""
        groups = tuple(group if same_id(g.individual, group.individual) else g for g in self.groups)
        return replace(self, groups=groups)


def same_id(one: Id | None, other: Id | None) -> bool:
    """Compare ids; the text ``"1"`` and the number 1 are two individuals."""
    return type(one) is type(other) and one == other


@dataclass(frozen=True)
class LaneBout:
    """One bout, as signals of the time line carry it.

    Attributes
    ----------
    individual, kind
        Its lane.
    behavior
        Name of its style.
    start, stop
        Frames ``[start, stop)``.
    opacity
        Confidence, 0 to 1; not compared.
    index
        Place in what `BoutArrays.make` was given; not compared.
    """

    individual: Id
    kind: LaneKind
    behavior: str
    start: int
    stop: int
    opacity: float = field(default=1.0, compare=False)
    index: int = field(default=-1, compare=False)


def bouts_of(group: LaneGroup, lane: Lane, bouts: BoutArrays) -> Sequence[LaneBout]:
    """Return bouts of a lane as values."""
    columns = (bouts.start.tolist(), bouts.stop.tolist(), bouts.style.tolist(), bouts.opacity.tolist())
    return [
        LaneBout(group.individual, lane.kind, lane.styles[style].name, start, stop, opacity, index)
        for start, stop, style, opacity, index in zip(*columns, bouts.index.tolist(), strict=True)
    ]


@dataclass(frozen=True)
class MarkedSpan:
    """A range of frames of an individual that was marked, to be labelled.

    Attributes
    ----------
    individual
        The individual.
    start, stop
        Frames ``[start, stop)``.
    behavior
        Name of the behavior in whose row it was marked; None: in the row of the individual.
    """

    individual: Id
    start: int
    stop: int
    behavior: str | None = None
