"""Trees find what no line divides, and give the probabilities that scikit-learn gives."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.labelled import Planted, planted_of, random_states, rewrite_probe
from napari_i3d import Annotation, Behavior, Bout, Ethogram, agreement, learning
from napari_i3d.errors import FeaturesError, SettingsError
from napari_i3d.learning.folds import hold_back
from napari_i3d.learning.labelled_rows import label_rows
from napari_i3d.learning.probe import boosting
from napari_i3d.learning.probe import probe as probe_module

BOOSTING = learning.ProbeSettings(classifier="boosting", components=8)


def in_rings(seed: int, n_bouts: int = 60) -> Planted:
    """Return a video whose behaviors differ in the size of a number of either sign: no line divides them."""
    states = random_states(seed, n_bouts)
    random = np.random.default_rng(seed)
    size = (states + 0.5) * random.choice([-1, 1], len(states))
    rows = np.repeat(size[:, None], 8, axis=1) + 0.2 * random.standard_normal((len(states), 8))
    return planted_of(rows.astype(np.float32), states)


def test_trees_find_what_lines_cannot() -> None:
    known, new = in_rings(1), in_rings(2)
    scores = [
        agreement(new.annotation, learning.train(known.features, known.annotation, settings).predict(new.features))
        for settings in (learning.ProbeSettings(components=8), BOOSTING)
    ]
    assert scores[0].frame_f1 < 0.6
    assert scores[1].frame_f1 > 0.95


@pytest.mark.parametrize("classes", [2, 4])
def test_probabilities_are_those_of_scikit_learn(classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    build = boosting._model
    monkeypatch.setattr(boosting, "_model", lambda rounds: made.append(build(rounds)) or made[-1])
    random = np.random.default_rng(classes)
    # Coarse numbers, so that many rows lie exactly on thresholds, which lie between these.
    inputs = (random.integers(-40, 40, (900, 5)) / np.float32(30)).astype(np.float32)
    targets = np.digitize(np.abs(inputs[:, 0]) + inputs[:, 1] ** 2, np.linspace(0.4, 1.6, classes - 1))
    head = boosting.fit_boosted(tuple("abcd"[:classes]), inputs, targets)
    halves = ((random.integers(-40, 40, (500, 5)) + 0.5) / np.float32(30)).astype(np.float32)
    for rows in (inputs, halves, 50 * inputs):
        np.testing.assert_allclose(head.probabilities(rows), made[-1].predict_proba(rows), atol=1e-6)
    assert len(head.values) == boosting._ROUNDS_UNTESTED * (1 if classes == 2 else classes)


def test_class_that_was_never_seen_has_no_probability() -> None:
    video = in_rings(1)
    inputs, targets = video.features["mouse"], np.where(video.states > 1, 3, 1)
    found = boosting.fit_boosted(("", "walk", "groom", "rear"), inputs, targets).probabilities(inputs)
    assert (found[:, [0, 2]] == 0).all()
    assert (found.argmax(axis=1) == targets).mean() > 0.95
    only = boosting.fit_boosted(("", "walk"), inputs, np.ones(len(inputs), int)).probabilities(inputs)
    assert (only == [0, 1]).all()


def test_number_of_trees_is_chosen_on_whole_bouts(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = []
    build = boosting._model
    monkeypatch.setattr(boosting, "_model", lambda number: rounds.append(number) or build(number))
    states = random_states(5, n_bouts=60)
    bouts = np.cumsum(np.r_[0, np.diff(states) != 0])
    random = np.random.default_rng(0)
    # Rows tell bouts apart, and nothing about behaviors: on rows at random, every tree would look like progress.
    rows = random.standard_normal((bouts.max() + 1, 8))[bouts] + 0.05 * random.standard_normal((len(states), 8))
    leaking = planted_of(rows.astype(np.float32), states)
    learning.train(leaking.features, leaking.annotation, BOOSTING)
    honest = in_rings(1)
    learning.train(honest.features, honest.annotation, BOOSTING)
    assert [rounds[0], rounds[2]] == [boosting._ROUNDS] * 2
    assert rounds[1] < 10 < rounds[3]


@pytest.mark.parametrize("context", [0, 5])
def test_bouts_that_choose_trees_are_apart(context: int) -> None:
    labelled = label_rows(in_rings(3).features, in_rings(3).annotation)
    trained, tested = hold_back(labelled, labelled.assessed, context)
    frames = labelled.frames[labelled.assessed]
    assert np.abs(frames[trained][:, None] - frames[tested][None]).min() >= 8 + 2 * context
    assert 0.1 < tested.mean() < 0.35
    one = replace(in_rings(3).annotation, bouts=(Bout("mouse", "walk", 5, 9),), assessed={"mouse": [(0, 40)]})
    single = label_rows(in_rings(3).features, one)
    assert hold_back(single, single.assessed) is None


@pytest.fixture(scope="module")
def overlapping():
    """Return a probe with several heads, its video and the labels."""
    random = np.random.default_rng(5)
    shown = np.repeat(random.integers(0, 2, (60, 2)), 25, axis=0)
    sizes = (shown + 0.5) * random.choice([-1, 1], shown.shape)
    rows = np.repeat(sizes, 4, axis=1) * [*[3] * 4, *[1] * 4] + 0.1 * random.standard_normal((len(shown), 8))
    ethogram = Ethogram((Behavior("left", exclusive=False), Behavior("right", exclusive=False)))
    bouts = []
    for index, name in enumerate(ethogram):
        edges = np.diff(np.r_[0, shown[:, index], 0])
        bouts += [
            Bout("mouse", name, s, e)
            for s, e in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
        ]
    truth = Annotation(ethogram, tuple(bouts), {"mouse": [(0, len(shown))]})
    video = planted_of(rows.astype(np.float32), np.zeros(len(shown), int))
    settings = learning.ProbeSettings(classifier="boosting", components=8, context_frames=3)
    return learning.train(video.features, truth, settings), video, truth


def test_overlapping_behaviors_have_trees_of_their_own(overlapping) -> None:
    probe, video, truth = overlapping
    assert [head.classes for head in probe.heads] == [("", "left"), ("", "right")]
    assert agreement(truth, probe.predict(video.features)).frame_f1 > 0.97


def test_blocks_of_prediction_change_nothing(overlapping, monkeypatch: pytest.MonkeyPatch) -> None:
    probe, video, _ = overlapping
    (whole,) = probe.probabilities(video.features)
    monkeypatch.setattr(probe_module, "_BOOSTED_ROWS", 37)
    (pieces,) = probe.probabilities(video.features)
    for one, other in zip(whole.values, pieces.values, strict=True):
        # Scores are rounded otherwise in other blocks, which a row on a threshold may feel; all at edges would not.
        assert np.isclose(one, other, atol=1e-6).all(axis=1).mean() > 0.99
    rows = video.features["mouse"].copy()
    rows[300, 1] = np.inf
    with pytest.raises(FeaturesError, match="at frame 300"):
        probe.predict(replace(video.features, rows={"mouse": rows}))


def test_trees_come_back_from_their_file(overlapping, tmp_path) -> None:
    probe, video, _ = overlapping
    probe.save(tmp_path / "trees.npz")
    read = learning.read_probe(tmp_path / "trees.npz")
    assert read.settings == probe.settings
    assert read.predict(video.features) == probe.predict(video.features)
    with np.load(tmp_path / "trees.npz", allow_pickle=False) as archive:
        assert all(archive[name].dtype.kind in "fui" for name in archive.files)


N = boosting.MOST_TREES + 1


@pytest.mark.parametrize(
    "changes",
    [
        {"features_1": np.full((4, 7), 24, np.int32)},
        {"features_1": np.full((4, 7), -1, np.int32)},
        {"features_1": np.zeros((4, 7))},
        {"features_1": np.zeros((4, 8), np.int32)},
        {"features_1": None},
        {"tree_classes_1": np.full(4, 2, np.int32)},
        {"tree_classes_1": np.full(4, -1, np.int64)},
        {"thresholds_1": np.full((4, 7), np.nan, np.float32)},
        {"values_1": np.full((4, 128), np.inf)},
        {"values_1": np.zeros((4, 127))},
        {"values_1": np.zeros((5, 128))},
        {"bias_1": np.array([-np.inf, -np.inf])},
        {"bias_1": np.array([0.0, np.nan])},
        {
            "features_1": np.zeros((N, 7), np.int32),
            "thresholds_1": np.zeros((N, 7), np.float32),
            "values_1": np.zeros((N, 128)),
            "tree_classes_1": np.zeros(N, np.int32),
        },
        {"settings": {"classifier": "forest"}},
        {"settings": {"classifier": 5}},
        {"settings": {"classifier": "logistic", "components": 8, "context_frames": 3}},
    ],
    ids=lambda changes: f"{next(iter(changes))}",
)
def test_hostile_trees_are_refused(overlapping, tmp_path, changes) -> None:
    path = tmp_path / "trees.npz"
    small = tuple(
        replace(head, features=head.features[:4], thresholds=head.thresholds[:4], values=head.values[:4],
                tree_classes=head.tree_classes[:4])
        for head in overlapping[0].heads
    )  # fmt: skip
    replace(overlapping[0], heads=small).save(path)
    assert learning.read_probe(path).heads
    rewrite_probe(path, **changes)
    with pytest.raises(FeaturesError, match="learn train"):
        learning.read_probe(path)


def test_boosting_is_evaluated_like_other_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boosting, "_ROUNDS", 12)
    video = in_rings(4, n_bouts=24)
    found = learning.evaluate(video.features, video.annotation, BOOSTING)
    assert found.macro_f1 > 0.8
    assert found.shuffled_macro_f1 < 0.6


def test_unknown_classifiers_are_refused() -> None:
    with pytest.raises(SettingsError, match="logistic, boosting"):
        learning.ProbeSettings(classifier="forest")


@pytest.mark.parametrize("classifier", ["logistic", "boosting"])
def test_mapped_half_precision_rows_are_learned_and_predicted(classifier: str, tmp_path) -> None:
    video = in_rings(1, n_bouts=24)
    halves = video.features["mouse"].astype(np.float16)
    np.save(tmp_path / "rows.npy", halves)
    mapped = np.asarray(np.load(tmp_path / "rows.npy", mmap_mode="r"))
    settings = learning.ProbeSettings(classifier=classifier, components=8)
    whole = replace(video.features, rows={"mouse": halves.astype(np.float32)})
    small = replace(video.features, rows={"mouse": mapped})
    probes = [learning.train(one, video.annotation, settings) for one in (whole, small)]
    for probe in probes:
        assert probe.predict(whole) == probe.predict(small) == probes[0].predict(whole)
