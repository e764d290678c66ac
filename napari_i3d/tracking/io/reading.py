"""Read a tracking file of any known format."""

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from napari_i3d._utils.files import nearest_file, sha256_of
from napari_i3d._utils.text import counted, format_path
from napari_i3d.errors import SettingsError, TrackingError
from napari_i3d.individuals import format_id
from napari_i3d.tracking.io import box_pickle
from napari_i3d.tracking.io.format import HEAD_BYTES, ReadOptions, TrackingFormat, VideoFacts
from napari_i3d.tracking.io.formats import FORMATS
from napari_i3d.tracking.keypoint_boxes import keypoints_to_boxes
from napari_i3d.tracking.keypoints import KeypointBoxes, Keypoints
from napari_i3d.tracking.origin import Origin
from napari_i3d.tracking.tracklets import Tracking

_BEGINNINGS = {
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a numpy file",
    b"PK\x03\x04": "a zip archive",
    b"{": "text, perhaps JSON",
    b"[": "text, perhaps JSON",
}


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
        Of the file.
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
    chosen = recognize(path) if format is None else _by_name(format)
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


def recognize(path: str | os.PathLike[str]) -> TrackingFormat:
    """Return the format of a tracking file or folder, by its content.

    Raises
    ------
    TrackingError
        There is no such file, it cannot be read, or it is of no known format.
    """
    path = Path(path)
    try:
        head = head_of(path)
    except TrackingError as error:
        raise TrackingError(f"{format_path(path.name)}: {error.message.text}", error.message.hint) from None
    found = next((known for known in FORMATS if known.recognize(path, head)), None)
    if found is None:
        beginning = next((text for start, text in _BEGINNINGS.items() if head.lstrip().startswith(start)), "")
        if path.suffix.lower() in (".yaml", ".yml"):
            beginning = "a configuration,"
        kind = "a folder" if path.is_dir() else beginning
        raise TrackingError(
            f"{format_path(path.name)}: {f'{kind} ' if kind else ''}of no known tracking format; known are "
            f"{', '.join(known.title for known in FORMATS)}"
        )
    return found


def head_of(path: Path) -> bytes:
    """Return the first `HEAD_BYTES` bytes of a file, none for a folder.

    Raises
    ------
    TrackingError
        There is no such file, it is empty, a device or pipe, or cannot be read.
    """
    try:
        if path.is_dir():
            return b""
        if path.exists() and not path.is_file():  # reading a pipe might never end
            raise TrackingError("this is a device or pipe; expected a tracking file")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        near = nearest_tracking_file(path)
        hint = f"is it {format_path(near.name)}?" if near is not None else "expected a tracking file"
        raise TrackingError(f"no such file in {format_path(path.parent)}; {hint}") from None
    except (OSError, ValueError) as error:  # ValueError: an invalid file name
        raise TrackingError(f"cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if not head:
        raise TrackingError("the file is empty; expected a tracking file")
    return head


def nearest_tracking_file(path: Path, stem: str = "", others: Collection[str] = ()) -> Path | None:
    """Return the tracking whose name is most similar to that of a missing one in the same folder, or None.

    `stem` and `others` are as in `nearest_file`: the beginning of its name, and those of other files.
    """
    endings = {ending for known in FORMATS for ending in known.endings}
    return nearest_file(path, endings, stem, others, is_tracking)


def is_tracking(path: Path) -> bool:
    """Return whether a file or folder may be tracking, by its beginning; any pickle may be."""
    try:
        recognize(path)
    except TrackingError:
        return False
    return True


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
    chosen = recognize(path) if format_name is None else _by_name(format_name)
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


def _by_name(name: str) -> TrackingFormat:
    found = next((known for known in FORMATS if known.name == name), None)
    if found is None:
        raise TrackingError(
            f"format: expected one of {', '.join(known.name for known in FORMATS)}, found {format_id(name)!r}"
        )
    return found


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
