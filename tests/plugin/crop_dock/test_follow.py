"""The Follow page of the Crop preview: the same pixels as an exported clip, in the frame that the viewer shows."""

from functools import partial

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication

from helpers.clips import MakeClip
from helpers.windows import open_clip, open_dock
from napari_i3d import open_video, read_tracking
from napari_i3d.plugin.context import get_session
from napari_i3d.rendering.view import Whereabouts
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.tracklets import Tracking, Tracklet

FRAMES = 40
WAIT = 20_000


@pytest.fixture(scope="module")
def clip(clip_of: MakeClip) -> SyntheticClip:
    return clip_of(FRAMES)


@pytest.fixture
def opened(make_napari_viewer, clip, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    tracked = open_clip(viewer, clip)
    dock = open_dock(viewer, "Crop preview")
    dock.mode.setCurrentIndex(dock.mode.count() - 1)
    return get_session(viewer), tracked, dock.follow


def begin(opened, clip) -> None:
    """The boxes of the clip, the first frame, and all of a picture with its box."""
    session, tracked, panel = opened
    tracked.set_tracking(read_tracking(clip.tracking), clip.tracking)
    session.go_to(0)
    panel.zoom.value = 1.0
    panel.box.setChecked(True)


def show(qtbot, session, panel, frame: int):
    """Show a frame, and return what the panel painted of it."""
    before = panel.view.shown
    session.go_to(frame)
    panel.view.update()

    def painted() -> bool:
        shown = panel.view.shown
        return shown is not before and getattr(shown, "title", "") == f"frame {frame}"

    qtbot.waitUntil(painted, timeout=WAIT)
    return panel.view.shown


def expected(clip, tracklet: Tracklet, center: np.ndarray, frame: int, side: int) -> np.ndarray:
    """The square around a place, gray beyond the image, cut out pixel by pixel."""
    with open_video(clip.video) as video:
        image = video[frame]
    left, upper = (round(float(place) - side / 2) for place in center)
    square = np.full((side, side, 3), 40, np.uint8)
    for y in range(side):
        for x in range(side):
            if 0 <= upper + y < image.shape[0] and 0 <= left + x < image.shape[1]:
                square[y, x] = image[upper + y, left + x]
    return square


def individual_is_in_the_middle_of_the_right_frame(opened, clip, qtbot):
    session, tracked, panel = opened
    for name, frame in (("striped", 0), ("striped", 33), ("spotted", 12), ("spotted", 39)):
        tracked.current = name
        shown = show(qtbot, session, panel, frame)
        tracklet = tracked.tracking[name]
        box = tracklet.boxes[frame - tracklet.start]
        longer = (tracklet.boxes[:, 2:] - tracklet.boxes[:, :2]).max(axis=1)
        side = round(2 * float(np.quantile(longer, 0.95)))
        side += side % 2
        enlarged = shown.picture.shape[0] // side
        small = shown.picture[::enlarged, ::enlarged]
        np.testing.assert_array_equal(small, expected(clip, tracklet, (box[:2] + box[2:]) / 2, frame, side))
        assert panel.text.text() == name
        left, upper, right, lower = np.array(shown.box) / enlarged
        assert abs((left + right) / 2 - side / 2) <= 0.5
        assert abs((upper + lower) / 2 - side / 2) <= 0.5
        np.testing.assert_allclose([right - left, lower - upper], box[2:] - box[:2])
        assert shown.color == tracked.colors[name]


def scale_stays_while_boxes_change_their_size(opened, qtbot):
    session, tracked, panel = opened
    boxes = np.array([[100 - k, 90 - k, 120 + k, 110 + k] for k in range(FRAMES)], float)
    tracked.set_tracking(Tracking([Tracklet("a", 0, boxes)]), None)
    shapes = {show(qtbot, session, panel, frame).picture.shape for frame in (0, 20, 39)}
    assert len(shapes) == 1


def missing_boxes_are_told_and_nobody_else_is_followed(opened, clip, qtbot):
    session, tracked, panel = opened
    boxes = np.full((11, 4), np.nan)
    boxes[0], boxes[10] = [50, 50, 90, 90], [150, 70, 190, 110]
    other = tracked.tracking["spotted"]
    tracked.set_tracking(Tracking([Tracklet("a", 5, boxes), other]), None)
    tracked.current = "a"
    centers = {
        2: (Whereabouts.BEFORE, (70, 70)),
        5: (Whereabouts.BOX, (70, 70)),
        10: (Whereabouts.GAP, (120, 80)),
        15: (Whereabouts.BOX, (170, 90)),
        30: (Whereabouts.AFTER, (170, 90)),
    }
    for frame, (remark, center) in centers.items():
        shown = show(qtbot, session, panel, frame)
        assert shown.remark == remark
        assert (shown.box is not None) == (remark == Whereabouts.BOX)
        enlarged = shown.picture.shape[0] // 80
        small = shown.picture[::enlarged, ::enlarged]
        np.testing.assert_array_equal(small, expected(clip, tracked.tracking["a"], np.array(center), frame, 80))


def zoom_by_wheel_and_box(opened, qtbot):
    session, _, panel = opened
    before = show(qtbot, session, panel, 7)
    side = panel._followed.view.side_px
    place = QPointF(20, 20)
    event = QWheelEvent(
        place,
        panel.view.mapToGlobal(place),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(panel.view, event)
    assert panel.zoom.value == 1.5
    qtbot.waitUntil(lambda: panel._followed.view.side_px != side, timeout=WAIT)
    assert panel._followed.view.side_px == pytest.approx(side / 1.5, abs=2)
    panel.zoom.value = 1.0
    panel.box.setChecked(False)
    qtbot.waitUntil(lambda: panel.view.shown is not before and panel.view.shown.box is None, timeout=WAIT)
    np.testing.assert_array_equal(panel.view.shown.picture, before.picture)


def corrected_box_moves_the_view(opened, clip, qtbot):
    session, tracked, panel = opened
    tracked.current = "striped"
    show(qtbot, session, panel, 9)
    boxes = np.array(tracked.tracking["striped"].boxes)
    boxes += [30, 20, 30, 20]
    tracked.set_tracking(Tracking([Tracklet("striped", 0, boxes)]), None)
    qtbot.wait(100)
    side = panel._followed.view.side_px
    picture = panel.view.shown.picture
    small = picture[:: picture.shape[0] // side, :: picture.shape[0] // side]
    center = (boxes[9, :2] + boxes[9, 2:]) / 2
    np.testing.assert_array_equal(small, expected(clip, tracked.tracking["striped"], center, 9, side))


def correction_leaves_the_scale(opened, qtbot):
    session, tracked, panel = opened
    tracked.current = "striped"
    before = show(qtbot, session, panel, 9).picture.shape
    for frame in range(20):
        tracked.editor.set_box("striped", frame, [0, 0, 200, 200])
    assert show(qtbot, session, panel, 11).picture.shape == before


def test_reasons_why_nobody_is_followed(make_napari_viewer, clip, qtbot):
    viewer = make_napari_viewer(show=True)
    dock = open_dock(viewer, "Crop preview")
    dock.mode.setCurrentIndex(dock.mode.count() - 1)
    panel = dock.follow
    qtbot.waitUntil(lambda: panel.view.shown == "Open a video first.", timeout=WAIT)
    tracked = open_clip(viewer, clip)
    tracked.current = None
    qtbot.waitUntil(lambda: "Select an individual" in str(panel.view.shown), timeout=WAIT)


def frames_are_shown_while_the_video_plays(opened, qtbot):
    session, _, panel = opened
    seen = []
    content = panel.view._content

    def noted():
        found = content()
        if found is not None and not isinstance(found, str):
            seen.append((session.frame, found.title))
        return found

    panel.view._content = noted
    session.playback.play()
    qtbot.waitUntil(lambda: len(seen) > 5, timeout=WAIT)
    session.playback.pause()
    assert all(title == f"frame {frame}" for frame, title in seen)


def test_individual_is_followed_through_frames(opened, clip, qtbot):
    for part in (
        partial(individual_is_in_the_middle_of_the_right_frame, clip=clip),
        scale_stays_while_boxes_change_their_size,
        partial(missing_boxes_are_told_and_nobody_else_is_followed, clip=clip),
        zoom_by_wheel_and_box,
        partial(corrected_box_moves_the_view, clip=clip),
        correction_leaves_the_scale,
        frames_are_shown_while_the_video_plays,
    ):
        begin(opened, clip)
        part(opened, qtbot=qtbot)
