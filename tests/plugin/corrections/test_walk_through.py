"""A person corrects a whole clip with keys alone: the boxes become those that faults were planted into.

The oracle are straight walks, which nothing of the plugin has made.
"""

from collections import Counter

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from helpers.clips import MakeClip
from helpers.windows import open_dock
from napari_i3d.plugin.context import get_session
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES = 240
WALKS = {  # where the upper left corner is in the first frame, and how far it goes in a frame
    "one": ((4.0, 5.0), (0.5, 0.25)),
    "two": ((250.0, 10.0), (-0.5, 0.2)),
    "three": ((10.0, 180.0), (0.55, -0.2)),
    "four": ((245.0, 150.0), (-0.3, 0.1)),
}
SWAPS = (("one", "two", 40, FRAMES), ("three", "four", 90, 118), ("one", "three", 170, FRAMES))
GAPS = (("one", 12, 15), ("two", 60, 61), ("three", 70, 79), ("four", 130, 132), ("two", 200, 204))
JUMPS = (("four", 22, 1), ("three", 55, 2), ("two", 140, 1), ("four", 220, 3))
OUTSIDE = (("one", 100, (-300.0, 0.0)), ("three", 5, (-30.0, 20.0)))
FALSE = (("false", 30, 4), ("ghost", 180, 6))
FAULTS = {"swap": SWAPS, "gap": GAPS, "jump": JUMPS, "outside": OUTSIDE, "short": FALSE}
MOST = 40


def walked(individual: str) -> np.ndarray:
    start, step = WALKS[individual]
    corner = np.array(start) + np.arange(FRAMES)[:, None] * np.array(step)
    return np.concatenate([corner, corner + np.array([40.0, 30.0])], axis=1)


def planted() -> Tracking:
    boxes = {individual: walked(individual) for individual in WALKS}
    for individual, start, stop in GAPS:
        boxes[individual][start:stop] = np.nan
    for individual, frame, length in JUMPS:
        boxes[individual][frame : frame + length] += [60, -45, 60, -45]
    for individual, frame, shift in OUTSIDE:
        boxes[individual][frame] += shift * 2
    for one, other, start, stop in SWAPS:
        part = slice(start, stop)
        boxes[one][part], boxes[other][part] = boxes[other][part].copy(), boxes[one][part].copy()
    tracklets = [Tracklet(individual, 0, found) for individual, found in boxes.items()]
    for name, start, length in FALSE:
        tracklets.append(Tracklet(name, start, np.tile([150.0, 100.0, 180.0, 125.0], (length, 1))))
    return Tracking(tracklets)


class Person:
    """Presses keys over the canvas, and counts them."""

    def __init__(self, viewer) -> None:
        self.session = get_session(viewer)
        self.presses: Counter[str] = Counter()
        self._canvas = viewer.window._qt_viewer.canvas.native

    def press(self, key, what: str, modifier=Qt.KeyboardModifier.NoModifier) -> None:
        self.presses[what] += 1
        QTest.keyClick(self._canvas, key, modifier)
        QApplication.processEvents()


@pytest.fixture
def person(make_napari_viewer, clip_of: MakeClip, tmp_path) -> Person:
    clip = clip_of(FRAMES, tmp_path)
    clip.tracking.unlink()
    viewer = make_napari_viewer()
    open_dock(viewer, "Individuals")
    viewer.open(str(clip.video), plugin="napari-i3d")
    person = Person(viewer)
    person.session.add_tracking(planted(), None)
    person.session.go_to(0)
    return person


def test_keys_alone_correct_a_clip_with_every_fault(person, record_property):
    tracked = person.session.active
    kinds = Counter(str(problem.kind) for problem in tracked.problems)
    assert set(kinds) >= {"gap", "jump", "outside", "short"}
    person.press(Qt.Key.Key_N, "next")
    while tracked.problems_left:
        assert person.presses.total() < MOST, tracked.problems_left
        edit, position = str(tracked.problem.kind), tracked.history.position
        person.press(Qt.Key.Key_K, edit)
        assert tracked.history.position == position + 1
    assert list(tracked.tracking) == list(WALKS)
    for individual, tracklet in tracked.tracking.items():
        assert (tracklet.start, tracklet.present.all()) == (0, True)
        np.testing.assert_allclose(tracklet.boxes, walked(individual), atol=1e-6, err_msg=individual)
    n_faults = sum(map(len, FAULTS.values()))
    record_property("presses", dict(person.presses))
    print(f"{n_faults} faults, {person.presses.total()} presses: {dict(person.presses)}")
    assert person.presses.total() == 1 + n_faults
