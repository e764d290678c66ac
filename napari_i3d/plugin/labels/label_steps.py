"""From frame to frame by labels: edges, frames that nobody looked at, larger steps, and a bout in a loop."""

from collections.abc import Callable

from napari_i3d.errors import AnnotationError
from napari_i3d.plugin.labels.label_actions import bout_here, frame_of, n_frames
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.preferences import recall, remember
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo

DEFAULT_STEP_FRAMES = 10
LOOP_MARGIN_FRAMES = 12
_PREFERENCES, _STEP = "labelling", "step_frames"


def step_edge(session: Session, step: int) -> None:
    """Show the next (1) or previous (-1) edge of a bout of the labelled individual."""

    def places(tracked: TrackedVideo) -> list[int]:
        bouts = tracked.labels.editor.bouts_of(tracked.labelled)
        return [place for bout in bouts for place in (bout.start, bout.stop - 1)]

    _step(session, step, places, "edge of a bout")


def step_unassessed(session: Session, step: int) -> None:
    """Show the beginning of the next (1) or previous (-1) range that nobody looked at."""

    def places(tracked: TrackedVideo) -> list[int]:
        ranges = tracked.labels.editor.assessed_of(tracked.labelled)
        begins = [0, *(stop for _, stop in ranges)]
        taken = {start for start, _ in ranges}
        return [begin for begin in begins if begin < n_frames(tracked) and begin not in taken]

    _step(session, step, places, "range that is not assessed")


def _step(session: Session, step: int, places: Callable[[TrackedVideo], list[int]], what: str) -> None:
    tracked = session.active
    if tracked is None:
        return
    frame = frame_of(session, tracked)
    found = [place for place in places(tracked) if (place - frame) * step > 0]
    if found:
        session.go_to(min(found) if step > 0 else max(found))
    else:
        session.viewer.status = f"No {'later' if step > 0 else 'earlier'} {what}"


def step_frames(session: Session, step: int) -> None:
    """Go on or back by the step that the user chose."""
    if session.active is not None and session.active.video is not None:
        frame = frame_of(session, session.active) + step * chosen_step()
        session.go_to(max(0, min(frame, len(session.active.video) - 1)))


def chosen_step() -> int:
    """Return the frames of a larger step."""
    step = recall(_PREFERENCES).get(_STEP)
    return step if isinstance(step, int) and step > 0 else DEFAULT_STEP_FRAMES


def choose_step(frames: int) -> None:
    """Choose the frames of a larger step, also for later sessions."""
    remember(_PREFERENCES, recall(_PREFERENCES) | {_STEP: frames})


def loop_bout(session: Session) -> None:
    """Play the bout again and again, with some frames before and after it; stop if it plays."""
    tracked = session.active
    if session.playback.is_playing:
        session.playback.pause()
    elif tracked is not None:
        try:
            bout = bout_here(tracked, frame_of(session, tracked))
        except AnnotationError as error:
            session.viewer.status = dock_text(error)
            return
        session.playback.play_range(bout.start, bout.stop, margin=LOOP_MARGIN_FRAMES)
