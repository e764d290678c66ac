"""What tests of the plugin's windows do as a person does: open, click, answer, read what is said."""

import gc
from pathlib import Path

import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox

from napari_i3d.synthetic import SyntheticClip

LONG_MS = 120_000
"""More than any computation of a test takes."""


def open_dock(viewer, name: str):
    """Open a dock of the plugin by its name in the menu; return its widget."""
    return viewer.window.add_plugin_dock_widget("napari-i3d", name)[1]


def open_clip(viewer, clip: SyntheticClip):
    """Open a clip with its tracking; return the session's active video."""
    from napari_i3d import read_tracking
    from napari_i3d.plugin.context import get_session

    viewer.open(str(clip.video), plugin="napari-i3d")
    session = get_session(viewer)
    if session.active.tracking is None:
        session.add_tracking(read_tracking(clip.tracking), clip.tracking)
    return session.active


def click(qtbot, button) -> None:
    """Click a button once it is enabled, which must be soon."""
    qtbot.waitUntil(button.isEnabled)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def run_to_end(qtbot, dock) -> None:
    """Click Run of the Extract dock, and wait until it has ended."""
    click(qtbot, dock.bar.run)
    qtbot.waitUntil(lambda: not dock.bar.cancel.isEnabled(), timeout=LONG_MS)


def answer_question(text: str) -> list[str]:
    """Press a button of the next question; the list gets the text of the question."""
    seen: list[str] = []

    def press() -> None:
        boxes = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QMessageBox)]
        box = next((box for box in boxes if box.isVisible()), None)
        if box is None:
            QTimer.singleShot(50, press)
            return
        seen.append(box.text())
        next(button for button in box.buttons() if text in button.text()).click()

    QTimer.singleShot(50, press)
    return seen


def choose_file(monkeypatch: pytest.MonkeyPatch, kind: str, path: Path, chosen_filter: str = "") -> None:
    """Answer the next file dialogs of a kind, such as ``"getSaveFileName"``, with a path."""
    monkeypatch.setattr(QFileDialog, kind, lambda *_, **__: (str(path), chosen_filter))


def notifications(severity: str = "error") -> list[str]:
    """Return what napari showed of a severity; fail if any of it is an exception with a traceback."""
    from napari.utils.notifications import ErrorNotification, NotificationSeverity, notification_manager

    assert not any(isinstance(shown, ErrorNotification) for shown in notification_manager.records)
    return [shown.message for shown in notification_manager.records if shown.severity == NotificationSeverity(severity)]


@pytest.fixture(scope="session")
def napari_imported() -> None:
    """Import and find plugins as the first viewer would; take that out of the collector's sight, as `conftest` does."""
    import napari._qt.qt_main_window  # noqa: F401
    from npe2 import PluginManager

    PluginManager.instance().discover(include_npe1=True)
    gc.collect()
    gc.freeze()


@pytest.fixture
def make_napari_viewer(napari_imported, make_napari_viewer, monkeypatch: pytest.MonkeyPatch):
    """Return napari's own fixture, which closes all viewers, and fails if one stays in memory.

    Each viewer would read the manifests of all plugins again, only to find that they are known.
    What tests have imported and kept since is taken out of the collector's sight, as by `napari_imported`.
    """
    from npe2 import PluginManager

    monkeypatch.setattr(PluginManager, "discover", lambda *_, **__: 0)
    gc.collect()
    gc.freeze()
    return make_napari_viewer


@pytest.fixture
def viewer(make_napari_viewer):
    """A viewer in which nothing was said yet."""
    from napari.utils.notifications import notification_manager

    notification_manager.records.clear()
    return make_napari_viewer()
