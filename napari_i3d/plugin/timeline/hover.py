"""Text beside the pointer."""

from dataclasses import dataclass

import numpy as np

from napari_i3d._utils.text import counted, format_time
from napari_i3d.plugin.timeline.geometry import LaneHit
from napari_i3d.plugin.timeline.lanes import LaneBout, LaneGroup, LaneKind, Ranges
from napari_i3d.plugin.timeline.painter import View, format_time_of

OUTDATED = "out of date: boxes were corrected since"


@dataclass(frozen=True)
class Hover:
    """What is said beside the pointer.

    Attributes
    ----------
    x, y
        Place of the pointer.
    frame
        Frame under it.
    lines
        Text; empty: only the place in the ruler is shown.
    """

    x: float
    y: float
    frame: int
    lines: tuple[str, ...] = ()


def describe(view: View, group: LaneGroup, hit: LaneHit) -> tuple[str, ...]:
    """Return what is said about a place in a lane: about its bout, else why there is none."""
    bout = hit.bout
    if bout is None:
        if not _inside(group.present, hit.frame):
            return group.name, "not tracked in this frame"
        if not _inside(group.assessed, hit.frame):
            return group.name, "not looked at yet"
        return ()
    predicted = group.lane(LaneKind.PREDICTIONS) if bout.kind is LaneKind.PREDICTIONS else None
    sure = "" if predicted is None else f" {bout.opacity:.2f}"
    title = f"{bout.behavior}{sure} · {group.name}"
    notes: list[str] = []
    if predicted is not None:
        notes.append(f"proposed by {predicted.source}" if predicted.source else "proposed")
        notes += [OUTDATED] if predicted.outdated else []
    return title, *_places(view, bout), *notes


def _places(view: View, bout: LaneBout) -> tuple[str, ...]:
    if bout.stop - bout.start == 1:
        return (f"frame {bout.start:,}  {format_time_of(view, bout.start)}".rstrip(),)
    frames = f"frames {bout.start:,} to {bout.stop - 1:,}  ({describe_length(view, bout.start, bout.stop)})"
    times = f"{format_time_of(view, bout.start)} to {format_time_of(view, bout.stop - 1)}"
    return (frames,) if view.times_s is None else (frames, times)


def read_out(view: View, group: LaneGroup | None, hit: LaneHit | None, frame: int) -> str:
    """Return frame, time, individual and behavior of a place in one line."""
    parts = [f"frame {frame:,}", format_time_of(view, frame)]
    if group is not None and hit is not None:
        parts += [group.name, hit.behavior or ""]
    return "  ·  ".join(filter(None, parts))


def describe_length(view: View, start: int, stop: int) -> str:
    """Return the number of frames ``[start, stop)``, and how long they last."""
    return counted(stop - start, "frame") + _length(view, start, stop)


def _length(view: View, start: int, stop: int) -> str:
    times_s = view.times_s
    if times_s is None or stop - 1 >= len(times_s):
        return ""
    # The last frame lasts as long as the one before it.
    end = times_s[stop] if stop < len(times_s) else 2 * times_s[stop - 1] - times_s[stop - 2]
    seconds = float(end - times_s[start])
    return f", {seconds:.2f} s" if seconds < 60 else f", {format_time(seconds)}"


def _inside(ranges: Ranges | None, frame: int) -> bool:
    if ranges is None:
        return True
    place = int(np.searchsorted(ranges[:, 0], frame, "right")) - 1
    return place >= 0 and frame < int(ranges[place, 1])
