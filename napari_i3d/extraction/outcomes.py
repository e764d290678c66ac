"""What a batch tells while it runs: a video begun, how far it is, how it ended."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from napari_i3d.extraction.records import Progress


@dataclass(frozen=True)
class VideoStarted:
    """A video is begun: the `number`-th of `total`."""

    video: Path
    number: int
    total: int


@dataclass(frozen=True)
class VideoDone:
    """The features of a video were saved; `remarks` says what was left out."""

    video: Path
    outputs: tuple[Path, ...]
    remarks: tuple[str, ...]

    word: ClassVar = "done"
    complete: ClassVar = True

    @property
    def summary(self) -> str:
        """One line."""
        remarks = f" ({'; '.join(self.remarks)})" if self.remarks else ""
        return f"{self.video.name} -> {', '.join(map(str, self.outputs))}{remarks}"


@dataclass(frozen=True)
class VideoSkipped:
    """A video was not extracted; `complete` where that is because its result is there already."""

    video: Path
    reason: str
    complete: bool

    word: ClassVar = "skipped"

    @property
    def summary(self) -> str:
        """One line."""
        return f"{self.video.name}: {self.reason}"


@dataclass(frozen=True)
class VideoFailed:
    """A video could not be extracted."""

    video: Path
    reason: str

    word: ClassVar = "failed"
    complete: ClassVar = False

    @property
    def summary(self) -> str:
        """One line, which begins with the name of the video."""
        named = self.reason.startswith((self.video.name, str(self.video)))
        return self.reason if named else f"{self.video.name}: {self.reason}"


Outcome = VideoDone | VideoSkipped | VideoFailed
"""How a video ended."""

Record = VideoStarted | Progress | Outcome
"""What a batch yields."""
