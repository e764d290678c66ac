"""Windows to label are uncertain, unlike each other, not yet looked at, and partly random."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.labelled import ETHOGRAM, make_planted, planted_of
from napari_i3d import Annotation, learning
from napari_i3d.errors import SettingsError
from napari_i3d.learning.probabilities import RowProbabilities
from napari_i3d.learning.queue import rank_windows


def probabilities(planted, values: np.ndarray) -> RowProbabilities:
    """Return given probabilities of the rows of a video."""
    probe = learning.train(planted.features, planted.annotation)
    (one,) = probe.probabilities(planted.features)
    return replace(one, values=(values.astype(np.float32),))


def test_uncertain_rows_come_first() -> None:
    video = make_planted(1, first=30)
    sure = np.tile([0.97, 0.01, 0.01, 0.01], (len(video.states), 1))
    sure[400:450] = [0.5, 0.5, 0, 0]
    sure[800:850] = [0, 0, 0.5, 0.5]
    for by in ("confidence", "entropy"):
        found = rank_windows({"day1": [probabilities(video, sure)]}, count=2, length_frames=50, random_share=0, by=by)
        assert sorted((w.video, w.individual, w.start, w.stop) for w in found) == [
            ("day1", "mouse", 430, 480),
            ("day1", "mouse", 830, 880),
        ]
        assert not any(w.random for w in found)


def test_windows_are_unlike_each_other() -> None:
    video = make_planted(1)
    values = np.tile([0.97, 0.01, 0.01, 0.01], (len(video.states), 1))
    values[0:500] = [0.45, 0.55, 0, 0]
    values[900:950] = [0, 0, 0.42, 0.58]
    found = rank_windows({"": [probabilities(video, values)]}, count=2, length_frames=50, random_share=0)
    assert {window.start // 500 for window in found} == {0, 1}


def test_frames_that_were_looked_at_are_left_out() -> None:
    video = make_planted(1)
    probe = learning.train(video.features, video.annotation)
    partly = Annotation(ETHOGRAM, (), {"mouse": [(0, 500), (700, 900)]}, n_frames=len(video.states))
    found = learning.next_windows(probe, video.features, partly, count=1000)
    covered = {frame for window in found for frame in range(window.start, window.stop)}
    assert covered == set(range(len(video.states))) - set(range(500)) - set(range(700, 900))
    assert learning.next_windows(probe, video.features, video.annotation) == ()


def test_stated_share_is_random() -> None:
    video = make_planted(1, n_bouts=200)
    probe = learning.train(video.features, video.annotation)
    found = learning.next_windows(probe, video.features, count=20, random_share=0.25)
    assert len(found) == len(set(found)) == 20
    assert sum(window.random for window in found) == 5
    assert [w.random for w in found[:10]].count(True) in (2, 3)
    other = learning.next_windows(probe, video.features, count=20, random_share=0.25, seed=1)
    assert {w.start for w in found if w.random} != {w.start for w in other if w.random}


def test_random_windows_are_drawn_from_all_alike() -> None:
    video = make_planted(1, n_bouts=60)
    rows = probabilities(video, np.tile([0.25] * 4, (len(video.states), 1)))
    rows.values[0][: len(video.states) // 2] = [1, 0, 0, 0]
    early = [
        window.start < len(video.states) // 2
        for seed in range(40)
        for window in rank_windows({"": [rows]}, count=5, random_share=1, seed=seed)
    ]
    assert 0.35 < np.mean(early) < 0.65


def test_wrong_numbers_are_refused() -> None:
    for wrong in ({"count": 0}, {"length_frames": 0}, {"random_share": 1.5}, {"by": "guess"}):
        with pytest.raises(SettingsError):
            rank_windows({}, **wrong)


def test_planted_label_errors_are_found_and_no_others() -> None:
    video = make_planted(1, n_bouts=60, first=25)
    bouts = list(video.annotation.bouts)
    wrong = {4: "groom", 11: "rear", 20: "walk"}
    truth = {}
    for place, name in wrong.items():
        other = name if bouts[place].behavior != name else "groom" if name != "groom" else "rear"
        truth[bouts[place].start] = bouts[place].behavior
        bouts[place] = replace(bouts[place], behavior=other)
    # Neighbors of the same behavior would overlap otherwise; they only touch.
    mistaken = replace(video.annotation, bouts=tuple(bouts))
    found = learning.label_errors(video.features, mistaken)
    assert {error.bout.start: error.suggested for error in found} == truth
    assert all(error.probability < error.suggested_probability for error in found)
    assert learning.label_errors(video.features, video.annotation) == ()


def test_bout_of_nothing_is_a_label_error() -> None:
    video = make_planted(2)
    quiet = np.flatnonzero(np.diff(np.r_[1, video.states == 0, 1].astype(int)) == 1)[2]
    stop = quiet + int(np.argmax(video.states[quiet:] != 0))
    states = video.states.copy()
    states[quiet:stop] = 2
    mistaken = planted_of(video.features["mouse"], states)
    errors = learning.label_errors(video.features, mistaken.annotation)
    assert any(error.bout.start <= quiet < error.bout.stop and error.suggested == "" for error in errors)


def test_only_bout_of_a_behavior_is_no_label_error() -> None:
    video = make_planted(2)
    lasting = [bout for bout in video.annotation.bouts if bout.behavior != "rear"]
    only = next(bout for bout in video.annotation.bouts if bout.behavior == "rear")
    rare = replace(video.annotation, bouts=tuple(sorted([*lasting, only], key=lambda bout: bout.start)))
    assert only not in [error.bout for error in learning.label_errors(video.features, rare)]
    wrong = replace(lasting[3], behavior="groom" if lasting[3].behavior == "walk" else "walk")
    mistaken = replace(rare, bouts=tuple(wrong if bout == lasting[3] else bout for bout in rare.bouts))
    assert wrong in [error.bout for error in learning.label_errors(video.features, mistaken)]
