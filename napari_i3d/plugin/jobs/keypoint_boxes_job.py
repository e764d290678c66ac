"""Job that makes boxes of key points, and checks them."""

from collections.abc import Generator
from dataclasses import dataclass

from napari_i3d.plugin.jobs.cancellation import StopRequest
from napari_i3d.plugin.jobs.job_results import Progress
from napari_i3d.tracking.checks import Problem, check_tracking
from napari_i3d.tracking.io.reading import FileContent
from napari_i3d.tracking.keypoints import KeypointBoxes
from napari_i3d.tracking.tracklets import Tracking


@dataclass(frozen=True, eq=False)
class MadeBoxes:
    """Boxes that were made of key points, and their problems.

    Attributes
    ----------
    keypoints
        What they were made of.
    image_shape
        Frames, height and width of the video that they were checked for.
    tracking
        The boxes.
    problems
        What `check_tracking` found.
    """

    keypoints: FileContent
    image_shape: tuple[int, int, int] | None
    tracking: Tracking
    problems: tuple[Problem, ...]


def run_keypoint_boxes(
    keypoints: FileContent, choices: KeypointBoxes, image_shape: tuple[int, int, int] | None, stop: StopRequest
) -> Generator[Progress, None, MadeBoxes]:
    """Make boxes of the key points of a file.

    Parameters
    ----------
    keypoints
        The key points.
    choices
        How they become boxes.
    image_shape
        Frames, height and width of the video, for the checks; None without a video.
    """
    yield Progress("making boxes")
    tracking = keypoints.to_tracking(choices)
    stop.check()
    return MadeBoxes(keypoints, image_shape, tracking, tuple(check_tracking(tracking, image_shape)))
