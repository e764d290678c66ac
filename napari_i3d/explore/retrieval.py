"""More moments like this one."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.progress import Step, Steps, finish
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.standardize import standardise_steps, unit_rows
from napari_i3d.features.sequence import Part
from napari_i3d.features.table import BLOCK_ROWS, Stack, StackLike, as_stack
from napari_i3d.individuals import Id, Span

APART_S = 2.0
"""Seconds between two moments that are not the same one."""

ASSUMED_FPS = 25.0
"""Frames a second of videos whose rate is not known."""

_PIECE = re.compile(r"_part\d+$")


@dataclass(frozen=True)
class Hit(Span):
    """A frame or span that is like the one looked for.

    Attributes
    ----------
    similarity
        Mean cosine of matched rows, -1 to 1.
    """

    similarity: float


@dataclass(frozen=True, eq=False)
class SimilarMoments:
    """What was found.

    Attributes
    ----------
    query
        What was looked for: the frames of the rows used.
    hits
        The most similar first.
    similarity : (N,) float32
        For each row of the stack, the similarity of the span that begins there; NaN where none fits.
    """

    query: Span
    hits: tuple[Hit, ...]
    similarity: NDArray[np.float32]


def similar_moments(
    data: StackLike,
    individual: Id,
    first_frame: float,
    last_frame: float | None = None,
    *,
    video: str | None = None,
    count: int = 20,
    apart_s: float = APART_S,
    others_only: bool = False,
) -> SimilarMoments:
    """Return the moments most like the given one; see `similar_steps`."""
    return finish(
        similar_steps(
            data,
            individual,
            first_frame,
            last_frame,
            video=video,
            count=count,
            apart_s=apart_s,
            others_only=others_only,
        )
    )


def similar_steps(
    data: StackLike,
    individual: Id,
    first_frame: float,
    last_frame: float | None = None,
    *,
    video: str | None = None,
    count: int = 20,
    apart_s: float = APART_S,
    others_only: bool = False,
) -> Steps[SimilarMoments]:
    """Look through all individuals of all videos for the moments most like a frame or a span of frames.

    The similarity of two rows is the cosine of their standardised features. Spans are compared as sequences: that of
    the span that begins at a row is the mean over the query's rows i of the cosine of row i and the row that lies as
    many frames after the first (as many seconds, where both videos tell their frames a second); where rows lie further
    apart than the query's, over their rows and the nearest of the query. Rows are standardised
    over all of the stack unless they are on a common scale already; for many queries, standardise once, or pass the
    stack of principal components, which is quicker still. Memory: a block of rows, and a number for each row.

    Parameters
    ----------
    data
        Rows of all individuals and videos to look through.
    individual, first_frame, last_frame, video
        What to look for: a frame, or a span of frames, both included; see `Stack.find_rows`.
    count
        Number of hits at most.
    apart_s
        Two hits of one individual, and a hit and the query, have at least so many seconds between the last frame of
        the one and the first of the other, at the frame rate of their video (25 frames/s where it is not known). What
        is nearer is the same moment. Less than 8 frames, a chunk, and rows of both share pictures. Pieces of an
        individual that was split at gaps (``male_part1``, ``male_part2``) count as one individual.
    others_only
        Leave out all of the query's individual; individuals of other videos are others, whatever they are called.

    Yields
    ------
    Step

    Raises
    ------
    FeaturesError
        No rows stand for these frames, frames are missing within the span, or the rows of the query do not differ from
        the mean of all (one row alone, constant features).
    """
    if count < 1:
        raise FeaturesError(f"expected at least 1 hit, found {count}")
    if not apart_s >= 0:
        raise FeaturesError(f"expected at least 0 seconds between two moments, found {apart_s:g}")
    stack = as_stack(data)
    start, stop = stack.find_rows(individual, first_frame, last_frame, video)
    own = int(stack.part_of_row[start])
    if not any(part == own and first <= start and stop <= end for part, first, end in stack.segments):
        span = stack.span(start, stop)
        raise FeaturesError(
            f"{span.name}: frames are missing within {span.first_frame:g} to {span.last_frame:g}: choose less"
        )
    stack = yield from standardise_steps(stack)
    query = unit_rows(stack.rows(start, stop))
    if not query.any():
        raise FeaturesError(
            f"{stack.parts[own].name}: the features at frame {first_frame:g} are the mean of all rows, so nothing is "
            "more like them than another; expected rows that differ"
        )
    scores = np.full(len(stack), np.nan, np.float32)
    lengths = np.zeros(len(stack.parts), np.int64)  # rows of a span
    offset_frames = stack.frames[start:stop] - stack.frames[start]
    for number, part in enumerate(stack.parts):
        query_rows, offsets = _matched_rows(offset_frames, stack.parts[own], part)
        lengths[number] = offsets[-1] + 1
        for _, first, end in (segment for segment in stack.segments if segment[0] == number):
            yield from _match(stack, query[query_rows], offsets, (first, end), scores)
    hits = _best(stack, scores, lengths, (start, stop), count, apart_s, others_only)
    return SimilarMoments(stack.span(start, stop), hits, scores)


def _matched_rows(
    offset_frames: NDArray[np.float64], own: Part, other: Part
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which rows of the query, and how many rows after the first of a span in another part, are matched.

    Each row of the one that has fewer rows in the same time is matched with the nearest of the other.
    """
    rate = other.fps / own.fps if other.fps and own.fps else 1.0
    step = other.step_frames / rate  # in frames of the query's video
    if step <= own.step_frames * (1 + 1e-6):
        return np.arange(len(offset_frames)), np.floor(offset_frames / step + 0.5).astype(np.int64)
    offsets = np.arange(int(offset_frames[-1] / step + 1e-6) + 1)
    return np.floor(offsets * step / own.step_frames + 0.5).astype(np.int64), offsets


def _match(
    stack: Stack,
    query: NDArray[np.float32],
    offsets: NDArray[np.int64],
    segment: tuple[int, int],
    scores: NDArray[np.float32],
) -> Steps[None]:
    """Fill in the similarity of the spans that begin in a segment, block by block."""
    start, stop = segment
    last_start = stop - int(offsets[-1])  # exclusive
    if last_start <= start:
        return
    sums = np.zeros(last_start - start, np.float32)
    for first in range(start, stop, BLOCK_ROWS):
        cosines = unit_rows(stack.rows(first, min(first + BLOCK_ROWS, stop))) @ query.T  # (B, L)
        for column, offset in enumerate(offsets.tolist()):
            # Row r of the block is matched row `column` of the span that begins at r - offset.
            low, high = max(first - offset, start), min(first + len(cosines) - offset, last_start)
            if low < high:
                sums[low - start : high - start] += cosines[low + offset - first : high + offset - first, column]
        yield Step(min(first + BLOCK_ROWS, stop), len(stack), "similar moments")
    scores[start:last_start] = sums / len(offsets)


def _best(
    stack: Stack,
    scores: NDArray[np.float32],
    lengths: NDArray[np.int64],
    query: tuple[int, int],
    count: int,
    apart_s: float,
    others_only: bool,
) -> tuple[Hit, ...]:
    """Return the best spans, of which none is the same moment as a better one or the query."""
    left = np.where(np.isnan(scores), -np.inf, scores)
    own = int(stack.part_of_row[query[0]])
    _leave_out(stack, left, lengths, own, query, np.inf if others_only else apart_s)
    hits: list[Hit] = []
    while len(hits) < count:
        row = int(left.argmax())
        if left[row] == -np.inf:
            break
        part = int(stack.part_of_row[row])
        found = (row, row + int(lengths[part]))
        span = stack.span(*found)
        hits.append(Hit(span.video, span.individual, span.first_frame, span.last_frame, float(scores[row])))
        _leave_out(stack, left, lengths, part, found, apart_s)
    return tuple(hits)


def _leave_out(
    stack: Stack,
    left: NDArray[np.floating],
    lengths: NDArray[np.int64],
    number: int,
    taken: tuple[int, int],
    apart_s: float,
) -> None:
    """Take out the spans of an individual, in all its pieces, that lie too near to one of a part that is taken."""
    low, high = stack.frames[taken[0]], stack.frames[taken[1] - 1]
    for other in _pieces(stack, number):
        part = stack.parts[other]
        begin, end = int(stack.starts[other]), int(stack.starts[other + 1])
        first_frames = stack.frames[begin:end]
        last_frames = first_frames + (int(lengths[other]) - 1) * part.step_frames
        # At least a row apart, whatever is asked for: no row is in two hits.
        apart = max(apart_s * (part.fps or ASSUMED_FPS), 0.5 * part.step_frames)
        left[begin:end][(last_frames > low - apart) & (first_frames < high + apart)] = -np.inf


def _pieces(stack: Stack, number: int) -> list[int]:
    """Return the parts that are of the same individual of the same video: more than one if it was split at gaps."""
    part = stack.parts[number]
    return [
        other
        for other, piece in enumerate(stack.parts)
        if piece.video == part.video and _whole(piece.individual) == _whole(part.individual)
    ]


def _whole(individual: Id) -> Id:
    return _PIECE.sub("", individual) if isinstance(individual, str) else individual
