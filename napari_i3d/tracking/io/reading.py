"""Read a tracking file of any known format."""

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from napari_i3d._utils.files import sha256_of
from napari_i3d._utils.text import counted, format_path
from napari_i3d.errors import SettingsError, TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.tracking.io import box_pickle
from napari_i3d.tracking.io.format import ReadOptions, TrackingFormat, VideoFacts
from napari_i3d.tracking.io.formats import FORMATS
from napari_i3d.tracking.io.recognition import format_named, head_of, recognize
from napari_i3d.tracking.keypoint_boxes import keypoints_to_boxes
from napari_i3d.tracking.keypoints import KeypointBoxes, Keypoints
from napari_i3d.tracking.origin import Origin
from napari_i3d.tracking.tracklets import Tracking


class VideoLike(Protocol):
    """The attributes needed of an opened video; `napari_i3d.Video` has them."""

    shape: tuple[int, int, int, int]

    @property
    def fps(self) -> float:
        """Frames per second."""


def read_tracking(
    path: str | os.PathLike[str],
    format: str | None = None,  # noqa: A002 - the public name
    video: VideoFacts | VideoLike | None = None,
    boxes: KeypointBoxes | None = None,
    *,
    base: int | None = None,
) -> Tracking:
    """Read a tracking file, or a folder of them that one video has, without running any code in it.

    Parameters
    ----------
    path
        The file or folder.
    format
        Name of its format; None: recognized by its content.
    video
        The video that was tracked: needed by formats that leave its size, length or rate to it.
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
    """
    facts = video_facts(video)
    found = read_content(path, format, facts, base)
    tracking = found.to_tracking(boxes)
    if facts is not None and found.format is not box_pickle.FORMAT:
        with found.naming():
            _check_length(tracking, facts.n_frames, isinstance(found.content, Tracking) and base != 1)
    return tracking


@dataclass(frozen=True, eq=False)
class FileContent:
    """What a tracking file holds, before key points become boxes.

    Attributes
    ----------
    name
        Name of the file.
    format
        Its format.
    content
        Boxes, or key points.
    notes
        How the file was understood: one sentence each, without a period.
    """

    name: str
    format: TrackingFormat
    content: Tracking | Keypoints
    notes: tuple[str, ...] = ()

    def to_tracking(self, boxes: KeypointBoxes | None = None) -> Tracking:
        """Return the boxes; those of key points are made as `boxes` says, None: the defaults of `KeypointBoxes`.

        Raises
        ------
        TrackingError
            A key point is not in the file, a size is needed, or no individual has a box at all.
        """
        if isinstance(self.content, Keypoints):
            with self.naming():
                tracking = keypoints_to_boxes(self.content, boxes or KeypointBoxes(), self.format.name)
        elif self.format is box_pickle.FORMAT:
            return self.content
        else:
            tracking = self.content
        origin = tracking.origin or Origin(self.format.name)
        return Tracking(tracking.values(), dataclasses.replace(origin, notes=(*self.notes, *origin.notes)))

    @contextlib.contextmanager
    def naming(self) -> Iterator[None]:
        """Name the file and its format in errors."""
        with _naming(self.name, self.format):
            yield


def read_content(
    path: str | os.PathLike[str],
    format: str | None = None,  # noqa: A002 - as in read_tracking
    video: VideoFacts | VideoLike | None = None,
    base: int | None = None,
) -> FileContent:
    """Read a tracking file, or a folder of them, and leave key points what they are.

    The arguments are those of `read_tracking`.

    Raises
    ------
    TrackingError
        The file does not exist, is of no known format or is invalid.
    VideoNeededError
        The format leaves something to the video, which was not given.
    """
    path = Path(path)
    chosen = recognize(path) if format is None else format_named(format)
    if chosen is box_pickle.FORMAT:
        return FileContent(path.name, chosen, box_pickle.read_tracking(path))
    with _naming(path.name, chosen):
        if format is not None:
            head_of(path)
        result = chosen.read(path, ReadOptions(video_facts(video), base))
    return FileContent(path.name, chosen, result.content, result.notes)


@contextlib.contextmanager
def _naming(name: str, chosen: TrackingFormat) -> Iterator[None]:
    try:
        yield
    except TrackingError as error:
        text = f"{format_path(name)} ({chosen.title}): {error.message.text}"
        raise type(error)(text, error.message.hint) from error.__cause__


def tracking_sha256(path: Path, format_name: str | None = None) -> str:
    """Return a checksum of a tracking file, or of the names and contents of all files that are read together.

    Parameters
    ----------
    path
        A file or folder.
    format_name
        Name of its format; None: recognized by its content.

    Raises
    ------
    TrackingError
        There is no such file, it cannot be read, or it is of no known format.
    """
    chosen = recognize(path) if format_name is None else format_named(format_name)
    files = [path] if chosen.files is None else sorted(chosen.files(path))
    try:
        if files == [path]:
            return sha256_of(path)
        digest = hashlib.sha256()
        for file in files:
            digest.update(
                f"{os.path.relpath(file, path.parent)} {sha256_of(file)}\n".encode("utf-8", "surrogateescape")
            )
        return digest.hexdigest()
    except OSError as error:
        raise TrackingError(
            f"{format_path(path)}: cannot be read ({error.strerror or error})", hint="check its permissions"
        ) from error


def video_facts(video: VideoFacts | VideoLike | None, size: tuple[int, int] | None = None) -> VideoFacts | None:
    """Return the size, length and rate of an opened video; `size` is (width, height) if it is resized first."""
    if video is None or isinstance(video, VideoFacts):
        return video
    n_frames, height, width = video.shape[:3]
    width, height = size or (width, height)
    path = getattr(video, "path", None)
    return VideoFacts(width, height, n_frames, float(video.fps), Path(path).stem if path is not None else "")


@dataclasses.dataclass(frozen=True)
class TrackingReading:
    """How tracking files are read; see `read_tracking`.

    Parameters
    ----------
    format
        Name of their format; None: recognized by content.
    base
        Number that they give to the video's first frame, 0 or 1, if the format does not state it; None: found out.
    boxes
        How key points become boxes.

    Raises
    ------
    SettingsError
        A value is out of range.
    """

    format: str | None = None
    base: int | None = None
    boxes: KeypointBoxes = dataclasses.field(default_factory=KeypointBoxes)

    def __post_init__(self) -> None:
        names = [known.name for known in FORMATS]
        if self.format is not None and self.format not in names:
            raise SettingsError(f"format: expected one of {', '.join(names)}, found {ascii(self.format)[:60]}")
        if self.base not in (None, 0, 1) or isinstance(self.base, bool):
            raise SettingsError(f"base: expected 0, 1 or None, found {ascii(self.base)[:60]}")

    def read(
        self, path: Path, video: VideoFacts | VideoLike | None = None, size: tuple[int, int] | None = None
    ) -> Tracking:
        """Read a file or folder; `size` is (width, height) of the video if it is resized first.

        Raises
        ------
        TrackingError
            As in `read_tracking`.
        """
        return read_tracking(path, self.format, video_facts(video, size), self.boxes, base=self.base)

    def as_dict(self) -> dict[str, Any]:
        """Return the choices as JSON values, for provenance."""
        return {"format": self.format, "base": self.base, "keypoint_boxes": self.boxes.as_dict()}


def _check_length(tracking: Tracking, n_frames: int, may_count_from_1: bool) -> None:
    last = max(tracking.values(), key=lambda tracklet: tracklet.stop)
    if last.stop > n_frames:
        hint = "is it the tracking of another video?"
        if may_count_from_1 and last.stop == n_frames + 1 and all(tracklet.start for tracklet in tracking.values()):
            hint = "if its frames count from 1, state {base=1}; else it is the tracking of another video"
        raise TrackingError(
            f"{format_id(last.id)} has a box in frame {last.stop - 1}, but the video has {counted(n_frames, 'frame')} "
            f"(0 to {n_frames - 1})",
            hint,
        )
