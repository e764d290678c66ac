"""Job that finds out what a format holds of a tracking. Knows no napari and no Qt."""

import tempfile
from collections.abc import Generator
from pathlib import Path

from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import Progress
from napari_i3d.projects.tracking_saving import SavedTracking, save_tracking
from napari_i3d.tracking.io.format import TrackingFormat, VideoFacts
from napari_i3d.tracking.tracklets import Tracking


def run_trial_save(
    chosen: TrackingFormat, tracking: Tracking, video: VideoFacts | None, _: StopRequest
) -> Generator[Progress, None, tuple[TrackingFormat, SavedTracking]]:
    """Save to a temporary file; return the format, and what it holds."""
    yield Progress("looking what the format holds")
    with tempfile.TemporaryDirectory(prefix="napari_i3d_") as folder:
        path = Path(folder) / f"trial{chosen.endings[0]}"
        return chosen, save_tracking(path, tracking, chosen.name, video)
