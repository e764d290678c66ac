"""What is done to labels by key, menu or button; the status line says what was done."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit
from napari_i3d.annotations.editing.bout_edits import Accept, DeleteBout, MergeBouts, MoveEdges, Relabel, SplitBout
from napari_i3d.annotations.editing.open_bouts import OpenBout
from napari_i3d.annotations.editing.painting import Add, Assess, Erase, Unassess
from napari_i3d.errors import AnnotationError
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo

_NO_VIDEO = "Open a video first"


def do(session: Session, edits: Sequence[AnnotationEdit] | Callable[[TrackedVideo], list[AnnotationEdit]]) -> bool:
    """Make edits of the active video's labels one step; return whether that was possible, otherwise say why not."""
    tracked = session.active
    if tracked is None:
        session.viewer.status = _NO_VIDEO
        return False
    editor = tracked.labels.editor
    try:
        wanted = edits(tracked) if callable(edits) else edits
        before = editor.history.serial
        with editor.group():
            for edit in wanted:
                editor.do(edit)
                tracked.predictions.follow(edit)
    except AnnotationError as error:
        session.viewer.status = dock_text(error)
        return False
    if wanted:
        is_changed = editor.history.serial != before
        session.viewer.status = f"Done: {wanted[0].words}" if is_changed else f"Nothing changed: {wanted[0].words}"
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
    frame = frame_of(session, tracked)
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


def move_edges(session: Session, tracked: TrackedVideo, bout: Bout | None, start: int, stop: int) -> None:
    """Give a bout other frames, and select it."""
    if bout is not None and do(session, [MoveEdges(bout, start, stop)]):
        select(tracked, replace(bout, start=start, stop=stop))


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
        bout = bout_here(tracked, frame_of(session, tracked))
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
    do(session, lambda tracked: [Relabel(bout_here(tracked, frame_of(session, tracked)), behavior)])


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


def accept(session: Session) -> None:
    """Accept the bout that a program made."""
    do(session, lambda tracked: [Accept(bout_here(tracked, frame_of(session, tracked)))])


def switch_mode(session: Session) -> None:
    """Turn labelling by key on or off."""
    session.labelling.on = not session.labelling.on


def _shown_frame(session: Session, tracked: TrackedVideo) -> int:
    """Return the frame that is shown, which is to be labelled; raise `AnnotationError` if the video has none here."""
    frame, n = session.frame_of(tracked), n_frames(tracked)
    if not 0 <= frame < n:
        raise AnnotationError(f"{tracked.name}: expected one of its {n} frames, found it blank here")
    return frame


def frame_of(session: Session, tracked: TrackedVideo) -> int:
    """Return the frame of a video that is shown, the nearest that it has."""
    return max(0, min(session.frame_of(tracked), n_frames(tracked) - 1))
