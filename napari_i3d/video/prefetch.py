"""Choose the frames to read before they are requested, and read them from an open stream."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_i3d.video.decoder import Frame
    from napari_i3d.video.video import Video

STEP_FRAMES = 8
"""Largest move that counts as stepping, not jumping."""

_NEAR_FRAMES = 24
"""Largest distance to read on: beyond it, restarting ffmpeg is about as quick."""


@dataclass(frozen=True)
class Position:
    """The user's position in a video.

    Attributes
    ----------
    frame
        The frame requested last.
    step
        Frames moved since the request before, negative when going back.
    n_frames
        Number of frames of the video.
    quiet
        Whether nothing has been requested for a while.
    """

    frame: int
    step: int
    n_frames: int
    quiet: bool


class Stream:
    """Frames one after another, from an ffmpeg that is open at `next`."""

    def __init__(self, video: "Video", start: int, stop: int | None = None) -> None:
        self.next = start
        self._frames = video.frames(start, stop)

    def read(self) -> "Frame":
        """Return the next frame, read-only since it is shared."""
        frame = next(self._frames)
        frame.flags.writeable = False
        self.next += 1
        return frame

    def close(self) -> None:
        """End its ffmpeg."""
        self._frames.close()  # type: ignore[attr-defined]  # it is a generator

    def leads_to(self, number: int) -> bool:
        """Whether reading on reaches a frame sooner than a restart."""
        return self.next <= number <= self.next + _NEAR_FRAMES


def next_to_read(
    position: Position, reach: int, is_missing: Callable[[int], bool], leads_to: Callable[[int], bool]
) -> range:
    """Return the frames to read next: one ahead, or a block behind; empty if there are none.

    Starting a stream is expensive. So a stream is started only when half of the frames within reach have been used,
    and frames behind, which need one start per block, are read a whole reach at a time.

    Parameters
    ----------
    position
        The user's position.
    reach
        Number of frames to hold ahead and behind.
    is_missing
        Whether a frame has not been read yet.
    leads_to
        Whether the open stream is shortly before a frame.
    """
    place, step, quiet = position.frame, position.step, position.quiet
    if not quiet and abs(step) > STEP_FRAMES:
        return range(0)
    ahead = next((n for n in range(place + 1, min(place + reach + 1, position.n_frames)) if is_missing(n)), None)
    if ahead is not None and not leads_to(ahead) and ahead - place > reach // 2:
        ahead = None
    behind = next((n for n in range(place - 1, max(place - 1 - reach // 2, -1), -1) if is_missing(n)), None)
    if behind is not None and (step < 0 or (ahead is None and quiet)):
        return range(max(0, behind + 1 - reach), behind + 1)
    if ahead is not None and (step > 0 or quiet):
        return range(ahead, ahead + 1)
    return range(0)
