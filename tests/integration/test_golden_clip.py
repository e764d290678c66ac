"""Features of the golden clip, by the library and by the command, against those that `golden/make.py` computed.

The clip has two individuals, one of which begins late and has a gap; the numbers come from a plain loop over chunks and
the published network spelled out in float64. Also the bytes of files written from fixed features.
"""

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import napari_i3d
from helpers import TESTS
from helpers.batches import facts_of
from napari_i3d.backbones.i3d.untrained import blobs_sha256, untrained_blobs
from napari_i3d.cli.main import main
from napari_i3d.tracking.gaps import resolve_gaps

GOLDEN = TESTS / "golden"
COLUMNS = slice(None, None, 16)


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN / "features.npz") as archive:
        return dict(archive)


def assert_golden(golden: dict[str, np.ndarray], case: str, found) -> None:
    """Compare the individuals and rows of a case; the ids of the golden arrays are text."""
    expected = {name.partition("/")[2]: rows for name, rows in golden.items() if name.startswith(f"{case}/")}
    assert {str(individual) for individual in found} == set(expected)
    for individual, rows in found.items():
        right = expected[str(individual)]
        assert rows.shape == (len(right), 2048)
        assert np.abs(rows[:, COLUMNS] - right).max() <= 1e-5 * np.abs(right).max(), individual


def test_untrained_weights_are_the_golden_ones() -> None:
    facts = json.loads((GOLDEN / "facts.json").read_text())
    assert blobs_sha256(untrained_blobs()) == facts["weights_sha256"]


def test_golden_rows_tell_neighbors_apart(golden) -> None:
    """Rows of neighboring chunks and of the two individuals differ by more than the tolerance."""
    rows = np.concatenate([golden["plain/disc"], golden["plain/7"]])
    for number, row in enumerate(rows):
        others = np.delete(rows, number, axis=0)
        assert np.abs(others - row).max(axis=1).min() > 1e-3 * np.abs(rows).max()


@pytest.mark.parametrize(
    ("case", "gaps", "choices"),
    [
        ("plain", "interpolate", {"frequency": 3}),
        ("split-padded", "split", {"frequency": 4, "pad": True, "sample_mode": "center_crop"}),
        ("oversample", "interpolate", {"frequency": 12, "sample_mode": "oversample", "normalization": "kinetics"}),
        ("resized", "interpolate", {"frequency": 5, "video_size": (128, 100)}),
    ],
)
def test_library_gives_the_golden_features(golden, case: str, gaps: str, choices: dict) -> None:
    tracking = resolve_gaps(napari_i3d.read_tracking(GOLDEN / "clip_tracks.pickle"), gaps)
    if size := choices.get("video_size"):
        scale = np.array([size[0] / 96, size[1] / 72] * 2)
        tracking = napari_i3d.Tracking(
            napari_i3d.Tracklet(one.id, one.start, one.boxes * scale) for one in tracking.values()
        )
    features = napari_i3d.extract_features(
        GOLDEN / "clip.mkv",
        tracking,
        settings=napari_i3d.ExtractionSettings(**choices),
        weights="untrained",
        progress=False,
    )
    assert_golden(golden, case, features)


def test_command_gives_the_golden_features(golden, tmp_path: Path) -> None:
    arguments = ["extract", "--datasetpath", str(GOLDEN / "clip.mkv"), "--outputpath", str(tmp_path)]
    arguments += ["--tracking_folder", str(GOLDEN), "--tracking_suffix", "_tracks.pickle", "--gaps", "split"]
    arguments += ["--weights", "untrained", "--frequency", "4", "--pad", "--sample_mode", "center_crop"]
    assert main(arguments) == 0
    assert_golden(golden, "split-padded", np.load(tmp_path / "clip.npy", allow_pickle=True).item())
    listed = {one["id"]: one for one in facts_of(tmp_path / "clip.npy.json")["individuals"]}
    assert listed["7_part1"]["frames"] == [{"first": 9, "step": 4, "count": 3}]
    assert listed["7_part2"]["frames"] == [{"first": 24, "step": 4, "count": 4}]
    assert listed["7_part2"]["chunk_starts"] == [
        {"first": 24, "step": 0, "count": 2},
        {"first": 28, "step": 0, "count": 2},
    ]


def fixed_features() -> napari_i3d.Features:
    """Features whose bytes are known: multiples of 1/64, as float32 holds them exactly."""
    spans = {"male": (0, 19), "fe/male ü": (5, 14), 3: (100, 108)}
    frames = {i: np.arange(first, last + 1, dtype=np.float64) for i, (first, last) in spans.items()}
    return napari_i3d.Features(
        rows={
            i: (np.arange(len(f) * 8, dtype=np.float32).reshape(-1, 8) - 50 * number) / 64
            for number, (i, f) in enumerate(frames.items())
        },
        frames=frames,
        chunk_starts={i: np.clip(f.astype(np.int64) - 3, int(f[0]), int(f[-1]) - 7) for i, f in frames.items()},
        first_frame={i: first for i, (first, _) in spans.items()},
        last_frame={i: last for i, (_, last) in spans.items()},
        fps=25.0,
        provenance={"weights": {"name": "untrained", "trained": False}, "video": {"frames": 120}},
    )


@pytest.mark.parametrize("metadata", [False, True])
def test_written_files_have_the_golden_bytes(metadata: bool, tmp_path: Path) -> None:
    """Programs that read our files have seen exactly these bytes."""
    for name in ("a.npy", "a.pickle"):
        napari_i3d.write_features(tmp_path / name, fixed_features(), metadata=metadata)
    kept = json.loads((GOLDEN / "bytes.json").read_text())["with metadata" if metadata else "without metadata"]
    assert {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in kept} == kept


def test_golden_bytes_hold_the_fixed_rows(tmp_path: Path) -> None:
    """What the bytes above mean to programs that know nothing of ours."""
    features = fixed_features()
    napari_i3d.write_features(tmp_path / "a.npy", features, metadata=True)
    napari_i3d.write_features(tmp_path / "a.pickle", features)
    with_metadata = np.load(tmp_path / "a.npy", allow_pickle=True).item()
    assert with_metadata.pop("min_frames") == {"male": 0, "fe/male ü": 5, 3: 100}
    assert with_metadata.pop("max_frames") == {"male": 19, "fe/male ü": 14, 3: 108}
    for found in (with_metadata, pickle.loads((tmp_path / "a.pickle").read_bytes())):
        assert list(found) == list(features)
        for individual, rows in found.items():
            assert rows.dtype == np.float32
            np.testing.assert_array_equal(rows, features[individual])
