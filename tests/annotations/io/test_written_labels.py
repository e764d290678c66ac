"""Exports say what the annotation says, to the readers that other programs have, which cut off, round or count."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers.label_files import N_FRAMES, RATES, bouts_of, frame_times
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.annotations.io.format import AnnotatedVideo
from napari_i3d.annotations.io.reading import read_annotation_file
from napari_i3d.annotations.io.writing import write_annotation
from napari_i3d.errors import OutputError

BEHAVIORS = ("groom", "chase", "rest")


def random_annotation(
    seed: int, individuals: tuple[Any, ...], *, together: bool, n_frames: int = N_FRAMES, touching: bool = False
) -> Annotation:
    """Bouts of at least a frame at random places; `together`: of several behaviors at a time."""
    source = random.Random(seed)
    bouts, assessed = [], {}
    for individual in individuals:
        lines: list[tuple[str, ...]] = [(name,) for name in BEHAVIORS] if together else [BEHAVIORS]
        for names in lines:
            frame = source.randrange(0, 5)
            last = ""
            while frame < n_frames:
                stop = min(frame + source.randrange(1, 40), n_frames)
                name = source.choice([one for one in names if touching or one != last] or list(names))
                if source.random() < 0.6:
                    bouts.append(Bout(individual, name, frame, stop))
                    last = name
                    frame = stop + (0 if touching or len(names) > 1 else 1)
                else:
                    last, frame = "", stop
        edges = sorted(source.sample(range(n_frames + 1), 6))
        assessed[individual] = list(zip(edges[::2], edges[1::2], strict=True))
    ethogram = Ethogram(tuple(Behavior(name, exclusive=not together) for name in BEHAVIORS))
    return Annotation(ethogram, tuple(bouts), assessed, individuals, n_frames=n_frames, fps=25.0)


def video(rate: str = "25", n_frames: int = N_FRAMES) -> AnnotatedVideo:
    times = frame_times(rate, n_frames)
    return AnnotatedVideo("clip.mp4", n_frames, RATES[rate] or float(1 / np.diff(times).mean()), times)


def tables(annotation: Annotation) -> dict[Any, np.ndarray]:
    return {individual: annotation.to_table(individual, 0, N_FRAMES) for individual in annotation.individuals}


@pytest.mark.parametrize("seed", range(10))
def test_deepethogram_reads_its_table(seed: int, tmp_path: Path):
    annotation = random_annotation(seed, ("male",), together=True)
    notes = write_annotation(tmp_path / "clip_labels.csv", annotation, "deepethogram", video())
    frame = pd.read_csv(tmp_path / "clip_labels.csv", index_col=0)
    assert list(frame.columns) == ["background", *BEHAVIORS]
    assert list(frame.index) == list(range(N_FRAMES))
    table = annotation.to_table("male")
    assert np.array_equal(frame.to_numpy()[:, 1:], table)
    background = np.where((table == -1).all(axis=1), -1, (table == 0).all(axis=1))
    assert np.array_equal(frame["background"].to_numpy(), background)
    assert any("a row for each frame, from 0" in note for note in notes)


def test_deepethogram_columns_of_several_individuals(tmp_path: Path):
    annotation = random_annotation(3, ("male", 7), together=True)
    notes = write_annotation(tmp_path / "a.csv", annotation, "deepethogram", video())
    frame = pd.read_csv(tmp_path / "a.csv", index_col=0)
    for individual in ("male", 7):
        own = frame[[f"{name} ({individual})" for name in BEHAVIORS]].to_numpy()
        assert np.array_equal(own, annotation.to_table(individual))
    # The program takes a row as labelled if any of it is.
    assert np.array_equal((frame.to_numpy() == -1).all(axis=1), frame["background"].to_numpy() == -1)
    assert any("not individuals" in note for note in notes)
    male, other = (annotation.to_table(one)[:, 0] != -1 for one in ("male", 7))
    n_partly = int((male != other).sum())
    assert n_partly > 0
    assert any(f"{n_partly} frames assessed of some individuals only" in note for note in notes)
    write_annotation(tmp_path / "b.csv", annotation, "deepethogram", video(), individual=7)
    assert list(pd.read_csv(tmp_path / "b.csv", index_col=0).columns) == ["background", *BEHAVIORS]


@pytest.mark.parametrize("seed", range(10))
def test_jabs_reads_inclusive_ranges(seed: int, tmp_path: Path):
    annotation = random_annotation(seed, (0, 3), together=True)
    write_annotation(tmp_path / "clip.json", annotation, "jabs", video())
    content = json.loads((tmp_path / "clip.json").read_text())
    assert content["file"] == "clip.mp4"
    for individual in (0, 3):
        table = np.full((N_FRAMES, len(BEHAVIORS)), -1)
        for behavior, blocks in content["unfragmented_labels"][str(individual)].items():
            for block in blocks:
                frames = slice(block["start"], block["end"] + 1)
                column = BEHAVIORS.index(behavior)
                assert (table[frames, column] == -1).all()
                table[frames, column] = block["present"]
        shown, assessed = annotation.to_table(individual) == 1, annotation.to_table(individual)[:, 0] != -1
        # JABS judges each behavior apart, so that all frames of a bout are known for it.
        assert np.array_equal(table == 1, shown)
        assert np.array_equal(table == 0, assessed[:, None] & ~shown)


def test_jabs_needs_its_numbers_of_mice(tmp_path: Path):
    several = random_annotation(1, ("male", "female"), together=True)
    with pytest.raises(OutputError, match="numbers from 0, as in JABS' pose file, found male"):
        write_annotation(tmp_path / "a.json", several, "jabs", video())
    notes = write_annotation(tmp_path / "a.json", random_annotation(1, ("male",), together=True), "jabs", video())
    assert any("male is identity 0" in note for note in notes)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seed", range(3))
def test_pympi_reads_the_frames_of_elan(rate: str, seed: int, tmp_path: Path):
    pympi = pytest.importorskip("pympi", reason="pympi-ling is not installed")
    annotation = random_annotation(seed, ("male", 7), together=True)
    write_annotation(tmp_path / "a.eaf", annotation, "elan", video(rate))
    document = pympi.Eaf(str(tmp_path / "a.eaf"))
    times = frame_times(rate)
    assert document.get_linked_files()[0]["RELATIVE_MEDIA_URL"] == "./clip.mp4"
    for individual in annotation.individuals:
        for behavior in BEHAVIORS:
            rows = document.get_annotation_data_for_tier(f"{behavior} ({individual})")
            expected = bouts_of(annotation, individual)[behavior]
            assert {value for *_, value in rows} == {behavior}
            # What a player shows at these times, and one frame before.
            shown = [tuple(int(np.searchsorted(times, ms / 1000, "right")) - 1 for ms in row[:2]) for row in rows]
            assert sorted(shown) == [(start, min(stop, N_FRAMES - 1)) for start, stop in expected]
            if RATES[rate]:
                for reader in (int, round):
                    found = [tuple(reader(ms / 1000 * RATES[rate]) for ms in row[:2]) for row in rows]
                    assert sorted(found) == expected


READERS: dict[str, Callable[[float, dict[str, Any]], int]] = {
    "cut off": lambda time, entry: int(time * entry["fps"]),
    "rounded": lambda time, entry: round(time * entry["fps"]),
    "by share of the video": lambda time, entry: int(time / entry["duration"] * entry["frame"]),
}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("reader", READERS)
def test_activitynet_times_give_frames_to_its_readers(rate: str, reader: str, tmp_path: Path):
    annotation = random_annotation(4, ("male", 7), together=True)
    notes = write_annotation(tmp_path / "a.json", annotation, "activitynet", video(rate))
    database = json.loads((tmp_path / "a.json").read_text())["database"]
    assert set(database) == {"clip_male", "clip_7"}
    for individual in annotation.individuals:
        entry = database[f"clip_{individual}"]
        assert entry["frame"] == N_FRAMES
        found: dict[str, list[tuple[int, int]]] = {name: [] for name in BEHAVIORS}
        for one in entry["annotations"]:
            assert one["label_id"] == BEHAVIORS.index(one["label"])
            start, stop = (READERS[reader](time, entry) for time in one["segment"])
            found[one["label"]].append((start, stop))
        assert found == bouts_of(annotation, individual)
    assert any("rate varies" in note for note in notes) == (rate == "variable")


@pytest.mark.parametrize("fps", [24, 25, 30000 / 1001, 30, 50, 60000 / 1001, 120])
def test_activitynet_hour_of_single_frames(fps: float, tmp_path: Path):
    n_frames = int(fps * 3600)
    starts = list(range(0, n_frames, 19))
    annotation = Annotation(
        bouts=tuple(Bout("m", "x", start, start + 1) for start in starts), n_frames=n_frames, fps=fps
    )
    write_annotation(tmp_path / "a.json", annotation, "activitynet", AnnotatedVideo("clip.mp4", n_frames, fps))
    entry = json.loads((tmp_path / "a.json").read_text())["database"]["clip_m"]
    for reader in READERS.values():
        assert [reader(one["segment"][0], entry) for one in entry["annotations"]] == starts


@pytest.mark.parametrize("seed", range(5))
def test_ms_tcn_reads_lines_and_mapping(seed: int, tmp_path: Path):
    annotation = random_annotation(seed, ("male", 7), together=False)
    notes = write_annotation(tmp_path / "data", annotation, "ms-tcn", video())
    mapping_lines = (tmp_path / "data/mapping.txt").read_text().split("\n")[:-1]
    numbers = {line.split()[1]: int(line.split()[0]) for line in mapping_lines}
    assert numbers == {"background": 0, "groom": 1, "chase": 2, "rest": 3}
    for individual in annotation.individuals:
        lines = (tmp_path / f"data/groundTruth/clip_{individual}.txt").read_text().split("\n")[:-1]
        expected = ["background"] * N_FRAMES
        for behavior, ranges in bouts_of(annotation, individual).items():
            for start, stop in ranges:
                expected[start:stop] = [behavior] * (stop - start)
        assert lines == expected
    missing = sum(int((table[:, 0] == -1).sum()) for table in tables(annotation).values())
    lost = sum(int((table == -1).all(axis=1).sum()) for table in tables(annotation).values())
    assert missing == lost
    assert any(f"{missing} frames not assessed became background" in note for note in notes)


def test_ms_tcn_data_set_that_is_continued_keeps_its_numbers(tmp_path: Path):
    first = Annotation(bouts=(Bout("m", "rest", 0, 9),), n_frames=20)
    write_annotation(tmp_path / "data", first, "ms-tcn", AnnotatedVideo("a.mp4", 20))
    second = Annotation(bouts=(Bout("m", "open field", 0, 9), Bout("m", "rest", 9, 12)), n_frames=20)
    notes = write_annotation(tmp_path / "data", second, "ms-tcn", AnnotatedVideo("b.c.mp4", 20))
    assert (tmp_path / "data/mapping.txt").read_text() == "0 background\n1 rest\n2 open_field\n"
    assert {file.name for file in (tmp_path / "data/groundTruth").iterdir()} == {"a_m.txt", "b_c_m.txt"}
    assert any("open field is open_field" in note for note in notes)


@pytest.mark.parametrize(
    ("bouts", "message"),
    [
        (
            [("groom", 3, 9), ("chase", 8, 12)],
            "m: expected one behavior at a time, found groom and chase in frames 8 to 8",
        ),
        ([("a b", 3, 9), ("a_b", 10, 12)], "two behaviors would have the same label"),
        ([("Background", 3, 9)], "names do not say background"),
    ],
)
def test_ms_tcn_refuses_what_one_label_cannot_say(bouts, message: str, tmp_path: Path):
    annotation = Annotation(bouts=tuple(Bout("m", *bout) for bout in bouts), n_frames=20)
    with pytest.raises(OutputError, match=re.escape(message)):
        write_annotation(tmp_path / "data", annotation, "ms-tcn", AnnotatedVideo("clip.mp4", 20))
    assert not (tmp_path / "data/groundTruth").exists()


KEPT = {"deepethogram": "a.csv", "jabs": "a.json", "elan": "a.eaf", "activitynet": "a.json", "ms-tcn": "data"}


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seed", range(10, 14))
def test_round_trip_keeps_bouts_and_assessed_frames(name: str, rate: str, seed: int, tmp_path: Path):
    individuals: tuple[Any, ...] = {"deepethogram": (5,), "elan": ("", "male", "x & <y>")}.get(name, (0, 12))
    annotation = random_annotation(seed, individuals, together=name != "ms-tcn")
    write_annotation(tmp_path / KEPT[name], annotation, name, video(rate))
    found = read_annotation_file(
        tmp_path / KEPT[name] if name != "ms-tcn" else tmp_path / "data/groundTruth/clip_0.txt",
        video=video(rate),
        individual=5 if name == "deepethogram" else None,
    )
    assert found.format.name == name
    read = found.annotation
    for individual in (0,) if name == "ms-tcn" else individuals:
        own = bouts_of(read, individual)
        assert {behavior: own.get(behavior, []) for behavior in BEHAVIORS} == bouts_of(annotation, individual)
        if name in ("deepethogram", "jabs", "elan"):
            assert read.assessed.get(individual) == annotation.assessed.get(individual)
    assert set(individuals if name != "ms-tcn" else (0,)) == set(read.individuals)


@pytest.mark.parametrize("name", KEPT)
def test_notes_say_what_is_lost(name: str, tmp_path: Path):
    bouts = (Bout("m", "groom", 3, 9, "f", "automated", 0.5, "sure?"), Bout("m", "groom", 9, 12))
    annotation = Annotation(bouts=bouts, n_frames=N_FRAMES)
    notes = " ".join(write_annotation(tmp_path / KEPT[name], annotation, name, video()))
    for part in ("targets", "found by a program", "confidences", "notes of 1 bout"):
        assert part in notes


@pytest.mark.parametrize("name", KEPT)
def test_video_that_is_not_known_is_asked_for(name: str, tmp_path: Path):
    annotation = Annotation(bouts=(Bout("m", "groom", 3, 9),))
    with pytest.raises(OutputError) as error:
        write_annotation(tmp_path / KEPT[name], annotation, name)
    assert "{video}" in error.value.message.hint
    assert not list(tmp_path.iterdir())


def test_elan_refuses_rates_beyond_its_milliseconds(tmp_path: Path):
    annotation = Annotation(bouts=(Bout("m", "groom", 3, 9),), n_frames=N_FRAMES, fps=3000)
    with pytest.raises(OutputError, match="whole milliseconds, which ELAN has"):
        write_annotation(tmp_path / "a.eaf", annotation, "elan")
