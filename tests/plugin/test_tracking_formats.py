"""Tracking files of other programs, dropped on the window; the oracle is the planted boxes or points."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image, Points
from napari.settings import get_settings
from napari.utils.notifications import NotificationSeverity, notification_manager
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from helpers import box_files
from helpers.box_files import BOXES, assert_boxes
from helpers.clips import MakeClip
from helpers.pose_files import planted, write_dlc_csv, write_sleap_analysis, write_slp
from helpers.windows import open_dock
from napari_i3d import KeypointBoxes, read_tracking, write_tracking
from napari_i3d.detection.detection import Detection, Doubt, Uncertainty
from napari_i3d.detection.files import write_detection
from napari_i3d.detection.settings import DetectionSettings
from napari_i3d.errors import TrackingError
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.opening.tracking_opening import open_tracking
from napari_i3d.plugin.reader import get_tracking_reader
from napari_i3d.tracking.io.reading import TrackingReading
from napari_i3d.tracking.tracklets import Tracking, Tracklet

PLUGIN = "napari-i3d"

REFUSE = """
import sys
import napari, napari.layers
from napari_i3d.plugin.reader import get_tracking_reader
for path in sys.argv[1:]:
    assert get_tracking_reader(path) is None, path
print([name for name in ("torch", "pandas", "matplotlib", "xarray", "sleap_io") if name in sys.modules])
"""


@pytest.fixture(scope="module")
def video(clip_of: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of 40 frames, 384 x 288 px, without tracking beside it."""
    clip = clip_of(40, tmp_path_factory.mktemp("alone"))
    clip.tracking.unlink()
    return clip.video


@pytest.fixture
def chosen() -> Iterator[None]:
    """The user has told napari to open these files with this plugin: napari has readers of its own for some."""
    plugins = get_settings().plugins
    before = plugins.extension2reader
    endings = ("*.csv", "*.h5", "*.json", "*.npy", "*.slp", "*.txt", "*.xml", "*.mp4")
    plugins.extension2reader = dict.fromkeys(endings, PLUGIN)
    yield
    plugins.extension2reader = before


def drop(viewer, *paths: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    none, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    viewer.window._qt_viewer.dropEvent(QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, mime, left, none))


def said(severity: NotificationSeverity) -> list[str]:
    return [record.message for record in notification_manager.records if record.severity == severity]


def junk(folder: Path) -> list[Path]:
    """Files of others with each ending that tracking may have."""
    texts = {
        "table.csv": "axis-0,axis-1\n1,2\n3,4\n",
        "cells.h5": "no HDF5",
        "notes.json": '{"a": [1, 2]}',
        "page.xml": "<html><body/></html>",
        "readme.txt": "two words",
        "model.slp": "<xml/>",
        "data.nc": "CDF",
        "data.nwb": "nothing",
        "data.mat": "MATLAB 5.0 MAT-file",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    np.save(folder / "image.npy", np.zeros((4, 5)))
    np.savez(folder / "arrays.npz", a=np.zeros(3))
    (folder / "images").mkdir()
    (folder / "images" / "1.txt").write_text("hello")
    return [folder / name for name in (*texts, "image.npy", "arrays.npz", "images")]


@pytest.mark.parametrize("kind", ["mot.txt", "cvat.xml", "coco.json"])
def test_dropped_boxes_are_those_of_the_file(kind, viewer, chosen, video, tmp_path) -> None:
    path = tmp_path / kind
    if kind == "mot.txt":
        box_files.mot(path, BOXES)
    elif kind == "cvat.xml":
        box_files.cvat(path, box_files.cvat_tracks(BOXES))
    else:
        path.write_text(json.dumps(box_files.coco_vid(BOXES)))
    viewer.open(video, plugin=PLUGIN)
    drop(viewer, path)
    tracked = get_session(viewer).active
    assert tracked.tracking is not None
    assert_boxes(tracked.tracking, {t.id: _frames(t) for t in read_tracking(path).values()}, 0)
    frames = [sorted(_frames(tracklet)) for tracklet in tracked.tracking.values()]
    assert frames == [sorted(of_one) for of_one in BOXES.values()]
    assert tracked.tracking.origin == read_tracking(path, video=tracked.video).origin
    assert said(NotificationSeverity.ERROR) == []
    notes = tracked.tracking.origin.notes
    assert sum(all(note in text for note in notes) for text in said(NotificationSeverity.INFO)) == bool(notes)


def _frames(tracklet: Tracklet) -> dict[int, tuple[float, ...]]:
    return {
        tracklet.start + row: tuple(box) for row, box in enumerate(tracklet.boxes.tolist()) if tracklet.present[row]
    }


@pytest.mark.parametrize("kind", ["poses.h5", "poses.slp", "posesDLC.csv"])
def test_dropped_poses_become_boxes(kind, viewer, chosen, video, tmp_path) -> None:
    one, path = planted(("a", "b")), tmp_path / kind
    {"poses.h5": write_sleap_analysis, "poses.slp": write_slp, "posesDLC.csv": write_dlc_csv}[kind](path, one)
    viewer.open(video, plugin=PLUGIN)
    drop(viewer, path)
    tracking = get_session(viewer).active.tracking
    assert tracking is not None
    assert tracking.origin.boxes == KeypointBoxes()
    for individual, frames in one.boxes().items():
        assert _frames(tracking[individual]).keys() == frames.keys()
        for frame, (left, upper, right, lower) in frames.items():
            grow = 0.2 * max(right - left, lower - upper)
            expected = left - grow, upper - grow, right + grow, lower + grow
            np.testing.assert_allclose(_frames(tracking[individual])[frame], expected, atol=0.02)


def test_files_of_others_are_left_to_them(viewer, tmp_path) -> None:
    (tmp_path / "points.csv").write_text("index,axis-0,axis-1\n0,1,2\n1,3,4\n")
    np.save(tmp_path / "image.npy", np.ones((4, 5)))
    viewer.open(tmp_path / "points.csv")
    viewer.open(tmp_path / "image.npy")
    assert [type(layer) for layer in viewer.layers] == [Points, Image]
    assert said(NotificationSeverity.ERROR) == []


def test_files_of_others_are_refused_without_heavy_imports(tmp_path) -> None:
    paths = junk(tmp_path)
    command = [sys.executable, "-c", REFUSE, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_file_of_no_known_format_is_named(viewer, tmp_path) -> None:
    path = tmp_path / "readme.txt"
    path.write_text("two words")
    drop(viewer, path)
    (message,) = said(NotificationSeverity.ERROR)
    assert "readme.txt" in message
    assert "known tracking format" in message


def test_format_that_needs_the_video_says_so_once(viewer, chosen, tmp_path, qtbot) -> None:
    labels = box_files.ultralytics(tmp_path / "labels", BOXES)
    viewer.open(labels, plugin=PLUGIN)
    qtbot.waitUntil(lambda: bool(notification_manager.records))
    (message,) = [record.message for record in notification_manager.records]
    assert "size in pixels" in message
    assert "Open the video first" in message
    assert len(viewer.layers) == 0


@pytest.mark.parametrize("first", ["labels", "video"])
def test_format_that_needs_the_video_takes_the_open_one(first, viewer, chosen, video, tmp_path, qtbot) -> None:
    labels = box_files.ultralytics(tmp_path / "labels", BOXES)
    paths = [labels, video] if first == "labels" else [video, labels]
    for path in paths:
        viewer.open(path, plugin=PLUGIN)
    tracked = get_session(viewer).active
    qtbot.waitUntil(lambda: tracked.tracking is not None)
    expected = read_tracking(labels, video=video)
    assert list(tracked.tracking) == list(expected)
    for individual, tracklet in expected.items():
        np.testing.assert_array_equal(tracked.tracking[individual].boxes, tracklet.boxes)
    assert said(NotificationSeverity.ERROR) == []
    assert sum(layer.name.startswith("Boxes") for layer in viewer.layers) == 1


def test_uncertain_passages_are_among_the_problems(viewer, video, tmp_path) -> None:
    boxes = np.tile([10.0, 10.0, 50.0, 50.0], (40, 1))
    tracking = Tracking([Tracklet("ind1", 0, boxes), Tracklet("ind2", 0, boxes + 100)])
    doubt = Uncertainty(Doubt.CROSSING, ("ind1", "ind2"), 12, 15)
    path = tmp_path / "tracks.pickle"
    write_detection(path, Detection(tracking, (doubt,)), DetectionSettings(individuals=2), {})
    viewer.open(video, plugin=PLUGIN)
    dock = open_dock(viewer, "Individuals")
    viewer.open(path, plugin=PLUGIN)
    assert list(get_session(viewer).active.problems) == [doubt.problem]
    assert "may be swapped from frame 16 on" in dock.problems.model.message(0)
    write_tracking(path, Tracking([Tracklet("ind1", 0, boxes + 1)]))  # corrected since
    viewer.open(path, plugin=PLUGIN)
    assert get_session(viewer).active.problems == ()


def test_reader_without_a_viewer_raises(tmp_path) -> None:
    labels = box_files.ultralytics(tmp_path / "labels", BOXES)
    reader = get_tracking_reader(str(labels))
    assert reader is not None
    with pytest.raises(Exception, match="size in pixels"):
        reader(str(labels))


def test_chosen_confidence_is_not_replaced(tmp_path) -> None:
    path = tmp_path / "unsure.csv"
    header = [
        "scorer,net,net,net,net,net,net",
        "bodyparts,nose,nose,nose,tail,tail,tail",
        "coords" + ",x,y,likelihood" * 2,
    ]
    path.write_text("\n".join([*header, *(f"{frame},10,10,0.2,30,40,0.2" for frame in range(12))]) + "\n")
    unsure = open_tracking(path, None)
    assert unsure.tracking.origin.boxes == KeypointBoxes(min_confidence=0.0)
    assert any("points of any confidence" in note for note in unsure.tracking.origin.notes)
    with pytest.raises(TrackingError, match="no individual has"):
        open_tracking(path, None, TrackingReading(boxes=KeypointBoxes(min_confidence=0.9)))
