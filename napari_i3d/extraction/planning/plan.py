"""Check the input of an extraction and plan its work."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d.backbones.registry import I3D
from napari_i3d.errors import TrackingError
from napari_i3d.extraction.planning.chunks import ChunkPlan, plan_chunks
from napari_i3d.extraction.planning.crop_boxes import crop_boxes
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.individuals import Id
from napari_i3d.tracking.checks import require_valid_boxes, require_within_video
from napari_i3d.tracking.mistakes import likely_mistake
from napari_i3d.tracking.tracklets import Tracking, Tracklet
from napari_i3d.video.video import Video

WHOLE_IMAGE: Id = ""
"""Id of the only individual of a video without tracking."""


@dataclass(frozen=True, eq=False)
class Job:
    """A checked extraction, ready to run."""

    plan: ChunkPlan
    boxes: dict[Id, NDArray[np.int32]]  # to crop, for each individual (N, 4), from the tracklet's first frame
    settings: ExtractionSettings


def whole_image(video: Video, settings: ExtractionSettings) -> Tracking:
    """Return the tracking of a video without one: one individual, id "", whose box is the whole image."""
    n_frames = len(video)
    width, height = image_size(video, settings)
    boxes = np.tile(np.array([0, 0, width, height], np.float64), (n_frames, 1))
    return Tracking([Tracklet(WHOLE_IMAGE, 0, boxes)])


def image_size(video: Video, settings: ExtractionSettings) -> tuple[int, int]:
    """Return width and height, in pixels, of the image that bounding boxes refer to."""
    return settings.video_size or (video.shape[2], video.shape[1])


def plan_job(video: Video, tracklets: Iterable[Tracklet], settings: ExtractionSettings) -> Job:
    """Check tracklets against a video and plan the extraction; nothing is decoded.

    Raises
    ------
    TrackingError
        All tracklets are too short, or one that is not has gaps, frames beyond the video, or boxes without a pixel.
        The message names individual and frames.
    """
    known = {tracklet.id: tracklet for tracklet in tracklets}
    try:
        return _planned(video, known, settings)
    except TrackingError as error:
        width, height = image_size(video, settings)
        mistake = likely_mistake(Tracking(known.values()), (len(video), height, width))
        if not mistake or video.remark:  # damage to the video explains what is missing in it
            raise
        raise TrackingError(f"{error.message.text}; {mistake.text}", mistake.hint) from error


def _planned(video: Video, known: Mapping[Id, Tracklet], settings: ExtractionSettings) -> Job:
    plan = plan_chunks(known.values(), settings)
    if not plan.tracklets:
        longest = max(map(len, known.values()), default=0)
        found = f"the longest of {len(known)} has {longest}"
        text = f"no individual has the {settings.shortest_tracklet} frames needed ({found})"
        lower = settings.shortest_tracklet > longest >= I3D.chunk_frames
        raise TrackingError(
            f"{text}; {video.remark}" if video.remark else text, f"lower {{min_frames={longest}}}" if lower else ""
        )
    boxes: dict[Id, NDArray[np.int32]] = {}
    for chunks in plan.tracklets:
        tracklet = known[chunks.id]
        require_valid_boxes(tracklet)
        require_within_video(tracklet, len(video), video.path.name, video.remark)
        boxes[tracklet.id] = crop_boxes(tracklet, image_size(video, settings), settings.sample_mode)
    return Job(plan, boxes, settings)
