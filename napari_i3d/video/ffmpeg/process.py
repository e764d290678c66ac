"""Run ffmpeg safely: restricted to one local file, with its log parsed, and always ended."""

import io
import secrets
import select
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, cast

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

from napari_i3d._utils.text import format_path, printable
from napari_i3d.errors import StalledError, VideoError

STALL_S = 60.0
"""Seconds without output after which ffmpeg counts as stuck (a disconnected network drive, for example)."""

# Only formats that hold a video in a single file: no playlists, image patterns, scripts or text art.
_FORMATS = (
    "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h261,h263,h264,hevc,vvc,av1,obu,ivf,asf,flv,live_flv,ogg,nut,mxf,"
    "dv,gif,apng,yuv4mpegpipe,wtv,rm,mjpeg,vc1,cine,ser,dhav,lxf,gxf,cavsvideo,dirac,nsv,nuv,film_cpk,avs,roq,bink,smk"
)
# What a header may request: frames up to 8192x4320, and no single block of memory much larger than one.
_MAX_PIXELS = 8192 * 4320
_MAX_ALLOC_BYTES = 512 << 20
# ffmpeg describes the file when it opens it, quoting its name and metadata, line breaks included. A second, unused
# input with a random name, which no file can forge, marks the end of the description.
_SILENCE = f"anullsrc@{secrets.token_hex(8)}"
END_OF_DESCRIPTION = f"[info] Input #1, lavfi, from '{_SILENCE}':"
"""The log line after which nothing is quoted from the file, if `NO_METADATA` is among the options."""
NO_METADATA = ("-map_metadata", "-1", "-map_chapters", "-1")

_MAX_LINE_BYTES = 1 << 16
_PIPE_BYTES = 1 << 20


def stalled(path: Path) -> StalledError:
    """Return the error for a stalled ffmpeg."""
    return StalledError(
        f"{format_path(path.name)}: expected a frame, found nothing for {STALL_S:.0f} s",
        hint="see whether the drive can still be read",
    )


def input_arguments(path: Path) -> list[str]:
    """Return the options to open `path` and no other file, whatever its name and content."""
    only_this = ["-protocol_whitelist", "file,pipe", "-format_whitelist", _FORMATS, "-max_pixels", str(_MAX_PIXELS)]
    return [*only_this, "-i", f"file:{path}", "-f", "lavfi", "-i", _SILENCE]


def map_arguments(stream_index: int) -> list[str]:
    """Return the options to output one stream without the file's metadata."""
    return ["-map", f"0:{stream_index}", *NO_METADATA]


def output_arguments(stream_index: int, width_px: int, height_px: int) -> list[str]:
    """Return the options to output each decoded frame of a stream once, as RGB bytes.

    The size makes ffmpeg scale frames to the size of the first one if the video changes it, wherever decoding starts.
    """
    form = ["-s", f"{width_px}x{height_px}", "-c:v", "rawvideo", "-pix_fmt", "rgb24"]
    return [*map_arguments(stream_index), "-fps_mode", "passthrough", *form]


class Process:
    """An ffmpeg process with a listener for its log, and methods to read its standard output.

    It ends with `close`, the last reference to this object, or the interpreter, whichever comes first. `listen` is
    called in another thread with each line of the log, and with None at its end; it must not refer to this object,
    which would then live as long as ffmpeg does. `VideoError` is raised if ffmpeg cannot be started.
    """

    def __init__(self, arguments: Sequence[str], listen: Callable[[str | None], None]) -> None:
        self._popen = _start(arguments)
        self._stdout = cast("io.FileIO", self._popen.stdout)
        thread = threading.Thread(target=_forward, args=(self._popen.stderr, listen), name="ffmpeg log", daemon=True)
        self._end = weakref.finalize(self, _end, self._popen, thread)
        thread.start()
        self._poll = None
        if sys.platform != "win32":  # which has no timeout for pipes
            self._poll = select.poll()
            self._poll.register(self._stdout, select.POLLIN)
        if sys.platform == "linux":
            _widen(self._stdout)

    def read_into(self, buffer: npt.NDArray[np.uint8]) -> bool:
        """Fill a contiguous array from the output; return False if it ends before; `TimeoutError` after `STALL_S`."""
        view = buffer.reshape(-1).data
        while view:
            self._wait()
            try:
                count = self._stdout.readinto(view)
            except ValueError:
                return False  # closed meanwhile, by another thread
            if not count:
                return False
            view = view[count:]
        return True

    def read_parts(self) -> Iterator[bytes]:
        """Yield the standard output piece by piece; errors as in `read_into`."""
        while True:
            self._wait()
            part = self._stdout.read(_PIPE_BYTES)
            if not part:
                return
            yield part

    def read_all(self) -> bytes:
        """Return the whole standard output; errors as in `read_into`."""
        return b"".join(self.read_parts())

    def close(self) -> None:
        """End ffmpeg, wait for it, and close its pipes; may be called again."""
        self._end()

    def _wait(self) -> None:
        if self._poll is not None and not self._poll.poll(STALL_S * 1000):
            raise TimeoutError


def _start(arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    flags: dict[str, int] = {}
    # In its own process group: Ctrl-C must not end ffmpeg, which would look like damage.
    if sys.platform == "win32":
        flags["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    else:
        flags["process_group"] = 0
    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
        general = ["-nostdin", "-hide_banner", "-nostats", "-loglevel", "repeat+level+info"]
        general += ["-max_alloc", str(_MAX_ALLOC_BYTES)]
        popen: subprocess.Popen[bytes] = subprocess.Popen(
            [program, *general, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            **flags,  # type: ignore[call-overload]
        )
        return popen
    except (OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise VideoError(f"ffmpeg cannot be started ({reason})", hint="reinstall imageio-ffmpeg") from error


def _forward(stream: IO[bytes], listen: Callable[[str | None], None]) -> None:
    lines = io.BufferedReader(cast("io.RawIOBase", stream))
    while line := lines.readline(_MAX_LINE_BYTES):
        # Text quoted from the file may appear in our messages.
        listen(printable(line.decode("utf-8", "replace").rstrip()))
    listen(None)
    lines.detach()


def _end(popen: "subprocess.Popen[bytes]", thread: threading.Thread) -> None:
    if popen.poll() is None:
        popen.kill()
    popen.wait()
    if thread is not threading.current_thread():  # garbage collection may run in any thread
        thread.join()
    for pipe in (popen.stdout, popen.stderr):
        if pipe is not None:
            pipe.close()


def _widen(pipe: IO[bytes]) -> None:
    """Enlarge the pipe to a megabyte, if allowed, for fewer context switches."""
    import contextlib
    import fcntl

    with contextlib.suppress(OSError):
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
