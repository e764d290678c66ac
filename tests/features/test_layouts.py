"""Exports, as the programs that they are for read them."""

from pathlib import Path

import numpy as np
import pytest

from napari_i3d.errors import FeaturesError, SettingsError
from napari_i3d.features.layouts import Layout, check_suffix
from napari_i3d.features.model import Features

from .conftest import make_features


def test_dlc2action_has_text_ids_and_metadata(features: Features, tmp_path: Path) -> None:
    assert features.export(tmp_path / "clip.npy", "dlc2action") == [tmp_path / "clip.npy"]
    loaded = np.load(tmp_path / "clip.npy", allow_pickle=True).item()
    assert list(loaded) == ["male", "fe/male ü", "3", "min_frames", "max_frames"]
    for individual in ("male", "fe/male ü", "3"):
        first, last = loaded["min_frames"][individual], loaded["max_frames"][individual]
        assert loaded[individual].shape == (last - first + 1, 2048)


def test_dlc2action_calls_the_whole_picture_ind0(tmp_path: Path) -> None:
    make_features({"": (0, 9)}).export(tmp_path / "clip.npy", "dlc2action")
    loaded = np.load(tmp_path / "clip.npy", allow_pickle=True).item()
    assert loaded["min_frames"] == {"ind0": 0}
    assert loaded["ind0"].shape == (10, 2048)


@pytest.mark.parametrize(
    ("ids", "words"), [(["a+b"], "allows no '---' and no"), (["a---b"], "allows no"), ([3, "3"], "both be called '3'")]
)
def test_dlc2action_refuses_ids_that_it_cannot_read(ids: list[str | int], words: str, tmp_path: Path) -> None:
    with pytest.raises(FeaturesError, match=words):
        make_features(dict.fromkeys(ids, (0, 9))).export(tmp_path / "clip.npy", "dlc2action")
    assert not list(tmp_path.iterdir())


def test_dlc2action_refuses_rows_that_are_not_frames(tmp_path: Path) -> None:
    unpadded = Features(
        rows={"a": np.zeros((3, 2048), np.float32)},
        frames={"a": np.array([3.5, 4.5, 5.5])},
        first_frame={"a": 0},
        last_frame={"a": 9},
    )
    with pytest.raises(FeaturesError, match="extract with --pad and --frequency 1"):
        unpadded.export(tmp_path / "clip.npy", "dlc2action")


@pytest.mark.parametrize(("layout", "transposed"), [("ms-tcn", True), ("actionformer", False)])
def test_programs_with_a_file_a_sequence_get_bare_arrays(
    features: Features, tmp_path: Path, layout: str, transposed: bool
) -> None:
    paths = features.export(tmp_path / "my.clip.npy", layout)
    assert [path.name for path in paths] == ["my.clip_male.npy", "my.clip_fe_male ü.npy", "my.clip_3.npy"]
    for path, individual in zip(paths, features, strict=True):
        array = np.load(path)
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        np.testing.assert_array_equal(array.T if transposed else array, features[individual])
        assert path.with_name(path.name + ".json").exists()


def test_whole_picture_keeps_the_name_of_the_video(tmp_path: Path) -> None:
    assert make_features({"": (0, 9)}).export(tmp_path / "clip", "ms-tcn") == [tmp_path / "clip.npy"]


def test_ids_that_share_a_file_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(FeaturesError, match="'a/b' and 'A:b' would share the file"):
        make_features({"a/b": (0, 9), "A:b": (0, 9)}).export(tmp_path / "clip.npy", "ms-tcn")
    assert not list(tmp_path.iterdir())


def test_unknown_layout_lists_those_there_are(features: Features, tmp_path: Path) -> None:
    with pytest.raises(FeaturesError, match="dict, dlc2action, ms-tcn, actionformer, found 'tcn'"):
        features.export(tmp_path / "clip.npy", "tcn")


@pytest.mark.parametrize(
    ("suffix", "layout"),
    [("", "dict"), (".txt", "dict"), ("/x.npy", "dict"), (".npz", "ms-tcn"), (".npz", "dlc2action")],
)
def test_suffix_that_names_no_format_is_refused(suffix: str, layout: str) -> None:
    with pytest.raises(SettingsError, match="i3d_suffix"):
        check_suffix(suffix, Layout(layout))


@pytest.mark.parametrize(("suffix", "layout"), [(".npy", "dict"), ("_i3d.npz", "dict"), (".pickle", "dlc2action")])
def test_suffix_of_a_format_is_accepted(suffix: str, layout: str) -> None:
    check_suffix(suffix, Layout(layout))
