"""``napari-i3d convert features``: what it writes, says and refuses; `tests/features/io` has the conversions."""

from pathlib import Path

import pytest

from helpers.features import assert_same_features, random_features
from napari_i3d import Annotation, Bout, Features, read_features, write_annotation, write_features
from napari_i3d.cli.main import main


def convert(*arguments: object) -> int:
    return main(["convert", "features", *map(str, arguments)])


@pytest.fixture
def day1(tmp_path: Path) -> Features:
    """Features of two individuals, in ``day1.npy``."""
    features = random_features({"male": (0, 29), 7: (4, 18)}, n_video_frames=30)
    write_features(tmp_path / "day1.npy", features)
    return features


def test_ending_selects_store_and_back(day1: Features, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(tmp_path / "day1.npy", tmp_path / "day1.features") == 0
    assert convert(tmp_path / "day1.features", tmp_path / "again.npz", "--save-metadata") == 0
    assert_same_features(day1, read_features(tmp_path / "again.npz"))
    out, err = capsys.readouterr()
    assert "day1.features: written" in out
    assert not err
    assert convert(tmp_path / "day1.npy", tmp_path / "day1.features") == 1
    assert "exists; use --overwrite to replace it" in capsys.readouterr().err
    assert convert(tmp_path / "day1.npy", tmp_path / "day1.features", "--overwrite", "--store_dtype", "float16") == 0
    assert read_features(tmp_path / "day1.features")["male"].dtype == "float16"


def test_pieces_have_labels_beside_them(day1: Features, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bouts = (Bout("male", "rest", 5, 15), Bout(7, "rest", 0, 30))
    write_annotation(tmp_path / "labels.json", Annotation(bouts=bouts, n_frames=30))
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / "day1.npy"
    choices = ("--layout", "dlc2action", "--piece_frames", 10, "--annotation", tmp_path / "labels.json")
    assert convert(tmp_path / "day1.npy", target, *choices) == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    stems = ("day1_00-09", "day1_10-19", "day1_20-29")
    assert names == sorted(f"{stem}{end}" for stem in stems for end in (".npy", ".npy.json", "_annotation.pickle"))
    out = capsys.readouterr().out
    assert "3 files of labels" in out
    assert "labels need a file for each piece" not in out
    (tmp_path / "bare").mkdir()
    assert convert(tmp_path / "day1.npy", tmp_path / "bare" / "day1.npy", *choices[:-2]) == 0
    assert "labels need a file for each piece" in capsys.readouterr().out
    assert convert(*sorted((tmp_path / "out").glob("*.npy")), tmp_path / "joined.npy") == 0
    assert_same_features(day1, read_features(tmp_path / "joined.npy"))
    assert convert(tmp_path / "day1.npy", tmp_path / "x.npy", "--annotation", tmp_path / "labels.json") == 2
    assert not (tmp_path / "x.npy").exists()


def test_too_large_result_is_refused_with_a_way_out(
    day1: Features, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.iterdir())
    assert convert(tmp_path / "day1.npy", tmp_path / "x.npy", "--layout", "dlc2action", "--memory_gb", 0.0005) == 1
    assert "use --piece_frames 15 or less, or --layout store, or set --memory_gb" in capsys.readouterr().err
    assert convert(tmp_path / "day1.npy", tmp_path / "x.txt") == 2
    assert sorted(tmp_path.iterdir()) == before
