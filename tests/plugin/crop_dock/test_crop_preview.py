"""The Crop preview: the pixels of the extraction, a reason where there are none, and no waiting."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.clips import MakeClip
from napari_i3d import ExtractionSettings, open_video, read_tracking
from napari_i3d.extraction.crops import Cropper
from napari_i3d.extraction.planning.crop_boxes import crop_boxes
from napari_i3d.extraction.settings import SampleMode
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.jobs.crop_image import crop_request
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES = 20
WAIT = 20_000


@pytest.fixture(scope="module")
def clip(clip_of: MakeClip) -> SyntheticClip:
    return clip_of(FRAMES)


@pytest.fixture
def opened(make_napari_viewer, clip, qtbot):
    viewer = make_napari_viewer(show=True)
    session = get_session(viewer)
    viewer.open(str(clip.video), plugin="napari-i3d")
    dock = viewer.window.add_plugin_dock_widget("napari-i3d", "Crop preview")[1]
    begin((viewer, session, dock), clip)
    return viewer, session, dock


def begin(opened, clip) -> None:
    """The boxes of the clip, and how crops are taken at first."""
    _, session, dock = opened
    session.active.boxes_size = None
    session.add_tracking(read_tracking(clip.tracking), clip.tracking)
    session.go_to(3)
    dock.mode.setCurrentIndex(list(SampleMode).index(SampleMode.EXPAND_BBOXES))


def expected(clip: SyntheticClip, name: str, frame: int, mode: SampleMode, size=None, scale=1.0) -> np.ndarray:
    """What the extraction makes of it, from 0 to 255: (H, W, 3) float32."""
    settings = ExtractionSettings(sample_mode=mode, video_size=size)
    whole = read_tracking(clip.tracking)[name]
    tracklet = Tracklet(name, whole.start, whole.boxes * scale)
    with open_video(clip.video) as video:
        box = crop_boxes(tracklet, size or (video.shape[2], video.shape[1]), mode)[frame - tracklet.start]
        cropper = Cropper(settings)
        crop = cropper.crop(cropper.image(video[frame]), box)
    return ((crop + 1) * 127.5).permute(1, 2, 0).numpy()


def is_rounded(image: np.ndarray | None, exact: np.ndarray) -> bool:
    """Whether each value of an image is the whole number next to the exact one."""
    return image is not None and image.shape == exact.shape and bool(np.abs(image - exact).max() < 0.51)


def wait_for(qtbot, dock, text: str) -> None:
    qtbot.waitUntil(lambda: text in dock.text.text(), timeout=WAIT)


def test_squashed_whole_image_is_said_to_be_so(make_napari_viewer, clip, qtbot, tmp_path):
    viewer = make_napari_viewer(show=True)
    viewer.open(shutil.copy(clip.video, tmp_path), plugin="napari-i3d")
    dock = viewer.window.add_plugin_dock_widget("napari-i3d", "Crop preview")[1]
    wait_for(qtbot, dock, "The whole 384x288 image is squashed to a square, 1.33 times too narrow")
    dock.mode.setCurrentIndex(list(SampleMode).index(SampleMode.CENTER_CROP))
    qtbot.waitUntil(lambda: "squashed" not in dock.text.text(), timeout=WAIT)
    assert "whole image" in dock.text.text()


def preview_shows_the_pixels_of_the_extraction(opened, clip, qtbot, mode):
    _, session, dock = opened
    dock.mode.setCurrentIndex(list(SampleMode).index(mode))
    session.active.current = "spotted"
    session.go_to(11)
    wait_for(qtbot, dock, "spotted, frame 11")
    side = (256, 340) if mode is SampleMode.OVERSAMPLE else (224, 224)
    wanted = expected(clip, "spotted", 11, mode)
    assert wanted.shape[:2] == side
    qtbot.waitUntil(lambda: is_rounded(dock.view.image, wanted), timeout=WAIT)
    assert session.sample_mode is mode


def preview_of_a_resized_video(opened, clip, qtbot):
    _, session, dock = opened
    halves = Tracking(Tracklet(name, t.start, t.boxes / 2) for name, t in session.active.tracking.items())
    session.add_tracking(halves, clip.tracking)
    session.active.boxes_size = (192, 144)
    session.go_to(6)
    session.active.current = "striped"
    wait_for(qtbot, dock, "striped, frame 6")
    wanted = expected(clip, "striped", 6, SampleMode.EXPAND_BBOXES, size=(192, 144), scale=0.5)
    qtbot.waitUntil(lambda: is_rounded(dock.view.image, wanted), timeout=WAIT)


def preview_follows_frame_and_individual_at_steady_size(opened, qtbot):
    _, session, dock = opened
    wait_for(qtbot, dock, "striped, frame 3")
    size = dock.view.size()
    session.go_to(9)
    wait_for(qtbot, dock, "frame 9")
    session.active.current = "spotted"
    wait_for(qtbot, dock, "spotted, frame 9")
    dock.mode.setCurrentIndex(2)
    wait_for(qtbot, dock, "spotted, frame 9")
    assert dock.view.size() == size


def preview_says_why_there_is_nothing_to_see(opened, qtbot):
    _, session, dock = opened
    wait_for(qtbot, dock, "striped, frame 3")
    whole = session.active.tracking
    boxes = whole["spotted"].boxes[5:12].copy()
    boxes[2] = np.nan
    boxes[3] = [5000, 5000, 5010, 5010]
    session.add_tracking(Tracking([Tracklet("late", 5, boxes)]), session.active.tracking_path)
    wait_for(qtbot, dock, "late is in frames 5 to 11, not in frame 3")
    assert dock.view.image is None
    session.go_to(7)
    wait_for(qtbot, dock, "late has no box in frame 7")
    session.go_to(8)
    wait_for(qtbot, dock, "holds no pixel of the 384x288 image")
    assert dock.view.image is None
    session.active.set_tracking(None, None)
    wait_for(qtbot, dock, "sees the whole image")


def closing_dock_while_it_works_is_no_error(opened, qtbot):
    viewer, session, dock = opened
    for frame in range(10):
        session.go_to(frame)
        qtbot.wait(5)
    viewer.window.remove_dock_widget(dock)
    dock.deleteLater()
    session.go_to(2)
    session.active.current = "spotted"
    qtbot.wait(300)


def test_preview_shows_what_the_extraction_sees(opened, clip, qtbot):
    preview_follows_frame_and_individual_at_steady_size(opened, qtbot)
    for mode in SampleMode:
        preview_shows_the_pixels_of_the_extraction(opened, clip, qtbot, mode)
    begin(opened, clip)
    preview_of_a_resized_video(opened, clip, qtbot)
    begin(opened, clip)
    preview_says_why_there_is_nothing_to_see(opened, qtbot)
    begin(opened, clip)
    closing_dock_while_it_works_is_no_error(opened, qtbot)


def test_request_without_a_video_says_so():
    assert crop_request(None, 0, SampleMode.EXPAND_BBOXES) == "Open a video first."
    assert crop_request(TrackedVideo("x"), 0, SampleMode.EXPAND_BBOXES) == "Open a video first."


def test_dock_is_imported_without_torch():
    code = (
        "import sys, napari_i3d.plugin.crop_dock.crop_preview_widget; "
        "import napari_i3d.plugin.individuals_dock.individuals_widget; "
        "print('torch' in sys.modules, 'matplotlib' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert run.stdout.split()[0] == "False"
