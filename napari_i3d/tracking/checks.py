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
- crossing, unseen: not checked here; `napari_i3d.detection` reports them.

Errors stop the extraction: gaps, boxes that are not-a-number, inverted, empty or wholly outside the image, and frames
that the video does not have. Tracklets shorter than a chunk are left out, and are only an error if there are no others.
All other problems are warnings; the boxes are extracted unchanged.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted
from napari_i3d.backbones.registry import I3D
from napari_i3d.errors import TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.tracking.box_measures import (
    EMPTY,
    INVERTED,
    NO_BOX,
    NOT_A_NUMBER,
    VALID,
    BoxMeasures,
    faults_of,
    measure,
)
from napari_i3d.tracking.tracklets import Tracking, Tracklet, format_frames, runs

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
    stop
        The frame after the last affected one.
    """

    id: str | int
    frame: int
    kind: ProblemKind
    message: str
    level: Level = Level.WARNING
    stop: int = field(kw_only=True)


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
    image = None if video_shape is None else video_shape[1:3]
    return with_levels(
        tracking, (problems_of(tracklet, measure(tracklet, image), video_shape) for tracklet in tracking.values())
    )


def with_levels(tracking: Tracking, problems: Iterable[Sequence[Problem]]) -> list[Problem]:
    """Return the problems of all tracklets as one list; those of short tracklets only matter if all are short.

    Parameters
    ----------
    tracking
        The tracking.
    problems
        The problems of each tracklet, from `problems_of`.
    """
    listed: list[Problem] = []
    all_short = all(len(tracklet) < I3D.chunk_frames for tracklet in tracking.values())
    for tracklet, found in zip(tracking.values(), problems, strict=True):
        if len(tracklet) < I3D.chunk_frames:
            listed += [replace(problem, level=_level_of_short(problem, all_short)) for problem in found]
        else:
            listed += found
    return listed


def problems_of(tracklet: Tracklet, measures: BoxMeasures, video_shape: Sequence[int] | None) -> list[Problem]:
    """Return the problems of a tracklet by frame, as if others were long enough for a chunk."""
    return sorted(_problems(tracklet, measures, video_shape), key=lambda problem: problem.frame)


def _level_of_short(problem: Problem, all_short: bool) -> Level:
    return Level.ERROR if all_short and problem.kind is ProblemKind.SHORT else Level.WARNING


def require_valid_boxes(tracklet: Tracklet) -> None:
    """Check that every frame from the first to the last has a valid box.

    Raises
    ------
    TrackingError
        Frames are missing, or boxes are not finite, inverted or empty; the message names id and frames.
    """
    fault = faults_of(tracklet)
    first, last = tracklet.start, tracklet.stop - 1
    for mask, one, many, hint in (
        (
            fault == NO_BOX,
            f"is missing between its first ({first}) and last ({last})",
            f"are missing between its first ({first}) and last ({last})",
            "use {gaps=split} or {gaps=interpolate}",
        ),
        (
            fault == NOT_A_NUMBER,
            "has a box with a side that is not a finite number",
            "have boxes with a side that is not a finite number",
            "",
        ),
        (
            fault == INVERTED,
            "has an inverted box, expected left < right and upper < lower",
            "have inverted boxes, expected left < right and upper < lower",
            "",
        ),
        (
            fault == EMPTY,
            "has an empty box, less than a pixel wide or high",
            "have empty boxes, less than a pixel wide or high",
            "",
        ),
    ):
        if mask.any():
            ranges = _ranges(tracklet, mask)
            what, them = (one, "it") if mask.sum() == 1 else (many, "them")
            raise TrackingError(
                f"{format_id(tracklet.id)}: {format_frames(ranges)} {what}", hint or f"correct or remove {them}"
            )


def require_within_video(tracklet: Tracklet, n_frames: int, name: str, remark: str = "") -> None:
    """Check that a video has all frames of a tracklet; raise `TrackingError` with its name and remark if not."""
    if tracklet.stop > n_frames:
        raise TrackingError(
            f"{format_id(tracklet.id)}: has boxes up to frame {tracklet.stop - 1}, but the last frame of "
            f"{name} is {n_frames - 1}: {remark or 'does the tracking belong to this video?'}"
        )


def _ranges(tracklet: Tracklet, mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    if not mask.any():  # the usual case, and quicker
        return []
    return [(tracklet.start + first, tracklet.start + stop) for first, stop in runs(mask)]


def _problems(tracklet: Tracklet, measures: BoxMeasures, video_shape: Sequence[int] | None) -> Iterator[Problem]:
    if len(tracklet) < I3D.chunk_frames:
        text = f"it has {len(tracklet)}, shorter than a chunk of {I3D.chunk_frames}: no features"
        yield _problem(tracklet, (tracklet.start, tracklet.stop), ProblemKind.SHORT, text)
    for kind, mask, text in (
        (ProblemKind.GAP, measures.fault == NO_BOX, "no box between its first and last"),
        (ProblemKind.NOT_A_NUMBER, measures.fault == NOT_A_NUMBER, "a side of the box is not a finite number"),
        (ProblemKind.INVERTED, measures.fault == INVERTED, "right is less than left, or lower less than upper"),
        (ProblemKind.EMPTY, measures.fault == EMPTY, "the box is less than a pixel wide or high"),
    ):
        for span in _ranges(tracklet, mask):
            yield _problem(tracklet, span, kind, text, Level.ERROR)
    # Coordinates near the limits of float64 overflow to infinity, which compares correctly.
    with np.errstate(over="ignore", invalid="ignore"):
        yield from _changes(tracklet, measures)
        if video_shape is not None:
            yield from _outside_video(tracklet, measures, video_shape)


def _problem(
    tracklet: Tracklet, span: tuple[int, int], kind: ProblemKind, text: str, level: Level = Level.WARNING
) -> Problem:
    first, stop = span
    count = f" ({counted(stop - first, 'frame')})" if stop - first > 1 else ""
    message = f"{format_id(tracklet.id)}: {format_frames([span])}{count}: {text}"
    return Problem(tracklet.id, first, kind, message, level, stop=stop)


def _changes(tracklet: Tracklet, measures: BoxMeasures) -> Iterator[Problem]:
    rows = np.flatnonzero(measures.fault == VALID)
    if len(rows) < 2:
        return
    median = float(np.median(measures.step[rows[1:]]))
    limit = max(JUMP_SIZES * float(np.median(measures.size[rows])), TIMES_MEDIAN * median)

    def jump(worst: float) -> str:
        return f"its center moves {worst:.1f} px a frame (median {median:.1f}, limit {limit:.1f})"

    yield from _worst(tracklet, measures.step, limit, ProblemKind.JUMP, jump)
    usual = float(np.median(measures.growth[rows[1:]]))

    def change(worst: float) -> str:
        return f"its size changes by a factor of {np.exp(worst):.2f} (median {math.exp(usual):.2f})"

    limit_change = max(math.log(SIZE_FACTOR), TIMES_MEDIAN * usual)
    yield from _worst(tracklet, measures.growth, limit_change, ProblemKind.SIZE_CHANGE, change)


def _worst(
    tracklet: Tracklet, values: NDArray[np.float64], limit: float, kind: ProblemKind, text: Callable[[float], str]
) -> Iterator[Problem]:
    # One problem per run of rows whose value is above the limit; its message states the largest.
    above = values > limit
    for first, stop in runs(above) if above.any() else ():
        span = (tracklet.start + first, tracklet.start + stop)
        yield _problem(tracklet, span, kind, text(float(values[first:stop].max())))


def _outside_video(tracklet: Tracklet, measures: BoxMeasures, video_shape: Sequence[int]) -> Iterator[Problem]:
    n_frames, height, width = video_shape[:3]
    if tracklet.stop > n_frames:
        span = (max(tracklet.start, n_frames), tracklet.stop)
        text = f"the video has {counted(n_frames, 'frame')}"
        yield _problem(tracklet, span, ProblemKind.BEYOND_VIDEO, text, Level.ERROR)
    image = f"the image of {width} x {height}"
    for span in _ranges(tracklet, measures.gone):
        yield _problem(tracklet, span, ProblemKind.OUTSIDE, f"the box lies wholly outside {image}", Level.ERROR)

    def partly(worst: float) -> str:
        return f"up to {worst:.0%} of the box lies outside {image}"

    outside = np.where(measures.gone, 0, measures.outside)
    yield from _worst(tracklet, outside, OUTSIDE_SHARE, ProblemKind.OUTSIDE, partly)
