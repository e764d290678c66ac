"""Opening of files of labels: with their video, and with what the user must say."""

from pathlib import Path

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QDialog, QMessageBox, QWidget

from napari_i3d._utils.text import counted
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.annotations.io import dlc2action
from napari_i3d.annotations.io.reading import AnnotationFile, read_annotation_file
from napari_i3d.annotations.io.recognition import recognize
from napari_i3d.errors import AnnotationError, NapariI3DError
from napari_i3d.individuals import format_id
from napari_i3d.plugin.labels.individuals_dialog import IndividualsDialog
from napari_i3d.plugin.labels.known_behaviors import remember_behaviors
from napari_i3d.plugin.labels.label_questions import LISTED, ask_conflicts, ask_doubts, ask_proposals
from napari_i3d.plugin.labels.label_saving import save_labels
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.saving.box_saving import wait_for
from napari_i3d.plugin.session.matching import namesakes
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.projects.label_files import (
    doubts,
    find_labels,
    is_ours,
    plan_merge,
    suggested_names,
    untracked,
    with_names,
)

_WAITS, _WAIT_MS = 5, 150


def holds_labels(path: Path) -> bool:
    """Return whether a file holds labels, by its content; of a pickle, all of it is read."""
    try:
        if recognize(path) in dlc2action.FORMATS:
            # A pickle of something else may look like labels without any.
            return bool(read_annotation_file(path).annotation.ethogram)
    except AnnotationError:
        return False
    return True


def video_of_labels(session: Session, path: Path) -> TrackedVideo | None:
    """Return the open video that a file of labels is named after, else the active one; None without a video."""
    named = namesakes(path, session.videos)
    tracked = named[0] if named else session.active
    return tracked if tracked is not None and tracked.video is not None else None


def open_labels(session: Session, path: Path, tracked: TrackedVideo | None = None, waits: int = 0) -> bool:
    """Open a file of labels in place of those of its video; return whether it was opened.

    Parameters
    ----------
    session
        The viewer's session.
    path
        The file, of any format.
    tracked
        Its video; None: the one that it is named after, else the active one.
    waits
        How often to wait for a video that may be dropped together with the file.
    """
    tracked = tracked or video_of_labels(session, path)
    if tracked is None:
        if waits:
            QTimer.singleShot(_WAIT_MS, lambda: open_labels(session, path, waits=waits - 1))
        else:
            show_error(f"{path.name}: open the video that is labelled first, then this file.")
        return False
    if tracked.labels.path == path and tracked.labels.editor.is_saved and not tracked.labels.is_changed_on_disk:
        session.active = tracked
        return True  # dropped together with its video, which brought it along
    window = session.viewer.window._qt_window
    try:
        file = read_labels(tracked, path)
    except NapariI3DError as error:
        show_error(dock_text(error))
        return False
    proposed = ask_proposals(window, file)
    annotation = None if proposed is None else _as_of(window, tracked, file)
    if annotation is None:
        return False
    if proposed:
        _propose(session, tracked, file, annotation)
        return True
    if not may_replace(session, tracked):
        return False
    _set(session, tracked, file, annotation, path)
    return True


def open_proposals(session: Session, tracked: TrackedVideo, path: Path) -> bool:
    """Open a file of labels of any format as proposals, in place of those that there are; return whether that was done.

    The labels stay as they are.
    """
    window = session.viewer.window._qt_window
    try:
        file = read_labels(tracked, path)
    except NapariI3DError as error:
        show_error(dock_text(error))
        return False
    annotation = _as_of(window, tracked, file)
    if annotation is not None:
        _propose(session, tracked, file, annotation)
    return annotation is not None


def _propose(session: Session, tracked: TrackedVideo, file: AnnotationFile, annotation: Annotation) -> None:
    tracked.predictions.set(annotation, file.name)
    tracked.predictions.shown = True
    session.active = tracked
    n_left = len(tracked.predictions.editor.annotation.bouts)
    n_rejected = len(annotation.bouts) - n_left
    rejected = (f"{counted(n_rejected, 'bout')} left out: rejected before",) if n_rejected else ()
    _show_notes(Path(file.name), (f"{counted(n_left, 'proposal')}, apart from the labels", *rejected, *file.notes))


def open_beside(session: Session, tracked: TrackedVideo) -> None:
    """Open the labels that lie beside a video, if it has none yet; nothing is asked."""
    video = tracked.video
    path = None if video is None else find_labels(video.path)
    labels = tracked.labels
    if path is None or labels.path is not None or labels.editor.serial or not labels.editor.is_saved:
        return
    try:
        file = read_labels(tracked, path)
    except NapariI3DError as error:
        show_error(dock_text(error))
        return
    _set(session, tracked, file, file.annotation, path)


def read_labels(tracked: TrackedVideo, path: Path) -> AnnotationFile:
    """Read a file of labels of a video, with the true times of its frames; errors as in `read_annotation_file`."""
    video, ids = tracked.video, tuple(tracked.tracking or ())
    if video is None:
        raise AnnotationError(f"{path.name}: expected an open video")
    return wait_for(lambda: read_annotation_file(path, None, video, individuals=ids))


def import_labels(session: Session, tracked: TrackedVideo, path: Path) -> bool:
    """Add the labels of a file to those of a video, as one step; return whether anything was added."""
    window = session.viewer.window._qt_window
    try:
        file = read_labels(tracked, path)
    except NapariI3DError as error:
        show_error(dock_text(error))
        return False
    other = _as_of(window, tracked, file)
    if other is None:
        return False
    plan = plan_merge(tracked.labels.annotation, other)
    edits: tuple[AnnotationEdit, ...] | None = plan.edits
    if plan.conflicts:
        pairs = [f"{own}  |  {new}" for own, new in plan.conflicts]
        edits = ask_conflicts(window, path.name, pairs, plan.edits_beside, plan.edits)
    if edits is None:
        return False
    editor = tracked.labels.editor
    try:
        with editor.group(f"import labels of {path.name}"):
            for edit in edits:
                editor.do(edit)
    except AnnotationError as error:
        show_error(f"{path.name}: {dock_text(error)}")
        return False
    same = len(other.bouts) - plan.n_new
    notes = [f"{counted(plan.n_new, 'bout')} imported" + (f", {same} were there already" if same else "")]
    if plan.conflicts:
        notes[0] = notes[0].replace("imported", "read")
        kept = "kept" if edits is plan.edits_beside else "cut"
        notes.append(f"{counted(len(plan.conflicts), 'conflict')}: yours were {kept}")
    _show_notes(path, (*notes, *file.notes))
    remember_behaviors(editor.ethogram)
    return bool(edits)


def read_ethogram(tracked: TrackedVideo, path: Path) -> Ethogram | None:
    """Return the behaviors in a file of labels, whatever video it is of; None if it cannot be read."""
    try:
        return wait_for(lambda: read_annotation_file(path)).annotation.ethogram
    except AnnotationError:
        pass  # it may need times or a length
    try:
        return read_labels(tracked, path).annotation.ethogram
    except NapariI3DError as error:
        show_error(dock_text(error))
        return None


def may_replace(session: Session, tracked: TrackedVideo) -> bool:
    """Ask what becomes of labels that are not saved; return whether others may take their place."""
    if tracked.labels.editor.is_saved:
        return True
    box = QMessageBox(session.viewer.window._qt_window)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle("Save the labels first?")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(f"{tracked.name}: the labels are not saved. Others are about to take their place.")
    save = box.addButton("Save", QMessageBox.ButtonRole.AcceptRole)
    discard = box.addButton("Discard", QMessageBox.ButtonRole.DestructiveRole)
    box.setEscapeButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.setDefaultButton(save)
    box.exec()
    if box.clickedButton() is save:
        return save_labels(session, tracked)
    if box.clickedButton() is discard:
        session.recovery.discard_labels(tracked)
        return True
    return False


def _set(session: Session, tracked: TrackedVideo, file: AnnotationFile, annotation: Annotation, path: Path) -> None:
    ours = is_ours(path)
    notes = list(file.notes)
    strange = untracked(annotation, tracked.tracking or ())
    if strange and tracked.tracking:
        notes.append(f"not in the tracking: {_listed([format_id(one) for one in strange])}")
    if not ours:
        notes.append("it is not written to: labels are saved to a file of their own")
    saved = file.annotation if annotation is not file.annotation else None
    tracked.labels.set_annotation(annotation, path if ours else None, saved)
    session.active = tracked
    n_bouts, n_behaviors = counted(len(annotation.bouts), "bout"), counted(len(annotation.ethogram), "behavior")
    _show_notes(path, (f"opened with {n_bouts} of {n_behaviors} ({file.format.title})", *notes))
    remember_behaviors(annotation.ethogram)


def _as_of(window: QWidget, tracked: TrackedVideo, file: AnnotationFile) -> Annotation | None:
    """Return the labels of a file as those of a video, after the user said what is in doubt; None: not wanted."""
    found = doubts(file)
    if found and not ask_doubts(window, tracked, file, found):
        return None
    ids = list(tracked.tracking or ())
    strange = untracked(file.annotation, ids)
    if not strange or not ids:
        return file.annotation
    dialog = IndividualsDialog(window, file.name, strange, ids, suggested_names(file.annotation, ids))
    if dialog.exec() != QDialog.DialogCode.Accepted:
        return None
    names = {one: name for one, name in dialog.names.items() if name != one or type(name) is not type(one)}
    return with_names(file.annotation, names) if names else file.annotation


def _show_notes(path: Path, notes: tuple[str, ...]) -> None:
    show_info("\n".join(f"{path.name}: {note}" for note in notes))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
