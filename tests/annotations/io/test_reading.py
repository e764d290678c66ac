"""Planted bouts in files of every format, written by plain code from the rules, are read to the exact frame."""

from collections.abc import Callable
from pathlib import Path

import pytest

import napari_i3d
from helpers import annotation_files as files
from helpers.annotation_files import BOUTS, N_FRAMES, RATES, named
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.annotations.io.format import AnnotatedVideo
from napari_i3d.annotations.io.formats import READ
from napari_i3d.annotations.io.reading import read_annotation_file
from napari_i3d.annotations.io.recognition import is_annotation, recognize
from napari_i3d.errors import AnnotationError

Maker = Callable[[Path, str], Path]


def video(rate: str) -> AnnotatedVideo:
    return AnnotatedVideo("clip.mp4", N_FRAMES, files.nominal_fps(rate), files.frame_times(rate))


def _excel(rows: Callable[[str, bool], list[list[str]]], index: bool) -> Maker:
    def make(folder: Path, rate: str) -> Path:
        return files.write_excel(folder / "a.xlsx", rows(rate, index))

    return make


def _old(folder: Path, rate: str) -> Path:
    path = folder / "a.csv"
    path.write_text("\n".join(files.old_tabular_lines(rate)))
    return path


FRAMES: dict[str, tuple[str, Maker]] = {
    "csv": ("csv", lambda folder, _: files.plain_csv(folder / "a.csv")),
    "csv with semicolons": ("csv", lambda folder, _: files.plain_csv(folder / "a.csv", ";")),
    "csv with tabs": ("csv", lambda folder, _: files.plain_csv(folder / "a.tsv", "\t")),
    "tuple": ("dlc2action", lambda folder, _: files.dlc2action_tuple(folder / "a.pickle")),
    "tuple of lists": ("dlc2action", lambda folder, _: files.dlc2action_tuple(folder / "a.pickle", arrays=False)),
    "dictionary": ("dlc2action", lambda folder, _: files.dlc2action_dictionary(folder / "a.pickle")),
    "dictionary of three": ("dlc2action", lambda folder, _: files.dlc2action_dictionary(folder / "a.pickle", 3)),
    "animal,action": ("dlc2action-csv", lambda folder, _: files.dlc2action_csv(folder / "a.csv")),
    "boris, frames": ("boris", lambda folder, rate: files.boris_project(folder / "a.boris", rate)),
    "tabular, frames": (
        "boris-table",
        lambda folder, rate: files.write_rows(folder / "a.csv", files.tabular_rows(rate, True)),
    ),
    "aggregated, frames": (
        "boris-table",
        lambda folder, rate: files.write_rows(folder / "a.tsv", files.aggregated_rows(rate, True), "\t"),
    ),
    "tabular Excel, frames": ("boris-table", _excel(files.tabular_rows, True)),
}
"""Files that state frames: name of the format and a maker. They need no video."""
TIMES: dict[str, tuple[str, Maker]] = {
    "boris, times": ("boris", lambda folder, rate: files.boris_project(folder / "a.boris", rate, index=False)),
    "tabular, times": (
        "boris-table",
        lambda folder, rate: files.write_rows(folder / "a.csv", files.tabular_rows(rate, False), ";"),
    ),
    "aggregated, times": (
        "boris-table",
        lambda folder, rate: files.write_rows(folder / "a.csv", files.aggregated_rows(rate, False)),
    ),
    "aggregated Excel, times": ("boris-table", _excel(files.aggregated_rows, False)),
    "old tabular": ("boris-table", _old),
}
"""Files that state seconds only."""


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", [*FRAMES, *TIMES])
def test_planted_bouts_are_read_exactly(name: str, rate: str, tmp_path: Path):
    format_name, make = (FRAMES | TIMES)[name]
    path = make(tmp_path, rate)
    assert recognize(path).name == format_name
    read = read_annotation_file(path, video=video(rate))
    assert named(read.annotation) == sorted(BOUTS)
    assert read.annotation.n_frames == N_FRAMES
    assert not [note for note in read.notes if "left out" in note]


@pytest.mark.parametrize("name", FRAMES)
def test_frames_need_no_video(name: str, tmp_path: Path):
    assert named(napari_i3d.read_annotation(FRAMES[name][1](tmp_path, "25"))) == sorted(BOUTS)


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("rate", ["25", "29.97", "30"])
def test_rate_alone_is_enough_for_times(name: str, rate: str, tmp_path: Path):
    path = TIMES[name][1](tmp_path, rate)
    fps = 30000 / 1001 if rate == "29.97" else float(rate)
    read = napari_i3d.read_annotation(path, fps=fps, n_frames=N_FRAMES)
    assert named(read) == sorted(BOUTS)


def test_every_reader_has_a_planted_file():
    """Formats of labels frame by frame have tests of their own."""
    from napari_i3d.annotations.io import boris, dlc2action

    own = {known.name for known in (*boris.FORMATS, *dlc2action.FORMATS) if known.read is not None}
    assert own | {"csv"} == {format_name for format_name, _ in (FRAMES | TIMES).values()} | (
        own & {"dlc2action-predictions"}
    )


@pytest.mark.parametrize(("name", "maker"), (FRAMES | TIMES).items())
def test_file_of_a_longer_video_is_refused_by_place(name: str, maker: tuple[str, Maker], tmp_path: Path):
    path = maker[1](tmp_path, "25")
    short = AnnotatedVideo("clip.mp4", 500, 25.0, files.frame_times("25")[:500])
    with pytest.raises(AnnotationError, match=r"another video|video of 500 frames") as caught:
        napari_i3d.read_annotation(path, video=short)
    assert path.name in str(caught.value)


@pytest.mark.parametrize("name", TIMES)
def test_times_beyond_the_end_by_rounding_are_clipped(name: str, tmp_path: Path):
    """One frame too few in the video: the last bouts end one frame after it."""
    path = TIMES[name][1](tmp_path, "25")
    times = files.frame_times("25")[:-1]
    read = read_annotation_file(path, video=AnnotatedVideo("clip.mp4", N_FRAMES - 1, 25.0, times))
    assert named(read.annotation) == sorted((*one[:3], min(one[3], N_FRAMES - 1)) for one in BOUTS)
    assert any("one frame after the video by rounding" in note for note in read.notes)


def test_frames_beyond_the_end_are_never_clipped(tmp_path: Path):
    path = files.plain_csv(tmp_path / "a.csv")
    with pytest.raises(AnnotationError, match=r"row \d+.*0 to 598.*the last ends with frame 599"):
        napari_i3d.read_annotation(path, n_frames=N_FRAMES - 1)


def test_times_without_any_rate_ask_for_the_video(tmp_path: Path):
    rows = files.tabular_rows("25", False)
    for row in rows[1:]:
        row[8] = "NA"
    path = files.write_rows(tmp_path / "a.csv", rows)
    with pytest.raises(AnnotationError, match="expected the video, or its frames per second"):
        napari_i3d.read_annotation(path)
    assert named(napari_i3d.read_annotation(path, frame_times=files.frame_times("25"))) == sorted(BOUTS)


def test_bouts_of_nobody_go_to_the_named_individual(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("behavior,start,stop\nwalk,3,9\n")
    read = read_annotation_file(path)
    assert named(read.annotation) == [("unnamed", "walk", 3, 9)]
    assert any("1 bout of no individual in the file, given to unnamed" in note for note in read.notes)
    assert named(napari_i3d.read_annotation(path, individual=7)) == [(7, "walk", 3, 9)]


def test_known_ids_replace_their_text(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("individual,behavior,start,stop,target\n7,walk,3,9,8\n9,walk,3,9,\n")
    read = napari_i3d.read_annotation(path, individuals=[7, 8])
    assert [bout.individual for bout in read.bouts] == [7, "9"]
    assert read.bouts[0].target == 8


def test_given_ethogram_keeps_keys_and_order(tmp_path: Path):
    ethogram = Ethogram((Behavior("groom", "g", "#112233"), Behavior("rest")))
    read = read_annotation_file(files.plain_csv(tmp_path / "a.csv"), ethogram=ethogram)
    assert list(read.annotation.ethogram) == ["groom", "rest", "walk", "court"]
    assert read.annotation.ethogram["groom"].color == "#112233"
    assert any("not in the given ethogram, and appended: walk, court" in note for note in read.notes)


def test_other_video_is_named_in_notes(tmp_path: Path):
    facts = AnnotatedVideo("day2.mp4", N_FRAMES, 50.0, files.frame_times("25") / 2)
    read = read_annotation_file(files.boris_project(tmp_path / "a.boris"), video=facts)
    assert any("called clip.mp4, not day2.mp4" in note for note in read.notes)
    assert any("25 frames per second, but this one has 50" in note for note in read.notes)
    assert any("24.0 s, but this one has 12.0 s" in note for note in read.notes)


def test_overlapping_bouts_of_one_behavior_are_merged_and_said(tmp_path: Path):
    path = files.plain_csv(tmp_path / "a.csv", bouts=[("a", "b", 0, 10), ("a", "b", 5, 20), ("a", "b", 20, 21)])
    read = read_annotation_file(path)
    assert named(read.annotation) == [("a", "b", 0, 20), ("a", "b", 20, 21)]
    assert any("1 bout merged with another" in note for note in read.notes)


@pytest.mark.parametrize(("start", "stop"), [(5, 5), (9, 5)])
def test_bout_without_frames_costs_itself_only(start: int, stop: int, tmp_path: Path):
    path = files.plain_csv(tmp_path / "a.csv", bouts=[("a", "b", 0, 4), ("a", "b", start, stop), ("a", "b", 10, 11)])
    read = read_annotation_file(path)
    assert named(read.annotation) == [("a", "b", 0, 4), ("a", "b", 10, 11)]
    assert any(note.startswith("1 item left out (row 3): it ") for note in read.notes)


def test_base_and_ends_can_be_chosen(tmp_path: Path):
    path = files.plain_csv(tmp_path / "a.csv", bouts=[("a", "b", 1, 4)])
    assert named(napari_i3d.read_annotation(path, base=1, inclusive=True)) == [("a", "b", 0, 4)]
    with pytest.raises(AnnotationError, match="base: expected 0, 1 or None"):
        napari_i3d.read_annotation(path, base=2)


@pytest.mark.parametrize("name", ["missing.csv", "empty.csv", "video.txt", "pipe"])
def test_what_is_no_annotation_is_said(name: str, tmp_path: Path):
    import os

    (tmp_path / "empty.csv").touch()
    (tmp_path / "video.txt").write_text("hello\n")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AnnotationError, match=r"expected an annotation|no known annotation format"):
        napari_i3d.read_annotation(tmp_path / name)
    assert not is_annotation(tmp_path / name)


def test_missing_file_suggests_the_nearest(tmp_path: Path):
    files.plain_csv(tmp_path / "day1_labels.csv")
    with pytest.raises(AnnotationError, match=r"is it day1_labels\.csv\?"):
        napari_i3d.read_annotation(tmp_path / "day1_label.csv")


def test_unknown_format_lists_the_known(tmp_path: Path):
    with pytest.raises(AnnotationError, match=r"expected one of .*csv.*found 'elan2'"):
        napari_i3d.read_annotation(files.plain_csv(tmp_path / "a.csv"), format="elan2")
    assert len({known.name for known in READ}) == len(READ)


def test_result_is_an_annotation_of_the_video(tmp_path: Path):
    read = napari_i3d.read_annotation(files.boris_project(tmp_path / "a.boris"), video=video("30"))
    assert isinstance(read, Annotation)
    assert read.video is not None
    assert (read.video.name, read.fps) == ("clip.mp4", 30.0)
    assert read.assessed["male"] == ((0, N_FRAMES),)


def test_excel_files_of_openpyxl_are_read(tmp_path: Path):
    """Shared strings and numbers as the library writes them; more than one sheet."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in files.tabular_rows("25", True):
        book.active.append([float(text) if text.replace(".", "", 1).isdigit() else text for text in row])
    book.active["A1"] = "=1+1"
    book.create_sheet("other").append(["nothing"])
    book.save(tmp_path / "a.xlsx")
    assert named(napari_i3d.read_annotation(tmp_path / "a.xlsx")) == sorted(BOUTS)
