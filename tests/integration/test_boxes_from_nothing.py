"""A minute of video without tracking: boxes are drawn by mouse, interpolated by key and extracted, in a window.

The oracle of the boxes are the places of the mouse and numpy's linear interpolation.
"""

import time
from collections import Counter

import numpy as np
import pytest
from qtpy.QtCore import Qt

from helpers.canvas import Canvas
from helpers.clips import MakeClip
from helpers.networks import install_network
from helpers.windows import open_dock, run_to_end
from napari_i3d import read_features, read_tracking
from napari_i3d.backbones import weights
from napari_i3d.backbones.pretrained import UNTRAINED
from napari_i3d.batch import runner

SECONDS, FPS = 60, 25
FRAMES = SECONDS * FPS
KEY_FRAMES = (*range(0, FRAMES - 1, 150), FRAMES - 1)
EVERY = 4
PERSON_S = {"slider": 2.0, "drag": 2.5, "key": 1.0, "click": 2.0}
"""What a person takes for each, amply."""


@pytest.fixture
def alone(clip_of: MakeClip, tmp_path):
    """The video, and where the animal is in it."""
    clip = clip_of(FRAMES, tmp_path)
    boxes = read_tracking(clip.tracking)["spotted"].boxes
    clip.tracking.unlink()
    return clip.video, boxes


def test_minute_from_nothing_to_features(viewer, qtbot, alone, monkeypatch):
    video, where = alone
    install_network(monkeypatch, (weights, runner), 500)
    viewer.window.resize(900, 700)
    viewer.open(str(video), plugin="napari-i3d")
    canvas, done = Canvas(viewer), Counter()
    qtbot.wait(50)
    assert canvas.tracked.tracking is None
    begin = time.monotonic()
    canvas.key(Qt.Key.Key_8)
    done["key"] += 1
    drawn = []
    for frame in KEY_FRAMES:
        if frame:
            canvas.session.go_to(frame)
            canvas.settle()
            done["slider"] += 1
        left, upper, right, lower = where[frame]
        ends = [canvas.place(canvas.point(*corner)) for corner in ((left, upper), (right, lower))]
        drawn.append([*ends[0], *ends[1]])
        canvas.drag((left, upper), (right, lower))
        done["drag"] += 1
        if frame:
            canvas.key(Qt.Key.Key_9)
            done["key"] += 1
    canvas.key(Qt.Key.Key_8)
    done["key"] += 1
    correcting_s = time.monotonic() - begin

    tracking = canvas.tracked.tracking
    assert list(tracking) == [1]
    assert (tracking[1].start, tracking[1].stop, tracking[1].present.all()) == (0, FRAMES, True)
    frames = np.arange(FRAMES)
    expected = np.stack([np.interp(frames, KEY_FRAMES, side) for side in np.transpose(drawn)], axis=1)
    np.testing.assert_allclose(tracking[1].boxes, expected, atol=0.02)
    assert tracking[1].boxes[np.array(KEY_FRAMES)] == pytest.approx(where[np.array(KEY_FRAMES)], abs=1.5)

    dock = open_dock(viewer, "Extract features")
    dock.form.weights.value = UNTRAINED
    dock.form.frequency.value = EVERY
    done["click"] += 4  # the dock, its two choices, and Run
    run_to_end(qtbot, dock)
    machine_s = time.monotonic() - begin
    saved = read_features(video.with_suffix(".npy"))
    assert list(saved) == [1]
    np.testing.assert_array_equal(saved.chunk_starts[1], np.arange(0, FRAMES - 7, EVERY))
    assert np.isfinite(saved[1]).all()
    person_s = sum(number * PERSON_S[what] for what, number in done.items())
    print(f"{done.total()} interactions {dict(done)}: about {person_s:.0f} s; machine {correcting_s:.1f} s, "
          f"{machine_s:.1f} s with the extraction")  # fmt: skip
    assert person_s < 120
