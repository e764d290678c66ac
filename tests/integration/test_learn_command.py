"""``napari-i3d learn`` from files to files, and the pairing of features and labels."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.labelled import Planted, make_planted
from napari_i3d import Features, agreement, read_annotation, write_annotation, write_features
from napari_i3d._utils.frame_ranges import merge_ranges
from napari_i3d.annotations.annotation import VideoFacts
from napari_i3d.cli.learning.queue_file import QUEUE_COLUMNS, queue_table, read_queue
from napari_i3d.cli.main import main
from napari_i3d.errors import AnnotationError, FeaturesError
from napari_i3d.learning.queue import Window
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


def test_queue_is_labelled_and_tells_how_good_the_probe_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    videos = {"day1": make_planted(1, n_bouts=60), "day7": make_planted(3, individual=7, n_bouts=60)}
    put(tmp_path, "day1", videos["day1"])
    put(tmp_path, "day7", videos["day7"], None)
    features, labels, probe, queue = (str(tmp_path / n) for n in ("features", "labels", "probe.npz", "queue.csv"))
    assert main(["learn", "train", features, labels, "--out", probe]) == 0
    asked = ["learn", "queue", probe, features, labels, "--count", "30", "--random-share", "0.4"]
    assert main([*asked, "--out", queue]) == 0
    assert capsys.readouterr().out.endswith("30 windows, 12 at random\n")
    rows = list(csv.DictReader(Path(queue).read_text().splitlines()))
    # What is labelled throughout is not proposed again; times are those of 25 frames a second.
    assert {(row["video"], row["individual"]) for row in rows} == {("day7", "7")}
    assert all(float(row["start_s"]) == pytest.approx(int(row["start"]) / 25) for row in rows)
    assert all(0 <= float(row["uncertainty"]) <= 1 for row in rows)
    assert main(asked) == 0
    printed = capsys.readouterr()
    assert printed.out == Path(queue).read_text()
    assert "day7: no annotation" in printed.err
    ranges = merge_ranges((int(row["start"]), int(row["stop"])) for row in rows)
    bouts = tuple(
        replace(one, start=max(one.start, low), stop=min(one.stop, high))
        for low, high in ranges
        for one in videos["day7"].annotation.bouts
        if one.overlaps(low, high)
    )
    labelled = replace(videos["day7"].annotation, bouts=bouts, assessed={7: ranges})
    write_annotation(tmp_path / "labels" / "day7.annotation.json", labelled)
    files = [str(tmp_path / name) for name in ("scores.json", "scores.csv", "scores.svg")]
    assert main(["learn", "evaluate", features, labels, "--queue", queue, "--out", files[0], "--figure", files[2]]) == 0
    assert "In 12 random windows" in capsys.readouterr().out
    scores = json.loads(Path(files[0]).read_text())
    assert scores["tested_on"] == "video"
    assert scores["random_windows"]["windows"] == 12
    assert scores["random_windows"]["right"] > 0.9
    assert sum(map(sum, scores["confusion"]["frames"])) == len(videos["day1"].states) + sum(b - a for a, b in ranges)
    assert "predicted behavior" in Path(files[2]).read_text()
    assert main(["learn", "evaluate", features, labels, "--out", files[1]]) == 0
    table = {(row["score"], row["of"]): row["value"] for row in csv.DictReader(Path(files[1]).read_text().splitlines())}
    assert float(table["macro_f1", ""]) == scores["macro_f1"]
    assert float(table["frame_f1", "walk"]) == next(
        one["frame_f1"] for one in scores["behaviors"] if one["behavior"] == "walk"
    )
    assert (
        int(table["confusion", "walk > (none)"])
        == scores["confusion"]["frames"][scores["confusion"]["behaviors"].index("walk")][0]
    )
    assert main(["learn", "evaluate", features, labels, "--out", files[1]]) == 1
    assert main(["learn", "evaluate", features, labels, "--out", str(tmp_path / "scores.txt")]) == 2


def test_planted_mistakes_are_listed_as_doubtful(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planted = make_planted(1, n_bouts=60)
    bouts = list(planted.annotation.bouts)
    right = bouts[11].behavior
    bouts[11] = replace(bouts[11], behavior="rear" if right != "rear" else "walk")
    put(tmp_path, "day1", replace(planted, annotation=replace(planted.annotation, bouts=tuple(bouts))))
    out = tmp_path / "errors.csv"
    paths = [str(tmp_path / "features"), str(tmp_path / "labels")]
    assert main(["learn", "errors", *paths, "--out", str(out)]) == 0
    assert "1 doubtful bout" in capsys.readouterr().out
    (row,) = csv.DictReader(out.read_text().splitlines())
    assert (row["video"], row["start"], row["stop"]) == ("day1", str(bouts[11].start), str(bouts[11].stop))
    assert (row["behavior"], row["suggested"]) == (bouts[11].behavior, right)
    assert main(["learn", "errors", *paths]) == 0
    assert capsys.readouterr().out == out.read_text()


def test_queue_tells_numbers_from_text(tmp_path: Path) -> None:
    rows = np.zeros((20, 4), np.float32)
    split = {"tracking": {"gaps": "split", "gaps_mended": [{"id": 9}]}}
    features = {"day1": Features({7: rows, "7": rows, "8": rows, "9_part1": rows}, provenance=split)}
    windows = [Window("day1", one, 0, 5, 0.5, True) for one in (7, "7", "8", 9)]
    path = tmp_path / "queue.csv"
    path.write_text(queue_table(windows, features))
    assert read_queue(path, features) == windows
    assert [row["individual"] for row in csv.DictReader(path.read_text().splitlines())] == ["7", "'7'", "8", "9"]


def test_labels_of_pieces_with_numbers_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planted = make_planted(1, individual="9_part1")
    put(tmp_path, "day1", planted)
    split = {"gaps": "split", "gaps_mended": [{"id": 9}]}
    facts = {"video": {"file": "day1.mp4", "frames": len(planted.states)}, "tracking": split}
    write_features(tmp_path / "features" / "day1_i3d.npy", replace(planted.features, provenance=facts))
    (tmp_path / "labels" / "day1.annotation.json").unlink()
    write_annotation(tmp_path / "labels" / "day1.csv", make_planted(1, individual=9).annotation)
    found = read_labelled_files(tmp_path / "features", tmp_path / "labels")
    assert found.annotations["day1"].individuals == (9,)
    # Labels that name another video are used, but that is said.
    labels = replace(make_planted(1, individual=9).annotation, video=VideoFacts("day2.avi"))
    write_annotation(tmp_path / "day2.annotation.json", labels)
    assert not any("CHECK" in note for note in found.notes)
    paths = [str(tmp_path / "features" / "day1_i3d.npy"), str(tmp_path / "day2.annotation.json")]
    assert main(["learn", "train", *paths, "--out", str(tmp_path / "probe.npz")]) == 0
    assert "day1: CHECK THIS: its labels are of day2.avi, its features of day1.mp4" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "",
        "video,individual\nday1,mouse\n",
        "{columns}\nday1,mouse,5\n",
        "{columns}\nday1,mouse,9,5,,,0.5,yes\n",
        "{columns}\nday1,mouse,1,5,,,0.5,true\n",
        "{columns}\nday1,mouse,1,many,,,0.5,yes\n",
        "{columns}\nday1,\udcff,1,2,,,0.5,yes\n",
    ],
)
def test_files_that_are_no_queue_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "queue.csv"
    path.write_bytes(text.format(columns=",".join(QUEUE_COLUMNS)).encode(errors="surrogateescape"))
    with pytest.raises(AnnotationError, match="learn queue"):
        read_queue(path, {})
