"""Which frame is where: the list of a video's frames in the order of presentation, made without decoding if possible.

The container's packets, sorted by presentation time, are the frames, where a codec gives one frame a packet and each
packet has a time of its own. Where one of these is in doubt, the video is decoded once instead, and each frame known by
the checksum of its image if its time does not name it. Either way each frame carries a name, so that whoever decodes
later, from wherever, can see that a frame is the one that was asked for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_i3d._utils.text import label
from napari_i3d.errors import VideoError
from napari_i3d.video.ffmpeg.log import Log, LoggedFrame
from napari_i3d.video.ffmpeg.packets import Packets, read_packets
from napari_i3d.video.ffmpeg.probe import Probe
from napari_i3d.video.ffmpeg.process import Process, input_arguments, output_arguments, stalled

# Codecs with one frame a packet. The others hide frames (VP8), leave some out or pack two into one (MPEG-4 in AVI).
_FRAME_A_PACKET = frozenset(
    {"h264", "hevc", "vvc", "vp9", "av1", "mpeg1video", "mpeg2video", "mjpeg", "prores", "dnxhd", "ffv1", "huffyuv"}
    | {"ffvhuff", "rawvideo", "png", "utvideo", "magicyuv", "dvvideo", "jpeg2000", "libdav1d", "v210", "theora"}
)
_FRAME_A_PACKET_UNLESS_TINY = frozenset({"mpeg4", "msmpeg4v2", "msmpeg4v3", "msmpeg4", "wmv1", "wmv2", "h263", "flv"})
_TINY_BYTES = 24
_LAST_FRAMES = 3
# Files of nothing but the encoder's bytes have no times: after a seek ffmpeg guesses which frame it has reached.
_BARE = frozenset(
    {"h261", "h263", "h264", "hevc", "vvc", "m4v", "mpegvideo", "mjpeg", "obu", "av1", "vc1", "dirac", "cavsvideo"}
)
_STEPS_BACK = (0, 1, 4, 16, 64, 256)
_REORDERED_FRAMES = 16
"""No codec shows a frame later than so many frames after it could be decoded."""

# What a decoder says of frames whose key frame came before the beginning of a recording.
_BEFORE_FIRST_KEY = re.compile(
    r"non-existing [SP]PS|decode_slice_header error|no frame!|Could not find ref|Error submitting packet|"
    r"Error splitting|missing image in access unit|co located POCs|reference image missing|[SP]PS id out of range"
)


@dataclass(frozen=True)
class FrameIndex:
    """The frames of a video, in presentation order; N are the frames, P the packets.

    Attributes
    ----------
    names
        (N,) int64: what tells a frame from the others: its presentation time in ticks, or the checksum of its image.
    by_time
        Whether names are presentation times.
    times_s
        (N,) float64: presentation times in seconds.
    packet
        (N,) int64: place of the frame's packet in `packets`; without packets, N places in presentation order.
    keys
        Ascending frame numbers where decoding can start, each with `packet` before those of all frames it leads to.
    time_base
        Seconds a tick.
    packets
        The container's packets in decoding order; None where the index comes from decoding.
    first_bad
        Number of the first frame that cannot be trusted, N if there is none: known only where all was decoded.
    complaint
        What ffmpeg said at `first_bad`.
    remark
        Empty, or a line on frames at the end that were left out because they do not decode.
    checksums
        (N,) int64: checksums of the images as they decode from the start; None where not all was decoded.
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
        """Frame number by name; of equal names the last."""
        return {int(name): number for number, name in enumerate(self.names)}

    @cached_property
    def key_names(self) -> frozenset[int]:
        """Names of the key frames."""
        return frozenset(self.names[self.keys].tolist())

    @cached_property
    def _key_packets(self) -> npt.NDArray[np.int64]:
        return self.packet[self.keys]

    @cached_property
    def _sound_from(self) -> npt.NDArray[np.int64]:
        """The first frame, for each key frame, that is as it should be when decoding starts there, as far as known."""
        return self.keys.copy()

    def entries(self, number: int) -> Iterator[int | None]:
        """Give key frames from which `number` can be decoded, the nearest first, then further back; at last None.

        None is the start of the file, from where everything decodes that decodes at all.
        """
        usable = self.keys[(self._sound_from <= number) & (self._key_packets <= self.packet[number])]
        for step in _STEPS_BACK:
            if step >= len(usable) or usable[-1 - step] == 0:
                break
            yield int(usable[-1 - step])
        yield None

    def enters(self, key: int | None, number: int) -> bool:
        """Whether `number` can be decoded from key frame `key`, or from the start, as far as is known."""
        return key is None or bool(self._sound_from[np.searchsorted(self.keys, key)] <= number)

    def refuse(self, first: int, stop: int, sound_from: int) -> None:
        """Note that decoding from the key frames in [first, stop) gives sound frames from `sound_from` on at best."""
        places = slice(*np.searchsorted(self.keys, [first, stop]))
        self._sound_from[places] = np.maximum(self._sound_from[places], sound_from)

    def refuse_all(self) -> None:
        """Note that this file can be decoded from its start only."""
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
    """Find the frames of a video: from its packets if they can be trusted, else by decoding all of it.

    Raises
    ------
    VideoError
        There are no frames, or reading stalls.
    """
    packets = read_packets(path, probe.stream_index)
    if probe.container == "avi" and _tables_disagree(path, probe, packets):
        packets = replace(packets, lost=True)
    index = _from_packets(packets) if _are_frames(packets, probe) else _from_decoding(path, probe, packets)
    # Frames dropped while recording have a place in an AVI file, but no packet.
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
    """Refuse an AVI file that has lost frames, nobody knows where, since all after them would have wrong numbers."""
    if index.first_bad < len(index) or index.remark or probe.is_short:
        return
    raise VideoError(
        f"{label(path.name)}: expected {probe.promised_frames} frames as its header says, found {len(index)} and no "
        "trace of the others, so that numbers may be wrong; repair it, or if the header is wrong, copy it with ffmpeg "
        "-c copy"
    )


def _tables_disagree(path: Path, probe: Probe, packets: Packets) -> bool:
    """Whether an AVI file lacks packets that its header or its table promises; a wrong table leads seeking astray."""
    if probe.promised_frames > len(packets.pts):
        return True
    without_table = read_packets(path, probe.stream_index, ("-fflags", "+ignidx"))
    return not np.array_equal(without_table.size_bytes, packets.size_bytes)


def _end_without_holes(index: FrameIndex, packets: Packets, promised_frames: int) -> int:
    """Return up to which frame a video is whole whose last frames may lack those that are shown before them."""
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
        # Frames decoded side by side mix up the order of the complaints, so that the damage seems to begin too early.
        frames, checksums, log = _decode_all(path, probe, 1, packets.lost)
    count = len(frames)
    complaint = log.complaints[0] if log.complaints else ""
    first_bad = next((number for number, frame in enumerate(frames) if not frame.clean), count)
    if complaint and first_bad == count:
        first_bad = count - 1  # said of a frame that never came, or of the last one
    if first_bad < 1:
        if count:
            reason = complaint or "its first image is incomplete"
            raise VideoError(f"{label(path.name)}: damaged near its beginning ({reason}); repair or re-encode the file")
        raise VideoError(f"{label(path.name)}: expected frames, found none that decode ({complaint or 'no data'})")
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
    """A log that does not mind a recording that begins between two key frames."""

    def _take(self, line: str) -> None:
        before_first = not self._decoded and not self._given
        super()._take(line)
        if before_first and self.complaints and _BEFORE_FIRST_KEY.search(self.complaints[-1]):
            self.complaints.pop()


def _decode_all(
    path: Path, probe: Probe, threads: int | None, lost: bool
) -> tuple[list[LoggedFrame], npt.NDArray[np.int64], Log]:
    """Return all frames that decode, the checksums (N,) of their RGB images, and the log."""
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
            f"{label(path.name)}: expected one count of frames from ffmpeg, found {found}; re-encode the file"
        )
    return frames, np.array(checksums, dtype=np.int64), log
