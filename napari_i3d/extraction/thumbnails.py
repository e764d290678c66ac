"""Make thumbnails of moments, cropped as for the network, for contact sheets and lists of hits."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_i3d.backbones.registry import I3D
from napari_i3d.errors import TrackingError, VideoError
from napari_i3d.extraction.crops import Cropper
from napari_i3d.extraction.planning.crop_boxes import crop_boxes
from napari_i3d.extraction.planning.plan import WHOLE_IMAGE, image_size
from napari_i3d.extraction.settings import ExtractionSettings, SampleMode
from napari_i3d.individuals import Id, Span, format_id
from napari_i3d.tracking.tracklets import Tracking, Tracklet
from napari_i3d.video.video import Video


def make_thumbnails(
    video: Video, tracking: Tracking | None, spans: Sequence[Span], settings: ExtractionSettings | None = None
) -> NDArray[np.uint8]:
    """Return an image of each moment: the middle frame, cropped as the extraction crops it.

    Parameters
    ----------
    video
        Each needed frame is read once, in order.
    tracking
        Boxes of the individuals; None: the whole image.
    spans
        Moments of individuals; the name of their video is ignored.
    settings
        Sample mode and video size of the extraction; None: the defaults. ``oversample`` is shown as ``center_crop``.
        Normalization and background are ignored.

    Returns
    -------
    (n, 224, 224, 3) uint8
        RGB, in the order of the moments.

    Raises
    ------
    TrackingError
        An individual has no box in a frame, or an empty one.
    VideoError
        A frame does not exist or cannot be read.
    """
    settings = settings or ExtractionSettings()
    oversampled = settings.sample_mode is SampleMode.OVERSAMPLE
    mode = SampleMode.CENTER_CROP if oversampled else settings.sample_mode
    shown = ExtractionSettings(sample_mode=mode, video_size=settings.video_size)
    size = image_size(video, shown)
    # Check all boxes before decoding.
    places = [_box(video, tracking, span, shown, size) for span in spans]
    cropper = Cropper(shown)
    images = np.zeros((len(spans), I3D.input_px, I3D.input_px, 3), np.uint8)
    numbers_by_frame: dict[int, list[int]] = {}
    for number, span in enumerate(spans):
        numbers_by_frame.setdefault(span.middle_frame, []).append(number)
    for frame, numbers in sorted(numbers_by_frame.items()):
        image = cropper.image(video[frame])
        for number in numbers:
            crop = cropper.crop(image, places[number])  # (3, 224, 224), -1 to 1
            images[number] = ((crop + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    return images


def _box(
    video: Video, tracking: Tracking | None, span: Span, settings: ExtractionSettings, size: tuple[int, int]
) -> NDArray[np.int32]:
    frame = span.middle_frame
    if not 0 <= frame < len(video):
        raise VideoError(
            f"{format_id(span.individual)}: has features of frame {frame}, but the last frame of {video.path.name} is "
            f"{len(video) - 1}: were they made from this video?"
        )
    if tracking is None:
        if span.individual != WHOLE_IMAGE:
            raise TrackingError(
                f"{span.individual}: expected the tracking that its features were made with, found none"
            )
        return np.array([0, 0, *size], np.int32)
    tracklet = _tracklet(tracking, span.individual)
    if tracklet is None:
        there = ", ".join(map(str, tracking)) or "none"
        raise TrackingError(
            f"{span.individual}: not in the tracking, which has {there}", hint="was it made with this one?"
        )
    if not tracklet.start <= frame < tracklet.stop or np.isnan(tracklet.boxes[frame - tracklet.start]).all():
        raise TrackingError(f"{span.individual}: no box in frame {frame}; were its features made with this tracking?")
    box: NDArray[np.int32] = crop_boxes(
        Tracklet(tracklet.id, frame, tracklet.boxes[frame - tracklet.start, None]), size, settings.sample_mode
    )[0]
    return box


def _tracklet(tracking: Tracking, individual: Id) -> Tracklet | None:
    if individual in tracking:
        return tracking[individual]
    # .npz files and other programs store ids as text.
    return next((tracklet for tracklet in tracking.values() if str(tracklet.id) == str(individual)), None)
