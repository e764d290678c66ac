"""MOT text: base, flags, ids, and corners of official sequences."""

from pathlib import Path

import numpy as np
import pytest

import napari_i3d
from helpers import box_files
from helpers.box_files import BOXES, assert_boxes
from napari_i3d.errors import TrackingError

ONE = {4: {0: (0.0, 0.0, 10.0, 10.0), 1: (5.0, 5.0, 10.0, 20.0)}}


def notes(tracking) -> str:
    return " | ".join(tracking.origin.notes)


@pytest.mark.parametrize(("base", "stated", "first"), [(1, None, 3), (1, 1, 3), (1, 0, 4), (0, 0, 3), (0, None, 2)])
def test_base_is_one_unless_stated(tmp_path: Path, base: int, stated: int | None, first: int):
    """No frame 0 in the file: only the statement tells; the note says what was assumed."""
    path = box_files.mot(tmp_path / "a.txt", BOXES, base=base)
    tracking = napari_i3d.read_tracking(path, base=stated)
    assert tracking[0].start == first
    assert ("as stated" if stated is not None else "state base 0") in notes(tracking)


def test_frame_zero_shows_base_zero(tmp_path: Path):
    tracking = napari_i3d.read_tracking(box_files.mot(tmp_path / "a.txt", ONE, base=0))
    assert tracking[4].start == 0
    assert "there is a frame 0" in notes(tracking)
    with pytest.raises(TrackingError, match=r"expected frames from 1, as stated .* found a frame 0"):
        napari_i3d.read_tracking(box_files.mot(tmp_path / "a.txt", ONE, base=0), base=1)


def test_official_sequence_moves_corners_by_a_pixel(tmp_path: Path):
    path = box_files.mot(tmp_path / "TUD" / "gt" / "gt.txt", ONE, corner=1)
    (tmp_path / "TUD" / "seqinfo.ini").write_text("[Sequence]\nname=TUD\n")
    for given in (path, path.parent.parent):
        tracking = napari_i3d.read_tracking(given)
        assert_boxes(tracking, ONE, 0)
        assert "pixels from 1" in notes(tracking)
    (tmp_path / "TUD" / "seqinfo.ini").unlink()
    assert napari_i3d.read_tracking(path)[4].boxes[0].tolist() == [1, 1, 11, 11]


def test_ground_truth_flag_zero_is_left_out(tmp_path: Path):
    text = "1,1,10,10,5,5,1,1,1\n1,2,0,0,9,9,0,7,1\n2,1,11,10,5,5,1,1,1\n"
    (tmp_path / "gt.txt").write_text(text)
    (tmp_path / "renamed.txt").write_text(text)
    for name in ("gt.txt", "renamed.txt"):
        tracking = napari_i3d.read_tracking(tmp_path / name)
        assert list(tracking) == [1]
        assert len(tracking[1]) == 2
        assert "1 box left out: column 7 marks them" in notes(tracking)


def test_confidence_is_no_flag(tmp_path: Path):
    (tmp_path / "a.txt").write_text("1,1,10,10,5,5,0.5,-1,-1,-1\n2,1,10,10,5,5,0,-1,-1,-1\n")
    assert len(napari_i3d.read_tracking(tmp_path / "a.txt")[1]) == 2


def test_detections_without_id_are_dropped_or_refused(tmp_path: Path):
    (tmp_path / "a.txt").write_text("1,-1,10,10,5,5,1,-1,-1,-1\n2,3,10,10,5,5,1,-1,-1,-1\n")
    tracking = napari_i3d.read_tracking(tmp_path / "a.txt")
    assert list(tracking) == [3]
    assert "1 box left out: they have no id" in notes(tracking)
    (tmp_path / "det.txt").write_text("1,-1,10,10,5,5,1,-1,-1,-1\n")
    with pytest.raises(TrackingError, match="found only detections without"):
        napari_i3d.read_tracking(tmp_path / "det.txt")


@pytest.mark.parametrize(
    "text", ["1, 3, 10, 20, 5, 6, 1, -1, -1, -1\n", "1 3 10 20 5 6 1 -1 -1 -1\n", "\ufeff1,3,10,20,5,6\r\n"]
)
def test_blanks_and_few_columns_are_read(tmp_path: Path, text: str):
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    assert napari_i3d.read_tracking(tmp_path / "a.txt")[3].boxes.tolist() == [[10, 20, 15, 26]]


def test_repeated_lines_count_once(tmp_path: Path):
    path = box_files.mot(tmp_path / "a.txt", BOXES)
    path.write_text(path.read_text() * 2)
    tracking = napari_i3d.read_tracking(path)
    assert_boxes(tracking, BOXES, 1e-9)
    assert "9 boxes repeated" in notes(tracking)


def test_contradicting_lines_name_id_and_frames(tmp_path: Path):
    (tmp_path / "a.txt").write_text("1,3,1,1,5,5,1\n6,3,1,1,5,5,1\n6,3,2,1,5,5,1\n7,3,1,1,5,5,1\n7,3,1,1,5,6,1\n")
    with pytest.raises(
        TrackingError, match=r"3: two different boxes in frames? 5-6|3: two different boxes in frames 5, 6"
    ):
        napari_i3d.read_tracking(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,1.5,1,1,5,5,1\n", "ids that are whole numbers, found 1.5"),
        ("1.5,1,1,1,5,5,1\n", r"frames that are whole numbers .* found 0.5"),
        ("1,1,1,1,5,5,1\n2,1,1,one,5,5,1\n", "could not convert"),
        ("1,1,1,1,5,5,1\n2,1,1,1,5\n3,1,1,1,5,5,1\n4,1,1", "last line is cut off"),
        ("1,1,1,1,5,5,1\n1000000000000,1,1,1,5,5,1\n", "frames that are whole numbers from 0 to 100000000"),
        ("1,1,1,1,5,5,1\n90000000,1,1,1,5,5,1\n", "correct the wrong frame number"),
        ("1,1,1,1,5,5,1\n,1,1,1,5,5,1\n", "frames that are whole numbers"),
        ("1,1\n", "found 2 columns"),
    ],
)
def test_wrong_numbers_are_named(tmp_path: Path, text: str, found: str):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(TrackingError, match=found) as caught:
        napari_i3d.read_tracking(tmp_path / "a.txt", format="mot")
    assert str(caught.value).startswith("a.txt (MOT Challenge text): ")


def test_box_of_nan_stays_to_be_refused(tmp_path: Path):
    (tmp_path / "a.txt").write_text("1,1,1,1,5,5,1\n2,1,nan,nan,nan,nan,1\n3,1,1,1,inf,5,1\n")
    tracklet = napari_i3d.read_tracking(tmp_path / "a.txt")[1]
    assert tracklet.present.tolist() == [True] * 3
    kinds = [problem.kind for problem in napari_i3d.check_tracking(napari_i3d.Tracking([tracklet]))]
    assert kinds.count("not-a-number") == 1
    assert np.isnan(tracklet.boxes[1]).all()
