"""Carry corrections out, undo and redo them; the status line says what was done."""

from dataclasses import dataclass, replace

from napari.utils.notifications import show_warning

from napari_i3d.errors import TrackingError
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.editing.identity_edits import Merge
from napari_i3d.tracking.editing.scopes import Command, IdentityChoice
from napari_i3d.tracking.editing.tracking_edit import TrackingEdit


@dataclass(frozen=True)
class Plan:
    """What would become of a choice.

    Attributes
    ----------
    edit
        The correction with all defaults filled in; None: it cannot be made.
    problem
        Why not; empty if it can be made.
    replaceable
        Whether it can be made if the boxes that are in the way are replaced.
    """

    edit: TrackingEdit | None
    problem: str = ""
    replaceable: bool = False


def plan(session: Session, tracked: TrackedVideo, choice: IdentityChoice) -> Plan:
    """Return what would become of a choice in the frame that is shown."""
    try:
        return Plan(tracked.editor.complete(choice.edit(session.frame, tracked.span)))
    except TrackingError as error:
        can_replace = choice.command in (Command.ASSIGN, Command.MERGE) and not choice.replace
        replaceable = can_replace and plan(session, tracked, replace(choice, replace=True)).edit is not None
        return Plan(None, dock_text(error), replaceable)


def carry_out(session: Session, tracked: TrackedVideo, *edits: TrackingEdit) -> bool:
    """Carry corrections out in one step; return whether that was possible, otherwise say why not."""
    try:
        with tracked.editor.group():
            done = [tracked.editor.do(edit) for edit in edits]
    except TrackingError as error:
        show_warning(dock_text(error))
        return False
    for edit in done:
        if isinstance(edit, Merge):
            tracked.current = edit.into
    session.viewer.status = f"Done: {tracked.history.undo_words}"
    return True


def undo(session: Session) -> None:
    """Undo the last correction of the active video."""
    words = session.active.history.undo() if session.active is not None else ""
    session.viewer.status = f"Undone: {words}" if words else "There is nothing to undo"


def redo(session: Session) -> None:
    """Redo the correction of the active video that was undone last."""
    words = session.active.history.redo() if session.active is not None else ""
    session.viewer.status = f"Done again: {words}" if words else "There is nothing to redo"


def go_to_step(session: Session, position: int) -> None:
    """Undo or redo corrections of the active video until a number of them is done."""
    if session.active is None:
        return
    history = session.active.history
    before = history.position
    history.go_to(position)
    steps = abs(position - before)
    verb = "Undone" if position < before else "Done again"
    session.viewer.status = f"{verb}: {steps} {'step' if steps == 1 else 'steps'}" if steps else ""
