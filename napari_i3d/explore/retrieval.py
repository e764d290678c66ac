"""Search for moments similar to a given one."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.standardize import standardize, unit_rows
from napari_i3d.features.sequence import FeatureSequence
from napari_i3d.features.table import BLOCK_ROWS, FeatureTable, TableLike, as_table
from napari_i3d.individuals import Id, Span

APART_S = 2.0
"""Default of the seconds between two moments."""

ASSUMED_FPS = 25.0
"""Frame rate of videos whose rate is unknown."""

_PIECE = re.compile(r"_part\d+$")


@dataclass(frozen=True)
class Hit(Span):
    """A frame or span similar to the query.

    Attributes
    ----------
    similarity
        Mean cosine of matched rows, -1 to 1.
    """

    similarity: float


@dataclass(frozen=True, eq=False)
class SimilarMoments:
    """The result of a search.

    Attributes
    ----------
    query
        The frames of the query's rows.
    hits
        The most similar first.
    similarity : (N,) float32
        For each row of the table, the similarity of the span that begins there; NaN where none fits.
    """

    query: Span
    hits: tuple[Hit, ...]
    similarity: NDArray[np.float32]


@long_call
def similar_moments(
    data: TableLike,
    individual: Id,
    first_frame: float,
    last_frame: float | None = None,
    *,
    video: str | None = None,
    count: int = 20,
    apart_s: float = APART_S,
    others_only: bool = False,
) -> Steps[SimilarMoments]:
    """Search all individuals of all videos for the moments most similar to a frame or a span of frames.

    The similarity of two rows is the cosine of their standardized features. The similarity of a span to the query is
    the
    mean cosine of matched rows: row i of the query is matched with the row that lies as many frames after the span's
    first
    (as many seconds, if both videos have a known frame rate). If the rows of the span lie further apart than the
    query's,
    each of them is matched with the nearest row of the query. Rows are standardized over all of the table unless they
    are
    on a common scale already; for many queries, standardize once, or pass the table of principal components, which is
    faster still. Memory: a block of rows, and a number for each row.

    Parameters
    ----------
    data
        Rows of all individuals and videos to search.
    individual, first_frame, last_frame, video
        The query: a frame, or a span of frames, both included; see `FeatureTable.find_rows`.
    count
        Maximum number of hits.
    apart_s
        Minimum time, in seconds, between two hits of one individual and between a hit and the query, at the frame rate
        of
        their video (25 frames/s if unknown). Less than 8 frames, a chunk, and rows of both share images. Pieces of an
        individual that was split at gaps (``male_part1``, ``male_part2``) count as one individual.
    others_only
        Leave out the query's individual; individuals of other videos always count as others.

    Raises
    ------
    FeaturesError
        No rows stand for these frames, frames are missing within the span, or the rows of the query do not differ from
        the mean of all (a single row, constant features).
    """
    if count < 1:
        raise FeaturesError(f"expected at least 1 hit, found {count}")
    if not apart_s >= 0:
        raise FeaturesError(f"expected at least 0 seconds between two moments, found {apart_s:g}")
    table = as_table(data)
    start, stop = table.find_rows(individual, first_frame, last_frame, video)
    own = int(table.sequence_of_row[start])
    if not any(sequence == own and first <= start and stop <= end for sequence, first, end in table.stretches):
        span = table.span(start, stop)
        raise FeaturesError(
            f"{span.name}: frames are missing within {span.first_frame:g} to {span.last_frame:g}",
            hint="choose a span without them",
        )
    table = yield from standardize.steps(table)
    query = unit_rows(table.rows(start, stop))
    if not query.any():
        raise FeaturesError(
            f"{table.sequences[own].name}: the features at frame {first_frame:g} are the mean of all rows, so nothing "
            "is more like them than another; expected rows that differ"
        )
    scores = np.full(len(table), np.nan, np.float32)
    lengths = np.zeros(len(table.sequences), np.int64)  # number of rows of a span
    offset_frames = table.frames[start:stop] - table.frames[start]
    for number, sequence in enumerate(table.sequences):
        query_rows, offsets = _matched_rows(offset_frames, table.sequences[own], sequence)
        lengths[number] = offsets[-1] + 1
        for _, first, end in (stretch for stretch in table.stretches if stretch[0] == number):
            yield from _match(table, query[query_rows], offsets, (first, end), scores)
    hits = _best(table, scores, lengths, (start, stop), count, apart_s, others_only)
    return SimilarMoments(table.span(start, stop), hits, scores)


def _matched_rows(
    offset_frames: NDArray[np.float64], own: FeatureSequence, other: FeatureSequence
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of the query that are matched, and the offsets of their matches in a span of another sequence.

    Each row of the sequence with fewer rows in the same time is matched with the nearest row of the other.
    """
    rate = other.fps / own.fps if other.fps and own.fps else 1.0
    step = other.step_frames / rate  # in frames of the query's video
    if step <= own.step_frames * (1 + 1e-6):
        return np.arange(len(offset_frames)), np.floor(offset_frames / step + 0.5).astype(np.int64)
    offsets = np.arange(int(offset_frames[-1] / step + 1e-6) + 1)
    return np.floor(offsets * step / own.step_frames + 0.5).astype(np.int64), offsets


def _match(
    table: FeatureTable,
    query: NDArray[np.float32],
    offsets: NDArray[np.int64],
    stretch: tuple[int, int],
    scores: NDArray[np.float32],
) -> Steps[None]:
    """Compute the similarity of the spans that begin in a stretch, block by block."""
    start, stop = stretch
    last_start = stop - int(offsets[-1])  # exclusive
    if last_start <= start:
        return
    sums = np.zeros(last_start - start, np.float32)
    for first in range(start, stop, BLOCK_ROWS):
        cosines = unit_rows(table.rows(first, min(first + BLOCK_ROWS, stop))) @ query.T  # (B, L)
        for column, offset in enumerate(offsets.tolist()):
            # Row r of the block is matched row `column` of the span that begins at r - offset.
            low, high = max(first - offset, start), min(first + len(cosines) - offset, last_start)
            if low < high:
                sums[low - start : high - start] += cosines[low + offset - first : high + offset - first, column]
        yield Step(min(first + BLOCK_ROWS, stop), len(table), "similar moments")
    scores[start:last_start] = sums / len(offsets)


def _best(
    table: FeatureTable,
    scores: NDArray[np.float32],
    lengths: NDArray[np.int64],
    query: tuple[int, int],
    count: int,
    apart_s: float,
    others_only: bool,
) -> tuple[Hit, ...]:
    """Return the best spans, none of them the same moment as a better one or the query."""
    left = np.where(np.isnan(scores), -np.inf, scores)
    own = int(table.sequence_of_row[query[0]])
    _leave_out(table, left, lengths, own, query, np.inf if others_only else apart_s)
    hits: list[Hit] = []
    while len(hits) < count:
        row = int(left.argmax())
        if left[row] == -np.inf:
            break
        sequence = int(table.sequence_of_row[row])
        found = (row, row + int(lengths[sequence]))
        span = table.span(*found)
        hits.append(Hit(span.video, span.individual, span.first_frame, span.last_frame, float(scores[row])))
        _leave_out(table, left, lengths, sequence, found, apart_s)
    return tuple(hits)


def _leave_out(
    table: FeatureTable,
    left: NDArray[np.floating],
    lengths: NDArray[np.int64],
    number: int,
    taken: tuple[int, int],
    apart_s: float,
) -> None:
    """Exclude the spans of the individual of sequence `number` that are too near to rows that are taken."""
    low, high = table.frames[taken[0]], table.frames[taken[1] - 1]
    for other, sequence in enumerate(table.sequences):
        if _unsplit(sequence) != _unsplit(table.sequences[number]):
            continue
        begin, end = int(table.starts[other]), int(table.starts[other + 1])
        first_frames = table.frames[begin:end]
        last_frames = first_frames + (int(lengths[other]) - 1) * sequence.step_frames
        # At least a row apart, whatever `apart_s` is: no row is in two hits.
        apart = max(apart_s * (sequence.fps or ASSUMED_FPS), 0.5 * sequence.step_frames)
        left[begin:end][(last_frames > low - apart) & (first_frames < high + apart)] = -np.inf


def _unsplit(sequence: FeatureSequence) -> tuple[str, Id]:
    """Return video and individual of a sequence; the pieces of an individual that was split at gaps are the same."""
    individual = sequence.individual
    return sequence.video, _PIECE.sub("", individual) if isinstance(individual, str) else individual
