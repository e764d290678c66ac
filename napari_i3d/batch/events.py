"""Events of a batch: a video started, its progress, its result."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from napari_i3d.errors import Message, Wording, python_wording


@dataclass(frozen=True)
class VideoStarted:
    """Work on a video started: the `number`-th of `total`."""

    video: Path
    number: int
    total: int


@dataclass(frozen=True)
class VideoReading:
    """Progress of reading a video's file for its checksum."""

    video: Path
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class VideoProgress:
    """Progress of a video; on a cluster several are in progress."""

    video: Path
    done_chunks: int  # computed in this run or before
    total_chunks: int
    kept_chunks: int  # on disk, so that they are not computed again after an interruption


@dataclass(frozen=True)
class VideoDone:
    """The features of a video were saved."""

    video: Path
    outputs: tuple[Path, ...]  # the features files
    remarks: tuple[Message, ...]  # what was left out or unusual
    chunks: int
    computed_chunks: int  # in this run; earlier runs had computed the others

    status: ClassVar = "done"
    complete: ClassVar = True

    def summary(self, wording: Wording = python_wording) -> str:
        """Return one line."""
        remarks = f" ({'; '.join(remark.in_words(wording) for remark in self.remarks)})" if self.remarks else ""
        return f"{self.video.name} -> {', '.join(map(str, self.outputs))}{remarks}"


@dataclass(frozen=True)
class VideoSkipped:
    """A video was not extracted."""

    video: Path
    reason: Message
    complete: bool  # whether its result exists
    busy: bool = False  # whether another process is working on it
    existing: tuple[Path, ...] = ()  # files of its result that exist
    difference: str = ""  # between one of these and the options

    status: ClassVar = "skipped"

    def summary(self, wording: Wording = python_wording) -> str:
        """Return one line."""
        return f"{self.video.name}: {self.reason.in_words(wording)}"


@dataclass(frozen=True)
class VideoFailed:
    """A video could not be extracted."""

    video: Path
    reason: Message

    status: ClassVar = "failed"
    complete: ClassVar = False

    def summary(self, wording: Wording = python_wording) -> str:
        """Return one line, which begins with the name of the video."""
        reason = self.reason.in_words(wording)
        return reason if reason.startswith((self.video.name, str(self.video))) else f"{self.video.name}: {reason}"


VideoResult = VideoDone | VideoSkipped | VideoFailed
BatchEvent = VideoStarted | VideoReading | VideoProgress | VideoResult
