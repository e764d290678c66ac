"""Reading the published pickle."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_i3d.backbones.i3d.caffe2 import read_caffe2
from napari_i3d.errors import WeightsError

Blobs = dict[str, np.ndarray]
Write = Callable[[Path, Blobs], Path]


def test_stand_in_is_what_python_reads_too(published: Path, blobs: Blobs) -> None:
    content = pickle.loads(published.read_bytes(), encoding="latin1")["blobs"]
    assert set(content) == {*blobs, "lr", "model_iter", "conv1_w_momentum"}
    np.testing.assert_array_equal(content["res4_3_branch2b_w"], blobs["res4_3_branch2b_w"])


def test_all_blobs_are_read_and_optimizers_left_out(published: Path, blobs: Blobs) -> None:
    read = read_caffe2(published)
    assert read.keys() == blobs.keys()
    for name, array in read.items():
        assert type(array) is np.ndarray
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, blobs[name])


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ([1, 2], "under 'blobs'"),
        ({"weights": {}}, "under 'blobs'"),
        ({"blobs": [1]}, "under 'blobs'"),
        ({"blobs": {}}, "267 missing"),
        ({"blobs": {1: 2, None: None}}, "2 surplus"),
        ({"blobs": {("a",): None}}, "keys are tuples"),
    ],
)
def test_pickles_of_something_else_are_refused(tmp_path: Path, content: object, found: str) -> None:
    path = tmp_path / "w.pkl"
    path.write_bytes(pickle.dumps(content, 2))
    with pytest.raises(WeightsError, match=found) as caught:
        read_caffe2(path)
    assert "\n" not in str(caught.value)


def test_file_with_damaged_numbers_is_refused(tmp_path: Path, blobs: Blobs, write_pickle: Write) -> None:
    damaged = blobs["res3_2_branch2c_bn_riv"].copy()
    damaged[5] = -1
    path = write_pickle(tmp_path / "w.pkl", {**blobs, "res3_2_branch2c_bn_riv": damaged})
    with pytest.raises(WeightsError, match="negative running variances: res3_2_branch2c_bn_riv"):
        read_caffe2(path)


def test_half_precision_is_refused(tmp_path: Path, blobs: Blobs, write_pickle: Write) -> None:
    path = write_pickle(tmp_path / "w.pkl", {**blobs, "pred_b": blobs["pred_b"].astype(np.float16)})
    with pytest.raises(WeightsError, match=r"expected float32.*pred_b is float16"):
        read_caffe2(path)


def test_arrays_in_fortran_order_keep_their_values(tmp_path: Path, blobs: Blobs, write_pickle: Write) -> None:
    stored = blobs["pred_w"].T.copy().reshape(400, 2048)
    content = write_pickle(tmp_path / "w.pkl", {**blobs, "pred_w": stored}).read_bytes()
    start = content.index(b"pred_w")
    flag = content.index(b"\x89T", start)
    path = tmp_path / "fortran.pkl"
    path.write_bytes(content[:flag] + b"\x88" + content[flag + 1 :])
    np.testing.assert_array_equal(read_caffe2(path)["pred_w"], blobs["pred_w"])


@pytest.mark.parametrize("kept", [1, 2, 30, 1000, 5_000_000, -1])
def test_file_that_is_cut_off_is_refused(tmp_path: Path, published: Path, kept: int) -> None:
    path = tmp_path / "w.pkl"
    path.write_bytes(published.read_bytes()[:kept])
    with pytest.raises(WeightsError, match=r"w\.pkl: not a whole pickle") as caught:
        read_caffe2(path)
    assert "\n" not in str(caught.value)


def test_hostile_file_runs_nothing(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "ran"),)

    path = tmp_path / "w.pkl"
    path.write_bytes(pickle.dumps({"blobs": {"conv1_w": Hostile()}}, 2))
    with pytest.raises(WeightsError, match=r"asks for .*mkdir") as caught:
        read_caffe2(path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_missing_file_is_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        read_caffe2(tmp_path / "none.pkl")
