"""Boxes to crop, against a plain computation of one box after another."""

import math

import numpy as np
import pytest

from napari_i3d.errors import TrackingError
from napari_i3d.extraction.planning.crop_boxes import crop_boxes
from napari_i3d.extraction.settings import SampleMode
from napari_i3d.tracking.tracklets import Tracklet

WIDTH, HEIGHT = 61, 43


def square_by_hand(box: tuple[int, int, int, int]) -> list[int]:
    left, upper, right, lower = box
    width, height = right - left, lower - upper
    grow = abs(width - height) // 2
    if width < height:
        left, right = left - grow, right + grow
    elif height < width:
        upper, lower = upper - grow, lower + grow
    if left < 0:
        left, right = 0, right - left
    elif right > WIDTH:
        left, right = left - (right - WIDTH), WIDTH
    if upper < 0:
        upper, lower = 0, lower - upper
    elif lower > HEIGHT:
        upper, lower = upper - (lower - HEIGHT), HEIGHT
    return [max(left, 0), max(upper, 0), min(right, WIDTH), min(lower, HEIGHT)]


def clipped_by_hand(box: list[float]) -> tuple[int, int, int, int]:
    left, upper, right, lower = (math.trunc(side) for side in box)
    return (
        min(max(left, 0), WIDTH),
        min(max(upper, 0), HEIGHT),
        min(max(right, 0), WIDTH),
        min(max(lower, 0), HEIGHT),
    )


def test_boxes_are_truncated_clipped_and_made_square() -> None:
    random = np.random.default_rng(1)
    boxes = []
    while len(boxes) < 500:
        x, y = np.sort(random.uniform(-15, WIDTH + 15, 2)), np.sort(random.uniform(-15, HEIGHT + 15, 2))
        box = [x[0], y[0], x[1], y[1]]
        left, upper, right, lower = clipped_by_hand(box)
        if left < right and upper < lower:
            boxes.append(box)
    tracklet = Tracklet("a", 0, np.array(boxes))
    size = (WIDTH, HEIGHT)
    plain = crop_boxes(tracklet, size, SampleMode.CENTER_CROP)
    square = crop_boxes(tracklet, size, SampleMode.EXPAND_BBOXES)
    assert plain.tolist() == [list(clipped_by_hand(box)) for box in boxes]
    assert square.tolist() == [square_by_hand(clipped_by_hand(box)) for box in boxes]


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920), (100, 100), (101, 100)])
def test_whole_image_stays_whole(width: int, height: int) -> None:
    tracklet = Tracklet("", 0, np.array([[0, 0, width, height]] * 8))
    for mode in SampleMode:
        assert crop_boxes(tracklet, (width, height), mode)[0].tolist() == [0, 0, width, height]


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ([61, 5, 70, 9], "holds no pixel of the 61x43 image"),
        ([5, 5, 5.9, 9], "holds no pixel"),
        ([-9, 5, -0.5, 9], "holds no pixel"),
        ([9, 5, 3, 9], "holds no pixel"),
        ([9, 5, math.inf, 9], "finite"),
        ([9, math.nan, 12, 9], "finite"),
    ],
)
def test_box_without_pixels_names_individual_and_frame(box: list[float], words: str) -> None:
    boxes = np.tile([5.0, 5, 20, 20], (9, 1))
    boxes[4] = box
    with pytest.raises(TrackingError, match=f"^male: the box of frame 104.*{words}"):
        crop_boxes(Tracklet("male", 100, boxes), (WIDTH, HEIGHT), SampleMode.EXPAND_BBOXES)
