"""Frames that were judged, and behaviors that overlap, against plain counting."""

import random

import pytest

from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.io.parsing.judged_frames import count_partly, looked_at, shared_behaviors
from napari_i3d.annotations.io.range_formats.jabs_writing import without

Spans = dict[str, list[tuple[int, int]]]


def random_spans(seed: int, count: int) -> Spans:
    source = random.Random(seed)
    spans: Spans = {}
    for _ in range(count):
        start = source.randrange(60)
        spans.setdefault(source.choice("abcd"), []).append((start, start + source.randrange(1, 12)))
    return spans


def frames(ranges) -> set[int]:
    return {frame for start, stop in ranges for frame in range(start, stop)}


@pytest.mark.parametrize("seed", range(60))
def test_frames_judged_for_every_behavior(seed: int):
    spans = random_spans(seed, 1 + seed // 3)
    sets = {name: frames(ranges) for name, ranges in spans.items()}
    every = set.intersection(*sets.values())
    assert frames(looked_at(spans)) == every
    shown = spans.get("a", [])
    assert count_partly(spans, shown) == len(set.union(*sets.values()) - every - frames(shown))


@pytest.mark.parametrize("seed", range(60))
def test_overlapping_behaviors_are_not_exclusive(seed: int):
    spans = random_spans(seed, 1 + seed // 4)
    bouts = [Bout(seed % 2, name, start, stop) for name, ranges in spans.items() for start, stop in ranges]
    expected = {
        one.behavior
        for one in bouts
        for other in bouts
        if one.behavior != other.behavior and one.overlaps(other.start, other.stop)
    }
    own = {seed % 2: [(bout.start, bout.stop, bout.behavior) for bout in bouts]}
    found = {behavior.name for behavior in shared_behaviors(own, spans) if not behavior.exclusive}
    assert found == expected


@pytest.mark.parametrize("seed", range(20))
def test_frames_that_others_have_not(seed: int):
    spans = {name: looked_at({name: ranges}) for name, ranges in random_spans(seed, 12).items()}
    one, other = spans.get("a", ()), spans.get("b", ())
    assert frames(without(one, other)) == frames(one) - frames(other)
