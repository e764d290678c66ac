"""Features converted from every layout to every other: rows stay with their frames and individuals.

The oracle is what was written first; in planted rows, the first value is the frame and the second the individual.
"""

import errno
import json
import os
import pickle
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import dlc2action_pieces
from helpers.features import assert_same_features
from napari_i3d import convert_features, learning
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout
from napari_i3d.errors import FeaturesError, NapariI3DError, OutputError, SettingsError
from napari_i3d.extraction.planning.chunks import TrackletChunks
from napari_i3d.features.features import Features
from napari_i3d.features.io import conversion
from napari_i3d.features.io.layouts import export_features
from napari_i3d.features.io.reading import read_features
from napari_i3d.features.io.store import verify_store
from napari_i3d.features.io.writing import write_features
from napari_i3d.features.row_blocks import mapping_of

SPANS = {"male": (0, 249), 7: (40, 179)}
LAYOUTS = {
    "dict": "a.npy",
    "npz": "a.npz",
    "pickle": "a.pickle",
    "store": "a.features",
    "dlc2action": "b.npy",
    "dlc2action-pose": "c.npy",
    "ms-tcn": "d.npy",
    "actionformer": "e.npy",
}


def planted_frames(spans: dict[str | int, tuple[int, int]], width: int = 6) -> Features:
    """Return features with a row for each frame, which begins with the frame and the individual's number."""
    frames = {i: np.arange(first, last + 1, dtype=np.float64) for i, (first, last) in spans.items()}
    rows = {i: np.zeros((len(f), width), np.float32) for i, f in frames.items()}
    for number, individual in enumerate(spans):
        rows[individual][:, 0], rows[individual][:, 1] = frames[individual], number + 1
    return Features(
        rows,
        frames,
        {i: np.clip(f.astype(np.int64) - 3, f[0], f[-1] - 7).astype(np.int64) for i, f in frames.items()},
        {i: first for i, (first, _) in spans.items()},
        {i: last for i, (_, last) in spans.items()},
        25.0,
        {"weights": {"name": "untrained", "trained": False}, "video": {"frames": 260}},
    )


@pytest.fixture
def planted() -> Features:
    return planted_frames(SPANS)


def layout_of(name: str) -> str:
    return "dict" if name in ("npz", "pickle") else name


@pytest.mark.parametrize("source", LAYOUTS)
@pytest.mark.parametrize("target", LAYOUTS)
def test_every_layout_becomes_every_other(planted: Features, tmp_path: Path, source: str, target: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    paths = export_features(tmp_path / "in" / LAYOUTS[source], planted, layout_of(source))
    done = convert_features(paths, tmp_path / "out" / LAYOUTS[target], layout_of(target))
    direct = export_features(tmp_path / LAYOUTS[target], planted, layout_of(target))
    for path, other in zip(done.paths, direct, strict=True):
        for one in sorted(path.iterdir()) if path.is_dir() else [path]:
            assert one.read_bytes() == (other / one.name if path.is_dir() else other).read_bytes()
    assert_same_features(planted, read_joined(list(done.paths)))
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def read_joined(paths: list[Path]) -> Features:
    """Return the features of several files of one video."""
    parts = [read_features(path) for path in paths]
    kept = ("rows", "frames", "chunk_starts", "first_frame", "last_frame")
    joined = [{key: value for part in parts for key, value in getattr(part, name).items()} for name in kept]
    return Features(*joined, parts[0].fps, parts[0].provenance)


def test_float16_store_becomes_float32_and_back(planted: Features, tmp_path: Path) -> None:
    export_features(tmp_path / "a.npy", planted, "dict")
    convert_features(tmp_path / "a.npy", tmp_path / "half.features", store_dtype="float16")
    convert_features(tmp_path / "half.features", tmp_path / "whole.features")
    half, whole = (read_features(tmp_path / name) for name in ("half.features", "whole.features"))
    assert {rows.dtype.name for rows in half.values()} == {"float16"}
    assert_same_features(planted, whole)  # whole numbers below 2048, which float16 holds
    assert not verify_store(tmp_path / "half.features")


def test_progress_of_a_store_counts_its_rows(planted: Features, tmp_path: Path) -> None:
    export_features(tmp_path / "a.npy", planted, "dict")
    steps = list(convert_features.steps(tmp_path / "a.npy", tmp_path / "b.features"))
    assert [(step.done, step.total, step.what) for step in steps] == [
        (len(rows), len(rows), f"writing {individual}") for individual, rows in planted.items()
    ]
    in_pieces = list(convert_features.steps(tmp_path / "b.features", tmp_path / "c.npy", piece_frames=100))
    assert [(step.done, step.total) for step in in_pieces] == [(done, 3) for done in (0, 1, 1, 2, 2, 3)]
    joined = list(convert_features.steps(sorted(tmp_path.glob("c*.npy")), tmp_path / "d.features"))
    total = sum(map(len, planted.values()))
    assert joined[-1].done == joined[-1].total == total
    assert_same_features(planted, read_features(tmp_path / "d.features"))


@pytest.mark.parametrize("piece_frames", [1, 64, 100, 1000])
@pytest.mark.parametrize("layout", ["dict", "dlc2action", "ms-tcn"])
def test_pieces_hold_their_frames_and_join_again(
    planted: Features, tmp_path: Path, layout: str, piece_frames: int
) -> None:
    if piece_frames == 1:
        planted = planted_frames({"male": (3, 9), 7: (5, 7)})
    (folder,) = export_features(tmp_path / "day1.npy", planted, "store")
    done = convert_features(folder, tmp_path / "p.npy", layout, piece_frames=piece_frames)
    for piece in done.pieces:
        assert all(last - first < piece_frames for first, last in ends_of(piece.features).values())
    for path in done.paths:
        for individual, rows in read_features(path).items():
            own = read_features(path)
            np.testing.assert_array_equal(rows[:, 0], own.frames[individual])
            assert set(rows[:, 1]) == {list(planted).index(individual) + 1}
            assert own.first_frame[individual] == rows[0, 0]
            assert own.last_frame[individual] == rows[-1, 0]
    assert sorted(done.paths, key=lambda path: path.name) == list(done.paths) or layout == "ms-tcn"
    convert_features(done.paths[::-1], tmp_path / "again.features")
    again = read_features(tmp_path / "again.features")
    assert {i: mapping_of(rows) is not None for i, rows in again.items()} == {"male": True, 7: True}
    assert_same_features(planted, Features(
        {i: again[i] for i in planted}, *({i: part[i] for i in planted} for part in (
            again.frames, again.chunk_starts, again.first_frame, again.last_frame)), again.fps, again.provenance,
    ))  # fmt: skip


def ends_of(features: Features) -> dict[Any, tuple[int, int]]:
    return {i: (features.first_frame[i], features.last_frame[i]) for i in features}


ANNOTATION = Annotation(
    bouts=(
        Bout("male", "rest", 10, 130),
        Bout("male", "rest", 150, 151),
        Bout("male", "walk", 130, 140),
        Bout(7, "walk", 20, 60),
        Bout(7, "rest", 90, 300),
    ),
    assessed={"male": ((0, 300),), 7: ((0, 300),)},
    n_frames=300,
)


def shows(individual: Any, behavior: str, frame: float) -> int:
    return int(behavior in ANNOTATION.behaviors_at(individual, int(frame)))


def test_labels_of_pieces_are_those_of_their_frames(planted: Features, tmp_path: Path) -> None:
    (folder,) = export_features(tmp_path / "day1.npy", planted, "store")
    done = convert_features(folder, tmp_path / "day1.npy", "dlc2action", piece_frames=64)
    assert "labels need a file for each piece" in str(done.notes[0])
    for piece, path in zip(done.pieces, learning.write_piece_labels(done.pieces, ANNOTATION), strict=True):
        assert path.name == f"{piece.path.stem}_annotation.pickle"
        _, behaviors, animals, times = pickle.loads(path.read_bytes())
        for animal, own in zip(animals, times, strict=True):
            individual = 7 if animal == "ind7" else animal
            first, last = ends_of(piece.features)[individual]
            for behavior, spans in zip(behaviors, own, strict=True):
                labelled = {frame for start, stop, _ in spans for frame in range(start, stop)}
                assert labelled == {f for f in range(first, last + 1) if shows(individual, behavior, f)}


def test_dlc2action_loads_pieces_with_their_frames(planted: Features, tmp_path: Path) -> None:
    python = os.environ.get("NAPARI_I3D_DLC2ACTION")
    if not python:
        pytest.skip("NAPARI_I3D_DLC2ACTION is not set")
    (tmp_path / "data").mkdir()
    (folder,) = export_features(tmp_path / "day1.npy", planted, "store")
    done = convert_features(folder, tmp_path / "data" / "day1.npy", "dlc2action", piece_frames=64)
    learning.write_piece_labels(done.pieces, ANNOTATION)
    names = [path.stem for path in done.paths]
    command = [python, dlc2action_pieces.__file__, tmp_path / "data", *names]
    run = subprocess.run(command, capture_output=True, text=True)
    assert not run.returncode, run.stderr[-3000:]
    found = json.loads(run.stdout)
    assert list(found) == names
    seen: dict[str, list[float]] = {"male": [], "ind7": []}
    for piece in found.values():
        for individual, own in piece.items():
            seen[individual] += own["rows"]
            for behavior, labels in own["labels"].items():
                of = 7 if individual == "ind7" else individual
                assert labels == [shows(of, behavior, frame) for frame in own["rows"]], (individual, behavior)
    assert seen == {"male": list(range(250)), "ind7": list(range(40, 180))}


@pytest.mark.parametrize(
    ("layout", "gigabytes", "words"),
    [
        ("dict", 9.3e-6, "at most 9.3e-06 GB, found 9.[0-9]*e-06 GB; use piece_frames=193 or less"),
        ("dlc2action", 18.7e-6, "use piece_frames=194 or less"),
        ("dlc2action-pose", 24.9e-6, "use layout=.store., or set memory_gb"),
        ("ms-tcn", 5.9e-6, "layout ms-tcn is read into memory as a whole"),
    ],
)
def test_result_larger_than_memory_is_refused_before_writing(
    planted: Features, tmp_path: Path, layout: str, gigabytes: float, words: str
) -> None:
    (folder,) = export_features(tmp_path / "day1.npy", planted, "store")
    with pytest.raises(FeaturesError, match=words):
        convert_features(folder, tmp_path / "out.npy", layout, memory_gb=gigabytes)
    assert [path.name for path in tmp_path.iterdir()] == ["day1.features"]
    convert_features(folder, tmp_path / "out.npy", layout, memory_gb=gigabytes * 1.05)


@pytest.mark.parametrize(
    ("target", "choices", "words"),
    [
        ("a.txt", {}, "needs a file name that ends in .npy or"),
        ("a.npy", {"layout": "store"}, "ends in .features, found a.npy"),
        ("a.npz", {"layout": "dlc2action"}, "let the name end in .npy"),
        ("a.npy", {"layout": "word"}, "expected one of dict, store"),
        ("a.npy", {"store_dtype": "float16"}, "always has float32"),
        ("a.features", {"store_dtype": "int8"}, "expected one of float32, float16"),
        ("a.features", {"piece_frames": 5}, "read without loading it"),
        ("a.npy", {"layout": "dlc2action-pose", "piece_frames": 5}, "pose file of the whole video"),
        ("a.npy", {"piece_frames": 0}, "expected at least 1 frame"),
        ("a.npy", {"memory_gb": float("nan")}, "memory_gb: expected a number of GB above 0, found nan"),
        ("a.npy", {"memory_gb": 0}, "above 0, found 0"),
        ("a.npy", {"layout": "ms-tcn", "save_metadata": True}, "decides by itself"),
        ("day1.features", {"overwrite": True}, "is the source itself"),
        ("no/folder.npy", {}, "no such folder"),
        ("taken.features", {"overwrite": True}, "exists; choose another name"),
        ("old.npy", {}, "exists; use overwrite=True"),
    ],
)
def test_wrong_use_is_refused_before_writing(
    planted: Features, tmp_path: Path, target: str, choices: dict[str, Any], words: str
) -> None:
    (folder,) = export_features(tmp_path / "day1.npy", planted, "store")
    (tmp_path / "taken.features").mkdir()
    (tmp_path / "old.npy").write_bytes(b"old")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises((SettingsError, FeaturesError, OutputError), match=words):
        convert_features(folder, tmp_path / target, **choices)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "old.npy").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("pad", "step", "first", "last"), [(False, 1, 48, 160), (False, 8, 48, 157), (True, 8, 41, 152), (True, 1, 48, 103)]
)
def test_joined_pieces_state_the_whole_tracklet(tmp_path: Path, pad: bool, step: int, first: int, last: int) -> None:
    chunks = TrackletChunks("a", first, last, step, pad)
    rows = np.repeat(chunks.row_starts[:, None], 3, axis=1).astype(np.float32)
    whole = Features({"a": rows}, {"a": chunks.row_frames}, {"a": chunks.row_starts}, {"a": first}, {"a": last}, 25.0)
    write_features(tmp_path / "day1.npy", whole)
    pieces = convert_features(tmp_path / "day1.npy", tmp_path / "piece.npy", piece_frames=50).paths
    assert len(pieces) > 1
    convert_features(pieces[::-1], tmp_path / "joined.features")
    joined = read_features(tmp_path / "joined.features")
    assert (joined.first_frame["a"], joined.last_frame["a"]) == (first, last)
    assert joined.chunk_starts["a"].tolist() == chunks.row_starts.tolist()
    assert np.array_equal(joined["a"], rows)


def test_joined_files_of_unknown_video_are_noted(planted: Features, tmp_path: Path) -> None:
    sources = export_features(tmp_path / "day1.npy", planted, "ms-tcn")
    assert not convert_features(sources, tmp_path / "known.features").notes
    unknown = Features(planted.rows, planted.frames)
    sources = export_features(tmp_path / "old.npy", unknown, "ms-tcn")
    (note,) = convert_features(sources, tmp_path / "unknown.features").notes
    assert "do not state their video" in note.text


def test_sources_that_do_not_fit_are_refused(planted: Features, tmp_path: Path) -> None:
    export_features(tmp_path / "a.npy", planted, "dict")
    other = Features(planted.rows, planted.frames, fps=30.0, provenance=planted.provenance)
    export_features(tmp_path / "b.npy", other, "dict")
    with pytest.raises(FeaturesError, match="same video"):
        convert_features([tmp_path / "a.npy", tmp_path / "b.npy"], tmp_path / "c.npy")
    export_features(tmp_path / "d.npy", planted, "dict")
    with pytest.raises(FeaturesError, match="male: frame 0 is in several of the files"):
        convert_features([tmp_path / "a.npy", tmp_path / "d.npy"], tmp_path / "c.npy")
    export_features(tmp_path / "e.npy", planted, "ms-tcn")
    (tmp_path / "e_male.npy.json").unlink()
    with pytest.raises(FeaturesError, match="made for another program"):
        convert_features(tmp_path / "e_male.npy", tmp_path / "c.npy")


@pytest.mark.parametrize("layout", ["dict", "store", "ms-tcn", "dlc2action"])
@pytest.mark.parametrize("full_after", range(1, 8))
def test_full_disk_leaves_what_was_there(
    planted: Features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str, full_after: int
) -> None:
    (folder,) = export_features(tmp_path / "day1.npy", planted, "store")
    target = tmp_path / ("out.features" if layout == "store" else "out.npy")
    pieces = {"piece_frames": 100} if layout == "dlc2action" else {}
    convert_features(folder, target, layout, **pieces)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    fsync, calls = os.fsync, []

    def fill_up(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) >= full_after:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fill_up)
    try:
        convert_features(folder, target, layout, overwrite=True, **pieces)
        raised = None
    except NapariI3DError as error:
        raised = error
    assert raised is None or "No space left" in str(raised)
    assert raised or full_after > 2
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("stop_at", range(1, 7))
def test_interruption_while_moving_is_undone(
    planted: Features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    (folder,) = export_features(tmp_path / "day1.npy", planted, "store")
    for individual in ("male", 7):
        (tmp_path / f"out_{individual}.npy").write_bytes(b"old")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    rename, calls = Path.rename, []

    def interrupt(self: Path, target: Path) -> Path:
        calls.append(self)
        if len(calls) == stop_at:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(conversion.Path, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt):
        convert_features(folder, tmp_path / "out.npy", "ms-tcn", overwrite=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_folder_of_a_killed_conversion_is_replaced(planted: Features, tmp_path: Path) -> None:
    (folder,) = export_features(tmp_path / "day1.npy", planted, "store")
    (tmp_path / ".out.npy.conversion" / "result").mkdir(parents=True)
    (tmp_path / ".out.npy.conversion" / "result" / "out.npy").write_bytes(b"half")
    convert_features(folder, tmp_path / "out.npy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["day1.features", "out.npy", "out.npy.json"]
    assert_same_features(planted, read_features(tmp_path / "out.npy"))
