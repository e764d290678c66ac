"""What ffmpeg says while it decodes: which frame it shows, and what it complains of.

A complaint about a frame always comes before the line that shows the frame, since a frame is shown when it is decoded
whole. It may come some frames early, because ffmpeg decodes ahead. So a frame shown before any complaint is good.
"""

import re
import threading
from collections import deque
from dataclasses import dataclass
from fractions import Fraction

from napari_i3d.video.process import STALL_S

SHOW = "showinfo=checksum=0"
SHOW_WITH_CHECKSUM = "showinfo=checksum=1"
"""The filters whose lines are understood here; they do not touch the picture."""

_LEVEL = re.compile(r"^(?:\[[^\]]*\] )*\[(panic|fatal|error|warning)\] (.*)$")
_SHOWN = re.compile(
    r"^\[Parsed_showinfo_\d+ @ [^\]]*\] \[info\] n: *\d+ pts: *(-?\d+|NOPTS) .* s:(\d+)x(\d+) .*iskey:(\d)"
    r"(?:.* checksum:([0-9A-F]{8}))?"
)
_TIMES = re.compile(r"^\[Parsed_showinfo_\d+ @ [^\]]*\] \[info\] config in time_base: (\d+/\d+), frame_rate: (\d+/\d+)")
_DECODED = re.compile(r"\[info\] decoder -> (?:ist_index:\S+ type:video )?(?:frame_)?pts:(-?\d+|NOPTS) .*keyframe:(\d)")
_CORRUPT = "corrupt decoded frame"

# Complaints that intact files cause: a reference that was cut away with the frames before an edit or a seek; an
# encoder's habits; a picture format by its old name; what concerns our own output.
_HARMLESS = re.compile(
    r"mmco: unref short failure|deprecated pixel format|non.monoton|Past duration|Application provided invalid|"
    r"co located POCs unavailable|Multiple frames in a packet|Conversion failed!|"
    r"Error (?:writing|muxing|submitting a packet to the muxer)|Terminating thread|Task finished with error|Broken pipe"
)


@dataclass(frozen=True)
class Shown:
    """A frame that ffmpeg put out: time (None if it has none), size, kind, and whether all was well up to it."""

    pts: int | None
    width_px: int
    height_px: int
    is_key: bool
    checksum: int | None
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
    """Whether a complaint is the mark that goes just before the frame that it is about, in the decoder's own lines."""
    return text == _CORRUPT


def decoded(line: str) -> tuple[int | None, bool] | None:
    """Return time and whether it is a key frame from a line of `-debug_ts` about a decoded frame, else None."""
    match = _DECODED.search(line)
    return (_pts(match[1]), match[2] == "1") if match else None


def _pts(text: str) -> int | None:
    return None if text == "NOPTS" else int(text)


class Log:
    """A listener for `Process` that keeps the frames shown, in order, and the complaints."""

    def __init__(self) -> None:
        self.header: list[str] = []
        self.complaints: list[str] = []
        self.time_base: Fraction | None = None
        self.frame_rate: Fraction | None = None
        self._shown: deque[Shown] = deque()
        self._change = threading.Condition()
        self._started = False
        self._ended = False

    def __call__(self, line: str | None) -> None:
        with self._change:
            if line is None:
                self._ended = True
            elif not self._started:
                # Complaints while the file is opened come again if they matter; names and titles are quoted here.
                self._started = line == "[info] Stream mapping:"
                self.header.append(line)
            else:
                self._take(line)
            self._change.notify_all()

    def _take(self, line: str) -> None:
        if match := _SHOWN.match(line):
            checksum = int(match[5], 16) if match[5] else None
            frame = Shown(_pts(match[1]), int(match[2]), int(match[3]), match[4] == "1", checksum, not self.complaints)
            self._shown.append(frame)
        elif match := _TIMES.match(line):
            self.time_base = self.time_base or Fraction(match[1])
            numerator, denominator = map(int, match[2].split("/"))
            self.frame_rate = self.frame_rate or (Fraction(numerator, denominator) if denominator else None)
        elif line.startswith("[info]   Stream #"):
            self.header.append(line)
        elif text := complaint(line):
            self.complaints.append(text)

    def next_shown(self) -> Shown | None:
        """Return the next frame shown, waiting for it; None at the end.

        Raises
        ------
        TimeoutError
            ffmpeg said nothing for `STALL_S`.
        """
        with self._change:
            while not self._shown:
                if self._ended:
                    return None
                if not self._change.wait(STALL_S):
                    raise TimeoutError
            return self._shown.popleft()

    def wait_to_end(self) -> list[Shown]:
        """Return all frames that are shown until ffmpeg ends; errors as in `next_shown`."""
        frames = []
        while (frame := self.next_shown()) is not None:
            frames.append(frame)
        return frames
