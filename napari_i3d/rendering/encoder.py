"""Encode frames as h264 in an mp4 file that appears whole or not at all."""

import contextlib
import re
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import IO, cast

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import atomic_writer
from napari_i3d._utils.text import format_path, printable
from napari_i3d.errors import OutputError, VideoError

ENDING = ".mp4"
_SENDER = re.compile(r"^(\[[^\]]*\] *)+")  # the part of ffmpeg that a line of its log is of
_POLL_S = 0.1
_KEY_FRAME_EVERY_S = 2.0
_MOST_FRAMES_BETWEEN_KEYS = 250
_LARGEST_PART = 1001  # of a fraction: exact for NTSC rates such as 30000/1001


def exact_rate(fps: float) -> Fraction:
    """Return a frame rate as a fraction: 29.97002997 as 30000/1001."""
    if fps < 1:
        return 1 / Fraction(1 / fps).limit_denominator(_LARGEST_PART)
    return Fraction(fps).limit_denominator(_LARGEST_PART)


def require_ending(path: Path) -> None:
    """Check that a video can be written under this name; raise `OutputError` if not."""
    if path.suffix.lower() != ENDING:
        raise OutputError(f"{format_path(path.name)}: videos are written as .mp4, not as {path.suffix or 'nothing'}")


@contextlib.contextmanager
def encoding(path: Path, size: tuple[int, int], rate: Fraction, quality: int) -> Iterator["Encoder"]:
    """Open an encoder whose file takes its name when the block ends; after an exception there is no file.

    Parameters
    ----------
    path
        The file; an existing one is replaced.
    size
        Width and height in pixels, even numbers.
    rate
        Frames per second.
    quality
        Constant rate factor of x264.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    with atomic_writer(path) as file:
        # ffmpeg writes into the same file, which mp4 needs to go back in, so a name is passed on instead of a pipe.
        encoder = _uninterrupted(lambda: Encoder(Path(file.name), path, size, rate, quality))
        try:
            yield encoder
        finally:
            encoder.close()


def _uninterrupted(make: Callable[[], "Encoder"]) -> "Encoder":
    """Make an encoder in another thread, where Ctrl-C does not lose an ffmpeg that has just started.

    Such an ffmpeg would make the file once more after it was removed.
    """
    with ThreadPoolExecutor(1) as thread:
        started = thread.submit(make)
        try:
            return started.result()
        except KeyboardInterrupt:
            started.result().close()
            raise


class Encoder:
    """An ffmpeg process that encodes frames; it ends with `close`, or the last reference to this object."""

    def __init__(self, part: Path, path: Path, size: tuple[int, int], rate: Fraction, quality: int) -> None:
        self._path = path
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        try:
            self._popen = _start(part, size, rate, quality, self._log)
        except (OSError, RuntimeError) as error:
            self._log.close()
            reason = " ".join(str(error).split())
            raise VideoError(f"ffmpeg cannot be started ({reason})", hint="reinstall imageio-ffmpeg") from error
        self._end = weakref.finalize(self, _end, self._popen, self._log)

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Encode a frame, (H, W, 3) uint8 RGB, contiguous; raise `OutputError` if that fails."""
        view = frame.reshape(-1).data
        try:
            while view:
                # Unbuffered: a part of the frame may be taken at a time.
                view = view[cast("IO[bytes]", self._popen.stdin).write(view) :]
        except (OSError, ValueError) as error:  # ffmpeg has ended, or was ended by another thread
            raise self._failure() from error

    def finish(self) -> Iterator[None]:
        """End the file; yield now and then while ffmpeg works on it, and raise `OutputError` if that fails."""
        with contextlib.suppress(OSError):
            cast("IO[bytes]", self._popen.stdin).close()
        while self._popen.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(_POLL_S)
            yield
        if self._popen.returncode != 0:
            raise self._failure()

    def close(self) -> None:
        """End ffmpeg at once; may be called again."""
        self._end()

    def _failure(self) -> OutputError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(1.0)
        reason = ""
        if not self._log.closed:
            self._log.seek(0)
            lines = self._log.read(1 << 16).decode("utf-8", "replace").splitlines()
            reason = printable(_SENDER.sub("", lines[0]), 200) if lines else ""
        return OutputError(
            f"{format_path(self._path)}: cannot be written ({reason or 'ffmpeg ended early'})",
            hint="choose another place",
        )


def _start(
    part: Path, size: tuple[int, int], rate: Fraction, quality: int, log: IO[bytes]
) -> "subprocess.Popen[bytes]":
    # In its own process group, as those that read: Ctrl-C must end the work, not complete the file.
    flags: dict[str, int] = {}
    if sys.platform == "win32":
        flags["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    else:
        flags["process_group"] = 0
    frames_between_keys = max(1, min(_MOST_FRAMES_BETWEEN_KEYS, round(float(rate) * _KEY_FRAME_EVERY_S)))
    popen: subprocess.Popen[bytes] = subprocess.Popen(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            *("-hide_banner", "-nostats", "-loglevel", "error", "-y"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}"),
            *("-framerate", f"{rate.numerator}/{rate.denominator}", "-i", "pipe:0"),
            # Players take untagged colors of large videos for BT.709, and of small ones for BT.601.
            *("-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"),
            *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
            *("-c:v", "libx264", "-preset", "veryfast", "-crf", str(quality), "-g", str(frames_between_keys)),
            *("-fps_mode", "passthrough", "-movflags", "+faststart", "-f", "mp4", f"file:{part}"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=log,
        bufsize=0,
        **flags,  # type: ignore[call-overload]
    )
    return popen


def _end(popen: "subprocess.Popen[bytes]", log: IO[bytes]) -> None:
    if popen.poll() is None:
        popen.kill()
    popen.wait()
    if popen.stdin is not None:
        with contextlib.suppress(OSError):
            popen.stdin.close()
    log.close()
