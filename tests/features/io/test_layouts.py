"""Exports, as the programs that they are for read them."""

from pathlib import Path

import numpy as np
import pytest

from helpers.features import assert_same_features, random_features
from napari_i3d.errors import FeaturesError, SettingsError
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import Layout, check_suffix, export_features, shift_note
from napari_i3d.features.io.reading import read_features


def test_dlc2action_has_text_ids_and_metadata(features: Features, tmp_path: Path) -> None:
    assert export_features(tmp_path / "clip.npy", features, "dlc2action") == [tmp_path / "clip.npy"]
    loaded = np.load(tmp_path / "clip.npy", allow_pickle=True).item()
    assert list(loaded) == ["male", "fe/male ü", "ind3", "min_frames", "max_frames"]
    for individual in ("male", "fe/male ü", "ind3"):
        first, last = loaded["min_frames"][individual], loaded["max_frames"][individual]
        assert loaded[individual].shape == (last - first + 1, 2048)


def test_dlc2action_calls_the_whole_image_ind0(tmp_path: Path) -> None:
    export_features(tmp_path / "clip.npy", random_features({"": (0, 9)}), "dlc2action")
    loaded = np.load(tmp_path / "clip.npy", allow_pickle=True).item()
    assert loaded["min_frames"] == {"ind0": 0}
    assert loaded["ind0"].shape == (10, 2048)


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["a+b"], "allows no '---' and no"),
        (["a---b"], "allows no"),
        ([3, "ind3"], "individuals 3 and 'ind3' would both be called 'ind3'"),
        (["ind0", ""], "individuals 'ind0' and '' would both be called 'ind0'"),
        (["min_frames"], "the name of a metadata entry"),
    ],
)
def test_dlc2action_refuses_ids_that_it_cannot_read(ids: list[str | int], words: str, tmp_path: Path) -> None:
    with pytest.raises(FeaturesError, match=words):
        export_features(tmp_path / "clip.npy", random_features(dict.fromkeys(ids, (0, 9))), "dlc2action")
    assert not list(tmp_path.iterdir())


def test_number_and_digits_stay_two_dlc2action_individuals(tmp_path: Path) -> None:
    export_features(tmp_path / "clip.npy", random_features({3: (0, 9), "3": (4, 15)}), "dlc2action")
    assert np.load(tmp_path / "clip.npy", allow_pickle=True).item()["min_frames"] == {"ind3": 0, "3": 4}


@pytest.mark.parametrize("layout", ["dlc2action", "dlc2action-pose"])
@pytest.mark.parametrize("name", ["clip.npy", "clip.pickle"])
def test_dlc2action_export_reads_back_the_same(tmp_path: Path, name: str, layout: str) -> None:
    features = random_features({"": (0, 9), 3: (100, 108), "3": (4, 15)}, n_video_frames=120)
    export_features(tmp_path / name, features, layout)
    assert_same_features(features, read_features(tmp_path / name))


def test_dlc2action_pose_export_has_every_video_frame(tmp_path: Path) -> None:
    features = random_features({"male": (0, 19), 3: (100, 108)}, n_video_frames=120)
    export_features(tmp_path / "clip.npy", features, "dlc2action-pose")
    loaded = np.load(tmp_path / "clip.npy", allow_pickle=True).item()
    assert list(loaded) == ["male", "ind3"]  # and no metadata, which it would take for individuals
    assert {rows.shape for rows in loaded.values()} == {(120, 2048)}
    np.testing.assert_array_equal(loaded["ind3"][100:109], features[3])
    assert not loaded["ind3"][:100].any()
    assert not loaded["ind3"][109:].any()
    assert not loaded["male"][20:].any()
    (tmp_path / "clip.npy.json").unlink()
    assert list(read_features(tmp_path / "clip.npy")) == ["male", "ind3"]


def test_dlc2action_beside_poses_needs_length_of_video(features: Features, tmp_path: Path) -> None:
    with pytest.raises(FeaturesError, match="each frame of the video, whose number is not known"):
        export_features(tmp_path / "clip.npy", features, "dlc2action-pose")
    assert not list(tmp_path.iterdir())


def test_dlc2action_refuses_rows_that_are_not_frames(tmp_path: Path) -> None:
    unpadded = Features(
        rows={"a": np.zeros((3, 2048), np.float32)},
        frames={"a": np.array([3.5, 4.5, 5.5])},
        first_frame={"a": 0},
        last_frame={"a": 9},
    )
    with pytest.raises(FeaturesError, match="extract with pad=True and frequency=1"):
        export_features(tmp_path / "clip.npy", unpadded, "dlc2action")


def test_names_that_differ_in_dot_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FeaturesError, match=r"'a.b' and 'a_b' would share the file clip_v2_a_b.npy"):
        export_features(tmp_path / "clip.v2.npy", random_features({"a.b": (0, 9), "a_b": (0, 9)}), "ms-tcn")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("first_frames", "choices", "words"),
    [
        ({"a": 0, "b": 40}, {}, "b starts at frame 40: a program that takes row 0 for frame 0"),
        ({"a": 7, "b": 40}, {}, "a and 1 more start late, the earliest at frame 7"),
        ({"a": 7}, {"frequency": 4}, "a row for each 4 frames"),
        ({"a": 0}, {}, ""),
        ({"a": 7}, {"metadata": True}, ""),
        ({"a": 7}, {"pad": False}, ""),
        ({"a": 7}, {"layout": Layout.DLC2ACTION}, ""),
        ({"a": 7}, {"layout": Layout.MS_TCN}, ""),
    ],
)
def test_rows_that_a_program_would_shift_are_told(first_frames: dict, choices: dict, words: str) -> None:
    choices = {"layout": Layout.DICT, "pad": True, "frequency": 1, "metadata": False} | choices
    note = shift_note(first_frames, **choices)
    assert words in str(note)
    assert bool(words) == (note is not None)


@pytest.mark.parametrize(("layout", "transposed"), [("ms-tcn", True), ("actionformer", False)])
def test_programs_with_file_sequence_get_bare_arrays(
    features: Features, tmp_path: Path, layout: str, transposed: bool
) -> None:
    paths = export_features(tmp_path / "my.clip.npy", features, layout)
    assert [path.name for path in paths] == ["my_clip_male.npy", "my_clip_fe_male ü.npy", "my_clip_3.npy"]
    for path, individual in zip(paths, features, strict=True):
        array = np.load(path)
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        np.testing.assert_array_equal(array.T if transposed else array, features[individual])
        assert path.with_name(path.name + ".json").exists()


def test_whole_image_keeps_the_name_of_the_video(tmp_path: Path) -> None:
    assert export_features(tmp_path / "clip", random_features({"": (0, 9)}), "ms-tcn") == [tmp_path / "clip.npy"]


def test_ids_sharing_a_file_are_refused_before_writing(tmp_path: Path) -> None:
    with pytest.raises(FeaturesError, match="'a/b' and 'A:b' would share the file"):
        export_features(tmp_path / "clip.npy", random_features({"a/b": (0, 9), "A:b": (0, 9)}), "ms-tcn")
    assert not list(tmp_path.iterdir())


def test_unknown_layout_lists_those_there_are(features: Features, tmp_path: Path) -> None:
    with pytest.raises(
        FeaturesError, match="dict, store, dlc2action, dlc2action-pose, ms-tcn, actionformer, found 'tcn'"
    ):
        export_features(tmp_path / "clip.npy", features, "tcn")


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
