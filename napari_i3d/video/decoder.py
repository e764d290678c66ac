"""The ffmpeg pipe: frames in order from any place, each checked to be the one that its number says."""

import zlib

import numpy as np
import numpy.typing as npt

from napari_i3d._utils.text import label
from napari_i3d.errors import VideoError
from napari_i3d.video.damage import Judge
from napari_i3d.video.ffmpeg.log import Log, LoggedFrame
from napari_i3d.video.ffmpeg.process import Process
from napari_i3d.video.frame_index import FrameIndex
from napari_i3d.video.stream import Source

Frame = npt.NDArray[np.uint8]
"""(H, W, 3) uint8, RGB."""


class _DoubtError(Exception):
    """What ffmpeg gives is not what the index says; starting further ahead may help."""


class _Run:
    """One ffmpeg from one starting point: gives the frames from `first` on, or says that it cannot."""

    def __init__(self, source: Source, index: FrameIndex, key: int | None, first: int) -> None:
        self._source, self._index, self._first = source, index, first
        self.key = key
        self.anchored = key is None
        self.first_given = first  # or the frame that came in its place
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
        self.anchored = self.anchored or any(map(self._can_start_at, self.log.decoded_keys[:]))
        if given.pts != self._index.names[number]:
            self.first_given = len(self._index) if given.pts is None else self._index.number_of.get(given.pts, number)
            raise _DoubtError
        if not self.anchored:
            raise _DoubtError
        return self._checked(self._pixels(), number), given.clean

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
            given, frame = self._next(), self._pixels()
            checksum = _checksum(frame)
            if self._place is None and given.is_key and checksum in self._index.key_names:
                self._place = self._index.number_of[checksum]
                self.anchored = True
            if self._place is None:
                continue
            if self._place > number or names[self._place] != checksum:
                raise _DoubtError
            self._place += 1
            if self._place > number:
                return frame, given.clean

    def _next(self) -> LoggedFrame:
        given = self.log.next_given()
        if given is None:
            raise _DoubtError
        return given

    def _pixels(self) -> Frame:
        frame = np.empty((self._source.height_px, self._source.width_px, 3), dtype=np.uint8)
        if not self._process.read_into(frame):
            raise _DoubtError
        return frame


def _checksum(frame: Frame) -> int:
    """Return what ffmpeg's `framecrc` says of a image."""
    return zlib.adler32(frame.reshape(-1).data, 0)


def enters_soundly(source: Source, index: FrameIndex) -> bool:
    """Whether the second frame, a key frame, is the same from the start of the file and by itself."""
    if len(index) < 2 or next(index.entries(1)) is None:
        return True
    images = []
    for key, first in ((None, 0), (1, 1)):
        run = _Run(source, index, key, first)
        try:
            images.append([run.read(number)[0] for number in range(first, 2)][-1])
        except _DoubtError:
            return False
        except TimeoutError as error:
            raise source.stalled() from error
        finally:
            run.close()
    return bool((images[0] == images[1]).all())


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
        failed: list[_Run] = []
        for key in self._index.entries(self.next):
            self._drop()
            self._check_open()
            self._run = run = _Run(self._source, self._index, key, self.next)
            frame = self._try(run)
            if frame is not None:
                self._learn(failed, run)
                return frame
            failed.append(run)
        self._drop()
        raise self._source.damaged(self.next, self._index, "ffmpeg gives no such frame")

    def _learn(self, failed: list[_Run], run: _Run) -> None:
        """Keep with the index from where the next frame does not decode, now that `run` gives it from further back."""
        if not failed:
            return
        if run.key is None and sum(other.anchored for other in failed) > 1:
            self._index.refuse_all()
            return
        sound_from = max(self.next + 1, min(other.first_given for other in failed))
        for other in failed:
            if other.key is not None:
                self._index.refuse(other.key, other.key + 1, sound_from)
        # Between the last key frame that the decoder knows as one and this frame there is no other.
        numbers = (self._index.number_of.get(name, -1) for name in run.log.decoded_keys[:])
        last_key = max((number for number in numbers if number <= self.next), default=-1)
        if self._index.by_time and last_key >= 0:
            self._index.refuse(last_key + 1, self.next + 1, sound_from)

    def _try(self, run: _Run) -> Frame | None:
        try:
            frame, clean = run.read(self.next)
        except _DoubtError:
            frame, clean = None, not run.log.complaints
        self._check_open()
        if clean or self._index.packets is None:  # without packets all was decoded: first_bad and checksums tell
            return frame
        self._judged_stop = self._judge.examine(self.next)
        return frame if self._index.enters(run.key, self.next) else None

    def _check_open(self) -> None:
        if self._closed:
            raise VideoError(f"{label(self._source.path.name)}: expected an open video, found it closed; open it again")

    def _drop(self) -> None:
        run, self._run = self._run, None
        self._judged_stop = -1
        if run is not None:
            run.close()
