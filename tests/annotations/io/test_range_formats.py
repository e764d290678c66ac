"""Ranges of frames of other programs, read to the exact frame."""

import json
import random
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from helpers import label_files
from helpers.label_files import BOUTS, N_FRAMES, RATES, bouts_of
from napari_i3d.annotations.io.format import AnnotatedVideo
from napari_i3d.annotations.io.reading import read_annotation_file
from napari_i3d.errors import AnnotationError

VIDEO = AnnotatedVideo("clip.mp4", N_FRAMES, 25.0)
STREAM = {"groom": [(0, 1), (7, 30), (200, 301)], "chase": [(30, 60), (399, 400)]}


def test_caltech_rows_are_inclusive_from_1(tmp_path: Path):
    labels = label_files.line_labels(STREAM, "other")
    path = label_files.caltech(tmp_path / "a.txt", [labels], ["groom", "chase", "rest"])
    found = read_annotation_file(path, video=VIDEO)
    assert found.format.name == "caltech"
    assert bouts_of(found.annotation) == {**STREAM, "rest": []}
    assert found.annotation.assessed == {"unnamed": ((0, N_FRAMES),)}
    assert read_annotation_file(path).annotation.n_frames == N_FRAMES


def test_caltech_streams_become_individuals(tmp_path: Path):
    second = {"approach": [(5, 9)]}
    streams = [label_files.line_labels(STREAM, "other"), label_files.line_labels(second, "other")]
    found = read_annotation_file(label_files.caltech(tmp_path / "a.txt", streams, list(STREAM)), video=VIDEO).annotation
    assert found.individuals == ("S1", "S2")
    assert bouts_of(found, "S1") == {**STREAM, "approach": []}
    assert bouts_of(found, "S2") == {"groom": [], "chase": [], "approach": [(5, 9)]}


def test_caltech_rows_of_a_part_leave_the_rest_unassessed(tmp_path: Path):
    rows = "\t11\t20\tother\n\t21\t22\tbite\n"
    text = f"Caltech Behavior Annotator - Annotation File\n\nS1:\tstart\tend\ttype\n-----\n{rows}"
    (tmp_path / "a.txt").write_text(text)
    found = read_annotation_file(tmp_path / "a.txt", video=VIDEO).annotation
    assert found.assessed == {"unnamed": ((10, 22),)}
    assert bouts_of(found) == {"bite": [(20, 22)]}
    assert read_annotation_file(tmp_path / "a.txt").annotation.n_frames is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0 5 bite", "line 5: expected frames from 1 to 100000000, found 0"),
        ("5 x bite", "line 5: expected start, end and type, found '5 x bite'"),
        ("-5 7 bite", "line 5: expected start, end and type"),
        ("5 99999999999999999999 bite", "line 5: expected start, end and type"),
        ("5 999999999 bite", "line 5: expected frames from 1"),
        ("5 401 bite", "line 5: expected bouts in the frames of the video"),
        ("S1: start end type", "line 5: a second stream S1"),
    ],
)
def test_caltech_damage_is_named(row: str, message: str, tmp_path: Path):
    (tmp_path / "a.txt").write_text(
        f"Caltech Behavior Annotator - Annotation File\n\nS1: start end type\n----\n{row}\n"
    )
    with pytest.raises(AnnotationError, match=re.escape(message)):
        read_annotation_file(tmp_path / "a.txt", video=VIDEO)


def test_caltech_row_that_ends_before_it_begins_is_left_out(tmp_path: Path):
    (tmp_path / "a.txt").write_text(
        "Caltech Behavior Annotator - Annotation File\n\nS1: start end type\n----\n9 5 bite\n7 7 bite\n"
    )
    found = read_annotation_file(tmp_path / "a.txt", video=VIDEO)
    assert bouts_of(found.annotation) == {"bite": [(6, 7)]}
    assert any("left out (line 5): it ends before it begins" in note for note in found.notes)


def test_caltech_frames_from_0_can_be_stated(tmp_path: Path):
    (tmp_path / "a.txt").write_text(
        "Caltech Behavior Annotator - Annotation File\n\nS1: start end type\n----\n0 5 bite\n"
    )
    assert bouts_of(read_annotation_file(tmp_path / "a.txt", base=0).annotation) == {"bite": [(0, 6)]}
    assert bouts_of(read_annotation_file(tmp_path / "a.txt", base=0, inclusive=False).annotation) == {"bite": [(0, 5)]}


@pytest.mark.parametrize("rate", ["25", "29.97", "30"])
@pytest.mark.parametrize("seconds", [False, True])
def test_bento_bouts_are_inclusive_from_1(rate: str, seconds: bool, tmp_path: Path):
    fps = RATES[rate]
    assert fps is not None
    path = label_files.bento(tmp_path / "a.annot", BOUTS, fps, seconds)
    found = read_annotation_file(path, video=AnnotatedVideo("clip.mp4", N_FRAMES, fps))
    assert found.format.name == "bento"
    for individual, behaviors in BOUTS.items():
        assert bouts_of(found.annotation, individual) == {"groom": [], "chase": [], "rest": [], **behaviors}
    assert found.annotation.assessed == dict.fromkeys(BOUTS, ((0, N_FRAMES),))


@pytest.mark.parametrize("rate", [25.0, 29.97, 30.0, 59.94, 120.0])
def test_bento_seconds_give_every_frame(rate: float, tmp_path: Path):
    """Bouts of a frame each, over an hour; the number of the frame times the rate must not be cut off."""
    frames = [random.Random(1).randrange(0, 50_000) * 2 for _ in range(2000)]
    ranges = [(frame, frame + 1) for frame in sorted(set(frames))]
    path = label_files.bento(tmp_path / "a.annot", {"Ch1": {"bite": ranges}}, rate, True, 100_001)
    assert bouts_of(read_annotation_file(path).annotation) == {"bite": ranges}


def test_bento_seconds_at_the_next_whole_rate(tmp_path: Path):
    """Its version in Python divides by 30 where the rate is 29.97."""
    ranges = [(frame, frame + 7) for frame in range(0, 50_000, 97)]
    path = label_files.bento(tmp_path / "a.annot", {"Ch1": {"bite": ranges}}, 30, True, 60_000)
    path.write_text(re.sub(r"framerate: .*", "framerate: 29.97", path.read_text()))
    found = read_annotation_file(path)
    assert bouts_of(found.annotation) == {"bite": ranges}
    assert any("at 30 frames per second" in note for note in found.notes)


def test_bento_annotated_part_is_what_was_assessed(tmp_path: Path):
    path = label_files.bento(tmp_path / "a.annot", {"Ch1": {"bite": [(20, 30)]}}, 25)
    text = re.sub(r"start time: .*", "start frame: 11", path.read_text())
    path.write_text(re.sub(r"stop time: .*", "stop frame: 50", text))
    assert read_annotation_file(path, video=VIDEO).annotation.assessed == {"unnamed": ((10, 50),)}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("21\t30", "0\t30", "expected frames from 1 to 100000000, found 0"),
        ("21\t30", "21\tx", "start and stop: expected a number, found 'x'"),
        ("21\t30", "21\tnan", "start and stop: expected a number, found 'nan'"),
        ("21\t30", "1e300\t30", "expected a frame or time of a video, found 1e+300"),
        ("21\t30", "21\t500", "expected bouts in the frames of the video"),
        (">bite", "", "expected '>' and a behavior before its bouts"),
        ("framerate: 25", "framerate: 0", "expected a framerate"),
    ],
)
def test_bento_damage_is_named(old: str, new: str, message: str, tmp_path: Path):
    path = label_files.bento(tmp_path / "a.annot", {"Ch1": {"bite": [(20, 30)]}}, 25)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(AnnotationError, match=re.escape(message)):
        read_annotation_file(path, video=VIDEO)


def test_jabs_ends_are_inclusive_from_0(tmp_path: Path):
    blocks = {
        "0": {"Walk": [(0, 10, True), (10, 40, False), (399, 400, True)], "Turn": [(0, 40, False), (399, 400, False)]},
        "3": {"Walk": [(50, 60, True)]},
    }
    found = read_annotation_file(label_files.jabs(tmp_path / "clip.json", blocks), video=VIDEO)
    assert found.format.name == "jabs"
    assert found.annotation.individuals == (0, 3)
    assert bouts_of(found.annotation, 0) == {"Walk": [(0, 10), (399, 400)], "Turn": []}
    assert bouts_of(found.annotation, 3) == {"Walk": [(50, 60)], "Turn": []}
    assert found.annotation.assessed == {0: ((0, 40), (399, 400)), 3: ((50, 60),)}


def test_jabs_frames_judged_for_one_behavior_only(tmp_path: Path):
    """Nobody looked for turns in frames 100 to 199: what is not labelled must not become not shown."""
    blocks = {"0": {"Walk": [(0, 20, True), (100, 200, False)], "Turn": [(10, 50, False), (60, 70, True)]}}
    found = read_annotation_file(label_files.jabs(tmp_path / "clip.json", blocks), video=VIDEO)
    assert found.annotation.assessed == {0: ((0, 20), (60, 70))}
    assert any("0: 130 frames without a bout, judged for some" in note for note in found.notes)


def test_jabs_none_says_that_nothing_is_shown(tmp_path: Path):
    blocks = {"0": {"None": [(20, 40, True)], "Walk": [(0, 20, True)]}, "1": {"None": [(5, 9, True)]}}
    found = read_annotation_file(label_files.jabs(tmp_path / "clip.json", blocks), video=VIDEO)
    assert list(found.annotation.ethogram) == ["Walk"]
    assert found.annotation.assessed == {0: ((0, 40),), 1: ((5, 9),)}


def test_jabs_says_what_it_leaves_out(tmp_path: Path):
    path = label_files.jabs(
        tmp_path / "clip.json",
        {"0": {"Walk": [(0, 20, True)]}},
        annotations=[{"start": 1, "end": 2, "tag": "note", "color": "#ffffff"}],
        external_identities={"0": 1234},
    )
    notes = read_annotation_file(path, video=VIDEO).notes
    assert any("1 mark of the time line left out" in note for note in notes)
    assert any("0 is 1234" in note for note in notes)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"start": -1, "end": 5, "present": True}, "0, Walk, range 1: expected frames from 0 to 100000000, found -1"),
        ({"start": 9, "end": 5, "present": True}, "0, Walk, range 1: expected start before end, found 9 and 5"),
        ({"start": 0, "end": 400, "present": True}, "0, Walk, range 1: expected frames of the file's 400, found 400"),
        ({"start": 0.5, "end": 5, "present": True}, "0, Walk, range 1: expected start, end and present"),
        ({"start": True, "end": 5, "present": True}, "0, Walk, range 1: expected start, end and present"),
        ({"start": 0, "end": 10**30, "present": True}, "0, Walk, range 1: expected frames from 0"),
        ({"start": 0, "end": 5}, "0, Walk, range 1: expected start, end and present"),
        ([0, 5], "0, Walk, range 1: expected start, end and present"),
    ],
)
def test_jabs_damage_is_named(block, message: str, tmp_path: Path):
    path = label_files.jabs(tmp_path / "clip.json", {"0": {"Walk": []}})
    content = json.loads(path.read_text())
    content["unfragmented_labels"]["0"]["Walk"] = [block]
    path.write_text(json.dumps(content))
    with pytest.raises(AnnotationError, match=re.escape(message)):
        read_annotation_file(path, video=VIDEO)


FLIES = {1: [(0, 1, "groom"), (7, 30, "groom"), (30, 50, "None"), (399, 400, "groom")], 4: [(100, 200, "None")], 5: []}


@pytest.mark.parametrize("kind", ["version 5", "version 7.3", "project"])
def test_jaaba_frames_from_1_with_t1s_after_the_last(kind: str, tmp_path: Path):
    path = tmp_path / ("clip.jab" if kind == "project" else "labels.mat")
    if kind == "version 7.3":
        label_files.jaaba_hdf5(path, FLIES)
    else:
        label_files.jaaba(path, FLIES, project=kind == "project")
    found = read_annotation_file(path, video=VIDEO)
    assert found.format.name == "jaaba"
    assert found.annotation.individuals == (1, 4, 5)
    assert bouts_of(found.annotation, 1) == {"groom": [(0, 1), (7, 30), (399, 400)]}
    assert not found.annotation.of(4)
    assert found.annotation.assessed == {1: ((0, 1), (7, 50), (399, 400)), 4: ((100, 200),)}


def test_jaaba_names_of_behaviors_not_shown(tmp_path: Path):
    flies = {1: [(0, 9, "Lift"), (9, 20, "No_Lift"), (0, 15, "No_Grab"), (40, 50, "No_Grab")]}
    found = read_annotation_file(label_files.jaaba(tmp_path / "labels.mat", flies), video=VIDEO)
    assert bouts_of(found.annotation, 1) == {"Lift": [(0, 9)]}
    assert any("judged for some of the behaviors only" in note for note in found.notes)
    assert found.annotation.assessed == {1: ((0, 15),)}


def test_jaaba_project_needs_the_name_of_the_video(tmp_path: Path):
    path = label_files.jaaba(tmp_path / "a.jab", FLIES, project=True)
    with pytest.raises(AnnotationError, match=r"2 experiments \(other, clip\)"):
        read_annotation_file(path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(-1, 5, "groom")], "fly 1, range 1: expected frames from 1 to 100000000, found 0"),
        ([(5, 5, "groom")], "fly 1, range 1: expected t0s before t1s, found 6 and 6"),
        ([(5.5, 9, "groom")], "fly 1, range 1: expected whole frames and a name, found 6.5, 10.0 and groom"),
        ([(5, float("nan"), "groom")], "fly 1, range 1: expected whole frames and a name"),
        ([(5, float("inf"), "groom")], "fly 1, range 1: expected whole frames and a name"),
        ([(5, 10**12, "groom")], "fly 1, range 1: expected frames from 1"),
        ([(5, 401, "groom")], "fly 1, range 1: expected bouts in the frames of the video"),
        ([(5, 9, "None")], "expected ranges of a behavior, found None only"),
    ],
)
@pytest.mark.parametrize("newer", [False, True])
def test_jaaba_damage_is_named(rows, message: str, newer: bool, tmp_path: Path):
    make = label_files.jaaba_hdf5 if newer else label_files.jaaba
    with pytest.raises(AnnotationError, match=re.escape(message)):
        read_annotation_file(make(tmp_path / "labels.mat", {1: rows}), video=VIDEO)


def test_jaaba_project_of_classes_says_what_to_save(tmp_path: Path):
    """Projects hold an object of a class of JAABA's, which is stored in no way that is known."""
    flags = struct.pack("<IIII", 6, 8, 17, 0)
    names = b"".join(
        struct.pack("<II", 1, len(name)) + name.ljust(16, b"\0")[: -(-len(name) // 8) * 8]
        for name in (b"x", b"MCOS", b"Macguffin")
    )
    element = flags + names
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "a.jab").write_bytes(head + struct.pack("<II", 14, len(element)) + element)
    with pytest.raises(AnnotationError, match="or a project with labels, found neither") as error:
        read_annotation_file(tmp_path / "a.jab")
    assert "save the labels in JAABA" in error.value.message.hint


def test_jaaba_counts_that_do_not_fit_are_refused(tmp_path: Path):
    import scipy.io

    path = label_files.jaaba(tmp_path / "labels.mat", {1: [(0, 5, "groom")], 2: [(3, 9, "groom")]})
    content = {key: value for key, value in scipy.io.loadmat(path).items() if not key.startswith("_")}
    scipy.io.savemat(path, {**content, "t1s": content["t1s"][:, :1]})
    with pytest.raises(AnnotationError, match="fly 2: expected as many t0s, t1s and names, found 1, 0 and 1"):
        read_annotation_file(path)
    scipy.io.savemat(path, {**content, "flies": np.array([[1.0]])})
    with pytest.raises(AnnotationError, match="expected a fly for each of 2 entries, found 1"):
        read_annotation_file(path)
