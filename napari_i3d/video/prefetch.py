"""Which frames to read before they are asked for, and the stream that they come from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_i3d.video.decoder import Frame
    from napari_i3d.video.video import Video

STEP_FRAMES = 8
"""Who moves by no more than this is stepping, not jumping."""

_NEAR_FRAMES = 24
"""A frame so far ahead of the open ffmpeg is reached by reading on: about as quick as starting anew."""


@dataclass(frozen=True)
class Position:
    """Where in a video somebody looks.

    Attributes
    ----------
    frame
        The frame looked at.
    step
        Frames from the one before, negative when going back.
    n_frames
        Of the video.
    quiet
        Whether nothing has been asked for a while.
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
        """Return the next frame, which may not be written to: many may be shown the same one."""
        frame = next(self._frames)
        frame.flags.writeable = False
        self.next += 1
        return frame

    def close(self) -> None:
        """End its ffmpeg."""
        self._frames.close()  # type: ignore[attr-defined]  # it is a generator

    def leads_to(self, number: int) -> bool:
        """Whether a frame is reached sooner by reading on than by starting anew."""
        return self.next <= number <= self.next + _NEAR_FRAMES


def next_to_read(
    position: Position, reach: int, is_missing: Callable[[int], bool], leads_to: Callable[[int], bool]
) -> range:
    """Return the frames to be read next: one ahead, or a block behind; empty if there are none.

    Starting a stream is what costs. So one is started only when half of the frames within reach have been used up, and
    those behind, where each start gives no more than a block, are read a whole reach at a time.

    Parameters
    ----------
    position
        Where somebody looks.
    reach
        How many frames ahead and behind shall be there.
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
