"""``napari-i3d view`` and `view` for notebooks."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import napari_i3d
from helpers.clips import MakeClip
from helpers.processes import command_lines
from napari_i3d import Features, NapariI3DError, open_video, read_tracking
from napari_i3d.cli.main import main
from napari_i3d.errors import FeaturesError, TrackingError, VideoError
from napari_i3d.features.io.writing import write_features
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.viewer import view
from napari_i3d.synthetic import SyntheticClip

DOCKS = ("Individuals", "Crop preview", "Extract features", "Explore features", "Learn behaviors", "Plot features")

# The command as it is, with a person who looks for a second and closes the window by its button.
WATCH = """
import sys
import napari
from qtpy.QtCore import QTimer
from napari_i3d.cli.main import main

def look():
    viewer = napari.current_viewer()
    viewer.dims.set_current_step(0, 20)
    layers = [layer.name for layer in viewer.layers]
    docks = sorted(viewer.window.dock_widgets)
    print(layers, docks, flush=True)
    viewer.window._qt_window.close(quit_app=True, confirm_need=False)

real_run = napari.run
def run():
    QTimer.singleShot(500, look)
    real_run()
napari.run = run
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def clip(clip_of: MakeClip) -> SyntheticClip:
    return clip_of(30)


@pytest.fixture
def shown(make_napari_viewer, monkeypatch: pytest.MonkeyPatch):
    """`view`, with a viewer that is closed after the test."""
    monkeypatch.setattr("napari_i3d.plugin.viewer.napari.Viewer", lambda show: make_napari_viewer(show=False))
    return view


def test_video_and_tracking_are_shown_with_the_docks(shown, clip: SyntheticClip) -> None:
    viewer = shown(clip.video, clip.tracking)
    (tracked,) = get_session(viewer).videos
    assert len(tracked.video) == 30
    assert list(tracked.tracking) == ["striped", "spotted"]
    assert tracked.tracking_path == clip.tracking
    assert {f"{dock} (napari-i3d)" for dock in DOCKS} <= set(viewer.window.dock_widgets)


def test_tracking_beside_the_video_is_taken(shown, clip: SyntheticClip) -> None:
    (tracked,) = get_session(shown(clip.video, docks=False)).videos
    assert tracked.tracking_path == clip.tracking


def test_values_in_memory_are_shown(shown, clip: SyntheticClip) -> None:
    tracking = read_tracking(clip.tracking)
    with open_video(clip.video) as video:
        viewer = shown(video, tracking, docks=False)
        (tracked,) = get_session(viewer).videos
        assert tracked.video is video
        assert tracked.tracking is tracking
        viewer.dims.set_current_step(0, 9)
        np.testing.assert_array_equal(viewer.layers["animals"].data[9], video[9])
        viewer.layers.clear()


def test_features_are_those_of_the_video(shown, clip: SyntheticClip, tmp_path: Path) -> None:
    rows = Features(rows={"spotted": np.eye(23, 2048, dtype=np.float32)})
    (tracked,) = get_session(shown(clip.video, features=rows, docks=False)).videos
    assert tracked.features is rows
    assert tracked.features_path is None
    write_features(tmp_path / "animals.npy", rows)
    (tracked,) = get_session(shown(clip.video, features=tmp_path / "animals.npy", docks=False)).videos
    np.testing.assert_array_equal(tracked.features["spotted"], rows["spotted"])
    assert tracked.features_path == tmp_path / "animals.npy"
    with pytest.raises(FeaturesError, match="give the video too"):
        view(features=rows)


def test_choices_are_read_and_set(shown, clip: SyntheticClip) -> None:
    viewer = shown(clip.video, clip.tracking)
    tracked = napari_i3d.tracked_video(viewer)
    assert tracked.chosen == {"striped", "spotted"}
    assert tracked.current == "striped"
    tracked.chosen = ["spotted"]
    assert napari_i3d.tracked_video(viewer).chosen == {"spotted"}
    viewer.layers.clear()
    with pytest.raises(NapariI3DError, match="shows no video"):
        napari_i3d.tracked_video(viewer)


def test_view_is_a_public_name() -> None:
    assert napari_i3d.view is view


def test_empty_viewer_has_the_docks(shown) -> None:
    viewer = shown()
    assert len(viewer.layers) == 0
    assert len(viewer.window.dock_widgets) == len(DOCKS)


def test_unreadable_files_open_no_window(clip: SyntheticClip, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("napari_i3d.plugin.viewer.napari.Viewer", lambda **_: pytest.fail("a window was opened"))
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(VideoError, match="expected a video file"):
        view(tmp_path / "text.mp4")
    with pytest.raises(TrackingError, match="no such file"):
        view(clip.video, tmp_path / "none.pickle")
    assert issubclass(VideoError, NapariI3DError)


def test_command_shows_a_window_and_ends_with_it(clip: SyntheticClip) -> None:
    command = [sys.executable, "-c", WATCH, "view", str(clip.video), "--tracking", str(clip.tracking)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "'animals'" in done.stdout
    assert "'Boxes: animals_tracks'" in done.stdout
    assert "Individuals (napari-i3d)" in done.stdout
    assert not [line for line in command_lines() if str(clip.video) in line]


def test_script_ends_without_a_crash_after_closing(clip: SyntheticClip) -> None:
    script = f"""
import napari_i3d
from qtpy.QtTest import QTest
viewer = napari_i3d.view({str(clip.video)!r}, {str(clip.tracking)!r})
QTest.qWait(1500)
viewer.close()
print("closed")
"""
    # Memory that was freed is overwritten, so that the use of a deleted object is not a matter of luck.
    environment = {**os.environ, "PYTHONMALLOC": "debug"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=180)
    assert "closed" in done.stdout
    assert done.returncode == 0, done.stderr


def test_command_complains_of_bad_files_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", str(tmp_path / "none.mp4")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("napari-i3d: none.mp4: ")
    assert said.count("\n") == 1


def test_command_without_napari_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['napari'] = None\n")
    done = subprocess.run(
        [sys.executable, "-m", "napari_i3d", "view", "video.mp4"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert 'pip install "napari-i3d[all]"' in done.stderr
