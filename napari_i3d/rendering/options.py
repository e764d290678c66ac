"""Options of a rendered video, and what is known of it once it is written."""

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from napari_i3d.errors import SettingsError
from napari_i3d.individuals import Id

SLOWEST, FASTEST = 0.01, 100.0
_SHORTEST_WINDOW_S, _LONGEST_WINDOW_S = 0.1, 86_400.0
_SMALLEST_SQUARE_PX, LARGEST_SQUARE_PX = 8, 4096
_WORST_QUALITY = 51


class Part(StrEnum):
    """What is drawn, and can be left out."""

    BOXES = "boxes"
    IDS = "ids"
    BEHAVIORS = "behaviors"
    """Names of the behaviors that are on, beside the box."""
    ETHOGRAM = "ethogram"
    """Behaviors over time, below the image."""
    READOUT = "readout"
    """Frame number and time."""


@dataclass(frozen=True)
class RenderOptions:
    """Which frames and individuals are rendered, and how.

    Attributes
    ----------
    individuals
        Ids, in the order of the ethogram's lanes; None: all.
    start, stop
        The frames, half-open; None: to the end of the video.
    follow
        Id of the individual that stays in the middle of the image; None: the whole image is shown.
    follow_size_px
        Side of the square around it, in pixels of the video; None: twice the length of its larger boxes.
    hide
        What is left out.
    ethogram_window_s
        Length of the time that the ethogram shows, in seconds of the video; the frame shown is in the middle.
    video_size
        Width and height, in pixels, of the resized video that the boxes refer to; None: the video as it is.
    speed
        How many times as fast the video plays; all frames are kept.
    quality
        Constant rate factor of x264, 0 to 51: lower is better and larger.

    Raises
    ------
    SettingsError
        A value is out of range.
    """

    individuals: tuple[Id, ...] | None = None
    start: int = 0
    stop: int | None = None
    follow: Id | None = None
    follow_size_px: int | None = None
    hide: frozenset[Part] = frozenset()
    ethogram_window_s: float = 20.0
    video_size: tuple[int, int] | None = None
    speed: float = 1.0
    quality: int = 20

    def __post_init__(self) -> None:
        unknown = [part for part in self.hide if part not in list(Part)]
        if unknown:
            raise SettingsError(f"hide: expected parts of {', '.join(Part)}, found {unknown[0]!r}")
        object.__setattr__(self, "hide", frozenset(Part(part) for part in self.hide))
        if self.individuals is not None:
            object.__setattr__(self, "individuals", tuple(self.individuals))
        size = self.follow_size_px
        if size is not None and self.follow is None:
            raise SettingsError("expected an individual to follow, found the size of the view alone", "set {follow}")
        limits = (
            ("ethogram_window_s", self.ethogram_window_s, _SHORTEST_WINDOW_S, _LONGEST_WINDOW_S),
            ("follow_size_px", _SMALLEST_SQUARE_PX if size is None else size, _SMALLEST_SQUARE_PX, LARGEST_SQUARE_PX),
            ("speed", self.speed, SLOWEST, FASTEST),
            ("quality", self.quality, 0, _WORST_QUALITY),
        )
        for name, value, least, most in limits:
            if not (math.isfinite(value) and least <= value <= most):
                raise SettingsError(f"{name}: expected a number from {least:g} to {most:g}, found {value:g}")
        if self.video_size is not None and min(self.video_size) < 1:
            raise SettingsError(f"video_size: expected two numbers from 1, found {self.video_size}")

    def frames_of(self, n_frames: int) -> range:
        """Return the frames of a video of `n_frames`; raise `SettingsError` if it lacks any, or there are none."""
        stop = n_frames if self.stop is None else self.stop
        if not 0 <= self.start < n_frames:
            raise SettingsError(f"start: expected a frame from 0 to {n_frames - 1}, found {self.start}")
        if not self.start < stop <= n_frames:
            raise SettingsError(f"stop: expected a number from {self.start + 1} to {n_frames}, found {stop}")
        return range(self.start, stop)


@dataclass(frozen=True)
class RenderedVideo:
    """A video that was written.

    Attributes
    ----------
    path
        The file.
    frames
        Frames of the input; frame k of the file shows the k-th of them.
    fps
        Frames per second of the file.
    size
        Width and height in pixels.
    notes
        Notes for the user: one sentence each, without a period.
    """

    path: Path
    frames: range
    fps: float
    size: tuple[int, int]
    notes: tuple[str, ...] = ()
