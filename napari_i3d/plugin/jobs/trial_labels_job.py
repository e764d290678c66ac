"""Job that finds out what a format holds of labels. Knows no napari and no Qt."""

import tempfile
from collections.abc import Generator
from pathlib import Path

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.io.format import AnnotatedVideo, AnnotationFormat
from napari_i3d.individuals import Id
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import Progress
from napari_i3d.projects.label_files import SavedLabels, save_labels

Trial = tuple[AnnotationFormat, Id | None]


def run_trial_labels(
    chosen: AnnotationFormat,
    individual: Id | None,
    annotation: Annotation,
    video: AnnotatedVideo | None,
    _: StopRequest,
) -> Generator[Progress, None, tuple[Trial, SavedLabels]]:
    """Save labels to a temporary file; return what became of them, with the format and the individual."""
    yield Progress("writing a trial file")
    with tempfile.TemporaryDirectory(prefix="napari_i3d") as folder:
        path = Path(folder) / f"labels{next(iter(chosen.endings), '.txt')}"
        return (chosen, individual), save_labels(path, annotation, chosen.name, video, individual)
