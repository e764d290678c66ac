"""The container's packets of one stream, as ffmpeg lists them without decoding."""

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_i3d.video.log import Log
from napari_i3d.video.process import Process, input_arguments, map_arguments, stalled

_NO_TIME = -(1 << 63)
_KEY, _CORRUPT, _DISCARD = 1, 2, 4

# Complaints about the container itself: after these, packets may be missing from the list.
_LOST = re.compile(r"^\[(?:in#\d[^\]]*|matroska,webm|mov,[^\]]*|avi|mpegts|mpeg|flv|asf|ogg|nut|mxf|ivf) @ ")
_CUT = re.compile(r"partial file|ended prematurely|truncat|end of file|EOF", re.IGNORECASE)


@dataclass(frozen=True)
class Packets:
    """The P packets of a stream, in the order of the container, which is that of decoding.

    Attributes
    ----------
    pts
        (P,) int64: presentation times in ticks of `time_base` (seconds a tick).
    is_key, is_shown
        (P,) bool: decoding can start here; not cut away by an edit list.
    size_bytes
        (P,) int64.
    all_timed
        Whether all packets have a presentation time.
    cut_off
        Whether the file ends before it should.
    lost
        Whether the container is damaged, so that packets may be missing.
    """

    pts: npt.NDArray[np.int64]
    is_key: npt.NDArray[np.bool_]
    is_shown: npt.NDArray[np.bool_]
    size_bytes: npt.NDArray[np.int64]
    time_base: Fraction
    all_timed: bool
    cut_off: bool
    lost: bool

    @property
    def has_gaps(self) -> bool:
        """Whether the frames do not follow one another evenly."""
        steps = np.diff(np.sort(self.pts))
        return bool((steps > 1.5 * np.median(steps)).any()) if len(steps) else False

    @property
    def is_reordered(self) -> bool:
        """Whether frames are shown in another order than decoded, as far as is known."""
        return not self.all_timed or bool((np.diff(self.pts) < 0).any())


class _ContainerLog(Log):
    """A log that also notes complaints about the container, with the part of the line that names who complains."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = False
        self.cut_off = False

    def __call__(self, line: str | None) -> None:
        if line is not None and "] [error] " in line and _LOST.match(line):
            self._note(line)  # the container's own trouble counts from the first line on
        super().__call__(line)

    def _take(self, line: str) -> None:
        count = len(self.complaints)
        super()._take(line)
        if len(self.complaints) > count:
            self._note(line)

    def _note(self, line: str) -> None:
        if "corrupt" in line.lower():
            return  # of one packet, which has a flag of its own
        if _CUT.search(line):
            self.cut_off = True
        elif _LOST.match(line):
            self.lost = True


def read_packets(path: Path, stream_index: int, options: tuple[str, ...] = ()) -> Packets:
    """List a stream's packets, with further options for the opening of the file if need be.

    Raises
    ------
    VideoError
        ffmpeg stalls.
    """
    log = _ContainerLog()
    output = [*map_arguments(stream_index), "-copyinkf", "-c", "copy", "-f", "framecrc", "-"]
    process = Process([*options, "-copyts", *input_arguments(path), *output], log)
    try:
        text = process.read_all().decode("ascii", "replace")
        log.wait_to_end()
    except TimeoutError as error:
        raise stalled(path) from error
    finally:
        process.close()
    return _parse(text, log)


def _parse(text: str, log: _ContainerLog) -> Packets:
    time_base = re.search(r"^#tb 0: (\d+/\d+)", text, re.MULTILINE)
    rows = [_parse_row(line) for line in text.splitlines() if line.startswith("0,")]
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    flags = table[:, 2]
    pts = table[:, 0]
    return Packets(
        pts=pts,
        is_key=flags & _KEY > 0,
        is_shown=flags & _DISCARD == 0,
        size_bytes=table[:, 1],
        time_base=Fraction(time_base[1]) if time_base else Fraction(1),
        all_timed=bool((pts != _NO_TIME).all()),
        cut_off=log.cut_off or bool((flags & _CORRUPT > 0)[-1:].any()),
        lost=log.lost or bool((flags & _CORRUPT > 0)[:-1].any()),
    )


def _parse_row(line: str) -> tuple[int, int, int]:
    # stream, dts, pts, duration, size, checksum and then, where they differ from a key frame's, flags
    fields = line.split(",")
    flags = next((int(field.strip()[2:], 16) for field in fields[6:] if field.startswith(" F=")), _KEY)
    return int(fields[2]), int(fields[4]), flags
