"""Agreement of annotations: kappa and F1 against scikit-learn, bouts and edit score against plain loops over frames."""

import csv
import functools
import itertools

import numpy as np
import pytest

from napari_i3d import Annotation, Behavior, Bout, Ethogram
from napari_i3d.annotations.agreement import OVERLAPS, agreement
from napari_i3d.annotations.bouts import merge_overlapping
from napari_i3d.annotations.statistics_table import write_agreement
from napari_i3d.errors import AnnotationError

NAMES = ("run", "groom", "call")
ETHOGRAM = Ethogram(tuple(map(Behavior, NAMES)))


def random_pair(seed, n=25):
    rng = np.random.default_rng(seed)
    bouts = []
    for _ in range(n):
        start = int(rng.integers(0, 180))
        bouts.append(Bout("ab"[rng.integers(2)], NAMES[rng.integers(3)], start, start + int(rng.integers(1, 20))))
    moved = []
    for bout in bouts:
        if rng.random() < 0.8:
            start = max(bout.start + int(rng.integers(-4, 5)), 0)
            name = bout.behavior if rng.random() < 0.9 else NAMES[rng.integers(3)]
            moved.append(Bout(bout.individual, name, start, start + len(bout), "b"))
    one = Annotation(ETHOGRAM, merge_overlapping(bouts), {"a": [(0, 120)], "b": [(0, 200)]}, (), 200)
    turned = Ethogram(ETHOGRAM.behaviors[::-1])
    return one, Annotation(turned, merge_overlapping(moved), {"a": [(20, 60), (80, 200)], "b": [(5, 190)]}, (), 200)


def frames(annotation, other, individual):
    """Return the stretches of frames that both assessed: lists of sets of behaviors."""
    stretches = [[]]
    for frame in range(200):
        if annotation.is_assessed(individual, frame) and other.is_assessed(individual, frame):
            stretches[-1].append(frozenset(annotation.behaviors_at(individual, frame)))
        elif stretches[-1]:
            stretches.append([])
    return [one for one in stretches if one]


def runs(stretches):
    found, offset = [], 0
    for stretch in stretches:
        for name in NAMES:
            for shown, group in itertools.groupby(range(len(stretch)), key=lambda f: name in stretch[f]):
                group = list(group)
                if shown:
                    found.append((offset + group[0], offset + group[-1] + 1, name))
        offset += len(stretch) + 1
    return sorted(found, key=lambda one: (one[0], one[1], NAMES.index(one[2])))


def f1_as_ms_tcn(true, other, overlap):
    hits, matched = set(), 0
    for start, stop, name in other:
        ious = [
            len(set(range(start, stop)) & set(range(a, b))) / len(set(range(start, stop)) | set(range(a, b)))
            if name == label
            else 0
            for a, b, label in true
        ]
        best = int(np.argmax(ious)) if ious else None
        if best is not None and ious[best] >= overlap and best not in hits:
            hits.add(best)
            matched += 1
    return matched, len(other) - matched, len(true) - len(hits)


def edit_distance(one, other):
    @functools.cache
    def distance(i, j):
        if not i or not j:
            return i + j
        return min(
            distance(i - 1, j) + 1, distance(i, j - 1) + 1, distance(i - 1, j - 1) + (one[i - 1] != other[j - 1])
        )

    return distance(len(one), len(other))


@pytest.mark.parametrize("seed", range(8))
def test_scores_equal_those_of_others(seed):
    metrics = pytest.importorskip("sklearn.metrics")
    true, other = random_pair(seed)
    found = agreement(true, other)
    ours = [one for who in "ab" for stretch in frames(true, other, who) for one in stretch]
    theirs = [one for who in "ab" for stretch in frames(other, true, who) for one in stretch]
    assert found.frames == len(ours) == len(theirs)
    text = [["+".join(sorted(one)) for one in column] for column in (ours, theirs)]
    assert found.kappa == pytest.approx(metrics.cohen_kappa_score(*text))
    for one in found.behaviors:
        shown = [[one.behavior in frame for frame in column] for column in (ours, theirs)]
        assert one.kappa == pytest.approx(metrics.cohen_kappa_score(*shown))
        assert one.frame_f1 == pytest.approx(metrics.f1_score(*shown))
        assert (one.true_frames, one.other_frames) == tuple(map(sum, shown))
    assert found.frame_f1 == pytest.approx(np.mean([one.frame_f1 for one in found.behaviors]))


@pytest.mark.parametrize("seed", range(8))
def test_bouts_match_as_in_ms_tcn(seed):
    true, other = random_pair(seed)
    found = agreement(true, other)
    pairs = [(runs(frames(true, other, who)), runs(frames(other, true, who))) for who in "ab"]
    for overlap in OVERLAPS:
        matched, wrong, missed = np.sum([f1_as_ms_tcn(*pair, overlap) for pair in pairs], axis=0)
        assert found.bout_f1[overlap] == pytest.approx(2 * matched / (2 * matched + wrong + missed))
        for one in found.behaviors:
            own = [[[run for run in side if run[2] == one.behavior] for side in pair] for pair in pairs]
            matched, wrong, missed = np.sum([f1_as_ms_tcn(*pair, overlap) for pair in own], axis=0)
            assert one.bout_f1[overlap] == pytest.approx(2 * matched / (2 * matched + wrong + missed))
            assert (one.true_bouts, one.other_bouts) == (matched + missed, matched + wrong)
    scores = [1 - edit_distance(tuple(r[2] for r in a), tuple(r[2] for r in b)) / max(len(a), len(b)) for a, b in pairs]
    assert found.edit_score == pytest.approx(np.mean(scores))
    assert 0 < found.edit_score < 1


def test_equal_annotations_agree_fully():
    true, _ = random_pair(0)
    found = agreement(true, true)
    assert found.kappa == found.frame_f1 == found.edit_score == 1
    assert set(found.bout_f1.values()) == {1}


def test_each_true_bout_matches_once():
    true = Annotation(ETHOGRAM, (Bout("a", "run", 0, 30),), {"a": [(0, 40)]})
    halves = Annotation(ETHOGRAM, (Bout("a", "run", 0, 14), Bout("a", "run", 15, 29)), {"a": [(0, 40)]})
    found = agreement(true, halves)
    assert found.bout_f1 == {0.1: 2 / 3, 0.25: 2 / 3, 0.5: 0}
    assert found.edit_score == 0.5


def test_absent_behaviors_have_no_scores():
    true = Annotation(ETHOGRAM, (Bout("a", "run", 0, 30),), {"a": [(0, 40)]})
    call = agreement(true, true).behaviors[2]
    assert call.kappa is call.frame_f1 is call.bout_f1[0.5] is None
    nothing = Annotation(ETHOGRAM, (), {"a": [(0, 40)]})
    found = agreement(nothing, nothing)
    assert found.kappa is found.frame_f1 is found.edit_score is found.bout_f1[0.1] is None


def test_kappa_tells_many_behaviors_apart():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(5)
    names = [f"b{number}" for number in range(70)]
    shown = rng.random((2, 50, 70)) < 0.02
    shown[1, :25] = shown[0, :25]
    pair = [
        Annotation(
            Ethogram(tuple(map(Behavior, names))),
            tuple(Bout("a", names[b], int(f), int(f) + 1) for f, b in np.argwhere(one)),
            {"a": [(0, 50)]},
        )
        for one in shown
    ]
    text = [
        ["+".join(name for name, is_shown in zip(names, row, strict=True) if is_shown) for row in one] for one in shown
    ]
    assert agreement(*pair).kappa == pytest.approx(metrics.cohen_kappa_score(*text))


def test_incomparable_annotations_are_refused():
    true, other = random_pair(0)
    with pytest.raises(AnnotationError, match="behaviors that both ethograms have"):
        agreement(true, Annotation(Ethogram((Behavior("fly"),))))
    with pytest.raises(AnnotationError, match="that both annotations assessed"):
        agreement(true, other, individuals=["c"])
    with pytest.raises(AnnotationError, match="found fly"):
        agreement(true, other, ["fly"])


def test_table_holds_the_agreement(tmp_path):
    found = agreement(*random_pair(2))
    write_agreement(tmp_path / "agreement.csv", found)
    with (tmp_path / "agreement.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["behavior"] for row in rows] == [*NAMES, ""]
    assert float(rows[-1]["kappa"]) == pytest.approx(found.kappa, rel=1e-5)
    assert float(rows[-1]["edit_score"]) == pytest.approx(found.edit_score, rel=1e-5)
    assert [float(row["bout_f1_at_0.25"]) for row in rows[:3]] == pytest.approx(
        [one.bout_f1[0.25] for one in found.behaviors], rel=1e-5
    )
