"""The ffmpeg pipe: frames in order from any place, each checked to be the one that its number says."""

import zlib

import numpy as np
import numpy.typing as npt

from napari_i3d.errors import VideoError, label
from napari_i3d.video.index import FrameIndex
from napari_i3d.video.log import Given, Log
from napari_i3d.video.process import Process
from napari_i3d.video.source import Source
from napari_i3d.video.survey import Judge

Frame = npt.NDArray[np.uint8]
"""(H, W, 3) uint8, RGB."""


class _DoubtError(Exception):
    """What ffmpeg gives is not what the index says; starting further ahead may help."""


class _Run:
    """One ffmpeg from one starting point: gives the frames from `first` on, or says that it cannot."""

    def __init__(self, source: Source, index: FrameIndex, key: int | None, first: int) -> None:
        self._source, self._index, self._first = source, index, first
        self.from_start = key is None
        self._anchored = key is None
        self._place = 0 if key is None else None  # number of the next frame, where times do not tell
        trim = ["-vf", f"trim=start_pts={index.names[first]}"] if index.by_time and first else []
        self.log = Log()
        output = [*source.output, *trim, "-f", "rawvideo", "-"]
        self._process = Process(["-debug_ts", *source.input(index, key), *output], self.log)

    def read(self, number: int) -> tuple[Frame, bool]:
        """Return the frame with this number, the one after the last, and whether nothing was amiss up to it."""
        return self._read_by_time(number) if self._index.by_time else self._read_by_checksum(number)

    def close(self) -> None:
        self._process.close()

    def _read_by_time(self, number: int) -> tuple[Frame, bool]:
        given = self._next()
        self._anchored = self._anchored or any(map(self._can_start_at, self.log.decoded_keys[:]))
        if not self._anchored or given.pts != self._index.names[number]:
            raise _DoubtError
        return self._pixels(), given.clean

    def _can_start_at(self, pts: int) -> bool:
        number = self._index.number_of.get(pts, len(self._index))
        packet = self._index.packet
        return pts in self._index.key_names and number <= self._first and packet[number] <= packet[self._first]

    def _read_by_checksum(self, number: int) -> tuple[Frame, bool]:
        names = self._index.names
        while True:
            given, frame = self._next(), self._pixels()
            checksum = zlib.adler32(frame.reshape(-1).data, 0)
            if self._place is None and given.is_key and checksum in self._index.key_names:
                self._place = self._index.number_of[checksum]
            if self._place is None:
                continue
            if self._place > number or names[self._place] != checksum:
                raise _DoubtError
            self._place += 1
            if self._place > number:
                return frame, given.clean

    def _next(self) -> Given:
        given = self.log.next_given()
        if given is None:
            raise _DoubtError
        return given

    def _pixels(self) -> Frame:
        frame = np.empty((self._source.height_px, self._source.width_px, 3), dtype=np.uint8)
        if not self._process.read_into(frame):
            raise _DoubtError
        return frame


class Cursor:
    """A reading position in a video, with the ffmpeg that is open there.

    Parameters
    ----------
    source, index
        The file and its frames.
    judge
        Knows which frames are damaged.
    start
        Number of the first frame to be read.

    Attributes
    ----------
    next
        Number of the frame that `read` gives next.
    """

    def __init__(self, source: Source, index: FrameIndex, judge: Judge, start: int) -> None:
        self._source, self._index, self._judge = source, index, judge
        self.next = start
        self._run: _Run | None = None
        self._judged_stop = -1
        self._closed = False

    def read(self) -> Frame:
        """Return the next frame, a new array, and move on.

        Raises
        ------
        VideoError
            The frame is damaged or missing, or reading stalls.
        """
        try:
            self._judge.check(self.next)
            frame = self._read()
        except TimeoutError as error:
            raise self._source.stalled() from error
        except BaseException:
            self._drop()
            raise
        self.next += 1
        return frame

    def close(self) -> None:
        """End the ffmpeg that is open here; reading on is an error."""
        self._closed = True
        self._drop()

    def _read(self) -> Frame:
        if self.next == self._judged_stop:
            self._drop()  # with new ears: the old one has heard complaints and cannot tell what is new
        if self._run is not None:
            frame = self._try(self._run)
            if frame is not None:
                return frame
        for skip in (0, 1, None):
            key = None if skip is None else self._index.key_before(self.next, skip)
            self._drop()
            self._check_open()
            self._run = _Run(self._source, self._index, key, self.next)
            frame = self._try(self._run)
            if frame is not None:
                return frame
            if key is None:
                break
        self._drop()
        raise self._source.damaged(self.next, self._index, "ffmpeg gives no such frame")

    def _try(self, run: _Run) -> Frame | None:
        try:
            frame, clean = run.read(self.next)
        except _DoubtError:
            frame, clean = None, not run.log.complaints
        self._check_open()
        if clean:
            return frame
        if self._index.packets is None:
            # All frames before the first bad one are known from the start; after a seek, a complaint is a bad sign.
            return frame if run.from_start or not self._index.by_time else None
        self._judged_stop = self._judge.examine(self.next)
        return frame

    def _check_open(self) -> None:
        if self._closed:
            raise VideoError(f"{label(self._source.path.name)}: expected an open video, found it closed; open it again")

    def _drop(self) -> None:
        run, self._run = self._run, None
        self._judged_stop = -1
        if run is not None:
            run.close()
