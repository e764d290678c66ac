"""Stores of float16: what is read back, how far it is rounded, and that whatever reads rows takes it.

The oracle is the float32 of which a store was made.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.features import planted, random_features
from napari_i3d import explore, learning
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout
from napari_i3d.errors import FeaturesError, SettingsError
from napari_i3d.explore.heat_map_data import HeatMapOptions, heat_map
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import export_features
from napari_i3d.features.io.reading import read_features
from napari_i3d.features.io.store import FACTS_NAME, StoreDtype, verify_store
from napari_i3d.features.io.store_writing import StoreRows
from napari_i3d.features.row_blocks import mapping_of
from napari_i3d.features.table import table_of_features

SPANS = {"male": (0, 299), 7: (40, 179)}
WIDTH = 128


def stored(folder: Path, features: Features) -> Features:
    (path,) = export_features(folder / "day1.npy", features, "store", store_dtype="float16")
    return read_features(path)


@pytest.fixture
def made() -> Features:
    """Rows like those of the network, which are 0 or small and positive; the states of two individuals."""
    features = random_features(SPANS, n_video_frames=300)
    states = {i: (np.arange(len(rows)) // 50) % 2 for i, rows in features.items()}
    rows = {i: np.maximum(planted(states[i], WIDTH, seed=n), 0) for n, i in enumerate(features)}
    return replace(features, rows=rows)


def test_half_the_size_holds_the_nearest_numbers(made: Features, tmp_path: Path) -> None:
    found = stored(tmp_path, made)
    for individual, rows in made.items():
        assert found[individual].dtype == np.float16
        np.testing.assert_array_equal(found[individual], rows.astype(np.float16))
        size = (tmp_path / "day1.features" / f"{list(made).index(individual)}_{individual}.npy").stat().st_size
        assert size == 128 + 2 * rows.size
        np.testing.assert_array_equal(found.frames[individual], made.frames[individual])
        np.testing.assert_allclose(found[individual], rows, rtol=2**-11, atol=2**-25)
    assert json.loads((tmp_path / "day1.features" / FACTS_NAME).read_bytes())["dtype"] == "float16"
    assert not verify_store(tmp_path / "day1.features")


def test_value_beyond_float16_is_refused_by_name(tmp_path: Path) -> None:
    features = random_features({"male": (0, 9)})
    rows = features["male"].copy()
    rows[7, 5] = 65519.0  # the largest that rounds to a float16
    fine = Features({"male": rows}, features.frames)
    assert stored(tmp_path, fine)["male"][7, 5] == 65504
    rows[7, 5] = 65520.0
    with pytest.raises(FeaturesError, match=r"male: row 7: expected values up to 65504.*found 65520"):
        export_features(tmp_path / "other.npy", fine, "store", store_dtype="float16")
    assert [path.name for path in tmp_path.iterdir()] == ["day1.features"]
    with pytest.raises(SettingsError, match="float32, float16, found 'int8'"):
        export_features(tmp_path / "other.npy", fine, "store", store_dtype="int8")


def test_rows_written_in_any_order_are_those_of_one_pass(tmp_path: Path, made: Features) -> None:
    stored(tmp_path, made)
    n_rows = {individual: len(rows) for individual, rows in made.items()}
    store = StoreRows(tmp_path / "other", n_rows, WIDTH, StoreDtype.FLOAT16)
    store.make()
    for first in (200, 0, 100):
        store.write("male", first, made["male"][first : first + 100])
    assert (tmp_path / "other" / "0_male.npy").read_bytes() == (tmp_path / "day1.features" / "0_male.npy").read_bytes()


@pytest.mark.parametrize("name", ["a.npy", "a.pickle", "a.npz"])
def test_other_layouts_of_float16_hold_float32(made: Features, tmp_path: Path, name: str) -> None:
    found = stored(tmp_path, made)
    export_features(tmp_path / name, found, "dict")
    again = read_features(tmp_path / name)
    for individual, rows in found.items():
        assert again[str(individual) if name == "a.npz" and individual not in again else individual].dtype == np.float32
        np.testing.assert_array_equal(again[individual], rows.astype(np.float32))


def test_explore_takes_float16_from_a_store(made: Features, tmp_path: Path) -> None:
    half, whole = table_of_features(stored(tmp_path, made)), table_of_features(made)
    for rows in (half.rows(290, 310), half.take([3, 301, 7]), next(explore.standardize(half).blocks())[1]):
        assert rows.dtype == np.float32
    np.testing.assert_allclose(half.rows(290, 310), whole.rows(290, 310), rtol=1e-3, atol=1e-7)
    np.testing.assert_array_equal(explore.clusters(half, 2).labels, explore.clusters(whole, 2).labels)
    hits, wanted = (explore.similar_moments(table, "male", 20, 30, count=3).hits for table in (half, whole))
    assert [(hit.individual, hit.first_frame) for hit in hits] == [(hit.individual, hit.first_frame) for hit in wanted]
    compared = explore.compare(stored(tmp_path, made), made)
    assert compared.row_correlation.min() > 0.9999


@pytest.mark.parametrize("content", ["features", "components"])
def test_heat_map_of_float16_is_that_of_float32(made: Features, tmp_path: Path, content: str) -> None:
    options = HeatMapOptions(content=content, count=8 if content == "features" else 1)  # other components are noise
    half, whole = heat_map(stored(tmp_path, made)["male"], options), heat_map(made["male"], options)
    assert half.values.dtype == np.float32
    np.testing.assert_allclose(half.values, whole.values, atol=0.02)


def test_probe_learns_from_float16(made: Features, tmp_path: Path) -> None:
    bouts = tuple(Bout("male", "rest", start, start + 50) for start in (0, 100, 200))
    annotation = Annotation(bouts=bouts, assessed={"male": ((0, 300),)}, n_frames=300)
    half = stored(tmp_path, made)
    probe = learning.train(half, annotation)
    predicted = {
        (b.start, b.stop) for b in probe.predict(half).bouts if b.individual == "male" and b.behavior == "rest"
    }
    assert predicted == {(start, start + 50) for start in (0, 100, 200)}


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_nan_in_a_store_is_found_when_it_is_read(tmp_path: Path, dtype: str) -> None:
    features = random_features({"male": (0, 9), "female": (0, 9)})
    rows = features["male"].copy()
    rows[6, 0] = np.nan
    bad = Features({"male": rows, "female": features["female"]}, features.frames, fps=25.0)
    export_features(tmp_path / "a.npy", bad, "store", store_dtype=dtype)
    found = read_features(tmp_path / "a.features")
    assert mapping_of(found["male"]) is not None
    table = table_of_features(found)
    assert len(table.rows(0, 6)) == 6
    for read in (lambda: table.rows(5, 8), lambda: table.take([12, 6]), lambda: explore.standardize(table)):
        with pytest.raises(FeaturesError, match=r"male: expected finite features.*first at frame 6"):
            read()
