"""VIA 2 tracks and VIA 3 csv: frames from attributes, names and times; ids; what is refused."""

from pathlib import Path

import pytest

import napari_i3d
from helpers import box_files
from helpers.box_files import (
    BOXES,
    FPS,
    HEIGHT,
    N_FRAMES,
    NAMED,
    VIA3_COMMENTS,
    VIA3_HEADER,
    VIA_HEADER,
    WIDTH,
    assert_boxes,
)
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.io.format import VideoFacts

VIDEO = VideoFacts(WIDTH, HEIGHT, N_FRAMES, FPS)
BOX = (1.0, 2.0, 4.0, 8.0)


def via(tmp_path: Path, *lines) -> Path:
    (tmp_path / "a.csv").write_text(box_files.csv_text(VIA_HEADER, lines))
    return tmp_path / "a.csv"


@pytest.mark.parametrize("name", ["a_0012.png", "a_12.jpg", "12", "day 3/frame12.jpeg"])
def test_frame_is_the_last_number_of_the_file_name(tmp_path: Path, name: str):
    path = via(tmp_path, box_files.via_row(name, {}, BOX, {"track": 5}))
    assert napari_i3d.read_tracking(path)[5].start == 12
    assert napari_i3d.read_tracking(path, base=1)[5].start == 11


def test_stated_frame_wins_over_file_name(tmp_path: Path):
    path = via(tmp_path, box_files.via_row("a_0012.png", {"frame": "42"}, BOX, {"track": "5"}))
    assert napari_i3d.read_tracking(path)[5].start == 42


def test_ids_are_numbers_only_if_all_are(tmp_path: Path):
    path = via(
        tmp_path, *(box_files.via_row(f"{n}.png", {}, BOX, {"track": track}) for n, track in enumerate(["1", "01"]))
    )
    assert list(napari_i3d.read_tracking(path)) == ["1", "01"]


def test_line_without_rectangle_is_left_out(tmp_path: Path):
    path = via(tmp_path, ["3.png", 1, "{}", 0, 0, "{}", "{}"], box_files.via_row("4.png", {}, BOX, {"track": 1}))
    tracking = napari_i3d.read_tracking(path)
    assert_boxes(tracking, {1: {4: BOX}}, 0)
    assert any("1 lines without a rectangle" in note for note in tracking.origin.notes)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (["4.png", 1, "{}", 1, 0, '{"name":"polygon","all_points_x":[1]}', '{"track":1}'], "expected a rectangle"),
        (["4.png", 1, "{}", 1, 0, '{"name":"rect","x":1,"y":1,"width":1}', '{"track":1}'], "expected a rectangle"),
        (["4.png", 1, "{}", 1, 0, '{"name":"rect","x":"1","y":1,"width":1,"height":1}', '{"track":1}'], "rectangle"),
        (["4.png", 1, "{}", 1, 0, '{"name":"rect","x":NaN,"y":1,"width":1,"height":1}', '{"track":1}'], "rectangle"),
        (box_files.via_row("4.png", {}, BOX, {"species": "crab"}), "expected a track"),
        (box_files.via_row("4.png", {}, BOX, [1]), "expected an object of JSON"),
        (box_files.via_row("a.png", {}, BOX, {"track": 1}), "expected the frame in the file attributes"),
        (box_files.via_row("4.png", {"frame": "FOO"}, BOX, {"track": 1}), "expected the frame"),
        (box_files.via_row("4.png", {"frame": 10**12}, BOX, {"track": 1}), "frames that are whole numbers"),
        (box_files.via_row("4.png", {"frame": 10**30}, BOX, {"track": 1}), "expected frames up to"),
        (["4.png", 1, "{}", 1, 0, "[" * 100_000, '{"track":1}'], "expected JSON"),
    ],
)
def test_wrong_line_is_named(tmp_path: Path, line: list, found: str):
    path = via(tmp_path, box_files.via_row("3.png", {}, BOX, {"track": 1}), line)
    with pytest.raises(TrackingError, match=found):
        napari_i3d.read_tracking(path)


def via3(tmp_path: Path, *lines, attribute: str = box_files.VIA3_ATTRIBUTE, header: str = VIA3_HEADER) -> Path:
    text = VIA3_COMMENTS + attribute + header + "\n" + box_files.csv_text([], lines).lstrip("\n")
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    return tmp_path / "a.csv"


def row3(time: float, name: str, **how) -> list:
    return box_files.via3_row(1, [time], [2, 1, 2, 3, 6], {"2": name}, **how)


def test_rate_of_the_video_is_asked_for(tmp_path: Path):
    with pytest.raises(TrackingError, match="give the video, for its frames per second"):
        napari_i3d.read_tracking(box_files.via3(tmp_path / "a.csv", NAMED))


@pytest.mark.parametrize("fps", [25.0, 29.97, 30.0, 59.94, 1000 / 33])
@pytest.mark.parametrize("decimals", [3, 5])
def test_frame_of_rounded_time_is_the_one_that_begins_there(tmp_path: Path, fps: float, decimals: int):
    video = VideoFacts(WIDTH, HEIGHT, 3000, fps)
    frames = [0, 1, 2, 7, 29, 30, 31, 299, 1001, 2999]
    path = via3(tmp_path, *(row3(round(frame / fps, decimals), "x") for frame in frames))
    tracklet = napari_i3d.read_tracking(path, video=video)["x"]
    assert (tracklet.present.nonzero()[0] + tracklet.start).tolist() == frames


def test_time_within_a_frame_is_of_that_frame(tmp_path: Path):
    path = via3(tmp_path, row3(0.58, "x"), row3(0.639, "x"))  # 14.5 and 15.975 frames, of which the last is rounded up
    tracking = napari_i3d.read_tracking(path, video=VIDEO)
    assert (tracking["x"].present.nonzero()[0] + tracking["x"].start).tolist() == [14, 16]
    assert any("1 of 2 times lie between" in note for note in tracking.origin.notes)


OPTIONS = '# ATTRIBUTE = {"2":{"aname":"animal","options":{"0":"male","1":"female"}}}\n'
OLD = '# ATTRIBUTES = {"1":"Comment","2":"name"}\n'


@pytest.mark.parametrize(("attribute", "value", "name"), [(OPTIONS, "1", "female"), (OLD, "x y", "x y"), ("", "4", 4)])
def test_name_comes_from_the_attribute(tmp_path: Path, attribute: str, value: str, name: str | int):
    tracking = napari_i3d.read_tracking(via3(tmp_path, row3(0.2, value), attribute=attribute), video=VIDEO)
    assert_boxes(tracking, {name: {5: BOX}}, 0)


def test_header_edited_in_a_spreadsheet_is_read(tmp_path: Path):
    path = via3(tmp_path, [*row3(0.2, "x"), "", ""], header=VIA3_HEADER + ",,")
    assert_boxes(napari_i3d.read_tracking(path, video=VIDEO), {"x": {5: BOX}}, 0)


def test_segments_and_other_shapes_are_left_out(tmp_path: Path):
    path = via3(
        tmp_path,
        row3(0.2, "x"),
        box_files.via3_row(2, [0.5, 1.5], [], {"1": "walks"}),
        box_files.via3_row(3, [0.5], [1, 5, 5], {"2": "x"}),
    )
    tracking = napari_i3d.read_tracking(path, video=VIDEO)
    assert_boxes(tracking, {"x": {5: BOX}}, 0)
    assert any("2 boxes left out: no rectangle" in note for note in tracking.origin.notes)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([row3(0.2, "x"), row3(0.2, "y", file="other.mp4")], "expected the rectangles of one video"),
        ([box_files.via3_row(1, [0.2], [2, 1, 2, 3, 6], {})], "give the project an attribute called name"),
        ([box_files.via3_row(1, [0.2], [2, 1, 2, 3], {"2": "x"})], r"expected a time and \[2,x,y,width,height\]"),
        ([row3(-5, "x")], "expected times within a video"),
        ([row3(1e12, "x")], "expected times within a video"),
        ([["1", "[]", 0, "[0.2", "[]", "{}"]], "temporal_coordinates: expected JSON"),
        ([box_files.via3_row(1, [0.5, 1.5], [], {"1": "walks"})], "found none"),
    ],
)
def test_wrong_via3_is_named(tmp_path: Path, lines: list, found: str):
    with pytest.raises(TrackingError, match=found):
        napari_i3d.read_tracking(via3(tmp_path, *lines), video=VIDEO)


def test_planted_boxes_of_via2_and_via3_agree(tmp_path: Path):
    first = napari_i3d.read_tracking(box_files.via_tracks(tmp_path / "a.csv", BOXES), video=VIDEO)
    second = napari_i3d.read_tracking(box_files.via3(tmp_path / "b.csv", BOXES), video=VIDEO)
    assert_boxes(second, BOXES, 1e-9)
    assert list(first) == list(second)
