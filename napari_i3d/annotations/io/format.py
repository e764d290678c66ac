"""The interface of an annotation format: how it is recognized, read and written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.annotations.io.frame_clock import FrameClock
from napari_i3d.errors import AnnotationError, OutputError
from napari_i3d.individuals import Id

OTHER_VIDEO = "the file is of a video"
"""Beginning of notes on files that seem to be of another video."""
HEAD_BYTES = 65536
"""Number of bytes at the beginning of a file that `AnnotationFormat.recognize` gets."""
UNNAMED = "unnamed"
"""The individual of bouts in files that name none, unless another is given."""


@dataclass(frozen=True, eq=False)
class AnnotatedVideo:
    """Facts about the annotated video; what is not known is None or empty.

    Attributes
    ----------
    name
        Its file name.
    n_frames
        Number of frames.
    fps
        Frames per second.
    times_s
        Shape (n_frames,), float64: presentation times in seconds, ascending.
    size
        Width and height in pixels.
    """

    name: str = ""
    n_frames: int | None = None
    fps: float | None = None
    times_s: NDArray[np.float64] | None = field(default=None, repr=False)
    size: tuple[int, int] | None = None

    @property
    def stem(self) -> str:
        """File name without the ending."""
        return Path(self.name).stem

    def clock(self, fps: float | None = None) -> FrameClock:
        """Return the times of the frames; `fps` is the rate that the file states, used only if no other is known.

        Raises
        ------
        AnnotationError
            Neither times nor a rate are known.
        """
        rate = self.fps or fps
        if self.times_s is None and not rate:
            raise AnnotationError(
                "the file has times in seconds; expected the video, or its frames per second, found neither",
                hint="give {video} or {fps}",
            )
        return FrameClock(self.times_s, rate, self.n_frames)


@dataclass(frozen=True)
class ReadRequest:
    """What a reader is given beside the file.

    Attributes
    ----------
    video
        What is known about the annotated video.
    individual
        Whose bouts those are that the file gives to nobody; None: not known.
    ethogram
        Behaviors for files that do not describe theirs; None: not known.
    base
        Number that the file gives to the video's first frame, 0 or 1, in formats that do not state it; None: the usual.
    inclusive
        Whether the last frame of a bout is part of it, in formats that do not state it; None: the usual.
    individuals
        Known ids, as of the tracking: text in a file that is the text of one of them stands for it.
    """

    video: AnnotatedVideo = field(default_factory=AnnotatedVideo)
    individual: Id | None = None
    ethogram: Ethogram | None = None
    base: int | None = None
    inclusive: bool | None = None
    individuals: tuple[Id, ...] = ()

    @property
    def nobody(self) -> Id:
        """The individual of bouts that the file gives to nobody."""
        return UNNAMED if self.individual is None else self.individual


@dataclass(frozen=True)
class WriteRequest:
    """What a writer is given beside the annotation.

    Attributes
    ----------
    video
        What is known about the annotated video.
    individual
        The only individual to write, for formats that hold one; None: all, or the only one there is.
    inclusive
        Whether the last frame of a bout shall be part of it, in formats that do not state it; None: the usual.
    first_frames
        The first frame of each individual's features, for programs that misplace bouts before it.
    """

    video: AnnotatedVideo = field(default_factory=AnnotatedVideo)
    individual: Id | None = None
    inclusive: bool | None = None
    first_frames: Mapping[Id, int] = field(default_factory=dict)

    def wanted(self, annotation: Annotation) -> list[Id]:
        """Return the individuals to write, in order."""
        return [one for one in annotation.individuals if self.individual in (None, one)]

    def clock(self) -> FrameClock:
        """Return the times of the frames.

        Raises
        ------
        OutputError
            Neither times nor a rate are known.
        """
        try:
            return self.video.clock()
        except AnnotationError:
            raise OutputError(
                "the format has times in seconds; expected the video, or its frames per second, found neither",
                hint="give {video} or {fps}",
            ) from None


@dataclass(frozen=True)
class ReadResult:
    """Content of a file, and notes for the user on how it was interpreted: one sentence each, without a period."""

    annotation: Annotation
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnnotationFormat:
    """An annotation format of this or another program.

    Attributes
    ----------
    name
        As in ``read_annotation(path, format=name)`` and in the command: small letters and hyphens.
    title
        As in messages and dialogs, with the program's own spelling.
    endings
        Usual endings of its files, in small letters; empty for folders.
    recognize
        Whether a file is of this format, from its path and its first `HEAD_BYTES` bytes (none for a folder). Must be
        quick and raise nothing on whatever bytes; it may open an HDF5 or zip file.
    read
        Read a file or folder. Raises an AnnotationError on invalid content. None: the format is not read.
    write
        Write atomically and return notes for the user on what could not be kept. None: the format is not written.
    base
        In words: what the file has for the video's first frame.
    ends
        In words: whether the last frame of a bout is part of it.
    lost
        In words: what the format cannot hold.
    """

    name: str
    title: str
    endings: tuple[str, ...]
    recognize: Callable[[Path, bytes], bool]
    read: Callable[[Path, ReadRequest], ReadResult] | None
    write: Callable[[Path, Annotation, WriteRequest], tuple[str, ...]] | None = None
    base: str = "frames from 0"
    ends: str = "end exclusive"
    lost: str = "nothing"
