"""Planted clusters are found, and their runs counted as a plain loop counts them."""

import numpy as np
import pytest

from helpers.features import features_of, planted, runs
from napari_i3d import explore
from napari_i3d.errors import FeaturesError

STATES = runs((0, 60), (1, 40), (0, 20), (2, 90), (1, 10), (3, 30), (2, 50))


def adjusted_rand(one, other) -> float:
    from sklearn.metrics import adjusted_rand_score

    return adjusted_rand_score(one, other)


def test_planted_clusters_are_found_and_their_number_too():
    table = explore.table_of_features(features_of({"a": planted(STATES[:200]), "b": planted(STATES[200:], seed=1)}))
    found = explore.clusters(table)
    assert found.count == 4
    assert max(found.silhouettes, key=lambda n: found.silhouettes[n]) == 4
    assert adjusted_rand(STATES, found.labels) == 1
    sizes = np.bincount(found.labels)
    assert (np.diff(sizes) <= 0).all()
    np.testing.assert_array_equal(explore.clusters(table).labels, found.labels)
    given = explore.clusters(explore.principal_components(table), 4, seed=1)
    assert adjusted_rand(STATES, given.labels) == 1
    assert given.silhouettes == {}


def test_typical_moments_are_central_and_share_no_image():
    found = explore.clusters(planted(STATES), 4)
    label = found.labels[65]
    spans = found.typical(int(label), 3)
    assert len(spans) == 3
    frames = [int(span.first_frame) for span in spans]
    assert all(STATES[frame] == 1 for frame in frames)
    assert np.abs(np.subtract.outer(frames, frames))[np.triu_indices(3, 1)].min() >= 8
    distances = np.linalg.norm(found.table.rows(0, len(found.table)) - found.centers[label], axis=1)
    assert frames[0] == np.where(found.labels == label, distances, np.inf).argmin()
    with pytest.raises(FeaturesError, match="cluster 4: expected one of 0 to 3"):
        found.typical(4)


def test_label_runs_carry_frames_and_durations():
    rows = np.zeros((10, 4), np.float32)
    frames = np.array([3.5, 5.5, 7.5, 9.5, 21.5, 23.5, 25.5, 27.5, 29.5, 31.5])
    table = explore.table_of_arrays({"a": rows, "b": rows[:2]}, {"a": frames, "b": frames[:2]}, fps=4)
    labels = np.array([0, 0, 1, 1, 1, 1, 1, 0, 2, 2, 2, 2])
    found = explore.label_runs(table, labels)
    assert [(b.individual, b.label, b.first_frame, b.last_frame, b.frames, b.seconds) for b in found] == [
        ("a", 0, 3.5, 5.5, 4, 1), ("a", 1, 7.5, 9.5, 4, 1),
        ("a", 1, 21.5, 25.5, 6, 1.5),  # frames are missing in between: another run
        ("a", 0, 27.5, 27.5, 2, 0.5), ("a", 2, 29.5, 31.5, 4, 1), ("b", 2, 3.5, 5.5, 4, 1),
    ]  # fmt: skip
    statistics = {(s.individual, s.label): s for s in explore.label_run_statistics(found)}
    one = statistics["a", 1]
    assert (one.count, one.mean_frames, one.median_frames, one.mean_s, one.median_s, one.share) == (
        2, 5, 5, 1.25, 1.25, 0.5,
    )  # fmt: skip
    assert statistics["b", 2].share == 1
    counts = explore.transitions(table, labels)
    assert counts.shape == (2, 3, 3)
    assert {tuple(index) for index in np.argwhere(counts)} == {(0, 0, 1), (0, 1, 0), (0, 0, 2)}


def test_label_runs_equal_those_of_a_plain_loop():
    labels = np.random.default_rng(2).integers(0, 3, 500)
    table = explore.table_of_arrays({"a": np.zeros((500, 2), np.float32)})
    expected, begin = [], 0
    for row in range(1, 501):
        if row == 500 or labels[row] != labels[begin]:
            expected.append((begin, row - 1, labels[begin]))
            begin = row
    found = explore.label_runs(table, labels)
    assert [(b.first_frame, b.last_frame, b.label) for b in found] == expected
    assert explore.transitions(table, labels).sum() == len(expected) - 1
    assert found[0].seconds is None


def test_impossible_clusters_are_refused():
    with pytest.raises(FeaturesError, match="found 1 for 2 or more clusters"):
        explore.clusters(np.ones((20, 64), np.float32))
    with pytest.raises(FeaturesError, match="found 1 for 2 or more clusters"):
        explore.clusters(planted([0]))
    with pytest.raises(FeaturesError, match="found 3 for 4 clusters"):
        explore.clusters(planted([0, 1, 2]), 4)
    with pytest.raises(FeaturesError, match="at least 1 cluster, found 0"):
        explore.clusters(planted([0, 1]), 0)
    assert explore.clusters(np.ones((20, 64), np.float32), 1).labels.tolist() == [0] * 20
    assert explore.clusters(planted([0, 1])).count == 2
    with pytest.raises(FeaturesError, match="a label for each of 2 rows"):
        explore.label_runs(explore.table_of_arrays({"a": planted([0, 1])}), np.zeros(3, int))
    with pytest.raises(FeaturesError, match="labels of 0 to 1, found 0 to 2"):
        explore.transitions(explore.table_of_arrays({"a": planted([0, 1])}), np.array([0, 2]), 2)
