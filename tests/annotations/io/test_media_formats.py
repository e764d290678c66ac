"""Times of other programs become the exact frames, at even and at variable rates."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from helpers import label_files
from helpers.label_files import BOUTS, N_FRAMES, RATES, bouts_of, frame_times, time_of
from napari_i3d.annotations.io.format import AnnotatedVideo
from napari_i3d.annotations.io.reading import read_annotation_file
from napari_i3d.errors import AnnotationError

WHOLE: dict[str, Callable[[float], int]] = {"rounded": round, "cut off": int, "rounded up": math.ceil}


def video(rate: str) -> AnnotatedVideo:
    """The video with its true times, which begin late in the file, as they may."""
    return AnnotatedVideo("clip.mp4", N_FRAMES, RATES[rate], frame_times(rate) + 0.08)


def tiers(rate: str) -> list[tuple[str, str | None, list[tuple[float, float, str]]]]:
    times = frame_times(rate)
    return [
        (
            individual,
            None,
            [(time_of(times, a), time_of(times, b), name) for name, own in behaviors.items() for a, b in own],
        )
        for individual, behaviors in BOUTS.items()
    ]


def assert_planted(annotation) -> None:
    assert annotation.individuals == tuple(BOUTS)
    for individual, behaviors in BOUTS.items():
        assert bouts_of(annotation, individual) == {"groom": [], "chase": [], "rest": [], **behaviors}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("whole", WHOLE)
def test_elan_milliseconds_give_the_frame(rate: str, whole: str, tmp_path: Path):
    found = read_annotation_file(label_files.elan(tmp_path / "a.eaf", tiers(rate), WHOLE[whole]), video=video(rate))
    assert found.format.name == "elan"
    assert_planted(found.annotation)
    assert found.annotation.n_frames == N_FRAMES


@pytest.mark.parametrize("rate", ["25", "29.97", "30"])
def test_elan_without_times_uses_the_rate(rate: str, tmp_path: Path):
    found = read_annotation_file(label_files.elan(tmp_path / "a.eaf", tiers(rate)), fps=RATES[rate])
    assert_planted(found.annotation)
    assert any(f"even rate of {RATES[rate]:.6g} frames per second" in note for note in found.notes)


def test_elan_without_any_rate_asks_for_the_video(tmp_path: Path):
    with pytest.raises(AnnotationError, match="times in seconds") as error:
        read_annotation_file(label_files.elan(tmp_path / "a.eaf", tiers("25")))
    assert error.value.message.hint


def test_elan_participants_name_individuals(tmp_path: Path):
    own = [
        ("groom of m1", "m1", [(0.4, 0.8, "groom")]),
        ("chase of m1", "m1", [(0.6, 1.0, "")]),
        ("m2", "", [(0.0, 0.04, "groom")]),
    ]
    found = read_annotation_file(label_files.elan(tmp_path / "a.eaf", own), fps=25)
    assert bouts_of(found.annotation, "m1") == {"groom": [(10, 20)], "chase of m1": [(15, 25)]}
    assert bouts_of(found.annotation, "m2")["groom"] == [(0, 1)]
    assert any("tiers without a participant are taken for individuals: m2" in note for note in found.notes)


def test_elan_known_ids_are_found_by_their_text(tmp_path: Path):
    found = read_annotation_file(
        label_files.elan(tmp_path / "a.eaf", [("7", None, [(0.0, 0.4, "groom")])]), fps=25, individuals=(7,)
    )
    assert found.annotation.individuals == (7,)


def test_elan_video_that_begins_later_is_shifted(tmp_path: Path):
    """TIME_ORIGIN is the time of the video at time 0 of the document."""
    path = label_files.elan(tmp_path / "a.eaf", [("m", None, [(1.0, 2.0, "groom")])], origin_ms=2000)
    found = read_annotation_file(path, fps=25)
    assert bouts_of(found.annotation, "m") == {"groom": [(75, 100)]}
    assert any("2 s before" in note for note in found.notes)


def test_elan_says_what_it_leaves_out(tmp_path: Path):
    dependent = (
        '<TIER LINGUISTIC_TYPE_REF="x" PARENT_REF="m" TIER_ID="d"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a9" '
        'ANNOTATION_REF="a1"><ANNOTATION_VALUE>left</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>'
    )
    path = label_files.elan(
        tmp_path / "a.eaf", [("m", None, [(1.0, 2.0, "groom"), (3.0, 4.0, "rest")])], more=dependent
    )
    path.write_text(path.read_text().replace('TIME_SLOT_ID="ts4" TIME_VALUE="4000"', 'TIME_SLOT_ID="ts4"'))
    found = read_annotation_file(path, fps=25)
    assert bouts_of(found.annotation, "m") == {"groom": [(25, 50)]}
    assert any("left out (m, annotation 2): it has no time of its own" in note for note in found.notes)
    assert any("1 annotation of dependent tiers left out" in note for note in found.notes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"1000"', '"-5"', "ts1: expected a time of a video, found -5 ms"),
        ('"1000"', '"1e3"', "line 2: expected an element of ELAN"),
        ('"1000"', '"' + "9" * 5000 + '"', "line 2: expected an element of ELAN"),
        ('REF2="ts2"', 'REF2="ts9"', "m, annotation 1: its time slot is missing"),
        ('TIME_SLOT_REF2="ts2"', "", "line 2: expected an element of ELAN"),
        ('"milliseconds"', '"PAL-frames"', "expected times in milliseconds, found 'PAL-frames'"),
        ("<HEADER", "<!-- --><!DOCTYPE x><HEADER", "expected XML of ELAN, found something else"),
        ("</TIER>", "", "expected XML of ELAN, found something else"),
        ("groom", "groom\xff", "expected XML of ELAN, found something else"),
        ('"UTF-8"', '"x-none"', "found something else (unknown encoding: x-none)"),
        ('"2000"', '"90000"', "m, annotation 1: expected bouts in the frames of the video"),
    ],
)
def test_elan_damage_is_named(old: str, new: str, message: str, tmp_path: Path):
    path = label_files.elan(tmp_path / "a.eaf", [("m", None, [(1.0, 2.0, "groom")])])
    assert old in path.read_text()
    path.write_bytes(path.read_text().replace(old, new).encode("latin-1"))
    with pytest.raises(AnnotationError, match=re.escape(message)):
        read_annotation_file(path, fps=25, n_frames=N_FRAMES)


ATTRIBUTES = {
    "1": {
        "aname": "TEMPORAL-SEGMENTS",
        "anchor_id": "FILE1_Z2_XY0",
        "type": 4,
        "options": {"g": "groom", "c": "chase", "r": "rest"},
    },
    "2": {"aname": "Individual", "anchor_id": "FILE1_Z2_XY0", "type": 1, "options": {}},
    "3": {"aname": "weather", "anchor_id": "FILE1_Z0_XY0", "type": 1, "options": {}},
}


@pytest.mark.parametrize("rate", RATES)
def test_via3_seconds_give_the_frame(rate: str, tmp_path: Path):
    times = frame_times(rate)
    segments = [
        ("1", time_of(times, start), time_of(times, stop), {"1": name[0], "2": individual})
        for individual, behaviors in BOUTS.items()
        for name, own in behaviors.items()
        for start, stop in own
    ]
    found = read_annotation_file(label_files.via3(tmp_path / "a.json", segments, ATTRIBUTES), video=video(rate))
    assert found.format.name == "via3"
    assert_planted(found.annotation)


def test_via3_boxes_to_check_may_be_several(tmp_path: Path):
    attributes = {"1": {**ATTRIBUTES["1"], "type": 2}}
    path = label_files.via3(
        tmp_path / "a.json", [("1", 0.4, 0.8, {"1": "g,c"}), ("1", 1.0, 1.2, {"1": ""})], attributes
    )
    found = read_annotation_file(path, fps=25, n_frames=N_FRAMES)
    assert bouts_of(found.annotation) == {"groom": [(10, 20)], "chase": [(10, 20)], "rest": []}
    assert any("it has no behavior" in note for note in found.notes)


def test_via3_video_is_chosen_by_name(tmp_path: Path):
    segments = [("1", 0.4, 0.8, {"1": "g"}), ("2", 2.0, 3.0, {"1": "c"})]
    path = label_files.via3(tmp_path / "a.json", segments, {"1": ATTRIBUTES["1"]}, ["other.mp4", "clip.mp4"])
    found = read_annotation_file(path, video=video("25"))
    assert bouts_of(found.annotation)["chase"] == [(50, 75)]
    assert not bouts_of(found.annotation)["groom"]
    with pytest.raises(AnnotationError, match=r"2 videos \(other.mp4, clip.mp4\)"):
        read_annotation_file(path, fps=25)


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        ([-1, 2], "segment 1_0: expected two times in seconds"),
        (["a", 2], "segment 1_0: expected two times in seconds"),
        ([1, 10**400], "segment 1_0: expected two times in seconds"),
        ([1, 900], "segment 1_0: expected bouts in the frames of the video"),
        ([1], "expected segments of a video, found none"),
    ],
)
def test_via3_damage_is_named(segment, message: str, tmp_path: Path):
    path = label_files.via3(tmp_path / "a.json", [("1", 0.4, 0.8, {"1": "g"})], {"1": ATTRIBUTES["1"]})
    content = json.loads(path.read_text())
    content["metadata"]["1_0"]["z"] = segment
    path.write_text(json.dumps(content))
    with pytest.raises(AnnotationError, match=re.escape(message)):
        read_annotation_file(path, fps=25, n_frames=N_FRAMES)


def test_via3_behavior_must_be_one_attribute(tmp_path: Path):
    attributes = {**ATTRIBUTES, "2": {**ATTRIBUTES["2"], "aname": "mood"}}
    path = label_files.via3(tmp_path / "a.json", [("1", 0.4, 0.8, {"1": "g", "2": "x"})], attributes)
    with pytest.raises(
        AnnotationError, match="one attribute of segments for the behavior, found temporal-segments, mood"
    ):
        read_annotation_file(path, fps=25)


def entry(rate: str, behaviors, digits: int = 3, **more) -> dict:
    times = frame_times(rate)
    rows = [
        {
            "label": name,
            "label_id": number,
            "segment": [round(time_of(times, start), digits), round(time_of(times, stop), digits)],
        }
        for number, (name, own) in enumerate(behaviors.items())
        for start, stop in own
    ]
    return {"subset": "training", "duration": time_of(times, N_FRAMES), "annotations": rows, **more}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("digits", [2, 3, 9])
def test_activitynet_seconds_give_the_frame(rate: str, digits: int, tmp_path: Path):
    planted = {name: own for behaviors in BOUTS.values() for name, own in behaviors.items()}
    entries = {"clip": entry(rate, planted, digits), "another": entry(rate, {"other": [(3, 9)]})}
    found = read_annotation_file(label_files.activitynet(tmp_path / "a.json", entries), video=video(rate))
    assert found.format.name == "activitynet"
    assert bouts_of(found.annotation) == planted
    assert any("1 video in the file left out" in note for note in found.notes)


def test_activitynet_entries_of_individuals(tmp_path: Path):
    entries = {"clip_7": entry("25", {"groom": [(5, 9)]}), "clip_male": entry("25", {"rest": [(8, 300)]})}
    found = read_annotation_file(label_files.activitynet(tmp_path / "a.json", entries), video=video("25")).annotation
    assert found.individuals == (7, "male")
    assert bouts_of(found, 7) == {"groom": [(5, 9)], "rest": []}
    assert bouts_of(found, "male") == {"groom": [], "rest": [(8, 300)]}


def test_activitynet_rate_and_frames_of_the_entry(tmp_path: Path):
    path = label_files.activitynet(
        tmp_path / "a.json", {"x": entry("29.97", {"groom": [(5, 399)]}, fps=30000 / 1001, frame=N_FRAMES)}
    )
    found = read_annotation_file(path).annotation
    assert bouts_of(found) == {"groom": [(5, 399)]}
    assert found.n_frames == N_FRAMES
    with pytest.raises(AnnotationError, match="times in seconds"):
        read_annotation_file(label_files.activitynet(path, {"x": entry("29.97", {"groom": [(5, 399)]})}))


def test_activitynet_ambiguous_is_not_assessed(tmp_path: Path):
    path = label_files.activitynet(
        tmp_path / "a.json", {"clip": entry("25", {"groom": [(5, 9)], "Ambiguous": [(20, 50)]})}
    )
    found = read_annotation_file(path, video=video("25")).annotation
    assert list(found.ethogram) == ["groom"]
    assert found.assessed == {"unnamed": ((0, 20), (50, N_FRAMES))}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"annotations": [{"label": "a", "segment": [1]}]}, "clip, annotation 1: expected a label and a segment"),
        ({"annotations": [{"label": "a", "segment": [1, "x"]}]}, "clip, annotation 1: expected a segment of two times"),
        ({"annotations": [{"label": "a", "segment": [-1, 2]}]}, "clip, annotation 1: expected a segment of two times"),
        ({"annotations": [{"label": 5, "segment": [1, 2]}]}, "clip, annotation 1: expected a label and a segment"),
        ({"annotations": [{"label": "a", "segment": [1, 99]}]}, "clip, annotation 1: expected bouts in the frames"),
        ({"annotations": {"a": 1}}, "clip: expected an entry with annotations"),
        ({"fps": "x"}, "clip: expected frames per second, found 'x'"),
        ({"fps": -1}, "clip: expected frames per second"),
        ({"frame": 10**12}, "expected labels of 1 to 100000000 frames"),
        ({"frame": 1.5}, "clip: expected a number of frames"),
    ],
)
def test_activitynet_damage_is_named(change: dict, message: str, tmp_path: Path):
    path = label_files.activitynet(tmp_path / "a.json", {"clip": {**entry("25", {"groom": [(5, 9)]}), **change}})
    with pytest.raises(AnnotationError, match=re.escape(message)):
        read_annotation_file(path, fps=25, n_frames=N_FRAMES)


def test_activitynet_asks_which_of_several_videos(tmp_path: Path):
    path = label_files.activitynet(tmp_path / "a.json", dict.fromkeys("abc", entry("25", {"groom": [(5, 9)]})))
    with pytest.raises(AnnotationError, match=r"3 entries \(a, b, c\); none is called like the video"):
        read_annotation_file(path, video=video("25"))


@pytest.mark.parametrize("fps", [24, 25, 30000 / 1001, 50, 60, 120, 240])
def test_every_frame_of_an_hour_is_found_in_milliseconds(fps: float, tmp_path: Path):
    """Bouts of one frame: rounded times, the most usual, must not move any of them."""
    frames = np.arange(0, int(fps * 3600), 5)[::7]
    rows = [(frame / fps, (frame + 1) / fps, "x") for frame in frames.tolist()]
    found = read_annotation_file(label_files.elan(tmp_path / "a.eaf", [("m", None, rows)]), fps=fps).annotation
    assert bouts_of(found, "m")["x"] == [(frame, frame + 1) for frame in frames.tolist()]
