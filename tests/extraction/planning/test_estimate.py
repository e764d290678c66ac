"""The estimate of an extraction: how many chunks, how long, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest

from helpers.clips import FakeVideo
from napari_i3d import ExtractionSettings, Tracking
from napari_i3d.errors import TrackingError
from napari_i3d.extraction.planning.estimate import estimate, rate_key
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.plugin.jobs.extract_job import ExtractionRequest
from napari_i3d.tracking.gaps import Gaps
from napari_i3d.tracking.tracklets import Tracklet

EVERY_FRAME = ExtractionSettings(pad=True)


def tracking(n_frames: int = 20) -> Tracking:
    boxes = np.tile([0.0, 0, 10, 10], (n_frames, 1))
    return Tracking([Tracklet("a", 5, boxes), Tracklet("short", 0, boxes[:8])])


def test_estimate_counts_chunks_and_uses_what_was_measured():
    options = ExtractionOptions(settings=ExtractionSettings(frequency=3))
    cost = estimate(FakeVideo(100), tracking(), options, {})
    assert [len(chunks.starts) for chunks in cost.job.plan.tracklets] == [5]
    assert list(cost.job.plan.left_out) == ["short"]
    assert not cost.measured
    rates = {rate_key(options.settings): 2.0}
    assert (estimate(FakeVideo(100), tracking(), options, rates).seconds, cost.kept_chunks) == (10.0, 0)
    resumed = estimate(FakeVideo(100), tracking(), options, rates, kept_chunks=3)
    assert (resumed.seconds, resumed.measured, resumed.kept_chunks) == (4.0, True, 3)
    assert estimate(FakeVideo(100), None, options, {}).job.plan.total_chunks == 31
    with pytest.raises(TrackingError, match="has the 9 frames needed"):
        estimate(FakeVideo(7), None, options, {})


def test_estimate_refuses_boxes_after_end_of_video():
    last = max(tracklet.stop for tracklet in tracking().values())
    estimate(FakeVideo(last), tracking(), ExtractionOptions(), {})
    with pytest.raises(TrackingError, match="does the tracking belong to this video"):
        estimate(FakeVideo(last - 1), tracking(), ExtractionOptions(), {})


def test_estimate_refuses_gaps_and_splits_them_where_wanted():
    boxes = np.tile([0.0, 0, 10, 10], (30, 1))
    boxes[12] = np.nan
    gappy = Tracking([Tracklet("a", 0, boxes)])
    with pytest.raises(TrackingError, match="frame 12 is missing"):
        estimate(FakeVideo(100), gappy, ExtractionOptions(), {})
    cost = estimate(FakeVideo(100), gappy, ExtractionOptions(gaps=Gaps.SPLIT), {})
    assert [chunks.id for chunks in cost.job.plan.tracklets] == ["a_part1", "a_part2"]
    with pytest.raises(TrackingError, match="no individual was chosen"):
        _ = ExtractionRequest(Path("x.mp4"), ExtractionOptions(), Path("x.npy"), gappy).chosen
