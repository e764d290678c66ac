"""What is special in files of BORIS: unpaired events, points, modifiers, several observations, offsets, old tables."""

import json
from pathlib import Path
from typing import Any

import pytest

import napari_i3d
from helpers import annotation_files as files
from helpers.annotation_files import BOUTS, N_FRAMES, named
from napari_i3d.annotations.ethogram import Behavior
from napari_i3d.annotations.io.format import AnnotatedVideo
from napari_i3d.annotations.io.reading import read_annotation_file
from napari_i3d.errors import AnnotationError

PAIR = [[1.0, "a", "walk", "", "", 25], [2.0, "a", "walk", "", "", 50]]


def project(folder: Path, events: list[Any], **changes: Any) -> Path:
    return files.boris_project(folder / "a.boris", events=events, **changes)


def table(folder: Path, events: list[list[str]]) -> Path:
    """Rows of time, subject, behavior, kind, frame."""
    rows = [["Time", "Subject", "Behavior", "Behavior type", "Image index"], *events]
    return files.write_rows(folder / "a.csv", rows)


@pytest.mark.parametrize(
    ("events", "place", "why"),
    [
        ([*PAIR, [3.0, "a", "walk", "", "", 75]], "event 3", "START without STOP"),
        ([[3.0, "a", "court", "", "", 75], *PAIR], "event 1", "START without STOP"),
    ],
)
def test_unpaired_event_of_a_project_costs_itself(events: list[Any], place: str, why: str, tmp_path: Path):
    read = read_annotation_file(project(tmp_path, events))
    assert named(read.annotation) == [("a", "walk", 25, 50)]
    assert f"1 item left out ({place}): {why}" in read.notes


@pytest.mark.parametrize(
    ("kinds", "expected", "dropped"),
    [
        ("START STOP START", [(0, 1)], {"START without STOP": "row 4"}),
        ("STOP START STOP", [(1, 2)], {"STOP without START": "row 2"}),
        ("START START STOP", [(1, 2)], {"START without STOP": "row 2"}),
        ("START STOP STOP START STOP", [(0, 1), (3, 4)], {"STOP without START": "row 4"}),
    ],
)
def test_unpaired_event_of_a_table_costs_itself(
    kinds: str, expected: list[tuple[int, int]], dropped: dict[str, str], tmp_path: Path
):
    events = [[str(n), "a", "walk", kind, str(n * 10)] for n, kind in enumerate(kinds.split())]
    read = read_annotation_file(table(tmp_path, events))
    assert named(read.annotation) == [("a", "walk", start * 10, stop * 10) for start, stop in expected]
    for why, place in dropped.items():
        assert f"1 item left out ({place}): {why}" in read.notes


def test_points_become_bouts_of_one_frame(tmp_path: Path):
    events = [["1", "a", "peep", "POINT", "25"], ["1", "a", "walk", "START", "25"], ["2", "a", "walk", "STOP", "50"]]
    read = read_annotation_file(table(tmp_path, events))
    assert named(read.annotation) == [("a", "peep", 25, 26), ("a", "walk", 25, 50)]
    assert "1 event without duration became bouts of one frame" in read.notes
    path = project(tmp_path, [[1.0, "a", "groom", "", "", 25], *PAIR])
    content = json.loads(path.read_text())
    content["behaviors_conf"]["2"]["type"] = "Point event"
    path.write_text(json.dumps(content))
    assert named(napari_i3d.read_annotation(path)) == [("a", "groom", 25, 26), ("a", "walk", 25, 50)]


def test_modifiers_tell_bouts_apart_and_become_notes(tmp_path: Path):
    events = [
        [0.0, "a", "walk", "fast|None", "", 0],
        [1.0, "a", "walk", "slow|left", "look", 25],
        [2.0, "a", "walk", "fast|None", "", 50],
        [3.0, "a", "walk", "slow|left", "", 75],
    ]
    read = napari_i3d.read_annotation(project(tmp_path, events))
    # They overlap: one behavior of one individual is shown or not.
    assert [(bout.start, bout.stop, bout.note) for bout in read.bouts] == [
        (0, 75, "modifiers: fast; modifiers: slow, left; look")
    ]


def test_no_subject_is_nobody(tmp_path: Path):
    events = [[1.0, "", "walk", "", "", 25], [2.0, "", "walk", "", "", 50]]
    assert named(napari_i3d.read_annotation(project(tmp_path, events))) == [("unnamed", "walk", 25, 50)]
    rows = [["1", "No focal subject", "walk", "START", "25"], ["2", "No focal subject", "walk", "STOP", "50"]]
    read = napari_i3d.read_annotation(table(tmp_path, rows), individual="male")
    assert named(read) == [("male", "walk", 25, 50)]


def test_time_offset_is_subtracted(tmp_path: Path):
    events = [[time + 100.5, *rest[:4], "NA"] for time, *rest in PAIR]
    path = project(tmp_path, events, **{"time offset": 100.5})
    assert named(napari_i3d.read_annotation(path)) == [("a", "walk", 25, 50)]
    rows = files.tabular_rows("25", False)
    for row in rows[1:]:
        row[6], row[15] = "7.5", f"{float(row[15]) + 7.5:.3f}"
    assert named(napari_i3d.read_annotation(files.write_rows(tmp_path / "b.csv", rows))) == sorted(BOUTS)


def test_stop_may_belong_to_the_bout(tmp_path: Path):
    read = read_annotation_file(project(tmp_path, PAIR), inclusive=True)
    assert named(read.annotation) == [("a", "walk", 25, 51)]
    assert "the frame of STOP belongs to the bout" in read.notes
    assert "the frame of STOP does not belong to the bout" in read_annotation_file(project(tmp_path, PAIR)).notes


def test_ethogram_keeps_keys_colors_and_descriptions(tmp_path: Path):
    path = files.boris_project(tmp_path / "a.boris")
    read = napari_i3d.read_annotation(path)
    assert read.ethogram["walk"] == Behavior("walk", "W", "#ff0000", "it does walk", exclusive=False)
    assert read.individuals == ("male", "female", "nobody's")
    assert "nobody's" not in read.assessed
    content = json.loads(path.read_text())
    content["behaviors_conf"]["0"] |= {"excluded": "court", "key": "F1", "color": "red"}
    content["behaviors_conf"]["1"] |= {"key": "G"}
    path.write_text(json.dumps(content))
    read = napari_i3d.read_annotation(path)
    assert read.ethogram["walk"] == Behavior("walk", "", "", "it does walk", exclusive=True)
    # Two behaviors may have the same key there, not here.
    assert [one.key for one in read.ethogram.values()] == ["", "G", ""]


def test_observation_is_chosen_by_its_video(tmp_path: Path):
    path = files.boris_project(tmp_path / "a.boris")
    content = json.loads(path.read_text())
    second = json.loads(json.dumps(content["observations"]["first visit"]).replace("clip.mp4", "other.mp4"))
    second["events"] = PAIR
    content["observations"]["second"] = second
    content["observations"]["live"] = {"type": "LIVE", "events": []}
    path.write_text(json.dumps(content))
    with pytest.raises(AnnotationError, match=r"expected one observation, found 2 \(first visit, second\)"):
        napari_i3d.read_annotation(path)
    clip = AnnotatedVideo("clip.avi", N_FRAMES, 25.0, files.frame_times("25"))
    assert named(napari_i3d.read_annotation(path, video=clip)) == sorted(BOUTS)
    other = AnnotatedVideo("other.mp4", N_FRAMES, 25.0, files.frame_times("25"))
    assert named(napari_i3d.read_annotation(path, video=other)) == [("a", "walk", 25, 50)]
    third = AnnotatedVideo("third.mp4", N_FRAMES, 25.0, files.frame_times("25"))
    with pytest.raises(AnnotationError, match="expected one observation of the video third, found 2"):
        napari_i3d.read_annotation(path, video=third)


def test_observation_in_a_table_is_chosen_by_its_video(tmp_path: Path):
    rows = files.tabular_rows("25", True)
    more = [["second", *row[1:16], "other.mp4", *row[17:]] for row in rows[1:3]]
    path = files.write_rows(tmp_path / "a.csv", [*rows, *more])
    with pytest.raises(AnnotationError, match=r"expected one observation, found 2 \(first visit, second\)"):
        napari_i3d.read_annotation(path)
    clip = AnnotatedVideo("clip.mp4", N_FRAMES, 25.0, files.frame_times("25"))
    assert named(napari_i3d.read_annotation(path, video=clip)) == sorted(BOUTS)


def test_videos_one_after_another_are_refused(tmp_path: Path):
    path = project(tmp_path, PAIR, file={"1": ["a.mp4", "b.mp4"]})
    with pytest.raises(AnnotationError, match=r"expected one video, found 2, one after another \(a.mp4, b.mp4\)"):
        napari_i3d.read_annotation(path)


@pytest.mark.parametrize("kind", ["LIVE", "IMAGES"])
def test_observation_without_video_is_refused(kind: str, tmp_path: Path):
    with pytest.raises(AnnotationError, match="expected an observation of a video"):
        napari_i3d.read_annotation(project(tmp_path, PAIR, type=kind))


@pytest.mark.parametrize("kind", ["Live observation", "From pictures", "From directories of images"])
def test_table_without_video_is_refused(kind: str, tmp_path: Path):
    rows = files.tabular_rows("25", True)
    for row in rows[1:]:
        row[4] = kind
    with pytest.raises(AnnotationError, match=f"expected an observation of a video, found '{kind}'"):
        napari_i3d.read_annotation(files.write_rows(tmp_path / "a.csv", rows))


def test_variable_rate_takes_times_not_indices(tmp_path: Path):
    """The player numbers frames as if the rate were even."""
    events = [[files.time_of(frame, "variable"), "a", "walk", "", "", frame + 40] for frame in (100, 200)]
    path = project(tmp_path, events)
    facts = AnnotatedVideo("clip.mp4", N_FRAMES, 15.2, files.frame_times("variable"))
    read = read_annotation_file(path, video=facts)
    assert named(read.annotation) == [("a", "walk", 100, 200)]
    assert any("the frame rate of the video varies" in note for note in read.notes)


def test_index_far_from_its_time_is_said(tmp_path: Path):
    events = [[1.0, "a", "walk", "", "", 30], [2.0, "a", "walk", "", "", 50]]
    read = read_annotation_file(project(tmp_path, events))
    assert named(read.annotation) == [("a", "walk", 30, 50)]
    assert any("1 event whose time is more than a frame from its Image index" in note for note in read.notes)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_table_of_any_encoding_is_read(encoding: str, tmp_path: Path):
    events = [["1,0", "Mäuschen", "läuft", "START", "25"], ["2,0", "Mäuschen", "läuft", "STOP", "50"]]
    rows = [["Time", "Subject", "Behavior", "Behavior type", "Image index"], *events]
    path = files.write_rows(tmp_path / "a.csv", rows, ";", encoding)
    read = read_annotation_file(path)
    assert named(read.annotation) == [("Mäuschen", "läuft", 25, 50)]
    assert any("not in UTF-8" in note for note in read.notes) == (encoding == "cp1252")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (["nan", "a", "walk", "START", ""], "row 2: expected a time or the number of a frame"),
        (["soon", "a", "walk", "START", ""], "row 2: time: expected a number, found 'soon'"),
        (["-5", "a", "walk", "START", ""], "row 2: expected times from 0 seconds, found -5"),
        (["inf", "a", "walk", "START", ""], "row 2: time: expected a number"),
        (["1", "a", "walk", "START", "-3"], "row 2: image index: expected the number of a frame"),
        (["1", "a", "walk", "BEGIN", "3"], "row 2: expected START, STOP, POINT or STATE, found 'BEGIN'"),
    ],
)
def test_impossible_row_is_named(row: list[str], reason: str, tmp_path: Path):
    with pytest.raises(AnnotationError, match=reason):
        napari_i3d.read_annotation(table(tmp_path, [row, ["9", "a", "walk", "STOP", ""]]), fps=25)


@pytest.mark.parametrize("time", ["NaN", "1e999", '"1"', "null", "-1"])
def test_impossible_time_of_a_project_is_named(time: str, tmp_path: Path):
    path = project(tmp_path, [[123456, "a", "walk", "", "", "NA"], [9.0, "a", "walk", "", "", "NA"]])
    path.write_text(path.read_text().replace("123456", time))
    with pytest.raises(AnnotationError, match="event 1: expected"):
        napari_i3d.read_annotation(path)
