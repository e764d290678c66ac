"""Planted changes are found at their frames, and novelty is what Foote's matrix gives."""

import numpy as np
import pytest

from helpers.features import features_of, planted, runs
from napari_i3d import explore
from napari_i3d.errors import FeaturesError
from napari_i3d.explore.foote_novelty import checkerboard

STATES = runs((0, 60), (1, 50), (2, 70), (0, 55), (3, 60))
CHANGES = [60, 110, 180, 235]


def test_novelty_is_checkerboard_on_self_similarity_matrix():
    rows = planted(STATES[:140])
    half = 9
    found = explore.novelty(rows, half)
    z = (rows - rows.mean(axis=0, dtype=float)) / rows.std(axis=0, dtype=float)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    matrix = z @ z.T
    kernel = np.zeros((2 * half, 2 * half))
    for m in range(-half, half):
        for n in range(-half, half):
            u, v = m + 0.5, n + 0.5
            kernel[m + half, n + half] = np.sign(u * v) * np.exp(-(u**2 + v**2) / (2 * (half / 2) ** 2))
    np.testing.assert_allclose(np.outer(checkerboard(half), checkerboard(half)), kernel)
    expected = np.full(140, np.nan)
    for i in range(half, 140 - half + 1):
        expected[i] = (kernel * matrix[i - half : i + half, i - half : i + half]).sum() / np.abs(kernel).sum()
    np.testing.assert_allclose(found.curve, expected, atol=1e-6)


def test_blocks_give_the_same_novelty_as_one(monkeypatch):
    rows = planted(STATES)
    whole = explore.novelty(rows, 12)
    monkeypatch.setattr("napari_i3d.explore.foote_novelty._BLOCK_ROWS", 5)
    np.testing.assert_allclose(explore.novelty(rows, 12).curve, whole.curve, atol=1e-6)


@pytest.mark.parametrize(("start", "step"), [(0, 1), (3.5, 1), (103.5, 4)])
def test_planted_changes_are_found_at_their_very_frames(start, step):
    features = features_of({"a": planted(STATES), "b": planted(STATES[:80])}, start=start, step=step)
    found = explore.novelty(features, 24 * step)
    assert [c.frame for c in found.changes if c.individual == "a"] == [start + step * row for row in CHANGES]
    assert [
        c.frame for c in found.changes if c.individual == "b"
    ] == [] or step  # 80 rows: 60 is within reach of the end
    assert all(change.strength > 0.1 for change in found.changes)
    kernel = explore.kernel_changes(features)
    assert [c.frame for c in kernel if c.individual == "a"] == [start + step * row for row in CHANGES]
    assert [c.frame for c in kernel if c.individual == "b"] == [start + step * 60]
    assert np.isnan(kernel[0].strength)


def test_gradual_changes_are_found_within_half_a_transition():
    means = planted([0, 1], noise=0).astype(np.float64)
    share = np.clip((np.arange(200) - 96) / 8, 0, 1)[:, None]
    rows = means[0] * (1 - share) + means[1] * share
    rows = (rows + 0.3 * np.random.default_rng(0).standard_normal(rows.shape)).astype(np.float32)
    (change,) = explore.novelty(rows, 24).changes
    assert abs(change.frame - 100) <= 4


def test_number_of_changes_can_be_asked_for():
    found = explore.kernel_changes(planted(STATES), 2)
    assert len(found) == 2
    assert {change.frame for change in found} <= set(map(float, CHANGES))
    assert explore.kernel_changes(planted([0] * 100)) == ()
    assert explore.kernel_changes(planted(STATES), penalty=1e6) == ()


def test_stretches_are_looked_at_by_themselves():
    frames = np.arange(len(STATES), dtype=float)
    frames[110:] += 1000
    found = explore.novelty(explore.table_of_arrays({"a": planted(STATES)}, {"a": frames}), 20)
    assert [change.frame for change in found.changes] == [60, 1180, 1235]
    assert np.isnan(found.curve[91:130]).all()


def test_short_and_constant_rows_have_no_changes():
    for rows in (planted([0]), planted([0] * 30), np.ones((200, 64), np.float32)):
        found = explore.novelty(rows)
        assert found.changes == ()
        assert explore.kernel_changes(rows) == ()
    assert np.isnan(explore.novelty(planted([0])).curve).all()


def test_bad_questions_are_refused(monkeypatch):
    rows = planted([0] * 40)
    with pytest.raises(FeaturesError, match="positive number of frames, found 0"):
        explore.novelty(rows, 0)
    with pytest.raises(FeaturesError, match="not both"):
        explore.kernel_changes(rows, 1, penalty=3)
    with pytest.raises(FeaturesError, match="whole image: at most 4 changes fit, found 9"):
        explore.kernel_changes(rows, 9)
    with pytest.raises(FeaturesError, match="expected a positive number of changes or penalty, found -1"):
        explore.kernel_changes(rows, penalty=-1)
    monkeypatch.setattr("napari_i3d.explore.change_points.KERNEL_MOST_ROWS", 39)
    with pytest.raises(FeaturesError, match="at most 39 rows, found 40; use the novelty"):
        explore.kernel_changes(rows)
