"""Find the packets that ffmpeg's demuxer complains about.

The demuxer runs ahead of the decoder, in a thread of its own, and more so on a busy machine: where its messages stand
among the decoded frames in a log is chance. So the file is read once more without decoding it. There, each message
precedes the packet it is about, and by the same messages in the same order the demuxer is told from the decoder in
other logs.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_i3d.video.ffmpeg.log import Log, ticks
from napari_i3d.video.ffmpeg.process import Process, input_arguments, map_arguments, stalled

_PACKET = re.compile(r"demuxer\+ffmpeg -> .*?\bpkt_pts:(-?\d+|NOPTS) ")
_ADDRESS = re.compile(r" @ 0x[0-9a-f]+")

REORDERED_FRAMES = 16
"""Largest distance, in frames, between decoding and presentation order in any codec."""


@dataclass(frozen=True)
class DemuxerComplaints:
    """The P packets of a stream as the demuxer gives them, and its messages, each with the packet that it precedes."""

    pts: list[int | None]  # (P,) presentation times
    texts: list[str]  # (M,) messages
    places: list[int]  # (M,) numbers of packets before each message
    contexts: list[str]  # (M,) components that logged the messages

    def complaints_in(self, log: Log) -> set[int]:
        """Return which messages of a decoder's log are the demuxer's: those of a component with exactly the same."""
        ours = list(_by_context(self.contexts, self.texts).items())
        found: set[int] = set()
        for context, places in _places_by_context(log.contexts).items():
            said = (_ADDRESS.sub("", context), [log.complaints[place] for place in places])
            # If the decoder says the same, it does so later, since the demuxer reads a packet first.
            match = next((one for one in ours if (_ADDRESS.sub("", one[0]), one[1]) == said), None)
            if match is not None:
                ours.remove(match)
                found.update(places)
        return found

    def first_time(self, place: int) -> int | None:
        """Return the time of the first frame that a message before packet `place` may be about; None: unknown.

        A lost packet may precede, in presentation order, packets that are decoded before it: by no more than others do.
        """
        if None in self.pts or not self.pts:
            return None
        pts = np.array(self.pts, np.int64)
        latest = np.maximum.accumulate(pts)
        before = [int(latest[place - 1] - (latest - pts).max())] if place else []
        return min([*before, *map(int, pts[place:])])

    def first_number(self, place: int, times: list[int | None]) -> int:
        """Return the number of the first frame that a message may be about, given the times of all that decode."""
        limit = self.first_time(place)
        if limit is None or None in times:
            return min(max(place - REORDERED_FRAMES, 0), len(times))
        return next((number for number, time in enumerate(times) if time is not None and time >= limit), len(times))


class _DemuxerLog(Log):
    def __init__(self) -> None:
        super().__init__()
        self.pts: list[int | None] = []
        self.places: list[int] = []

    def _take(self, line: str) -> None:
        if match := _PACKET.search(line):
            self.pts.append(ticks(match[1]))
            return
        super()._take(line)
        self.places += [len(self.pts)] * (len(self.complaints) - len(self.places))


def read_demuxer_complaints(path: Path, stream_index: int) -> DemuxerComplaints:
    """Read a stream without decoding it; return the demuxer's messages.

    Raises
    ------
    VideoError
        ffmpeg stalls.
    """
    log = _DemuxerLog()
    output = [*map_arguments(stream_index), "-copyinkf", "-c", "copy", "-f", "null", "-"]
    process = Process(["-debug_ts", "-copyts", *input_arguments(path), *output], log)
    try:
        log.wait_to_end()
    except TimeoutError as error:
        raise stalled(path) from error
    finally:
        process.close()
    return DemuxerComplaints(log.pts, log.complaints, log.places, log.contexts)


def _places_by_context(contexts: list[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, context in enumerate(contexts):
        places[context].append(place)
    return places


def _by_context(contexts: list[str], texts: list[str]) -> dict[str, list[str]]:
    return {context: [texts[place] for place in places] for context, places in _places_by_context(contexts).items()}
