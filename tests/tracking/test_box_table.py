"""The table of boxes by frame, against plain arrays."""

import numpy as np
import pytest

from napari_i3d.tracking.box_table import BoxTable
from napari_i3d.tracking.tracklets import Tracking, Tracklet

NAN = np.nan


def boxes(n: int, left: float = 10.0) -> np.ndarray:
    start = left + np.arange(n, dtype=float)
    return np.stack([start, start + 5, start + 20, start + 35], axis=1)


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


def test_updated_table_equals_a_new_one():
    random = np.random.default_rng(1)
    before = [Tracklet(one, start, random.random((30, 4))) for one, start in (("a", 0), (1, 7), ("1", 3))]
    changed = before[1].boxes.copy()
    changed[4:9] = random.random((5, 4))
    changed[6] = NAN
    after = Tracking([before[0], Tracklet(1, 7, changed), before[2]])
    table = BoxTable(Tracking(before), scale=(2.0, 0.5))
    assert table.update(after, {1: (11, 16)}, (2.0, 0.5))
    for frame in range(40):
        for found, expected in zip(table.at(frame), BoxTable(after, (2.0, 0.5)).at(frame), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_table_refuses_an_update_that_moves_rows():
    tracklets = [Tracklet("a", 2, boxes(4)), Tracklet("1", 0, boxes(3))]
    table = BoxTable(Tracking(tracklets))
    longer, renamed = Tracklet("a", 2, boxes(5)), Tracklet(1, 0, boxes(3))
    for one in ([longer, tracklets[1]], [tracklets[0], renamed], tracklets[::-1], tracklets[:1]):
        assert not table.update(Tracking(one), {}, (1.0, 1.0))
    assert not table.update(Tracking(tracklets), {}, (2.0, 1.0))
