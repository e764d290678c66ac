"""Find the damaged frames of a video by decoding the range of an ffmpeg error again, in one thread.

A frame is good if every packet from its key frame to its own, in decoding order, gave a frame that the decoder did not
mark as corrupt. After a bad packet, all frames up to the next key frame are bad, even if the decoder reports nothing:
it fills gaps with pieces of other frames.
"""

import threading
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from napari_i3d.video.ffmpeg import log as log_lines
from napari_i3d.video.ffmpeg.packets import Packets
from napari_i3d.video.ffmpeg.process import Process
from napari_i3d.video.frame_index import FrameIndex
from napari_i3d.video.stream import Source

_SURVEYED_ENTRIES = 2
_WINDOW = 64
"""Number of packets by which a message may precede the packet it is about, since packets are queued."""

_MISSING, _CORRUPT = "it does not decode", "it is marked as corrupt"


@dataclass(frozen=True)
class Survey:
    """The bad frames, each with its reason, among the examined frames [start, stop)."""

    start: int
    stop: int
    bad: dict[int, str]


class DamageFinder:
    """Finds bad frames and remembers them; may be used by several threads.

    Errors after a seek need not mean damage: some decoders need more than the key frame. So a frame is only called bad
    if it does not decode from earlier key frames or from the start of the file either. Since that may take long, once
    the start confirms an error, later ones in the same file are believed.

    `places_frames`: whether the numbers of frames after a damaged one are certain; if not, these count as bad.
    """

    def __init__(self, source: Source, index: FrameIndex, *, places_frames: bool) -> None:
        self._source, self._index, self._places_frames = source, index, places_frames
        self._first_bad, self._complaint = index.first_bad, index.complaint
        self._known: list[Survey] = []
        self._entries_proved = False
        self._lock = threading.Lock()

    def check(self, number: int) -> None:
        """Raise `VideoError`, which names the damage, if a frame is known to be bad."""
        reason = self._complaint if number >= self._first_bad else ""
        for known in self._known:
            reason = known.bad.get(number, "") or reason
        if reason:
            raise self._source.damaged(number, self._index, reason)

    def examine(self, number: int) -> int:
        """Survey the frames around one; return the end of the known frames, or raise `VideoError` if it is bad."""
        with self._lock:
            stop = next((known.stop for known in self._known if known.start <= number < known.stop), None)
            if stop is None and self._index.packets is not None:
                found = self._survey(self._index.packets, number)
                self._known.append(found)
                stop = found.stop
                if found.bad and not self._places_frames and min(found.bad) < self._first_bad:
                    self._first_bad = min(found.bad)
                    self._complaint = f"{found.bad[self._first_bad]}, and frames from there on have no sure number"
        self.check(number)
        return len(self._index) if stop is None else stop

    def _survey(self, packets: Packets, number: int) -> Survey:
        """Decode from the key frame before, the one before that, and the start, until no frame is bad."""
        *keys, start = self._index.entries(number)
        doubted: list[Survey] = []
        found = Survey(number, number, {})
        for key in (*keys[:_SURVEYED_ENTRIES], start):
            looked = survey(self._source, self._index, packets, number, key)
            if looked is None:
                continue
            found = looked
            if not found.bad or key is None or self._entries_proved:
                break
            doubted.append(found)
        for other in doubted:
            wrongly = other.bad.keys() - found.bad.keys()
            if wrongly:
                self._index.refuse(other.start, other.start + 1, max(wrongly) + 1)
        if key is None and doubted:
            self._entries_proved = any(other.bad.keys() & found.bad.keys() for other in doubted)
            if not self._entries_proved and len(doubted) == _SURVEYED_ENTRIES:
                self._index.refuse_all()
        return found


@dataclass
class _Events:
    """Events in the log of a single decoding thread."""

    is_key: dict[int, bool] = field(default_factory=dict)  # by pts
    corrupt: set[int] = field(default_factory=set)
    complaints: list[tuple[int | None, str]] = field(default_factory=list)  # pts of the frame before, text


class _EventLog(log_lines.Log):
    """A log of the decoder's own lines, which one thread writes in exact order."""

    def __init__(self) -> None:
        super().__init__()
        self.events = _Events()
        self._last_pts: int | None = None
        self._marked = False

    def _take(self, line: str) -> None:
        if frame := log_lines.decoded(line):
            pts, is_key = frame
            if pts is not None:
                self.events.is_key[pts] = is_key
                self._last_pts = pts
                if self._marked:
                    self.events.corrupt.add(pts)
            self._marked = False
        elif text := log_lines.complaint(line):
            if log_lines.is_corrupt_mark(text):
                self._marked = True
            else:
                self.events.complaints.append((self._last_pts, text))


def survey(source: Source, index: FrameIndex, packets: Packets, number: int, key: int | None) -> Survey | None:
    """Decode from a key frame (None: the start) past frame `number`, in one thread, and find the bad frames.

    Returns None if decoding cannot start at this key frame. Raises `VideoError` if ffmpeg stalls or the file has
    changed.
    """
    later_keys = index.keys[index.keys > number + _WINDOW]
    stop = int(later_keys[1]) if len(later_keys) > 1 else len(index)
    events = _decode_events(source, index, key, stop)
    if key is not None and not events.is_key.get(int(index.names[key])):
        return None
    return _find_bad_frames(index, packets, key or 0, stop, events)


def _decode_events(source: Source, index: FrameIndex, key: int | None, stop: int) -> _Events:
    log = _EventLog()
    end = [] if stop == len(index) else ["-vf", f"trim=end_pts={index.names[stop]}"]
    arguments = ["-threads", "1", "-debug_ts", *source.input(index, key), *source.frames, *end, "-f", "null", "-"]
    process = Process(arguments, log)
    try:
        log.wait_to_end()
    except TimeoutError as error:
        raise source.stalled() from error
    finally:
        process.close()
    return log.events


def _find_bad_frames(index: FrameIndex, packets: Packets, start: int, stop: int, events: _Events) -> Survey:
    first_place = int(index.packet[start]) if start else 0
    first_pts = int(index.names[start])
    # At the end, also count packets without a frame in the index: messages may be about those of a truncated end.
    places = np.flatnonzero(packets.is_shown) if stop == len(index) else np.sort(index.packet[:stop])
    places = places[places >= first_place]  # of the expected frames, in decoding order
    faults = _faults(packets, places, events)
    bad: dict[int, str] = {}
    fault_now = fault_before_key = ""
    key_pts = first_pts
    for place in places.tolist():
        pts = int(packets.pts[place])
        if pts < first_pts:
            continue  # shown before the first key frame, needs earlier frames
        if packets.is_key[place] and place not in faults and events.is_key.get(pts):
            key_pts, fault_before_key, fault_now = pts, fault_now, ""
        fault_now = fault_now or faults.get(place, "")
        fault = fault_now or (fault_before_key if pts < key_pts else "")
        if fault and pts in index.number_of:
            bad[index.number_of[pts]] = fault
    return Survey(start, stop, bad)


def _faults(packets: Packets, places: npt.NDArray[np.int64], events: _Events) -> dict[int, str]:
    """Return the faults of packets by position: no frame, a corrupt frame, or a message with no other cause."""
    faults: dict[int, str] = {}
    pts = packets.pts[places]
    for place, time in zip(places.tolist(), pts.tolist(), strict=True):
        if time not in events.is_key:
            faults[place] = _MISSING
        elif time in events.corrupt:
            faults[place] = _CORRUPT
    broken = sorted(faults)
    for last_pts, text in events.complaints:
        waiting = places if last_pts is None else places[pts > last_pts]
        if not len(waiting):
            continue
        place = int(waiting.min())
        cause = next((fault for fault in broken if place <= fault <= place + _WINDOW), None)
        if cause is None:
            faults.setdefault(place, text)
        elif faults[cause] in (_MISSING, _CORRUPT):
            faults[cause] = f"{faults[cause]} ({text})"
    return faults
