"""Decode frames in order from any position; check that each is the frame of its number."""

import zlib

import numpy as np
import numpy.typing as npt

from napari_i3d._utils.text import format_path
from napari_i3d.errors import VideoError
from napari_i3d.video.damage import DamageFinder
from napari_i3d.video.ffmpeg.log import Log, LoggedFrame
from napari_i3d.video.ffmpeg.process import Process
from napari_i3d.video.frame_index import FrameIndex
from napari_i3d.video.stream import Source

Frame = npt.NDArray[np.uint8]
"""(H, W, 3) uint8, RGB."""


class _DoubtError(Exception):
    """ffmpeg's output does not match the index; starting at an earlier key frame may help."""


class _Run:
    """One ffmpeg from one starting point: reads the frames from `first` on, or raises `_DoubtError`."""

    def __init__(
        self, source: Source, index: FrameIndex, key: int | None, first: int, threads: int | None = None
    ) -> None:
        self._source, self._index, self._first = source, index, first
        self.key = key
        self.anchored = key is None
        self.first_output = first  # or the frame that came in its place
        self._place = 0 if key is None else None  # number of the next frame, if frames are named by checksum
        trim = ["-vf", f"trim=start_pts={index.names[first]}"] if index.by_time and first else []
        self.log = Log()
        output = [*source.output, *trim, "-f", "rawvideo", "-"]
        limit = [] if threads is None else ["-threads", str(threads)]
        self._process = Process(["-debug_ts", *limit, *source.input(index, key), *output], self.log)

    def read(self, number: int) -> tuple[Frame, bool]:
        """Return the frame with this number, which follows the last, and whether ffmpeg logged no error up to it."""
        return self._read_by_time(number) if self._index.by_time else self._read_by_checksum(number)

    def close(self) -> None:
        self._process.close()

    def _read_by_time(self, number: int) -> tuple[Frame, bool]:
        logged = self._next()
        self.anchored = self.anchored or any(map(self._can_start_at, self.log.decoded_keys[:]))
        if logged.pts != self._index.names[number]:
            count = len(self._index)
            self.first_output = count if logged.pts is None else self._index.number_of.get(logged.pts, number)
            raise _DoubtError
        if not self.anchored:
            raise _DoubtError
        return self._checked(self._pixels(), number), logged.clean

    def _checked(self, frame: Frame, number: int) -> Frame:
        checksums = self._index.checksums
        if self.key is not None and checksums is not None and _checksum(frame) != checksums[number]:
            raise _DoubtError
        return frame

    def _can_start_at(self, pts: int) -> bool:
        number = self._index.number_of.get(pts, len(self._index))
        packet = self._index.packet
        return pts in self._index.key_names and number <= self._first and packet[number] <= packet[self._first]

    def _read_by_checksum(self, number: int) -> tuple[Frame, bool]:
        names = self._index.names
        while True:
            logged, frame = self._next(), self._pixels()
            checksum = _checksum(frame)
            if self._place is None and logged.is_key and checksum in self._index.key_names:
                self._place = self._index.number_of[checksum]
                self.anchored = True
            if self._place is None:
                continue
            if self._place > number or names[self._place] != checksum:
                raise _DoubtError
            self._place += 1
            if self._place > number:
                return frame, logged.clean

    def _next(self) -> LoggedFrame:
        logged = self.log.next_output()
        if logged is None:
            raise _DoubtError
        return logged

    def _pixels(self) -> Frame:
        frame = np.empty((self._source.height_px, self._source.width_px, 3), dtype=np.uint8)
        if not self._process.read_into(frame):
            raise _DoubtError
        return frame


def _checksum(frame: Frame) -> int:
    """Return the checksum of a frame as ffmpeg's `framecrc` computes it."""
    return zlib.adler32(frame.reshape(-1).data, 0)


def second_frame_decodes_alone(source: Source, index: FrameIndex) -> bool:
    """Return whether the second frame, if a key frame, is the same decoded alone and from the start of the file."""
    if len(index) < 2 or next(index.entries(1)) is None:
        return True
    frames = []
    for key, first in ((None, 0), (1, 1)):
        run = _Run(source, index, key, first)
        try:
            frames.append([run.read(number)[0] for number in range(first, 2)][-1])
        except _DoubtError:
            return False
        except TimeoutError as error:
            raise source.stalled() from error
        finally:
            run.close()
    return bool((frames[0] == frames[1]).all())


class Cursor:
    """A reading position in a video, with its own ffmpeg; `next` is the number of the next frame.

    `threads` decode; None: as many as ffmpeg chooses. The frames are the same.
    """

    def __init__(
        self, source: Source, index: FrameIndex, damage: DamageFinder, start: int, threads: int | None = None
    ) -> None:
        self._source, self._index, self._damage, self._threads = source, index, damage, threads
        self.next = start
        self._run: _Run | None = None
        self._known_stop = -1
        self._closed = False

    def read(self) -> Frame:
        """Return the next frame, a new array; raise `VideoError` if it is damaged or missing, or reading stalls."""
        try:
            self._damage.check(self.next)
            frame = self._read()
        except TimeoutError as error:
            raise self._source.stalled() from error
        except BaseException:
            self._drop()
            raise
        self.next += 1
        return frame

    def close(self) -> None:
        """End ffmpeg; further reading is an error."""
        self._closed = True
        self._drop()

    def _read(self) -> Frame:
        if self.next == self._known_stop:
            self._drop()  # restart ffmpeg: new errors could not be told from those in its log
        if self._run is not None:
            frame = self._try(self._run)
            if frame is not None:
                return frame
        failed: list[_Run] = []
        for key in self._index.entries(self.next):
            self._drop()
            self._check_open()
            self._run = run = _Run(self._source, self._index, key, self.next, self._threads)
            frame = self._try(run)
            if frame is not None:
                self._learn(failed, run)
                return frame
            failed.append(run)
        self._drop()
        raise self._source.damaged(self.next, self._index, "ffmpeg gives no such frame")

    def _learn(self, failed: list[_Run], run: _Run) -> None:
        """Note in the index the key frames from which the next frame does not decode, now that `run` has read it."""
        if not failed:
            return
        if run.key is None and sum(other.anchored for other in failed) > 1:
            self._index.refuse_all()
            return
        good_from = max(self.next + 1, min(other.first_output for other in failed))
        for other in failed:
            if other.key is not None:
                self._index.refuse(other.key, other.key + 1, good_from)
        # No other key frame lies between the last one that the decoder reported and this frame.
        numbers = (self._index.number_of.get(name, -1) for name in run.log.decoded_keys[:])
        last_key = max((number for number in numbers if number <= self.next), default=-1)
        if self._index.by_time and last_key >= 0:
            self._index.refuse(last_key + 1, self.next + 1, good_from)

    def _try(self, run: _Run) -> Frame | None:
        try:
            frame, clean = run.read(self.next)
        except _DoubtError:
            frame, clean = None, not run.log.complaints
        self._check_open()
        if clean or self._index.packets is None:  # without packets, first_bad and checksums show damage
            return frame
        self._known_stop = self._damage.examine(self.next)
        return frame if self._index.enters(run.key, self.next) else None

    def _check_open(self) -> None:
        if self._closed:
            raise VideoError(
                f"{format_path(self._source.path.name)}: expected an open video, found it closed", hint="open it again"
            )

    def _drop(self) -> None:
        run, self._run = self._run, None
        self._known_stop = -1
        if run is not None:
            run.close()
