"""Read a tracking file together with the video that was tracked."""

import os

from napari_i3d.tracking.io import reading
from napari_i3d.tracking.io.format import VideoFacts
from napari_i3d.tracking.keypoints import KeypointBoxes
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.video.video import Video, open_video


def read_tracking(
    path: str | os.PathLike[str],
    format: str | None = None,  # noqa: A002 - the public name
    video: Video | VideoFacts | str | os.PathLike[str] | None = None,
    boxes: KeypointBoxes | None = None,
    *,
    base: int | None = None,
) -> Tracking:
    """Read a tracking file of any known format, or a folder of them, without running any code in it.

    Key points and centroids become boxes. Gaps, and boxes that are inverted, empty or not finite, can be read;
    `check_tracking` lists them.

    Parameters
    ----------
    path
        The file or folder.
    format
        Name of its format; None: recognized by its content.
    video
        The video that was tracked, opened or its path: needed by formats that leave its size, length or rate to it.
    boxes
        How key points become boxes; None: the defaults of `KeypointBoxes`.
    base
        Number that the file gives to the video's first frame, 0 or 1, in formats that do not state it.

    Returns
    -------
    Tracking
        Frames are those of the file, counted from 0; gaps stay gaps. `Tracking.origin` says how it was understood.

    Raises
    ------
    TrackingError
        The file does not exist, is of no known format, is invalid or is of another video.
    VideoError
        The video cannot be opened.
    """
    if isinstance(video, str | os.PathLike):
        with open_video(video) as opened:
            return reading.read_tracking(path, format, opened, boxes, base=base)
    return reading.read_tracking(path, format, video, boxes, base=base)
