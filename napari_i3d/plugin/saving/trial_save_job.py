"""Jobs that find out what a format holds of a tracking or of labels. Know no napari and no Qt."""

import tempfile
from collections.abc import Generator
from pathlib import Path

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.format import AnnotatedVideo, AnnotationFormat
from napari_i3d.individuals import Id
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import Progress
from napari_i3d.projects.label_files import SavedLabels, save_labels
from napari_i3d.projects.tracking_saving import SavedTracking, save_tracking
from napari_i3d.tracking.io.format import TrackingFormat, VideoFacts
from napari_i3d.tracking.tracklets import Tracking

LabelsTrial = tuple[AnnotationFormat, Id | None]


def run_trial_labels(
    chosen: AnnotationFormat,
    individual: Id | None,
    annotation: Annotation,
    video: AnnotatedVideo | None,
    _: StopRequest,
) -> Generator[Progress, None, tuple[LabelsTrial, SavedLabels]]:
    """Save labels to a temporary file; return what became of them, with the format and the individual."""
    yield Progress("writing a trial file")
    with tempfile.TemporaryDirectory(prefix="napari_i3d") as folder:
        path = Path(folder) / f"labels{next(iter(chosen.endings), '.txt')}"
        return (chosen, individual), save_labels(path, annotation, chosen.name, video, individual)


def run_trial_save(
    chosen: TrackingFormat, tracking: Tracking, video: VideoFacts | None, _: StopRequest
) -> Generator[Progress, None, tuple[TrackingFormat, SavedTracking]]:
    """Save to a temporary file; return the format, and what it holds."""
    yield Progress("looking what the format holds")
    with tempfile.TemporaryDirectory(prefix="napari_i3d_") as folder:
        path = Path(folder) / f"trial{chosen.endings[0]}"
        return chosen, save_tracking(path, tracking, chosen.name, video)
