"""The frames of a video in presentation order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from napari_i3d.video.ffmpeg.packets import Packets

_STEPS_BACK = (0, 1, 4, 16, 64, 256)


@dataclass(frozen=True)
class FrameIndex:
    """The N frames of a video in presentation order."""

    names: npt.NDArray[np.int64]  # (N,) presentation time in ticks, or checksum of the pixels
    by_time: bool  # whether names are presentation times
    times_s: npt.NDArray[np.float64]  # (N,) presentation times in seconds
    packet: npt.NDArray[np.int64]  # (N,) position of the frame's packet in `packets`, or 0 to N - 1
    keys: npt.NDArray[np.int64]  # ascending numbers of the key frames, where decoding can start
    time_base: Fraction  # seconds per tick
    packets: Packets | None  # in decoding order; None if all frames were decoded for the index
    first_bad: int  # first frame that cannot be trusted, or N; known only if all were decoded
    complaint: str = ""  # ffmpeg's message at `first_bad`
    remark: str = ""  # one line about frames that do not decode, or ""
    checksums: npt.NDArray[np.int64] | None = None  # (N,) of the frames decoded from the start, if all were

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def number_of(self) -> Mapping[int, int]:
        """Frame number by name; the last of equal names."""
        if self.by_time:
            return _NumberByTime(self.names)
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
        """Return whether, as far as known, `number` can be decoded from key frame `key` (None: the start)."""
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


class _NumberByTime(Mapping[int, int]):
    """Frame number by presentation time; a dictionary of a day of frames would take 0.3 GB."""

    def __init__(self, times: npt.NDArray[np.int64]) -> None:
        self._times = times  # ascending

    def __getitem__(self, time: int) -> int:
        number = int(np.searchsorted(self._times, time))
        if number < len(self) and self._times[number] == time:
            return number
        raise KeyError(time)

    def __iter__(self) -> Iterator[int]:
        return iter(self._times.tolist())

    def __len__(self) -> int:
        return len(self._times)
