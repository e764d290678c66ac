"""The made-up clip does what it says."""

from pathlib import Path

import numpy as np

import napari_i3d
from napari_i3d.synthetic import write_synthetic_clip


def test_labels_are_what_the_boxes_do(tmp_path: Path):
    clip = write_synthetic_clip(tmp_path, 100, bouts=5)
    left = napari_i3d.read_tracking(clip.tracking)["striped"].boxes[:, :2]
    labels = np.array(clip.behaviors["striped"])
    assert len(labels) == 100
    np.testing.assert_array_equal(np.flatnonzero(labels[1:] != labels[:-1]) + 1, [20, 40, 60, 80])
    moved = np.abs(np.diff(left, axis=0)).sum(axis=1) > 0
    both = labels[1:] == labels[:-1]
    assert not moved[both & (labels[1:] == "resting")].any()
    assert moved[both & (labels[1:] == "running")].mean() > 0.9  # whole pixels may stay the same for a frame


def test_rests_alternate_between_the_circle_ends(tmp_path: Path):
    boxes = napari_i3d.read_tracking(write_synthetic_clip(tmp_path, 70, bouts=7).tracking)["striped"].boxes
    first, second, third = boxes[[15, 35, 55]]
    np.testing.assert_array_equal(first, third)
    np.testing.assert_allclose(second - first, [140, 0, 140, 0], atol=1)
