"""Corrected boxes saved through the dialog in every format, opened again, and asked for before closing."""

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QDialogButtonBox

from helpers.clips import MakeClip
from helpers.windows import answer_question, click, notifications, open_dock
from napari_i3d import read_tracking
from napari_i3d.plugin.closing.closing_question import ClosingQuestion
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.saving.box_saving import SAVE_ACTIONS
from napari_i3d.plugin.saving.save_dialog import SaveDialog
from napari_i3d.projects.recovery import find_recovery_files
from napari_i3d.projects.tracking_saving import save_tracking
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.content import content_sha256
from napari_i3d.tracking.io.format import VideoFacts
from napari_i3d.tracking.io.writing import WRITTEN
from napari_i3d.tracking.tracklets import Tracking

SAVE, SAVE_AS = (action.run for action in SAVE_ACTIONS)
FORMATS = [known.name for known in WRITTEN]


@pytest.fixture
def clip(clip_of: MakeClip, tmp_path: Path) -> SyntheticClip:
    return clip_of(20, tmp_path / "clip")


@pytest.fixture
def tracked(viewer, clip):
    viewer.open(str(clip.video), plugin="napari-i3d")
    tracked = get_session(viewer).active
    tracked.editor.set_box("striped", 4, (10.25, 20, 60, 80 + 1 / 3))
    tracked.editor.delete_boxes("spotted", 6, 9)
    return tracked


def use_dialog(qtbot, format_name: str = "pickle", path: Path | None = None, button: str = "Save") -> list[str]:
    """Use the next save dialog once it says what the format holds; the list gets that, and the suggested file."""
    seen: list[str] = []

    def use() -> None:
        dialogs = [one for one in QApplication.topLevelWidgets() if isinstance(one, SaveDialog) and one.isVisible()]
        if not dialogs:
            QTimer.singleShot(50, use)
            return
        dialog = dialogs[0]
        names = [dialog.formats.itemData(place).name for place in range(dialog.formats.count())]
        dialog.formats.setCurrentIndex(names.index(format_name))
        qtbot.waitUntil(lambda: "Looking" not in dialog.notes.text(), timeout=20_000)
        seen.extend([dialog.notes.text(), dialog.file.text()])
        if path is not None:
            dialog.file.setText(str(path))
        click(qtbot, dialog.buttons.button(getattr(QDialogButtonBox.StandardButton, button)))

    QTimer.singleShot(50, use)
    return seen


@pytest.mark.parametrize("format_name", FORMATS)
def test_saved_corrections_are_opened_again(viewer, qtbot, clip, tracked, format_name):
    original = clip.tracking.read_bytes()
    seen = use_dialog(qtbot, format_name)
    SAVE(get_session(viewer))
    notes, name = seen
    path = Path(name)
    assert path.parent == clip.video.parent
    assert path.stem == "animals_corrected"
    assert tracked.is_saved
    assert tracked.tracking_path == path
    assert clip.tracking.read_bytes() == original
    exact = content_sha256(read_tracking(path, format_name, tracked.video)) == content_sha256(tracked.tracking)
    assert notes.startswith("✓" if exact else "⚠")
    assert exact or format_name != "pickle"
    corrected = tracked.tracking
    viewer.layers.clear()
    viewer.open(str(clip.video), plugin="napari-i3d")
    again = get_session(viewer).active
    assert again.tracking_path == path
    assert any("the corrected one, in place of animals_tracks.pickle" in text for text in notifications("info"))
    for one, other in zip(corrected.values(), again.tracking.values(), strict=True):
        assert one.start == other.start
        np.testing.assert_array_equal(one.present, other.present)
        np.testing.assert_allclose(one.boxes, other.boxes, atol=0.01)


def test_further_corrections_go_to_the_same_file(viewer, qtbot, clip, tracked):
    use_dialog(qtbot)
    SAVE(get_session(viewer))
    tracked.editor.delete("spotted")
    assert not tracked.is_saved
    SAVE(get_session(viewer))  # asks nothing
    assert list(read_tracking(tracked.tracking_path)) == ["striped"]
    assert tracked.is_saved


def test_recovery_goes_on_from_the_saved_file(viewer, qtbot, clip, tracked):
    session = get_session(viewer)
    session.recovery.save()
    qtbot.waitUntil(lambda: session.recovery.file_of(tracked).path is not None)
    use_dialog(qtbot)
    SAVE(session)
    assert session.recovery.file_of(tracked).path is None
    tracked.editor.delete("spotted")
    session.recovery.save()
    qtbot.waitUntil(lambda: session.recovery.file_of(tracked).path is not None)
    viewer.layers.clear()
    assert find_recovery_files(clip.video, clip.tracking) == []
    assert len(find_recovery_files(clip.video, clip.video.with_name("animals_corrected.pickle"))) == 1


@pytest.mark.parametrize("replace", [True, False])
def test_file_of_the_tracking_program_is_replaced_only_on_request(viewer, qtbot, clip, tracked, replace):
    before = clip.tracking.read_bytes()
    use_dialog(qtbot, path=clip.tracking)
    asked = answer_question("Replace animals_tracks.pickle" if replace else "Choose another")
    if not replace:
        QTimer.singleShot(1500, lambda: use_dialog(qtbot, button="Cancel"))
    SAVE(get_session(viewer))
    assert "animals_tracks.pickle is the file that the boxes were opened from" in asked[0]
    assert (clip.tracking.read_bytes() != before) == replace == tracked.is_saved


def test_title_tells_that_corrections_are_unsaved(viewer, qtbot, clip, tracked):
    dock = open_dock(viewer, "Individuals")
    assert "unsaved corrections" in dock.title.text()
    assert "unsaved changes" in dock.corrections.save.toolTip()
    use_dialog(qtbot)
    SAVE(get_session(viewer))
    assert "unsaved" not in dock.title.text()
    assert "unsaved" not in dock.corrections.save.toolTip()
    tracked.editor.undo()
    assert "unsaved" in dock.title.text()


def test_layer_saved_from_the_file_menu_is_saved(viewer, qtbot, clip, tracked, tmp_path):
    viewer.layers.selection = {tracked.tracking_layer}
    path = tmp_path / "mine.pickle"
    viewer.layers.save(str(path), selected=True, plugin="napari-i3d")
    assert tracked.is_saved
    assert tracked.tracking_path == path
    assert content_sha256(read_tracking(path)) == content_sha256(tracked.tracking)


@pytest.mark.parametrize("answer", ["Save", "Discard", "Cancel"])
def test_closing_asks_about_unsaved_corrections(viewer, qtbot, clip, tracked, monkeypatch, answer):
    closed = []
    monkeypatch.setattr(ClosingQuestion, "_close", lambda _: closed.append(True))
    get_session(viewer).recovery.save()
    if answer == "Save":
        QTimer.singleShot(500, lambda: use_dialog(qtbot))
    asked = answer_question(answer)
    viewer.window._qt_window.close()
    qtbot.wait(100)
    assert asked == ["animals: 2 corrections are not saved."]
    assert bool(closed) == (answer != "Cancel")
    saved = clip.video.with_name("animals_corrected.pickle")
    assert saved.exists() == (answer == "Save")
    viewer.layers.clear()
    left = find_recovery_files(clip.video, clip.tracking) + find_recovery_files(clip.video, saved)
    assert len(left) == (answer == "Cancel")


def test_cancelled_save_keeps_the_window_open(viewer, qtbot, clip, tracked, monkeypatch):
    closed = []
    monkeypatch.setattr(ClosingQuestion, "_close", lambda _: closed.append(True))
    QTimer.singleShot(500, lambda: use_dialog(qtbot, button="Cancel"))
    answer_question("Save")
    viewer.window._qt_window.close()
    qtbot.wait(100)
    assert not closed
    assert not tracked.is_saved


def test_losses_are_measured_on_the_file(tmp_path):
    boxes = Tracking.from_boxes({1: dict.fromkeys(range(5), (0.0004, 0, 9, 9))})
    saved = save_tracking(tmp_path / "a.txt", boxes, "mot", VideoFacts(20, 20, 5, 25.0), key_frames=2)
    assert saved.losses == ("boxes are rounded: their sides differ by up to 0.0004 pixels when the file is read",)
    assert any("2 key frames set by hand" in note for note in saved.notes)
