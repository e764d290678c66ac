"""Shards: each chunk of a job in one of them, with its boxes, and a length that the job alone decides."""

import itertools

import numpy as np
import pytest

from napari_i3d.extraction.planning.chunks import plan_chunks
from napari_i3d.extraction.planning.plan import Job
from napari_i3d.extraction.planning.shards import ChunkRows, plan_shards, shard_length
from napari_i3d.extraction.settings import ExtractionSettings, SampleMode
from napari_i3d.tracking.tracklets import Tracklet


def job_of(spans: dict[str, tuple[int, int]], **settings) -> Job:
    """A job of tracklets from a first to a last frame; the box of a frame holds its number."""
    chosen = ExtractionSettings(**settings)
    tracklets = [
        Tracklet(name, first, np.array([[frame, 0, frame + 10, 10] for frame in range(first, last + 1)], float))
        for name, (first, last) in spans.items()
    ]
    boxes = {tracklet.id: tracklet.boxes.astype(np.int64) for tracklet in tracklets}
    return Job(plan_chunks(tracklets, chosen), boxes, chosen)


@pytest.mark.parametrize("frequency", [1, 3, 16])
@pytest.mark.parametrize("length", [1, 7, 50, 10_000])
def test_each_chunk_is_in_one_shard(length, frequency):
    job = job_of({"early": (0, 60), "late": (25, 130), "apart": (300, 330)}, frequency=frequency)
    seen = []
    shards = plan_shards(job, length)
    for shard in shards:
        assert shard.n_chunks <= length
        for chunks in shard.chunks:
            for start in chunks.starts.tolist():
                seen.append((chunks.id, start))
                for frame in range(start, start + 8):
                    assert shard.boxes[chunks.id][frame - chunks.first_frame][0] == frame
    expected = [(chunks.id, start) for chunks in job.plan.tracklets for start in chunks.starts.tolist()]
    assert sorted(seen) == sorted(expected)
    assert shards.n_chunks == job.plan.total_chunks
    starts = [[start for chunks in shard.chunks for start in chunks.starts] for shard in shards]
    assert all(max(one) <= min(other) for one, other in itertools.pairwise(starts))


@pytest.mark.parametrize("frequency", [1, 3, 16])
@pytest.mark.parametrize("length", [1, 5, 64])
def test_shards_divide_the_chunks_by_frame_and_individual(length, frequency):
    rng = np.random.default_rng(length * frequency)
    firsts = rng.integers(0, 120, 9).tolist()
    job = job_of(
        {str(number): (first, first + int(rng.integers(8, 90))) for number, first in enumerate(firsts)},
        frequency=frequency,
    )
    chunks = [
        (start, place, number)
        for place, tracklet in enumerate(job.plan.tracklets)
        for number, start in enumerate(range(tracklet.first_frame, tracklet.last_frame - 6, frequency))
    ]
    expected = [sorted(chunks)[first : first + length] for first in range(0, len(chunks), length)]
    shards = plan_shards(job, length)
    found = [
        sorted(
            (start, int(part.id), first + number)
            for part, first in zip(shard.chunks, shard.first_chunks, strict=True)
            for number, start in enumerate(part.starts.tolist())
        )
        for shard in shards
    ]
    assert found == expected
    assert [shard.number for shard in shards] == shards.numbers == list(range(len(expected)))
    some = shards.without({0, len(expected) - 1})
    assert [shard.number for shard in some] == list(range(1, len(expected) - 1))
    assert some.n_chunks == sum(map(len, expected[1:-1]))


def test_shard_rows_find_their_places_in_any_order():
    job = job_of({"a": (0, 40), "b": (10, 90)})
    rows = ChunkRows(job)
    shards = plan_shards(job, 9)
    for number in np.random.default_rng(3).permutation(len(shards)):
        shard = shards[number]
        parts = [np.repeat(w.starts[:, None] * 10.0 + (w.id == "b"), 2048, axis=1) for w in shard.chunks]
        rows.put(shard, np.concatenate(parts).astype(np.float32))
    for chunks in job.plan.tracklets:
        expected = chunks.starts * 10.0 + (chunks.id == "b")
        np.testing.assert_array_equal(rows.pop(chunks.id)[:, 17], expected)


@pytest.mark.parametrize(("individuals", "length"), [(1, 256), (4, 256), (5, 512), (12, 768), (13, 1024), (60, 1024)])
def test_length_grows_with_individuals_that_are_there_together(individuals, length):
    job = job_of({str(number): (0, 99) for number in range(individuals)})
    assert shard_length(job) == length


def test_individuals_one_after_the_other_count_as_one():
    assert shard_length(job_of({str(number): (number * 100, number * 100 + 99) for number in range(20)})) == 256


def test_ten_views_make_shorter_shards():
    assert shard_length(job_of({"a": (0, 99), "b": (0, 99)}, sample_mode=SampleMode.OVERSAMPLE)) == 96
