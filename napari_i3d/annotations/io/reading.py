"""Read an annotation file of any known format."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_i3d._utils.text import format_path
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.annotations.io.format import AnnotatedVideo, AnnotationFormat, ReadRequest
from napari_i3d.annotations.io.recognition import format_named, head_of, recognize
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id


class VideoLike(Protocol):
    """The attributes needed of an opened video; `napari_i3d.Video` has them."""

    shape: tuple[int, int, int, int]
    times_s: NDArray[np.float64]

    @property
    def fps(self) -> float:
        """Frames per second."""


@dataclass(frozen=True, eq=False)
class AnnotationFile:
    """An annotation as a file has it.

    Attributes
    ----------
    name
        Name of the file.
    format
        Its format.
    annotation
        The annotation.
    notes
        How the file was understood, and what was left out: one sentence each, without a period.
    """

    name: str
    format: AnnotationFormat
    annotation: Annotation
    notes: tuple[str, ...] = ()


def read_annotation(
    path: str | os.PathLike[str],
    format: str | None = None,  # noqa: A002 - the public name
    video: AnnotatedVideo | VideoLike | None = None,
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
    """Read an annotation file, without running any code in it.

    The arguments are those of `read_annotation_file`, which also returns how the file was understood.

    Returns
    -------
    Annotation
        Frames count from 0, ranges are half-open, whatever the file has.

    Raises
    ------
    AnnotationError
        As in `read_annotation_file`.
    """
    return read_annotation_file(
        path,
        format,
        video,
        fps=fps,
        n_frames=n_frames,
        frame_times=frame_times,
        individual=individual,
        ethogram=ethogram,
        base=base,
        inclusive=inclusive,
        individuals=individuals,
    ).annotation


def read_annotation_file(
    path: str | os.PathLike[str],
    format: str | None = None,  # noqa: A002 - as in read_annotation
    video: AnnotatedVideo | VideoLike | None = None,
    *,
    fps: float | None = None,
    n_frames: int | None = None,
    frame_times: ArrayLike | None = None,
    individual: Id | None = None,
    ethogram: Ethogram | None = None,
    base: int | None = None,
    inclusive: bool | None = None,
    individuals: Iterable[Id] = (),
) -> AnnotationFile:
    """Read an annotation file, without running any code in it, and say how it was understood.

    Parameters
    ----------
    path
        The file or folder.
    format
        Name of its format; None: recognized by its content.
    video
        The annotated video: its times turn seconds into frames, its length is that of the annotation.
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
    AnnotationFile
        The annotation, the format and notes.

    Raises
    ------
    AnnotationError
        The file does not exist, is of no known format, is invalid, is of another video, or has times in seconds and
        neither the video nor its rate is known.
    """
    path = Path(path)
    if base not in (None, 0, 1) or isinstance(base, bool):
        raise AnnotationError(f"base: expected 0, 1 or None, found {ascii(base)[:60]}")
    facts = video_facts(video)
    times = facts.times_s if frame_times is None else np.asarray(frame_times, np.float64).reshape(-1)
    if frame_times is not None and times is not None:
        n_frames = len(times) if n_frames is None else n_frames
    facts = replace(
        facts, fps=facts.fps or fps, n_frames=n_frames if facts.n_frames is None else facts.n_frames, times_s=times
    )
    chosen = recognize(path) if format is None else format_named(format)
    with naming(path.name, chosen.title):
        if format is not None:
            head_of(path)
        if chosen.read is None:
            raise AnnotationError("this format can be written only")
        result = chosen.read(path, ReadRequest(facts, individual, ethogram, base, inclusive, tuple(individuals)))
    return AnnotationFile(path.name, chosen, result.annotation, result.notes)


@contextlib.contextmanager
def naming(name: str, title: str) -> Iterator[None]:
    """Name a file and its format in errors of the block."""
    try:
        yield
    except AnnotationError as error:
        text = f"{format_path(name)} ({title}): {error.message.text}"
        raise type(error)(text, error.message.hint) from error.__cause__


def video_facts(video: AnnotatedVideo | VideoLike | None) -> AnnotatedVideo:
    """Return name, length, rate, times and size of an opened video."""
    if video is None:
        return AnnotatedVideo()
    if isinstance(video, AnnotatedVideo):
        return video
    n_frames, height, width = video.shape[:3]
    path = getattr(video, "path", None)
    name = Path(path).name if path is not None else ""
    return AnnotatedVideo(name, n_frames, float(video.fps), video.times_s, (width, height))
