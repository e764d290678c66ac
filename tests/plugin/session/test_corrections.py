"""Corrections of a tracked video: boxes, problems, ticks, colors and layers follow them and their undo."""

import numpy as np

from napari_i3d.plugin.session.layer_sources import TrackingSource
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.checks import check_tracking
from napari_i3d.tracking.tracklets import Tracking, Tracklet


def tracked_of(*ids, n_frames: int = 30) -> TrackedVideo:
    tracked = TrackedVideo("video")
    tracklets = (
        Tracklet(one, 0, np.tile([10.0 * n, 0, 10.0 * n + 8, 8], (n_frames, 1)), np.ones(n_frames, bool))
        for n, one in enumerate(ids)
    )
    tracked.set_source(TrackingSource(Tracking(tracklets), None))
    return tracked


def test_source_problems_and_signal_follow_a_correction():
    tracked, changes = tracked_of("a", "b"), []
    tracked.tracking_changed.connect(changes.append)
    tracked.editor.delete_boxes("a", 5, 9)
    assert tracked.source.tracking is tracked.editor.tracking
    assert list(tracked.problems) == check_tracking(tracked.tracking)
    assert [dict(change.ranges) for change in changes] == [{"a": (5, 9)}]
    tracked.editor.undo()
    assert tracked.problems == ()


def test_ticks_and_current_follow_a_rename():
    tracked = tracked_of("a", "b")
    tracked.shown, tracked.chosen, tracked.current = {"a"}, {"b"}, "a"
    tracked.editor.rename("a", "c")
    assert (tracked.shown, tracked.chosen, tracked.current) == ({"c"}, {"b"}, "c")


def test_colors_of_the_others_stay():
    tracked = tracked_of("a", "b", "c")
    before = tracked.colors
    tracked.editor.delete("a")
    assert tracked.colors == {one: before[one] for one in "bc"}
    new = tracked.editor.split("b", 10)
    assert tracked.colors[new] not in {before["b"], before["c"]}
    tracked.editor.undo()
    tracked.editor.undo()
    assert tracked.colors == before


def test_first_box_makes_a_tracking():
    tracked = TrackedVideo("video")
    tracked.editor.set_box("a", 3, [0, 0, 5, 5])
    assert list(tracked.tracking) == ["a"]
    assert (tracked.current, tracked.shown, tracked.chosen) == ("a", {"a"}, {"a"})


def test_other_boxes_have_a_history_of_their_own():
    tracked = tracked_of("a")
    tracked.editor.delete("a")
    tracked.set_source(TrackingSource(tracked_of("b").tracking, None))
    assert not tracked.editor.can_undo
    assert list(tracked.tracking) == ["b"]
