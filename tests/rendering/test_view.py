"""Following an individual: the oracle is a bright dot that was painted at the center of its box in each frame."""

from pathlib import Path

import numpy as np
import pytest

from helpers.rendering import GRAY, decode, gray_frames, looks_like, tracking_of, write_frames
from napari_i3d import RenderOptions, Tracklet, render_video
from napari_i3d.errors import TrackingError
from napari_i3d.rendering.options import Part
from napari_i3d.rendering.view import FollowingView, Whereabouts, WholeView

COUNT = 30
CENTERS = np.stack([20 + 12.5 * np.arange(COUNT), 300 - 9.0 * np.arange(COUNT)], axis=1)  # from edge to edge
GAP = slice(10, 16)


def tracklet(individual: str = "a", start: int = 0) -> Tracklet:
    boxes = np.hstack([CENTERS - 20, CENTERS + 20])[start:]
    boxes[GAP] = np.nan
    return Tracklet(individual, start, boxes)


def write_dots(path: Path) -> Path:
    images = [image.copy() for image in gray_frames(COUNT)]
    for image, (x, y) in zip(images, CENTERS, strict=True):
        image[round(y) - 3 : round(y) + 4, round(x) - 3 : round(x) + 4] = (255, 255, 255)
    return write_frames(path, images)


def dot(frame: np.ndarray) -> tuple[float, float]:
    rows, columns = np.nonzero(frame.min(axis=2) > 200)
    return float(columns.mean()), float(rows.mean())


def test_followed_individual_stays_in_the_middle(tmp_path: Path) -> None:
    decoy = Tracklet("b", 0, np.tile([[180.0, 180, 220, 220]], (COUNT, 1)))  # has a box where "a" has none
    tracking = tracking_of(tracklet(), decoy)
    options = RenderOptions(start=3, follow="a", follow_size_px=100, hide=frozenset(Part))
    rendered = render_video(write_dots(tmp_path / "in.mp4"), tmp_path / "out.mp4", tracking=tracking, options=options)
    assert rendered.size == (400, 400)
    for k, frame in enumerate(decode(tmp_path / "out.mp4", rendered.size)):
        if 10 <= 3 + k < 16:
            frame = frame[40:]  # below the remark
            x, y = dot(frame)
            y += 40
        else:
            x, y = dot(frame)
        # 4 pixels of the picture are one of the video, to which the place is rounded.
        assert abs(x - 200) <= 4, k
        assert abs(y - 200) <= 4, k


def test_view_beyond_the_image_is_plain(tmp_path: Path) -> None:
    options = RenderOptions(stop=1, follow="a", follow_size_px=100, hide=frozenset(Part))
    rendered = render_video(
        write_dots(tmp_path / "in.mp4"), tmp_path / "out.mp4", tracking=tracking_of(tracklet()), options=options
    )
    (frame,) = decode(tmp_path / "out.mp4", rendered.size)
    # The center is at 20, 300 of a video of 400 x 320: 30 pixels are missing at the left, and 30 below.
    assert looks_like(frame[:260, :110], "#282828", most=8)
    assert looks_like(frame[290:], "#282828", most=8)
    assert looks_like(frame[20:160, 130:390], f"#{GRAY:02x}{GRAY:02x}{GRAY:02x}", most=8)


def test_missing_boxes_are_interpolated_or_held_and_said() -> None:
    view = FollowingView(tracklet(start=5), (1.0, 1.0), 40)
    first, last = view.corner(5), view.corner(COUNT - 1)
    assert [view.corner(frame) for frame in (0, 4)] == [first, first]
    assert [view.corner(frame) for frame in (COUNT, 1000)] == [last, last]
    said = {frame: view.remark(frame) for frame in range(-1, COUNT + 2)}
    gap = range(5 + GAP.start, 5 + GAP.stop)
    assert {frame for frame, text in said.items() if text == Whereabouts.GAP} == set(gap)
    assert {frame for frame, text in said.items() if text == Whereabouts.BEFORE} == set(range(-1, 5))
    assert {frame for frame, text in said.items() if text == Whereabouts.AFTER} == {COUNT, COUNT + 1}
    for frame in gap:
        x, y = view.corner(frame)
        assert abs(x + 20 - CENTERS[frame][0]) <= 1
        assert abs(y + 20 - CENTERS[frame][1]) <= 1


def test_remark_is_drawn_in_frames_without_a_box_only(tmp_path: Path) -> None:
    source = write_frames(tmp_path / "in.mp4", gray_frames(COUNT))
    options = RenderOptions(follow="a", follow_size_px=100, hide=frozenset(Part))
    rendered = render_video(source, tmp_path / "out.mp4", tracking=tracking_of(tracklet()), options=options)
    frames = decode(tmp_path / "out.mp4", rendered.size)
    yellow = [bool((np.ptp(frame[:30].astype(int), axis=2) > 90).any()) for frame in frames]
    assert yellow == [10 <= number < 16 for number in range(COUNT)]


def test_default_square_is_twice_the_boxes_and_constant() -> None:
    view = FollowingView(tracklet(), (2.0, 2.0), None)
    assert view.size == (320, 320)  # 40 pixels of the boxes are 80 of the video
    assert view.enlarged == 2


def test_tracklet_without_finite_boxes_cannot_be_followed() -> None:
    boxes = np.full((3, 4), np.nan)
    with pytest.raises(TrackingError, match="a: expected a box of finite numbers to follow"):
        FollowingView(Tracklet("a", 0, boxes, np.ones(3, np.bool_)), (1.0, 1.0), None)


@pytest.mark.parametrize(("side", "times"), [(64, 5), (128, 3), (319, 2), (320, 1), (4000, 1)])
def test_small_videos_are_enlarged_by_whole_numbers(side: int, times: int) -> None:
    view = WholeView(side, side // 2)
    assert view.enlarged == times
    image = np.random.default_rng(1).integers(0, 255, (side // 2, side, 3), np.uint8)
    picture = np.empty((side // 2 * times, side * times, 3), np.uint8)
    view.copy(image, 0, picture)
    assert np.array_equal(picture[::times, ::times], image)
    assert np.array_equal(picture[times - 1 :: times, times - 1 :: times], image)
