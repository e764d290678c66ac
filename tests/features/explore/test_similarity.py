"""The self-similarity matrix in tiles and as a picture, against the whole matrix."""

import itertools

import numpy as np
import pytest

from napari_i3d import explore
from napari_i3d.errors import FeaturesError

from .conftest import planted


def whole_matrix(rows) -> np.ndarray:
    z = (rows - rows.mean(axis=0, dtype=float)) / rows.std(axis=0, dtype=float)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    return z @ z.T


def test_tiles_make_up_the_upper_triangle():
    rows = planted(np.arange(130) // 20)
    expected = whole_matrix(rows)
    seen = np.zeros((130, 130), bool)
    for tile in explore.similarity_tiles(explore.stack_arrays({"a": rows[:50], "b": rows[50:]}), 40):
        height, width = tile.values.shape
        place = slice(tile.first_row, tile.first_row + height), slice(tile.first_column, tile.first_column + width)
        np.testing.assert_allclose(tile.values, expected[place], atol=1e-5)
        seen[place] = True
    assert seen[np.triu_indices(130)].all()
    with pytest.raises(FeaturesError, match="at least 1 row, found 0"):
        next(explore.similarity_tiles(rows, 0))


def test_a_picture_of_all_pixels_is_the_matrix():
    rows = planted(np.arange(60) // 20)
    picture = explore.similarity_picture(rows)
    np.testing.assert_allclose(picture.values, whole_matrix(rows), atol=1e-5)
    assert picture.edges.tolist() == list(range(61))


def test_pixels_are_means_and_never_mix_individuals_or_stretches(monkeypatch):
    monkeypatch.setattr("napari_i3d.features.table.BLOCK_ROWS", 17)
    rows = planted(np.arange(100) // 20)
    frames = np.arange(70.0)
    frames[33:] += 50
    stack = explore.stack_arrays({"a": rows[:70], "b": rows[70:]}, {"a": frames, "b": frames[:30]})
    picture = explore.similarity_picture(stack, 20)
    assert {0, 33, 70, 100} <= set(picture.edges.tolist())
    assert abs(len(picture.values) - 20) <= 2
    expected = whole_matrix(rows)
    for i, (top, bottom) in enumerate(itertools.pairwise(picture.edges)):
        for j, (left, right) in enumerate(itertools.pairwise(picture.edges)):
            assert picture.values[i, j] == pytest.approx(expected[top:bottom, left:right].mean(), abs=1e-5)
    with pytest.raises(FeaturesError, match="at least 1 pixel"):
        explore.similarity_picture(stack, 0)


def test_one_row_and_constant_rows_are_like_nothing():
    assert explore.similarity_picture(planted([0])).values.tolist() == [[0]]
    assert (explore.similarity_picture(np.ones((5, 64), np.float32)).values == 0).all()


def test_a_hundred_thousand_rows_need_little_memory():
    import tracemalloc

    values = np.random.default_rng(0).standard_normal((100_000, 32)).astype(np.float32)
    stack = explore.standardise(values)
    tracemalloc.start()
    picture = explore.similarity_picture(stack, 500)
    found = explore.novelty(stack)
    moments = explore.similar_moments(stack, "", 50_000, 50_030, count=5)
    components = explore.principal_components(stack, 5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert picture.values.shape == (500, 500)
    assert len(found.curve) == len(components.scores) == 100_000
    assert len(moments.hits) == 5
    assert peak < 40e6  # the matrix would be 40 GB
