"""Actions that correct identities, undo and redo, and mark a span of frames."""

from functools import partial

from napari_i3d.plugin.corrections import carry_out
from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.session.session import Session
from napari_i3d.tracking.editing.scopes import Command, format_span, mark_end, mark_start

_GROUP = "Correct"


def ask(session: Session, command: Command) -> None:
    """Ask what to do about the current individual, beginning with a command."""
    session.identity_prompt.open(command)


def mark(session: Session, *, end: bool) -> None:
    """Mark the frame that is shown as the first or the last of the span."""
    tracked = session.active
    if tracked is not None and session.frame >= 0:
        tracked.span = (mark_end if end else mark_start)(tracked.span, session.frame)
        session.viewer.status = f"Marked: {format_span(tracked.span)}"


def clear_span(session: Session) -> None:
    """Mark no span."""
    if session.active is not None:
        session.active.span = None


def _command(name: str, text: str, command: Command, key: str = "") -> Action:
    return Action(name, text, partial(ask, command=command), key, _GROUP)


ACTIONS = (
    Action("undo", "undo the last correction", carry_out.undo, "U", _GROUP, "Ctrl-Z"),
    Action("redo", "redo it", carry_out.redo, "Shift-U", _GROUP, "Ctrl-Shift-Z"),
    _command("swap", "swap the individual with another, or correct it otherwise: asks first", Command.SWAP, "Q"),
    _command("give_boxes", "give boxes of the individual to another", Command.ASSIGN),
    _command("merge", "merge the individual into another", Command.MERGE),
    _command("split", "split the individual at this frame", Command.SPLIT),
    _command("rename", "rename the individual", Command.RENAME),
    _command("delete_boxes", "delete boxes of the individual", Command.DELETE_BOXES),
    _command("delete_individual", "delete the individual, all its boxes", Command.DELETE),
    Action("mark_start", "mark the first frame of a span to correct", partial(mark, end=False), ",", _GROUP),
    Action("mark_end", "mark its last frame", partial(mark, end=True), ".", _GROUP),
    Action("clear_span", "clear the marked span", clear_span, ";", _GROUP),
)
