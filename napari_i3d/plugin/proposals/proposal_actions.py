"""What is done to proposed bouts by key, menu or button; the status line says what was done."""

from collections.abc import Sequence

from napari_i3d._utils.frame_ranges import in_frames
from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import order_of
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.editing.bout_edits import MoveEdges
from napari_i3d.annotations.proposals import Accepted
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import format_id
from napari_i3d.plugin import navigation
from napari_i3d.plugin.labels import label_actions
from napari_i3d.plugin.labels.known_behaviors import remember_behaviors
from napari_i3d.plugin.labels.status_line import show_status
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo


def accept(session: Session, *, stay: bool = False) -> None:
    """Accept the proposal of the current individual in the frame that is shown, and go on to the next one.

    A selected label that a program made is accepted instead. `stay`: do not go on.
    """
    tracked = session.active
    selected = None if tracked is None else tracked.labels.selected
    bout = None if tracked is None else proposal_here(session, tracked)
    if tracked is None or bout is None or (selected is not None and selected.origin is Origin.AUTOMATED):
        if tracked is not None and bout is None and tracked.predictions.source and not _has_automated(session, tracked):
            session.viewer.status = _none_here(tracked)
        else:
            label_actions.accept(session)
        return
    accept_bout(session, tracked, bout, stay=stay)


def accept_bout(
    session: Session, tracked: TrackedVideo, bout: Bout, behavior: str | None = None, *, stay: bool = False
) -> bool:
    """Accept a proposal, perhaps as another behavior, and go on to the next one; return whether that was possible."""
    done = accept_bouts(session, tracked, [bout], behavior)
    if done is None:
        return False
    words = [f"Accepted {describe(bout)}" + (f" as {behavior}" if behavior not in (None, bout.behavior) else "")]
    if done.n_kept:
        words.append(f"{counted(done.n_kept, 'frame')} of it kept your labels")
    if not stay:
        words.append(_go_on(session, tracked, bout))
    show_status(session.viewer, "; ".join(words))
    return True


def accept_as(session: Session, behavior: str) -> bool:
    """Accept the selected proposal as a behavior; return False, and do nothing, if none is selected and seen."""
    tracked = session.active
    if tracked is None or tracked.span is not None or tracked.labels.open_bouts.bouts:
        return False
    bout = tracked.predictions.selected
    if bout is None or bout is not proposal_here(session, tracked):
        return False
    accept_bout(session, tracked, bout, behavior)
    return True


def accept_bouts(
    session: Session, tracked: TrackedVideo, bouts: Sequence[Bout], behavior: str | None = None
) -> Accepted | None:
    """Accept proposals as one step; return None if that is not possible, and say why not."""
    try:
        done = tracked.predictions.accept(tracked.labels.editor, bouts, behavior)
    except AnnotationError as error:
        session.viewer.status = dock_text(error)
        return None
    remember_behaviors(tracked.labels.editor.ethogram)
    return done


def reject(session: Session, *, assess: bool = False) -> None:
    """Reject the proposal of the current individual in the frame that is shown, and go on to the next one.

    `assess`: none of the behaviors is shown in its frames, but what is labelled.
    """
    tracked = session.active
    bout = None if tracked is None else proposal_here(session, tracked)
    if tracked is not None and bout is not None:
        reject_bout(session, tracked, bout, assess=assess)
    else:
        session.viewer.status = "Open a video first" if tracked is None else _none_here(tracked)


def reject_bout(session: Session, tracked: TrackedVideo, bout: Bout, *, assess: bool = False) -> None:
    """Reject a proposal, and go on to the next one."""
    try:
        tracked.predictions.reject(tracked.labels.editor, [bout], assess=assess)
    except AnnotationError as error:
        session.viewer.status = dock_text(error)
        return
    looked = "; its frames were looked at" if assess else ""
    show_status(session.viewer, f"Rejected {describe(bout)}{looked}; {_go_on(session, tracked, bout)}")


def move_edges(session: Session, tracked: TrackedVideo, bout: Bout | None, start: int, stop: int) -> None:
    """Give a proposal other frames before it is accepted, and select it, with a frame of it shown."""
    if bout is None:
        return
    try:
        tracked.predictions.editor.do(MoveEdges(bout, start, stop))
    except AnnotationError as error:
        session.viewer.status = dock_text(error)
        return
    if not start <= label_actions.frame_of(session, tracked) < stop:
        session.go_to(start if start != bout.start else stop - 1)
    bouts = tracked.predictions.editor.bouts_of(bout.individual)
    alike = (one for one in bouts if (one.behavior, one.target) == (bout.behavior, bout.target))
    select(tracked, next((one for one in alike if one.start <= start < one.stop), None))


def step(session: Session, step: int) -> None:
    """Show the next (1) or previous (-1) proposal of the current individual that is left."""
    tracked = session.active
    if tracked is None or not tracked.predictions.source:
        session.viewer.status = "There are no proposals"
        return
    tracked.predictions.shown = True
    frame, left = label_actions.frame_of(session, tracked), left_of(tracked)
    selected = tracked.predictions.selected
    if selected is not None and selected.start <= frame < selected.stop:
        found = _beside(tracked, selected, step)
    else:
        found = [bout for bout in left if (bout.start >= frame if step > 0 else bout.start < frame)]
    if found:
        show(session, tracked, found[0] if step > 0 else found[-1])
        show_status(session.viewer, position(tracked, found[0] if step > 0 else found[-1]))
    else:
        session.viewer.status = f"No {'later' if step > 0 else 'earlier'} proposal of {_who(tracked)}{_others(tracked)}"


def show(session: Session, tracked: TrackedVideo, bout: Bout) -> None:
    """Select a proposal, and show its first frame."""
    if tracked.tracking is not None and bout.individual in tracked.tracking:
        navigation.go_to(session, tracked, bout.individual, bout.start, center=False)
    else:
        session.go_to(bout.start)
    tracked.labelled = bout.individual
    select(tracked, bout)


def select(tracked: TrackedVideo, bout: Bout | None) -> None:
    """Select a proposal; no label is selected then."""
    if bout is not None:
        tracked.labels.selected = None
    tracked.predictions.selected = bout


def leave(session: Session) -> None:
    """Select a proposal only as long as a frame of it is shown: keys must not accept what is not seen."""
    tracked = session.active
    bout = None if tracked is None else tracked.predictions.selected
    if tracked is not None and bout is not None and not bout.start <= session.frame_of(tracked) < bout.stop:
        tracked.predictions.selected = None


def proposal_here(session: Session, tracked: TrackedVideo) -> Bout | None:
    """Return the selected proposal if it has the frame that is shown, else the surest one of the current individual.

    Those that are labelled already come last. None if there is none, or proposals are hidden.
    """
    predictions = tracked.predictions
    if not predictions.shown:
        return None
    frame, selected = label_actions.frame_of(session, tracked), predictions.selected
    if selected is not None and selected.start <= frame < selected.stop:
        return selected
    for bouts in (left_of(tracked), predictions.editor.bouts_of(tracked.labelled)):
        here = [bout for bout in bouts if bout.start <= frame < bout.stop]
        if here:
            return max(here, key=confidence_of)
    return None


def left_of(tracked: TrackedVideo) -> tuple[Bout, ...]:
    """Return the proposals of the current individual that are left to be reviewed, in time."""
    return tracked.predictions.left(tracked.labels.editor, tracked.labelled)


def all_left(tracked: TrackedVideo) -> list[Bout]:
    """Return the proposals of all individuals that are left to be reviewed."""
    predictions, labels = tracked.predictions, tracked.labels.editor
    return [bout for one in predictions.editor.individuals for bout in predictions.left(labels, one)]


def confidence_of(bout: Bout) -> float:
    """Return the confidence of a bout, 0 to 1; one without counts as sure."""
    return 1.0 if bout.confidence is None else bout.confidence


def describe(bout: Bout) -> str:
    """Describe a proposal: ``walk 0.83 in frames 10 to 40``."""
    sure = "" if bout.confidence is None else f" {bout.confidence:.2f}"
    return f"{bout.behavior}{sure} {in_frames(bout.start, bout.stop)}"


def position(tracked: TrackedVideo, bout: Bout) -> str:
    """Describe a proposal and its place among those that are left: ``proposal 4 of 120: walk 0.83``."""
    left = left_of(tracked)
    sure = "" if bout.confidence is None else f" {bout.confidence:.2f}"
    place = f"proposal {left.index(bout) + 1:,} of {len(left):,}" if bout in left else "proposal, labelled already"
    return f"{place}: {bout.behavior}{sure}"


def _go_on(session: Session, tracked: TrackedVideo, bout: Bout) -> str:
    """Show the next proposal of the individual, or stay; return which one it is."""
    later = _beside(tracked, bout, 1)
    if later:
        show(session, tracked, later[0])
        return f"now {position(tracked, later[0])}"
    n_left = len(left_of(tracked))
    return f"{n_left or 'no'} earlier and no later proposals of {_who(tracked)} are left{_others(tracked)}"


def _beside(tracked: TrackedVideo, bout: Bout, step: int) -> list[Bout]:
    """Return the proposals that are left and come after (1) or before (-1) one, of its individual."""
    ethogram = tracked.predictions.editor.ethogram
    place = order_of(bout, ethogram)
    return [one for one in left_of(tracked) if (order_of(one, ethogram) > place) == (step > 0) and one != bout]


def _who(tracked: TrackedVideo) -> str:
    return format_id(tracked.labelled)


def _others(tracked: TrackedVideo) -> str:
    n_others = len(all_left(tracked)) - len(left_of(tracked))
    return f"; {n_others:,} of others" if n_others else ""


def _none_here(tracked: TrackedVideo) -> str:
    if not tracked.predictions.shown:
        return "The proposals are hidden"
    return f"No proposal of {_who(tracked)} in this frame"


def _has_automated(session: Session, tracked: TrackedVideo) -> bool:
    """Whether a label that a program made is selected, or is here."""
    frame = label_actions.frame_of(session, tracked)
    try:
        bout = label_actions.bout_here(tracked, frame)
    except AnnotationError:
        return False
    return bout.origin is Origin.AUTOMATED and (bout == tracked.labels.selected or bout.start <= frame < bout.stop)
