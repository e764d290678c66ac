"""Possible fixes for a problem of a tracking."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d.individuals import Id
from napari_i3d.tracking.checks import Problem, ProblemKind, check_tracking
from napari_i3d.tracking.editing.box_edits import Clip, DeleteBoxes, Interpolate, Turn
from napari_i3d.tracking.editing.box_places import center_of, distance_of, last_center_of, length_of, rows_of
from napari_i3d.tracking.editing.box_store import BoxStore
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.editing.identity_edits import Delete, Merge, Split, Swap
from napari_i3d.tracking.editing.tracking_edit import TrackingEdit
from napari_i3d.tracking.tracklets import Tracking, Tracklet

_NEAREST = 2
_LONGEST_EXCURSION = 25
"""In frames; what is away for longer is hardly a mistake of single boxes."""


IN_PLACE = frozenset({"clip", "interpolate", "turn"})
"""Fixes that leave individuals and frames as they are."""


@dataclass(frozen=True)
class Fix:
    """A fix for a problem, applied in one step.

    Attributes
    ----------
    name
        ``interpolate``, ``split``, ``swap``, ``clip``, ``turn``, ``delete`` or ``merge``.
    words
        What it does, as an instruction.
    edit
        The correction.
    """

    name: str
    words: str
    edit: TrackingEdit

    def apply(self, editor: TrackingEditor) -> None:
        """Apply the fix as one step.

        Raises
        ------
        TrackingError
            The tracking has changed since the fix was suggested.
        """
        editor.do(self.edit)


def fix_all(problems: Iterable[Problem], name: str, editor: TrackingEditor, shape: Sequence[int] | None = None) -> int:
    """Apply the fix of one name to several problems in one step; return how many were fixed.

    Parameters
    ----------
    problems
        From `check_tracking`, of the present tracking.
    name
        One of `IN_PLACE`: the others change ids, on which further fixes depend.
    editor
        Corrects the tracking.
    shape
        As passed to `check_tracking`.

    Raises
    ------
    ValueError
        There is no such fix, or it changes ids.
    """
    if name not in IN_PLACE:
        raise ValueError(f"expected one of {', '.join(sorted(IN_PLACE))}, found {name}")
    tracking = editor.tracking
    found = [fix for problem in problems for fix in fixes_for(problem, tracking, shape) if fix.name == name]
    with editor.group():
        for fix in found:
            fix.apply(editor)
    return len(found)


def fixes_for(problem: Problem, tracking: Tracking, video_shape: Sequence[int] | None = None) -> tuple[Fix, ...]:
    """Return fixes for a problem, the most likely first; there may be none.

    Parameters
    ----------
    problem
        From `check_tracking`.
    tracking
        The tracking in which it was found.
    video_shape
        As passed to `check_tracking`.
    """
    tracklet = tracking.get(problem.id)
    if tracklet is None or not tracklet.start <= problem.frame < problem.stop <= tracklet.stop:
        return ()
    store = BoxStore(tracking)
    edits = [edit.plan(store)[0] for edit in _EDITS[problem.kind](problem, tracking, video_shape)]
    return tuple(Fix(_NAMES[type(edit)], edit.words, edit) for edit in dict.fromkeys(edits))


def _fix_gap(problem: Problem, tracking: Tracking, _: Sequence[int] | None) -> Iterator[TrackingEdit]:
    yield from _interpolate(tracking[problem.id], problem.frame, problem.stop)
    yield Split(problem.id, problem.stop)


def _fix_bad_box(problem: Problem, tracking: Tracking, _: Sequence[int] | None) -> Iterator[TrackingEdit]:
    yield from _interpolate(tracking[problem.id], problem.frame, problem.stop)
    yield DeleteBoxes(problem.id, problem.frame, problem.stop)


def _fix_inverted(problem: Problem, tracking: Tracking, shape: Sequence[int] | None) -> Iterator[TrackingEdit]:
    yield Turn(problem.id, problem.frame, problem.stop)
    yield from _fix_bad_box(problem, tracking, shape)


def _fix_outside(problem: Problem, tracking: Tracking, shape: Sequence[int] | None) -> Iterator[TrackingEdit]:
    tracklet = tracking[problem.id]
    if shape is not None:
        size = (int(shape[2]), int(shape[1]))
        pixels = np.clip(np.trunc(rows_of(tracklet, problem.frame, problem.stop)), 0, np.array(size * 2))
        if (pixels[:, 2:] > pixels[:, :2]).all():
            yield Clip(problem.id, problem.frame, problem.stop, size)
    yield from _fix_bad_box(problem, tracking, shape)


def _fix_beyond_video(problem: Problem, tracking: Tracking, _: Sequence[int] | None) -> Iterator[TrackingEdit]:
    tracklet = tracking[problem.id]
    if tracklet.present[problem.frame - tracklet.start :].any():
        yield DeleteBoxes(problem.id, problem.frame, problem.stop)


def _fix_change(problem: Problem, tracking: Tracking, _: Sequence[int] | None) -> Iterator[TrackingEdit]:
    # The box moves to where another one is, or away and back, or for good.
    other = _whose_box_is_there(problem, tracking)
    if other is not None:
        back = _way_back(problem, tracking, other)
        if back is not None:
            yield Swap(problem.id, other, problem.frame, back)
        yield Swap(problem.id, other, problem.frame)
    if problem.stop - problem.frame > 1:
        # In the last frame of the problem, the box is back.
        yield from _interpolate(tracking[problem.id], problem.frame, problem.stop - 1)
    elif (back := _end_of_excursion(problem, tracking[problem.id])) is not None:
        yield from _interpolate(tracking[problem.id], problem.frame, back)
    # Another size is hardly another animal.
    if problem.kind is ProblemKind.JUMP and tracking[problem.id].start < problem.frame:
        yield Split(problem.id, problem.frame)


def _fix_short(problem: Problem, tracking: Tracking, _: Sequence[int] | None) -> Iterator[TrackingEdit]:
    yield Delete(problem.id)
    short = tracking[problem.id]
    distances: list[tuple[float, Id]] = []
    for individual, tracklet in tracking.items():
        if individual != problem.id and (distance := distance_of(short, tracklet)) is not None:
            distances.append((distance, individual))
    yield from (Merge(pair[1], problem.id) for pair in sorted(distances, key=lambda pair: pair[0])[:_NEAREST])


def _fix_meeting(problem: Problem, tracking: Tracking, _: Sequence[int] | None) -> Iterator[TrackingEdit]:
    """Swap with those that are nearest after individuals met and may have been mistaken for each other."""
    here = center_of(tracking[problem.id], problem.stop)
    near: list[tuple[float, Id]] = []
    for individual, tracklet in tracking.items():
        there = None if individual == problem.id else center_of(tracklet, problem.stop)
        if here is not None and there is not None:
            near.append((length_of(there - here), individual))
    yield from (Swap(problem.id, one, problem.stop) for _, one in sorted(near, key=lambda pair: pair[0])[:_NEAREST])


def _interpolate(tracklet: Tracklet, start: int, stop: int) -> Iterator[TrackingEdit]:
    """Replace the boxes of a range by interpolation between its neighbors, if both are finite."""
    if tracklet.start < start and stop < tracklet.stop:
        ends = rows_of(tracklet, start - 1, stop + 1)[[0, -1]]
        if np.isfinite(ends).all():
            yield Interpolate(tracklet.id, start - 1, stop + 1)


def _whose_box_is_there(problem: Problem, tracking: Tracking) -> Id | None:
    """Return the individual whose box is nearest to where the one with the problem was before.

    It must be nearer than the individual's own box, and the individual's own box nearer to where the other one was,
    than the other's own: a swap makes both move less.
    """
    tracklet, frame = tracking[problem.id], problem.frame
    before = last_center_of(tracklet, frame)
    own = center_of(tracklet, frame)
    if before is None or own is None:
        return None
    found: list[tuple[float, Id]] = []
    for individual, other in tracking.items():
        there = None if individual == problem.id else center_of(other, frame)
        if there is None:
            continue
        distance = length_of(there - before)
        other_before = last_center_of(other, frame)
        moves_less = other_before is None or length_of(own - other_before) < length_of(there - other_before)
        if distance < length_of(own - before) and moves_less:
            found.append((distance, individual))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _way_back(problem: Problem, tracking: Tracking, other: Id) -> int | None:
    """Return the frame from which on a swapped individual has its own boxes again; None if it never has."""
    tracklet, partner = tracking[problem.id], tracking[other]
    frames = [problem.stop - 1] if problem.stop - problem.frame > 1 else _later(problem, tracklet)
    for frame in frames:
        own, swapped = last_center_of(tracklet, frame), last_center_of(partner, frame)
        if own is None or swapped is None or not _goes(tracklet, frame, own, swapped):
            continue
        # The other one must come back as well: one alone may have been swapped with a third.
        if center_of(partner, frame) is None or _goes(partner, frame, swapped, own):
            return frame
    return None


def _goes(tracklet: Tracklet, frame: int, here: NDArray[np.float64], there: NDArray[np.float64]) -> bool:
    """Return whether the box of a frame is nearer to a place than to the present one."""
    now = center_of(tracklet, frame)
    return now is not None and length_of(now - there) < length_of(now - here)


def _later(problem: Problem, tracklet: Tracklet) -> list[int]:
    """Return the later frames in which the same kind of problem begins."""
    found = check_tracking(Tracking([tracklet]))
    return [one.frame for one in found if one.kind is problem.kind and one.frame > problem.frame]


def _end_of_excursion(problem: Problem, tracklet: Tracklet) -> int | None:
    """Return the frame in which a box is back where it was before a change; None if it is not, soon."""
    for frame in _later(problem, tracklet):
        if frame - problem.frame > _LONGEST_EXCURSION or not tracklet.start < problem.frame:
            break
        before, away = (rows_of(tracklet, one - 1, one)[0] for one in (problem.frame, frame))
        now = rows_of(tracklet, frame, frame + 1)[0]
        # All sides count: the size may have changed, rather than the place.
        if float(np.abs(now - before).sum()) < float(np.abs(now - away).sum()):
            return frame
    return None


_NAMES: dict[type[TrackingEdit], str] = {
    Clip: "clip",
    Delete: "delete",
    DeleteBoxes: "delete",
    Interpolate: "interpolate",
    Merge: "merge",
    Split: "split",
    Swap: "swap",
    Turn: "turn",
}

_EDITS: dict[ProblemKind, Callable[[Problem, Tracking, Sequence[int] | None], Iterator[TrackingEdit]]] = {
    ProblemKind.GAP: _fix_gap,
    ProblemKind.NOT_A_NUMBER: _fix_bad_box,
    ProblemKind.INVERTED: _fix_inverted,
    ProblemKind.EMPTY: _fix_bad_box,
    ProblemKind.OUTSIDE: _fix_outside,
    ProblemKind.BEYOND_VIDEO: _fix_beyond_video,
    ProblemKind.JUMP: _fix_change,
    ProblemKind.SIZE_CHANGE: _fix_change,
    ProblemKind.SHORT: _fix_short,
    ProblemKind.CROSSING: _fix_meeting,
    ProblemKind.UNSEEN: _fix_meeting,
}
