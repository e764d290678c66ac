"""Job that detects the individuals of a video."""

from collections.abc import Generator
from pathlib import Path

from napari_i3d._utils.progress import Step
from napari_i3d.detection.settings import DetectionSettings
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import Progress, as_progress
from napari_i3d.plugin.session.layer_sources import Detected
from napari_i3d.video.video import open_video


def run_detection(path: Path, settings: DetectionSettings, _: StopRequest) -> Generator[Progress, None, Detected]:
    """Detect the individuals of a video; it is opened once more, so that the viewer can show it meanwhile."""
    from napari_i3d.detection.detect import detect  # imports take time

    yield Progress("opening the video")
    with open_video(path) as video:
        detection = yield from as_progress(detect(video, settings), _progress_of)
        return Detected(detection, settings, video.facts())


def _progress_of(step: Step) -> Progress:
    return Progress(step.what, step.done, step.total, "frame")
