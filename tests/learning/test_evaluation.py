"""Scores are those of held-back labels: nothing leaks from neighboring frames."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from helpers.labelled import BEHAVIORS, ETHOGRAM, make_planted, planted_of, random_states
from napari_i3d import Annotation, Behavior, Bout, Ethogram, Features, learning
from napari_i3d.errors import AnnotationError, SettingsError
from napari_i3d.learning.folds import make_folds
from napari_i3d.learning.labelled_rows import label_rows


def leaking() -> tuple[np.ndarray, np.ndarray]:
    """Return rows that tell bouts apart, and nothing about behaviors, and states."""
    states = random_states(5, n_bouts=80)
    bouts = np.cumsum(np.r_[0, np.diff(states) != 0])
    random = np.random.default_rng(0)
    rows = random.standard_normal((bouts.max() + 1, 96))[bouts] + 0.05 * random.standard_normal((len(states), 96))
    return rows.astype(np.float32), states


def test_features_of_the_moment_score_like_chance() -> None:
    rows, states = leaking()
    random = np.random.default_rng(1).permutation(len(rows))
    trained, tested = random[::2], random[1::2]
    split_by_frames = LogisticRegression(max_iter=500).fit(rows[trained], states[trained]).predict(rows[tested])
    assert f1_score(states[tested], split_by_frames, average="macro") > 0.95
    video = planted_of(rows, states)
    found = learning.evaluate(video.features, video.annotation)
    assert found.macro_f1 < 0.4
    assert abs(found.macro_f1 - found.shuffled_macro_f1) < 0.2
    with pytest.raises(SettingsError, match="video, individual, bout"):
        learning.evaluate(video.features, video.annotation, unit="frame")


def test_planted_behaviors_score_high_by_every_unit() -> None:
    one, other, third = make_planted(1), make_planted(2), make_planted(3, individual="rat")
    both = Features(
        rows={**one.features.rows, **third.features.rows}, frames={**one.features.frames, **third.features.frames}
    )
    labels = Annotation(
        ETHOGRAM,
        one.annotation.bouts + third.annotation.bouts,
        {**one.annotation.assessed, **third.annotation.assessed},
    )
    cases = {
        "video": ({"x": one.features, "y": other.features}, {"x": one.annotation, "y": other.annotation}),
        "individual": (both, labels),
        "bout": (one.features, one.annotation),
    }
    for unit, (features, annotations) in cases.items():
        found = learning.evaluate(features, annotations)
        assert found.fold_unit == unit
        assert found.macro_f1 > 0.95
        assert found.segmental_f1[50] > 0.9
        assert found.edit_score > 0.9
        assert found.majority_macro_f1 < 0.4
        assert found.learning_curve[-1][1] == found.macro_f1
        assert found.learning_curve[0][0] < found.learning_curve[-1][0]


@pytest.mark.parametrize("context", [0, 12])
def test_rows_that_share_frames_are_never_on_both_sides(context: int) -> None:
    video = make_planted(4)
    labelled = label_rows(video.features, video.annotation)
    folds = make_folds(labelled, context_frames=context)
    frames = labelled.table.frames[folds.rows]
    tested_rows = np.zeros(len(frames), int)
    for trained, tested in folds.split(labelled):
        tested_rows += tested
        distance = np.abs(frames[trained][:, None] - frames[tested][None])
        assert distance.min() >= 8 + 2 * context
        # Only rows near a tested one are given up.
        given_up = frames[~trained & ~tested]
        assert np.abs(given_up[:, None] - frames[tested][None]).min(axis=1).max() < folds.purge_frames
    assert (tested_rows == 1).all()


def test_bouts_stay_whole_and_behaviors_are_spread_over_folds() -> None:
    video = make_planted(4)
    labelled = label_rows(video.features, video.annotation)
    folds = make_folds(labelled)
    for bout in video.annotation.bouts:
        assert len(set(folds.numbers[bout.start : bout.stop])) == 1
    for name in BEHAVIORS:
        own = [bout for bout in video.annotation.bouts if bout.behavior == name]
        assert len({folds.numbers[bout.start] for bout in own}) == min(5, len(own))


def test_bouts_that_overlap_stay_in_one_fold() -> None:
    random = np.random.default_rng(3)
    ethogram = Ethogram((Behavior("left", exclusive=False), Behavior("right", exclusive=False)))
    starts = {name: np.cumsum(random.integers(20, 60, 30)) for name in ethogram}
    bouts = [
        Bout("mouse", name, s, s + length)
        for name in ethogram
        for s, length in zip(starts[name], random.integers(5, 20, 30), strict=True)
    ]
    count = int(max(bout.stop for bout in bouts)) + 30
    features = planted_of(np.zeros((count, 2), np.float32), np.zeros(count, int)).features
    labelled = label_rows(features, Annotation(ethogram, tuple(bouts), {"mouse": [(0, count)]}))
    folds = make_folds(labelled)
    assert any(
        one.overlaps(other.start, other.stop) for one in bouts for other in bouts if one.behavior < other.behavior
    )
    for bout in bouts:
        assert len(set(folds.blocks[bout.start : bout.stop])) == 1
    assert folds.blocks.max() > 20


def test_scores_are_those_of_plain_counting() -> None:
    video = make_planted(6, noise=2.5)
    found = learning.evaluate(video.features, video.annotation)
    assert 0.2 < found.macro_f1 < 0.99
    for index, name in enumerate(BEHAVIORS):
        hit = found.confusion[name, name]
        labelled = sum(found.confusion[name, other] for other in ("", *BEHAVIORS))
        predicted = sum(found.confusion[other, name] for other in ("", *BEHAVIORS))
        assert found.frame_f1[name] == pytest.approx(2 * hit / (labelled + predicted))
        assert labelled == (video.states == index + 1).sum()
    assert found.macro_f1 == pytest.approx(np.mean(list(found.frame_f1.values())))
    share = max((video.states == state).mean() for state in (1, 2, 3))
    assert found.majority_macro_f1 == pytest.approx(2 * share / (1 + share) / 3)


def test_too_few_bouts_are_said_so() -> None:
    video = make_planted(1, n_bouts=12)
    found = learning.evaluate(video.features, video.annotation)
    assert any("Too few bouts to know anything" in note for note in found.notes)
    assert "Too few bouts" in found.report()
    many = learning.evaluate(make_planted(1, n_bouts=80).features, make_planted(1, n_bouts=80).annotation)
    assert not any("Too few" in note for note in many.notes)
    only = Annotation(ETHOGRAM, (Bout("mouse", "walk", 10, 20),), {"mouse": [(0, 60)]})
    with pytest.raises(AnnotationError, match="at least two bouts"):
        learning.evaluate(video.features, only)


def test_untrained_weights_are_said_so() -> None:
    video = make_planted(1)
    made = replace(video.features, provenance={"weights": {"trained": False}})
    assert "untrained weights" in learning.evaluate(made, video.annotation).report()


def test_advice_follows_what_the_last_doubling_added() -> None:
    found = learning.evaluate(make_planted(1, n_bouts=80).features, make_planted(1, n_bouts=80).annotation)
    assert found.learning_curve[-1][0] > 1.5 * found.learning_curve[-2][0]
    assert "added 0.00: more labels of these videos will hardly help." in found.report()
    for gain, said in ((0.01, "hardly help"), (0.03, "help a little"), (0.2, "labels will help.")):
        curve = ((10, 0.4), (20, 0.5), (40, 0.5 + gain))
        advice = replace(found, learning_curve=curve).advice
        assert f"from 20 to 40 bouts, added {gain:.2f}" in advice
        assert said in advice
    assert "says little" in replace(found, bouts={"walk": 2}).advice
    assert replace(found, learning_curve=((2, 0.5), (2, 0.5))).advice == ""
    falling = replace(found, learning_curve=((20, 0.6), (40, 0.5))).advice
    assert "added 0.00" in falling


def test_scores_of_a_file_say_how_they_were_made() -> None:
    video = make_planted(1, n_bouts=24)
    settings = learning.ProbeSettings(components=5)
    found = learning.evaluate(video.features, video.annotation, settings, smoothing=learning.Smoothing(0.7), seed=3)
    values = json.loads(json.dumps(found.as_json()))
    assert values["provenance"]["settings"]["components"] == 5
    assert values["provenance"]["smoothing"]["enter"] == 0.7
    assert values["provenance"]["seed"] == 3
    assert values["confusion"]["behaviors"] == ["", *BEHAVIORS]
    assert [one["macro_f1"] for one in values["learning_curve"]] == [score for _, score in found.learning_curve]
