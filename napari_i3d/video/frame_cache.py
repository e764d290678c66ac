"""Bounded cache of decoded frames, which reads the neighbors of the current frame in advance.

Reading forward takes a few milliseconds per frame; starting elsewhere takes up to a whole group of pictures. So one
ffmpeg stays open behind the last frame read and reads on from there, and frames before it are read in blocks. Both
happen in the background when the user steps from frame to frame, or after a moment without requests: jumps are served
first, with the whole machine.
"""

import atexit
import threading
import time
import weakref
from typing import TYPE_CHECKING

from napari_i3d.errors import Message, VideoError
from napari_i3d.video.frame_budget import FrameBudget
from napari_i3d.video.prefetch import STEP_FRAMES, Position, Stream, StreamReader, next_to_read

if TYPE_CHECKING:
    from napari_i3d.video.decoder import Frame
    from napari_i3d.video.video import Video

_FEWEST_FRAMES = 4
_REACH_FRAMES = 96
_STEP_BACK_FRAMES = 16
_QUIET_S = 0.1
IDLE_S = 5.0
"""Seconds without a request after which ffmpeg and thread end; the next request restarts them."""

_EXIT_S = 5.0
_fillers: "weakref.WeakKeyDictionary[threading.Thread, weakref.ref[FrameCache]]" = weakref.WeakKeyDictionary()


def _stop_all() -> None:
    """End the background threads before the interpreter ends every ffmpeg, which would look like damage."""
    fillers = list(_fillers.items())
    for _, reference in fillers:
        cache = reference()
        if cache is not None:
            cache.release()
    for thread, _ in fillers:
        thread.join(_EXIT_S)


class FrameCache:
    """The frames of a video by number; may be used by several threads.

    The last request is served first: it is for the frame that the user looks at now. The video stays open when the
    cache is released; by default it has a budget of its own.
    """

    def __init__(self, video: "Video", budget: FrameBudget | None = None) -> None:
        self._video = video
        self._budget = budget or FrameBudget()
        _, height, width, colors = video.shape
        self._frame_bytes = height * width * colors
        self._change = threading.Condition(self._budget.lock)
        self._frames: dict[int, Frame] = {}
        self._failures: dict[int, Message] = {}
        self._place = 0
        self._step = 0
        self.asked_s = 0.0
        """Time of the last request."""
        self._waiting: list[object] = []
        self._reader = StreamReader(video)
        self._decoding = False  # whether a thread uses the reader
        self._block = range(0)  # frames that the background thread is reading from its own stream
        self._filler: threading.Thread | None = None
        self._budget.add(self)

    @property
    def in_use(self) -> bool:
        """Whether a frame was requested recently."""
        return self._filler is not None

    @property
    def used_bytes(self) -> int:
        """Bytes of the cached frames."""
        return len(self._frames) * self._frame_bytes

    @property
    def capacity(self) -> int:
        """Number of frames that may be cached while in use."""
        return max(_FEWEST_FRAMES, self._budget.share_bytes(self) // self._frame_bytes)

    @property
    def _reach(self) -> int:
        # A block behind, half a block beyond it, a block ahead, and the frame itself.
        return max(1, min(_REACH_FRAMES, (self.capacity - 1) * 2 // 5))

    def forget(self, bytes_left: int, fewest: int = _FEWEST_FRAMES) -> None:
        """Drop the frames farthest from the last request until `bytes_left`, or the `fewest` frames, are left."""
        with self._change:
            while len(self._frames) > max(fewest, bytes_left // self._frame_bytes):
                del self._frames[max(self._frames, key=lambda kept: abs(kept - self._place))]

    def frame(self, number: int) -> "Frame":
        """Return a frame, (H, W, 3) uint8, read-only, once it is decoded; `VideoError` if it cannot be read."""
        with self._change:
            self._note(number)
            frame = self._wait_for_turn(number)
        if frame is None:
            try:
                frame = self._decode(number)
            finally:
                self._end_turn()
        return frame

    def release(self) -> None:
        """End ffmpeg and the thread and drop all frames; the next request restarts them."""
        with self._change:
            self._filler = None
            self._frames.clear()
            self._failures.clear()
            stream = None if self._decoding else self._reader.detach()
            self._change.notify_all()
        if stream is not None:
            stream.close()

    def __contains__(self, number: int) -> bool:
        return number in self._frames

    def __len__(self) -> int:
        return len(self._frames)

    def _note(self, number: int) -> None:
        if number != self._place:
            self._step, self._place = number - self._place, number
        self.asked_s = time.monotonic()
        if self._filler is None:
            self._start_filler()
        self._change.notify_all()

    def _start_filler(self) -> None:
        if not _fillers:
            # Functions registered last run first: this one must run before weakref.finalize ends the ffmpegs.
            atexit.unregister(_stop_all)
            atexit.register(_stop_all)
        self._filler = threading.Thread(target=self._fill, name=f"frames of {self._video.path.name}", daemon=True)
        _fillers[self._filler] = weakref.ref(self)
        self._filler.start()

    def _wait_for_turn(self, number: int) -> "Frame | None":
        """Wait for a frame and return it, or return None if the caller must decode it."""
        ticket = object()
        self._waiting.append(ticket)
        try:
            while True:
                if number in self._failures:
                    failure = self._failures[number]
                    raise VideoError(failure.text, failure.hint)
                frame = self._frames.get(number)
                if frame is not None:
                    return frame
                if not self._decoding and self._waiting[-1] is ticket and number not in self._block:
                    self._decoding = True
                    return None
                self._change.wait()
        finally:
            self._waiting.remove(ticket)
            self._change.notify_all()

    def _end_turn(self) -> None:
        with self._change:
            self._decoding = False
            stream = self._reader.detach() if self._filler is None else None  # None: released meanwhile
            self._change.notify_all()
        if stream is not None:
            stream.close()

    def _decode(self, number: int) -> "Frame":
        """Read up to a frame; only for the thread whose turn it is."""
        backwards = -STEP_FRAMES <= self._step < 0
        start = max(0, number - min(_STEP_BACK_FRAMES, self._reach)) if backwards else number
        try:
            return self._reader.read(number, start, self._keep)
        except VideoError as error:
            self._fail(number, error)
            raise

    def _fail(self, number: int, error: VideoError) -> None:
        with self._change:
            # A missing file may come back with its drive; damage is permanent.
            if self._video.path.exists():
                self._failures[number] = error.message

    def _keep(self, number: int, frame: "Frame") -> None:
        with self._change:
            if self._filler is None:  # released
                return
            self._frames[number] = frame
            self._budget.make_room()
            self._change.notify_all()

    def _fill(self) -> None:
        """Read ahead and behind in the background thread."""
        me = threading.current_thread()
        failed_s = -1.0  # time of the request after which reading failed
        while True:
            with self._change:
                quiet_s = time.monotonic() - self.asked_s
                if self._filler is not me:
                    return
                block = range(0) if self.asked_s == failed_s else self._plan(quiet_s)
                if not block:
                    if quiet_s > IDLE_S and not self._decoding:
                        self._filler = None
                        idle = self._reader.detach()
                        break
                    self._change.wait(_QUIET_S - quiet_s if quiet_s < _QUIET_S else IDLE_S)
                    continue
                asked_s = self.asked_s
                ahead = block.start > self._place
                if ahead:
                    self._decoding = True
                else:
                    self._block = block
            try:
                if ahead:
                    self._decode(block.start)
                else:
                    self._read_block(block, me)
            except VideoError:
                failed_s = asked_s  # a request for the frame raises the error; pause until the next request
            finally:
                if ahead:
                    self._end_turn()
                with self._change:
                    self._block = range(0)
                    self._change.notify_all()
        if idle is not None:
            idle.close()  # not while other caches wait for the lock

    def _plan(self, quiet_s: float) -> range:
        """Return the frames to read next; empty if there are none or a thread waits or decodes."""
        if self._waiting or self._decoding:
            return range(0)
        position = Position(self._place, self._step, len(self._video), quiet=quiet_s >= _QUIET_S)
        return next_to_read(position, self._reach, self._is_missing, self._reader.leads_to)

    def _is_missing(self, number: int) -> bool:
        return number not in self._frames and number not in self._failures

    def _read_block(self, block: range, me: threading.Thread) -> None:
        stream = Stream(self._video, block.start, block.stop)
        try:
            for number in block:
                try:
                    frame = stream.read()
                except VideoError as error:
                    self._fail(number, error)
                    raise
                self._keep(number, frame)
                with self._change:
                    if self._filler is not me or not block.start - 1 <= self._place <= block.stop + self._reach:
                        return  # the user has moved away
        finally:
            stream.close()
