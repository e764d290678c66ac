"""Half-open ranges of frames: sorted, apart from each other."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

Range = tuple[int, int]
Ranges = tuple[Range, ...]
"""Ascending ranges that neither overlap nor touch."""


def merge_ranges(ranges: Iterable[Range]) -> Ranges:
    """Return ranges in order, with those that overlap or touch merged."""
    merged: list[Range] = []
    for start, stop in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return tuple(merged)


def remove_range(ranges: Ranges, start: int, stop: int) -> Ranges:
    """Return merged ranges without the frames of another."""
    first, last = _touching(ranges, start, stop)
    kept = [
        piece
        for low, high in ranges[first:last]
        for piece in ((low, min(high, start)), (max(low, stop), high))
        if piece[0] < piece[1]
    ]
    return (*ranges[:first], *kept, *ranges[last:])


def clip_ranges(ranges: Ranges, start: int, stop: int) -> Ranges:
    """Return the parts of merged ranges that are in another."""
    first, last = _touching(ranges, start, stop)
    clipped = ((max(low, start), min(high, stop)) for low, high in ranges[first:last])
    return tuple((low, high) for low, high in clipped if low < high)


def common_ranges(one: Ranges, other: Ranges) -> Ranges:
    """Return the frames that both merged ranges have."""
    return tuple(piece for low, high in one for piece in clip_ranges(other, low, high))


def contains(ranges: Ranges, frame: int) -> bool:
    """Return whether a frame is in merged ranges."""
    return covers(ranges, frame, frame + 1)


def covers(ranges: Ranges, start: int, stop: int) -> bool:
    """Return whether all frames of a range are in merged ranges."""
    at = bisect_right(ranges, start, key=_low) - 1
    return at >= 0 and stop <= ranges[at][1]


def count_frames(ranges: Iterable[Range]) -> int:
    """Return the number of frames of ranges that do not overlap."""
    return sum(stop - start for start, stop in ranges)


def in_frames(start: int, stop: int | None) -> str:
    """Format a half-open range: ``in frames 812 to 1499``, ``in frame 5``, ``from frame 5 on``."""
    if stop is None:
        return f"from frame {start} on" if start else "in all frames"
    return f"in frame {start}" if stop - start == 1 else f"in frames {start} to {stop - 1}"


def _touching(ranges: Sequence[Range], start: int, stop: int) -> Range:
    return bisect_left(ranges, start, key=_high), bisect_right(ranges, stop, key=_low)


def _low(frames: Range) -> int:
    return frames[0]


def _high(frames: Range) -> int:
    return frames[1]
