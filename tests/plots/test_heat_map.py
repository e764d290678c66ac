"""Figures of features: what is drawn where, and what a heat map shows as numbers."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from napari_i3d.errors import OutputError
from napari_i3d.explore.heat_map_data import (
    KEPT_VALUES,
    READ_ROWS,
    STATISTICS_ROWS,
    Content,
    HeatMapOptions,
    Order,
    Scale,
    heat_map,
)
from napari_i3d.features.features import Features
from napari_i3d.plots import make_figure, plot_heat_map, row_axis, save_figure, save_heat_map


@pytest.fixture
def rows() -> np.ndarray:
    random = np.random.default_rng(1)
    time = np.linspace(0, 6, 120)[:, None]
    rows = random.random((120, 40)) * 0.1
    rows[:, 5:9] += np.sin(time) * [4, 3, -3, -4]
    rows[:, 20] = 7.0
    return rows.astype(np.float32)


def features_of(rows, start=0.0, step=1.0, **others) -> Features:
    frames = {"a": start + step * np.arange(len(rows), dtype=np.float64)}
    return Features(rows={"a": rows}, frames=frames, **others)


def test_most_variable_features_first_constant_ones_never(rows):
    shown = heat_map(rows, HeatMapOptions(order=Order.VARIABILITY, count=4))
    assert set(shown.lines.tolist()) == {5, 6, 7, 8}
    variances = rows[:, shown.lines].var(axis=0)
    assert (np.diff(variances) <= 0).all()
    assert 20 not in heat_map(rows).lines
    assert len(heat_map(rows).lines) == 39


def test_features_that_rise_together_lie_together(rows):
    lines = heat_map(rows, HeatMapOptions(order=Order.SIMILARITY, count=4)).lines.tolist()
    assert {frozenset(lines[:2]), frozenset(lines[2:])} == {frozenset((5, 6)), frozenset((7, 8))}


def test_order_of_the_file_is_kept(rows):
    assert heat_map(rows, HeatMapOptions(order=Order.FILE, count=4)).lines.tolist() == [5, 6, 7, 8]


def test_standardized_lines_have_mean_0_and_deviation_1(rows):
    values = heat_map(rows).values
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-5)


def test_raw_values_are_those_of_the_features(rows):
    before = rows.copy()
    shown = heat_map(rows, HeatMapOptions(scale=Scale.RAW, order=Order.FILE, count=4))
    np.testing.assert_array_equal(shown.values, rows[:, 5:9])
    heat_map(rows)
    np.testing.assert_array_equal(rows, before)


def test_principal_components_are_those_of_a_full_decomposition(rows):
    shown = heat_map(rows, HeatMapOptions(content=Content.COMPONENTS, scale=Scale.RAW, count=3))
    centered = rows - rows.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centered.astype(np.float64), full_matrices=False)
    expected = left[:, :3] * sizes[:3]
    for column in range(3):
        agreement = np.corrcoef(shown.values[:, column], expected[:, column])[0, 1]
        assert abs(agreement) > 0.999
    np.testing.assert_allclose(np.abs(shown.values[:, 0]).max(), np.abs(expected[:, 0]).max(), rtol=1e-3)


@pytest.mark.parametrize("n_rows", [1, 2, 8])
@pytest.mark.parametrize("content", list(Content))
@pytest.mark.parametrize("scale", list(Scale))
def test_few_rows_and_constant_features_are_no_error(n_rows, content, scale):
    rows = np.ones((n_rows, 2048), np.float32)
    shown = heat_map(rows, HeatMapOptions(content=content, scale=scale))
    assert len(shown) == n_rows
    assert np.isfinite(shown.values).all()
    figure = Figure()
    plot_heat_map(features_of(rows), "a", figure.subplots(), options=shown.options)
    figure.canvas.draw()


def test_image_averages_rows_into_columns(rows):
    shown = heat_map(rows, HeatMapOptions(order=Order.FILE, scale=Scale.RAW, count=4))
    whole = shown.image(0, 120, 12).values
    assert whole.shape == (4, 12)
    np.testing.assert_allclose(whole, rows[:, 5:9].reshape(12, 10, 4).mean(axis=1).T, rtol=1e-5)
    np.testing.assert_array_equal(shown.image(3, 9, 100).values, rows[3:9, 5:9].T)
    assert shown.image(50, 50, 10).values.shape[1] == 0


def test_long_features_take_statistics_from_a_part(rows):
    many = np.tile(rows, (100, 1))
    assert len(many) > 2 * STATISTICS_ROWS
    shown = heat_map(many, HeatMapOptions(order=Order.FILE, count=4))
    assert shown.lines.tolist() == [5, 6, 7, 8]
    np.testing.assert_allclose(shown.values.std(axis=0), 1, atol=0.05)


def test_long_features_are_kept_as_means_and_read_again(rows):
    n_rows = 2 * KEPT_VALUES + 4000  # 3 rows to a mean
    many = np.tile(rows, (n_rows // len(rows) + 1, 1))[:n_rows]
    many[:, 5] += np.linspace(0, 9, n_rows)
    expected = many[:, 5:9].astype(np.float64)
    shown = heat_map(many, HeatMapOptions(order=Order.FILE, scale=Scale.RAW, count=4))
    assert (len(shown), shown.step) == (n_rows, 3)
    assert len(shown.values) <= KEPT_VALUES
    np.testing.assert_allclose(shown.values, expected.reshape(-1, 3, 4).mean(axis=1), rtol=1e-4, atol=1e-5)
    short = shown.image(70_001, 70_001 + READ_ROWS, 10**6)
    assert (short.first, short.stop) == (70_001, 70_001 + READ_ROWS)
    np.testing.assert_array_equal(short.values, many[70_001 : 70_001 + READ_ROWS, 5:9].T)
    longer = shown.image(70_001, 70_001 + 9000, 10**6)
    assert (longer.first, longer.stop) == (69_999, 79_002)
    np.testing.assert_allclose(longer.values.mean(axis=1), expected[69_999:79_002].mean(axis=0), rtol=1e-4, atol=1e-4)
    scaled = heat_map(many, HeatMapOptions(content=Content.COMPONENTS, count=2))
    again = scaled.image(9000, 9300, 100).values
    np.testing.assert_allclose(again, scaled.values[3000:3100].T, atol=1e-4)


def test_last_mean_counts_as_many_rows_as_it_has(rows):
    n_rows = 2 * KEPT_VALUES + 2
    many = np.zeros((n_rows, 2), np.float32)
    many[:, 0] = np.arange(n_rows) % 7
    many[-1, 0] = 5000
    shown = heat_map(many, HeatMapOptions(scale=Scale.RAW))
    image = shown.image(0, n_rows, 10)
    assert (image.first, image.stop, shown.step) == (0, n_rows + 2, 3)  # the last mean is of one row
    place = 3 * (len(shown.values) * 9 // 10)
    np.testing.assert_allclose(image.values[0, -1], many[place:, 0].mean(dtype=np.float64), rtol=1e-5)


def test_rows_lie_at_their_frames(rows):
    axis = row_axis(features_of(rows, start=103.5, step=4), "a")
    assert axis.known
    assert axis.limits == (101.5, 581.5)
    assert axis.row_range(101.5, 581.5) == (0, 120)
    assert axis.row_range(103.5, 107.6) == (0, 2)
    uneven = np.arange(120.0)
    uneven[60:] += 100
    assert not row_axis(Features(rows={"a": rows}, frames={"a": uneven}), "a").known


def test_axes_tell_frames_time_and_untrained_weights(rows):
    figure = Figure()
    features = features_of(rows, fps=25.0, provenance={"weights": {"trained": False}})
    ax = plot_heat_map(features, "a", figure.subplots(), max_features=10)
    assert ax.get_xlabel() == "video frame"
    assert "untrained weights" in ax.get_title(loc="left")
    assert ax.get_xlim() == (-0.5, 119.5)
    ax = plot_heat_map(Features(rows={"a": rows}), "a", Figure().subplots())
    assert "row" in ax.get_xlabel()


def test_figures_are_saved_whole_or_not_at_all(rows, tmp_path):
    features = features_of(rows)
    shown = heat_map(rows)
    for ending, start in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        save_heat_map(features, "a", shown, tmp_path / f"one{ending}", limits=(10, 20))
        assert (tmp_path / f"one{ending}").read_bytes().startswith(start)
    with pytest.raises(OutputError, match=r"saved as \.png, \.svg or \.pdf, not as \.txt"):
        save_heat_map(features, "a", shown, tmp_path / "one.txt")
    save_figure(make_figure(features), tmp_path / "all.png")
    assert len(list(tmp_path.iterdir())) == 4


def test_most_variable_gives_standardized_columns(rows):
    values = heat_map(rows, HeatMapOptions(count=4)).values
    assert values.shape == (120, 4)
    np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-5)
