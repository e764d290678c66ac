"""What ffmpeg says while it decodes: which frame it gives, and what it complains of.

`-debug_ts` makes it name each frame twice, whole lines both: when the decoder gives it, and when the filters hand it to
the output. A complaint about a frame comes before the decoder's line for that frame, since a frame is given when it is
decoded whole. It may come some frames early, because ffmpeg decodes ahead. So a frame that the decoder gave before any
complaint is good.
"""

import re
import threading
from collections import deque
from dataclasses import dataclass
from fractions import Fraction

from napari_i3d.video.ffmpeg.process import END_OF_DESCRIPTION, STALL_S

_LEVEL = re.compile(r"^(?:\[[^\]]*\] )*\[(panic|fatal|error|warning)\] (.*)$")
# Searched for, not matched: where two threads speak at once, a line loses its beginning.
_DECODED = re.compile(r"decoder -> (?:ist_index:\S+ type:video )?(?:frame_)?pts:(-?\d+|NOPTS) .*keyframe:(\d)")
_GIVEN = re.compile(r"filter_raw -> pts:(-?\d+|NOPTS) .*time_base:(\d+/\d+)")
_CORRUPT = "corrupt decoded frame"

# Complaints that intact files cause: references that were cut away with the frames before an edit or a seek; habits of
# encoders; a image format by its old name; what concerns our own output.
_HARMLESS = re.compile(
    r"mmco: unref short failure|deprecated pixel format|non.monoton|Past duration|Application provided invalid|"
    r"Multiple frames in a packet|Conversion failed!|"
    r"Error (?:writing|muxing|submitting a packet to the muxer)|Terminating thread|Task finished with error|Broken pipe"
)


@dataclass(frozen=True)
class LoggedFrame:
    """A frame that ffmpeg put out: its time (None if it has none), and whether all was well when it was decoded."""

    pts: int | None
    is_key: bool
    clean: bool


def complaint(line: str) -> str | None:
    """Return the text of a line that may tell of damage, else None."""
    match = _LEVEL.match(line)
    if match is None or _HARMLESS.search(match[2]):
        return None
    if match[1] == "warning" and "corrupt" not in match[2].lower():
        return None
    return match[2]


def is_corrupt_mark(text: str) -> bool:
    """Whether a complaint is the decoder's mark that goes just before its line for the frame in question."""
    return text == _CORRUPT


def decoded(line: str) -> tuple[int | None, bool] | None:
    """Return time and whether it is a key frame from the decoder's line for a frame, else None."""
    match = _DECODED.search(line) if "decoder -> " in line else None
    return (ticks(match[1]), match[2] == "1") if match else None


def ticks(text: str) -> int | None:
    """Return a time as ffmpeg prints it; None for none."""
    return None if text == "NOPTS" else int(text)


class Log:
    """A listener for `Process`: keeps what was said while the file was opened, the frames given, the complaints.

    Attributes
    ----------
    description
        The lines up to the end of what ffmpeg says of the file. They quote the file, which can make up any of them.
    mapping
        The lines after it that tell which stream is put out.
    """

    def __init__(self) -> None:
        self.description: list[str] = []
        self.mapping: list[str] = []
        self.complaints: list[str] = []
        self.time_base: Fraction | None = None
        self.decoded_keys: list[int] = []
        self._decoded: deque[LoggedFrame] = deque()
        self._given: deque[LoggedFrame] = deque()
        self._change = threading.Condition()
        self._described = False
        self._started = False
        self._ended = False

    def __call__(self, line: str | None) -> None:  # noqa: D102
        with self._change:
            if line is None:
                self._ended = True
            elif not self._described:
                # What goes wrong while the file is looked at comes again when it is read.
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
            self._decoded.append(LoggedFrame(pts, is_key, not self.complaints))
            if is_key and pts is not None:
                self.decoded_keys.append(pts)
        elif "filter_raw -> " in line and (match := _GIVEN.search(line)):
            self.time_base = self.time_base or Fraction(match[2])
            self._give(ticks(match[1]))
        elif line.startswith("[info]   Stream #"):
            self.mapping.append(line)
        elif text := complaint(line):
            self.complaints.append(text)

    def _give(self, pts: int | None) -> None:
        while self._decoded:
            frame = self._decoded.popleft()
            if frame.pts == pts:
                self._given.append(frame)
                return
        # Its line was lost; nothing is known of it but its time.
        self._given.append(LoggedFrame(pts, is_key=False, clean=False))

    def next_given(self) -> LoggedFrame | None:
        """Return the next frame put out, waiting for it; None at the end.

        Raises
        ------
        TimeoutError
            ffmpeg said nothing for `STALL_S`.
        """
        with self._change:
            while not self._given:
                if self._ended:
                    return None
                if not self._change.wait(STALL_S):
                    raise TimeoutError
            return self._given.popleft()

    def wait_to_end(self) -> list[LoggedFrame]:
        """Return all frames that are put out until ffmpeg ends; errors as in `next_given`."""
        frames = []
        while (frame := self.next_given()) is not None:
            frames.append(frame)
        return frames
