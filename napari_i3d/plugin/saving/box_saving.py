"""Save corrections: where, in which format, and what is said about it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QEventLoop, Qt
from qtpy.QtWidgets import QApplication, QDialog, QMessageBox, QWidget

from napari_i3d.detection.files import write_detection
from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.jobs.workers import run_in_thread
from napari_i3d.plugin.keyboard.actions import Action
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.saving.save_dialog import SaveDialog
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.projects.tracking_saving import SavedTracking, corrected_path, is_corrected, save_tracking
from napari_i3d.tracking.io import box_pickle
from napari_i3d.tracking.io.format import TrackingFormat, VideoFacts
from napari_i3d.tracking.io.reading import video_facts
from napari_i3d.tracking.io.writing import written_format

T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    """A file to save to, and its format."""

    path: Path
    format: TrackingFormat


def save(session: Session) -> None:
    """Save the boxes of the active video to their own file; ask for it the first time."""
    if session.active is not None and session.active.is_saved and _own_target(session.active) is not None:
        show_info(f"{session.active.name}: all corrections are saved.")
    else:
        save_video(session, session.active)


def save_as(session: Session) -> None:
    """Save the boxes of the active video to a file that the user chooses."""
    save_video(session, session.active, as_other=True)


def facts_of(tracked: TrackedVideo) -> VideoFacts | None:
    """Return the facts of a video that some formats hold, with the size that boxes refer to."""
    facts = video_facts(tracked.video)
    if facts is None or tracked.boxes_size is None:
        return facts
    return replace(facts, width=tracked.boxes_size[0], height=tracked.boxes_size[1])


def note_saved(tracked: TrackedVideo, target: Target, saved: SavedTracking) -> None:
    """Make the file that boxes were saved to that of the boxes, and say what it holds of them."""
    tracked.mark_saved(target.path, saved.origin, exact=not saved.losses)
    lines = [f"Saved {target.path}", *(f"{target.path.name}: {note}" for note in (*saved.losses, *saved.notes))]
    show_info("\n".join(lines))


def write(tracked: TrackedVideo, target: Target) -> SavedTracking:
    """Write the boxes of a video; errors as in `napari_i3d.projects.tracking_saving.save_tracking`."""
    detected = None if tracked.source is None else tracked.source.detected
    tracking = tracked.editor.tracking
    if detected is not None and target.format is box_pickle.FORMAT:
        write_detection(target.path, detected.detection, detected.settings, detected.video)
        return SavedTracking()
    key_frames = sum(len(tracked.editor.key_frames(individual)) for individual in tracking)
    facts, name = facts_of(tracked), target.format.name
    return wait_for(lambda: save_tracking(target.path, tracking, name, facts, key_frames))


def wait_for(work: Callable[[], T]) -> T:
    """Run work in a thread; the window is drawn meanwhile, but takes no input."""
    result = run_in_thread(work)
    QApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
    try:
        while not result.done():
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
            time.sleep(0.005)
    finally:
        QApplication.restoreOverrideCursor()
    return result.result()


def save_video(session: Session, tracked: TrackedVideo | None, *, as_other: bool = False) -> bool:
    """Save the boxes of a video to their own file, or to one that the user chooses; return whether they were saved."""
    if tracked is None or not tracked.tracking:
        show_info("There are no boxes to save.")
        return False
    window: QWidget = session.viewer.window._qt_window
    target = None if as_other else _own_target(tracked)
    while True:
        target = target or _ask(window, tracked)
        if target is None:
            return False
        try:
            note_saved(tracked, target, write(tracked, target))
        except NapariI3DError as error:
            show_error(f"Not saved: {dock_text(error)}")
            target = None
        else:
            return True


def _own_target(tracked: TrackedVideo) -> Target | None:
    """Return the file that the boxes were saved to before, if it may be written again without asking."""
    path, tracking = tracked.tracking_path, tracked.tracking
    if path is None or tracking is None or not (path in tracked.saved_paths or is_corrected(path)):
        return None
    try:
        return Target(path, written_format(path, tracking.origin.format if tracking.origin else "pickle"))
    except NapariI3DError:
        return None


def _ask(window: QWidget, tracked: TrackedVideo) -> Target | None:
    """Ask for a file until one is chosen that may be written; None: cancelled."""
    video = tracked.video.path if tracked.video is not None else None
    dialog = SaveDialog(
        window,
        tracked.name,
        lambda ending: corrected_path(video, tracked.tracking_path, ending),
        tracked.editor.tracking,
        facts_of(tracked),
    )
    try:
        while dialog.exec() == QDialog.DialogCode.Accepted:
            target = Target(dialog.path, dialog.format)
            if not target.path.exists() or target.path in tracked.saved_paths or _may_replace(dialog, tracked, target):
                return target
        return None
    finally:
        dialog.end()


def _may_replace(parent: QWidget, tracked: TrackedVideo, target: Target) -> bool:
    name = target.path.name
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle(f"Replace {name}?")
    box.setTextFormat(Qt.TextFormat.PlainText)
    if target.path == tracked.tracking_path and not is_corrected(target.path):
        text = (
            f"{name} is the file that the boxes were opened from, as the tracking program made it.\n\n"
            "Replaced by the corrected boxes, it cannot be compared with them any more, nor corrected again from the "
            "beginning."
        )
    else:
        text = f"{name} exists in {target.path.parent}. Replace it?"
    box.setText(text)
    replace_button = box.addButton(f"Replace {name}", QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(box.addButton("Choose another", QMessageBox.ButtonRole.RejectRole))
    box.exec()
    return box.clickedButton() is replace_button


SAVE_ACTIONS = (
    Action("save_tracking", "save the corrected boxes", save, "Ctrl-Shift-S", "Correct"),
    Action("save_tracking_as", "save the corrected boxes to another file", save_as, "", "Correct"),
)
"""Actions that save boxes."""
