"""Labels are opened, saved and imported by the File button, by drag and drop and beside their video.

Written files are read by the package's readers, which are tested against other programs' files elsewhere.
"""

import importlib.util
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QDialog, QDialogButtonBox, QMessageBox

from helpers import label_files
from helpers.clips import MakeClip
from helpers.windows import answer_question, choose_file, notifications, open_dock
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.annotations.io.formats import WRITTEN
from napari_i3d.annotations.io.writing import write_annotation
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.labels.individuals_dialog import IndividualsDialog
from napari_i3d.plugin.labels.label_save_dialog import LabelSaveDialog
from napari_i3d.projects.label_files import labels_path
from napari_i3d.projects.label_recovery import find_label_recoveries
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.tracklets import Tracking

N_FRAMES = 40
ETHOGRAM = Ethogram((Behavior("walk", "w", "#112233", "on legs"), Behavior("rest", "r", exclusive=False)))
HAS_NWB = importlib.util.find_spec("ndx_ethogram") is not None
FORMATS = [known for known in WRITTEN if known.name != "nwb" or HAS_NWB]


@pytest.fixture
def clip(clip_of: MakeClip, tmp_path: Path) -> SyntheticClip:
    return clip_of(N_FRAMES, tmp_path / "clip")


@pytest.fixture
def dock(viewer, clip):
    dock = open_dock(viewer, "Annotate")
    viewer.open(str(clip.video), plugin="napari-i3d")
    return dock


_test: list[object] = []


@pytest.fixture(autouse=True)
def unexpected(qapp):
    """Reject dialogs that nobody answers, and fail."""
    seen: list[QDialog] = []
    texts: list[str] = []
    _test.append(object())

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if dialog is not None and seen[-2:] == [dialog, dialog]:
            texts.append(f"{dialog.windowTitle()}: {dialog.text() if isinstance(dialog, QMessageBox) else ''}")
            dialog.reject()
        seen.append(dialog)

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(4000)
    yield
    timer.stop()
    assert texts == []


def opened(viewer):
    return get_session(viewer).active


def forget_labels(viewer) -> None:
    """Begin with no labels and nothing said; what no dialog came for is not done in a later one."""
    _test.append(object())
    opened(viewer).labels.set_annotation(Annotation(n_frames=N_FRAMES), None)
    notification_manager.records.clear()


def open_another(viewer, clip_of: MakeClip, folder: Path) -> SyntheticClip:
    """Close the video, and open another that has no labels yet."""
    clip = clip_of(N_FRAMES, folder)
    viewer.layers.clear()
    viewer.open(str(clip.video), plugin="napari-i3d")
    forget_labels(viewer)
    return clip


def label(viewer, *ids, **more) -> Annotation:
    """Label the active video with bouts that every format can hold."""
    tracked = opened(viewer)
    one, other = ids or tracked.tracking
    bouts = (Bout(one, "walk", 0, 7), Bout(one, "rest", 20, 21), Bout(other, "rest", 30, N_FRAMES))
    annotation = Annotation(ETHOGRAM, bouts, n_frames=N_FRAMES, fps=tracked.video.fps, **more)
    tracked.labels.set_annotation(Annotation(ETHOGRAM, n_frames=N_FRAMES, fps=tracked.video.fps), None)
    with tracked.labels.editor.group("label"):
        for bout in bouts:
            tracked.labels.editor.add(bout.individual, bout.behavior, bout.start, bout.stop)
    return annotation


def drive(kind: type[QDialog], act) -> None:
    """Do something in the next dialog of a kind."""
    end_s, test = time.monotonic() + 30, _test[-1]

    def look() -> None:
        if _test[-1] is not test:
            return  # not answered, and not to be answered in the next test
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, kind):
            if time.monotonic() < end_s:
                QTimer.singleShot(50, look)
            return
        act(dialog)

    QTimer.singleShot(50, look)


def press(dialog, name: str) -> None:
    dialog.buttons.button(getattr(QDialogButtonBox.StandardButton, name)).click()


def save_as(dock, format_name: str, path: Path | None = None, individual: int = 0, notes: list[str] | None = None):
    def act(dialog) -> None:
        dialog.formats.setCurrentIndex([known.name for known in WRITTEN].index(format_name))
        dialog.individuals.setCurrentIndex(individual)
        if path is not None:
            dialog.file.setText(str(path))

        def finish() -> None:
            if dialog.notes.text().startswith("Looking"):
                QTimer.singleShot(50, finish)
                return
            if notes is not None:
                notes.append(dialog.notes.text())
            press(dialog, "Save")

        finish()

    drive(LabelSaveDialog, act)
    dock.file.save_as.trigger()


def bouts_of(annotation: Annotation) -> set[tuple]:
    return {(bout.individual, bout.behavior, bout.start, bout.stop) for bout in annotation.bouts}


def test_every_format_is_saved_and_opened_again(viewer, qtbot, dock, clip, monkeypatch, tmp_path):
    tracked = opened(viewer)
    one = next(iter(tracked.tracking))
    names: list = []

    def name(dialog) -> None:
        names.extend(dialog.boxes)
        for box in dialog.boxes.values():
            box.setCurrentIndex(1)
        press(dialog, "Ok")

    for known in FORMATS:
        annotation = label(viewer, *((0, 1) if known.name == "jabs" else ()))  # JABS knows numbers only
        single = known.name in ("deepethogram", "ms-tcn")
        notes: list[str] = []
        path = tmp_path / known.name / f"out{next(iter(known.endings), '.txt')}"
        path.parent.mkdir()
        save_as(dock, known.name, path, individual=int(single), notes=notes)
        assert path.exists(), known.name
        assert known.base in notes[0]
        assert known.ends in notes[0]
        kept = {bout for bout in bouts_of(annotation) if not single or bout[0] == one}
        # Only our own file keeps everything: others are exports.
        assert tracked.labels.editor.is_saved == (known.name == "json")
        tracked.labels.set_annotation(Annotation(n_frames=N_FRAMES), None)
        choose_file(monkeypatch, "getOpenFileName", path)
        names.clear()
        drive(IndividualsDialog, name)
        dock.file.open.trigger()
        found = bouts_of(tracked.labels.annotation)
        assert ({bout[1:] for bout in found} if names else found) == ({bout[1:] for bout in kept} if names else kept), (
            known.name
        )
        assert any("bout" in text and path.name in text for text in notifications("info"))


def test_saved_labels_are_opened_with_their_video(viewer, qtbot, dock, clip):
    annotation = label(viewer)
    assert dock.file.text() == "File • ▾"
    drive(LabelSaveDialog, lambda dialog: press(dialog, "Save"))
    dock.file.save.trigger()
    path = labels_path(clip.video)
    assert opened(viewer).labels.path == path
    assert dock.file.text() == "File ▾"
    opened(viewer).labels.editor.do(_assess(viewer))
    dock.file.save.trigger()  # its own file, without a question
    saved = opened(viewer).labels.annotation
    viewer.layers.clear()
    viewer.open(str(clip.video), plugin="napari-i3d")
    qtbot.waitUntil(lambda: opened(viewer).labels.path == path)
    tracked = opened(viewer)
    assert tracked.labels.annotation.bouts == annotation.bouts == saved.bouts
    assert tracked.labels.annotation.assessed == saved.assessed
    assert tracked.labels.editor.is_saved
    assert len(viewer.layers) == 3  # video, boxes and their ids; no layer for labels
    assert not notifications("error")


def _assess(viewer):
    from napari_i3d.annotations.editing.painting import Assess

    return Assess(next(iter(opened(viewer).tracking)), 8, 12)


def foreign_file_is_not_replaced_without_a_question(viewer, dock, clip):
    label(viewer)
    path = labels_path(clip.video)
    path.write_text('{"what": "somebody else\'s"}')
    asked = []

    def act(dialog) -> None:
        asked.append(answer_question("Choose another"))
        press(dialog, "Save")
        drive(LabelSaveDialog, lambda again: press(again, "Cancel"))

    drive(LabelSaveDialog, act)
    dock.file.save.trigger()
    assert "animals_labels.json exists" in asked[0][0]
    assert "not a file of labels" in asked[0][0]
    assert json.loads(path.read_text()) == {"what": "somebody else's"}
    assert not opened(viewer).labels.editor.is_saved


def file_that_somebody_changed_is_asked_about(viewer, dock, clip):
    label(viewer)
    drive(LabelSaveDialog, lambda dialog: press(dialog, "Save"))
    dock.file.save.trigger()
    path = labels_path(clip.video)
    write_annotation(path, Annotation(ETHOGRAM, n_frames=N_FRAMES))
    opened(viewer).labels.editor.do(_assess(viewer))
    before = path.read_bytes()
    asked = answer_question("Choose another")
    drive(LabelSaveDialog, lambda dialog: press(dialog, "Cancel"))
    dock.file.save.trigger()
    assert "was changed since it was opened" in asked[0]
    assert path.read_bytes() == before
    answer_question("Replace")
    dock.file.save.trigger()
    assert opened(viewer).labels.editor.is_saved
    assert path.read_bytes() != before


def other_program_s_file_is_opened_but_not_written_to(viewer, dock, clip, tmp_path, monkeypatch):
    path = tmp_path / "events.csv"
    path.write_text("individual,behavior,start,stop\nstriped,walk,3,9\n")
    choose_file(monkeypatch, "getOpenFileName", path)
    dock.file.open.trigger()
    tracked = opened(viewer)
    assert [(b.individual, b.behavior, b.start, b.stop) for b in tracked.labels.annotation.bouts] == [
        ("striped", "walk", 3, 9)
    ]
    assert tracked.labels.path is None
    tracked.labels.editor.add("striped", "walk", 20, 22)
    drive(LabelSaveDialog, lambda dialog: press(dialog, "Save"))
    dock.file.save.trigger()
    assert path.read_text().count("\n") == 2
    assert tracked.labels.path == labels_path(clip.video)


def test_saving_replaces_no_file_unasked(viewer, dock, clip, clip_of: MakeClip, tmp_path, monkeypatch):
    foreign_file_is_not_replaced_without_a_question(viewer, dock, clip)
    clip = open_another(viewer, clip_of, tmp_path / "changed")
    file_that_somebody_changed_is_asked_about(viewer, dock, clip)
    clip = open_another(viewer, clip_of, tmp_path / "of_others")
    other_program_s_file_is_opened_but_not_written_to(viewer, dock, clip, tmp_path, monkeypatch)


def labels_named_after_another_video_are_asked_about(viewer, dock, clip, tmp_path, answer):
    from napari_i3d.annotations.annotation import VideoFacts

    path = tmp_path / "other.json"
    write_annotation(path, Annotation(ETHOGRAM, n_frames=N_FRAMES, video=VideoFacts("another day.mp4")))
    asked = answer_question(answer)
    viewer.open(str(path), plugin="napari-i3d")
    QApplication.processEvents()
    assert "another day.mp4" in asked[0]
    assert bool(opened(viewer).labels.annotation.ethogram) == (answer == "Open anyway")


def labels_of_another_length_are_refused(viewer, dock, clip, tmp_path):
    path = tmp_path / "animals_labels.json"
    write_annotation(path, Annotation(ETHOGRAM, n_frames=N_FRAMES + 1))
    label(viewer)
    before = opened(viewer).labels.annotation
    viewer.open(str(path), plugin="napari-i3d")
    QApplication.processEvents()
    assert any("40 frames" in text and "41 frames" in text for text in notifications())
    assert opened(viewer).labels.annotation is before


def test_unsaved_labels_are_asked_about_before_others_are_opened(viewer, dock, clip_of: MakeClip, tmp_path):
    path = tmp_path / "other.json"
    write_annotation(path, Annotation(ETHOGRAM, n_frames=N_FRAMES))
    for answer in ("Save", "Discard", "Cancel"):
        clip = open_another(viewer, clip_of, tmp_path / answer)
        annotation = label(viewer)
        asked = answer_question(answer)
        drive(LabelSaveDialog, lambda dialog: press(dialog, "Save"))
        viewer.open(str(path), plugin="napari-i3d")
        QApplication.processEvents()
        assert "labels are not saved" in asked[0]
        assert labels_path(clip.video).exists() == (answer == "Save")
        assert (opened(viewer).labels.annotation.bouts == annotation.bouts) == (answer == "Cancel")
        viewer.layers.clear()
        assert bool(find_label_recoveries(clip.video, None)) == (answer == "Cancel")


def unnamed_individual_is_offered_as_the_only_one(viewer, dock, clip, tmp_path):
    tracked = opened(viewer)
    one = next(iter(tracked.tracking))
    tracked.set_tracking(Tracking([tracked.tracking[one]]), clip.tracking)
    path = label_files.deepethogram(tmp_path / "x_labels.csv", {"walk": [(3, 9)], "rest": []}, n_frames=N_FRAMES)
    shown = []
    drive(IndividualsDialog, lambda dialog: (shown.append(dialog.names), press(dialog, "Ok")))
    viewer.open(str(path), plugin="napari-i3d")
    QApplication.processEvents()
    assert shown == [{"unnamed": one}]
    assert bouts_of(tracked.labels.annotation) == {(one, "walk", 3, 9)}
    assert tracked.labels.annotation.individuals == (one,)


def test_file_dropped_with_its_video_waits_for_it(viewer, qtbot, clip, tmp_path):
    path = tmp_path / "animals_x.csv"
    path.write_text("individual,behavior,start,stop\nstriped,walk,3,9\n")
    viewer.open(str(path), plugin="napari-i3d")
    viewer.open(str(clip.video), plugin="napari-i3d")
    qtbot.waitUntil(lambda: bool(opened(viewer).labels.annotation.bouts))
    viewer.layers.clear()
    viewer.open(str(path), plugin="napari-i3d")
    qtbot.waitUntil(lambda: any("open the video" in text for text in notifications()))


def test_import_adds_bouts_and_keeps_or_cuts_those_in_conflict(viewer, dock, clip, tmp_path, monkeypatch):
    ethogram = Ethogram((Behavior("walk", "w"), Behavior("groom", "r"), Behavior("rest", exclusive=False)))
    other = (
        Bout("striped", "groom", 5, 9),
        Bout("striped", "groom", 12, 14, origin=Origin.AUTOMATED, confidence=0.5, note="n"),
        Bout("spotted", "rest", 35, N_FRAMES),
    )
    path = tmp_path / "other.json"
    write_annotation(path, Annotation(ethogram, other, n_frames=N_FRAMES))
    choose_file(monkeypatch, "getOpenFileName", path)
    before = label(viewer)
    editor = opened(viewer).labels.editor
    asked = answer_question("Keep mine")
    dock.file.add.trigger()
    assert "1 conflict" in asked[0]
    assert bouts_of(editor.annotation) == bouts_of(before) | {("striped", "groom", 12, 14)}
    assert other[1] in editor.annotation.bouts
    assert [behavior.key for behavior in editor.ethogram.values()] == ["w", "r", ""]
    editor.undo()
    assert bouts_of(editor.annotation) == bouts_of(before)
    answer_question("Cut mine")
    dock.file.add.trigger()
    expected = bouts_of(before) - {("striped", "walk", 0, 7)} | {
        ("striped", "walk", 0, 5),
        ("striped", "groom", 5, 9),
        ("striped", "groom", 12, 14),
    }
    assert bouts_of(editor.annotation) == expected
    position = len(editor.history.steps)
    dock.file.add.trigger()  # nothing is new, so nothing is asked
    assert len(editor.history.steps) == position


def file_of_both_kinds_is_asked_about(viewer, dock, clip, tmp_path):
    path = label_files.calms21(tmp_path / "both.json", {"v": [0, 1, 1, *[2] * (N_FRAMES - 3)]}, ["x", "y", "z"])
    path.write_text(path.read_text().replace('"fps": 30', '"fps": 25'))
    asked = answer_question("Labels")
    drive(IndividualsDialog, lambda dialog: press(dialog, "Ok"))
    viewer.open(str(path), plugin="napari-i3d")
    QApplication.processEvents()
    assert "both.json may hold" in asked[0]
    assert opened(viewer).tracking_path == clip.tracking
    assert {bout[1:] for bout in bouts_of(opened(viewer).labels.annotation)} >= {("y", 1, 3)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"a,b\n1,2\n"),
        ("a.json", b'{"some": "thing"}'),
        ("a.txt", b"notes of a day\n"),
        ("a.xlsx", b"PK\x03\x04nothing"),
        ("a.pickle", b"\x80\x04]\x94."),
        ("a.npy", b"\x93NUMPY"),
        ("a.mat", b"MATLAB 5.0"),
        ("a.tsv", b""),
    ],
)
def test_files_of_others_are_left_to_others(tmp_path, name, content):
    from napari_i3d.plugin.reader import get_labels_reader

    path = tmp_path / name
    path.write_bytes(content)
    assert get_labels_reader(str(path)) is None
    assert get_labels_reader([str(path)]) is None
    assert get_labels_reader(str(tmp_path / "missing.json")) is None


HOSTILE = [
    {"bouts": [{"individual": "striped", "behavior": "walk", "frames": [5, 10**12]}]},
    {"bouts": [{"individual": "striped", "behavior": "\u202e\n", "frames": [5, 9]}]},
    {"behaviors": [{"name": "walk", "key": "w"}, {"name": "run", "key": "w"}]},
    {"version": 99},
    {"bouts": "x"},
]


def hostile_labels_are_refused_in_words(viewer, dock, clip, tmp_path, change):
    label(viewer)
    before = opened(viewer).labels.annotation
    path = tmp_path / "hostile.json"
    write_annotation(path, before)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    viewer.open(str(path), plugin="napari-i3d")
    QApplication.processEvents()
    assert len(notifications()) == 1
    assert opened(viewer).labels.annotation is before


def names_like_html_are_shown_as_they_are(viewer, dock, clip, tmp_path):
    annotation = replace(label(viewer), bouts=(Bout("<b>x</b>" * 40, "walk", 3, 5),), individuals=())
    path = tmp_path / "names.json"
    write_annotation(path, annotation)
    opened(viewer).labels.set_annotation(Annotation(n_frames=N_FRAMES), None)
    drive(IndividualsDialog, lambda dialog: (dialog.grab(), press(dialog, "Cancel")))
    viewer.open(str(path), plugin="napari-i3d")
    QApplication.processEvents()
    assert not opened(viewer).labels.annotation.bouts


def test_unusable_or_foreign_labels_change_nothing(viewer, dock, clip, tmp_path):
    labels_of_another_length_are_refused(viewer, dock, clip, tmp_path)
    for change in HOSTILE:
        notification_manager.records.clear()
        hostile_labels_are_refused_in_words(viewer, dock, clip, tmp_path, change)
    names_like_html_are_shown_as_they_are(viewer, dock, clip, tmp_path)
    for answer in ("Open anyway", "Cancel"):
        forget_labels(viewer)
        labels_named_after_another_video_are_asked_about(viewer, dock, clip, tmp_path, answer)
    forget_labels(viewer)
    file_of_both_kinds_is_asked_about(viewer, dock, clip, tmp_path)
    forget_labels(viewer)
    unnamed_individual_is_offered_as_the_only_one(viewer, dock, clip, tmp_path)
