"""The pure parts below the boxes: geometry, the table of boxes, colors, which problems stop the extraction."""

from pathlib import Path

import numpy as np
import pytest
from napari.layers import Layer, Vectors

from napari_i3d._utils.colors import PALETTE, colors_of
from napari_i3d.plugin.layers.convert import box_lines, label_points, tracking_layer_data, trail_colors, trail_lines
from napari_i3d.plugin.session.layer_sources import METADATA_KEY, TrackingSource
from napari_i3d.plugin.session.problems import format_stopping, in_order, stopping
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.box_table import BoxTable
from napari_i3d.tracking.checks import ProblemKind
from napari_i3d.tracking.tracklets import Tracking, Tracklet

NAN = np.nan


def boxes(n: int, left: float = 10.0) -> np.ndarray:
    start = left + np.arange(n, dtype=float)
    return np.stack([start, start + 5, start + 20, start + 35], axis=1)


def corners(lines: np.ndarray) -> tuple[float, float, float, float]:
    """Upper, left, lower, right of all ends of lines."""
    ends = np.concatenate([lines[:, 0], lines.sum(axis=1)])
    return (*ends.min(axis=0), *ends.max(axis=0))


def test_box_lines_run_along_edges_of_its_pixels():
    # The box holds columns 2 to 6 and rows 3 to 9; the center of pixel 0 is 0 in napari.
    assert corners(box_lines(np.array([[2.0, 3.0, 7.0, 10.0]]))) == (2.5, 1.5, 9.5, 6.5)


def test_box_lines_with_width_meet_in_square_corners():
    upper, lower, left, right = box_lines(np.array([[0.0, 0.0, 10.0, 10.0]]), line_width=2.0)
    assert upper[0, 1] == left[0, 1] - 1.0
    assert upper[0, 1] + upper[1, 1] == right[0, 1] + 1.0
    assert lower[0, 0] == 9.5


def test_box_lines_can_be_drawn_around_the_box():
    assert corners(box_lines(np.array([[0.0, 0.0, 10.0, 10.0]]), grow=3.0)) == (-3.5, -3.5, 12.5, 12.5)


def test_label_stands_above_the_upper_left_corner():
    assert label_points(np.array([[4.0, 8.0, 20.0, 20.0]]), lift=2.0).tolist() == [[5.5, 3.5]]


def test_trail_joins_neighboring_frames_not_gaps():
    centers = np.array([[[1.0, 2.0], [3.0, 5.0], [NAN, NAN], [4.0, 4.0], [5.0, 4.0]]])
    lines = trail_lines(centers)
    assert lines.shape == (4, 2, 2)
    assert lines[0].tolist() == [[1.5, 0.5], [3.0, 2.0]]
    assert not lines[1:3, 1].any()
    assert lines[3].tolist() == [[3.5, 3.5], [0.0, 1.0]]


def test_trail_fades_at_both_ends():
    alpha = trail_colors(np.ones((1, 4), np.float32), 5)[:, 3]
    assert alpha[2] == pytest.approx(1.0)
    assert alpha[0] == alpha[4] < alpha[1] == alpha[3] < alpha[2]


def test_tracking_layer_data_makes_a_flat_layer():
    tracking = Tracking([Tracklet("b", 3, boxes(4))])
    layer = Layer.create(*tracking_layer_data(tracking, Path("/data/clip_tracks.pickle")))
    assert isinstance(layer, Vectors)
    assert layer.ndim == 2
    assert "clip_tracks" in layer.name
    source = layer.metadata[METADATA_KEY]
    assert isinstance(source, TrackingSource)
    assert source.tracking is tracking
    assert corners(layer.data) == (14.5, 9.5, 44.5, 29.5)


@pytest.fixture
def table() -> BoxTable:
    gap = boxes(4)
    gap[1] = NAN
    gap[2, 0] = np.inf
    return BoxTable(Tracking([Tracklet("a", 2, gap), Tracklet(7, 0, boxes(3, 50.0)), Tracklet("7", 4, boxes(9))]))


@pytest.mark.parametrize(
    ("frame", "present"),
    [(0, [7]), (2, ["a", 7]), (3, []), (4, ["7"]), (5, ["a", "7"]), (12, ["7"]), (13, []), (-1, [])],
)
def test_table_tells_who_is_in_a_frame(table: BoxTable, frame, present):
    places, found = table.at(frame)
    assert [table.ids[place] for place in places] == present
    assert found.shape == (len(present), 4)


def test_table_gives_boxes_in_video_pixels():
    tracking = Tracking([Tracklet("a", 5, boxes(4))])
    _, found = BoxTable(tracking, scale=(2.0, 0.5)).at(7)
    assert found.tolist() == [[24.0, 8.5, 64.0, 23.5]]


def test_table_agrees_with_plain_array_of_all_frames():
    random = np.random.default_rng(0)
    starts, lengths = random.integers(0, 60, 20), random.integers(1, 40, 20)
    tracking = Tracking(
        Tracklet(i, int(s), random.random((n, 4))) for i, (s, n) in enumerate(zip(starts, lengths, strict=True))
    )
    plain = np.full((100, 20, 4), NAN)
    for i, tracklet in tracking.items():
        plain[tracklet.start : tracklet.stop, i] = tracklet.boxes
    table = BoxTable(tracking)
    for frame in range(-1, 101):
        places, found = table.at(frame)
        row = plain[frame] if 0 <= frame < 100 else np.full((20, 4), NAN)
        assert places.tolist() == np.flatnonzero(~np.isnan(row[:, 0])).tolist()
        np.testing.assert_array_equal(found, row[places])
    frames = np.arange(-5, 50, 3)
    places, centers = table.centers(frames)
    middle = (plain[..., :2] + plain[..., 2:]) / 2
    expected = np.where((frames >= 0)[:, None, None], middle[np.maximum(frames, 0)][:, places], NAN)
    np.testing.assert_array_equal(centers, expected.transpose(1, 0, 2))


def test_table_finds_the_nearest_frame_with_a_box(table: BoxTable):
    assert table.nearest("a", 3)[0] == 10.0
    assert table.nearest("a", 100)[0] == 13.0
    assert table.nearest("nobody", 3) is None


def test_table_of_short_tracklets_takes_no_room():
    table = BoxTable(Tracking(Tracklet(i, i * 1000, boxes(10)) for i in range(1000)))
    assert len(table.at(500_005)[0]) == 1


def test_colors_stay_with_id_and_differ_within_video():
    pair = colors_of(["male", "female"])
    assert pair["male"] != pair["female"]
    assert colors_of(["male"])["male"] == pair["male"] == colors_of(["x", "male"])["male"]
    assert len(set(colors_of(range(7)).values())) == len(PALETTE)
    assert len(set(colors_of([f"fly{i}" for i in range(7)]).values())) == len(PALETTE)
    assert set(colors_of(range(1000)).values()) == set(PALETTE)


class FakeVideo:
    shape = (10, 40, 60, 3)

    def __len__(self) -> int:
        return 10


def tracked_with(tracking: Tracking) -> TrackedVideo:
    tracked = TrackedVideo("clip")
    tracked.set_video(FakeVideo(), None)
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
