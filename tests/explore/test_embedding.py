"""Standardization, principal components and maps, against independent computation."""

import numpy as np
import pytest

from helpers.features import features_of, planted
from napari_i3d import explore
from napari_i3d.errors import FeaturesError


def standardized(rows) -> np.ndarray:
    rows = rows.astype(np.float64)
    deviation = rows.std(axis=0)
    return np.where(deviation > 0, (rows - rows.mean(axis=0)) / np.where(deviation > 0, deviation, 1), 0)


def test_standardized_columns_have_mean_0_variance_1():
    rows = planted([0, 1, 2] * 1500) * 50 + 1000
    rows[:, 5] = 0.1
    table = explore.standardize(explore.table_of_arrays({"a": rows[:100], "b": rows[100:]}))
    values = table.rows(0, len(table))
    assert values.dtype == np.float32
    assert (values[:, 5] == 0).all()
    np.testing.assert_allclose(values.mean(axis=0, dtype=float), 0, atol=1e-5)
    np.testing.assert_allclose(np.delete(values, 5, axis=1).var(axis=0, dtype=float), 1, atol=1e-5)
    rows64 = rows.astype(np.float64)
    rows64[:, 5] = 1
    np.testing.assert_allclose(values, standardized(rows64), atol=1e-5)
    assert explore.standardize(table) is table


@pytest.mark.parametrize("n_rows", [1, 2, 5])
def test_one_row_and_constant_rows_become_0(n_rows):
    values = explore.standardize(np.full((n_rows, 2048), 0.1, np.float32)).rows(0, n_rows)
    assert (values == 0).all()


@pytest.mark.parametrize("n_rows", [40, 64, 5000])
def test_components_are_those_of_a_full_decomposition(n_rows):
    states = np.random.default_rng(3).integers(0, 5, n_rows)
    rows = planted(states) * np.linspace(1, 9, 64).astype(np.float32)
    found = explore.principal_components(explore.table_of_arrays({"a": rows[:13], "b": rows[13:]}), 4)
    left, sizes, right = np.linalg.svd(standardized(rows), full_matrices=False)
    np.testing.assert_allclose(found.explained, (sizes**2 / np.sum(sizes**2))[:4], rtol=1e-4)
    np.testing.assert_allclose(found.variance, sizes[:4] ** 2 / n_rows, rtol=1e-4)
    assert found.scores.shape == (n_rows, 4)
    for number in range(4):
        sign = np.sign(right[number, np.abs(right[number]).argmax()])
        np.testing.assert_allclose(found.directions[number], sign * right[number], atol=1e-3)
        np.testing.assert_allclose(
            found.scores[:, number], sign * left[:, number] * sizes[number], atol=2e-3 * sizes[0] / np.sqrt(n_rows)
        )
    again = explore.principal_components(rows, 4)
    np.testing.assert_array_equal(again.directions, found.directions)


def test_components_of_rows_without_variance_are_0():
    for n_rows in (1, 3, 100):
        found = explore.principal_components(np.ones((n_rows, 64), np.float32))
        assert (found.scores == 0).all()
        assert (found.explained == 0).all()


def test_maps_show_all_rows_and_follow_the_seed():
    rows = planted([0] * 60 + [1] * 60)
    table = explore.table_of_features(features_of({"a": rows[:70], "b": rows[70:]}))
    plain = explore.map_rows(table)
    assert plain.points.shape == (120, 2)
    assert plain.explained is not None
    assert plain.explained[0] > 0.5
    assert plain.points[:60, 0].mean() * plain.points[60:, 0].mean() < 0
    components = explore.principal_components(table)
    np.testing.assert_allclose(explore.map_rows(components).points, plain.points, atol=1e-4)
    first, second = (explore.map_rows(components, "umap", seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.points, second.points)
    assert first.explained is None
    middles = first.points[:60].mean(axis=0), first.points[60:].mean(axis=0)
    spread = np.linalg.norm(first.points[:60] - middles[0], axis=1).max()
    assert np.linalg.norm(middles[0] - middles[1]) > 2 * spread


def test_bad_questions_are_refused():
    rows = planted([0, 1, 2])
    assert explore.map_rows(rows[:1]).points.tolist() == [[0, 0]]
    with pytest.raises(FeaturesError, match="map 'tsne': expected one of pca, umap"):
        explore.map_rows(rows, "tsne")
    with pytest.raises(FeaturesError, match="UMAP needs at least 5 rows, found 3"):
        explore.map_rows(rows, "umap")
    with pytest.raises(FeaturesError, match="at least 1 principal component, found 0"):
        explore.principal_components(rows, 0)


def test_long_work_tells_how_far_it_is():
    steps = list(explore.map_rows.steps(planted([0, 1] * 3000)))
    assert {step.what for step in steps} == {"standardizing", "correlations", "scores"}
    assert all(0 <= step.done <= step.total for step in steps)
    assert steps[-1].done == steps[-1].total
