"""What is written for other programs, read by their own code where it is installed, else by plain code from the rules.

The plain code turns seconds into frames as such programs do: by truncation and by rounding.
"""

import csv
import json
import math
import os
import pickle
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import napari_i3d
from helpers import annotation_files as files
from helpers.annotation_files import BOUTS, N_FRAMES, RATES, named, random_bouts
from napari_i3d.annotations.annotation import Annotation, VideoFacts
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.annotations.io.format import AnnotatedVideo
from napari_i3d.annotations.io.formats import WRITTEN
from napari_i3d.errors import OutputError

ENDINGS = {"json": ".json", "csv": ".csv", "boris": ".boris", "nwb": ".nwb"} | {
    "dlc2action": ".pickle",
    "dlc2action-csv": ".csv",
}
Runs = dict[tuple[str, str], list[tuple[int, int]]]


def annotation(bouts: list[tuple[str, str, int, int]] = BOUTS, **more: Any) -> Annotation:
    facts = {"n_frames": N_FRAMES, "fps": 30.0, "video": VideoFacts("clip.mp4", (64, 48))}
    return Annotation(bouts=tuple(Bout(*one) for one in bouts), **(facts | more))


def video(rate: str) -> AnnotatedVideo:
    return AnnotatedVideo("clip.mp4", N_FRAMES, files.nominal_fps(rate), files.frame_times(rate), (64, 48))


def runs(bouts: list[tuple[str, str, int, int]]) -> Runs:
    """Frames of each individual and behavior as ranges; bouts that touch become one."""
    found: Runs = {}
    for who, behavior, start, stop in sorted(bouts):
        own = found.setdefault((who, behavior), [])
        if own and start <= own[-1][1]:
            own[-1] = (own[-1][0], max(stop, own[-1][1]))
        else:
            own.append((start, stop))
    return found


def _needs(name: str) -> None:
    if name == "nwb":
        pytest.importorskip("pynwb")
        pytest.importorskip("ndx_ethogram")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", ENDINGS)
def test_round_trip_keeps_every_frame(name: str, rate: str, seed: int, tmp_path: Path):
    _needs(name)
    bouts = random_bouts(seed)
    path = tmp_path / f"a{ENDINGS[name]}"
    facts = video(rate)
    given = annotation(bouts, fps=facts.fps)
    notes = napari_i3d.write_annotation(path, given, name, facts)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    read = napari_i3d.read_annotation(path, video=facts)
    expected = sorted(bouts)
    if name == "boris":  # cannot hold bouts that touch
        expected = sorted((*key, *span) for key, spans in runs(bouts).items() for span in spans)
        assert any("merged with the one before" in note for note in notes) == (len(expected) < len(bouts))
    assert named(read) == expected
    assert read.n_frames == N_FRAMES
    assert len(notes) >= 1


def test_all_own_writers_are_tested():
    names = {known.name for known in WRITTEN}
    assert set(ENDINGS) <= names


@pytest.mark.parametrize("rate", RATES)
def test_boris_project_gives_exact_frames_to_truncation_and_rounding(rate: str, tmp_path: Path):
    bouts = random_bouts(7, touching=False)
    bouts += [("male", "last", N_FRAMES - 1, N_FRAMES)]
    napari_i3d.write_annotation(tmp_path / "a.boris", annotation(bouts), video=video(rate))
    project = json.loads((tmp_path / "a.boris").read_text())
    (observation,) = project["observations"].values()
    length = observation["media_info"]["length"]["clip.mp4"]
    rules: dict[str, Callable[[float], int]] = {}
    if rate == "variable":
        times = files.frame_times(rate) - files.frame_times(rate)[0]
        rules["on display"] = lambda time: int(np.searchsorted(times, time, side="right")) - 1
    else:
        fps = 30000 / 1001 if rate == "29.97" else float(rate)
        rules["truncated"] = lambda time: int(time * fps)
        rules["rounded"] = lambda time: round(time * fps)
        rules["rounded up from half"] = lambda time: math.floor(time * fps + 0.5)
    for rule in rules.values():
        found, started = [], {}
        for time, who, behavior, modifiers, _, frame in sorted(observation["events"], key=lambda event: event[:3]):
            assert 0 <= time <= length
            assert time == round(time, 3)
            assert modifiers == ""
            if not (rate == "variable" and frame == N_FRAMES):  # a frame that is not there
                assert rule(time) == frame
            if (who, behavior) in started:
                found.append((who, behavior, started.pop((who, behavior)), frame))
            else:
                started[who, behavior] = frame
        assert not started
        assert sorted(found) == sorted(bouts)
    keys = [tuple(event[:3]) for event in observation["events"]]
    assert len(set(keys)) == len(keys)


def test_boris_project_has_what_the_program_asks_for(tmp_path: Path):
    ethogram = Ethogram(
        (Behavior("walk", "w", "#ff0000", "on foot"), Behavior("rest"), Behavior("hum", exclusive=False))
    )
    given = annotation([("male", "walk", 0, 9)], ethogram=ethogram, individuals=("male", "female"))
    napari_i3d.write_annotation(tmp_path / "a.boris", given)
    project = json.loads((tmp_path / "a.boris").read_text())
    behaviors = {one["code"]: one for one in project["behaviors_conf"].values()}
    assert [*behaviors] == ["walk", "rest", "hum"]
    assert behaviors["walk"]["key"] == "w"
    assert [behaviors[name]["excluded"] for name in behaviors] == ["rest", "walk", ""]
    assert {one["type"] for one in behaviors.values()} == {"State event"}
    assert [one["name"] for one in project["subjects_conf"].values()] == ["male", "female"]
    (observation,) = project["observations"].values()
    assert observation["type"] == "MEDIA"
    assert "STOP is the first frame without the behavior" in observation["description"]
    for fact in ("length", "fps", "hasVideo", "hasAudio"):
        assert list(observation["media_info"][fact]) == observation["file"]["1"] == ["clip.mp4"]
    assert napari_i3d.read_annotation(tmp_path / "a.boris").ethogram == ethogram


def test_boris_targets_survive_as_modifiers(tmp_path: Path):
    bouts = [
        Bout("male", "court", 0, 9, target="female", note="a"),
        Bout("male", "court", 9, 12),
        Bout("male", "walk", 1, 2),
    ]
    napari_i3d.write_annotation(tmp_path / "a.boris", Annotation(bouts=tuple(bouts), fps=25.0))
    assert napari_i3d.read_annotation(tmp_path / "a.boris").bouts == tuple(sorted(bouts, key=lambda bout: bout.start))


def test_boris_inclusive_stop_is_the_last_frame(tmp_path: Path):
    bouts = [("a", "walk", 3, 4), ("a", "walk", 7, 9)]
    napari_i3d.write_annotation(tmp_path / "a.boris", annotation(bouts), inclusive=True)
    (observation,) = json.loads((tmp_path / "a.boris").read_text())["observations"].values()
    assert [event[5] for event in observation["events"]] == [3, 3, 7, 8]
    assert [int(event[0] * 30) for event in observation["events"]] == [3, 3, 7, 8]
    assert [round(event[0] * 30) for event in observation["events"]] == [3, 3, 7, 8]
    assert named(napari_i3d.read_annotation(tmp_path / "a.boris", inclusive=True)) == bouts


def test_boris_needs_a_rate(tmp_path: Path):
    with pytest.raises(OutputError, match="expected the video, or its frames per second"):
        napari_i3d.write_annotation(tmp_path / "a.boris", annotation(fps=None))
    napari_i3d.write_annotation(tmp_path / "a.boris", annotation(fps=None), fps=30)
    assert named(napari_i3d.read_annotation(tmp_path / "a.boris")) == sorted(
        (*key, *span) for key, spans in runs(BOUTS).items() for span in spans
    )


def dlc2action_labels(path: Path, first_frame: int = 0) -> dict[str, np.ndarray]:
    """Label of each frame from the first, as the loader's rules have it: labels of several classes, 1 where shown."""
    metadata, labels, animals, times = pickle.loads(path.read_bytes())
    assert metadata["length"] == N_FRAMES
    found = {}
    for animal, own in zip(animals, times, strict=True):
        table = np.zeros((len(labels), N_FRAMES - first_frame))
        for row, spans in enumerate(own):
            for start, end, ambiguity in spans:
                if ambiguity == 0:
                    table[row, start - first_frame : min(end, N_FRAMES) - first_frame] = 1
        found[animal] = dict(zip(labels, table, strict=True))
    return found


def shown(bouts: list[tuple[str, str, int, int]], who: str, behavior: str) -> np.ndarray:
    frames = np.zeros(N_FRAMES)
    for one, name, start, stop in bouts:
        if (one, name) == (who, behavior):
            frames[start:stop] = 1
    return frames


def test_dlc2action_loader_gets_every_frame(tmp_path: Path):
    bouts = random_bouts(11)
    napari_i3d.write_annotation(tmp_path / "a.pickle", annotation(bouts))
    labels = dlc2action_labels(tmp_path / "a.pickle")
    for who, behavior in runs(bouts):
        np.testing.assert_array_equal(labels[who][behavior], shown(bouts, who, behavior))


def test_dlc2action_bouts_before_the_features_are_cut(tmp_path: Path):
    """The loader subtracts the first frame of the features: earlier bouts would label the end of the video."""
    bouts = random_bouts(12)
    path = tmp_path / "a.pickle"
    napari_i3d.write_annotation(path, annotation(bouts))
    uncut = dlc2action_labels(path, 50)
    assert any((uncut[who][name] != shown(bouts, who, name)[50:]).any() for who, name in runs(bouts))
    notes = napari_i3d.write_annotation(path, annotation(bouts), first_frames={"male": 50, "fe,male": 50})
    assert any("bouts before the features of male, fe,male were cut" in note for note in notes)
    labels = dlc2action_labels(path, 50)
    for who, behavior in runs(bouts):
        np.testing.assert_array_equal(labels[who][behavior], shown(bouts, who, behavior)[50:])


def test_dlc2action_names_are_those_of_its_features(tmp_path: Path):
    bouts = (Bout(0, "walk", 0, 4), Bout(12, "walk", 5, 6))
    notes = napari_i3d.write_annotation(tmp_path / "a.pickle", Annotation(bouts=bouts))
    _, _, animals, _ = pickle.loads((tmp_path / "a.pickle").read_bytes())
    assert animals == ["ind0", "ind12"]
    assert any("0 is ind0, 12 is ind12" in note for note in notes)
    assert napari_i3d.read_annotation(tmp_path / "a.pickle", individuals=[0, 12]).individuals == (0, 12)
    with pytest.raises(OutputError, match="expected individuals with different names"):
        napari_i3d.write_annotation(tmp_path / "a.pickle", Annotation(bouts=(*bouts, Bout("ind0", "walk", 0, 4))))


def test_dlc2action_says_what_becomes_background(tmp_path: Path):
    bouts = (Bout("male", "walk", 10, 20),)
    given = Annotation(
        bouts=bouts, assessed={"male": ((0, 60),)}, individuals=("male", "female"), n_frames=100, fps=25.0
    )
    notes = napari_i3d.write_annotation(tmp_path / "a.pickle", given)
    assert "male: 40 frames that nobody assessed become background: DLC2Action cannot tell them apart" in notes
    assert "left out, since no frame was assessed: female" in notes
    assert pickle.loads((tmp_path / "a.pickle").read_bytes())[2] == ["male"]
    notes = napari_i3d.write_annotation(tmp_path / "a.pickle", given, first_frames={"male": 90})
    assert "male: 10 frames that nobody assessed become background: DLC2Action cannot tell them apart" in notes


@pytest.mark.parametrize("name", ["unknown walk", "negative", "unknowns"])
def test_dlc2action_refuses_names_with_another_meaning(name: str, tmp_path: Path):
    with pytest.raises(OutputError, match="do not begin with unknown or negative"):
        napari_i3d.write_annotation(tmp_path / "a.pickle", Annotation(bouts=(Bout("male", name, 10, 20),)))


@pytest.mark.parametrize("rate", RATES)
def test_nwb_is_valid_and_has_the_times(rate: str, tmp_path: Path):
    pynwb = pytest.importorskip("pynwb")
    pytest.importorskip("ndx_ethogram")
    bouts = random_bouts(3)
    path = tmp_path / "a.nwb"
    given = annotation(bouts, annotator="me", fps=files.nominal_fps(rate))
    napari_i3d.write_annotation(path, replace(given, assessed={**given.assessed, "x": ((4, 9),)}), video=video(rate))
    assert not pynwb.validate(path=str(path))
    times = files.frame_times(rate) - files.frame_times(rate)[0]
    with pynwb.NWBHDF5IO(str(path), "r") as stream:
        tables = stream.read().processing["behavior"].data_interfaces
        found = []
        for who in ("male", "fe,male"):
            table = tables[f"{who} manual"]
            assert (table.labeling_method, table.annotator) == ("manual", "me")
            assert list(table.ethogram["behavior"]) == list(dict.fromkeys(one[1] for one in given_order(given)))
            rows = table.to_dataframe()
            for start_s, stop_s, label in zip(rows.start_time, rows.stop_time, rows.label, strict=True):
                frames = np.flatnonzero((times >= start_s - 1e-9) & (times < stop_s - 1e-9))
                found.append((who, label, int(frames[0]), int(frames[-1]) + 1))
        observed = tables["x manual"].observation_intervals.to_dataframe()
        assert [*observed.start_time, *observed.stop_time] == pytest.approx([times[4], times[9]])
    assert sorted(found) == sorted(bouts)


def given_order(one: Annotation) -> list[tuple[Any, str]]:
    return [("", name) for name in one.ethogram]


def test_csv_is_read_by_python(tmp_path: Path):
    bouts = random_bouts(5)
    napari_i3d.write_annotation(tmp_path / "a.csv", annotation(bouts))
    with (tmp_path / "a.csv").open(newline="") as file:
        comment = file.readline()
        rows = list(csv.DictReader(file))
    assert "frames count from 0" in comment
    assert "'stop' is not part of the bout" in comment
    found = [
        (row["individual"], row["behavior"].removeprefix("'"), int(row["start"]), int(row["stop"])) for row in rows
    ]
    assert sorted(found) == sorted(bouts)
    assert not any(text.startswith(("=", "+", "-", "@")) for row in rows for text in row.values())


def test_ending_chooses_the_format(tmp_path: Path):
    names = {"a.json": "napari_i3d annotation", "a.csv": "individual,behavior,start,stop", "a.boris": "behaviors_conf"}
    for name, content in names.items():
        napari_i3d.write_annotation(tmp_path / name, annotation())
        assert content in (tmp_path / name).read_text()
    with pytest.raises(OutputError, match=r"no format that can be written has this ending; written are .*\.boris"):
        napari_i3d.write_annotation(tmp_path / "a.xyz", annotation())
    with pytest.raises(OutputError, match=r"expected one that can be written .*found 'boris-table'"):
        napari_i3d.write_annotation(tmp_path / "a.csv", annotation(), "boris-table")


@pytest.mark.parametrize("name", ENDINGS)
def test_failed_writing_keeps_the_old_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _needs(name)
    path = tmp_path / f"a{ENDINGS[name]}"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OutputError, match="No space left"):
        napari_i3d.write_annotation(path, annotation(), name)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ENDINGS)
def test_annotation_without_bouts_survives(name: str, tmp_path: Path):
    _needs(name)
    path = tmp_path / f"a{ENDINGS[name]}"
    ethogram = Ethogram((Behavior("walk"),))
    given = annotation([], ethogram=ethogram, individuals=("male",), assessed={"male": ((0, N_FRAMES),)})
    napari_i3d.write_annotation(path, given, name)
    read = napari_i3d.read_annotation(path, n_frames=N_FRAMES)
    assert not read.bouts
    if name not in ("csv", "dlc2action-csv"):
        assert (list(read.ethogram), read.individuals) == (["walk"], ("male",))


@pytest.mark.parametrize("name", ENDINGS)
def test_only_the_chosen_individual_is_written(name: str, tmp_path: Path):
    _needs(name)
    path = tmp_path / f"a{ENDINGS[name]}"
    napari_i3d.write_annotation(path, annotation(), name, individual="male")
    assert {one[0] for one in named(napari_i3d.read_annotation(path))} == {"male"}
    with pytest.raises(OutputError, match=r"expected an individual of the annotation \(female, male\), found ant"):
        napari_i3d.write_annotation(path, annotation(), name, individual="ant")


def test_video_of_another_length_is_refused(tmp_path: Path):
    with pytest.raises(OutputError, match="with 600 frames, found one with 500"):
        napari_i3d.write_annotation(tmp_path / "a.json", annotation(), video=AnnotatedVideo("clip.mp4", 500, 25.0))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["csv", "boris"])
def test_ids_of_the_same_text_are_refused(name: str, tmp_path: Path):
    with pytest.raises(OutputError, match="called the same once ids are text"):
        napari_i3d.write_annotation(tmp_path / "a", annotation([(1, "b", 0, 1), ("1", "b", 0, 1)]), name)  # type: ignore[list-item]


@pytest.mark.parametrize("first_frame", [0, 37])
def test_real_dlc2action_gets_every_frame(first_frame: int, tmp_path: Path):
    """Needs `NAPARI_I3D_DLC2ACTION`, a Python with DLC2Action 1.0 in it."""
    python = os.environ.get("NAPARI_I3D_DLC2ACTION")
    if not python:
        pytest.skip("NAPARI_I3D_DLC2ACTION is not set")
    bouts = random_bouts(21)
    individuals = ("male", "fe,male")
    path = tmp_path / "day1_annotation.pickle"
    napari_i3d.write_annotation(path, annotation(bouts), first_frames=dict.fromkeys(individuals, first_frame))
    script = Path(files.__file__).with_name("dlc2action_loader.py")
    command = [python, script, tmp_path, "day1", str(N_FRAMES), str(first_frame), *individuals, "other"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    for (who, behavior), spans in runs(bouts).items():
        expected = [[max(start, first_frame), stop] for start, stop in spans if stop > first_frame]
        assert found[who][behavior] == expected
    assert [found[who]["-100"] for who in (*individuals, "other")] == [0, 0, N_FRAMES - first_frame]


@pytest.mark.parametrize("ending", [".csv", ".tsv"])
@pytest.mark.parametrize("name", ["csv", "dlc2action-csv"])
def test_any_name_survives_tables(name: str, ending: str, tmp_path: Path):
    texts = ["=1+1", "'=1", "'", "''a", "-1", "-x", "+", "@a", 'a,"b";c', "a\tb", " a", "#a", "ä猫"]
    bouts = tuple(Bout(text, "walk", at, at + 1) for at, text in enumerate(texts))
    names = [text for text in texts if text.isprintable() and text == text.strip()]
    bouts += tuple(Bout("male", text, at, at + 1) for at, text in enumerate(names))
    path = tmp_path / f"a{ending}"
    napari_i3d.write_annotation(path, Annotation(bouts=bouts), name)
    read = napari_i3d.read_annotation(path)
    assert named(read) == sorted((bout.individual, bout.behavior, bout.start, bout.stop) for bout in bouts)
    cells = [
        cell for line in path.read_text().splitlines()[1:] for cell in line.split("\t" if ending == ".tsv" else ",")
    ]
    assert not [cell for cell in cells if cell.strip('"').startswith(("=", "+", "@", "-x"))]


def test_everything_but_ranges_survives_csv(tmp_path: Path):
    bouts = (
        Bout("a", "walk", 0, 4, "b", "automated", 0.1 + 0.2, "seen, twice"),
        Bout("a", "walk", 4, 5, None, "curated", 1.0),
    )
    napari_i3d.write_annotation(tmp_path / "a.csv", Annotation(bouts=bouts))
    assert napari_i3d.read_annotation(tmp_path / "a.csv").bouts == bouts
