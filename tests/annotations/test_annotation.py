"""Annotations: validation, order, and lookups against plain loops over frames."""

import copy
import pickle

import numpy as np
import pytest

from napari_i3d import Annotation, Behavior, Bout, Ethogram, Origin, VideoFacts
from napari_i3d.annotations.bouts import merge_overlapping
from napari_i3d.errors import AnnotationError

ETHOGRAM = Ethogram((Behavior("run", "r"), Behavior("groom", "g"), Behavior("call", "c", exclusive=False)))


def random_bouts(rng, n, n_frames=300):
    bouts = [
        Bout(
            ["a", 7][rng.integers(2)],
            list(ETHOGRAM)[rng.integers(3)],
            start := int(rng.integers(n_frames - 20)),
            start + int(rng.integers(1, 20)),
            [None, "b", 7][rng.integers(3)],
        )
        for _ in range(n)
    ]
    return merge_overlapping(bouts)


def test_bouts_are_put_in_order():
    bouts = (Bout("b", "run", 5, 9), Bout("a", "groom", 3, 9), Bout("a", "run", 3, 9), Bout("a", "run", 1, 2))
    annotation = Annotation(ETHOGRAM, bouts, individuals=("b", "a", "c"))
    assert annotation.bouts == (bouts[0], bouts[3], bouts[2], bouts[1])
    assert annotation.individuals == ("b", "a", "c")
    assert annotation == Annotation(ETHOGRAM, bouts[::-1], individuals=("b", "a", "c"))


def test_missing_ethogram_is_made_of_bouts():
    annotation = Annotation(bouts=(Bout("b", "run", 5, 9), Bout("a", "groom", 3, 12)))
    assert list(annotation.ethogram) == ["run", "groom"]
    assert dict(annotation.assessed) == {"b": ((0, 12),), "a": ((0, 12),)}
    whole = Annotation(bouts=annotation.bouts, n_frames=100)
    assert dict(whole.assessed) == {"b": ((0, 100),), "a": ((0, 100),)}


def test_labelled_frames_are_assessed():
    assessed = {"a": [(20, 30), (0, 5), (5, 8)], "c": [(1, 2)], "d": []}
    annotation = Annotation(ETHOGRAM, (Bout("a", "run", 7, 12), Bout("b", "run", 0, 2)), assessed)
    assert dict(annotation.assessed) == {"a": ((0, 12), (20, 30)), "b": ((0, 2),), "c": ((1, 2),)}
    assert annotation.individuals == ("a", "b", "c")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Bout("a", "run", 5, 5), "start < stop, found 5 and 5"),
        (lambda: Bout("a", "run", -1, 5), "found -1"),
        (lambda: Bout("a", "run", 1.0, 5), "found 1.0"),
        (lambda: Bout(True, "run", 1, 5), "ids that are text or whole numbers, found True"),
        (lambda: Bout("a", "", 1, 5), "expected a name"),
        (lambda: Bout("a", "run", 1, 5, origin="guessed"), "manual, automated, curated, found guessed"),
        (lambda: Bout("a", "run", 1, 5, confidence=1.5), "0 to 1, found 1.5"),
        (lambda: Bout("a", "run", 1, 5, confidence=float("nan")), "0 to 1, found nan"),
        (lambda: Behavior("run", "ab"), "one letter or digit, found 'ab'"),
        (lambda: Behavior("run", color="red"), "found 'red'"),
        (lambda: Ethogram((Behavior("run"), Behavior("run"))), "two with name 'run'"),
        (lambda: Ethogram((Behavior("run", "r"), Behavior("rest", "r"))), "two with key 'r'"),
        (lambda: Annotation(ETHOGRAM, (Bout("a", "fly", 1, 5),)), r"\(run, groom, call\), found fly"),
        (lambda: Annotation(ETHOGRAM, (Bout("a", "run", 1, 6),), n_frames=5), "a video of 5, found 5"),
        (lambda: Annotation(ETHOGRAM, (), {"a": [(0, 6)]}, n_frames=5), "assessed frames: .* of 5, found 5"),
        (lambda: Annotation(ETHOGRAM, (Bout("a", "run", 1, 6), Bout("a", "run", 5, 7))), "frames 1 to 5"),
        (lambda: Annotation(ETHOGRAM, fps=0), "found 0"),
        (lambda: Annotation(ETHOGRAM, fps=float("inf")), "found inf"),
        (lambda: VideoFacts("a.mp4", (640,)), "width and height"),
    ],
)
def test_invalid_values_are_refused(make, words):
    with pytest.raises(AnnotationError, match=words):
        make()


def test_touching_bouts_stay_apart():
    annotation = Annotation(ETHOGRAM, (Bout("a", "run", 1, 6), Bout("a", "run", 6, 7), Bout("a", "run", 5, 7, "b")))
    assert len(annotation.bouts) == 3


def test_numpy_numbers_become_plain():
    bout = Bout(np.int64(3), "run", np.int32(1), np.uint8(2), np.int64(4), "automated", np.float32(0.5))
    assert bout == Bout(3, "run", 1, 2, 4, Origin.AUTOMATED, 0.5)
    assert {type(bout.individual), type(bout.start), type(bout.stop), type(bout.target)} == {int}


def test_merging_keeps_every_frame():
    bouts = [Bout("a", "run", 3, 6, confidence=0.5), Bout("a", "run", 5, 9, origin="automated", confidence=0.5)]
    (merged,) = merge_overlapping(bouts)
    assert merged == Bout("a", "run", 3, 9, None, Origin.CURATED, 0.5)
    assert len(merge_overlapping([bouts[0], Bout("a", "run", 6, 7)])) == 2


@pytest.mark.parametrize("seed", range(5))
def test_lookups_equal_loops_over_frames(seed):
    rng = np.random.default_rng(seed)
    annotation = Annotation(ETHOGRAM, random_bouts(rng, 60), {"a": [(0, 50), (100, 130)]}, ("a", 7, "c"), 400)
    for individual in ("a", 7, "c"):
        table = annotation.to_table(individual)
        assert table.shape == (400, 3)
        for frame in range(400):
            found = [b for b in annotation.bouts if b.individual == individual and b.start <= frame < b.stop]
            assert list(annotation.bouts_at(individual, frame)) == found
            names = {b.behavior for b in found}
            assert list(annotation.behaviors_at(individual, frame)) == [n for n in ETHOGRAM if n in names]
            looked = bool(found) or (individual == "a" and (frame < 50 or 100 <= frame < 130))
            assert annotation.is_assessed(individual, frame) == looked
            assert table[frame].tolist() == [int(n in names) if looked else -1 for n in ETHOGRAM]
        assert (annotation.to_table(individual, 40, 110) == table[40:110]).all()


def test_conflicts_equal_all_pairs():
    annotation = Annotation(ETHOGRAM, random_bouts(np.random.default_rng(3), 80))
    expected = {
        frozenset((one, other))
        for one in annotation.bouts
        for other in annotation.bouts
        if one != other and one.individual == other.individual and one.overlaps(other.start, other.stop)
        if "call" not in (one.behavior, other.behavior)
    }
    assert expected
    assert {frozenset(pair) for pair in annotation.conflicts()} == expected


def test_annotation_survives_copy_and_pickle():
    annotation = Annotation(ETHOGRAM, random_bouts(np.random.default_rng(1), 20), {7: [(0, 9)]}, video=VideoFacts("v"))
    assert copy.deepcopy(annotation) == annotation
    assert pickle.loads(pickle.dumps(annotation)) == annotation
    with pytest.raises(TypeError):
        annotation.assessed["a"] = ()


def test_ethogram_is_found_by_name_and_key():
    assert list(ETHOGRAM) == ["run", "groom", "call"]
    assert ETHOGRAM["groom"] is ETHOGRAM.by_key("g")
    assert ETHOGRAM.by_key("x") is None
    assert ETHOGRAM.by_key("") is None
    with pytest.raises(KeyError):
        ETHOGRAM["fly"]
    assert Ethogram(ETHOGRAM.behaviors[::-1]) != ETHOGRAM


def test_styles_of_all_behaviors_differ():
    ethogram = Ethogram((Behavior("0", color="#56B4E9"), *(Behavior(str(number)) for number in range(1, 20))))
    styles = [ethogram.style_of(index) for index in range(20)]
    assert len(set(styles)) == 20
    assert styles[:2] == [("#56b4e9", 0), ("#56b4e9", 1)]
