"""Geometry of boxes, labels and trails, and the layer of a tracking."""

from pathlib import Path

import numpy as np
import pytest
from napari.layers import Layer, Vectors

from napari_i3d.plugin.layers.convert import box_lines, label_points, tracking_layer_data, trail_colors, trail_lines
from napari_i3d.plugin.session.layer_sources import METADATA_KEY, TrackingSource
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
    layer = Layer.create(*tracking_layer_data(TrackingSource(tracking, Path("/data/clip_tracks.pickle"))))
    assert isinstance(layer, Vectors)
    assert layer.ndim == 2
    assert "clip_tracks" in layer.name
    source = layer.metadata[METADATA_KEY]
    assert isinstance(source, TrackingSource)
    assert source.tracking is tracking
    assert corners(layer.data) == (14.5, 9.5, 44.5, 29.5)
