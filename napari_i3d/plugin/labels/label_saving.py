"""Save labels: where, in which format, and what is said about it."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QMessageBox, QWidget

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.io.bout_formats import own_json
from napari_i3d.annotations.io.format import AnnotationFormat
from napari_i3d.annotations.io.reading import video_facts
from napari_i3d.errors import NapariI3DError
from napari_i3d.individuals import Id
from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.labels.known_behaviors import remember_behaviors
from napari_i3d.plugin.labels.label_save_dialog import LabelSaveDialog
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.saving.box_saving import wait_for
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.projects import label_files
from napari_i3d.projects.label_files import is_ours, labels_path


@dataclass(frozen=True)
class Target:
    """A file to save to, its format, and whose labels are saved; None: all."""

    path: Path
    format: AnnotationFormat
    individual: Id | None = None

    @property
    def keeps_all(self) -> bool:
        """Whether the file holds everything, so that the labels are saved with it; others are exports."""
        return self.format is own_json.FORMAT and self.individual is None


def save(session: Session) -> None:
    """Save the labels of the active video to their file; ask for it the first time."""
    tracked = session.active
    if tracked is not None and tracked.labels.editor.is_saved and tracked.labels.path is not None:
        show_info(f"{tracked.name}: all labels are saved.")
    else:
        save_labels(session, tracked)


def save_as(session: Session) -> None:
    """Save the labels of the active video to a file that the user chooses."""
    save_labels(session, session.active, as_other=True)


def save_labels(session: Session, tracked: TrackedVideo | None, *, as_other: bool = False) -> bool:
    """Save the labels of a video to their own file, or to one that the user chooses; return whether it was done."""
    if tracked is None or not tracked.labels.annotation.ethogram:
        show_info("There are no labels to save.")
        return False
    window: QWidget = session.viewer.window._qt_window
    target = None if as_other else _own_target(window, tracked)
    while True:
        target = target or _ask(window, tracked, tracked.labels.annotation)
        if target is None:
            return False
        annotation, facts = tracked.labels.annotation, video_facts(tracked.video)
        work = partial(label_files.save_labels, target.path, annotation, target.format.name, facts, target.individual)
        try:
            saved = wait_for(work)
        except NapariI3DError as error:
            show_error(f"Not saved: {dock_text(error)}")
            target = None
            continue
        if target.keeps_all:
            tracked.labels.mark_saved(target.path)
            remember_behaviors(annotation.ethogram)
        _show_saved(tracked, target, saved)
        return True


def save_proposals(session: Session) -> None:
    """Save the proposals of the active video that are left, as automated bouts, to a file that the user chooses."""
    tracked = session.active
    annotation = None if tracked is None else tracked.predictions.annotation
    if tracked is None or annotation is None:
        show_info("There are no proposals to save.")
        return
    # One whose edges were moved was not accepted by that.
    bouts = tuple(replace(bout, origin=Origin.AUTOMATED) for bout in annotation.bouts)
    annotation = replace(annotation, bouts=bouts)
    target = _ask(session.viewer.window._qt_window, tracked, annotation, "proposals")
    if target is None:
        return
    facts = video_facts(tracked.video)
    work = partial(label_files.save_labels, target.path, annotation, target.format.name, facts, target.individual)
    try:
        saved = wait_for(work)
    except NapariI3DError as error:
        show_error(f"Not saved: {dock_text(error)}")
        return
    name = target.path.name
    show_info("\n".join([f"Saved {target.path}", *(f"{name}: {note}" for note in (*saved.losses, *saved.notes))]))


def _show_saved(tracked: TrackedVideo, target: Target, saved: label_files.SavedLabels) -> None:
    name = target.path.name
    lines = [f"Saved {target.path}", *(f"{name}: {note}" for note in (*saved.losses, *saved.notes))]
    if not target.keeps_all and not tracked.labels.editor.is_saved:
        lines.append(f"{tracked.name}: the labels themselves are not saved yet: only our JSON keeps everything.")
    show_info("\n".join(lines))


def _own_target(window: QWidget, tracked: TrackedVideo) -> Target | None:
    """Return the file of the labels, if it may be written again."""
    path = tracked.labels.path
    if path is None or (path.exists() and not is_ours(path)):
        return None
    if tracked.labels.is_changed_on_disk and not _may_replace(
        window, path, f"{path.name} was changed since it was opened, perhaps by somebody else."
    ):
        return None
    return Target(path, own_json.FORMAT)


def _ask(window: QWidget, tracked: TrackedVideo, annotation: Annotation, what: str = "labels") -> Target | None:
    """Ask for a file until one is chosen that may be written; None: cancelled."""
    place = tracked.video.path if tracked.video is not None else tracked.tracking_path
    dialog = LabelSaveDialog(
        window,
        tracked.name,
        lambda ending: Path(f"{what}{ending}") if place is None else labels_path(place, ending, what),
        annotation,
        video_facts(tracked.video),
        what,
    )
    try:
        while dialog.exec() == QDialog.DialogCode.Accepted:
            target = Target(dialog.path, dialog.format, dialog.individual)
            if not target.path.exists() or _may_replace(dialog, target.path, _reason(target.path)):
                return target
        return None
    finally:
        dialog.end()


def _reason(path: Path) -> str:
    if is_ours(path):
        return f"{path.name} exists in {path.parent}, and holds labels."
    return f"{path.name} exists in {path.parent}, and is not a file of labels of this program."


def _may_replace(parent: QWidget, path: Path, reason: str) -> bool:
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle(f"Replace {path.name}?")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(f"{reason} Replace it?")
    replace_button = box.addButton(f"Replace {path.name}", QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(box.addButton("Choose another", QMessageBox.ButtonRole.RejectRole))
    box.exec()
    return box.clickedButton() is replace_button


SAVE_ACTIONS = (
    Action("save_labels", "save the labels", save, "", "Label"),
    Action("save_labels_as", "save the labels to another file or format", save_as, "", "Label"),
)
"""Actions that save labels."""
