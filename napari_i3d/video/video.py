"""Open a video and read its frames: single frames by number, ranges as a stream; every frame is verified."""

import operator
import os
import threading
import weakref
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from napari_i3d._utils.text import format_path
from napari_i3d.errors import VideoError
from napari_i3d.video.damage import DamageFinder, survey
from napari_i3d.video.decoder import Cursor, Frame, second_frame_decodes_alone
from napari_i3d.video.ffmpeg.probe import Probe, probe_video
from napari_i3d.video.frame_index import FrameIndex
from napari_i3d.video.index_building import build_index
from napari_i3d.video.single_frames import READ_AHEAD_FRAMES, SingleFrames
from napari_i3d.video.stream import Source, file_stat

_TAIL_FRAMES = 16
# Every frame is a key frame, but only the first may hold the palette or tables; decoders do not report this.
_TABLES_AHEAD = frozenset({"rawvideo", "mjpeg"})


def open_video(path: str | os.PathLike[str]) -> "Video":
    """Open a video file.

    Parameters
    ----------
    path
        Any file that ffmpeg can decode. If it has several video streams, ffmpeg's default is read
        (`Video.stream_index`).

    Returns
    -------
    Video
        Its frames, in presentation order. For most files, only the first few frames are decoded here.

    Raises
    ------
    VideoError
        The file does not exist, is not a video, or none of its frames decode.
    """
    return Video(path)


class Video:
    """The frames of a video file in presentation order, numbered as tracking programs number them.

    ``video[i]`` is a frame (H, W, 3), ``video[a:b:step]`` are frames (n, H, W, 3); both are new, writable uint8 RGB
    arrays. A display matrix (a phone's rotation) is applied. Every frame is checked against the index of the file; if
    it is damaged, or cannot be proved to be the right one, an error names it.

    A video may be used from several threads. Each iterator has its own ffmpeg, which ends with it.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    path : Path
        The file, absolute.
    shape : tuple of int
        (T, H, W, 3): frames, rows, columns, colors.
    dtype : numpy.dtype
        uint8.
    fps : float
        Frames per second: the nominal rate if the frames keep to it, else their mean rate.
    times_s : (T,) float64
        Presentation times in seconds, as in the file: they need not start at 0 or be evenly spaced.
    stream_index : int
        ffmpeg's index of the video stream in the file.
    remark : str
        Empty, or one line about damage found in opening the file, such as incomplete frames left out at its end.

    Raises
    ------
    VideoError
        The file does not exist, is not a video, or none of its frames decode.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        stat = file_stat(self.path)
        probe = probe_video(self.path)
        size = probe.width_px, probe.height_px
        self._source = Source(self.path, probe.stream_index, *size, stat, probe.decoder_options)
        self._index = build_index(self.path, probe)
        self._index = self._without_cut_end(self._index)
        if probe.codec in _TABLES_AHEAD and not second_frame_decodes_alone(self._source, self._index):
            self._index.refuse_all()
        self._damage = DamageFinder(self._source, self._index, places_frames=probe.places_frames)
        self._codec = probe.codec
        self.remark = self._index.remark
        self.stream_index = probe.stream_index
        self.dtype = np.dtype(np.uint8)
        self.shape = (len(self._index), probe.height_px, probe.width_px, 3)
        self.times_s: npt.NDArray[np.float64] = self._index.times_s.copy()
        self.times_s.flags.writeable = False
        self.fps = _frames_per_second(self._index, probe)
        self._cursors: weakref.WeakSet[Cursor] = weakref.WeakSet()
        self._single_frames = SingleFrames(self._index, probe.height_px * probe.width_px * 3)
        self._closed = False
        self._lock = threading.Lock()  # no cursor is made while, or after, all are closed

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        count, height, width, _ = self.shape
        return f"<Video {format_path(self.path.name)}: {count} frames of {width}x{height}, {self.fps:.6g} frames/s>"

    @overload
    def __getitem__(self, item: int) -> Frame: ...
    @overload
    def __getitem__(self, item: slice) -> npt.NDArray[np.uint8]: ...
    def __getitem__(self, item: int | slice) -> npt.NDArray[np.uint8]:
        """Return a frame (H, W, 3), or the frames of a slice (n, H, W, 3), uint8 RGB.

        Raises
        ------
        IndexError
            The frame does not exist.
        VideoError
            A frame is damaged, or the video is closed.
        """
        if isinstance(item, slice):
            return self._frames_at(range(*item.indices(len(self))))
        number = operator.index(item)
        if not -len(self) <= number < len(self):
            raise IndexError(
                f"{format_path(self.path.name)}: expected a frame from 0 to {len(self) - 1}, found {number}"
            )
        return self._single_frames.read(number % len(self), self._new_cursor)

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def frames(
        self, start: int = 0, stop: int | None = None, threads: int | None = None
    ) -> Generator[Frame, None, None]:
        """Yield the frames of a half-open range, decoding from the key frame before `start`.

        Parameters
        ----------
        start, stop
            Range as in a slice; None is the end. Negative numbers count from the end.
        threads
            Number of threads that decode, for several readers at once; None: ffmpeg chooses. Frames are the same.

        Yields
        ------
        (H, W, 3) uint8
            RGB; each a new array.

        Raises
        ------
        VideoError
            A frame is damaged, or the video is closed. All frames before it have been yielded.
        """
        first, last, _ = slice(start, stop).indices(len(self))
        if first >= last:
            return
        cursor = self._new_cursor(first, threads)
        try:
            for _ in range(first, last):
                yield cursor.read()
        finally:
            cursor.close()

    def facts(self) -> dict[str, Any]:
        """Return the facts that identify the video in provenance: plain numbers and text."""
        count, height, width, _ = self.shape
        facts: dict[str, Any] = {
            "file": self.path.name,
            "size_bytes": self._source.stat[0],
            "frames": count,
            "width_px": width,
            "height_px": height,
            "fps": self.fps,
            "codec": self._codec,
            "stream_index": self.stream_index,
        }
        return facts | ({"remark": self.remark} if self.remark else {})

    def close(self) -> None:
        """End every ffmpeg of this video, including those of its iterators; may be called again."""
        with self._lock:
            self._closed = True
            cursors = list(self._cursors)
        for cursor in cursors:
            cursor.close()
        self._single_frames.clear()

    def __enter__(self) -> "Video":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _new_cursor(self, start: int, threads: int | None = None) -> Cursor:
        with self._lock:
            if self._closed:
                raise VideoError(
                    f"{format_path(self.path.name)}: expected an open video, found it closed", hint="open it again"
                )
            cursor = Cursor(self._source, self._index, self._damage, start, threads)
            self._cursors.add(cursor)
        return cursor

    def _frames_at(self, numbers: range) -> npt.NDArray[np.uint8]:
        out = np.empty((len(numbers), *self.shape[1:]), dtype=np.uint8)  # (n, H, W, 3)
        if len(numbers) > 1 and abs(numbers.step) <= READ_AHEAD_FRAMES:
            wanted = {number: place for place, number in enumerate(numbers)}
            first, last = min(numbers), max(numbers)
            for number, frame in zip(range(first, last + 1), self.frames(first, last + 1), strict=True):
                if number in wanted:
                    out[wanted[number]] = frame
        else:
            for place, number in enumerate(numbers):
                out[place] = self._single_frames.read(number, self._new_cursor)
        return out

    def _without_cut_end(self, index: FrameIndex) -> FrameIndex:
        """Leave out incomplete frames at the end of a truncated file."""
        if index.packets is None or not index.packets.cut_off:
            return index
        surveys = (
            survey(self._source, index, index.packets, len(index) - 1, key) for key in index.entries(len(index) - 1)
        )
        tail = next(filter(None, surveys))
        if min(tail.bad, default=len(index)) < len(index) - _TAIL_FRAMES:
            return index  # more than truncation explains; reading these frames examines them
        # Frames are decoded out of order, so complete ones may follow incomplete ones: cut at the first bad frame.
        stop = min(tail.bad, default=len(index))
        if stop in (0, len(index)):
            return index
        return index.cut(stop, f"the file is cut off: frames from {stop} on are there only in part and are left out")


def _frames_per_second(index: FrameIndex, probe: Probe) -> float:
    nominal = float(probe.frame_rate) if probe.frame_rate else 0.0
    span_s = float(index.times_s[-1] - index.times_s[0])
    if len(index) < 2 or span_s <= 0:
        return nominal or 1.0
    mean = (len(index) - 1) / span_s
    return nominal if nominal and abs(nominal / mean - 1) < 1e-3 else mean
