"""A store opened in one window: plotted, explored, shown below labels, and saved again, without reading it at once."""

from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score

from helpers.clips import MakeClip
from helpers.windows import LONG_MS, choose_file, click, notifications, open_clip, open_dock
from napari_i3d import Annotation, Features, export_features, read_features
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.features.io.store import FACTS_NAME, verify_store
from napari_i3d.features.row_blocks import mapping_of
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.timeline.lanes import LaneKind

FRAMES = 60
STATES = np.arange(FRAMES) // 6 % 3
HALF, WHOLE = "Python, half of that: float16 (*.features)", "Python, larger than memory: a folder (*.features)"


def planted() -> Features:
    """Return rows of three states, of two individuals, as padded extraction makes them."""
    random = np.random.default_rng(0)
    rows = {
        name: (np.eye(3, 12)[STATES] * 20 + random.normal(0, 1, (FRAMES, 12))).astype(np.float32)
        for name in ("striped", "spotted")
    }
    frames = {name: np.arange(FRAMES, dtype=np.float64) for name in rows}
    video = {"video": {"file": "animals.mp4", "frames": FRAMES}}
    return Features(
        rows, frames, {}, dict.fromkeys(rows, 0), dict.fromkeys(rows, FRAMES - 1), fps=25.0, provenance=video
    )


def save_as(qtbot, monkeypatch, dock, path: Path, label: str) -> None:
    """Save from the Plot dock, and wait until it says so."""
    said = len(notifications("info"))
    choose_file(monkeypatch, "getSaveFileName", path, label)
    click(qtbot, dock.files.save)
    qtbot.waitUntil(lambda: len(notifications("info")) > said or bool(notifications()), timeout=LONG_MS)
    assert notifications() == []


def test_store_is_plotted_explored_and_saved(viewer, qtbot, clip_of: MakeClip, tmp_path: Path, monkeypatch) -> None:
    made = planted()
    (store,) = export_features(tmp_path / "half.npy", made, "store", store_dtype="float16")
    tracked = open_clip(viewer, clip_of(FRAMES, tmp_path / "clip"))
    tracked.labels.set_annotation(Annotation(Ethogram((Behavior("walk", "w"),))), None)
    plot = open_dock(viewer, "Plot features")
    choose_file(monkeypatch, "getOpenFileName", store / FACTS_NAME)
    click(qtbot, plot.files.load)
    qtbot.waitUntil(lambda: plot.canvas.shown is not None and plot._drawing is None, timeout=LONG_MS)
    assert tracked.features_path == store
    assert all(mapping_of(rows) is not None and rows.dtype == np.float16 for rows in tracked.features.values())
    assert plot.canvas.shown.values.shape == (FRAMES, 12)
    assert plot.canvas.shown.values.dtype == np.float32

    explore = open_dock(viewer, "Explore features")
    explore.options.clusters.value = 3
    explore.options.compute.click()
    qtbot.waitUntil(lambda: explore.options.compute.text() == "Compute", timeout=LONG_MS)
    explored = get_session(viewer).exploration.explored
    assert adjusted_rand_score(np.tile(STATES, 2), explored.clusters.labels) == 1

    annotate = open_dock(viewer, "Annotate")
    qtbot.wait(50)
    lane = annotate.canvas.data.group("spotted").lane(LaneKind.CLUSTERS)
    shown = np.full(FRAMES, -1)
    for start, stop, style in zip(lane.bouts.start, lane.bouts.stop, lane.bouts.style, strict=True):
        shown[start:stop] = int(lane.styles[style].name.split()[-1])
    np.testing.assert_array_equal(shown, explored.clusters.labels[FRAMES:])

    save_as(qtbot, monkeypatch, plot, tmp_path / "whole", WHOLE)
    save_as(qtbot, monkeypatch, plot, tmp_path / "again.features", HALF)
    save_as(qtbot, monkeypatch, plot, tmp_path / "plain.npy", "Python, numpy (*.npy)")
    again = read_features(tmp_path / "again.features")
    for found in (read_features(tmp_path / "whole.features"), read_features(tmp_path / "plain.npy")):
        for individual, rows in made.items():
            assert found[individual].dtype == np.float32
            np.testing.assert_array_equal(found[individual], rows.astype(np.float16))
            np.testing.assert_array_equal(again[individual], rows.astype(np.float16))
    assert not verify_store(tmp_path / "again.features")
    assert (tmp_path / "again.features" / "0_striped.npy").read_bytes() == (store / "0_striped.npy").read_bytes()
