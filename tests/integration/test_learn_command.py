"""``napari-i3d learn`` from files to files, and the pairing of features and labels."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.labelled import Planted, make_planted
from napari_i3d import agreement, read_annotation, write_annotation, write_features
from napari_i3d.cli.main import main
from napari_i3d.errors import AnnotationError, FeaturesError
from napari_i3d.projects.labelled_files import read_labelled_files


def put(folder: Path, video: str, planted: Planted, labels: str | None = ".annotation.json") -> None:
    """Write the features of a video, named as `--i3d_suffix _i3d.npy` does, and its labels."""
    for name in ("features", "labels"):
        (folder / name).mkdir(exist_ok=True)
    facts = {"video": {"file": f"{video}.mp4", "frames": len(planted.states), "width_px": 640, "height_px": 480}}
    write_features(folder / "features" / f"{video}_i3d.npy", replace(planted.features, provenance=facts))
    if labels:
        write_annotation(folder / "labels" / f"{video}{labels}", planted.annotation)


def test_labels_are_learned_tested_and_predicted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = make_planted(3)
    rows = len(make_planted(1).states) + len(make_planted(2).states)
    put(tmp_path, "day1", make_planted(1))
    put(tmp_path, "day10", make_planted(2), "_labels.csv")
    put(tmp_path, "day7", new, None)
    features, labels, probe = (str(tmp_path / name) for name in ("features", "labels", "probe.npz"))
    assert main(["learn", "evaluate", features, labels]) == 0
    output = capsys.readouterr().out
    assert "Tested on videos held back, 2 folds" in output
    assert "day7: no annotation" in output
    assert main(["learn", "train", features, labels, "--out", probe, "--context-frames", "2"]) == 0
    assert capsys.readouterr().out.endswith(f"{rows} rows; behaviors: rear, groom, walk\n")
    out = tmp_path / "day7.annotation.json"
    assert main(["learn", "predict", probe, f"{features}/day7_i3d.npy", "--out", str(out)]) == 0
    predicted = read_annotation(out)
    assert agreement(new.annotation, predicted).frame_f1 > 0.95
    assert predicted.video.name == "day7.mp4"
    assert {bout.origin for bout in predicted.bouts} == {"automated"}
    assert main(["learn", "predict", probe, features, "--out", str(tmp_path / "all")]) == 0
    assert read_annotation(tmp_path / "all" / "day7.annotation.json") == predicted
    assert len(list((tmp_path / "all").iterdir())) == 3


def test_existing_files_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, "day1", make_planted(1))
    features, labels, probe = (str(tmp_path / name) for name in ("features", "labels", "probe.npz"))
    assert main(["learn", "train", features, labels, "--out", probe]) == 0
    before = Path(probe).read_bytes()
    assert main(["learn", "train", features, labels, "--out", probe]) == 1
    assert "exists" in capsys.readouterr().err
    assert Path(probe).read_bytes() == before
    assert main(["learn", "train", features, labels, "--out", probe, "--overwrite", "--start", probe]) == 0
    assert main(["learn", "train", features, labels, "--out", str(tmp_path / "probe.pickle")]) == 2
    assert main(["learn", "evaluate", features, labels, "--stay", "0.9"]) == 2


def test_annotations_belong_to_the_longest_name_that_fits(tmp_path: Path) -> None:
    for video in ("day1", "day1_b", "day10"):
        put(tmp_path, video, make_planted(len(video)))
    found = read_labelled_files(tmp_path / "features", tmp_path / "labels")
    assert {name: one.end for name, one in found.annotations.items()} == {
        name: len(make_planted(len(name)).states) for name in ("day1", "day1_b", "day10")
    }
    write_annotation(tmp_path / "labels" / "day1.csv", make_planted(4).annotation)
    with pytest.raises(AnnotationError, match="both may be the annotation of day1"):
        read_labelled_files(tmp_path / "features", tmp_path / "labels")


def test_two_features_files_of_one_video_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "day1", make_planted(1))
    write_features(
        tmp_path / "features" / "other.npz",
        replace(make_planted(1).features, provenance={"video": {"file": "day1.mp4"}}),
    )
    with pytest.raises(FeaturesError, match="both are features of video day1"):
        read_labelled_files(tmp_path / "features", tmp_path / "labels")


def test_numbers_in_text_labels_stand_for_whole_ids(tmp_path: Path) -> None:
    planted = make_planted(1, individual=7)
    put(tmp_path, "day1", planted, ".csv")
    found = read_labelled_files(tmp_path / "features", tmp_path / "labels")
    assert found.annotations["day1"].individuals == (7,)
    for bout in planted.annotation.bouts:
        assert found.annotations["day1"].behaviors_at(7, bout.start) == (bout.behavior,)


def test_untrained_weights_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planted = make_planted(1)
    write_features(tmp_path / "day1.npy", replace(planted.features, provenance={"weights": {"trained": False}}))
    write_annotation(tmp_path / "day1.annotation.json", planted.annotation)
    paths = [str(tmp_path / "day1.npy"), str(tmp_path / "day1.annotation.json")]
    assert main(["learn", "train", *paths, "--out", str(tmp_path / "probe.npz")]) == 0
    assert "untrained weights" in capsys.readouterr().err
    facts = json.loads(np.load(tmp_path / "probe.npz")["facts"].tobytes())
    assert facts["provenance"]["source"]["trained"] is False
