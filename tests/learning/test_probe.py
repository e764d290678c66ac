"""A probe finds planted behaviors, in the frames where they are."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.labelled import ETHOGRAM, make_planted, planted_of
from napari_i3d import Annotation, Behavior, Bout, Ethogram, Features, agreement, learning
from napari_i3d.errors import AnnotationError, FeaturesError, SettingsError


def test_planted_bouts_are_predicted_to_the_frame() -> None:
    known, new = make_planted(1, noise=0.1, first=12), make_planted(2, noise=0.1, first=301)
    predicted = learning.train(known.features, known.annotation).predict(new.features)
    assert [(b.behavior, b.start, b.stop) for b in predicted.bouts] == [
        (b.behavior, b.start, b.stop) for b in new.annotation.bouts
    ]
    assert all(bout.origin == "automated" and 0.5 < bout.confidence <= 1 for bout in predicted.bouts)
    assert predicted.assessed == new.annotation.assessed


@pytest.mark.parametrize("context", [0, 6])
def test_only_assessed_frames_are_learned_from(context: int) -> None:
    known, new = make_planted(1), make_planted(2)
    half = len(known.states) // 2
    # Beyond the half that was looked at, every frame is labelled wrongly by having no bouts at all.
    bouts = tuple(replace(b, stop=min(b.stop, half)) for b in known.annotation.bouts if b.start < half)
    partly = Annotation(ETHOGRAM, bouts, {"mouse": [(0, half)]}, n_frames=len(known.states))
    probe = learning.train(known.features, partly, learning.ProbeSettings(context_frames=context))
    assert agreement(new.annotation, probe.predict(new.features)).frame_f1 > 0.95


def test_context_finds_what_single_rows_cannot() -> None:
    # A flash 6 frames before says which of two behaviors a frame shows; its own row shows neither.
    random = np.random.default_rng(0)
    states = np.repeat(random.integers(1, 3, 200), 1)[:, None] * np.r_[[0] * 10, [1] * 3, [0] * 4]
    flat = states.ravel()
    rows = 0.1 * random.standard_normal((len(flat), 8))
    rows[:-6, 0] += (flat[6:] == 1) * 3
    rows[:-6, 1] += (flat[6:] == 2) * 3
    video = planted_of(rows.astype(np.float32), flat)
    smoothing = learning.Smoothing(shortest_frames=1)
    scores = [
        agreement(
            video.annotation,
            learning.train(video.features, video.annotation, settings).predict(video.features, smoothing),
        ).frame_f1
        for settings in (learning.ProbeSettings(), learning.ProbeSettings(context_frames=6))
    ]
    assert scores[0] < 0.6
    assert scores[1] > 0.95


def test_context_does_not_reach_across_gaps() -> None:
    known = make_planted(1)
    probe = learning.train(known.features, known.annotation, learning.ProbeSettings(context_frames=10))
    rows, frames = known.features["mouse"][:200], known.features.frames["mouse"][:200].copy()
    frames[100:] += 500
    apart = Features(rows={"mouse": rows}, frames={"mouse": frames})
    alone = Features(rows={"mouse": rows[100:]}, frames={"mouse": frames[100:]})
    (together,), (single,) = probe.probabilities(apart), probe.probabilities(alone)
    np.testing.assert_allclose(together.values[0][100:], single.values[0], atol=1e-5)


def test_behaviors_that_are_not_exclusive_overlap() -> None:
    random = np.random.default_rng(5)
    shown = np.repeat(random.integers(0, 2, (60, 2)), 25, axis=0)
    rows = (shown @ random.standard_normal((2, 16)) + 0.2 * random.standard_normal((len(shown), 16))).astype(np.float32)
    video = planted_of(rows, np.zeros(len(shown), int))
    ethogram = Ethogram((Behavior("left", exclusive=False), Behavior("right", exclusive=False)))
    bouts = []
    for index, name in enumerate(ethogram):
        edges = np.diff(np.r_[0, shown[:, index], 0])
        bouts += [
            Bout("mouse", name, s, e)
            for s, e in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
        ]
    truth = Annotation(ethogram, tuple(bouts), {"mouse": [(0, len(shown))]})
    predicted = learning.train(video.features, truth).predict(video.features)
    np.testing.assert_array_equal(predicted.to_table("mouse"), truth.to_table("mouse"))
    assert (truth.to_table("mouse").sum(axis=1) == 2).any()


def test_frames_with_two_exclusive_behaviors_teach_nothing() -> None:
    from napari_i3d.learning.probe.heads import UNUSED, targets_of

    shown = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [-1, -1, -1], [0, 0, -1], [0, 0, 1], [1, 0, -1]], np.int8)
    targets = targets_of(("", "walk", "groom", "rear"), ETHOGRAM, shown)
    assert targets.tolist() == [1, UNUSED, 0, UNUSED, UNUSED, 3, 1]


@pytest.mark.parametrize(("offset", "step"), [(3.5, 1), (0, 4), (3.5, 4)])
def test_bouts_of_sparse_rows_cover_frames_nearest_to_them(offset: float, step: int) -> None:
    video = make_planted(1, noise=0.1)
    probe = learning.train(video.features, video.annotation)
    frames = np.arange(offset, len(video.states) - offset, step)
    rows = video.features["mouse"][np.floor(frames).astype(int)]
    sparse = Features(
        rows={"mouse": rows}, frames={"mouse": frames}, provenance={"video": {"frames": len(video.states)}}
    )
    predicted = probe.predict(sparse, learning.Smoothing(shortest_frames=1))
    table = predicted.to_table("mouse")
    for frame in range(len(video.states)):
        own = [row for row in frames.tolist() if row - step / 2 <= frame < row + step / 2]
        if not own:
            assert (table[frame] == -1).all()
        else:
            state = video.states[int(own[0])]
            assert table[frame].tolist() == [int(state == n) for n in (1, 2, 3)], frame


def test_training_again_from_a_probe_gives_the_same() -> None:
    video = make_planted(1)
    fewer = Annotation(
        ETHOGRAM,
        tuple(b for b in video.annotation.bouts if b.stop <= 700),
        {"mouse": [(0, 700)]},
        n_frames=len(video.states),
    )
    first = learning.train(video.features, fewer)
    again = learning.train(video.features, video.annotation, start=first)
    assert again.space is first.space
    fresh = learning.train(video.features, video.annotation)
    assert agreement(fresh.predict(video.features), again.predict(video.features)).frame_f1 > 0.97


def test_provenance_changes_with_labels_and_features() -> None:
    video = make_planted(1)
    probe = learning.train(video.features, video.annotation)
    (entry,) = probe.provenance["training"]
    assert entry["rows_of_behaviors"]["walk"] == int((video.states == 1).sum())
    changed = replace(video.annotation, bouts=video.annotation.bouts[1:])
    (other,) = learning.train(video.features, changed).provenance["training"]
    assert other["labels_sha256"] != entry["labels_sha256"]
    assert other["rows_sha256"] == entry["rows_sha256"]
    rows = video.features["mouse"].copy()
    rows[5, 3] += 1
    (third,) = learning.train(replace(video.features, rows={"mouse": rows}), video.annotation).provenance["training"]
    assert third["rows_sha256"] != entry["rows_sha256"]


def test_features_of_other_weights_are_not_predicted() -> None:
    video = make_planted(1)
    made = replace(video.features, provenance={**video.features.provenance, "weights": {"sha256": "a"}})
    probe = learning.train(made, video.annotation)
    with pytest.raises(FeaturesError, match="weights_sha256 a, found b"):
        probe.predict(replace(made, provenance={"weights": {"sha256": "b"}}))
    with pytest.raises(FeaturesError, match="expected rows made with width 32, found 31"):
        probe.predict(replace(made, rows={"mouse": made["mouse"][:, 1:].copy()}))


def test_features_that_are_not_finite_name_their_frame() -> None:
    video = make_planted(1, first=40)
    probe = learning.train(video.features, video.annotation)
    rows = video.features["mouse"].copy()
    rows[7, 2] = np.nan
    with pytest.raises(FeaturesError, match="at frame 47"):
        probe.predict(replace(video.features, rows={"mouse": rows}))


def test_labels_of_one_class_cannot_be_learned() -> None:
    video = make_planted(1)
    only = Annotation(ETHOGRAM, (Bout("mouse", "walk", 10, 20),), {"mouse": [(10, 20)]})
    with pytest.raises(AnnotationError, match="with and without walk"):
        learning.train(video.features, only)
    nothing = Annotation(ETHOGRAM, (), {"mouse": [(10, 20)]})
    with pytest.raises(AnnotationError, match="found none"):
        learning.train(video.features, nothing)


def test_settings_out_of_range_are_refused() -> None:
    for wrong in ({"components": 0}, {"context_frames": -1}, {"strength": 0}):
        with pytest.raises(SettingsError):
            learning.ProbeSettings(**wrong)
    for wrong in ({"enter": 0.3, "stay": 0.4}, {"stay": 0}, {"enter": 1.5}, {"shortest_frames": 0}):
        with pytest.raises(SettingsError):
            learning.Smoothing(**wrong)


def test_smoothing_holds_closes_and_drops() -> None:
    from napari_i3d.learning.smoothing import smooth

    own = np.array(
        [0.1, 0.45, 0.6, 0.45, 0.1, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1, 0.9, 0.1, 0.1, 0.1, 0.45, 0.45, 0.45], np.float32
    )
    values = np.stack([1 - own, own], axis=1)
    assert smooth(values, learning.Smoothing(0.5, 0.4, 3)).tolist() == [0, *[1] * 6, *[0] * 11]
    assert smooth(values, learning.Smoothing(0.5, 0.4, 1)).tolist() == [0, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0, 1, *[0] * 6]
