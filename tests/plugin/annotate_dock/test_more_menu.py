"""The menu of the Annotate dock: statistics as the library computes them, figures, and clips."""

import csv
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.clips import MakeClip
from helpers.windows import LONG_MS, choose_file, click, notifications, open_clip, open_dock
from napari_i3d import Annotation, Bout, open_video, write_annotation
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.plugin.context import get_session
from napari_i3d.synthetic import SyntheticClip

FRAMES = 60
FPS = 25.0
ETHOGRAM = Ethogram((Behavior("walk", "w"), Behavior("rest", "r")))
BOUTS = (
    Bout("striped", "walk", 0, 10),
    Bout("striped", "rest", 10, 30),
    Bout("striped", "walk", 30, 45),
    Bout("spotted", "rest", 5, 20),
)


@pytest.fixture(scope="module")
def clip(clip_of: MakeClip) -> SyntheticClip:
    return clip_of(FRAMES)


@pytest.fixture
def opened(make_napari_viewer, clip, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    tracked = open_clip(viewer, clip)
    opened = get_session(viewer), tracked, open_dock(viewer, "Annotate").more
    begin(opened)
    return opened


def begin(opened) -> None:
    """The labels that all parts of a test begin with."""
    opened[1].labels.set_annotation(Annotation(ETHOGRAM, BOUTS, n_frames=FRAMES), None)


def entry(more, text: str):
    more.menu().aboutToShow.emit()
    return next(action for action in more.menu().actions() if action.text() == text)


def rows_of(table) -> dict[tuple[str, str], list[str]]:
    return {(row[0], row[1]): row[2:] for row in table.texts()}


def bouts_are_counted_and_saved(opened, tmp_path: Path, monkeypatch, qtbot):
    _, _, more = opened
    entry(more, "Bout statistics…").trigger()
    page = more._statistics.bouts
    # 10 and 15 of 60 frames at 25 frames/s.
    walk = rows_of(page.table)["striped", "walk"]
    assert walk[:5] == ["2", "41.7", "1", "0.5", "0.5"]
    assert walk[6:] == ["0", "50", "60"]
    assert rows_of(page.table)["spotted", "walk"][:4] == ["0", "0", "0", "–"]
    choose_file(monkeypatch, "getSaveFileName", tmp_path / "table")
    click(qtbot, page.save)
    with (tmp_path / "table.csv").open() as file:
        written = {(row["individual"], row["behavior"]): row for row in csv.DictReader(file)}
    assert (written["striped", "walk"]["count"], written["striped", "walk"]["total_s"]) == ("2", "1")


def statistics_follow_the_labels(opened, qtbot):
    _, tracked, more = opened
    entry(more, "Bout statistics…").trigger()
    table = more._statistics.bouts.table
    tracked.labels.editor.add("spotted", "walk", 30, 40)
    qtbot.waitUntil(lambda: rows_of(table)["spotted", "walk"][0] == "1")
    tracked.history.undo()
    qtbot.waitUntil(lambda: rows_of(table)["spotted", "walk"][0] == "0")


def test_numbers_sort_as_numbers(qtbot):
    from qtpy.QtCore import Qt

    from napari_i3d.plugin.label_statistics.number_table import NumberTable

    table = NumberTable([("name", ""), ("value", "")])
    qtbot.addWidget(table)
    table.show_rows([["a", 9.0], ["b", 1000], ["c", None], ["d", 20]])
    table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert [row[0] for row in table.texts()] == ["c", "a", "d", "b"]


def transitions_are_drawn_and_saved(opened, tmp_path: Path, monkeypatch, qtbot):
    _, _, more = opened
    entry(more, "Transitions…").trigger()
    page = more._statistics.transitions
    assert page.canvas.axes.get_title(loc="left") == "Transitions"
    assert {text.get_text() for text in page.canvas.axes.texts} == {"1"}
    choose_file(monkeypatch, "getSaveFileName", tmp_path / "next.csv")
    click(qtbot, page.save_table)
    with (tmp_path / "next.csv").open() as file:
        counts = {(row["behavior"], row["next_behavior"]): int(row["count"]) for row in csv.DictReader(file)}
    assert counts == {("walk", "walk"): 0, ("walk", "rest"): 1, ("rest", "walk"): 1, ("rest", "rest"): 0}
    choose_file(monkeypatch, "getSaveFileName", tmp_path / "next.png")
    click(qtbot, page.save)
    with Image.open(tmp_path / "next.png") as image:
        assert image.size[0] > 500


def time_budget_is_drawn_or_says_why_not(opened, tmp_path: Path, monkeypatch, qtbot):
    _, tracked, more = opened
    entry(more, "Time budget…").trigger()
    page = more._statistics.budget
    assert [text.get_text() for text in page.canvas.axes.get_yticklabels()] == ["striped", "spotted"]
    choose_file(monkeypatch, "getSaveFileName", tmp_path / "budget", "Vector graphics (*.svg)")
    click(qtbot, page.save)
    assert (tmp_path / "budget.svg").read_bytes()[:5] == b"<?xml"
    tracked.labels.set_annotation(Annotation(ETHOGRAM), None)
    qtbot.waitUntil(lambda: not page.save.isEnabled())
    assert "individuals that were assessed" in page.reason.text()


def test_statistics_are_shown_and_saved(opened, tmp_path, monkeypatch, qtbot):
    for part in (
        partial(bouts_are_counted_and_saved, tmp_path=tmp_path, monkeypatch=monkeypatch, qtbot=qtbot),
        partial(statistics_follow_the_labels, qtbot=qtbot),
        partial(transitions_are_drawn_and_saved, tmp_path=tmp_path, monkeypatch=monkeypatch, qtbot=qtbot),
        partial(time_budget_is_drawn_or_says_why_not, tmp_path=tmp_path, monkeypatch=monkeypatch, qtbot=qtbot),
    ):
        begin(opened)
        part(opened)


def agreement_with_another_file(opened, tmp_path: Path, monkeypatch, qtbot):
    _, _, more = opened
    other = Annotation(ETHOGRAM, (Bout("striped", "walk", 0, 10), Bout("striped", "rest", 10, 45)), n_frames=FRAMES)
    write_annotation(tmp_path / "other.csv", other)
    entry(more, "Agreement with another file…").trigger()
    page = more._statistics.agreement
    choose_file(monkeypatch, "getOpenFileName", tmp_path / "other.csv")
    click(qtbot, page.choose)
    qtbot.waitUntil(lambda: page.table.rowCount() == 3, timeout=LONG_MS)
    assert page.text.text() == "other.csv: 60 frames that both assessed"
    rows = {row[0]: row[1:] for row in page.table.texts()}
    # Walking: 25 and 10 frames, 10 of them in both. Resting: 20 and 35, 20 of them in both.
    assert float(rows["walk"][1]) == pytest.approx(2 * 10 / 35, abs=1e-3)
    assert float(rows["rest"][1]) == pytest.approx(2 * 20 / 55, abs=1e-3)
    assert rows["walk"][6:] == ["25", "10", "2", "1"]
    assert "all" in rows
    choose_file(monkeypatch, "getSaveFileName", tmp_path / "agreement.csv")
    click(qtbot, page.save)
    with (tmp_path / "agreement.csv").open() as file:
        assert [row["behavior"] for row in csv.DictReader(file)] == ["walk", "rest", ""]


def file_without_labels_is_told(opened, tmp_path: Path, monkeypatch, qtbot):
    _, _, more = opened
    (tmp_path / "other.csv").write_text("nothing,of,this\n1,2,3\n")
    entry(more, "Agreement with another file…").trigger()
    page = more._statistics.agreement
    choose_file(monkeypatch, "getOpenFileName", tmp_path / "other.csv")
    click(qtbot, page.choose)
    qtbot.waitUntil(lambda: "other.csv" in page.text.text(), timeout=LONG_MS)
    assert page.table.rowCount() == 0
    assert not page.save.isEnabled()


def test_other_files_agreement_is_shown_or_refused(opened, tmp_path, monkeypatch, qtbot):
    for part in (
        partial(file_without_labels_is_told, tmp_path=tmp_path, monkeypatch=monkeypatch, qtbot=qtbot),
        partial(agreement_with_another_file, tmp_path=tmp_path, monkeypatch=monkeypatch, qtbot=qtbot),
    ):
        begin(opened)
        part(opened)


def figure_of_labels_shows_the_frames_in_view(opened, tmp_path: Path, monkeypatch, qtbot):
    _, _, more = opened
    assert not entry(more, "Save figure of the clusters…").isEnabled()
    choose_file(monkeypatch, "getSaveFileName", tmp_path / "labels.svg")
    entry(more, "Save figure of the labels…").trigger()
    assert b"svg" in (tmp_path / "labels.svg").read_bytes()[:400]
    assert not notifications()


def clip_of_the_frames_in_view(opened, tmp_path: Path, qtbot):
    from napari_i3d.plugin.annotate_dock.export_clip import Span

    _, _, more = opened
    more._canvas.limits = (12, 27)
    entry(more, "Export clip…").trigger()
    panel = more._clip.panel
    assert panel.form.isVisible()
    panel.span.setCurrentIndex(list(Span).index(Span.VISIBLE))
    panel.file.setText(str(tmp_path / "clip.mp4"))
    click(qtbot, panel.start)
    assert more.close_warning()
    qtbot.waitUntil(lambda: panel.progress.worker is None, timeout=LONG_MS)
    assert not more.close_warning()
    first, last = (np.floor(more._canvas.limits[0]), np.ceil(more._canvas.limits[1]))
    with open_video(tmp_path / "clip.mp4") as video:
        assert len(video) == last - first
    click(qtbot, panel.cancel)
    assert not more._clip.isVisible()


def test_figure_and_clip_show_the_frames_in_view(opened, tmp_path, monkeypatch, qtbot):
    for part in (
        partial(figure_of_labels_shows_the_frames_in_view, tmp_path=tmp_path, monkeypatch=monkeypatch, qtbot=qtbot),
        partial(clip_of_the_frames_in_view, tmp_path=tmp_path, qtbot=qtbot),
    ):
        begin(opened)
        part(opened)
