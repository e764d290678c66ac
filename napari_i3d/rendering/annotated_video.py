"""Render a video with boxes, ids and behaviors drawn in, frame by frame."""

import contextlib
import os
from pathlib import Path

import numpy as np

from napari_i3d._utils.files import require_new
from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d._utils.text import format_path
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.errors import AnnotationError, OutputError, SettingsError
from napari_i3d.rendering.encoder import encoding, exact_rate, require_ending
from napari_i3d.rendering.ethogram_strip import EthogramStrip
from napari_i3d.rendering.individuals import Individual, choose, individuals_of
from napari_i3d.rendering.options import Part, RenderedVideo, RenderOptions
from napari_i3d.rendering.overlay import Overlay
from napari_i3d.rendering.painting import Image8, TextPainter, text_px_of
from napari_i3d.rendering.view import FollowingView, View, WholeView
from napari_i3d.tracking.box_table import BoxTable
from napari_i3d.tracking.checks import require_within_video
from napari_i3d.tracking.tracklets import Tracking
from napari_i3d.video.video import Video, open_video

# Times are rounded to milliseconds in many files.
_ROUNDING_S, _ROUNDING_SHARE = 0.002, 0.001
_UNEVEN = 0.5  # of the time of a frame


@long_call
def render_video(
    video: Video | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    tracking: Tracking | None = None,
    annotation: Annotation | None = None,
    options: RenderOptions | None = None,
    overwrite: bool = False,
) -> Steps[RenderedVideo]:
    """Write a video with boxes, ids, behaviors and an ethogram drawn in.

    Frame k of the file shows frame ``options.start + k`` of the video. It is written as h264 in mp4 without sound,
    whole or not at all. ``render_video.steps`` is the same as a generator of progress; closing it ends the work.

    Parameters
    ----------
    video
        The video, or its path.
    out
        The file, ``.mp4``.
    tracking
        The boxes; None: no boxes.
    annotation
        The behaviors; None: no behaviors and no ethogram.
    options
        Frames, individuals, and how they are shown; None: the defaults.
    overwrite
        Replace the file if it exists.

    Returns
    -------
    RenderedVideo
        The file, and notes such as of an uneven frame rate.

    Raises
    ------
    SettingsError
        The video lacks a frame, or an individual is unknown; the message lists those that exist.
    TrackingError, AnnotationError
        Boxes or bouts of the chosen individuals lie beyond the end of the video.
    VideoError
        A frame is damaged.
    OutputError
        The file exists, is the video itself, or cannot be written.
    """
    path = Path(out)
    require_ending(path)
    require_new(path, overwrite)
    options = options or RenderOptions()
    with contextlib.ExitStack() as stack:
        opened = video if isinstance(video, Video) else stack.enter_context(open_video(video))
        if path.exists() and path.samefile(opened.path):
            raise OutputError(f"{format_path(path)}: is the video itself", hint="choose another name")
        scene = _Scene(opened, tracking, annotation, options)
        frames, rate = options.frames_of(len(opened)), exact_rate(scene.fps * options.speed)
        encoder = stack.enter_context(encoding(path, scene.size, rate, options.quality))
        images = stack.enter_context(contextlib.closing(opened.frames(frames.start, frames.stop)))
        yield Step(0, len(frames), "rendering")
        for number, image in zip(frames, images, strict=True):
            encoder.write(scene.draw(image, number))
            yield Step(number - frames.start + 1, len(frames), "rendering")
        for _ in encoder.finish():
            yield Step(len(frames), len(frames), "finishing the file")
    return RenderedVideo(path, frames, float(rate), scene.size, scene.notes)


class _Scene:
    """What is drawn of a video, and the picture that it is drawn into.

    Attributes
    ----------
    size
        Width and height of the picture in pixels, both even.
    fps
        Frames per second, without a change of speed.
    notes
        Notes for the user.
    """

    def __init__(
        self, video: Video, tracking: Tracking | None, annotation: Annotation | None, options: RenderOptions
    ) -> None:
        frames = options.frames_of(len(video))
        self.fps, uneven = _rate(video, frames)
        notes = [uneven] if uneven else []
        known = individuals_of(tracking, annotation)
        chosen = choose(known, options.individuals)
        _check(video, tracking, annotation, chosen)
        if annotation is not None and annotation.n_frames not in (None, len(video)):
            notes.append(f"the labels are of a video of {annotation.n_frames} frames, this one has {len(video)}")
        scale = _scale(video, options)
        self._view = _view(video, tracking, known, options, scale)
        width, height = self._view.size
        painter = TextPainter(text_px_of(width, height))
        tracked = [one.id for one in chosen if one.tracked]
        self._overlay = Overlay(
            chosen,
            BoxTable(tracking.select(tracked), scale) if tracking is not None and tracked else None,
            annotation,
            self._view,
            painter,
            video.times_s - video.times_s[0],
            options.hide,
        )
        self._strip = None
        if annotation is not None and chosen and Part.ETHOGRAM not in options.hide:
            window = options.ethogram_window_s * self.fps, options.ethogram_window_s
            self._strip = EthogramStrip(chosen, annotation, painter, width + width % 2, height, window, len(video))
            if self._strip.left_out:
                notes.append(f"the ethogram has no room for {self._strip.left_out} of the {len(chosen)} individuals")
        total = height + (self._strip.height if self._strip is not None else 0)
        self.size = width + width % 2, total + total % 2
        self._picture = np.zeros((self.size[1], self.size[0], 3), np.uint8)
        self.notes = tuple(notes)

    def draw(self, image: Image8, frame: int) -> Image8:
        """Return the picture of a frame, the same array each time, overwritten."""
        width, height = self._view.size
        shown = self._picture[:height, :width]
        self._view.copy(image, frame, shown)
        # h264 needs even sizes: repeat the last column and row, if need be.
        self._picture[:height, width:] = shown[:, -1:]
        self._overlay.draw(shown, frame)
        used = height
        if self._strip is not None:
            used += self._strip.height
            self._strip.draw(self._picture[height:used], frame)
        self._picture[used:] = self._picture[used - 1 : used]
        return self._picture


def _check(video: Video, tracking: Tracking | None, annotation: Annotation | None, chosen: list[Individual]) -> None:
    """Check that the boxes and bouts of the individuals are within the video."""
    for one in chosen:
        if tracking is not None and one.tracked:
            require_within_video(tracking[one.id], len(video), video.path.name, video.remark)
        if annotation is not None and one.annotated is not None:
            last = max((bout.stop for bout in annotation.of(one.annotated)), default=0) - 1
            if last >= len(video):
                raise AnnotationError(
                    f"{one.name}: has labels up to frame {last}, but the last frame of {format_path(video.path.name)} "
                    f"is {len(video) - 1}: {video.remark or 'does the annotation belong to this video?'}"
                )


def _scale(video: Video, options: RenderOptions) -> tuple[float, float]:
    """Return pixels of the video, (x, y), for a pixel of the boxes."""
    _, height, width, _ = video.shape
    return (1.0, 1.0) if options.video_size is None else (width / options.video_size[0], height / options.video_size[1])


def _view(
    video: Video,
    tracking: Tracking | None,
    known: list[Individual],
    options: RenderOptions,
    scale: tuple[float, float],
) -> View:
    if options.follow is None:
        return WholeView(video.shape[2], video.shape[1])
    (followed,) = choose([one for one in known if one.tracked], [options.follow])
    if tracking is None:
        raise SettingsError("follow: expected the tracking of the individual to follow, found none")
    require_within_video(tracking[followed.id], len(video), video.path.name, video.remark)
    return FollowingView(tracking[followed.id], scale, options.follow_size_px)


def _rate(video: Video, frames: range) -> tuple[float, str]:
    """Return the frames per second of a range, and a note if they are uneven."""
    times_s = video.times_s[frames.start : frames.stop]
    span_s = float(times_s[-1] - times_s[0])
    steps = len(times_s) - 1
    fps = video.fps
    if steps and span_s > 0 and abs(span_s - steps / fps) > _ROUNDING_S + _ROUNDING_SHARE * span_s:
        fps = steps / span_s
    off_s = np.abs(times_s - times_s[0] - np.arange(len(times_s)) / fps)
    if off_s.max() <= _UNEVEN / fps:
        return fps, ""
    return fps, (
        f"the frame rate varies: all frames are written at the mean rate of {fps:.6g} frames/s, so that times in the "
        "file differ from those of the video, which the image shows"
    )
