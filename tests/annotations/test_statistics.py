"""Statistics of behaviors against plain loops over frames."""

import csv
import statistics

import numpy as np
import pytest

from napari_i3d import Annotation, Behavior, Bout, Ethogram
from napari_i3d.annotations.bouts import merge_overlapping
from napari_i3d.annotations.statistics import behavior_statistics, behavior_transitions, time_budgets
from napari_i3d.annotations.statistics_table import write_statistics, write_transitions
from napari_i3d.errors import AnnotationError

NAMES = ("run", "groom", "call")
ETHOGRAM = Ethogram(tuple(map(Behavior, NAMES)))


def random_annotation(seed, fps=25.0, n=40):
    rng = np.random.default_rng(seed)
    bouts = []
    for _ in range(n):
        start = int(rng.integers(10, 280))
        name, target = NAMES[rng.integers(2)], [None, "b"][rng.integers(2)]
        bouts.append(Bout("ab"[rng.integers(2)], name, start, start + int(rng.integers(1, 15)), target))
    assessed = {"a": [(5, 150), (180, 300)], "b": [(0, 60)], "c": [(20, 30)]}
    return Annotation(ETHOGRAM, merge_overlapping(bouts), assessed, ("a", "b", "c", "d"), 300, fps)


@pytest.mark.parametrize("seed", range(4))
def test_statistics_equal_loops_over_frames(seed):
    annotation = random_annotation(seed)
    found = behavior_statistics(annotation)
    assert [(one.individual, one.behavior) for one in found] == [(i, name) for i in "abcd" for name in NAMES]
    for one in found:
        table = annotation.to_table(one.individual)[:, NAMES.index(one.behavior)].tolist()
        assessed = [frame for frame in range(300) if table[frame] >= 0]
        shown = [frame for frame in assessed if table[frame]]
        lengths = [
            len(bout) for bout in annotation.bouts if (bout.individual, bout.behavior) == (one.individual, one.behavior)
        ]
        assert (one.count, one.total_frames, one.assessed_frames) == (len(lengths), len(shown), len(assessed))
        assert one.share == (len(shown) / len(assessed) if assessed else None)
        assert one.latency_frames == (shown[0] - assessed[0] if shown else None)
        if lengths:
            assert one.mean_frames == pytest.approx(statistics.mean(lengths))
            assert one.median_frames == statistics.median(lengths)
            assert one.median_s == statistics.median(lengths) / 25
            assert one.latency_s == one.latency_frames / 25
            assert one.rate_per_min == pytest.approx(len(lengths) / (len(assessed) / 25 / 60))
        else:
            assert one.mean_frames is one.median_frames is one.mean_s is None
        if len(lengths) > 1:
            assert one.sd_frames == pytest.approx(statistics.stdev(lengths))
        else:
            assert one.sd_frames is None


def test_unknown_rate_leaves_seconds_out():
    (one, *_) = behavior_statistics(random_annotation(0, None))
    assert one.count
    assert one.total_s is one.mean_s is one.sd_s is one.rate_per_min is None


@pytest.mark.parametrize("seed", range(4))
def test_time_budgets_equal_counted_frames(seed):
    annotation = random_annotation(seed)
    for budget in time_budgets(annotation):
        table = annotation.to_table(budget.individual)
        looked = table[table[:, 0] >= 0]
        assert budget.assessed_frames == len(looked)
        assert budget.idle_frames == sum(not row.any() for row in looked)
        assert list(budget.frames.values()) == [int(column.sum()) for column in looked.T]
    assert [budget.individual for budget in time_budgets(annotation)] == ["a", "b", "c"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("gap", [0, 3, 1000])
def test_transitions_equal_a_search_frame_by_frame(seed, gap):
    annotation = random_annotation(seed)
    expected = np.zeros((3, 3), int)
    for bout in annotation.bouts:
        for frame in range(bout.stop, min(bout.stop + gap, 299) + 1):
            begin = [b for b in annotation.bouts if b.individual == bout.individual and b.start == frame]
            for other in begin:
                expected[NAMES.index(bout.behavior), NAMES.index(other.behavior)] += 1
            if begin or not annotation.is_assessed(bout.individual, frame):
                break
    found = behavior_transitions(annotation, max_gap_frames=gap)
    assert found.counts.sum()
    assert (found.counts == expected).all()
    alone = [behavior_transitions(annotation, [one], gap).counts for one in "ab"]
    assert (sum(alone) == expected).all()
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(found.probabilities, expected / expected.sum(axis=1, keepdims=True))


def test_negative_gap_is_refused():
    with pytest.raises(AnnotationError, match="found -1"):
        behavior_transitions(random_annotation(0), max_gap_frames=-1)


def test_tables_hold_the_statistics(tmp_path):
    annotation = random_annotation(1)
    write_statistics(tmp_path / "statistics.csv", behavior_statistics(annotation))
    with (tmp_path / "statistics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, one in zip(rows, behavior_statistics(annotation), strict=True):
        assert (row["individual"], row["behavior"], row["count"]) == (one.individual, one.behavior, str(one.count))
        for name in ("mean_s", "sd_frames", "share", "latency_frames"):
            value = getattr(one, name)
            assert row[name] == "" if value is None else float(row[name]) == pytest.approx(value, rel=1e-5)
    transitions = behavior_transitions(annotation, max_gap_frames=3)
    write_transitions(tmp_path / "transitions.csv", transitions)
    with (tmp_path / "transitions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["count"]) for row in rows] == transitions.counts.ravel().tolist()
    assert {row["probability"] for row in rows if row["behavior"] == "call"} == {""}
