"""Questions about files of labels."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox, QWidget

from napari_i3d._utils.text import counted
from napari_i3d.annotations.bouts import Origin
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit
from napari_i3d.annotations.io.reading import AnnotationFile
from napari_i3d.plugin.session.tracked_video import TrackedVideo

LISTED = 8
"""Number of things that are listed at most."""


def ask_proposals(window: QWidget, file: AnnotationFile) -> bool | None:
    """Ask whether bouts that a program made are to be proposals; False if others made some, None: cancelled."""
    bouts = file.annotation.bouts
    if not bouts or any(bout.origin is not Origin.AUTOMATED for bout in bouts):
        return False
    box = QMessageBox(window)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Proposals or labels?")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(
        f"A program made all {counted(len(bouts), 'bout')} of {file.name}. As proposals they are shown below the "
        "labels, and you accept or reject them; as labels they take the place of yours."
    )
    proposals = box.addButton("Proposals", QMessageBox.ButtonRole.AcceptRole)
    labels = box.addButton("Labels", QMessageBox.ButtonRole.DestructiveRole)
    box.setEscapeButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.setDefaultButton(proposals)
    box.exec()
    return True if box.clickedButton() is proposals else False if box.clickedButton() is labels else None


def ask_doubts(window: QWidget, tracked: TrackedVideo, file: AnnotationFile, found: list[str]) -> bool:
    """Ask whether to open a file that may be of another video."""
    box = QMessageBox(window)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle("Labels of another video?")
    box.setTextFormat(Qt.TextFormat.PlainText)
    lines = [f"• {note[:1].upper()}{note[1:]}." for note in found]
    box.setText("\n".join([f"{file.name} may be of another video than {tracked.name}:", *lines]))
    yes = box.addButton("Open anyway", QMessageBox.ButtonRole.AcceptRole)
    no = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(no)
    box.setEscapeButton(no)
    box.exec()
    return box.clickedButton() is yes


def ask_conflicts(
    window: QWidget,
    name: str,
    pairs: list[str],
    beside: tuple[AnnotationEdit, ...],
    instead: tuple[AnnotationEdit, ...],
) -> tuple[AnnotationEdit, ...] | None:
    """Ask which of two kinds of edits solve conflicts between labels and a file; None: cancelled."""
    box = QMessageBox(window)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Labels in conflict")
    box.setTextFormat(Qt.TextFormat.PlainText)
    more = [f"and {len(pairs) - LISTED} more"] if len(pairs) > LISTED else []
    text = f"{counted(len(pairs), 'conflict')} of exclusive behaviors: yours  |  that of {name}"
    ways = ["Keep mine: theirs are left out. Cut mine: yours give way where they overlap; this can be undone."]
    box.setText("\n".join([text, "", *pairs[:LISTED], *more, "", *ways]))
    keep = box.addButton("Keep mine", QMessageBox.ButtonRole.AcceptRole)
    replaced = box.addButton("Cut mine", QMessageBox.ButtonRole.DestructiveRole)
    box.setEscapeButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.setDefaultButton(keep)
    box.exec()
    return beside if box.clickedButton() is keep else instead if box.clickedButton() is replaced else None
