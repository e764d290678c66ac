"""Closing a viewer with unsaved labels and boxes asks one question for both."""

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QDialogButtonBox

from helpers.clips import MakeClip
from helpers.windows import answer_question
from napari_i3d import read_tracking
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.annotations.io.reading import read_annotation
from napari_i3d.plugin.closing.closing_question import ClosingQuestion
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.labels.label_save_dialog import LabelSaveDialog
from napari_i3d.plugin.saving.save_dialog import SaveDialog
from napari_i3d.projects.label_files import labels_path
from napari_i3d.projects.label_recovery import find_label_recoveries
from napari_i3d.projects.recovery import find_recovery_files
from napari_i3d.projects.tracking_saving import corrected_path


def accept_dialogs() -> list[str]:
    """Save in all dialogs that come in the next seconds; the list gets their titles."""
    titles: list[str] = []

    def look(left: int = 200) -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, SaveDialog | LabelSaveDialog):
            titles.append(dialog.windowTitle())
            dialog.buttons.button(QDialogButtonBox.StandardButton.Save).click()
        if left and len(titles) < 2:
            QTimer.singleShot(50, lambda: look(left - 1))

    QTimer.singleShot(50, look)
    return titles


@pytest.mark.parametrize("answer", ["Save", "Discard", "Cancel"])
def test_one_question_for_labels_and_boxes(viewer, qtbot, clip_of: MakeClip, tmp_path, monkeypatch, answer):
    closed = []
    monkeypatch.setattr(ClosingQuestion, "_close", lambda _: closed.append(True))
    clip = clip_of(20, tmp_path / "clip")
    viewer.open(str(clip.video), plugin="napari-i3d")
    tracked = get_session(viewer).active
    one, other = tracked.tracking
    tracked.labels.set_annotation(Annotation(Ethogram((Behavior("walk"),)), n_frames=20), None)
    tracked.labels.editor.add(one, "walk", 3, 9)
    tracked.editor.swap(one, other, 5)
    bouts = tracked.labels.annotation.bouts
    get_session(viewer).recovery.save()
    asked = answer_question(answer)
    titles = accept_dialogs() if answer == "Save" else []
    viewer.window._qt_window.close()
    qtbot.wait(100)
    assert asked == ["animals: 1 correction is not saved.\n\nanimals: 2 changes of labels are not saved."]
    assert bool(closed) == (answer != "Cancel")
    viewer.layers.clear()
    if answer == "Cancel":
        assert find_label_recoveries(clip.video, None)
        return
    if answer == "Save":
        assert titles == ["Save the boxes of animals", "Save the labels of animals"]
        assert read_annotation(labels_path(clip.video)).bouts == bouts
        assert list(read_tracking(corrected_path(clip.video, clip.tracking, ".pickle"))) == [one, other]
    else:
        assert not labels_path(clip.video).exists()
    assert find_label_recoveries(clip.video, None) == find_recovery_files(clip.video, clip.tracking) == []
