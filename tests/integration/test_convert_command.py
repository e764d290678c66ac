"""``napari-i3d convert tracking``: what it reads, writes, says, and refuses."""

from pathlib import Path

import pytest

import napari_i3d
from helpers import box_files
from helpers.box_files import BOXES, NAMED, assert_boxes
from helpers.clips import MakeClip
from napari_i3d.cli.main import main


def convert(*arguments: object) -> int:
    return main(["convert", "tracking", *map(str, arguments)])


def test_summary_says_what_was_read_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = box_files.cvat(tmp_path / "job.xml", box_files.cvat_tracks(NAMED))
    assert convert(source, tmp_path / "out.txt") == 0
    out = capsys.readouterr().out
    for line in (
        "job.xml: read as CVAT for video 1.1",
        "3 individuals, frames 3 to 30 counted from 0; 1 gap within tracklets",
        "9 boxes",
        "names are the attribute name of the tracks",
        "out.txt: written as MOT Challenge text",
        "frames and ids count from 1",
        "fly male is 1, Weibchen Ä is 2, 7 is 3",
    ):
        assert line in out
    assert_boxes(napari_i3d.read_tracking(tmp_path / "out.txt"), dict(enumerate(NAMED.values(), 1)), 0.006)


@pytest.mark.parametrize("target", ["a.pickle", "a.xml", "a.csv", "a.json", "a.nc", "a.txt"])
def test_every_written_format_is_told_by_its_ending(tmp_path: Path, target: str):
    assert convert(box_files.mot(tmp_path / "in.txt", {3: BOXES[0]}), tmp_path / "out" / ".." / target) == 1
    assert convert(tmp_path / "in.txt", tmp_path / target) == 0
    (tracklet,) = napari_i3d.read_tracking(tmp_path / target).values()
    assert (tracklet.start, tracklet.stop, tracklet.gaps) == (3, 11, ((6, 9),))


def test_formats_and_base_may_be_stated(tmp_path: Path):
    source = box_files.mot(tmp_path / "in.txt", {3: BOXES[0]}, base=0)
    assert convert(source, tmp_path / "out.dat", "--from", "mot", "--to", "pickle", "--base", 0) == 0
    assert_boxes(napari_i3d.read_tracking(tmp_path / "out.dat"), {3: BOXES[0]}, 1e-9)


def test_video_gives_size_to_formats_without(tmp_path: Path, clip_of: MakeClip, capsys: pytest.CaptureFixture[str]):
    video_path = clip_of(12).video
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a_2.txt").write_text("0 0.5 0.5 0.5 0.5 0.9 1\n")
    assert convert(tmp_path / "labels", tmp_path / "a.xml") == 1
    assert "give the video" in capsys.readouterr().err
    assert convert(tmp_path / "labels", tmp_path / "a.xml", "--video", video_path) == 0
    with napari_i3d.open_video(video_path) as video:
        n_frames, height, width, _ = video.shape
    expected = (width / 4, height / 4, width * 3 / 4, height * 3 / 4)
    assert_boxes(napari_i3d.read_tracking(tmp_path / "a.xml"), {"1": {1: expected}}, 0.01)
    assert f"<stop_frame>{n_frames - 1}</stop_frame>" in (tmp_path / "a.xml").read_text()


def test_key_points_become_boxes_as_chosen(tmp_path: Path):
    points = {
        name: [[10 + frame, 20, 0.9] for frame in range(4)] if name == "nose" else [[30, 60, 0.4]] * 4
        for name in ("nose", "tail")
    }
    import numpy as np

    source = box_files.nwb_poses(tmp_path / "a.nwb", {"fly": {n: np.array(p) for n, p in points.items()}}, None)
    target = tmp_path / "a.pickle"
    assert convert(source, target, "--size_px", 10, "--min_confidence", 0.3) == 0
    assert napari_i3d.read_tracking(target)["fly"].boxes[0].tolist() == [15, 35, 25, 45]
    choices = ("--keypoints", "nose", "--min_keypoints", 1, "--size_px", 4, "--overwrite")
    assert convert(source, target, *choices) == 0
    assert napari_i3d.read_tracking(target)["fly"].boxes[0].tolist() == [8, 18, 12, 22]
    assert convert(source, target, "--margin", 0, "--min-confidence", 0.3, "--overwrite") == 0
    assert napari_i3d.read_tracking(target)["fly"].boxes[0].tolist() == [10, 20, 30, 60]


def test_existing_target_is_kept_unless_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = box_files.mot(tmp_path / "in.txt", BOXES)
    (tmp_path / "a.json").write_text("mine")
    assert convert(source, tmp_path / "a.json") == 1
    assert "add --overwrite" in capsys.readouterr().err
    assert (tmp_path / "a.json").read_text() == "mine"
    assert convert(source, tmp_path / "a.json", "--overwrite") == 0
    assert_boxes(napari_i3d.read_tracking(tmp_path / "a.json"), BOXES, 1e-9)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("in.txt", "a.h5"), 1, ".txt (mot: MOT Challenge text)"),
        (("missing.txt", "a.json"), 1, "no such file"),
        (("in.txt", "a.json", "--min_keypoints", "0"), 2, "min_keypoints"),
    ],
)
def test_wrong_use_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...], status: int, said: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    box_files.mot(tmp_path / "in.txt", BOXES)
    assert convert(*arguments) == status
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_margin_and_size_exclude_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        convert("a", "b.txt", "--margin", 1, "--size_px", 3)
    assert caught.value.code == 2
    assert "not allowed with" in capsys.readouterr().err
