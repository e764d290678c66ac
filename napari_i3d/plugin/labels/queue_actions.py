"""Go to what to label next, and to doubtful labels."""

from functools import partial

from napari_i3d.individuals import Id
from napari_i3d.plugin import navigation
from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.labels import label_actions
from napari_i3d.plugin.labels.status_line import show_status
from napari_i3d.plugin.learning.moments import Doubtful, ToLabel
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo

_NOTHING = "Nothing to label next: train a probe in the Learn behaviors dock first"


def step_queue(session: Session, step: int) -> None:
    """Go to the next (1) or previous (-1) frames that the probe proposes to label."""
    found = session.learning.step(step)
    if found is None:
        session.viewer.status = _NOTHING
    else:
        go_to_window(session, found)


def go_to_window(session: Session, window: ToLabel) -> None:
    """Show the first of the frames to label, their individual, and mark them."""
    _show(session, window.tracked, window.individual, window.start)
    window.tracked.span = window.start, window.stop
    why = "drawn at random" if window.random else f"uncertainty {window.uncertainty:.2f}"
    left = f"{session.learning.at + 1} of {len(session.learning.queue)}"
    show_status(session.viewer, f"To label {left}: frames {window.start} to {window.stop - 1}, {why}")


def go_to_doubtful(session: Session, doubtful: Doubtful) -> None:
    """Show the middle of a doubtful bout, its individual, and select it."""
    bout = doubtful.bout
    _show(session, doubtful.tracked, bout.individual, (bout.start + bout.stop) // 2)
    label_actions.select(doubtful.tracked, bout)
    show_status(session.viewer, f"Labelled {bout.behavior}, rather {doubtful.suggested or 'none'}")


def _show(session: Session, tracked: TrackedVideo, individual: Id, frame: int) -> None:
    if individual in (tracked.tracking or ()):
        navigation.go_to(session, tracked, individual, frame, center=False)
        return
    session.active = tracked
    tracked.labelled = individual
    session.go_to(frame)


ACTIONS = (
    Action(
        "next_to_label", "next frames to label, as the probe proposes", partial(step_queue, step=1), "Alt-Q", "Label"
    ),
    Action(
        "previous_to_label",
        "previous frames to label, as the probe proposes",
        partial(step_queue, step=-1),
        "Alt-Shift-Q",
        "Label",
    ),
)
