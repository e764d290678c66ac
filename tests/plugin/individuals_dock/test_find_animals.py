"""Animals found from the Individuals dock by clicks; the oracle is the tracking that the clip was drawn from."""

from pathlib import Path

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QToolButton

from helpers.clips import MakeClip, copy_clip
from helpers.detection_scenes import overlap
from helpers.windows import LONG_MS, click, open_dock
from napari_i3d import read_tracking
from napari_i3d.detection.files import read_uncertain
from napari_i3d.plugin.context import get_session
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.tracklets import Tracking


@pytest.fixture(scope="module")
def made(clip_of: MakeClip) -> SyntheticClip:
    return clip_of(72)


@pytest.fixture
def opened(make_napari_viewer, made, tmp_path):
    """A window with a video alone, the dock, and the true tracking."""
    clip = copy_clip(made, tmp_path / "clip")
    true = read_tracking(clip.tracking)
    clip.tracking.unlink()
    notification_manager.records.clear()
    viewer = make_napari_viewer(show=True)
    dock = open_dock(viewer, "Individuals")
    viewer.open(str(clip.video), plugin="napari-i3d")
    return viewer, get_session(viewer).active, dock, true


def run(qtbot, dock, individuals: int) -> None:
    dock.find_animals.individuals.setValue(individuals)
    click(qtbot, dock.find_animals.run)
    qtbot.waitUntil(lambda: dock.find_animals.progress.worker is None, timeout=LONG_MS)


def least_overlap(true: Tracking, found: Tracking) -> float:
    ious = np.array([[overlap(one.boxes, other.boxes).mean() for other in found.values()] for one in true.values()])
    return float(max(min(ious[0, 0], ious[1, 1]), min(ious[0, 1], ious[1, 0])))


def test_found_animals_are_drawn_and_saved_with_doubts(opened, tmp_path: Path, qtbot) -> None:
    viewer, tracked, dock, true = opened
    panel = dock.find_animals
    assert panel.button.isVisible()
    click(qtbot, panel.button)
    assert not panel.button.isVisible()
    run(qtbot, dock, 2)
    assert list(tracked.tracking) == ["ind1", "ind2"]
    assert least_overlap(true, tracked.tracking) > 0.5
    assert tracked.tracking_layer in viewer.layers
    assert panel.form.isHidden()
    assert panel.button.isHidden()
    doubts = tracked.source.detected.detection.problems
    assert set(doubts) <= set(tracked.problems)
    assert any("2 individuals found" in record.message for record in notification_manager.records)
    path = tmp_path / "found.pickle"
    viewer.layers.selection = {tracked.tracking_layer}
    viewer.layers.save(str(path), selected=True, plugin="napari-i3d")
    assert list(read_tracking(path)) == ["ind1", "ind2"]
    assert [one.problem for one in read_uncertain(path)] == doubts


def test_cancelled_search_leaves_the_video_as_it_was(opened, qtbot, ffmpegs) -> None:
    _, tracked, dock, _ = opened
    click(qtbot, dock.find_animals.button)
    click(qtbot, dock.find_animals.run)
    assert "search for animals" in dock.close_warning()
    click(qtbot, dock.find_animals.cancel)
    qtbot.waitUntil(lambda: dock.find_animals.progress.worker is None, timeout=LONG_MS)
    assert dock.find_animals.progress.text.text() == "Cancelled."
    assert tracked.tracking is None
    assert dock.close_warning() == ""
    click(qtbot, dock.find_animals.cancel)
    assert dock.find_animals.button.isVisible()


def test_menu_finds_animals_of_a_tracked_video(opened, qtbot) -> None:
    _, tracked, dock, true = opened
    tracked.set_tracking(true, None)
    assert dock.find_animals.button.isHidden()
    assert isinstance(dock.more_button, QToolButton)
    dock.find_action.trigger()
    assert "are replaced" in dock.find_animals.progress.text.text()
    run(qtbot, dock, 2)
    assert list(tracked.tracking) == ["ind1", "ind2"]
