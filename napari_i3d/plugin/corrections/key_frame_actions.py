"""Actions of boxes by hand: edit them in the canvas, go through key frames, interpolate, leave and come back."""

from collections.abc import Callable, Sequence
from functools import partial
from weakref import WeakKeyDictionary

from napari.utils.notifications import show_info, show_warning

from napari_i3d.errors import TrackingError
from napari_i3d.individuals import Id
from napari_i3d.plugin import navigation
from napari_i3d.plugin.corrections.carry_out import carry_out
from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.editing.key_frames import (
    copy_of_box,
    interpolations,
    key_frame_beside,
    leaving,
    middle_key_frame,
)
from napari_i3d.tracking.editing.tracking_edit import TrackingEdit, named

_GROUP = "Boxes by hand"
_NOBODY = "Select an individual first, or draw a box: {key}, then drag on the image"

_Edits = Callable[[TrackingEditor, Id, int], Sequence[TrackingEdit]]
_Frame = Callable[[TrackingEditor, Id, int], int]


def edit_boxes(session: Session) -> None:
    """Switch editing of boxes in the canvas on or off."""
    editor = session.box_editor
    editor.stop() if editor.is_on else editor.start()


def correct(session: Session, edits_of: _Edits) -> None:
    """Do corrections of the current individual around the frame that is shown, in one step.

    Parameters
    ----------
    session
        The viewer's session.
    edits_of
        Gets the editor, the individual and the frame; returns the corrections.
    """
    found = _current(session)
    if found is None:
        return
    tracked, individual, frame = found
    try:
        edits = edits_of(tracked.editor, individual, frame)
    except TrackingError as error:
        _show_error(error)
        return
    carry_out(session, tracked, *edits)


def go(session: Session, frame_of: _Frame) -> None:
    """Go to another frame of the current individual.

    Parameters
    ----------
    session
        The viewer's session.
    frame_of
        Gets the editor, the individual and the frame; returns the frame to go to.
    """
    found = _current(session)
    if found is None:
        return
    tracked, individual, frame = found
    try:
        target = frame_of(tracked.editor, individual, frame)
    except TrackingError as error:
        _show_error(error)
        return
    navigation.go_to(session, tracked, individual, target, center=False)
    if individual in tracked.editor.set_by_hand(target):
        keys = tracked.editor.key_frames(individual).tolist()
        number = f"key frame {keys.index(target) + 1} of {len(keys)}"
        session.viewer.status = f"{named(individual)}: frame {target} is {number}"
    else:
        session.viewer.status = f"{named(individual)}: frame {target} is in the middle between two key frames"


def gone_from_here(session: Session) -> None:
    """Say which boxes of the current individual would be deleted from here on; delete them when asked again."""
    found = _current(session)
    if found is None:
        return
    tracked, individual, frame = found
    try:
        edit = leaving(tracked.editor, individual, frame)
        words = tracked.editor.describe(edit)
    except TrackingError as error:
        _show_error(error)
        return
    asked = (tracked, edit, tracked.history.serial)
    if _asked.get(session) != asked:
        _asked[session] = asked
        text = f"Press {session.keys.called('gone_from_here')} again to {words}"
        show_info(text)
        session.viewer.status = text
        return
    del _asked[session]
    correct(session, lambda editor, one, at: [leaving(editor, one, at)])


_asked: WeakKeyDictionary[Session, tuple[TrackedVideo, TrackingEdit, int]] = WeakKeyDictionary()
"""What `gone_from_here` said last: only that is done when it is asked for again."""


def _current(session: Session) -> tuple[TrackedVideo, Id, int] | None:
    session.box_editor.settle()  # it may just have been drawn
    tracked = session.active
    if tracked is None or tracked.current is None:
        show_info(_NOBODY.format(key=session.keys.called("edit_boxes")))
        return None
    return tracked, tracked.current, session.frame


def _show_error(error: TrackingError) -> None:
    show_warning(dock_text(error))


def _interpolate(*, before: bool, after: bool) -> Callable[[Session], None]:
    return partial(correct, edits_of=partial(interpolations, before=before, after=after))


def _copy(step: int, *, nearest: bool = False) -> Callable[[Session], None]:
    return partial(
        correct,
        edits_of=lambda editor, individual, frame: [copy_of_box(editor, individual, frame, step, nearest=nearest)],
    )


def _beside(step: int) -> Callable[[Session], None]:
    return partial(go, frame_of=partial(key_frame_beside, step=step))


ACTIONS = (
    Action("edit_boxes", "edit boxes in the canvas, or end that", edit_boxes, "8", _GROUP),
    Action(
        "interpolate",
        "interpolate from this frame to the key frames on both sides",
        _interpolate(before=True, after=True),
        "9",
        _GROUP,
    ),
    Action(
        "interpolate_previous",
        "interpolate to the previous key frame",
        _interpolate(before=True, after=False),
        "Alt-Left",
        _GROUP,
    ),
    Action(
        "interpolate_next",
        "interpolate to the next key frame",
        _interpolate(before=False, after=True),
        "Alt-Right",
        _GROUP,
    ),
    Action("previous_key_frame", "previous key frame of the individual", _beside(-1), "Ctrl-Left", _GROUP),
    Action("next_key_frame", "next key frame of the individual", _beside(1), "Ctrl-Right", _GROUP),
    Action(
        "middle_key_frame",
        "frame furthest from any key frame, between two",
        partial(go, frame_of=lambda editor, individual, _: middle_key_frame(editor, individual)),
        "0",
        _GROUP,
    ),
    Action("copy_previous_box", "copy its box of the previous frame to this one", _copy(-1), "Ctrl-8", _GROUP),
    Action("copy_next_box", "copy its box of the next frame to this one", _copy(1), "", _GROUP),
    Action("back_here", "it is back: copy its last box before this frame", _copy(-1, nearest=True), "Ctrl-9", _GROUP),
    Action(
        "gone_from_here",
        "it is gone: delete its boxes from this frame to its next key frame, or to the end (press twice)",
        gone_from_here,
        "Alt-0",
        _GROUP,
    ),
)
"""Actions of boxes by hand."""
