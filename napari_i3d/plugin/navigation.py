"""Navigation: to an individual, the ends of its tracklet, the next problem."""

import numpy as np
from numpy.typing import NDArray

from napari_i3d.individuals import Id
from napari_i3d.plugin.session.problems import in_order
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.checks import Problem

_SMALLEST, _LARGEST, _GOOD = 0.1, 0.8, 0.3
"""Share of the canvas that a box may span without a change of zoom, and the share after one."""


def go_to(session: Session, tracked: TrackedVideo, individual: Id, frame: int, *, center: bool = True) -> None:
    """Show an individual in a frame, and make it the current one.

    Parameters
    ----------
    session
        The viewer's session.
    tracked
        The video.
    individual
        An individual of its tracking.
    frame
        Video frame; the nearest one if it is out of range.
    center
        Center the box, and follow it from now on (see `follow`); otherwise the camera moves only if the box is not
        wholly in view, or if an individual is being followed.
    """
    session.active = tracked
    tracked.current = individual
    session.go_to(frame)
    display = session.boxes.display(tracked)
    box = display.box(individual, frame) if display else None
    session.following |= center
    if box is not None:
        _look_at(session, box, center=session.following)


def follow(session: Session) -> None:
    """Center the current individual if following is on."""
    tracked = session.active
    display = session.boxes.display(tracked) if tracked is not None else None
    if not session.following or tracked is None or tracked.current is None or display is None:
        return
    box = display.box(tracked.current, session.frame)
    if box is not None and np.isfinite(box).all():
        left, upper, right, lower = box.tolist()
        camera = session.viewer.scene.camera
        camera.center = (*camera.center[:-2], (upper + lower) / 2, (left + right) / 2)


def show_whole(session: Session) -> None:
    """Show the whole image, and stop following the individual."""
    session.following = False
    session.arrangement.show_whole()


def step_individual(session: Session, step: int) -> None:
    """Go to the next (1) or previous (-1) shown individual, and to the nearest frame of its tracklet."""
    tracked = session.active
    if tracked is None or tracked.tracking is None:
        return
    shown = [individual for individual in tracked.tracking if individual in tracked.shown]
    if not shown:
        return
    if tracked.current in shown:
        individual = shown[(shown.index(tracked.current) + step) % len(shown)]
    else:
        individual = shown[0 if step > 0 else -1]
    tracklet = tracked.tracking[individual]
    frame = min(max(session.frame, tracklet.start), tracklet.stop - 1)
    go_to(session, tracked, individual, frame, center=False)


def step_problem(session: Session, step: int) -> None:
    """Go to the next (1) or previous (-1) problem that is left, in time; after the last comes the first."""
    tracked = session.active
    ordered = in_order(tracked.problems_left) if tracked is not None else []
    if tracked is None or not ordered:
        return
    if tracked.problem in ordered:
        place = ordered.index(tracked.problem) + step
    else:
        later = sum(problem.frame < session.frame for problem in ordered)
        place = later if step > 0 else later - 1
    go_to_problem(session, tracked, ordered[place % len(ordered)])


def go_to_problem(session: Session, tracked: TrackedVideo, problem: Problem) -> None:
    """Show a problem: its frame and its individual, in the middle of the canvas."""
    go_to(session, tracked, problem.id, problem.frame)
    tracked.problem = problem
    session.viewer.status = f"{problem.message} (H: whole image)"


def go_to_end(session: Session, *, last: bool) -> None:
    """Show the first or the last frame of the current individual."""
    tracked = session.active
    if tracked is None or tracked.tracking is None or tracked.current is None:
        return
    tracklet = tracked.tracking[tracked.current]
    go_to(session, tracked, tracked.current, tracklet.stop - 1 if last else tracklet.start, center=False)


def _look_at(session: Session, box: NDArray[np.float64], *, center: bool) -> None:
    viewer = session.viewer
    camera = viewer.scene.camera
    left, upper, right, lower = box
    canvas = np.array(viewer.canvas.size, float)  # rows, columns
    size = np.array([lower - upper, right - left])
    middle = np.array([upper + lower, left + right]) / 2
    part = float((size * camera.zoom / canvas).max())
    half_view = canvas / camera.zoom / 2
    in_view = bool((np.abs(middle - np.array(camera.center[-2:])) + size / 2 <= half_view).all())
    if part <= 0 or not np.isfinite(part) or (in_view and not center):
        return
    if not _SMALLEST <= part <= _LARGEST:
        camera.zoom = camera.zoom * _GOOD / part
    camera.center = (*camera.center[:-2], *middle.tolist())
