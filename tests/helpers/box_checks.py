"""Compare boxes that were read with those that were planted."""

import numpy as np

from napari_i3d.tracking.tracklets import Tracking


def assert_boxes(tracking: Tracking, right: dict, tolerance_px: float = 1e-6) -> None:
    """Check for the same individuals in the same order, each with the same frames and boxes, and gaps in between."""
    assert list(tracking) == list(right)
    for individual, frames in right.items():
        tracklet = tracking[individual]
        held = tracklet.start + np.flatnonzero(tracklet.present)
        assert held.tolist() == list(frames), individual
        np.testing.assert_allclose(tracklet.boxes[tracklet.present], list(frames.values()), atol=tolerance_px)
