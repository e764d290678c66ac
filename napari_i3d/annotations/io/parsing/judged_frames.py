"""Frames that were looked at, of the frames in which each behavior was judged.

Some programs note for each behavior where it was judged, an annotation notes for each individual where all of them
were. Behaviors that were judged nowhere do not count: nobody looked for them.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from napari_i3d._utils.frame_ranges import Range, Ranges, common_ranges, count_frames, merge_ranges
from napari_i3d._utils.text import counted
from napari_i3d.annotations.ethogram import Behavior
from napari_i3d.individuals import Id, format_id


def looked_at(judged: Mapping[str, Iterable[Range]]) -> Ranges:
    """Return the frames in which every behavior was judged."""
    found = [merge_ranges(ranges) for ranges in judged.values()]
    found = [ranges for ranges in found if ranges]
    common: Ranges = found[0] if found else ()
    for ranges in found[1:]:
        common = common_ranges(common, ranges)
    return common


def count_partly(judged: Mapping[str, Iterable[Range]], shown: Iterable[Range]) -> int:
    """Return the number of frames in which only some behaviors were judged, and none was shown."""
    some = merge_ranges(part for ranges in judged.values() for part in ranges)
    known = merge_ranges([*looked_at(judged), *shown])
    return count_frames(some) - count_frames(common_ranges(some, known))


def partly_notes(individual: Id, n_frames: int) -> list[str]:
    """Return the note about frames in which only some behaviors were judged: none if there are none."""
    if not n_frames:
        return []
    return [
        f"{format_id(individual)}: {counted(n_frames, 'frame')} without a bout, judged for some of the behaviors only, "
        "do not count as assessed"
    ]


Span = tuple[int, int, str]
"""Start and stop of a bout, and its behavior."""


def shared_behaviors(spans: Mapping[Id, Iterable[Span]], names: Iterable[str]) -> list[Behavior]:
    """Return behaviors by name; those that some individual shows together with others are not exclusive."""
    shared = {name for own in spans.values() for name in _overlapping(sorted(own))}
    return [Behavior(name, exclusive=name not in shared) for name in names]


def _overlapping(spans: Sequence[Span]) -> Iterator[str]:
    """Yield the behaviors of spans, ordered by start, that overlap one of another behavior."""
    # The latest stop so far with its behavior, and the latest of other behaviors than that.
    latest: float = -math.inf
    of_latest, of_others = "", -math.inf
    for start, stop, name in spans:
        if start < (of_others if name == of_latest else latest):
            yield name
        if name == of_latest or stop > latest:
            of_others = of_others if name == of_latest else latest
            latest, of_latest = max(latest, stop), name
        else:
            of_others = max(of_others, stop)
    # Backwards, the next start with its behavior, and the next of other behaviors than that.
    following: float = math.inf
    of_following, of_others = "", math.inf
    for start, stop, name in reversed(spans):
        if stop > (of_others if name == of_following else following):
            yield name
        of_others = of_others if name == of_following else following
        following, of_following = start, name
