"""Parse ffmpeg's log while it decodes: frames and error messages.

`-debug_ts` logs each frame twice: when the decoder has finished it, and when the filters pass it to the output. A
message about a frame precedes the decoder's line for it, perhaps by some frames, because ffmpeg decodes ahead. So a
frame that the decoder finished before any message is good.
"""

import re
import sys
import threading
from collections import deque
from dataclasses import dataclass
from fractions import Fraction

from napari_i3d.video.ffmpeg.process import END_OF_DESCRIPTION, STALL_S

_LEVEL = re.compile(r"^(?P<context>(?:\[[^\]]*\] )*)\[(?P<level>panic|fatal|error|warning)\] (?P<text>.*)$")
# Searched for, not matched: if two threads log at once, a line loses its beginning.
_DECODED = re.compile(r"decoder -> (?:ist_index:\S+ type:video )?(?:frame_)?pts:(-?\d+|NOPTS) .*keyframe:(\d)")
_OUTPUT = re.compile(r"filter_raw -> pts:(-?\d+|NOPTS) .*time_base:(\d+/\d+)")
_CORRUPT = "corrupt decoded frame"

# Messages that intact files cause: references removed with the frames before an edit or a seek; quirks of encoders; a
# deprecated pixel format; messages about our own output.
_HARMLESS = re.compile(
    r"mmco: unref short failure|deprecated pixel format|non.monoton|Past duration|Application provided invalid|"
    r"Multiple frames in a packet|Conversion failed!|"
    r"Error (?:writing|muxing|submitting a packet to the muxer)|Terminating thread|Task finished with error|Broken pipe"
)


@dataclass(frozen=True)
class LoggedFrame:
    """A frame in ffmpeg's log: its time (None: no time), and how many messages preceded it."""

    pts: int | None
    is_key: bool
    complaints_before: int

    @property
    def clean(self) -> bool:
        """Whether no message preceded it."""
        return self.complaints_before == 0


def complaint(line: str) -> str | None:
    """Return the text of a line that may report damage, else None."""
    match = _LEVEL.match(line)
    if match is None or _HARMLESS.search(match["text"]):
        return None
    if match["level"] == "warning" and "corrupt" not in match["text"].lower():
        return None
    return match["text"]


def context_of(line: str) -> str:
    """Return what stands before the level of a message: the components that logged it, with their addresses."""
    match = _LEVEL.match(line)
    return match["context"] if match else ""


def is_corrupt_mark(text: str) -> bool:
    """Return whether a message marks the frame of the decoder's next line as corrupt."""
    return text == _CORRUPT


def decoded(line: str) -> tuple[int | None, bool] | None:
    """Return a frame's time, and whether it is a key frame, from the decoder's line; None for other lines."""
    match = _DECODED.search(line) if "decoder -> " in line else None
    return (ticks(match[1]), match[2] == "1") if match else None


def ticks(text: str) -> int | None:
    """Parse a time as ffmpeg prints it; None if there is no time."""
    return None if text == "NOPTS" else int(text)


class Log:
    """A listener for `Process` that collects the description of the file, the frames, and error messages."""

    def __init__(self) -> None:
        self.description: list[str] = []
        self.mapping: list[str] = []
        self.complaints: list[str] = []
        self.contexts: list[str] = []  # of the complaints
        self.time_base: Fraction | None = None
        self.decoded_keys: list[int] = []
        self._decoded: deque[LoggedFrame] = deque()
        self._output: deque[LoggedFrame] = deque()
        self._change = threading.Condition()
        self._described = False
        self._started = False
        self._ended = False

    def __call__(self, line: str | None) -> None:  # noqa: D102
        with self._change:
            if line is None:
                self._ended = True
            elif not self._described:
                # Errors in the description occur again when the file is read.
                self._described = line == END_OF_DESCRIPTION
                self.description.append(line)
            elif not self._started:
                self._started = line == "[info] Stream mapping:"
            else:
                self._take(line)
            self._change.notify_all()

    def _take(self, line: str) -> None:
        if frame := decoded(line):
            pts, is_key = frame
            self._decoded.append(LoggedFrame(pts, is_key, len(self.complaints)))
            if is_key and pts is not None:
                self.decoded_keys.append(pts)
        elif "filter_raw -> " in line and (match := _OUTPUT.search(line)):
            self.time_base = self.time_base or Fraction(match[2])
            self._output_frame(ticks(match[1]))
        elif line.startswith("[info]   Stream #"):
            self.mapping.append(line)
        elif text := complaint(line):
            self.complaints.append(text)
            self.contexts.append(context_of(line))

    def _output_frame(self, pts: int | None) -> None:
        while self._decoded:
            frame = self._decoded.popleft()
            if frame.pts == pts:
                self._output.append(frame)
                return
        # The decoder's line was lost; only the time is known.
        self._output.append(LoggedFrame(pts, is_key=False, complaints_before=sys.maxsize))

    def next_output(self) -> LoggedFrame | None:
        """Wait for the next output frame; None at the end, `TimeoutError` if ffmpeg is silent for `STALL_S`."""
        with self._change:
            while not self._output:
                if self._ended:
                    return None
                if not self._change.wait(STALL_S):
                    raise TimeoutError
            return self._output.popleft()

    def wait_to_end(self) -> list[LoggedFrame]:
        """Return all output frames until ffmpeg ends; errors as in `next_output`."""
        frames = []
        while (frame := self.next_output()) is not None:
            frames.append(frame)
        return frames
