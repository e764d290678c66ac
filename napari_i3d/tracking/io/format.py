"""The interface of a tracking format: how it is recognized, read and written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_i3d.tracking.keypoints import Keypoints
from napari_i3d.tracking.tracklets import Tracking

HEAD_BYTES = 65536
"""Number of bytes at the beginning of a file that `TrackingFormat.recognize` gets."""


@dataclass(frozen=True)
class VideoFacts:
    """Facts about the video, which some formats need.

    Attributes
    ----------
    width, height
        In pixels.
    n_frames
        Number of frames.
    fps
        Frames per second.
    name
        Its file name without the ending, for files that hold several videos; empty: not known.
    """

    width: int
    height: int
    n_frames: int
    fps: float
    name: str = ""


@dataclass(frozen=True)
class ReadOptions:
    """Options of a reader.

    Attributes
    ----------
    video
        The video that was tracked; None: not known. A reader that cannot do without raises a TrackingError.
    base
        Number that the file gives to the video's first frame, 0 or 1, in formats that do not state it; None: inferred
        from the file.
    """

    video: VideoFacts | None = None
    base: int | None = None


@dataclass(frozen=True)
class ReadResult:
    """Content of a file, and notes for the user on how it was interpreted: one sentence each, without a period."""

    content: Tracking | Keypoints
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrackingFormat:
    """A tracking format of this or another program.

    Attributes
    ----------
    name
        As in ``read_tracking(path, format=name)`` and ``--from name``: small letters and hyphens.
    title
        As in messages and dialogs, with the program's own spelling.
    endings
        Usual endings of its files, in small letters; empty for folders.
    recognize
        Whether a file is of this format, from its path and its first `HEAD_BYTES` bytes (none for a folder). Must be
        quick, raise nothing on whatever bytes, and import neither pandas nor torch; it may open an HDF5 or zip file.
    read
        Read a file or folder. Raises a TrackingError on invalid content.
    write
        Write boxes atomically and return notes for the user: the base of the frame numbers, what could not be kept.
        None: the format is not written.
    files
        The files that are read of a path, which may be more than itself: of a folder, or beside it. Raises nothing.
        None: the path only.
    """

    name: str
    title: str
    endings: tuple[str, ...]
    recognize: Callable[[Path, bytes], bool]
    read: Callable[[Path, ReadOptions], ReadResult]
    write: Callable[[Path, Tracking, VideoFacts | None], tuple[str, ...]] | None = None
    files: Callable[[Path], Sequence[Path]] | None = None
