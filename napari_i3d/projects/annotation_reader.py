"""Read and write annotation files together with the annotated video."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping

from numpy.typing import ArrayLike

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.annotations.io import reading, writing
from napari_i3d.annotations.io.format import AnnotatedVideo
from napari_i3d.individuals import Id
from napari_i3d.video.video import Video, open_video

AnyVideo = Video | AnnotatedVideo | str | os.PathLike[str] | None


def read_annotation(
    path: str | os.PathLike[str],
    format: str | None = None,  # noqa: A002 - the public name
    video: AnyVideo = None,
    *,
    fps: float | None = None,
    n_frames: int | None = None,
    frame_times: ArrayLike | None = None,
    individual: Id | None = None,
    ethogram: Ethogram | None = None,
    base: int | None = None,
    inclusive: bool | None = None,
    individuals: Iterable[Id] = (),
) -> Annotation:
    """Read an annotation file of any known format, without running any code in it.

    Parameters
    ----------
    path
        The file or folder.
    format
        Name of its format; None: recognized by its content.
    video
        The annotated video, opened or its path: its times turn seconds into frames, and a file of another video is
        refused.
    fps, n_frames, frame_times
        What is known of a video that is not given: frames per second, number of frames, and presentation times in
        seconds, shape (n_frames,).
    individual
        Whose bouts those are that the file gives to nobody; None: ``"unnamed"``.
    ethogram
        Behaviors with their keys, colors and descriptions; those of the file that are not among them are appended.
    base
        Number that the file gives to the video's first frame, 0 or 1, in formats that do not state it.
    inclusive
        Whether the last frame of a bout is part of it, in formats that do not state it.
    individuals
        Known ids, as of the tracking: text in the file that is the text of one of them, as "1" of 1, stands for it.

    Returns
    -------
    Annotation
        Frames count from 0, ranges are half-open, whatever the file has.

    Raises
    ------
    AnnotationError
        The file does not exist, is of no known format, is invalid, is of another video, or has times in seconds and
        neither the video nor its rate is known.
    VideoError
        The video cannot be opened.
    """
    with opened_facts(video) as facts:
        return reading.read_annotation(
            path,
            format,
            facts,
            fps=fps,
            n_frames=n_frames,
            frame_times=frame_times,
            individual=individual,
            ethogram=ethogram,
            base=base,
            inclusive=inclusive,
            individuals=individuals,
        )


def write_annotation(
    path: str | os.PathLike[str],
    annotation: Annotation,
    format: str | None = None,  # noqa: A002 - the public name
    video: AnyVideo = None,
    *,
    individual: Id | None = None,
    inclusive: bool | None = None,
    fps: float | None = None,
    first_frames: Mapping[Id, int] | None = None,
) -> tuple[str, ...]:
    """Write an annotation atomically in the format of a program; on failure an existing file at `path` is kept.

    Parameters
    ----------
    path
        The file to write.
    annotation
        The annotation.
    format
        Name of the format; None: by the ending of `path`.
    video
        The annotated video, opened or its path, for formats that hold its times, length, rate or name.
    individual
        Write this individual only; needed by formats that hold one if there are several.
    inclusive
        Whether the last frame of a bout shall be part of it, in formats that leave it open; None: the usual.
    fps
        Frames per second, if neither the video nor the annotation has them.
    first_frames
        The first frame of each individual's features: DLC2Action misplaces bouts before it, so they are cut.

    Returns
    -------
    tuple of str
        Notes: the base of the frames and whether ends are inclusive, and what could not be stored.

    Raises
    ------
    OutputError
        The format is unknown, cannot hold the annotation, or the file cannot be written.
    VideoError
        The video cannot be opened.
    """
    with opened_facts(video) as facts:
        return writing.write_annotation(
            path,
            annotation,
            format,
            facts,
            individual=individual,
            inclusive=inclusive,
            fps=fps,
            first_frames=first_frames,
        )


@contextlib.contextmanager
def opened_facts(video: AnyVideo) -> Iterator[AnnotatedVideo]:
    """Return what is known of a video, opened or a path; of a path, the video is open until the block ends."""
    if isinstance(video, str | os.PathLike):
        with open_video(video) as opened:
            yield reading.video_facts(opened)
    else:
        yield reading.video_facts(video)
