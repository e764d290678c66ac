"""Select the frames to read before they are requested, and read them from an open stream."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_i3d.errors import VideoError

if TYPE_CHECKING:
    from napari_i3d.video.decoder import Frame
    from napari_i3d.video.video import Video

STEP_FRAMES = 8
"""Largest move that counts as stepping, not jumping."""

_NEAR_FRAMES = 24
"""Largest distance to read on: beyond it, restarting ffmpeg is about as quick."""


@dataclass(frozen=True)
class Position:
    """The user's position in a video of `n_frames` frames."""

    frame: int  # requested last
    step: int  # frames moved since the request before, negative when going back
    n_frames: int
    quiet: bool  # whether nothing has been requested for a while


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
        self._frames.close()

    def leads_to(self, number: int) -> bool:
        """Return whether reading on reaches a frame sooner than a restart."""
        return self.next <= number <= self.next + _NEAR_FRAMES


class StreamReader:
    """Reads frames from a stream that stays open behind the last one."""

    def __init__(self, video: "Video") -> None:
        self._video = video
        self._stream: Stream | None = None

    def leads_to(self, number: int) -> bool:
        """Return whether reading on reaches a frame sooner than a restart."""
        stream = self._stream
        return stream is not None and stream.leads_to(number)

    def read(self, number: int, start: int, keep: "Callable[[int, Frame], None]") -> "Frame":
        """Read up to a frame, from `start` if the open stream does not lead to it; `keep` gets every frame read."""
        if not self.leads_to(number):
            self._open(start)
        while True:
            stream = self._stream or self._open(number)
            reached = stream.next
            try:
                frame = stream.read()
            except VideoError:
                self.close()
                if reached == number:
                    raise
                continue  # a damaged frame on the way; starting at the frame's own key frame may avoid it
            keep(reached, frame)
            if reached == number:
                return frame

    def detach(self) -> Stream | None:
        """Return the open stream, which the caller closes, and forget it."""
        stream, self._stream = self._stream, None
        return stream

    def close(self) -> None:
        """Close the stream."""
        if (stream := self.detach()) is not None:
            stream.close()

    def _open(self, start: int) -> Stream:
        self.close()
        self._stream = Stream(self._video, start)
        return self._stream


def next_to_read(
    position: Position, reach: int, is_missing: Callable[[int], bool], leads_to: Callable[[int], bool]
) -> range:
    """Return the frames to read next: one ahead, or a block behind; empty if there are none.

    Starting a stream is expensive. So a stream is started only when half of the frames within reach have been used, and
    frames behind, which need one start per block, are read a whole reach at a time. `reach` is the number of frames to
    hold ahead and behind; `leads_to` returns whether the open stream is shortly before a frame.
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
