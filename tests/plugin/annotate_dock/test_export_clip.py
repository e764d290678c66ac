"""The export of a clip by clicks, in a dock of its own; what is written is read and looked at."""

from pathlib import Path

import numpy as np
import pytest

from helpers.clips import MakeClip
from helpers.windows import LONG_MS, answer_question, choose_file, click, open_clip
from napari_i3d import Annotation, Bout, open_video, render_video
from napari_i3d.plugin.annotate_dock.export_clip import ClipContent, ExportClip, Span, Who
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.widgets.dock import Dock
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.rendering.options import RenderOptions

LABELS = Annotation(bouts=[Bout("striped", "running", 10, 30)], n_frames=72, fps=25)


class Host(Dock):
    """A dock with nothing but the panel."""

    NAME = "Export"

    def __init__(self, viewer) -> None:
        super().__init__(get_session(viewer))
        from qtpy.QtWidgets import QVBoxLayout

        self.content = ClipContent()
        self.panel = ExportClip(self._session, self.workers, lambda: self.content)
        fill(QVBoxLayout(self), self.panel, None)
        self.follow_active(
            self.panel.show_tracked,
            tracking_changed=self.panel.show_tracked,
            current_changed=self.panel.show_tracked,
            video_changed=self.panel.show_tracked,
        )

    def close_warning(self) -> str:
        return self.panel.close_warning()


@pytest.fixture
def opened(make_napari_viewer, clip_of: MakeClip, tmp_path: Path):
    """A window with the clip and the dock, unfolded."""
    viewer = make_napari_viewer(show=True)
    host = Host(viewer)
    viewer.window.add_dock_widget(host)
    tracked = open_clip(viewer, clip_of(72, tmp_path / "clip"))
    return viewer, tracked, host


def choose(box, choice: Span | Who) -> None:
    box.setCurrentIndex(list(type(choice)).index(choice))


def run(qtbot, panel: ExportClip) -> str:
    click(qtbot, panel.start)
    qtbot.waitUntil(lambda: panel.progress.worker is None, timeout=LONG_MS)
    return panel.progress.text.text()


def frames_of(path: Path) -> np.ndarray:
    with open_video(path) as video:
        return video[:]


def test_marked_span_is_written_as_the_function_writes_it(opened, tmp_path: Path, qtbot) -> None:
    _, tracked, host = opened
    host.content = ClipContent(LABELS, marked=(20, 26))
    panel = host.panel
    click(qtbot, panel.button)
    assert panel.form.isVisible()
    assert panel.file.text() == str(tmp_path / "clip" / "animals_clip.mp4")
    choose(panel.span, Span.MARKED)
    panel.file.setText(str(tmp_path / "out.mp4"))
    assert run(qtbot, panel) == f"6 frames written to {tmp_path / 'out.mp4'}"
    options = RenderOptions(start=20, stop=26)
    both = {"tracking": tracked.tracking, "annotation": LABELS}
    render_video(tracked.video, tmp_path / "same.mp4", **both, options=options)
    assert np.array_equal(frames_of(tmp_path / "out.mp4"), frames_of(tmp_path / "same.mp4"))


def test_choices_reach_the_clip(opened, tmp_path: Path, qtbot) -> None:
    _, tracked, host = opened
    host.content = ClipContent(LABELS, visible=(-5, 4))
    panel = host.panel
    click(qtbot, panel.button)
    tracked.current = "spotted"
    choose(panel.span, Span.VISIBLE)
    choose(panel.individuals, Who.CURRENT)
    panel.follow.setChecked(True)
    panel.ethogram.setChecked(False)
    panel.file.setText(str(tmp_path / "out.mp4"))
    run(qtbot, panel)
    options = RenderOptions(stop=4, individuals=("spotted",), follow="spotted", hide=frozenset({"ethogram"}))
    both = {"tracking": tracked.tracking, "annotation": LABELS}
    render_video(tracked.video, tmp_path / "same.mp4", **both, options=options)
    assert np.array_equal(frames_of(tmp_path / "out.mp4"), frames_of(tmp_path / "same.mp4"))
    tracked.shown = ["striped"]
    choose(panel.individuals, Who.SHOWN)
    panel.follow.setChecked(False)
    panel.file.setText(str(tmp_path / "shown.mp4"))
    run(qtbot, panel)
    options = RenderOptions(stop=4, individuals=("striped",), hide=frozenset({"ethogram"}))
    render_video(tracked.video, tmp_path / "same.mp4", **both, options=options, overwrite=True)
    assert np.array_equal(frames_of(tmp_path / "shown.mp4"), frames_of(tmp_path / "same.mp4"))


def test_cancelled_clip_leaves_nothing(make_napari_viewer, clip_of: MakeClip, tmp_path: Path, qtbot, ffmpegs) -> None:
    viewer = make_napari_viewer(show=True)
    host = Host(viewer)
    viewer.window.add_dock_widget(host)
    open_clip(viewer, clip_of(400, tmp_path / "clip"))
    panel = host.panel
    click(qtbot, panel.button)
    out = tmp_path / "out" / "clip.mp4"
    out.parent.mkdir()
    panel.file.setText(str(out))
    click(qtbot, panel.start)
    qtbot.waitUntil(lambda: bool(list(out.parent.iterdir())), timeout=LONG_MS)
    assert "not written" in host.close_warning()
    assert not panel.start.isEnabled()
    click(qtbot, panel.cancel)
    qtbot.waitUntil(lambda: panel.progress.worker is None, timeout=LONG_MS)
    assert panel.progress.text.text() == "Cancelled."
    assert list(out.parent.iterdir()) == []
    assert host.close_warning() == ""
    assert panel.start.isEnabled()
    click(qtbot, panel.cancel)
    assert panel.form.isHidden()
    assert panel.button.isVisible()


def test_existing_file_is_replaced_only_after_a_question(opened, tmp_path: Path, qtbot) -> None:
    _, _, host = opened
    host.content = ClipContent(marked=(0, 2))
    panel = host.panel
    click(qtbot, panel.button)
    choose(panel.span, Span.MARKED)
    out = tmp_path / "out.mp4"
    out.write_bytes(b"made by hand")
    panel.file.setText(str(out))
    seen = answer_question("Cancel")
    click(qtbot, panel.start)
    assert "out.mp4 exists" in seen[0]
    assert panel.progress.worker is None
    assert out.read_bytes() == b"made by hand"
    answer_question("Replace")
    click(qtbot, panel.start)
    qtbot.waitUntil(lambda: "2 frames written" in panel.progress.text.text(), timeout=LONG_MS)
    assert len(frames_of(out)) == 2


def test_errors_are_said_in_the_panel(opened, tmp_path: Path, qtbot) -> None:
    _, tracked, host = opened
    panel = host.panel
    click(qtbot, panel.button)
    panel.file.setText(str(tmp_path / "nowhere" / "out.mp4"))
    assert "no such folder" in run(qtbot, panel)
    panel.file.setText(" ")
    click(qtbot, panel.start)
    assert "expected the name of a file" in panel.progress.text.text()
    tracked.shown = []
    choose(panel.individuals, Who.SHOWN)
    panel.file.setText(str(tmp_path / "out.mp4"))
    click(qtbot, panel.start)
    assert panel.progress.text.text() == "no individual is shown"
    host.content = ClipContent(Annotation(bouts=[Bout("striped", "running", 0, 99)]))
    choose(panel.individuals, Who.ALL)
    assert "does the annotation belong to this video?" in run(qtbot, panel)
    assert not (tmp_path / "out.mp4").exists()


def test_only_what_there_is_can_be_chosen(make_napari_viewer, clip_of: MakeClip, tmp_path: Path, qtbot) -> None:
    viewer = make_napari_viewer()
    host = Host(viewer)
    viewer.window.add_dock_widget(host)
    panel = host.panel

    def offered(box) -> list[bool]:
        return [box.model().item(place).isEnabled() for place in range(box.count())]

    assert not panel.button.isEnabled()
    clip = clip_of(72, tmp_path / "clip")
    clip.tracking.unlink()
    viewer.open(str(clip.video), plugin="napari-i3d")
    assert panel.button.isEnabled()
    assert offered(panel.individuals) == [True, False, False]
    assert offered(panel.span) == [True, False, False]
    assert not panel.follow.isEnabled()
    assert not panel.ethogram.isEnabled()
    host.content = ClipContent(LABELS, marked=(1, 2))
    panel.show_tracked()
    assert offered(panel.span) == [True, True, False]
    assert panel.ethogram.isEnabled()
    choose(panel.span, Span.MARKED)
    host.content = ClipContent(LABELS)
    panel.show_tracked()
    assert panel.span.currentText() == Span.WHOLE.value


def test_chosen_file_gets_the_ending(opened, tmp_path: Path, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, host = opened
    click(qtbot, host.panel.button)
    choose_file(monkeypatch, "getSaveFileName", tmp_path / "fight")
    click(qtbot, host.panel.browse)
    assert host.panel.file.text() == str(tmp_path / "fight.mp4")
