"""Detect and track the individuals of a video: a first tracking without a tracking program."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.progress import Step, Steps
from napari_i3d._utils.text import counted, format_path
from napari_i3d.detection.detection import Detection, Doubt, Uncertainty, name_individual, name_individuals
from napari_i3d.detection.foreground import Foreground
from napari_i3d.detection.learning import learn_foreground
from napari_i3d.detection.linking import Linker
from napari_i3d.detection.paths import Meeting, Path
from napari_i3d.detection.settings import DetectionSettings
from napari_i3d.errors import VideoError
from napari_i3d.tracking.tracklets import Tracking, Tracklet, runs
from napari_i3d.video.background import background_frames, gray_of
from napari_i3d.video.video import Video

_MOST_SAMPLES = 50
_SAMPLE_BYTES = 1 << 26


def detect(video: Video, settings: DetectionSettings) -> Steps[Detection]:
    """Detect individuals by their difference from the background, and link them over time.

    Parameters
    ----------
    video
        The video; it is read twice: some frames for the background, then all of them.
    settings
        The settings.

    Yields
    ------
    Step
        Progress in frames. Closing the generator cancels the work.

    Returns
    -------
    Detection
        Boxes in pixels of the video, with a margin, clipped to the image.

    Raises
    ------
    VideoError
        A frame is damaged, most of the image changes, or no individual is found.
    """
    numbers = background_frames(len(video))
    numbers = numbers[:: max(1, len(numbers) // _MOST_SAMPLES)]
    total = len(numbers) + len(video)
    _, height, width, _ = video.shape
    scale = max(1, int(np.ceil(np.sqrt(height * width * len(numbers) / _SAMPLE_BYTES))))
    samples = []
    for done, number in enumerate(numbers.tolist(), start=1):
        samples.append(gray_of(video[number][::scale, ::scale]))
        yield Step(done, total, "reading the background")
    try:
        foreground = learn_foreground(samples, scale, settings)
    except VideoError as error:
        text = f"{format_path(video.path.name)}: {error.message.text}"
        raise VideoError(text, error.message.hint) from error
    del samples
    linker = Linker(settings.individuals)
    for number, frame in enumerate(video.frames()):
        linker.add(number, foreground.blobs(frame))
        yield Step(len(numbers) + number + 1, total, "detecting")
    if not linker.paths:
        raise VideoError(
            f"{format_path(video.path.name)}: no individual found that is seen in several frames after another",
            hint="lower {threshold} or {min_area}, or set {contrast}",
        )
    return _finish(linker.paths, linker.meetings, foreground, settings, (width, height))


def _finish(
    paths: Sequence[Path],
    meetings: Sequence[Meeting],
    foreground: Foreground,
    settings: DetectionSettings,
    size: tuple[int, int],
) -> Detection:
    tracklets, uncertain = [], []
    for number, path in enumerate(paths):
        boxes = np.frombuffer(path.boxes).reshape(-1, 4) * foreground.scale
        filled, gaps = _fill_gaps(boxes, settings.max_gap_frames)
        tracklets.append(Tracklet(name_individual(number), path.start, _with_margin(filled, settings.margin, size)))
        uncertain += [
            Uncertainty(Doubt.UNSEEN, (name_individual(number),), path.start + first, path.start + stop - 1)
            for first, stop in gaps
        ]
    for meeting in meetings:
        kind = Doubt.UNSEEN if meeting.unseen else Doubt.CROSSING
        uncertain.append(Uncertainty(kind, name_individuals(meeting.ids), meeting.start, meeting.stop - 1))
    uncertain.sort(key=lambda one: (one.first_frame, one.ids))
    notes = []
    if len(paths) < settings.individuals:
        notes.append(
            f"{len(paths)} of {counted(settings.individuals, 'individual')} found: the others never moved, or were "
            "never seen apart; draw their boxes by hand"
        )
    return Detection(Tracking(tracklets), tuple(uncertain), tuple(notes))


def _fill_gaps(boxes: NDArray[np.float64], most: int) -> tuple[NDArray[np.float64], list[tuple[int, int]]]:
    """Interpolate gaps of at most `most` rows; return the boxes and the ranges that were filled."""
    absent = np.isnan(boxes[:, 0])
    gaps = [(first, stop) for first, stop in runs(absent) if stop - first <= most]
    filled = boxes.copy()
    rows = np.arange(len(boxes))
    for first, stop in gaps:
        for side in range(4):
            filled[first:stop, side] = np.interp(
                rows[first:stop], [first - 1, stop], [boxes[first - 1, side], boxes[stop, side]]
            )
    return filled, gaps


def _with_margin(boxes: NDArray[np.float64], margin: float, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return boxes with a margin, in whole pixels, clipped to the image of width and height `size`."""
    longer = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)
    grown = np.hstack([boxes[:, :2] - margin * longer, boxes[:, 2:] + margin * longer])
    limits = np.array([*size, *size], np.float64)
    clipped: NDArray[np.float64] = np.clip(np.hstack([np.floor(grown[:, :2]), np.ceil(grown[:, 2:])]), 0, limits)
    return clipped
