"""Files that are written: read again here and by xarray; what cannot be kept is said."""

import csv
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import napari_i3d
from helpers.box_files import BOXES, FPS, HEIGHT, N_FRAMES, NAMED, WIDTH, assert_boxes
from napari_i3d.errors import OutputError
from napari_i3d.tracking.io.format import VideoFacts
from napari_i3d.tracking.io.writing import WRITTEN
from napari_i3d.tracking.tracklets import Tracking, Tracklet

VIDEO = VideoFacts(WIDTH, HEIGHT, N_FRAMES, FPS, "clip")
ENDINGS = {known.name: known.endings[0] for known in WRITTEN}
DIGITS = {"pickle": 0, "mot": 0.0005, "cvat": 0.005, "via-tracks": 0.0005, "coco-vid": 0.0005, "movement": 1e-12}
NUMBERS = {1: BOXES[0], 5: BOXES[7], 12: BOXES[12]}
"""Ids that every format can hold."""


def odd() -> dict:
    """Boxes with many decimals, of a random walk with gaps."""
    random = np.random.default_rng(8)
    boxes = 200 + np.cumsum(random.normal(0, 1, (N_FRAMES, 4)), axis=0)
    boxes[:, 2:] += 100
    return {3: {f: tuple(boxes[f].tolist()) for f in range(2, N_FRAMES) if f not in (7, 20, 21)}}


def test_all_promised_formats_are_written():
    assert set(ENDINGS) == {"pickle", "mot", "cvat", "via-tracks", "coco-vid", "movement"} == set(DIGITS)


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("video", [None, VIDEO])
@pytest.mark.parametrize("boxes", [NUMBERS, odd()], ids=["planted", "odd"])
def test_round_trip_keeps_boxes_to_the_digits(tmp_path: Path, name: str, video: VideoFacts | None, boxes: dict):
    path = tmp_path / f"a{ENDINGS[name]}"
    notes = napari_i3d.write_tracking(path, Tracking.from_boxes(boxes), video=video)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    as_text = name in ("cvat", "movement")
    expected = {str(i): own for i, own in boxes.items()} if as_text else boxes
    assert_boxes(napari_i3d.read_tracking(path, video=video), expected, DIGITS[name] + 1e-9)
    assert any("become text" in note for note in notes) == as_text
    if name != "pickle":
        assert any("from 0" in note or "from 1" in note or "frames per second" in note for note in notes)


@pytest.mark.parametrize("name", ENDINGS)
def test_second_round_trip_changes_nothing(tmp_path: Path, name: str):
    first, second = tmp_path / f"a{ENDINGS[name]}", tmp_path / f"b{ENDINGS[name]}"
    napari_i3d.write_tracking(first, Tracking.from_boxes(odd()), video=VIDEO)
    once = napari_i3d.read_tracking(first)
    napari_i3d.write_tracking(second, once, video=VIDEO)
    twice = napari_i3d.read_tracking(second)
    for individual, tracklet in once.items():
        np.testing.assert_allclose(twice[individual].boxes, tracklet.boxes, rtol=0, atol=1e-9)
    if name in ("mot", "cvat", "via-tracks"):
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", [n for n in ENDINGS if n != "mot"])
def test_names_survive(tmp_path: Path, name: str):
    path = tmp_path / f"a{ENDINGS[name]}"
    napari_i3d.write_tracking(path, Tracking.from_boxes(NAMED), video=VIDEO)
    assert_boxes(napari_i3d.read_tracking(path), NAMED, DIGITS[name] + 1e-9)


def test_mot_numbers_names_and_lists_them(tmp_path: Path):
    for boxes in (NAMED, BOXES):  # names, and an id of 0, which is no id in MOT
        notes = napari_i3d.write_tracking(tmp_path / "a.txt", Tracking.from_boxes(boxes))
        first, second, third = map(str, boxes)
        assert f"ids are written as numbers: {first} is 1, {second} is 2, {third} is 3" in notes
        expected = dict(zip((1, 2, 3), boxes.values(), strict=True))
        assert_boxes(napari_i3d.read_tracking(tmp_path / "a.txt"), expected, 1e-9)


def test_numbers_and_text_together_are_kept_or_said(tmp_path: Path):
    boxes = {1: BOXES[0], "1": BOXES[7]}
    tracking = Tracking.from_boxes(boxes)
    napari_i3d.write_tracking(tmp_path / "a.json", tracking)
    assert_boxes(napari_i3d.read_tracking(tmp_path / "a.json"), boxes, 1e-9)
    with pytest.raises(OutputError, match="called the same once ids are text"):
        napari_i3d.write_tracking(tmp_path / "a.nc", tracking)
    for ending in (".xml", ".csv"):
        with pytest.raises(OutputError, match="called the same once ids are text"):
            napari_i3d.write_tracking(tmp_path / f"a{ending}", tracking)


@pytest.mark.parametrize("name", [n for n in ENDINGS if n != "pickle"])
def test_boxes_without_finite_sides_are_left_out_and_said(tmp_path: Path, name: str):
    rows = np.array([[1, 2, 3, 4], [np.nan] * 4, [1, 2, np.inf, 4], [2, 3, 4, 5]])
    tracking = Tracking([Tracklet(7, 3, rows, np.ones(4, bool))])
    path = tmp_path / f"a{ENDINGS[name]}"
    notes = napari_i3d.write_tracking(path, tracking)
    assert "2 boxes left out: a side is not a finite number" in notes
    (tracklet,) = napari_i3d.read_tracking(path).values()
    assert tracklet.gaps == ((4, 6),)


def test_cvat_file_keeps_frames_when_only_key_frames_are_imported(tmp_path: Path):
    """CVAT drops boxes with keyframe 0 on import, and computes them anew."""
    time = np.arange(300.0)
    boxes = np.column_stack([50 + 30 * np.sin(time / 40), 60 + 0 * time, 90 + 30 * np.sin(time / 40), 100 + time / 10])
    present = np.ones(300, bool)
    present[100:120] = False
    tracking = Tracking([Tracklet("fly", 5, boxes, present)])
    path = tmp_path / "a.xml"
    notes = napari_i3d.write_tracking(path, tracking)
    tree = ElementTree.parse(path)
    track = tree.find("track")
    assert track is not None
    for box in list(track):
        if box.get("keyframe") == "0":
            track.remove(box)
    assert 10 < len(track) < 60
    assert any(f"{len(track) - 2} of 280 boxes are key frames" in note for note in notes)
    tree.write(path)
    again = napari_i3d.read_tracking(path)["fly"]
    assert (again.start, again.stop, again.gaps) == (5, 305, ((105, 125),))
    assert np.nanmax(np.abs(again.boxes - tracking["fly"].boxes)) <= 0.5 + 0.005
    assert again.present.tolist() == present.tolist()


def test_cvat_track_to_end_of_video_needs_no_outside(tmp_path: Path):
    tracking = Tracking.from_boxes({"a": {f: [1, 2, 3, 4] for f in range(30, N_FRAMES)}})
    napari_i3d.write_tracking(tmp_path / "a.xml", tracking, video=VIDEO)
    frames = [int(box.get("frame", -1)) for box in ElementTree.parse(tmp_path / "a.xml").iter("box")]
    assert max(frames) == N_FRAMES - 1
    meta = ElementTree.parse(tmp_path / "a.xml").find("meta/task")
    assert meta is not None
    assert (meta.findtext("size"), meta.findtext("stop_frame")) == (str(N_FRAMES), str(N_FRAMES - 1))
    assert meta.findtext("original_size/width") == str(WIDTH)
    assert_boxes(napari_i3d.read_tracking(tmp_path / "a.xml"), {"a": dict.fromkeys(range(30, 40), (1, 2, 3, 4))}, 0)


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "", "  "])
def test_cvat_refuses_names_that_xml_cannot_hold(tmp_path: Path, name: str):
    with pytest.raises(OutputError, match="expected a name that XML can hold"):
        napari_i3d.write_tracking(tmp_path / "a.xml", Tracking.from_boxes({name: BOXES[0]}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ['<a & "b">', "a\r\nb", "]]>", "it's"])
@pytest.mark.parametrize("format_name", ["cvat", "via-tracks", "coco-vid", "movement"])
def test_names_with_markup_survive(tmp_path: Path, name: str, format_name: str):
    path = tmp_path / f"a{ENDINGS[format_name]}"
    napari_i3d.write_tracking(path, Tracking.from_boxes({name: BOXES[0]}))
    assert list(napari_i3d.read_tracking(path)) == [name]


def test_via_file_is_what_movement_expects(tmp_path: Path):
    """The rules of movement's validator: a frame for each file name, ids that are whole numbers, none twice."""
    napari_i3d.write_tracking(tmp_path / "a.csv", Tracking.from_boxes(NAMED))
    with (tmp_path / "a.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    frames = [json.loads(line["file_attributes"])["frame"] for line in lines]
    assert len(set(frames)) == len({line["filename"] for line in lines})
    tracks = [int(json.loads(line["region_attributes"])["track"]) for line in lines]
    assert len(set(zip(frames, tracks, strict=True))) == len(lines)
    assert all(json.loads(line["region_shape_attributes"])["name"] == "rect" for line in lines)
    assert [int(line["region_count"]) for line in lines] == [frames.count(frame) for frame in frames]


@pytest.mark.parametrize("fps", [None, FPS])
def test_netcdf_opens_in_xarray_as_movement_has_it(tmp_path: Path, fps: float | None):
    napari_i3d.write_tracking(tmp_path / "a.nc", Tracking.from_boxes(NAMED), video=VIDEO if fps else None)
    with xr.open_dataset(tmp_path / "a.nc") as content:
        assert content.attrs["ds_type"] == "bboxes"
        assert set(content.data_vars) == {"position", "shape", "confidence"}
        assert content.position.dims == content["shape"].dims == ("time", "space", "individuals")
        assert content.confidence.dims == ("time", "individuals")
        assert content.individuals.values.tolist() == list(NAMED)
        assert content.space.values.tolist() == ["x", "y"]
        assert content.attrs["time_unit"] == ("seconds" if fps else "frames")
        time = 30 / FPS if fps else 30
        box = content.sel(time=time, individuals="7")
        assert box.position.values.tolist() == [320, 240]
        assert box["shape"].values.tolist() == [640, 480]
        assert np.isnan(content.position.sel(individuals="7")).sum() == 2 * 30
        assert content.attrs.get("fps") == fps


def test_array_beyond_netcdf_is_refused(tmp_path: Path):
    tracking = Tracking(Tracklet(str(n), 0 if n else 3_000_000, np.ones((1, 4))) for n in range(60))
    with pytest.raises(OutputError, match="too many for an array of netCDF"):
        napari_i3d.write_tracking(tmp_path / "a.nc", tracking)


@pytest.mark.parametrize(("name", "format_name"), [("a.h5", None), ("a", None), ("a.txt", "deeplabcut"), ("a", "x")])
def test_unknown_ending_or_format_lists_what_is_written(tmp_path: Path, name: str, format_name: str | None):
    with pytest.raises(OutputError, match="mot") as caught:
        napari_i3d.write_tracking(tmp_path / name, Tracking.from_boxes(BOXES), format=format_name)
    for known in ENDINGS:
        assert known in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ENDINGS)
def test_failed_writing_keeps_the_old_file(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / f"a{ENDINGS[name]}"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OutputError, match="No space left"):
        napari_i3d.write_tracking(path, Tracking.from_boxes(NUMBERS))
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
