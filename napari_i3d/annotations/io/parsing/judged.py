"""Frames that were looked at, of the frames in which each behavior was judged.

Some programs note for each behavior where it was judged, an annotation notes for each individual where all of them
were. Behaviors that were judged nowhere do not count: nobody looked for them.
"""

from collections.abc import Iterable, Mapping

from napari_i3d._utils.frame_ranges import Range, Ranges, common_ranges, count_frames, merge_ranges
from napari_i3d._utils.text import counted
from napari_i3d.annotations.bouts import Bout
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


def shared_behaviors(bouts: Iterable[Bout], names: Iterable[str]) -> list[Behavior]:
    """Return behaviors by name; those that some individual shows together with others are not exclusive."""
    shared: set[str] = set()
    running: dict[Id, dict[str, int]] = {}
    for bout in sorted(bouts, key=lambda bout: bout.start):
        stops = {name: stop for name, stop in running.get(bout.individual, {}).items() if stop > bout.start}
        stops[bout.behavior] = max(stops.get(bout.behavior, 0), bout.stop)
        running[bout.individual] = stops
        if len(stops) > 1:
            shared.update(stops)
    return [Behavior(name, exclusive=name not in shared) for name in names]
