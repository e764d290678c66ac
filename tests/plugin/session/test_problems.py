"""Which problems of a tracking stop the extraction, and what is said of them."""

from pathlib import Path

import numpy as np

from helpers.clips import FakeVideo
from napari_i3d.plugin.session.problems import format_stopping, in_order, stopping
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.checks import ProblemKind
from napari_i3d.tracking.tracklets import Tracking, Tracklet

NAN = np.nan


def boxes(n: int, left: float = 10.0) -> np.ndarray:
    start = left + np.arange(n, dtype=float)
    return np.stack([start, start + 5, start + 20, start + 35], axis=1)


def tracked_with(tracking: Tracking) -> TrackedVideo:
    tracked = TrackedVideo("clip")
    tracked.set_video(FakeVideo(10, 40, 60), None)
    tracked.set_tracking(tracking, Path("clip_tracks.pickle"))
    return tracked


def test_only_stopping_problems_are_counted_as_such():
    gap, outside, partly = boxes(10), boxes(10), boxes(10)
    gap[4] = NAN
    outside[3] = [100, 100, 130, 130]
    partly[3] = [40, 5, 80, 35]
    tracking = Tracking(
        [
            Tracklet("gap", 0, gap),
            Tracklet("out", 0, outside),
            Tracklet("part", 0, partly),
            Tracklet("short", 0, boxes(2)),
        ]
    )
    tracked = tracked_with(tracking)
    kinds = {(problem.id, problem.kind) for problem in stopping(tracked)}
    assert kinds == {("gap", ProblemKind.GAP), ("out", ProblemKind.OUTSIDE)}
    assert {problem.id for problem in tracked.problems} >= {"gap", "out", "part", "short"}
    text = format_stopping(tracked)
    assert text.startswith("clip_tracks.pickle: 2 problems that stop the extraction")
    assert "Individuals dock" in text


def test_sound_tracking_is_not_spoken_of():
    assert format_stopping(tracked_with(Tracking([Tracklet("a", 0, boxes(10))]))) == ""


def test_problems_are_looked_at_frame_by_frame():
    tracked = tracked_with(Tracking([Tracklet("a", 5, boxes(9)), Tracklet("b", 1, boxes(3))]))
    assert [problem.frame for problem in in_order(tracked.problems)] == sorted(p.frame for p in tracked.problems)
