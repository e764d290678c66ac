"""Index of a video's frames in presentation order, made without decoding if possible.

If the codec has one frame per packet and each packet has its own time, the container's packets, sorted by presentation
time, are the frames. If either is in doubt, the video is decoded once instead, and frames without a unique time are
identified by the checksum of their pixels. Either way each frame has a name, by which a decoder that starts anywhere
can verify the frames it reads.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_i3d._utils.text import format_path
from napari_i3d.errors import VideoError
from napari_i3d.video.ffmpeg.log import Log, LoggedFrame
from napari_i3d.video.ffmpeg.packets import Packets, read_packets
from napari_i3d.video.ffmpeg.probe import Probe
from napari_i3d.video.ffmpeg.process import Process, input_arguments, output_arguments, stalled

# Codecs with one frame per packet. Others hide frames (VP8), leave some out, or pack two into one (MPEG-4 in AVI).
_FRAME_A_PACKET = frozenset(
    {"h264", "hevc", "vvc", "vp9", "av1", "mpeg1video", "mpeg2video", "mjpeg", "prores", "dnxhd", "ffv1", "huffyuv"}
    | {"ffvhuff", "rawvideo", "png", "utvideo", "magicyuv", "dvvideo", "jpeg2000", "libdav1d", "v210", "theora"}
)
_FRAME_A_PACKET_UNLESS_TINY = frozenset({"mpeg4", "msmpeg4v2", "msmpeg4v3", "msmpeg4", "wmv1", "wmv2", "h263", "flv"})
_TINY_BYTES = 24
_LAST_FRAMES = 3
# Raw bitstreams have no times: after a seek, ffmpeg guesses which frame it has reached.
_BARE = frozenset(
    {"h261", "h263", "h264", "hevc", "vvc", "m4v", "mpegvideo", "mjpeg", "obu", "av1", "vc1", "dirac", "cavsvideo"}
)
_STEPS_BACK = (0, 1, 4, 16, 64, 256)
_REORDERED_FRAMES = 16
"""Largest distance, in frames, between decoding and presentation order in any codec."""

# Decoder messages about frames whose key frame precedes the start of a recording.
_BEFORE_FIRST_KEY = re.compile(
    r"non-existing [SP]PS|decode_slice_header error|no frame!|Could not find ref|Error submitting packet|"
    r"Error splitting|missing image in access unit|co located POCs|reference image missing|[SP]PS id out of range"
)


@dataclass(frozen=True)
class FrameIndex:
    """The N frames of a video in presentation order.

    Attributes
    ----------
    names
        (N,) int64: identifies each frame: its presentation time in ticks, or the checksum of its pixels.
    by_time
        Whether names are presentation times.
    times_s
        (N,) float64: presentation times in seconds.
    packet
        (N,) int64: position of the frame's packet in `packets`; without packets, 0 to N - 1.
    keys
        Ascending numbers of the key frames, where decoding can start.
    time_base
        Seconds per tick.
    packets
        The container's packets in decoding order; None if the index comes from decoding.
    first_bad
        Number of the first frame that cannot be trusted, N if there is none; known only if all were decoded.
    complaint
        ffmpeg's message at `first_bad`.
    remark
        Empty, or one line about frames left out at the end because they do not decode.
    checksums
        (N,) int64: checksums of the frames decoded from the start; None if not all were decoded.
    """

    names: npt.NDArray[np.int64]
    by_time: bool
    times_s: npt.NDArray[np.float64]
    packet: npt.NDArray[np.int64]
    keys: npt.NDArray[np.int64]
    time_base: Fraction
    packets: Packets | None
    first_bad: int
    complaint: str = ""
    remark: str = ""
    checksums: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def number_of(self) -> dict[int, int]:
        """Frame number by name; the last of equal names."""
        return {int(name): number for number, name in enumerate(self.names)}

    @cached_property
    def key_names(self) -> frozenset[int]:
        """Names of the key frames."""
        return frozenset(self.names[self.keys].tolist())

    @cached_property
    def _key_packets(self) -> npt.NDArray[np.int64]:
        return self.packet[self.keys]

    @cached_property
    def _good_from(self) -> npt.NDArray[np.int64]:
        """For each key frame, the first frame known to decode correctly from it."""
        return self.keys.copy()

    def entries(self, number: int) -> Iterator[int | None]:
        """Yield key frames from which `number` can be decoded, the nearest first; None, the start of the file, last."""
        usable = self.keys[(self._good_from <= number) & (self._key_packets <= self.packet[number])]
        for step in _STEPS_BACK:
            if step >= len(usable) or usable[-1 - step] == 0:
                break
            yield int(usable[-1 - step])
        yield None

    def enters(self, key: int | None, number: int) -> bool:
        """Whether, as far as known, `number` can be decoded from key frame `key` (None: the start)."""
        return key is None or bool(self._good_from[np.searchsorted(self.keys, key)] <= number)

    def refuse(self, first: int, stop: int, good_from: int) -> None:
        """Note that decoding from the key frames in [first, stop) gives no correct frames before `good_from`."""
        places = slice(*np.searchsorted(self.keys, [first, stop]))
        self._good_from[places] = np.maximum(self._good_from[places], good_from)

    def refuse_all(self) -> None:
        """Note that this file can only be decoded from its start."""
        self.refuse(0, len(self), len(self))

    def cut(self, stop: int, remark: str) -> "FrameIndex":
        """Return the index of the first `stop` frames."""
        return replace(
            self,
            names=self.names[:stop],
            times_s=self.times_s[:stop],
            packet=self.packet[:stop],
            keys=self.keys[self.keys < stop],
            first_bad=min(self.first_bad, stop),
            remark=remark,
            checksums=None if self.checksums is None else self.checksums[:stop],
        )


def build_index(path: Path, probe: Probe) -> FrameIndex:
    """Index the frames of a video from its packets, or by decoding it if they cannot be trusted.

    Raises
    ------
    VideoError
        There are no frames, or reading stalls.
    """
    packets = read_packets(path, probe.stream_index)
    if probe.container == "avi" and _tables_disagree(path, probe, packets):
        packets = replace(packets, lost=True)
    index = _from_packets(packets) if _are_frames(packets, probe) else _from_decoding(path, probe, packets)
    # Frames dropped while recording are counted in an AVI file, but have no packet.
    promised_frames = 0 if packets.span_ticks >= probe.promised_frames else probe.promised_frames
    if promised_frames > len(index):
        _refuse_silent_loss(path, probe, index)
    if packets.cut_off and not index.remark:
        index = replace(index, remark=f"the file is cut off after frame {len(index) - 1}")
    if index.first_bad < len(index) or not packets.is_reordered or (probe.places_frames and not packets.cut_off):
        return index
    stop = _end_without_holes(index, packets, promised_frames)
    return index if stop == len(index) else index.cut(stop, f"the file is cut off: frames from {stop} on are left out")


def _refuse_silent_loss(path: Path, probe: Probe, index: FrameIndex) -> None:
    """Refuse an AVI file that lost frames at unknown places: frames after them would have wrong numbers."""
    if index.first_bad < len(index) or index.remark or probe.is_short:
        return
    raise VideoError(
        f"{format_path(path.name)}: expected {probe.promised_frames} frames as its header says, found {len(index)} and "
        "no trace of the others, so that numbers may be wrong; repair it, or if the header is wrong, copy it with "
        "ffmpeg -c copy"
    )


def _tables_disagree(path: Path, probe: Probe, packets: Packets) -> bool:
    """Whether an AVI file has fewer packets than its header states, or others than its table; seeking relies on it."""
    if probe.promised_frames > len(packets.pts):
        return True
    without_table = read_packets(path, probe.stream_index, ("-fflags", "+ignidx"))
    return not np.array_equal(without_table.size_bytes, packets.size_bytes)


def _end_without_holes(index: FrameIndex, packets: Packets, promised_frames: int) -> int:
    """Return the number of frames before the first hole among the last, reordered frames of a truncated video."""
    count = len(index)
    if not packets.all_timed:
        return max(count - _REORDERED_FRAMES, 1) if promised_frames > count else count
    steps_s = np.diff(index.times_s[-64:])
    if not len(steps_s):
        return count
    holes = np.flatnonzero(steps_s > 1.5 * np.median(steps_s)) + 1 + count - len(steps_s) - 1
    late = holes[holes >= count - _REORDERED_FRAMES]
    return int(late[0]) if len(late) else count


def _are_frames(packets: Packets, probe: Probe) -> bool:
    shown = packets.pts[packets.is_shown]
    if probe.container in _BARE:
        return False
    if not packets.all_timed or packets.lost or packets.time_base != probe.time_base or not len(shown):
        return False
    if not probe.places_frames and packets.has_gaps:
        return False
    if len(np.unique(packets.pts)) != len(packets.pts):
        return False
    tiny = bool((packets.size_bytes <= _TINY_BYTES).any())
    if not (probe.codec in _FRAME_A_PACKET or (probe.codec in _FRAME_A_PACKET_UNLESS_TINY and not tiny)):
        return False
    head = np.sort(shown)[: len(probe.head_pts)]
    return probe.head_pts == head.tolist() and bool(packets.is_key[0])


def _from_packets(packets: Packets) -> FrameIndex:
    places = np.flatnonzero(packets.is_shown)
    places = places[np.argsort(packets.pts[places], kind="stable")]
    names = packets.pts[places]
    keys = np.flatnonzero(packets.is_key[places])
    times_s: npt.NDArray[np.float64] = names * np.float64(packets.time_base)
    return FrameIndex(names, True, times_s, places, keys, packets.time_base, packets, len(names))


def _from_decoding(path: Path, probe: Probe, packets: Packets) -> FrameIndex:
    frames, checksums, log = _decode_all(path, probe, None, packets.lost)
    if log.complaints:
        # Several threads mix up the order of the messages, so that damage seems to begin too early.
        frames, checksums, log = _decode_all(path, probe, 1, packets.lost)
    count = len(frames)
    complaint = log.complaints[0] if log.complaints else ""
    first_bad = next((number for number, frame in enumerate(frames) if not frame.clean), count)
    if complaint and first_bad == count:
        first_bad = count - 1  # about a missing frame, or the last one
    if first_bad < 1:
        if count:
            reason = complaint or "its first frame is incomplete"
            raise VideoError(
                f"{format_path(path.name)}: damaged near its beginning ({reason}); repair or re-encode the file"
            )
        raise VideoError(
            f"{format_path(path.name)}: expected frames, found none that decode ({complaint or 'no data'})"
        )
    pts = [frame.pts for frame in frames]
    times = np.array([0 if time is None else time for time in pts], dtype=np.int64)
    time_base = log.time_base or Fraction(1)
    timed = None not in pts
    by_time = timed and packets.all_timed and not packets.lost and bool((np.diff(times) > 0).all())
    by_time = by_time and probe.container not in _BARE
    index = FrameIndex(
        names=times if by_time else checksums,
        by_time=by_time,
        times_s=times * np.float64(time_base) if timed else np.arange(count) / float(probe.frame_rate or 25),
        packet=np.arange(count),
        keys=np.flatnonzero([frame.is_key for frame in frames]),
        time_base=time_base,
        packets=None,
        first_bad=first_bad,
        complaint=complaint,
        checksums=checksums,
    )
    if count - _LAST_FRAMES <= first_bad < count:
        return index.cut(first_bad, f"frames from {first_bad} on do not decode ({complaint}) and are left out")
    return index


class _BeginningLog(Log):
    """A log that ignores the errors of a recording that starts between two key frames."""

    def _take(self, line: str) -> None:
        before_first = not self._decoded and not self._output
        super()._take(line)
        if before_first and self.complaints and _BEFORE_FIRST_KEY.search(self.complaints[-1]):
            self.complaints.pop()


def _decode_all(
    path: Path, probe: Probe, threads: int | None, lost: bool
) -> tuple[list[LoggedFrame], npt.NDArray[np.int64], Log]:
    """Return all frames that decode, their checksums (N,) as RGB, and the log."""
    log = Log() if lost else _BeginningLog()
    limit = [] if threads is None else ["-threads", str(threads)]
    output = [*output_arguments(probe.stream_index, probe.width_px, probe.height_px), "-f", "framecrc", "-"]
    process = Process([*limit, "-debug_ts", "-copyts", *input_arguments(path), *output], log)
    try:
        rows = process.read_all().decode("ascii", "replace").splitlines()
        frames = log.wait_to_end()
    except TimeoutError as error:
        raise stalled(path) from error
    finally:
        process.close()
    checksums = [int(row.split(",")[5], 16) for row in rows if row.startswith("0,")]
    if len(checksums) != len(frames):
        found = f"{len(frames)} in its log and {len(checksums)} in its output"
        raise VideoError(
            f"{format_path(path.name)}: expected one count of frames from ffmpeg, found {found}; re-encode the file"
        )
    return frames, np.array(checksums, dtype=np.int64), log
