"""The Extract dock, used as a person does: open, choose, run, cancel, close."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from helpers.clips import MakeClip
from helpers.windows import LONG_MS, answer_question, click, notifications, open_clip, open_dock, run_to_end
from napari_i3d import ExtractionSettings, extract_features, read_features, read_tracking
from napari_i3d.backbones.pretrained import DEFAULT_WEIGHTS, SOURCES, UNTRAINED
from napari_i3d.batch import video_jobs
from napari_i3d.errors import OutputError
from napari_i3d.extraction.settings import SampleMode
from napari_i3d.features.io.layouts import Layout
from napari_i3d.plugin.closing.closing_question import ClosingQuestion
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.jobs import extract_job, file_jobs
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES = 20
CHUNKS = FRAMES - 8 + 1

quick = pytest.mark.usefixtures("quick_untrained")
"""For tests that compute to the end, and look at anything but the rows."""


@pytest.fixture
def clip(clip_of: MakeClip, tmp_path: Path) -> SyntheticClip:
    return clip_of(FRAMES, tmp_path / "clip")


def open_ready(viewer, qtbot, clip: SyntheticClip, frequency: int = 4):
    tracked = open_clip(viewer, clip)
    dock = open_dock(viewer, "Extract features")
    dock.form.weights.value = UNTRAINED
    dock.form.frequency.value = frequency
    qtbot.waitUntil(dock.bar.run.isEnabled)
    return tracked, dock


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith((".npy", ".json", ".part")))


def test_empty_dock_says_what_to_do(viewer, qtbot):
    dock = open_dock(viewer, "Extract features")
    qtbot.waitUntil(lambda: "Open a video first" in dock.estimate_label.text())
    assert not dock.bar.run.isEnabled()
    assert not dock.bar.cancel.isEnabled()


def test_estimate_follows_individuals_and_settings(viewer, qtbot, clip):
    tracked, dock = open_ready(viewer, qtbot, clip, frequency=1)
    qtbot.waitUntil(lambda: f"2 individuals, {2 * CHUNKS} chunks" in dock.estimate_label.text())
    assert "first guess" in dock.estimate_label.text()
    tracked.chosen = ["spotted"]
    qtbot.waitUntil(lambda: f"1 individual, {CHUNKS} chunks" in dock.estimate_label.text())
    dock.form.frequency.value = 4
    qtbot.waitUntil(lambda: "1 individual, 4 chunks" in dock.estimate_label.text())
    tracked.chosen = []
    qtbot.waitUntil(lambda: "no individual was chosen" in dock.estimate_label.text())
    assert not dock.bar.run.isEnabled()


def test_estimate_follows_corrections(viewer, qtbot, clip):
    tracked, dock = open_ready(viewer, qtbot, clip, frequency=1)
    qtbot.waitUntil(lambda: f"2 individuals, {2 * CHUNKS} chunks" in dock.estimate_label.text())
    stop = tracked.tracking["striped"].stop
    tracked.editor.delete_boxes("striped", stop - 3, stop)
    qtbot.waitUntil(lambda: f"2 individuals, {2 * CHUNKS - 3} chunks" in dock.estimate_label.text())


def test_estimate_out_of_view_waits(make_napari_viewer, qtbot, clip):
    viewer = make_napari_viewer(show=True)
    tracked, dock = open_ready(viewer, qtbot, clip, frequency=1)
    qtbot.waitUntil(lambda: f"2 individuals, {2 * CHUNKS} chunks" in dock.estimate_label.text())
    other = open_dock(viewer, "Individuals")
    qtbot.wait(200)  # the docks take their places
    other.parent().raise_()
    qtbot.waitUntil(lambda: dock.visibleRegion().isEmpty())
    stop = tracked.tracking["striped"].stop
    tracked.editor.delete_boxes("striped", stop - 3, stop)
    qtbot.wait(1000)
    assert f"{2 * CHUNKS} chunks" in dock.estimate_label.text()
    dock.parent().raise_()
    qtbot.waitUntil(lambda: f"{2 * CHUNKS - 3} chunks" in dock.estimate_label.text())


def test_short_individuals_are_announced_as_left_out(viewer, qtbot, clip):
    tracked, dock = open_ready(viewer, qtbot, clip)
    boxes = tracked.tracking["striped"].boxes
    both = Tracking([Tracklet("striped", 0, boxes), Tracklet("short", 0, boxes[:5])])
    tracked.set_tracking(both, None)
    qtbot.waitUntil(lambda: "1 left out: fewer than 9 frames" in dock.estimate_label.text())


def test_run_saves_plots_and_keeps_chosen_features(viewer, qtbot, clip):
    tracked, dock = open_ready(viewer, qtbot, clip)
    tracked.chosen = ["spotted"]
    dock.form.pad.value = True
    qtbot.waitUntil(lambda: "1 individual" in dock.estimate_label.text())
    run_to_end(qtbot, dock)
    assert notifications() == []
    assert "Saved animals.npy" in dock.bar.status.text()
    settings = ExtractionSettings(frequency=4, pad=True)
    expected = extract_features(
        clip.video, clip.tracking, settings=settings, weights=UNTRAINED, individuals=["spotted"], progress=False
    )
    saved = read_features(clip.video.with_suffix(".npy"))
    assert list(saved) == list(tracked.features) == ["spotted"]
    largest = np.abs(expected["spotted"]).max()
    np.testing.assert_allclose(saved["spotted"], expected["spotted"], rtol=0, atol=1e-5 * largest)
    np.testing.assert_array_equal(tracked.features["spotted"], saved["spotted"])
    assert tracked.features_path == clip.video.with_suffix(".npy")
    # Whoever runs the command later finds the same result.
    assert saved.provenance["tracking"]["file"] == clip.tracking.name
    assert saved.provenance["tracking"]["sha256_of_crops"] == expected.provenance["tracking"]["sha256_of_crops"]
    plot = viewer.window.dock_widgets["Plot features (napari-i3d)"]
    qtbot.waitUntil(lambda: plot.canvas.shown is not None, timeout=10_000)
    qtbot.waitUntil(lambda: "as in earlier runs" in dock.estimate_label.text())
    assert leftovers(clip.video.parent) == ["animals.npy", "animals.npy.json"]


@quick
def test_whole_image_is_extracted_without_tracking(viewer, qtbot, clip, tmp_path):
    video = clip.video.rename(tmp_path / "alone.mp4")
    viewer.open(str(video), plugin="napari-i3d")
    dock = open_dock(viewer, "Extract features")
    dock.form.weights.value = UNTRAINED
    dock.form.frequency.value = 12
    qtbot.waitUntil(lambda: "whole image, 2 chunks" in dock.estimate_label.text())
    run_to_end(qtbot, dock)
    assert list(get_session(viewer).active.features) == [""]


def test_cancel_during_loading_takes_effect_at_once(viewer, qtbot, clip, ffmpegs):
    _, dock = open_ready(viewer, qtbot, clip)
    click(qtbot, dock.bar.run)
    click(qtbot, dock.bar.cancel)
    qtbot.waitUntil(lambda: "Cancelled" in dock.bar.status.text(), timeout=1000)
    assert notifications() == []
    qtbot.waitUntil(lambda: ffmpegs() == 0)


def test_cancel_takes_effect_within_second_and_leaves_nothing(viewer, qtbot, clip):
    tracked, dock = open_ready(viewer, qtbot, clip, frequency=1)
    click(qtbot, dock.bar.run)
    qtbot.waitUntil(lambda: "of 26 chunks" in dock.bar.status.text(), timeout=LONG_MS)
    began = time.monotonic()
    click(qtbot, dock.bar.cancel)
    qtbot.waitUntil(lambda: "Cancelled" in dock.bar.status.text(), timeout=LONG_MS)
    assert time.monotonic() - began < 2  # 1, and as much again for a busy machine
    assert leftovers(clip.video.parent) == []
    assert tracked.features is None
    assert notifications() == []
    qtbot.waitUntil(dock.bar.run.isEnabled)


@quick
@pytest.mark.parametrize("reply", ["Cancel", "Replace"])
def test_existing_output_is_replaced_only_when_asked_for(viewer, qtbot, clip, reply):
    _, dock = open_ready(viewer, qtbot, clip, frequency=12)
    output = clip.video.with_suffix(".npy")
    output.write_bytes(b"precious")
    question = answer_question(reply)
    click(qtbot, dock.bar.run)
    qtbot.waitUntil(lambda: not dock.bar.cancel.isEnabled(), timeout=LONG_MS)
    assert "animals.npy exists" in question[0]
    assert (output.read_bytes() == b"precious") is (reply == "Cancel")


def test_error_is_one_notification_without_a_traceback(viewer, qtbot, clip, tmp_path):
    _, dock = open_ready(viewer, qtbot, clip)
    (tmp_path / "file").touch()
    dock.form.output.value = tmp_path / "file" / "out.npy"
    qtbot.wait(300)
    run_to_end(qtbot, dock)
    assert len(notifications()) == 1
    assert "not a folder" in notifications()[0]
    assert notifications()[0] == dock.bar.status.text()


@quick
@pytest.mark.parametrize(("name", "told"), [("day.txt", "needs a file name that ends in"), ("", "found the folder")])
def test_output_that_cannot_be_is_told_before_work(viewer, qtbot, clip, tmp_path, name, told):
    _, dock = open_ready(viewer, qtbot, clip)
    dock.form.output.value = tmp_path / name
    qtbot.waitUntil(lambda: told in dock.estimate_label.text())
    assert not dock.bar.run.isEnabled()
    dock.form.output.line_edit.value = "day.npy"  # beside the video
    qtbot.waitUntil(dock.bar.run.isEnabled)
    run_to_end(qtbot, dock)
    assert (clip.video.parent / "day.npy").is_file()


@quick
def test_features_that_cannot_be_saved_stay_in_memory(viewer, qtbot, clip, monkeypatch):
    tracked, dock = open_ready(viewer, qtbot, clip)

    def full(*_, **__):
        raise OutputError("no space left")

    monkeypatch.setattr(video_jobs, "save_features", full)
    run_to_end(qtbot, dock)
    assert set(tracked.features) == set(tracked.tracking)
    assert notifications() == ["no space left. The features are in memory: save them with the Plot dock."]


def test_each_video_has_its_own_output(viewer, qtbot, clip, tmp_path):
    tracked, dock = open_ready(viewer, qtbot, clip)
    chosen = tmp_path / "results" / "first.npy"
    dock.form.output.value = chosen
    other = clip.video.with_name("other.mp4")
    shutil.copy(clip.video, other)
    viewer.open(str(other), plugin="napari-i3d")
    assert Path(str(dock.form.output.value)) == chosen.with_name("other.npy")
    get_session(viewer).active = tracked
    assert Path(str(dock.form.output.value)) == chosen


@quick
def test_features_of_replaced_tracking_are_not_shown(viewer, qtbot, clip):
    tracked, dock = open_ready(viewer, qtbot, clip)
    click(qtbot, dock.bar.run)
    tracked.set_tracking(Tracking(tracked.tracking.values()), clip.tracking)
    qtbot.waitUntil(lambda: not dock.bar.cancel.isEnabled(), timeout=LONG_MS)
    assert tracked.features is None
    assert "not plotted" in dock.bar.status.text()
    saved = clip.video.with_suffix(".npy")
    tracked.set_features(read_features(saved), saved)
    tracked.set_tracking(Tracking(tracked.tracking.values()), clip.tracking)
    assert tracked.features is None


def test_unexpected_error_is_one_notification(viewer, qtbot, clip, monkeypatch):
    _, dock = open_ready(viewer, qtbot, clip)

    def broken(*_, **__):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(extract_job, "make_folder", broken)
    run_to_end(qtbot, dock)
    assert len(notifications()) == 1
    assert "unexpected ZeroDivisionError: a bug" in notifications()[0]


def test_video_deleted_while_open_is_one_notification(viewer, qtbot, clip):
    _, dock = open_ready(viewer, qtbot, clip)
    clip.video.unlink()
    run_to_end(qtbot, dock)
    assert len(notifications()) == 1
    assert "animals.mp4" in notifications()[0]


def test_clashing_settings_are_told_before_running(viewer, qtbot, clip):
    _, dock = open_ready(viewer, qtbot, clip)
    dock.form.layout.value = Layout.DLC2ACTION
    qtbot.waitUntil(lambda: "one row for each frame" in dock.estimate_label.text())
    assert not dock.bar.run.isEnabled()
    dock.form.pad.value = True
    dock.form.frequency.value = 1
    qtbot.waitUntil(dock.bar.run.isEnabled)
    dock.form.width.value = 100
    qtbot.waitUntil(lambda: "set both 'Resize to width' and 'and height'" in dock.estimate_label.text())
    assert notifications() == []


def test_size_of_video_is_that_of_boxes(viewer, qtbot, clip):
    tracked, dock = open_ready(viewer, qtbot, clip)
    dock.form.width.value = 192
    dock.form.height.value = 144
    assert tracked.boxes_size == (192, 144)
    tracked.boxes_size = (96, 72)
    assert dock.form.size == (96, 72)


def test_image_shown_in_preview_is_one_extracted(viewer, qtbot, clip):
    _, dock = open_ready(viewer, qtbot, clip)
    preview = open_dock(viewer, "Crop preview")
    preview.mode.setCurrentIndex(1)
    assert dock.form.options().settings.sample_mode == "center_crop"
    dock.form.sample_mode.value = SampleMode.OVERSAMPLE
    assert preview.mode.currentIndex() == 2


def test_gaps_are_told_in_words_of_dock(viewer, qtbot, clip):
    tracked, dock = open_ready(viewer, qtbot, clip)
    sound = tracked.tracking["striped"]
    boxes, present = sound.boxes.copy(), np.ones(len(sound.boxes), np.bool_)
    boxes[4], present[4] = np.nan, False
    tracked.set_tracking(Tracking([Tracklet("striped", sound.start, boxes, present)]), None)
    qtbot.waitUntil(lambda: "'Gaps: split into pieces'" in dock.estimate_label.text())
    assert "--" not in dock.estimate_label.text()


def test_shifting_rows_are_told_in_the_docks_words(viewer, qtbot, clip):
    tracked, dock = open_ready(viewer, qtbot, clip)
    boxes = tracked.tracking["striped"].boxes[:12].copy()
    tracked.set_tracking(Tracking([Tracklet("striped", 5, boxes)]), None)
    dock.form.pad.value = True
    qtbot.waitUntil(lambda: "striped starts at frame 5" in dock.estimate_label.text())
    assert "'first and last frame in the file'" in dock.estimate_label.text()
    assert "--" not in dock.estimate_label.text()
    dock.form.save_metadata.value = True
    qtbot.waitUntil(lambda: "starts at" not in dock.estimate_label.text())


@quick
def test_gaps_are_told_and_split(viewer, qtbot, clip):
    tracked, dock = open_ready(viewer, qtbot, clip)
    boxes = tracked.tracking["striped"].boxes.copy()
    boxes[9] = np.nan
    tracked.set_tracking(Tracking([Tracklet("striped", 0, boxes)]), None)
    qtbot.waitUntil(lambda: "frame 9 is missing" in dock.estimate_label.text())
    dock.form.gaps.value = "split"
    qtbot.waitUntil(lambda: "2 individuals" in dock.estimate_label.text())
    run_to_end(qtbot, dock)
    assert list(tracked.features) == ["striped_part1", "striped_part2"]


@quick
def test_one_file_for_each_individual_in_layout_chosen(viewer, qtbot, clip):
    _, dock = open_ready(viewer, qtbot, clip, frequency=12)
    dock.form.layout.value = Layout.MS_TCN
    qtbot.wait(300)
    run_to_end(qtbot, dock)
    assert np.load(clip.video.with_name("animals_striped.npy")).shape == (2048, 2)


@quick
def test_choices_are_remembered_by_the_next_dock(viewer, qtbot, clip):
    _, dock = open_ready(viewer, qtbot, clip, frequency=12)
    dock.form.min_frames.value = 12
    dock.form.ending.value = "_i3d.npz"
    qtbot.waitUntil(lambda: dock.form.output.value.name == "animals_i3d.npz")
    qtbot.wait(300)
    run_to_end(qtbot, dock)
    assert clip.video.with_name("animals_i3d.npz").exists()
    viewer.window.remove_dock_widget("all")
    again = open_dock(viewer, "Extract features")
    assert again is not dock
    assert (again.form.min_frames.value, again.form.frequency.value) == (12, 12)
    assert again.form.weights.value == UNTRAINED
    assert again.form.ending.value == "_i3d.npz"


def test_missing_weights_are_offered_and_downloaded(viewer, qtbot, clip, monkeypatch):
    source = SOURCES[DEFAULT_WEIGHTS]

    def download(name, bar):
        bar.total = 4
        for _ in range(4):
            bar.update(1)
            time.sleep(0.1)
        source.path.parent.mkdir(parents=True)
        source.path.touch()
        return source.path

    monkeypatch.setattr(file_jobs, "download_weights", download)
    open_clip(viewer, clip)
    dock = open_dock(viewer, "Extract features")
    qtbot.waitUntil(lambda: not dock.offer.isHidden())
    assert not dock.bar.run.isEnabled()
    assert "CC-BY-NC 4.0" in dock.offer.button.text()
    question = answer_question("Download")
    click(qtbot, dock.offer.button)
    qtbot.waitUntil(lambda: "weights were downloaded" in dock.bar.status.text(), timeout=5000)
    assert "CC-BY-NC 4.0" in question[0]
    assert source.page in question[0]
    qtbot.waitUntil(dock.bar.run.isEnabled)
    assert dock.offer.isHidden()


def test_download_is_cancelled_even_while_it_hangs(viewer, qtbot, clip, monkeypatch):
    released = []

    def download(name, bar):
        while not released:
            time.sleep(0.05)
        bar.update(1)

    monkeypatch.setattr(file_jobs, "download_weights", download)
    open_clip(viewer, clip)
    dock = open_dock(viewer, "Extract features")
    qtbot.waitUntil(lambda: not dock.offer.isHidden())
    answer_question("Download")
    click(qtbot, dock.offer.button)
    qtbot.waitUntil(lambda: "Connecting" in dock.bar.status.text())
    click(qtbot, dock.bar.cancel)
    qtbot.waitUntil(lambda: "Cancelled" in dock.bar.status.text(), timeout=1000)
    released.append(True)
    assert notifications() == []


def test_removing_the_layers_ends_the_extraction(viewer, qtbot, clip):
    _, dock = open_ready(viewer, qtbot, clip, frequency=1)
    click(qtbot, dock.bar.run)
    qtbot.waitUntil(lambda: "of 26 chunks" in dock.bar.status.text(), timeout=LONG_MS)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: "Cancelled" in dock.bar.status.text(), timeout=LONG_MS)
    assert notifications() == []
    assert leftovers(clip.video.parent) == []


def test_closing_dock_ends_extraction_and_its_ffmpeg(viewer, qtbot, clip, ffmpegs):
    _, dock = open_ready(viewer, qtbot, clip, frequency=1)
    click(qtbot, dock.bar.run)
    qtbot.waitUntil(lambda: "of 26 chunks" in dock.bar.status.text(), timeout=LONG_MS)
    viewer.window.remove_dock_widget(dock)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: ffmpegs() == 0, timeout=5000)
    assert leftovers(clip.video.parent) == []
    assert notifications() == []


@pytest.mark.parametrize("reply", ["Keep it running", "Stop and close"])
def test_closing_window_while_extracting_says_what_is_lost(make_napari_viewer, qtbot, clip, reply, monkeypatch):
    viewer = make_napari_viewer(show=True)
    _, dock = open_ready(viewer, qtbot, clip, frequency=1)
    click(qtbot, dock.bar.run)
    qtbot.waitUntil(lambda: " of " in dock.bar.status.text(), timeout=60_000)
    told, closed = answer_question(reply), []
    monkeypatch.setattr(ClosingQuestion, "_close", lambda _: closed.append(True))
    viewer.window._qt_window.close()
    qtbot.waitUntil(lambda: bool(told), timeout=60_000)
    qtbot.wait(100)
    assert "extraction of animals.mp4" in told[0]
    assert "would be lost" in told[0]
    assert closed == ([True] if reply == "Stop and close" else [])
    assert viewer.window._qt_window.isVisible()
    assert dock.bar.progress.worker is not None


_CLOSING = """
import sys, time
import napari
from qtpy.QtCore import QTimer
from napari_i3d.plugin.context import get_session
viewer = napari.Viewer()
dock = viewer.window.add_plugin_dock_widget("napari-i3d", "Extract features")[1]
assert "torch" not in sys.modules
assert "matplotlib" not in sys.modules
viewer.open(sys.argv[1], plugin="napari-i3d")
dock.form.weights.value = "untrained"
def look():
    if dock.bar.run.isEnabled():
        dock.bar.run.click()
    if " of " in dock.bar.status.text():
        viewer.close()
    else:
        QTimer.singleShot(100, look)
QTimer.singleShot(500, look)
napari.run()
print("closed")
"""


def test_closing_napari_midway_leaves_no_crash(clip):
    done = subprocess.run(
        [sys.executable, "-c", _CLOSING, str(clip.video)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "closed" in done.stdout
    assert "Traceback" not in done.stderr
    assert leftovers(clip.video.parent) == []


def test_real_video_with_tracking_that_starts_late(viewer, qtbot, shared, tmp_path):
    data = shared / "data"
    tracking = read_tracking(data / "spiders_tracktor_tracks.pickle")
    viewer.open(str(data / "spiders_tracktor.mp4"), plugin="napari-i3d")
    get_session(viewer).active.set_tracking(Tracking([Tracklet("B", 2, tracking["B"].boxes[:16])]), None)
    dock = open_dock(viewer, "Extract features")
    dock.form.weights.value = UNTRAINED
    dock.form.frequency.value = 4
    dock.form.output.value = tmp_path / "spiders.npy"
    qtbot.waitUntil(lambda: "1 individual, 3 chunks" in dock.estimate_label.text())
    run_to_end(qtbot, dock)
    assert read_features(tmp_path / "spiders.npy").frames["B"].tolist() == [5.5, 9.5, 13.5]
