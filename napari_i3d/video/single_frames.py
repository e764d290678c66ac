"""Random access to single frames of a video."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from napari_i3d.errors import VideoError
from napari_i3d.video.decoder import Cursor, Frame
from napari_i3d.video.frame_index import FrameIndex

READ_AHEAD_FRAMES = 48
"""A decoder reads on to a frame at most this far ahead, even if there is a key frame in between."""

_OPEN_CURSORS = 2
_READ_BEHIND_FRAMES = 16
_KEPT_BYTES = 128 << 20

NewCursor = Callable[[int], Cursor]
"""Returns a cursor that starts at a frame; passed with each call, since a reference would keep the video alive."""


class SingleFrames:
    """Reads frames by number, with a cache and open cursors that read on; may be used by several threads."""

    def __init__(self, index: FrameIndex, frame_bytes: int) -> None:
        self._index, self._frame_bytes = index, frame_bytes
        self._lock = threading.Lock()
        self._cursors: list[Cursor] = []  # the last is the most recently used
        self._cache: OrderedDict[int, Frame] = OrderedDict()
        self._last = -1

    def read(self, number: int, new_cursor: NewCursor) -> Frame:
        """Return a frame, a new array; raise `VideoError` if it cannot be read."""
        with self._lock:
            frame = self._cache.get(number)
            if frame is None:
                frame = self._decode(number, new_cursor)
            else:
                self._cache.move_to_end(number)
            self._last = number
            return frame.copy()

    def clear(self) -> None:
        """Forget all frames and cursors, which the caller has closed."""
        with self._lock:
            self._cursors.clear()
            self._cache.clear()

    def _decode(self, number: int, new_cursor: NewCursor) -> Frame:
        cursor = self._cursor_towards(number, new_cursor)
        try:
            return self._read_up_to(cursor, number)
        except VideoError:
            if cursor.next == number:
                raise
        # A damaged frame on the way; starting at the frame's own key frame may avoid it.
        return self._read_up_to(self._add_cursor(new_cursor(number)), number)

    def _read_up_to(self, cursor: Cursor, number: int) -> Frame:
        while True:
            reached = cursor.next
            frame = cursor.read()
            self._keep(reached, frame)
            if reached == number:
                return frame

    def _cursor_towards(self, number: int, new_cursor: NewCursor) -> Cursor:
        """Return a cursor shortly before the frame, or a new one."""
        key = next(self._index.entries(number)) or 0
        for cursor in reversed(self._cursors):
            if cursor.next <= number and (key <= cursor.next or number - cursor.next <= READ_AHEAD_FRAMES):
                self._cursors.remove(cursor)
                self._cursors.append(cursor)
                return cursor
        # When stepping backwards, the frames before this one come next; decode them on the way.
        backwards = number < self._last <= number + _READ_BEHIND_FRAMES
        behind = min(_READ_BEHIND_FRAMES, _KEPT_BYTES // self._frame_bytes - 1)
        return self._add_cursor(new_cursor(max(number - behind, key, 0) if backwards else number))

    def _add_cursor(self, cursor: Cursor) -> Cursor:
        self._cursors.append(cursor)
        while len(self._cursors) > _OPEN_CURSORS:
            self._cursors.pop(0).close()
        return cursor

    def _keep(self, number: int, frame: Frame) -> None:
        self._cache[number] = frame
        self._cache.move_to_end(number)
        while len(self._cache) > 1 and len(self._cache) * frame.nbytes > _KEPT_BYTES:
            self._cache.popitem(last=False)
