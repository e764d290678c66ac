"""Crops of individuals, cut out and resized as the extraction does."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d.extraction.crops import crop_pixels
from napari_i3d.extraction.planning.crop_boxes import crop_boxes
from napari_i3d.extraction.settings import ExtractionSettings, SampleMode
from napari_i3d.individuals import Id, format_id
from napari_i3d.plugin.messages import in_dock_words
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.tracklets import Tracklet


@dataclass(frozen=True, eq=False)
class CropRequest:
    """A crop to show in the preview.

    Parameters
    ----------
    tracklet
        The individual's tracklet, cut to this frame.
    frame
        Video frame.
    read
        Returns a video frame by its number, (H, W, 3) uint8.
    settings
        Sample mode and size of the video.
    image_size
        Width and height, in pixels, of the image that the box refers to.
    """

    tracklet: Tracklet
    frame: int
    read: Callable[[int], NDArray[np.uint8]]
    settings: ExtractionSettings
    image_size: tuple[int, int]


def crop_request(
    tracked: TrackedVideo | None, frame: int, mode: SampleMode, individual: Id | None = None
) -> CropRequest | str:
    """Return the request for the crop of an individual, or a line that says why there is none.

    Parameters
    ----------
    tracked
        The video.
    frame
        Video frame.
    mode
        How crops are made from boxes.
    individual
        An individual of the tracking; None: the current one.
    """
    if tracked is None or tracked.video is None:
        return "Open a video first."
    if tracked.tracking is None:
        return "Without tracking, the network sees the whole image."
    individual = tracked.current if individual is None else individual
    if individual is None:
        return "Select an individual: click its box or its row."
    tracklet = tracked.tracking[individual]
    if not tracklet.start <= frame < tracklet.stop:
        return f"{format_id(individual)} is in frames {tracklet.start} to {tracklet.stop - 1}, not in frame {frame}."
    box = tracklet.boxes[frame - tracklet.start]
    if np.isnan(box).all():
        return f"{format_id(individual)} has no box in frame {frame}."
    if np.isnan(box).any():
        return f"{format_id(individual)}: the box of frame {frame} is not made of finite numbers."
    if frame >= len(tracked.video):
        return f"The video has no frame {frame}."
    return CropRequest(
        Tracklet(tracklet.id, frame, box[None]),
        frame,
        # The layer caches the frame that it shows.
        getattr(getattr(tracked.layer, "data", None), "frame", tracked.video.__getitem__),
        ExtractionSettings(sample_mode=mode, video_size=tracked.boxes_size),
        tracked.boxes_size or (tracked.video.shape[2], tracked.video.shape[1]),
    )


def crop_image(request: CropRequest) -> NDArray[np.uint8]:
    """Return the input of the network before normalization: (H, W, 3) uint8.

    224 x 224, or for ``oversample`` the 340 x 256 that its ten views are taken from.

    Raises
    ------
    TrackingError
        The box holds no pixel of the image.
    VideoError
        The frame cannot be read.
    """
    box = crop_boxes(request.tracklet, request.image_size, request.settings.sample_mode)[0]
    return crop_pixels(request.read(request.frame), box, request.settings)


def format_crop(request: CropRequest) -> str:
    """Return a line about a crop."""
    left, upper, right, lower = request.tracklet.boxes[0]
    return (
        f"{format_id(request.tracklet.id)}, frame {request.frame}: box of {right - left:.0f} x {lower - upper:.0f} px"
    )


def whole_image(tracked: TrackedVideo | None, mode: SampleMode) -> tuple[int, int, ExtractionSettings] | None:
    """Return width, height and settings for a video without tracking; None if there is no such video."""
    if tracked is None or tracked.video is None or tracked.tracking is not None:
        return None
    _, height, width, _ = tracked.video.shape
    return width, height, ExtractionSettings(sample_mode=mode, video_size=tracked.boxes_size)


def format_squash(width_px: int, height_px: int, settings: ExtractionSettings) -> str:
    """Return a sentence about an image that is distorted to a square; empty if it keeps its shape.

    The first call loads torch, which takes a while.
    """
    from napari_i3d.extraction.crops import squash_note

    note = squash_note(width_px, height_px, settings)
    return f"{note[0].upper()}{in_dock_words(note[1:])}." if note else ""
