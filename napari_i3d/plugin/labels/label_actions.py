"""What is done to labels by key, menu or button; the status line says what was done."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit
from napari_i3d.annotations.editing.bout_edits import Accept, DeleteBout, MergeBouts, MoveEdges, Relabel, SplitBout
from napari_i3d.annotations.editing.open_bouts import OpenBout
from napari_i3d.annotations.editing.painting import Add, Assess, Erase, Unassess
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id
from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.preferences import recall, remember
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo

_GROUP = "Label"
_NO_VIDEO = "Open a video first"
DEFAULT_STEP_FRAMES = 10
_PREFERENCES, _STEP = "labelling", "step_frames"
LOOP_MARGIN_FRAMES = 12


def do(session: Session, edits: Sequence[AnnotationEdit] | Callable[[TrackedVideo], list[AnnotationEdit]]) -> bool:
    """Make edits of the active video's labels one step; return whether that was possible, otherwise say why not."""
    tracked = session.active
    if tracked is None:
        session.viewer.status = _NO_VIDEO
        return False
    editor = tracked.labels.editor
    try:
        wanted = edits(tracked) if callable(edits) else edits
        with editor.group():
            for edit in wanted:
                editor.do(edit)
    except AnnotationError as error:
        session.viewer.status = dock_text(error)
        return False
    if wanted:
        session.viewer.status = f"Done: {wanted[0].words}"
    return bool(wanted)


def toggle(session: Session, behavior: str, *, erase: bool = False) -> bool:
    """Begin or end a bout of the current individual in the frame that is shown; return whether it is open now.

    If a span is marked, it is labelled instead, or erased.
    """
    tracked = session.active
    if tracked is None or tracked.video is None:
        session.viewer.status = _NO_VIDEO
        return False
    individual = tracked.labelled
    if tracked.span is not None:
        start, stop = tracked.span
        edit = Erase(individual, start, stop, behavior) if erase else Add(individual, behavior, start, stop)
        if do(session, [edit]):
            tracked.span = None
        return False
    for bout in tracked.labels.open_bouts.bouts:
        if (bout.individual, bout.behavior) == (individual, behavior):
            end(session, tracked, bout)
            return False
    try:
        frame = _shown_frame(session, tracked)
        is_open = tracked.labels.open_bouts.toggle(individual, behavior, frame, erase=erase)
    except AnnotationError as error:
        session.viewer.status = dock_text(error)
        return False
    session.viewer.status = f"{behavior}: begun in frame {frame}"
    return is_open


def end(session: Session, tracked: TrackedVideo, bout: OpenBout) -> None:
    """End an open bout of a video with the frame that is shown."""
    frame = _frame(session, tracked)
    tracked.labels.open_bouts.toggle(bout.individual, bout.behavior, frame, erase=bout.erases)
    session.viewer.status = f"{bout.behavior}: ended in frame {frame}"


def bout_here(tracked: TrackedVideo, frame: int) -> Bout:
    """Return the selected bout, else the last one of the labelled individual that began at or before a frame.

    Raises
    ------
    AnnotationError
        There is none.
    """
    if tracked.labels.selected is not None:
        return tracked.labels.selected
    begun = [bout for bout in tracked.labels.editor.bouts_of(tracked.labelled) if bout.start <= frame]
    if not begun:
        raise AnnotationError("expected a bout that is selected or began before this frame, found none")
    return begun[-1]


def set_edge(session: Session, *, start: bool) -> None:
    """Let the bout begin, or end, with the frame that is shown."""
    moved: list[Bout] = []

    def edits(tracked: TrackedVideo) -> list[AnnotationEdit]:
        frame = _shown_frame(session, tracked)
        bout = _next_bout(tracked, frame) if start and tracked.labels.selected is None else bout_here(tracked, frame)
        edit = MoveEdges(bout, *((frame, bout.stop) if start else (bout.start, frame + 1)))
        if bout == tracked.labels.selected:
            moved.append(replace(bout, start=edit.start, stop=edit.stop))
        return [edit]

    if do(session, edits) and moved and session.active is not None:
        select(session.active, moved[0])


def select(tracked: TrackedVideo, bout: Bout) -> None:
    """Select the bout that has the behavior, target and frames of a bout."""
    bouts = tracked.labels.editor.bouts_of(bout.individual)
    alike = (one for one in bouts if (one.start, one.stop, one.behavior) == (bout.start, bout.stop, bout.behavior))
    tracked.labels.selected = next((one for one in alike if one.target == bout.target), None)


def _next_bout(tracked: TrackedVideo, frame: int) -> Bout:
    bouts = tracked.labels.editor.bouts_of(tracked.labelled)
    return next((bout for bout in bouts if bout.stop > frame), None) or bout_here(tracked, frame)


def split(session: Session) -> None:
    """Split the bout; its second half begins in the frame that is shown."""

    def edits(tracked: TrackedVideo) -> list[AnnotationEdit]:
        frame = _shown_frame(session, tracked)
        return [SplitBout(bout_here(tracked, frame), frame)]

    do(session, edits)


def merge_next(session: Session) -> None:
    """Merge the bout with the next one of the same behavior."""

    def edits(tracked: TrackedVideo) -> list[AnnotationEdit]:
        bout = bout_here(tracked, _frame(session, tracked))
        later = (one for one in tracked.labels.editor.bouts_of(bout.individual) if one.start >= bout.stop)
        other = next((one for one in later if (one.behavior, one.target) == (bout.behavior, bout.target)), None)
        if other is None:
            raise AnnotationError(f"{bout}: expected a later bout of the same behavior, found none")
        return [MergeBouts((bout, other))]

    do(session, edits)


def delete(session: Session) -> None:
    """Delete the selected bout."""

    def edits(tracked: TrackedVideo) -> list[AnnotationEdit]:
        if tracked.labels.selected is None:
            raise AnnotationError("expected a selected bout, found none", hint="click one in the time line")
        return [DeleteBout(tracked.labels.selected)]

    do(session, edits)


def relabel(session: Session, behavior: str) -> None:
    """Give the selected bout another behavior."""
    do(session, lambda tracked: [Relabel(bout_here(tracked, _frame(session, tracked)), behavior)])


def assess(session: Session, *, looked: bool = True, whole: bool = False) -> None:
    """Mark the marked span, else all up to this frame, of the labelled individual as looked at, or not.

    `whole`: the whole video.
    """

    def edits(tracked: TrackedVideo) -> list[AnnotationEdit]:
        if whole:
            start, stop = 0, n_frames(tracked)
        else:
            start, stop = tracked.span or (0, _shown_frame(session, tracked) + 1)
        return [Assess(tracked.labelled, start, stop) if looked else Unassess(tracked.labelled, start, stop)]

    do(session, edits)


def n_frames(tracked: TrackedVideo) -> int:
    """Return the number of frames that can be labelled."""
    return len(tracked.video) if tracked.video is not None else tracked.labels.annotation.end


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
    frame = _frame(session, tracked)
    found = [place for place in places(tracked) if (place - frame) * step > 0]
    if found:
        session.go_to(min(found) if step > 0 else max(found))
    else:
        session.viewer.status = f"No {'later' if step > 0 else 'earlier'} {what}"


def step_frames(session: Session, step: int) -> None:
    """Go on or back by the step that the user chose."""
    if session.active is not None and session.active.video is not None:
        frame = _frame(session, session.active) + step * chosen_step()
        session.go_to(max(0, min(frame, len(session.active.video) - 1)))


def chosen_step() -> int:
    """Return the frames of a larger step."""
    step = recall(_PREFERENCES).get(_STEP)
    return step if isinstance(step, int) and step > 0 else DEFAULT_STEP_FRAMES


def choose_step(frames: int) -> None:
    """Choose the frames of a larger step, also for later sessions."""
    remember(_PREFERENCES, recall(_PREFERENCES) | {_STEP: frames})


def accept(session: Session) -> None:
    """Accept the bout that a program made."""
    do(session, lambda tracked: [Accept(bout_here(tracked, _frame(session, tracked)))])


def loop_bout(session: Session) -> None:
    """Play the bout again and again, with some frames before and after it; stop if it plays."""
    tracked = session.active
    if session.playback.is_playing:
        session.playback.pause()
    elif tracked is not None:
        try:
            bout = bout_here(tracked, _frame(session, tracked))
        except AnnotationError as error:
            session.viewer.status = dock_text(error)
            return
        session.playback.play_range(bout.start, bout.stop, margin=LOOP_MARGIN_FRAMES)


def switch_mode(session: Session) -> None:
    """Turn labelling by key on or off."""
    session.labelling.on = not session.labelling.on


def _shown_frame(session: Session, tracked: TrackedVideo) -> int:
    """Return the frame that is shown, which is to be labelled; raise `AnnotationError` if the video has none here."""
    frame, n = session.frame_of(tracked), n_frames(tracked)
    if not 0 <= frame < n:
        raise AnnotationError(f"{tracked.name}: expected one of its {n} frames, found it blank here")
    return frame


def _frame(session: Session, tracked: TrackedVideo) -> int:
    return max(0, min(session.frame_of(tracked), n_frames(tracked) - 1))


def labelled_individuals(tracked: TrackedVideo) -> list[Id]:
    """Return the individuals of a video in the order of the time line."""
    known = list(tracked.tracking or ())
    others = [one for one in tracked.labels.editor.individuals if one not in known]
    return [*known, *others] or [tracked.labelled]


ACTIONS = (
    Action("label_mode", "labelling by the keys of the behaviors, on or off", switch_mode, "Alt-M", _GROUP),
    Action("bout_start", "the bout starts in this frame", partial(set_edge, start=True), "Alt-[", _GROUP),
    Action("bout_end", "the bout ends with this frame", partial(set_edge, start=False), "Alt-]", _GROUP),
    Action("split_bout", "split the bout at this frame", split, "/", _GROUP),
    Action("merge_bouts", "merge the bout with the next one of its behavior", merge_next, "Alt-/", _GROUP),
    Action("delete_bout", "delete the selected bout", delete, "Alt-Backspace", _GROUP),
    Action("accept_bout", "accept the bout that a program made", accept, "Alt-Y", _GROUP),
    Action("next_edge", "next edge of a bout", partial(step_edge, step=1), "Ctrl-Alt-Right", _GROUP),
    Action("previous_edge", "previous edge of a bout", partial(step_edge, step=-1), "Ctrl-Alt-Left", _GROUP),
    Action("next_unassessed", "next frames that nobody looked at", partial(step_unassessed, step=1), "Alt-N", _GROUP),
    Action(
        "previous_unassessed", "previous frames that nobody looked at", partial(step_unassessed, step=-1), "", _GROUP
    ),
    Action("assess", "the marked span, or all up to here, was looked at", assess, "Alt-A", _GROUP),
    Action("assess_whole", "the whole video was looked at", partial(assess, whole=True), "", _GROUP),
    Action(
        "unassess", "the marked span, or all up to here, was not looked at", partial(assess, looked=False), "", _GROUP
    ),
    Action(
        "frames_on", "some frames on: the step beside the speed", partial(step_frames, step=1), "Shift-Right", _GROUP
    ),
    Action("frames_back", "some frames back", partial(step_frames, step=-1), "Shift-Left", _GROUP),
    Action("play_back", "play backwards, or faster", lambda session: session.playback.shuttle(-1), "Alt-J", _GROUP),
    Action("play_pause", "play or stop", lambda session: session.playback.toggle(), "Alt-K", _GROUP),
    Action("play_on", "play forwards, or faster", lambda session: session.playback.shuttle(1), "Alt-L", _GROUP),
    Action("slower", "play slower", lambda session: session.playback.slower(), "Alt--", _GROUP),
    Action("faster", "play faster", lambda session: session.playback.faster(), "Alt-=", _GROUP),
    Action("loop_bout", "play the bout in a loop, with some frames around it", loop_bout, "Alt-B", _GROUP),
)
"""Actions of labels."""
