"""Labels with what is known of their video."""

from dataclasses import replace

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.plugin.session.tracked_video import TrackedVideo


def timed_labels(tracked: TrackedVideo) -> Annotation:
    """Return the labels of a video, with its frame rate if they have none."""
    annotation, video = tracked.labels.annotation, tracked.video
    return annotation if annotation.fps is not None or video is None else replace(annotation, fps=video.fps)
