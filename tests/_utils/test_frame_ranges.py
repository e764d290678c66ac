"""Ranges of frames against sets of frames."""

import random

import pytest

from napari_i3d._utils import frame_ranges


def frames(ranges):
    return {frame for start, stop in ranges for frame in range(start, stop)}


def is_merged(ranges):
    flat = [edge for one in ranges for edge in one]
    return flat == sorted(set(flat))


@pytest.mark.parametrize("seed", range(30))
def test_ranges_equal_sets_of_frames(seed):
    rng = random.Random(seed)

    def some(count):
        return [(start, start + rng.randint(1, 6)) for start in rng.choices(range(40), k=count)]

    given, others = some(rng.randrange(8)), frame_ranges.merge_ranges(some(4))
    merged = frame_ranges.merge_ranges(given)
    assert is_merged(merged)
    assert frames(merged) == frames(given)
    assert frame_ranges.count_frames(merged) == len(frames(given))
    common = frame_ranges.common_ranges(merged, others)
    assert frames(common) == frames(merged) & frames(others)
    assert is_merged(common)
    for start in range(46):
        assert frame_ranges.contains(merged, start) == (start in frames(merged))
        for stop in range(start + 1, 47):
            span = set(range(start, stop))
            for change, expected in (
                (frame_ranges.remove_range, frames(merged) - span),
                (frame_ranges.clip_ranges, frames(merged) & span),
            ):
                found = change(merged, start, stop)
                assert frames(found) == expected
                assert is_merged(found)
            assert frame_ranges.covers(merged, start, stop) == (span <= frames(merged))
