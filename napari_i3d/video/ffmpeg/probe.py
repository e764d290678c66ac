"""Probe a file: check that it is a video, choose the stream, and decode its first frames."""

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from napari_i3d._utils.text import format_path
from napari_i3d.errors import VideoError
from napari_i3d.video.ffmpeg.log import Log, ticks
from napari_i3d.video.ffmpeg.process import NO_METADATA, Process, input_arguments, stalled

_HEAD_FRAMES = 24
_BUILD_DIGITS = 6
_BUILD_0000 = 67  # how ffmpeg interprets build 0

_MAPPING = re.compile(r"^\[info\]   Stream #0:(\d+) -> #0:0 \((\w+)")
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"})  # first boxes of MP4 and QuickTime files
_SHOWN = re.compile(r"\[Parsed_showinfo_0 .* n: *\d+ pts: *(-?\d+|NOPTS) .* s:(\d+)x(\d+) ")
_TIMES = re.compile(r"\[Parsed_showinfo_0 .* config in time_base: (\d+/\d+), frame_rate: (\d+)/(\d+)")
# A user data message of H.264, in hexadecimal digits: "x264 - core ", the number, and something that ends it.
_X264 = re.compile(r"\[Parsed_showinfo_0 .* User Data=78323634202d20636f726520((?:3\d)+)(?!3\d)[0-9a-f]{2}")
_ERROR = re.compile(r"^(?:\[[^\]]*\] )*\[(?:error|fatal)\] (.*)$")


@dataclass(frozen=True)
class Probe:
    """Facts about a video: the stream that ffmpeg takes by default, and its first frames."""

    stream_index: int
    codec: str  # ffmpeg's name
    width_px: int  # after any rotation
    height_px: int  # after any rotation
    time_base: Fraction | None  # seconds per tick of the stream's times
    frame_rate: Fraction | None  # nominal frames per second, if stated
    container: str  # ffmpeg's name of the format
    promised_frames: int  # number of frames in the header of an AVI file, else 0
    is_short: bool  # whether an AVI file is smaller than it states, as after an interrupted copy
    head_pts: list[int | None]  # times of the first frames in ticks
    x264_build: int | None = None  # stated in the first frames; decoders work around errors of some builds

    @property
    def decoder_options(self) -> tuple[str, ...]:
        """Options for a decoder that starts later, and so does not see the build of x264 in the first frame."""
        return () if self.x264_build is None else ("-x264_build", str(self.x264_build))

    @property
    def places_frames(self) -> bool:
        """Whether the container stores each frame's time, so that damage to one cannot shift others."""
        return self.container.startswith(("mov,", "matroska,"))


class _HeadLog(Log):
    """A log that parses the output of the filter `showinfo`: times, size and nominal rate."""

    def __init__(self) -> None:
        super().__init__()
        self.head_pts: list[int | None] = []
        self.size = 0, 0
        self.frame_rate: Fraction | None = None
        self.x264_build: int | None = None

    def _take(self, line: str) -> None:
        if match := _SHOWN.match(line):
            self.head_pts.append(ticks(match[1]))
            if len(self.head_pts) == 1:
                self.size = int(match[2]), int(match[3])
        elif match := _TIMES.match(line):
            self.time_base = self.time_base or Fraction(match[1])
            if self.frame_rate is None and match[3] != "0":
                self.frame_rate = Fraction(int(match[2]), int(match[3]))
        elif self.x264_build is None and (match := _X264.search(line)):
            self.x264_build = int(bytes.fromhex(match[1])[:_BUILD_DIGITS]) or _BUILD_0000
        else:
            super()._take(line)


def probe_video(path: Path) -> Probe:
    """Open a file, decode its first frames, and return its facts.

    Raises
    ------
    VideoError
        The file does not exist, is not a video, or none of its frames decode.
    """
    _check_file(path)
    log = _HeadLog()
    streams = ["-an", "-sn", "-dn", *NO_METADATA, "-frames:v", str(_HEAD_FRAMES)]
    output = [*streams, "-fps_mode", "passthrough", "-vf", "showinfo=checksum=0", "-f", "null", "-"]
    process = Process(["-copyts", *input_arguments(path), *output], log)
    try:
        log.wait_to_end()
    except TimeoutError as error:
        raise stalled(path) from error
    finally:
        process.close()
    header = "\n".join(log.description)
    mapping = next(filter(None, map(_MAPPING.match, log.mapping)), None)
    if mapping is None:
        text, hint = _why_not(path, header)
        raise VideoError(f"{format_path(path.name)}: {text}", hint)
    stream = re.search(rf"^\[info\]   Stream #0:{mapping[1]}\b.*$", header, re.MULTILINE)
    if stream is not None and "(attached pic)" in stream[0]:
        raise VideoError(
            f"{format_path(path.name)}: expected a video, found only a cover image", hint="choose another file"
        )
    if not log.head_pts:
        found = log.complaints[0] if log.complaints else "nothing that decodes"
        raise VideoError(
            f"{format_path(path.name)}: expected frames, found none ({found})", hint="re-encode or repair the file"
        )
    head_pts = log.head_pts[:_HEAD_FRAMES]
    container = re.search(r"^\[info\] Input #0, (.*), from '", header, re.MULTILINE)
    return Probe(
        int(mapping[1]),
        mapping[2],
        *log.size,
        log.time_base,
        log.frame_rate,
        container[1] if container else "",
        *_avi_promises(path),
        head_pts,
        log.x264_build if mapping[2] == "h264" else None,
    )


def _check_file(path: Path) -> None:
    name = format_path(path.name)
    try:
        if not path.exists():
            raise VideoError(
                f"{name}: expected a video file, found nothing there ({str(path)!r})", hint="check the path"
            )
        if path.is_dir():
            raise VideoError(f"{name}: expected a video file, found a folder", hint="name a file in it")
        if not path.is_file():
            raise VideoError(f"{name}: expected a video file, found a device or pipe", hint="copy the video to a file")
        with path.open("rb"):
            pass
        if path.stat().st_size == 0:
            raise VideoError(f"{name}: expected a video file, found an empty one", hint="copy or record it again")
    except OSError as error:
        raise VideoError(f"{name}: cannot be read ({error.strerror or error})", hint="check its permissions") from error


def _avi_promises(path: Path) -> tuple[int, bool]:
    """Return the number of frames an AVI file states, and whether it is smaller than it states; else 0, False."""
    with path.open("rb") as file:
        head = file.read(4096)
    place = head.find(b"avih")
    if head[:4] != b"RIFF" or place < 0:
        return 0, False
    frames = int.from_bytes(head[place + 24 : place + 28], "little")
    return frames, path.stat().st_size < int.from_bytes(head[4:8], "little") + 8


def _why_not(path: Path, header: str) -> tuple[str, str]:
    with path.open("rb") as file:
        box = file.read(8)[4:]
    if "moov atom not found" in header and box in _BOXES:
        return (
            "expected a video file, found one without its index (no moov atom), as when a recording or a copy was "
            "cut off",
            "copy it again or repair it",
        )
    if re.search(r"^\[info\]   Stream #0:\d+", header, re.MULTILINE):
        return "expected a video file, found no video stream in it", "choose another file"
    errors = [match[1] for line in header.splitlines() if (match := _ERROR.match(line))]
    reason = next(
        (text for text in errors if "Error opening input:" in text), errors[0] if errors else "no reason given"
    )
    reason = reason.replace("Error opening input: ", "")
    return f"expected a video file, found nothing that ffmpeg can read as one ({reason})", "choose another file"
