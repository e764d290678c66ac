"""The plan of chunks and rows, against loops that count one by one."""

import itertools
import math

import numpy as np
import pytest

from napari_i3d.extraction.planning.chunks import needed_frames, plan_chunks, tracklet_chunks
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.tracking.tracklets import Tracklet


def chunk_starts_by_counting(n: int, frequency: int) -> list[int]:
    return [s for s in range(0, n, frequency) if s + 8 <= n]


@pytest.mark.parametrize("frequency", [1, 2, 3, 4, 5, 6, 7, 8, 9, 20])
@pytest.mark.parametrize("n", [8, 9, 15, 16, 17, 40, 101])
def test_unpadded_rows_are_the_chunks(n: int, frequency: int) -> None:
    chunks = tracklet_chunks("a", 1000, n, ExtractionSettings(frequency=frequency))
    starts = [1000 + s for s in chunk_starts_by_counting(n, frequency)]
    assert chunks.starts.tolist() == starts
    assert len(starts) == (n - 8) // frequency + 1
    assert chunks.row_chunks.tolist() == list(range(len(starts)))
    assert chunks.row_frames.tolist() == [s + 3.5 for s in starts]
    assert (chunks.first_frame, chunks.last_frame) == (1000, 999 + n)


@pytest.mark.parametrize("frequency", [1, 2, 3, 4, 5, 6, 7, 8, 9, 20])
@pytest.mark.parametrize("n", [8, 9, 15, 16, 17, 40, 101])
def test_padded_rows_hold_the_nearest_chunk(n: int, frequency: int) -> None:
    chunks = tracklet_chunks("a", 70, n, ExtractionSettings(frequency=frequency, pad=True))
    starts = chunk_starts_by_counting(n, frequency)
    expected = []
    for row in range(math.ceil(n / frequency)):
        wanted = row * frequency - 3
        nearest = min(abs(start - wanted) for start in starts)
        expected.append(next(k for k, start in enumerate(starts) if abs(start - wanted) == nearest))
    assert chunks.row_chunks.tolist() == expected
    assert chunks.row_frames.tolist() == [70 + row * frequency for row in range(len(expected))]


def test_padded_rows_repeat_three_before_four_behind() -> None:
    chunks = tracklet_chunks("a", 0, 20, ExtractionSettings(pad=True))
    assert chunks.row_chunks.tolist() == [0, 0, 0, *range(13), 12, 12, 12, 12]


@pytest.mark.parametrize("pad", [False, True])
@pytest.mark.parametrize("frequency", [1, 2, 3, 6, 8, 20])
@pytest.mark.parametrize("n", [8, 17, 40])
def test_rows_of_a_range_of_chunks_hold_these(n: int, frequency: int, pad: bool) -> None:
    chunks = tracklet_chunks("a", 5, n, ExtractionSettings(frequency=frequency, pad=pad))
    row_chunks = chunks.row_chunks.tolist()
    assert len(row_chunks) == chunks.n_rows
    for first, stop in itertools.combinations(range(chunks.n_chunks + 1), 2):
        first_row, stop_row = chunks.rows_of_chunks(first, stop)
        expected = [row for row, chunk in enumerate(row_chunks) if first <= chunk < stop]
        assert list(range(first_row, stop_row)) == expected
        assert chunks.chunks_of_rows(first_row, stop_row).tolist() == row_chunks[first_row:stop_row]
        part = chunks.part(first, stop)
        assert part.starts.tolist() == chunks.starts[first:stop].tolist()
        assert part.row_frames.tolist() == [start + 3.5 for start in part.starts.tolist()]


def test_short_tracklets_are_left_out_with_their_reason() -> None:
    tracklets = [Tracklet(name, 0, np.tile([0, 0, 5, 5], (n, 1))) for name, n in (("a", 8), ("b", 9), (3, 2))]
    plan = plan_chunks(tracklets, ExtractionSettings())
    assert [chunks.id for chunks in plan.tracklets] == ["b"]
    assert plan.left_out == {"a": "8 frames, fewer than 9", 3: "2 frames, fewer than 9"}
    assert plan.total_chunks == 2
    eight = plan_chunks(tracklets, ExtractionSettings(min_frames=1))
    assert [chunks.id for chunks in eight.tracklets] == ["a", "b"]
    assert eight.left_out == {3: "2 frames, fewer than 8"}


@pytest.mark.parametrize("frequency", [1, 5, 30])
def test_needed_frames_cover_every_chunk_and_skip_rest(frequency: int) -> None:
    spans = {"a": (5, 40), "b": (30, 60), "c": (300, 330), "d": (341, 400)}
    tracklets = [Tracklet(name, a, np.tile([0, 0, 5, 5], (b - a, 1))) for name, (a, b) in spans.items()]
    plan = plan_chunks(tracklets, ExtractionSettings(frequency=frequency))
    needed = {f for chunks in plan.tracklets for start in chunks.starts for f in range(start, start + 8)}
    for skip in (1, 10, 50, 10_000):
        ranges = list(needed_frames(plan.tracklets, skip))
        given = [f for first, stop in ranges for f in range(first, stop)]
        assert len(given) == len(set(given))
        assert needed <= set(given)
        assert given == sorted(given)
        assert all(after[0] - before[1] >= skip for before, after in itertools.pairwise(ranges))
    assert {f for first, stop in needed_frames(plan.tracklets, 1) for f in range(first, stop)} == needed
