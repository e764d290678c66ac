"""What a batch tells while it runs: a video begun, how far it is, how it ended."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from napari_i3d.errors import Message, Wording, python_wording


@dataclass(frozen=True)
class VideoStarted:
    """A video is begun: the `number`-th of `total`."""

    video: Path
    number: int
    total: int


@dataclass(frozen=True)
class VideoReading:
    """The content of a video's file is being looked at: how many of its bytes have been."""

    video: Path
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class VideoProgress:
    """How far a video is.

    Attributes
    ----------
    video
        Which: on a cluster several are in work.
    done_chunks, total_chunks
        Chunks computed, now or in a run before, and all.
    kept_chunks
        Those of the computed that are on disk: after an interruption the same command goes on with the others.
    """

    video: Path
    done_chunks: int
    total_chunks: int
    kept_chunks: int


@dataclass(frozen=True)
class VideoDone:
    """The features of a video were saved.

    Attributes
    ----------
    video, outputs
        The video and the files of its features.
    remarks
        What was left out, or was not as usual.
    chunks
        Number of chunks in all.
    computed_chunks
        Number of those that this run computed; a run before it had computed the others.
    """

    video: Path
    outputs: tuple[Path, ...]
    remarks: tuple[Message, ...]
    chunks: int
    computed_chunks: int

    word: ClassVar = "done"
    complete: ClassVar = True

    def summary(self, wording: Wording = python_wording) -> str:
        """Return one line."""
        remarks = f" ({'; '.join(remark.in_words(wording) for remark in self.remarks)})" if self.remarks else ""
        return f"{self.video.name} -> {', '.join(map(str, self.outputs))}{remarks}"


@dataclass(frozen=True)
class VideoSkipped:
    """A video was not extracted.

    Attributes
    ----------
    video, reason
        The video, and why.
    complete
        Its result is there already.
    busy
        Another process is working on it.
    existing
        The files of its result that are there.
    difference
        How one of these differs from what is wanted; "" if none does.
    """

    video: Path
    reason: Message
    complete: bool
    busy: bool = False
    existing: tuple[Path, ...] = ()
    difference: str = ""

    word: ClassVar = "skipped"

    def summary(self, wording: Wording = python_wording) -> str:
        """Return one line."""
        return f"{self.video.name}: {self.reason.in_words(wording)}"


@dataclass(frozen=True)
class VideoFailed:
    """A video could not be extracted."""

    video: Path
    reason: Message

    word: ClassVar = "failed"
    complete: ClassVar = False

    def summary(self, wording: Wording = python_wording) -> str:
        """Return one line, which begins with the name of the video."""
        reason = self.reason.in_words(wording)
        return reason if reason.startswith((self.video.name, str(self.video))) else f"{self.video.name}: {reason}"


Outcome = VideoDone | VideoSkipped | VideoFailed
"""How a video ended."""

BatchEvent = VideoStarted | VideoReading | VideoProgress | Outcome
"""What a batch yields."""
