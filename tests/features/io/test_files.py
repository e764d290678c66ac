"""Features files: what numpy and other programs read from them, and what we read back."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.features import assert_same_features, random_features
from napari_i3d.errors import FeaturesError, OutputError
from napari_i3d.features.features import Features
from napari_i3d.features.io.reading import read_features
from napari_i3d.features.io.sidecar import json_path
from napari_i3d.features.io.writing import write_features


@pytest.mark.parametrize("metadata", [False, True])
@pytest.mark.parametrize("name", ["clip.npy", "clip_i3d.npz", "clip.a.pickle", "clip.pkl"])
def test_saved_features_are_read_back_whole(features: Features, tmp_path: Path, name: str, metadata: bool) -> None:
    write_features(tmp_path / name, features, metadata=metadata)
    assert_same_features(features, read_features(tmp_path / name))
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, name + ".json"])


@pytest.mark.parametrize("name", ["clip.npy", "clip.pickle"])
def test_number_and_its_digits_stay_two_individuals(tmp_path: Path, name: str) -> None:
    features = random_features({1: (0, 9), "1": (4, 15)})
    write_features(tmp_path / name, features, metadata=True)
    assert_same_features(features, read_features(tmp_path / name))
    bare = Features(rows={1: np.ones((2, 3), np.float32), "1": np.full((2, 3), 2, np.float32)})
    write_features(tmp_path / name, bare)
    assert {i: rows[0, 0] for i, rows in read_features(tmp_path / name).items()} == {1: 1, "1": 2}


def test_failed_rename_leaves_the_facts_of_before(features: Features, tmp_path: Path) -> None:
    (tmp_path / "clip.npy").mkdir()
    with pytest.raises(OutputError):
        write_features(tmp_path / "clip.npy", features)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.npy"]
    (tmp_path / "clip.npy.json").write_text("of before")
    with pytest.raises(OutputError):
        write_features(tmp_path / "clip.npy", features)
    assert (tmp_path / "clip.npy.json").read_text() == "of before"


def test_npy_is_a_dictionary_for_numpy(features: Features, tmp_path: Path) -> None:
    write_features(tmp_path / "clip.npy", features, metadata=True)
    loaded = np.load(tmp_path / "clip.npy", allow_pickle=True).item()
    assert list(loaded) == ["male", "fe/male ü", 3, "min_frames", "max_frames"]
    assert loaded["min_frames"] == {"male": 0, "fe/male ü": 5, 3: 100}
    assert loaded["max_frames"] == {"male": 19, "fe/male ü": 14, 3: 108}
    for individual in features:
        assert loaded[individual].dtype == np.float32
        np.testing.assert_array_equal(loaded[individual], features[individual])
        loaded[individual][0] = 0  # an ordinary, writable array


def test_pickle_is_the_same_dictionary(features: Features, tmp_path: Path) -> None:
    write_features(tmp_path / "clip.pickle", features)
    loaded = pickle.loads((tmp_path / "clip.pickle").read_bytes())
    assert list(loaded) == ["male", "fe/male ü", 3]
    np.testing.assert_array_equal(loaded[3], features[3])


def test_npz_holds_plain_arrays_and_no_pickle(features: Features, tmp_path: Path) -> None:
    write_features(tmp_path / "clip.npz", features, metadata=True)
    with np.load(tmp_path / "clip.npz", allow_pickle=False) as loaded:
        np.testing.assert_array_equal(loaded["male"], features["male"])
        np.testing.assert_array_equal(loaded["fe/male ü"], features["fe/male ü"])
        np.testing.assert_array_equal(loaded["3"], features[3])
        assert loaded["max_frames/male"] == 19


def test_whole_image_has_empty_id_in_every_format(tmp_path: Path) -> None:
    features = random_features({"": (0, 9)})
    for name in ("a.npy", "a.npz", "a.pickle"):
        write_features(tmp_path / name, features)
        assert list(read_features(tmp_path / name)) == [""]


def test_files_never_name_what_old_numpy_lacks(features: Features, tmp_path: Path) -> None:
    for name in ("a.npy", "a.pickle"):
        write_features(tmp_path / name, features, metadata=True)
        assert b"numpy._core" not in (tmp_path / name).read_bytes()


def test_old_numpy_loads_the_files(features: Features, tmp_path: Path) -> None:
    old_numpy = os.environ.get("NAPARI_I3D_OLD_NUMPY", "")
    if not Path(old_numpy, "numpy").is_dir():
        pytest.skip("NAPARI_I3D_OLD_NUMPY names no folder with an old numpy; tests/run.sh makes one")
    write_features(tmp_path / "clip.npy", features, metadata=True)
    write_features(tmp_path / "clip.npz", features)
    np.save(tmp_path / "plain.npy", features["male"])
    program = (
        "import numpy as np, sys\n"
        "features = np.load('clip.npy', allow_pickle=True).item()\n"
        "assert (features['male'] == np.load('plain.npy')).all() and features['max_frames'][3] == 108\n"
        "assert (np.load('clip.npz')['male'] == features['male']).all()\n"
        "print(np.__version__)\n"
    )
    environment = {**os.environ, "PYTHONPATH": old_numpy}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() != np.__version__


def test_npy_alone_is_read_without_frames(features: Features, tmp_path: Path) -> None:
    write_features(tmp_path / "clip.npy", features)
    (tmp_path / "clip.npy.json").unlink()
    alone = read_features(tmp_path / "clip.npy")
    np.testing.assert_array_equal(alone["male"], features["male"])
    assert not alone.frames
    assert not alone.first_frame


def test_npy_with_metadata_tells_frames_of_padded_rows(features: Features, tmp_path: Path) -> None:
    write_features(tmp_path / "clip.npy", features, metadata=True)
    (tmp_path / "clip.npy.json").unlink()
    alone = read_features(tmp_path / "clip.npy")
    np.testing.assert_array_equal(alone.frames[3], np.arange(100, 109))
    assert alone.one_row_a_frame(3)


def test_unfitting_metadata_tells_no_frames(tmp_path: Path) -> None:
    content = {"a": np.zeros((5, 2048), np.float32), "min_frames": {"a": 0}, "max_frames": {"a": 11}}
    np.save(tmp_path / "clip.npy", np.array(content, dtype=object))
    alone = read_features(tmp_path / "clip.npy")
    assert "a" not in alone.frames
    assert alone.last_frame["a"] == 11


def test_facts_of_another_file_are_refused(features: Features, tmp_path: Path) -> None:
    write_features(tmp_path / "clip.npy", features)
    write_features(tmp_path / "other.npy", random_features({"male": (0, 19)}, seed=1))
    (tmp_path / "other.npy").replace(tmp_path / "clip.npy")
    with pytest.raises(FeaturesError, match=r"clip.npy.json: tells about another clip.npy"):
        read_features(tmp_path / "clip.npy")


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch evil",)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.npy", b"", "not a whole features file"),
        ("a.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran", "not a whole features file"),
        ("a.npz", b"PK\x03\x04 no archive", "not a whole features file"),
        ("a.pickle", b"what is this", "not a whole pickle"),
        ("a.pickle", pickle.dumps([1, 2]), "expected a dictionary of individuals, found list"),
        ("a.pickle", pickle.dumps({"a": 3}), "'a' is no array of features"),
        ("a.pickle", pickle.dumps({"a": np.zeros((2, 3), int)}), "expected float32 features, found int64"),
        ("a.pickle", pickle.dumps(_Evil()), "asks for (posix|nt).system"),
        ("a.txt", b"", "not from '.txt'"),
    ],
)
def test_broken_features_file_is_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FeaturesError, match=words) as caught:
        read_features(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bare_array_is_refused_with_a_hint(features: Features, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", features["male"])
    with pytest.raises(FeaturesError, match="bare float32 array of shape"):
        read_features(tmp_path / "a.npy")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeaturesError, match=r"nowhere\.npy: cannot be read"):
        read_features(tmp_path / "nowhere.npy")


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pickle"])
def test_cut_off_file_is_refused(features: Features, tmp_path: Path, name: str, cut: float) -> None:
    write_features(tmp_path / name, features)
    (tmp_path / f"{name}.json").unlink()
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * cut)])
    with pytest.raises(FeaturesError, match="was it copied completely"):
        read_features(tmp_path / name)


def test_failed_save_leaves_what_was_there(features: Features, tmp_path: Path) -> None:
    write_features(tmp_path / "a.npy", features)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    clashing = Features(rows={"a": np.zeros((2, 3), np.float32), "min_frames": np.zeros((2, 3), np.float32)})
    with pytest.raises(FeaturesError):
        write_features(tmp_path / "a.npy", clashing, metadata=True)
    twins = Features(rows={"3": np.zeros((2, 3), np.float32), 3: np.zeros((2, 3), np.float32)})
    with pytest.raises(FeaturesError, match="'3'"):
        write_features(tmp_path / "a.npz", twins)
    with pytest.raises(OutputError, match="cannot be written"):
        write_features(tmp_path / "no such folder" / "a.npy", features)
    with pytest.raises(FeaturesError, match="features are written to"):
        write_features(tmp_path / "a.csv", features)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_json_tells_frames_and_provenance(features: Features, tmp_path: Path) -> None:
    write_features(tmp_path / "a.npy", features)
    facts = json.loads((tmp_path / "a.npy.json").read_text())
    assert facts["fps"] == 25
    assert facts["provenance"]["weights"]["name"] == "untrained"
    entry = facts["individuals"][2]
    assert entry["id"] == 3
    assert entry["frames"] == [{"first": 100, "step": 1, "count": 9}]
    assert entry["chunk_starts"] == [{"first": 100, "step": 0, "count": 4}, {"first": 101, "step": 0, "count": 5}]


def test_facts_of_earlier_versions_are_read(features: Features, tmp_path: Path) -> None:
    """Earlier versions listed each frame."""
    path = tmp_path / "clip.npy"
    write_features(path, features)
    facts = json.loads(json_path(path).read_text())
    facts["format"] = "napari_i3d features 1"
    for entry in facts["individuals"]:
        individual = entry["id"]
        entry["frames"] = features.frames[individual].tolist()
        entry["chunk_starts"] = features.chunk_starts[individual].tolist()
    json_path(path).write_text(json.dumps(facts))
    read = read_features(path)
    for individual in features:
        assert read.frames[individual].tolist() == features.frames[individual].tolist()
        assert read.chunk_starts[individual].tolist() == features.chunk_starts[individual].tolist()
