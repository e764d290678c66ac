"""Index a video's frames in presentation order, without decoding if possible.

If the codec has one frame per packet and each packet has its own time, the container's packets, sorted by presentation
time, are the frames. If either is in doubt, the video is decoded once instead, and frames without a unique time are
identified by the checksum of their pixels. Either way each frame has a name, by which a decoder that starts anywhere
can verify the frames it reads.
"""

import re
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_i3d._utils.text import format_path
from napari_i3d.errors import VideoError
from napari_i3d.video.ffmpeg.demuxer_log import REORDERED_FRAMES, DemuxerComplaints, read_demuxer_complaints
from napari_i3d.video.ffmpeg.log import Log, LoggedFrame
from napari_i3d.video.ffmpeg.packets import Packets, read_packets
from napari_i3d.video.ffmpeg.probe import Probe
from napari_i3d.video.ffmpeg.process import Process, input_arguments, output_arguments, stalled
from napari_i3d.video.frame_index import FrameIndex

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
# Decoder messages about frames whose key frame precedes the start of a recording.
_BEFORE_FIRST_KEY = re.compile(
    r"non-existing [SP]PS|decode_slice_header error|no frame!|Could not find ref|Error submitting packet|"
    r"Error splitting|missing image in access unit|co located POCs|reference image missing|[SP]PS id out of range"
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
    elif index.first_bad < len(index):
        text = f"frames from {index.first_bad} on are damaged or have no sure number ({index.complaint})"
        index = replace(index, remark=text)
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
        "no trace of the others, so that numbers may be wrong",
        hint="repair it, or if the header is wrong, copy it with ffmpeg -c copy",
    )


def _tables_disagree(path: Path, probe: Probe, packets: Packets) -> bool:
    """Return whether an AVI file has other packets than its header or its table states, on which seeking relies."""
    if probe.promised_frames > len(packets.pts):
        return True
    without_table = read_packets(path, probe.stream_index, ("-fflags", "+ignidx"))
    return not np.array_equal(without_table.size_bytes, packets.size_bytes)


def _end_without_holes(index: FrameIndex, packets: Packets, promised_frames: int) -> int:
    """Return the number of frames before the first hole among the last, reordered frames of a truncated video."""
    count = len(index)
    if not packets.all_timed:
        return max(count - REORDERED_FRAMES, 1) if promised_frames > count else count
    steps_s = np.diff(index.times_s[-64:])
    if not len(steps_s):
        return count
    holes = np.flatnonzero(steps_s > 1.5 * np.median(steps_s)) + 1 + count - len(steps_s) - 1
    late = holes[holes >= count - REORDERED_FRAMES]
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
    frames, checksums, log = _decode_all(path, probe, None)
    count = len(frames)
    first_bad, complaint = next((number for number, frame in enumerate(frames) if not frame.clean), count), ""
    if log.complaints:
        # Several threads mix up the order of the messages, so that damage seems to begin too early.
        frames, checksums, log = _decode_all(path, probe, 1)
        count = len(frames)
        first_bad, complaint = _first_bad(frames, log, read_demuxer_complaints(path, probe.stream_index), packets)
    if packets.lost and not complaint:
        # Packets were lost while ffmpeg opened the file, about which it says nothing later: a hole shows where.
        hole = _first_hole(frames)
        first_bad, complaint = min(first_bad, hole), "frames are missing" if hole < count else ""
    if complaint and first_bad == count:
        first_bad = count - 1  # about a missing frame, or the last one
    if first_bad < 1:
        if count:
            reason = complaint or "its first frame is incomplete"
            raise VideoError(
                f"{format_path(path.name)}: damaged near its beginning ({reason})", hint="repair or re-encode the file"
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
    # If packets are missing, more than these frames may be: they are not left out but damaged.
    if count - _LAST_FRAMES <= first_bad < count and not packets.lost:
        return index.cut(first_bad, f"frames from {first_bad} on do not decode ({complaint}) and are left out")
    return index


def _first_hole(frames: list[LoggedFrame]) -> int:
    """Return the number of the frame after the first hole in the times of frames, or how many there are."""
    steps = np.diff([frame.pts for frame in frames if frame.pts is not None])
    holes = np.flatnonzero(steps > 1.5 * np.median(steps)) if len(steps) else steps
    return int(holes[0]) + 1 if len(holes) else len(frames)


def _first_bad(frames: list[LoggedFrame], log: Log, demuxer: DemuxerComplaints, packets: Packets) -> tuple[int, str]:
    """Return the number of the first frame that may be bad, or how many there are, and the message about it, or none.

    The decoder's messages count for the frames that it finished later; the demuxer's, by their packets. Errors of a
    recording that starts between two key frames are ignored.
    """

    def counts(text: str, is_before_first: bool) -> bool:
        return packets.lost or not (is_before_first and _BEFORE_FIRST_KEY.search(text))

    first_key = int(np.argmax(packets.is_key)) if len(packets.is_key) else 0
    begun = min((frame.complaints_before for frame in frames), default=0)
    of_demuxer = demuxer.complaints_in(log)
    of_decoder = [place for place in range(len(log.complaints)) if place not in of_demuxer]
    of_decoder = [place for place in of_decoder if counts(log.complaints[place], place < begun)]
    times = [frame.pts for frame in frames]
    doubts = [
        (demuxer.first_number(place, times), text)
        for text, place in zip(demuxer.texts, demuxer.places, strict=True)
        if counts(text, place <= first_key)
    ]
    first = of_decoder[0] if of_decoder else sys.maxsize - 1
    number = next((number for number, frame in enumerate(frames) if frame.complaints_before > first), len(frames))
    doubts.append((number, log.complaints[first] if of_decoder else ""))
    number = min(number for number, _ in doubts)
    return number, next((text for doubted, text in doubts if text and doubted == number), "")


def _decode_all(path: Path, probe: Probe, threads: int | None) -> tuple[list[LoggedFrame], npt.NDArray[np.int64], Log]:
    """Return all frames that decode, their checksums (N,) as RGB, and the log."""
    log = Log()
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
            f"{format_path(path.name)}: expected one count of frames from ffmpeg, found {found}",
            hint="re-encode the file",
        )
    return frames, np.array(checksums, dtype=np.int64), log
