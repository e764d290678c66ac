"""Messages in the docks: settings have the names that are on the screen, and no option of the command is among them.

The errors are real ones: files that are wrong, opened in a viewer, and choices that do not go together.
"""

import pickle
from pathlib import Path

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QAbstractButton, QComboBox, QLabel

from napari_i3d.backbones.pretrained import UNTRAINED
from napari_i3d.features.io.layouts import Layout
from napari_i3d.plugin import messages
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.explore_dock.explore_options import ExploreOptions
from napari_i3d.plugin.extract_dock.extract_form import ExtractForm
from napari_i3d.plugin.individuals_dock.find_animals import FindAnimals
from napari_i3d.plugin.individuals_dock.keypoint_fields import KeypointFields
from napari_i3d.plugin.individuals_dock.video_size import VideoSize
from napari_i3d.plugin.jobs.workers import Workers
from napari_i3d.synthetic import write_synthetic_clip
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES = 20


def test_names_of_settings_are_on_the_screen(make_napari_viewer, qtbot) -> None:
    find_animals = FindAnimals(get_session(make_napari_viewer()), Workers())
    form = ExtractForm()
    there: set[str] = set()
    widgets = (form.everyday, form.more, ExploreOptions(), VideoSize(), KeypointFields(), find_animals)
    for widget in widgets:
        qtbot.addWidget(widget)
        there |= {each.text() for kind in (QLabel, QAbstractButton) for each in widget.findChildren(kind)}
        there |= {box.itemText(place) for box in widget.findChildren(QComboBox) for place in range(box.count())}
    assert set(messages._FIELDS.values()) | set(messages._CHOICES.values()) <= there


@pytest.fixture
def dock(make_napari_viewer, qtbot, tmp_path: Path):
    """The Extract dock, ready to run on a clip with one individual."""
    clip = write_synthetic_clip(tmp_path / "clip", FRAMES)
    viewer = make_napari_viewer()
    viewer.open(str(clip.video), plugin="napari-i3d")
    dock = viewer.window.add_plugin_dock_widget("napari-i3d", "Extract features")[1]
    dock.form.weights.value = UNTRAINED
    get_session(viewer).active.set_tracking(Tracking([tracklet()]), None)
    qtbot.waitUntil(dock.bar.run.isEnabled)
    return dock


def tracklet(missing: int | None = None, scale: float = 1.0) -> Tracklet:
    boxes = np.tile(scale * np.array([10.0, 10, 60, 60]), (FRAMES, 1))
    if missing is not None:
        boxes[missing] = np.nan
    return Tracklet("male", 0, boxes)


WRONG_CHOICES = [
    ({}, tracklet(missing=4), "use 'Gaps: split into pieces' or 'Gaps: interpolate boxes'"),
    ({}, tracklet(scale=100), "set the size it was tracked in with 'Boxes are for size'"),
    ({"min_frames": 50}, tracklet(), f"lower 'Shortest: {FRAMES}'"),
    (
        {"layout": Layout.DLC2ACTION},
        tracklet(),
        "needs one row for each frame; use 'a row for every frame' and 'Every n-th frame: 1'",
    ),
    ({"width": 100}, tracklet(), "set both 'Resize to width' and 'and height', or neither"),
    ({"ending": ".csv"}, tracklet(), "use 'File ending: .npy'"),
]


def test_dock_says_what_to_set(dock, qtbot) -> None:
    right = {name: getattr(dock.form, name).value for choices, _, _ in WRONG_CHOICES for name in choices}
    for choices, tracking, words in WRONG_CHOICES:
        dock._session.active.set_tracking(Tracking([tracking]), None)
        for name, value in (right | choices).items():
            getattr(dock.form, name).value = value

        def say(words: str = words) -> None:
            assert words in dock.estimate_label.text()

        qtbot.waitUntil(say)
        assert "--" not in dock.estimate_label.text()


def test_notifications_have_no_option_of_the_command(make_napari_viewer, tmp_path: Path) -> None:
    contents = [b"{}", b"", pickle.dumps({"male": {}}), pickle.dumps({1.5: {0: [1, 2, 3, 4]}}), b"\x89HDF", b"\x80"]
    make_napari_viewer()
    for number, content in enumerate(contents):
        path = tmp_path / f"wrong{number}.pickle"
        path.write_bytes(content)
        notification_manager.records.clear()
        from napari_i3d.plugin.reader import get_tracking_reader

        reader = get_tracking_reader(str(path))
        assert reader is not None
        reader(str(path))
        (record,) = notification_manager.records
        assert path.name in record.message
        assert "--" not in record.message
