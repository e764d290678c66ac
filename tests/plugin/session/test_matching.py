"""Which video features belong to, and which individual is plotted."""

import numpy as np

from napari_i3d import Features, open_video
from napari_i3d.plugin.session.matching import individual_to_plot, owner_of
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.io.box_pickle import read_tracking


def test_features_belong_to_the_video_they_came_from(clip_of, tmp_path):
    clip = clip_of(12, tmp_path)
    rows = np.zeros((12, 2048), np.float32)
    with open_video(clip.video) as video:
        tracked = TrackedVideo("animals")
        tracked.set_video(video, None)
        tracked.set_tracking(read_tracking(clip.tracking), clip.tracking)

        def owner(individual, last=11, **provenance):
            frames = {individual: np.linspace(0, last, 12)}
            return owner_of(Features(rows={individual: rows}, frames=frames, provenance=provenance), [tracked])

        assert owner("striped") is tracked
        assert owner("striped_part2", video={"file": "animals.mp4"}) is tracked
        assert owner("striped", video={"file": "other.mp4"}) is None
        facts = video.facts()
        assert owner("striped", video=facts) is tracked
        # A camera that gives every file the same name.
        assert owner("striped", video={**facts, "size_bytes": 5}) is None
        assert owner("striped", video={**facts, "frames": 13}) is None
        assert owner("stranger") is None
        assert owner("striped", last=12) is None


def test_piece_of_the_current_individual_is_plotted():
    features = Features(rows=dict.fromkeys(("b", "a_part1", "a_part2"), np.zeros((1, 4), np.float32)))
    assert individual_to_plot(features, "a") == "a_part1"
    assert individual_to_plot(features, "b") == "b"
    assert individual_to_plot(features, None) == individual_to_plot(features, "gone") == "b"
    assert individual_to_plot(Features(rows={}), "a") is None
