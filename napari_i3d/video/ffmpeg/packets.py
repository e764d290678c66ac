"""List the packets of a stream without decoding."""

import re
from array import array
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_i3d._utils.text import format_path
from napari_i3d.errors import VideoError
from napari_i3d.video.ffmpeg.log import Log
from napari_i3d.video.ffmpeg.process import Process, input_arguments, map_arguments, stalled

_NO_TIME = -(1 << 63)
# A forged index may list the same bytes a million times. Smallest size of a packet with its index entry, largest
# expansion of packets (Matroska can compress them), and a size that is always allowed.
_LEAST_BYTES = 8
_MOST_EXPANSION = 4
_FREE_BYTES = 1 << 20
_KEY, _CORRUPT, _DISCARD = 1, 2, 4
_COLUMNS = 4

# Messages about the container itself: after these, packets may be missing from the list.
_LOST = re.compile(r"^\[(?:in#\d[^\]]*|matroska,webm|mov,[^\]]*|avi|mpegts|mpeg|flv|asf|ogg|nut|mxf|ivf) @ ")
_CUT = re.compile(r"partial file|ended prematurely|truncat|end of file|EOF", re.IGNORECASE)


@dataclass(frozen=True)
class Packets:
    """The P packets of a stream in the order of the container, which is the decoding order."""

    pts: npt.NDArray[np.int64]  # (P,) presentation times in ticks of `time_base`
    span_ticks: int  # from the first decoding time to the last, both included; 0 if unknown
    is_key: npt.NDArray[np.bool_]  # (P,) whether decoding can start here
    is_shown: npt.NDArray[np.bool_]  # (P,) whether not cut away by an edit list
    size_bytes: npt.NDArray[np.int64]  # (P,)
    time_base: Fraction  # seconds per tick
    all_timed: bool  # whether all packets have a presentation time
    cut_off: bool  # whether the file ends too early
    lost: bool  # whether the container is damaged, so that packets may be missing

    @property
    def has_gaps(self) -> bool:
        """Whether the frames are unevenly spaced."""
        steps = np.diff(np.sort(self.pts))
        return bool((steps > 1.5 * np.median(steps)).any()) if len(steps) else False

    @property
    def is_reordered(self) -> bool:
        """Whether frames are shown in another order than decoded, as far as known."""
        return not self.all_timed or bool((np.diff(self.pts) < 0).any())


class _ContainerLog(Log):
    """A log that also parses messages about the container, from the whole line with its component name."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = False
        self.cut_off = False

    def __call__(self, line: str | None) -> None:
        if line is not None and "] [error] " in line and _LOST.match(line):
            self._note(line)  # container errors count from the first line on
        super().__call__(line)

    def _take(self, line: str) -> None:
        count = len(self.complaints)
        super()._take(line)
        if len(self.complaints) > count:
            self._note(line)

    def _note(self, line: str) -> None:
        if "corrupt" in line.lower():
            return  # about one packet, which has its own flag
        if _CUT.search(line):
            self.cut_off = True
        elif _LOST.match(line):
            self.lost = True


def read_packets(path: Path, stream_index: int, options: tuple[str, ...] = ()) -> Packets:
    """List a stream's packets; `options` are further input options.

    Raises
    ------
    VideoError
        ffmpeg stalls, or the packets are more or larger than the file can hold.
    """
    log = _ContainerLog()
    output = [*map_arguments(stream_index), "-copyinkf", "-c", "copy", "-f", "framecrc", "-"]
    process = Process([*options, "-copyts", *input_arguments(path), *output], log)
    table = _Table(path)
    try:
        for part in process.read_parts():
            table.read(part)
        log.wait_to_end()
    except TimeoutError as error:
        raise stalled(path) from error
    finally:
        process.close()
    return table.packets(log)


class _Table:
    """Parser of ffmpeg's packet list that stops if the list is out of proportion to the file."""

    def __init__(self, path: Path) -> None:
        self._path, self._size_bytes = path, path.stat().st_size
        self._rows = array("q")
        self._rest = b""
        self._listed_bytes = 0
        self._time_base = Fraction(1)

    def read(self, part: bytes) -> None:
        """Parse a piece of the list; raise `VideoError` if the packets are more or larger than the file can hold."""
        whole, end, rest = part.rpartition(b"\n")
        if not end:
            self._rest += rest
            return
        text, self._rest = (self._rest + whole).decode("ascii", "replace"), rest
        for line in text.splitlines():
            if line.startswith("0,"):
                row = _parse_row(line)
                self._rows.extend(row)
                self._listed_bytes += row[2]
            elif line.startswith("#tb 0: "):
                self._time_base = Fraction(line.removeprefix("#tb 0: "))
        count = len(self._rows) // _COLUMNS
        claimed_bytes = max(self._listed_bytes / _MOST_EXPANSION, count * _LEAST_BYTES)
        if claimed_bytes > self._size_bytes + _FREE_BYTES:
            raise VideoError(
                f"{format_path(self._path.name)}: expected packets that fit a file of {self._size_bytes} bytes, found "
                f"more than {count} of {self._listed_bytes} bytes; its index is damaged, repair or re-encode it"
            )

    def packets(self, log: _ContainerLog) -> Packets:
        """Return the packets parsed so far."""
        return _packets(np.array(self._rows, dtype=np.int64).reshape(-1, _COLUMNS), self._time_base, log)


def _packets(table: npt.NDArray[np.int64], time_base: Fraction, log: _ContainerLog) -> Packets:
    dts, pts, size_bytes, flags = table.T
    return Packets(
        pts=pts,
        span_ticks=int(np.ptp(dts)) + 1 if len(dts) and (dts != _NO_TIME).all() else 0,
        is_key=flags & _KEY > 0,
        is_shown=flags & _DISCARD == 0,
        size_bytes=size_bytes,
        time_base=time_base,
        all_timed=bool((pts != _NO_TIME).all()),
        cut_off=log.cut_off or bool((flags & _CORRUPT > 0)[-1:].any()),
        lost=log.lost or bool((flags & _CORRUPT > 0)[:-1].any()),
    )


def _parse_row(line: str) -> tuple[int, int, int, int]:
    # stream, dts, pts, duration, size, checksum and, if they differ from a key frame's, flags
    fields = line.split(",")
    flags = next((int(field.strip()[2:], 16) for field in fields[6:] if field.startswith(" F=")), _KEY)
    return int(fields[1]), int(fields[2]), int(fields[4]), flags
