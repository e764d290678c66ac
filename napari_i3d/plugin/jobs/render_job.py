"""Job that renders a video with boxes, ids and behaviors drawn in."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from napari_i3d._utils.progress import Step
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import Progress, as_progress
from napari_i3d.rendering.options import RenderedVideo, RenderOptions
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.video.video import open_video


@dataclass(frozen=True, eq=False)
class RenderRequest:
    """A video to render, as it was when the user asked for it; later changes do not matter.

    Attributes
    ----------
    video, out
        The files.
    tracking, annotation
        What is drawn; None: nothing.
    options
        How it is drawn.
    """

    video: Path
    out: Path
    tracking: Tracking | None
    annotation: Annotation | None
    options: RenderOptions


def run_rendering(request: RenderRequest, _: StopRequest) -> Generator[Progress, None, RenderedVideo]:
    """Render a video, replacing an existing file; it is opened once more, so that the viewer can show it meanwhile."""
    from napari_i3d.rendering.annotated_video import render_video  # imports take time

    yield Progress("opening the video")
    with open_video(request.video) as video:
        steps = render_video.steps(
            video,
            request.out,
            tracking=request.tracking,
            annotation=request.annotation,
            options=request.options,
            overwrite=True,
        )
        return (yield from as_progress(steps, _progress_of))


def _progress_of(step: Step) -> Progress:
    if step.done == step.total:
        return Progress("finishing the file")
    return Progress("", step.done, step.total, "frame")
