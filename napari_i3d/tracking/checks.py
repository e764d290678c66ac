"""Check a tracking for problems before extraction.

The rules, for a box [left, upper, right, lower] and its tracklet:

- gap: no box between the first and the last frame.
- not-a-number: a side is not finite.
- inverted: right < left or lower < upper.
- empty: no whole pixel in width or height, once the sides are truncated to whole pixels as for extraction.
- outside: nothing is left after truncating and clipping to the image, or more than a quarter of the area lies outside
  it. Less is usual for boxes with margins at the edge of the image; extraction clips them.
- beyond-video: frames that the video does not have.
- jump: the center moves, per frame, further than half the median size of the tracklet's boxes and further than ten
  times its median step. The size is the square root of the area; a step across a gap is divided by its frames. The
  first limit avoids false alarms for animals that mostly sit still, whose median step is 0.
- size-change: the size changes by a factor of more than 1.5 from one box to the next, and that change, as a logarithm,
  is more than ten times the tracklet's median change.
- short: fewer frames than a chunk has, so no features.
- crossing, unseen: not checked here; `napari_i3d.detection` says where individuals may be swapped or were not seen.

Errors stop the extraction: gaps, boxes that are not-a-number, inverted, empty or wholly outside the image, and frames
that the video does not have. Tracklets shorter than a chunk are left out, and are only an error if there are no others.
All other problems are warnings; the boxes are extracted unchanged.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.errors import TrackingError
from napari_i3d.individuals import shown
from napari_i3d.tracking.tracklets import Tracking, Tracklet, format_frames, runs

CHUNK_FRAMES = 8
OUTSIDE_SHARE = 0.25
JUMP_SIZES = 0.5
SIZE_FACTOR = 1.5
TIMES_MEDIAN = 10.0


class Level(StrEnum):
    """Severity of a problem."""

    ERROR = "error"
    """Stops the extraction."""
    WARNING = "warning"


class ProblemKind(StrEnum):
    """The kinds of problem; the module's docstring states their rules."""

    GAP = "gap"
    NOT_A_NUMBER = "not-a-number"
    INVERTED = "inverted"
    EMPTY = "empty"
    OUTSIDE = "outside"
    BEYOND_VIDEO = "beyond-video"
    JUMP = "jump"
    SIZE_CHANGE = "size-change"
    SHORT = "short"
    CROSSING = "crossing"
    UNSEEN = "unseen"


@dataclass(frozen=True)
class Problem:
    """A problem in a tracking, on one or more consecutive frames.

    Parameters
    ----------
    id
        The individual.
    frame
        The first affected video frame.
    kind
        A short word that is stable across versions; see `ProblemKind`.
    message
        One line that begins with the id and names all affected frames.
    level
        Whether it stops the extraction.
    """

    id: str | int
    frame: int
    kind: ProblemKind
    message: str
    level: Level = Level.WARNING


@dataclass(frozen=True)
class _Faults:
    """The unusable rows of a tracklet's boxes, as disjoint masks of shape (N,), bool."""

    absent: NDArray[np.bool_]
    not_a_number: NDArray[np.bool_]
    inverted: NDArray[np.bool_]
    empty: NDArray[np.bool_]

    @property
    def valid(self) -> NDArray[np.bool_]:
        return ~(self.absent | self.not_a_number | self.inverted | self.empty)


def check_tracking(tracking: Tracking, video_shape: Sequence[int] | None = None) -> list[Problem]:
    """List the problems of a tracking by individual and frame.

    Parameters
    ----------
    tracking
        The tracking.
    video_shape
        (T, H, W) or (T, H, W, 3): frames, height and width in pixels of the video that the boxes refer to, after
        resizing if it is resized. Without it, boxes are not compared with the image and the length of the video.
    """
    problems: list[Problem] = []
    all_short = all(len(tracklet) < CHUNK_FRAMES for tracklet in tracking.values())
    for tracklet in tracking.values():
        found = sorted(_problems(tracklet, video_shape), key=lambda problem: problem.frame)
        if len(tracklet) < CHUNK_FRAMES:
            found = [replace(problem, level=_level_of_short(problem, all_short)) for problem in found]
        problems.extend(found)
    return problems


def _level_of_short(problem: Problem, all_short: bool) -> Level:
    return Level.ERROR if all_short and problem.kind is ProblemKind.SHORT else Level.WARNING


def require_valid_boxes(tracklet: Tracklet) -> None:
    """Check that every frame from the first to the last has a valid box.

    Raises
    ------
    TrackingError
        Frames are missing, or boxes are not finite, inverted or empty; the message names id and frames.
    """
    faults = _faults(tracklet)
    first, last = tracklet.start, tracklet.stop - 1
    for mask, one, many in (
        (
            faults.absent,
            f"is missing between its first ({first}) and last ({last}); use --gaps split or --gaps interpolate",
            f"are missing between its first ({first}) and last ({last}); use --gaps split or --gaps interpolate",
        ),
        (
            faults.not_a_number,
            "has a box with a side that is no finite number; correct or remove it",
            "have boxes with a side that is no finite number; correct or remove them",
        ),
        (
            faults.inverted,
            "has an inverted box, expected left < right and upper < lower; correct or remove it",
            "have inverted boxes, expected left < right and upper < lower; correct or remove them",
        ),
        (
            faults.empty,
            "has an empty box, less than a pixel wide or high; correct or remove it",
            "have empty boxes, less than a pixel wide or high; correct or remove them",
        ),
    ):
        if mask.any():
            ranges = _ranges(tracklet, mask)
            raise TrackingError(f"{shown(tracklet.id)}: {format_frames(ranges)} {one if mask.sum() == 1 else many}")


def _faults(tracklet: Tracklet) -> _Faults:
    boxes = tracklet.boxes
    absent = ~tracklet.present
    not_a_number = ~np.isfinite(boxes).all(axis=1) & ~absent
    finite = ~(absent | not_a_number)
    left, upper, right, lower = boxes.T
    inverted = finite & ((right < left) | (lower < upper))
    left, upper, right, lower = np.trunc(boxes.T)
    empty = finite & ~inverted & ((right == left) | (lower == upper))
    return _Faults(absent, not_a_number, inverted, empty)


def _ranges(tracklet: Tracklet, mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    return [(tracklet.start + first, tracklet.start + stop) for first, stop in runs(mask)]


def _problems(tracklet: Tracklet, video_shape: Sequence[int] | None) -> Iterator[Problem]:
    if len(tracklet) < CHUNK_FRAMES:
        text = f"it has {len(tracklet)}, shorter than a chunk of {CHUNK_FRAMES}: no features"
        yield _problem(tracklet, (tracklet.start, tracklet.stop), ProblemKind.SHORT, text)
    faults = _faults(tracklet)
    for kind, mask, text in (
        (ProblemKind.GAP, faults.absent, "no box between its first and last"),
        (ProblemKind.NOT_A_NUMBER, faults.not_a_number, "a side of the box is no finite number"),
        (ProblemKind.INVERTED, faults.inverted, "right is less than left, or lower less than upper"),
        (ProblemKind.EMPTY, faults.empty, "the box is less than a pixel wide or high"),
    ):
        for span in _ranges(tracklet, mask):
            yield _problem(tracklet, span, kind, text, Level.ERROR)
    # Coordinates near the limits of float64 overflow to infinity, which compares correctly.
    with np.errstate(over="ignore", invalid="ignore"):
        yield from _changes(tracklet, faults.valid)
        if video_shape is not None:
            yield from _outside_video(tracklet, faults.valid, video_shape)


def _problem(
    tracklet: Tracklet, span: tuple[int, int], kind: ProblemKind, text: str, level: Level = Level.WARNING
) -> Problem:
    first, stop = span
    count = f" ({counted(stop - first, 'frame')})" if stop - first > 1 else ""
    return Problem(tracklet.id, first, kind, f"{shown(tracklet.id)}: {format_frames([span])}{count}: {text}", level)


def _changes(tracklet: Tracklet, valid: NDArray[np.bool_]) -> Iterator[Problem]:
    rows = np.flatnonzero(valid)
    if len(rows) < 2:
        return
    left, upper, right, lower = tracklet.boxes[rows].T
    sizes = np.sqrt(right - left) * np.sqrt(lower - upper)
    steps = np.hypot(np.diff((left + right) / 2), np.diff((upper + lower) / 2)) / np.diff(rows)  # px a frame
    median = float(np.median(steps))
    limit = max(JUMP_SIZES * float(np.median(sizes)), TIMES_MEDIAN * median)

    def jump(worst: float) -> str:
        return f"its center moves {worst:.1f} px a frame (median {median:.1f}, limit {limit:.1f})"

    yield from _worst(tracklet, rows[1:], steps, limit, ProblemKind.JUMP, jump)
    factors = np.abs(np.diff(np.log(sizes)))
    usual = float(np.median(factors))

    def change(worst: float) -> str:
        return f"its size changes by a factor of {np.exp(worst):.2f} (median {math.exp(usual):.2f})"

    limit_change = max(math.log(SIZE_FACTOR), TIMES_MEDIAN * usual)
    yield from _worst(tracklet, rows[1:], factors, limit_change, ProblemKind.SIZE_CHANGE, change)


def _worst(
    tracklet: Tracklet,
    rows: NDArray[np.intp],
    values: NDArray[np.float64],
    limit: float,
    kind: ProblemKind,
    text: Callable[[float], str],
) -> Iterator[Problem]:
    # One problem per run of rows whose value is above the limit; its message states the largest.
    by_row = np.zeros(len(tracklet))
    by_row[rows] = values
    for first, stop in runs(by_row > limit):
        span = (tracklet.start + first, tracklet.start + stop)
        yield _problem(tracklet, span, kind, text(float(by_row[first:stop].max())))


def _outside_video(tracklet: Tracklet, valid: NDArray[np.bool_], video_shape: Sequence[int]) -> Iterator[Problem]:
    n_frames, height, width = video_shape[:3]
    if tracklet.stop > n_frames:
        span = (max(tracklet.start, n_frames), tracklet.stop)
        text = f"the video has {counted(n_frames, 'frame')}"
        yield _problem(tracklet, span, ProblemKind.BEYOND_VIDEO, text, Level.ERROR)
    boxes = tracklet.boxes[valid]
    limits = np.array([width, height, width, height])
    inside = np.clip(boxes, 0, limits)
    share = np.zeros(len(tracklet))
    share[valid] = 1 - np.prod((inside[:, 2:] - inside[:, :2]) / (boxes[:, 2:] - boxes[:, :2]), axis=1)
    pixels = np.clip(np.trunc(boxes), 0, limits)
    gone = np.zeros(len(tracklet), np.bool_)
    gone[valid] = (pixels[:, 2:] <= pixels[:, :2]).any(axis=1)
    image = f"the image of {width} x {height}"
    for span in _ranges(tracklet, gone):
        yield _problem(tracklet, span, ProblemKind.OUTSIDE, f"the box lies wholly outside {image}", Level.ERROR)

    def partly(worst: float) -> str:
        return f"up to {worst:.0%} of the box lies outside {image}"

    rows = np.flatnonzero(~gone)
    yield from _worst(tracklet, rows, share[rows], OUTSIDE_SHARE, ProblemKind.OUTSIDE, partly)
