"""Boxes made of key points again in a real window; the oracle computes each box from the planted points itself."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt

from helpers.clips import MakeClip
from helpers.pose_files import Planted, planted, write_dlc_csv, write_idtracker
from helpers.windows import click, open_dock
from napari_i3d import KeypointBoxes
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.opening import tracking_opening
from napari_i3d.plugin.session.layer_sources import METADATA_KEY
from napari_i3d.tracking.checks import ProblemKind

FRAMES = 40
WAIT = 10_000


@pytest.fixture(scope="module")
def video(clip_of: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = clip_of(FRAMES, tmp_path_factory.mktemp("alone"))
    clip.tracking.unlink()
    return clip.video


@pytest.fixture
def points() -> Planted:
    random = np.random.default_rng(3)
    centers = 120 + np.cumsum(random.normal(0, 1, (2, FRAMES, 1, 2)), axis=1)
    places = np.round(centers + random.uniform(10, 40, (2, FRAMES, 3, 2)), 3)
    one = Planted(["a", "b"], ["nose", "neck", "tail"], places, np.full((2, FRAMES, 3), 0.9))
    one.confidence[0, 5, 2] = 0.6
    one.confidence[1, 10:12, :2] = 0.1
    return one


@pytest.fixture
def opened(make_napari_viewer, video, points, tmp_path, qtbot):
    """A window with a video, a DeepLabCut file and the dock, its section unfolded."""
    notification_manager.records.clear()
    viewer = make_napari_viewer(show=True)
    dock = open_dock(viewer, "Individuals")
    viewer.open(str(video), plugin="napari-i3d")
    write_dlc_csv(tmp_path / "animalsDLC_net.csv", points)
    begin(viewer, tmp_path)
    click(qtbot, dock.keypoints.unfold)
    return get_session(viewer).active, dock


def begin(viewer, folder: Path) -> None:
    """Open the file, again if need be: its boxes are made in the way that the section offers at first."""
    viewer.open(str(folder / "animalsDLC_net.csv"), plugin="napari-i3d")
    assert get_session(viewer).active.tracking.origin.boxes == KeypointBoxes()


def settle(qtbot, dock) -> None:
    qtbot.waitUntil(lambda: not dock.keypoints.busy, timeout=WAIT)


def around(places: np.ndarray, margin: float) -> np.ndarray:
    low, high = places.min(axis=0), places.max(axis=0)
    grow = margin * (high - low).max()
    return np.concatenate([low - grow, high + grow])


def square(places: np.ndarray, side: float) -> np.ndarray:
    center = places.mean(axis=0)
    return np.concatenate([center - side / 2, center + side / 2])


def boxes_follow_margin_and_size(opened, points, qtbot):
    tracked, dock = opened
    fields = dock.keypoints.fields
    np.testing.assert_allclose(tracked.tracking["a"].boxes[7], around(points.points[0, 7], 0.2))
    fields.margin_percent.setValue(50)
    settle(qtbot, dock)
    np.testing.assert_allclose(tracked.tracking["a"].boxes[7], around(points.points[0, 7], 0.5))
    qtbot.keyClick(fields.mode, Qt.Key.Key_Down)
    fields.size_px.setValue(33)
    settle(qtbot, dock)
    np.testing.assert_allclose(tracked.tracking["b"].boxes[7], square(points.points[1, 7], 33))
    drawn = tracked.tracking_layer.metadata[METADATA_KEY]
    assert drawn.tracking is tracked.tracking
    assert drawn.tracking.facts()["origin"]["keypoint_boxes"] == {
        **KeypointBoxes(margin=0.5, size_px=33.0).as_dict(),
        "keypoints": None,
    }


def unticked_and_unsure_points_do_not_count(opened, points, qtbot):
    tracked, dock = opened
    fields = dock.keypoints.fields
    fields.min_confidence.setValue(0.7)
    settle(qtbot, dock)
    np.testing.assert_allclose(tracked.tracking["a"].boxes[5], around(points.points[0, 5, :2], 0.2))
    fields.keypoints.setCurrentRow(0)
    qtbot.keyClick(fields.keypoints, Qt.Key.Key_Space)
    settle(qtbot, dock)
    np.testing.assert_allclose(tracked.tracking["a"].boxes[8], around(points.points[0, 8, 1:], 0.2))
    assert tracked.tracking.origin.boxes.keypoints == ("neck", "tail")


def gap_problem_goes_when_it_is_filled(opened, qtbot):
    tracked, dock = opened
    gaps = [problem for problem in tracked.problems if problem.kind is ProblemKind.GAP]
    assert [(gap.id, gap.frame) for gap in gaps] == [("b", 10)]
    assert "stops extraction" in dock.problems.title.text()
    dock.keypoints.fields.max_gap_frames.setValue(1)
    settle(qtbot, dock)
    assert any(problem.kind is ProblemKind.GAP for problem in tracked.problems)
    dock.keypoints.fields.max_gap_frames.setValue(2)
    settle(qtbot, dock)
    assert not any(problem.kind is ProblemKind.GAP for problem in tracked.problems)
    assert "stops extraction" not in dock.problems.title.text()


def reset_restores_the_first_boxes(opened, qtbot):
    tracked, dock = opened
    before = tracked.tracking
    tracked.chosen = {"b"}
    assert not dock.keypoints.reset.isEnabled()
    dock.keypoints.fields.margin_percent.setValue(0)
    dock.keypoints.fields.max_gap_frames.setValue(9)
    settle(qtbot, dock)
    assert not np.array_equal(tracked.tracking["a"].boxes, before["a"].boxes)
    assert tracked.chosen == {"b"}
    click(qtbot, dock.keypoints.reset)
    settle(qtbot, dock)
    np.testing.assert_array_equal(tracked.tracking["a"].boxes, before["a"].boxes)
    assert tracked.tracking.origin.boxes == KeypointBoxes()
    assert dock.keypoints.fields.max_gap_frames.value() == 0
    assert not dock.keypoints.reset.isEnabled()


def impossible_choices_leave_the_boxes(opened, qtbot):
    tracked, dock = opened
    before = tracked.tracking
    dock.keypoints.fields.min_confidence.setValue(0.95)
    settle(qtbot, dock)
    assert "no individual has" in dock.keypoints.problem.text()
    assert "'Min. confidence'" in dock.keypoints.problem.text()
    assert tracked.tracking is before
    dock.keypoints.fields.min_confidence.setValue(0.2)
    settle(qtbot, dock)
    assert dock.keypoints.problem.text() == ""
    assert tracked.tracking is not before


def quick_turns_end_at_the_last(opened, points, qtbot):
    tracked, dock = opened
    changes = []
    tracked.tracking_changed.connect(lambda: changes.append(1))
    for percent in range(5, 100, 5):
        dock.keypoints.fields.margin_percent.setValue(percent)
    settle(qtbot, dock)
    np.testing.assert_allclose(tracked.tracking["a"].boxes[7], around(points.points[0, 7], 0.95))
    assert len(changes) == 1


def test_section_is_there_for_key_points_only(make_napari_viewer, clip_of, tmp_path, video):
    viewer = make_napari_viewer()
    dock = open_dock(viewer, "Individuals")
    viewer.open(str(video), plugin="napari-i3d")
    assert dock.keypoints.isHidden()
    viewer.open(str(clip_of(FRAMES, tmp_path / "other").tracking), plugin="napari-i3d")
    assert dock.keypoints.isHidden()
    assert get_session(viewer).active.tracking is not None


def test_centroids_ask_for_their_size(make_napari_viewer, video, tmp_path, monkeypatch, qtbot):
    one = planted(("1", "2"), ("centroid",), FRAMES)
    path = write_idtracker(tmp_path, one, "npy", body_length=40.0)
    asked = []

    def answer(_parent, _title, text, offered, *_):
        asked.append((text, offered))
        return offered, len(asked) > 1

    monkeypatch.setattr(tracking_opening.QInputDialog, "getDouble", answer)
    viewer = make_napari_viewer(show=True)
    dock = open_dock(viewer, "Individuals")
    viewer.open(str(video), plugin="napari-i3d")
    viewer.open(str(path), plugin="napari-i3d")
    tracked = get_session(viewer).active
    assert tracked.tracking is None  # cancelled
    viewer.open(str(path), plugin="napari-i3d")
    assert [offered for _, offered in asked] == [60, 60]
    assert "1.5 times the body length of 40" in asked[0][0]
    boxes = tracked.tracking["1"].boxes
    sides = boxes[:, 2:] - boxes[:, :2]
    np.testing.assert_allclose(sides[np.isfinite(sides)], 60)
    click(qtbot, dock.keypoints.unfold)
    fields = dock.keypoints.fields
    assert not fields.mode.isEnabled()
    assert fields.keypoints.isHidden()
    fields.size_px.setValue(24)
    settle(qtbot, dock)
    sides = tracked.tracking["1"].boxes[:, 2:] - tracked.tracking["1"].boxes[:, :2]
    np.testing.assert_allclose(sides[np.isfinite(sides)], 24)


def corrected_boxes_are_not_made_again(opened, qtbot):
    tracked, dock = opened
    dock.keypoints.fields.margin_percent.setValue(80)
    tracked.editor.delete_boxes("a", 3, 6)
    corrected = tracked.tracking
    qtbot.wait(400)  # boxes were about to be made when the correction came
    assert tracked.tracking is corrected
    assert not dock.keypoints.fields.isEnabled()
    assert dock.keypoints.corrected.isVisible()
    assert not dock.keypoints.reset.isEnabled()
    tracked.editor.undo()
    assert dock.keypoints.fields.isEnabled()
    dock.keypoints.fields.margin_percent.setValue(50)
    settle(qtbot, dock)
    assert tracked.tracking.origin.boxes.margin == 0.5


def test_section_makes_boxes_again(opened, points, tmp_path, qtbot):
    viewer = opened[1]._session.viewer
    for part in (
        partial(boxes_follow_margin_and_size, points=points),
        partial(unticked_and_unsure_points_do_not_count, points=points),
        gap_problem_goes_when_it_is_filled,
        reset_restores_the_first_boxes,
        partial(quick_turns_end_at_the_last, points=points),
        corrected_boxes_are_not_made_again,
        impossible_choices_leave_the_boxes,
    ):
        begin(viewer, tmp_path)
        part(opened, qtbot=qtbot)
