"""The self-similarity matrix in tiles and as an image, against the whole matrix."""

import itertools

import numpy as np
import pytest

from helpers.features import planted
from napari_i3d import explore
from napari_i3d.errors import FeaturesError


def whole_matrix(rows) -> np.ndarray:
    z = (rows - rows.mean(axis=0, dtype=float)) / rows.std(axis=0, dtype=float)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    return z @ z.T


def test_tiles_make_up_the_upper_triangle():
    rows = planted(np.arange(130) // 20)
    expected = whole_matrix(rows)
    seen = np.zeros((130, 130), bool)
    for tile in explore.similarity_tiles(explore.table_of_arrays({"a": rows[:50], "b": rows[50:]}), 40):
        height, width = tile.values.shape
        place = slice(tile.first_row, tile.first_row + height), slice(tile.first_column, tile.first_column + width)
        np.testing.assert_allclose(tile.values, expected[place], atol=1e-5)
        seen[place] = True
    assert seen[np.triu_indices(130)].all()
    with pytest.raises(FeaturesError, match="at least 1 row, found 0"):
        next(explore.similarity_tiles(rows, 0))


def test_image_of_all_pixels_is_the_matrix():
    rows = planted(np.arange(60) // 20)
    image = explore.similarity_image(rows)
    np.testing.assert_allclose(image.values, whole_matrix(rows), atol=1e-5)
    assert image.edges.tolist() == list(range(61))


def test_pixels_are_means_within_one_stretch(monkeypatch):
    monkeypatch.setattr("napari_i3d.features.table.BLOCK_ROWS", 17)
    rows = planted(np.arange(100) // 20)
    frames = np.arange(70.0)
    frames[33:] += 50
    table = explore.table_of_arrays({"a": rows[:70], "b": rows[70:]}, {"a": frames, "b": frames[:30]})
    image = explore.similarity_image(table, 20)
    assert {0, 33, 70, 100} <= set(image.edges.tolist())
    assert abs(len(image.values) - 20) <= 2
    expected = whole_matrix(rows)
    for i, (top, bottom) in enumerate(itertools.pairwise(image.edges)):
        for j, (left, right) in enumerate(itertools.pairwise(image.edges)):
            assert image.values[i, j] == pytest.approx(expected[top:bottom, left:right].mean(), abs=1e-5)
    with pytest.raises(FeaturesError, match="at least 1 pixel"):
        explore.similarity_image(table, 0)


def test_one_row_and_constant_rows_are_like_nothing():
    assert explore.similarity_image(planted([0])).values.tolist() == [[0]]
    assert (explore.similarity_image(np.ones((5, 64), np.float32)).values == 0).all()


def test_hundred_thousand_rows_need_little_memory():
    import tracemalloc

    values = np.random.default_rng(0).standard_normal((100_000, 32)).astype(np.float32)
    table = explore.standardize(values)
    tracemalloc.start()
    image = explore.similarity_image(table, 500)
    found = explore.novelty(table)
    moments = explore.similar_moments(table, "", 50_000, 50_030, count=5)
    components = explore.principal_components(table, 5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert image.values.shape == (500, 500)
    assert len(found.curve) == len(components.scores) == 100_000
    assert len(moments.hits) == 5
    assert peak < 40e6  # the matrix would be 40 GB
