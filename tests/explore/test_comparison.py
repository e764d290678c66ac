"""Two features files: which rows are matched, and what is said of them."""

import numpy as np
import pytest

from helpers.features import features_of, planted
from napari_i3d import explore
from napari_i3d.errors import FeaturesError
from napari_i3d.extraction.planning.chunks import tracklet_chunks
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.features.features import Features


def varied(n_rows, seed=0) -> np.ndarray:
    return planted(np.arange(n_rows) // 7 % 20, seed=seed)


def test_rows_are_matched_by_individual_and_frame():
    rows = varied(100)
    one = features_of({"a": rows, "b": varied(9, 5)}, start=10)
    other = features_of({"a": rows[20:80:4]}, start=30, step=4)
    found = explore.compare(one, other, names=("fine", "coarse"))
    assert found.one.frames.tolist() == found.other.frames.tolist() == list(range(30, 90, 4))
    np.testing.assert_allclose(found.row_correlation, 1, atol=1e-6)
    np.testing.assert_allclose(found.column_correlation, 1, atol=1e-6)
    assert found.unmatched == (85, 0)
    assert len(found.table) == 30
    assert [sequence.video for sequence in found.table.sequences] == ["fine", "coarse"]
    report = found.report()
    assert "fine and coarse: 15 matched rows of 64 features" in report
    assert "a: 15 rows, frames 30 to 86" in report
    assert "85 of fine, 0 of coarse" in report
    assert "1.000 (1.000 to 1.000)" in report


def test_padded_and_unpadded_rows_match_by_chunk():
    def made(pad):
        windows = tracklet_chunks("a", 50, 40, ExtractionSettings(pad=pad))
        starts = windows.starts[windows.row_chunks]
        rows = varied(60)[starts - 50]
        return Features(rows={"a": rows}, frames={"a": windows.row_frames}, chunk_starts={"a": starts}), starts

    (padded, padded_starts), (plain, plain_starts) = made(True), made(False)
    found = explore.compare(padded, plain)
    assert len(found.one) == 33
    np.testing.assert_allclose(found.row_correlation, 1, atol=1e-6)
    mine = padded_starts[np.searchsorted(padded.frames["a"], found.one.frames)]
    yours = plain_starts[np.searchsorted(plain.frames["a"], found.other.frames)]
    np.testing.assert_array_equal(mine, yours)
    np.testing.assert_array_equal(found.other.frames - found.one.frames, 0.5)


def test_correlations_are_those_of_numpy():
    a, b = varied(80), varied(80, 1) * 3 + 1
    a[:, 7] = 2
    found = explore.compare(features_of({"x": a}), features_of({"y": b}), {"x": "y"})
    np.testing.assert_allclose(
        found.row_correlation, [np.corrcoef(p, q)[0, 1] for p, q in zip(a, b, strict=True)], atol=1e-5
    )
    for column in (0, 6, 63):
        assert found.column_correlation[column] == pytest.approx(
            np.corrcoef(a[:, column], b[:, column])[0, 1], abs=1e-5
        )
    assert np.isnan(found.column_correlation[7])
    z, w = ((v - v.mean(axis=0)) / np.where(v.std(axis=0) > 0, v.std(axis=0), 1) for v in (a, b))
    np.testing.assert_allclose(
        found.moment_correlation, [np.corrcoef(p, q)[0, 1] for p, q in zip(z, w, strict=True)], atol=1e-4
    )
    report = found.report()
    assert "of 64 columns 1 are constant" in report
    assert "(matched with y)" in report


def test_unrelated_rows_of_same_average_are_told_apart():
    average = 20 * np.random.default_rng(0).standard_normal(64)
    one, other = ((np.random.default_rng(s).standard_normal((200, 64)) + average).astype(np.float32) for s in (1, 2))
    found = explore.compare(features_of({"a": one}), features_of({"a": other}))
    assert np.median(found.row_correlation) > 0.9
    assert abs(np.median(found.moment_correlation)) < 0.05


def test_what_cannot_be_compared_is_refused():
    one = features_of({"a": varied(20)})
    with pytest.raises(FeaturesError, match=r"no individual is in both \(a; b\)"):
        explore.compare(one, features_of({"b": varied(20)}))
    with pytest.raises(FeaturesError, match="other: a has 32 features in each row, one: a has 64"):
        explore.compare(one, features_of({"a": varied(20)[:, :32]}))
    with pytest.raises(FeaturesError, match="stands for the same frame"):
        explore.compare(one, features_of({"a": varied(20)}, start=100))
    with pytest.raises(FeaturesError, match="expected two names"):
        explore.compare(one, one, names=("x", "x"))
    with pytest.raises(FeaturesError, match="frames of its rows are not known"):
        explore.compare(one, Features(rows={"a": varied(20)}))
