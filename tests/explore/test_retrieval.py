"""Planted repeats come first, at their exact frames, and a plain loop finds the same."""

import itertools

import numpy as np
import pytest

from helpers.features import features_of, planted
from napari_i3d import explore
from napari_i3d.errors import FeaturesError


def noise(n_rows, seed) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n_rows, 64)).astype(np.float32)


def with_repeats(places, motif, n_rows=300, seed=0) -> np.ndarray:
    rows = noise(n_rows, seed)
    for number, place in enumerate(places):
        rows[place : place + len(motif)] = motif + 0.1 * noise(len(motif), 50 + number + seed)
    return rows


def test_planted_repeats_come_first_at_their_frames():
    motif = noise(12, 100)
    one = features_of({"a": with_repeats([40, 200], motif), "b": with_repeats([77], motif, seed=1)}, start=3.5)
    two = features_of({"a": with_repeats([0, 288], motif, seed=2)}, start=500)
    found = explore.similar_moments({"one": one, "two": two}, "a", 43.5, 54.5, video="one", count=8)
    assert found.query == explore.Span("one", "a", 43.5, 54.5)
    planted_at = {("one", "a", 203.5), ("one", "b", 80.5), ("two", "a", 500.0), ("two", "a", 788.0)}
    assert {(hit.video, hit.individual, hit.first_frame) for hit in found.hits[:4]} == planted_at
    assert all(hit.last_frame - hit.first_frame == 11 for hit in found.hits)
    assert found.hits[3].similarity > 0.95
    assert found.hits[4].similarity < 0.5
    assert [hit.similarity for hit in found.hits] == sorted((h.similarity for h in found.hits), reverse=True)


def test_hits_overlap_neither_each_other_nor_the_query():
    rows = planted([0] * 50 + [1] * 50 + [0] * 50, noise=0.05)
    found = explore.similar_moments(rows, "", 10, 19, count=50)
    spans = sorted([(h.first_frame, h.last_frame) for h in found.hits] + [(10, 19)])
    assert len(spans) == 3
    assert all(later[0] - earlier[1] >= 50 for earlier, later in itertools.pairwise(spans))  # 2 s at 25 frames/s
    close = explore.similar_moments(rows, "", 10, count=500, apart_s=0)
    frames = [hit.first_frame for hit in close.hits]
    assert len(set(frames)) == len(frames) == 149
    assert 10 not in frames


def test_similarity_is_that_of_a_plain_loop():
    rows = {"a": noise(90, 1), "b": noise(30, 2)}
    found = explore.similar_moments(explore.table_of_arrays(rows), "a", 20, 24)
    whole = np.concatenate([rows["a"], rows["b"]]).astype(np.float64)
    whole = (whole - whole.mean(axis=0)) / whole.std(axis=0)
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    expected = np.full(120, np.nan)
    for begin, end in ((0, 90), (90, 120)):
        for row in range(begin, end - 4):
            expected[row] = np.mean([whole[20 + i] @ whole[row + i] for i in range(5)])
    np.testing.assert_allclose(found.similarity, expected, atol=1e-6)


def test_blocks_give_the_same_as_one(monkeypatch):
    table = explore.table_of_arrays({"a": noise(500, 1), "b": noise(230, 2)})
    whole = explore.similar_moments(table, "a", 100, 129)
    monkeypatch.setattr("napari_i3d.explore.retrieval.BLOCK_ROWS", 7)
    pieces = explore.similar_moments(table, "a", 100, 129)
    np.testing.assert_allclose(pieces.similarity, whole.similarity, atol=1e-6)
    assert [hit.first_frame for hit in pieces.hits] == [hit.first_frame for hit in whole.hits]


def test_spans_match_by_time_across_steps_and_rates():
    motif = noise(9, 100)
    fine = features_of({"a": with_repeats([40], motif)}, step=1, fps=25)
    coarse = noise(100, 3)
    coarse[20:23] = motif[::4]  # every fourth row, as frequency 4 gives
    slow = noise(100, 4)
    slow[30:33] = motif[::4]  # frequency 2 at 12.5 frames a second is the same time
    table = explore.table_of_features(
        {
            "fine": fine,
            "coarse": features_of({"a": coarse}, step=4, start=100, fps=25),
            "slow": features_of({"a": slow}, step=2, fps=12.5),
        }
    )
    hits = explore.similar_moments(table, "a", 40, 48, video="fine", count=2).hits
    assert {(hit.video, hit.first_frame, hit.last_frame) for hit in hits} == {("coarse", 180, 188), ("slow", 60, 64)}
    assert min(hit.similarity for hit in hits) > 0.95


def test_hits_never_reach_across_missing_frames():
    frames = np.arange(60.0)
    frames[30:] += 100
    table = explore.table_of_arrays({"a": noise(60, 1)}, {"a": frames})
    found = explore.similar_moments(table, "a", 3, 7, count=60, apart_s=1 / 25)
    assert all(hit.last_frame - hit.first_frame == 4 for hit in found.hits)
    assert np.isnan(found.similarity[26:30]).all()
    with pytest.raises(FeaturesError, match="a: frames are missing within 28 to 131"):
        explore.similar_moments(table, "a", 28, 131)


def test_span_longer_than_individual_has_no_hits_there():
    table = explore.table_of_arrays({"a": noise(60, 1), "b": noise(5, 2)})
    assert {hit.individual for hit in explore.similar_moments(table, "a", 0, 9, apart_s=0.3).hits} == {"a"}


def test_questions_without_answer_are_refused():
    with pytest.raises(FeaturesError, match="features at frame 0 are the mean of all rows"):
        explore.similar_moments(noise(1, 0), "", 0)
    with pytest.raises(FeaturesError, match="features at frame 3 are the mean of all rows"):
        explore.similar_moments(np.ones((9, 64), np.float32), "", 3)
    with pytest.raises(FeaturesError, match="at least 1 hit, found 0"):
        explore.similar_moments(noise(9, 0), "", 3, count=0)
    with pytest.raises(FeaturesError, match="at least 0 seconds between two moments, found -1"):
        explore.similar_moments(noise(9, 0), "", 3, apart_s=-1)
    with pytest.raises(FeaturesError, match="no row stands for frame 9"):
        explore.similar_moments(noise(9, 0), "", 9)


def test_on_principal_components_the_same_repeats_are_found():
    motif = noise(6, 100)
    components = explore.principal_components(with_repeats([30, 100, 250], motif), 64)
    hits = explore.similar_moments(components.table, "", 30, 35, count=2).hits
    assert {hit.first_frame for hit in hits} == {100, 250}


@pytest.mark.parametrize(
    ("fps", "apart_s", "gap"), [(50.0, 2.0, 100), (10.0, 2.0, 20), (None, 2.0, 50), (50.0, 0.5, 25)]
)
def test_gap_between_moments_is_in_seconds_of_video(fps, apart_s, gap):
    features = features_of({"a": planted([0] * 400, noise=0.05)}, fps=fps)
    found = explore.similar_moments(features, "a", 200, 204, count=100, apart_s=apart_s)
    spans = sorted([(h.first_frame, h.last_frame) for h in found.hits] + [(200, 204)])
    gaps = [later[0] - earlier[1] for earlier, later in itertools.pairwise(spans)]
    assert len(gaps) >= 2
    assert gap <= min(gaps) < 1.6 * gap


def test_others_only_leaves_out_individual_of_query():
    motif = noise(6, 100)
    one = features_of({"a": with_repeats([30, 200], motif), "b": with_repeats([100], motif, seed=1)})
    two = features_of({"a": with_repeats([50], motif, seed=2)})
    hits = explore.similar_moments({"one": one, "two": two}, "a", 30, 35, video="one", others_only=True).hits
    assert {(hit.video, hit.individual) for hit in hits} == {("one", "b"), ("two", "a")}
    assert {(hit.video, hit.first_frame) for hit in hits[:2]} == {("one", 100), ("two", 50)}


def test_pieces_of_an_individual_are_that_individual():
    rows = planted([0] * 120, noise=0.05)
    frames = np.arange(120.0)
    frames[60:] += 3
    table = explore.table_of_arrays(
        {"a_part1": rows[:60], "a_part2": rows[60:], "b": rows},
        {"a_part1": frames[:60], "a_part2": frames[60:], "b": frames},
    )
    hits = explore.similar_moments(table, "a_part1", 58, count=100).hits
    own = [hit.first_frame for hit in hits if hit.individual != "b"]
    assert own
    assert all(abs(frame - 58) >= 50 for frame in own)
    others = explore.similar_moments(table, "a_part1", 58, count=100, others_only=True).hits
    assert {hit.individual for hit in others} == {"b"}
