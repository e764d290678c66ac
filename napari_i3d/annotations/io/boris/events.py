"""Events of BORIS, of whatever file: pairs of START and STOP become bouts.

Times are those of the frame on display, in seconds with three decimals; newer versions also write the number of that
frame, from 0. STOP is the frame at which the observer pressed the key again: whether this frame still belongs to the
behavior is up to the reader. Most programs exclude it, and so does this one unless `inclusive` is chosen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.text import counted, printable
from napari_i3d.annotations.io.format import AnnotatedVideo
from napari_i3d.annotations.io.parsing.bout_collector import BoutCollector
from napari_i3d.errors import AnnotationError

START, STOP, POINT = "START", "STOP", "POINT"
NOBODY = "No focal subject"
_UNSET = ("", "None", "NA")


@dataclass(frozen=True)
class Event:
    """One event.

    Attributes
    ----------
    place
        Where it is in the file, for messages.
    time_s
        Seconds from the beginning of the video; None: not stated.
    index
        Number of the frame, from 0; None: not stated.
    subject, behavior
        Names; no subject is empty.
    kind
        START, STOP or POINT; empty: START and STOP alternate.
    modifiers
        The same for START and STOP.
    comment
        A remark.
    target
        The individual that the behavior is directed at; empty: none.
    """

    place: str
    time_s: float | None
    index: int | None
    subject: str
    behavior: str
    kind: str = ""
    modifiers: tuple[str, ...] = ()
    comment: str = ""
    target: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What START and STOP of a bout have in common."""
        return self.subject, self.behavior, self.target, *self.modifiers


def add_events(events: list[Event], collector: BoutCollector, video: AnnotatedVideo, fps: float | None) -> None:
    """Add the bouts of events in the order of the file; `fps` is the rate that the file states.

    Raises
    ------
    AnnotationError
        A time cannot be turned into a frame.
    """
    frames = frames_of(events, collector, video, fps)
    running: dict[tuple[str, ...], tuple[Event, int]] = {}
    for event, frame in zip(events, frames.tolist(), strict=True):
        before = running.pop(event.key, None)
        kind = event.kind or (START if before is None else STOP)
        if kind == POINT:
            add_bout(collector, event, event, frame, frame + 1, point=True)
            if before is not None:
                running[event.key] = before
        elif kind == START:
            if before is not None:
                collector.drop(before[0].place, "START without STOP")
            running[event.key] = event, frame
        elif before is None:
            collector.drop(event.place, "STOP without START")
        else:
            add_bout(collector, before[0], event, before[1], frame + bool(collector.request.inclusive))
    for event, _ in running.values():
        collector.drop(event.place, "START without STOP")


def add_bout(
    collector: BoutCollector, first: Event, last: Event, start: int, stop: int, *, point: bool = False
) -> None:
    """Add the bout from one event to another."""
    modifiers = [text for text in first.modifiers if text not in _UNSET]
    remarks = [f"modifiers: {', '.join(modifiers)}" if modifiers else "", first.comment, last.comment]
    note = "; ".join(dict.fromkeys(filter(None, remarks)))
    target = {"target": first.target} if first.target else {}
    collector.add(first.place, first.subject or None, first.behavior, start, stop, point=point, note=note, **target)


def frames_of(
    events: list[Event], collector: BoutCollector, video: AnnotatedVideo, fps: float | None
) -> NDArray[np.int64]:
    """Return the frame of each event, shape (n,): the stated number, else the frame nearest to the time.

    The player numbers frames as if their rate were even. If it is not, and the times of the frames are known, the time
    of an event counts.
    """
    for event in events:
        if event.index is None and event.time_s is None:
            raise AnnotationError(f"{event.place}: expected a time or the number of a frame, found neither")
    timed = np.array([event.time_s is not None for event in events], bool)
    indexed = np.array([event.index is not None for event in events], bool)
    frames = np.array([event.index or 0 for event in events], np.int64)
    if indexed.all() and video.times_s is None and not (video.fps or fps):
        return frames
    clock = video.clock(fps)
    nearest = np.zeros(len(events), np.int64)
    times = [event.time_s for event in events if event.time_s is not None]
    if min(times, default=0) < 0:
        early = next(event for event in events if event.time_s is not None and event.time_s < 0)
        raise AnnotationError(f"{early.place}: expected times from 0 seconds, found {early.time_s:g}")
    nearest[timed] = clock.nearest(times)
    apart = int((np.abs(nearest - frames)[timed & indexed] > 1).sum())
    by_time = timed & (~indexed | (not clock.is_even))
    if by_time.any():
        collector.say_rate(video, clock)
    if not clock.is_even and (timed & indexed).any():
        collector.notes.append("the frame rate of the video varies: frames are those of the times, not of Image index")
    elif apart:
        collector.notes.append(
            f"{counted(apart, 'event')} whose time is more than a frame from its Image index: the index was taken"
        )
    return np.where(by_time, nearest, frames)


def conventions(collector: BoutCollector) -> None:
    """Say what STOP was taken for."""
    part = "belongs" if collector.request.inclusive else "does not belong"
    collector.notes.append(f"the frame of STOP {part} to the bout")


def single_media(names: Iterable[str], where: str) -> str:
    """Return the file name of the only video.

    Raises
    ------
    AnnotationError
        There are several, one after another, so that times do not tell the frame.
    """
    found = list(dict.fromkeys(file_name(name) for name in names if name))
    if len(found) > 1:
        listed = ", ".join(printable(name, 60) for name in found[:5])
        raise AnnotationError(
            f"{where}: expected one video, found {len(found)}, one after another ({listed})",
            hint="make an observation for each video",
        )
    return found[0] if found else ""


def file_name(path: str) -> str:
    """Return the last part of a path of any system."""
    return PureWindowsPath(path).name if "\\" in path else PurePosixPath(path).name
