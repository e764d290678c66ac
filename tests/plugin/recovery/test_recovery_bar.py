"""Corrections survive a killed viewer, and are offered, restored, kept or discarded by the bar."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers import program_environment
from helpers.clips import MakeClip
from helpers.windows import answer_question, click, notifications
from napari_i3d import write_tracking
from napari_i3d.plugin.context import get_session
from napari_i3d.projects.recovery import RecoveryFile, find_recovery_files, read_recovery
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.content import content_sha256
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.io.reading import read_tracking
from napari_i3d.tracking.tracklets import Tracking


@pytest.fixture
def clip(clip_of: MakeClip, tmp_path: Path) -> SyntheticClip:
    return clip_of(20, tmp_path / "clip")


def crash(clip: SyntheticClip, tracking: Path | None, base: Tracking | None = None, **options) -> TrackingEditor:
    """Leave corrections as a crashed session does."""
    editor = TrackingEditor(read_tracking(tracking) if tracking is not None else base)
    file = RecoveryFile(editor, clip.video, tracking, **options)
    editor.set_box("new", 3, (1, 2, 30, 40))
    for individual in [one for one in editor.tracking if one != "new"][:1]:
        editor.delete(individual)
    file.save()
    file.close()
    return editor


def opened(viewer, qtbot, *paths: Path):
    """Open files, and wait for the offer; return the video and the bar."""
    for path in paths:
        viewer.open(str(path), plugin="napari-i3d")
    session = get_session(viewer)
    qtbot.waitUntil(lambda: session.recovery.offering, timeout=10_000)
    return session.active, session.recovery.bar


def offered(viewer, qtbot) -> bool:
    qtbot.wait(700)
    return get_session(viewer).recovery.offering


# The same with labels is in the normal run.
@pytest.mark.nightly
def test_killed_viewer_loses_at_most_ten_seconds(viewer, qtbot, clip, home):
    script = Path(__file__).parents[2] / "helpers" / "correct_until_killed.py"
    process = subprocess.Popen(
        [sys.executable, str(script), str(clip.video), "60"],
        env=program_environment() | {"NAPARI_I3D_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    done = {}
    while not done or time.monotonic() - done[1] < 12:
        words = process.stdout.readline().split()
        if words[:1] == ["corrected"]:  # napari prints its notifications
            done[int(words[1])] = float(words[2])
    process.send_signal(signal.SIGKILL)
    killed_s = time.monotonic()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    (path,) = find_recovery_files(clip.video, clip.tracking)
    kept = len(read_recovery(path).steps)
    assert killed_s - done[kept] < 10
    tracked, bar = opened(viewer, qtbot, clip.video)
    assert f"({kept} steps) were not saved" in bar.text.text()
    click(qtbot, bar.restore)
    qtbot.waitUntil(lambda: tracked.editor.serial > 0)
    assert tracked.tracking[next(iter(tracked.tracking))].boxes[5].tolist() == [kept, 0, kept + 10, 10]


@pytest.mark.parametrize("first", ["video", "tracking"])
def test_restored_corrections_can_be_undone_and_stay_kept(viewer, qtbot, clip, tmp_path, first):
    other = tmp_path / "other" / "boxes.pickle"
    other.parent.mkdir()
    clip.tracking.rename(other)
    editor = crash(clip, other)
    tracked, bar = opened(viewer, qtbot, *((clip.video, other) if first == "video" else (other, clip.video)))
    assert "(2 steps) were not saved" in bar.text.text()
    click(qtbot, bar.restore)
    qtbot.waitUntil(lambda: tracked.editor.serial > 0)
    assert bar.parent().isHidden()
    assert content_sha256(tracked.tracking) == content_sha256(editor.tracking)
    assert [step.words for step in tracked.history.steps] == [step.words for step in editor.history.steps]
    assert not tracked.is_saved
    own = get_session(viewer).recovery.file_of(tracked)
    assert list(own.path.parent.glob("*.json")) == [own.path]
    tracked.history.go_to(0)
    assert content_sha256(tracked.tracking) == content_sha256(read_tracking(other))
    get_session(viewer).recovery.save()
    assert own.path is None


@pytest.mark.parametrize("base", [None, Tracking.from_boxes({"found": {f: [f, 0, f + 9, 9] for f in range(20)}})])
def test_boxes_without_a_file_are_restored(viewer, qtbot, clip, base):
    clip.tracking.unlink()
    editor = crash(clip, None, base, keep_base=base is not None)
    tracked, bar = opened(viewer, qtbot, clip.video)
    click(qtbot, bar.restore)
    qtbot.waitUntil(lambda: tracked.editor.serial > 0)
    assert content_sha256(tracked.tracking) == content_sha256(editor.tracking)
    assert tracked.tracking_path is None
    tracked.history.go_to(0)
    assert set(tracked.tracking or ()) == set(base or ())


def test_changed_boxes_are_said_and_cost_only_themselves(viewer, qtbot, clip):
    crash(clip, clip.tracking)
    (damaged,) = find_recovery_files(clip.video, clip.tracking)
    damaged.write_bytes(damaged.read_bytes()[:-20])
    crash(clip, clip.tracking)
    changed = TrackingEditor(read_tracking(clip.tracking))
    changed.delete_boxes(next(iter(changed.tracking)), 3, 5)
    write_tracking(clip.tracking, changed.tracking)
    crash(clip, clip.tracking)
    _, bar = opened(viewer, qtbot, clip.video)
    assert "(2 steps) were not saved." in bar.text.text()
    click(qtbot, bar.later)
    assert "the file was changed since" in bar.text.text()
    assert bar.restore.isHidden()
    answer_question("Discard")
    click(qtbot, bar.discard)
    assert "cannot be read" in bar.text.text() or "damaged" in bar.text.text()
    click(qtbot, bar.later)
    assert bar.parent().isHidden()
    assert len(find_recovery_files(clip.video, clip.tracking)) == 2


def test_discarded_corrections_are_gone_and_postponed_ones_come_again(viewer, qtbot, clip):
    crash(clip, clip.tracking)
    _, bar = opened(viewer, qtbot, clip.video)
    click(qtbot, bar.later)
    assert bar.parent().isHidden()
    viewer.layers.clear()
    _, bar = opened(viewer, qtbot, clip.video)
    answer_question("Cancel")
    click(qtbot, bar.discard)
    assert len(find_recovery_files(clip.video, clip.tracking)) == 1
    asked = answer_question("Discard")
    click(qtbot, bar.discard)
    assert "cannot be restored any more" in asked[0]
    assert find_recovery_files(clip.video, clip.tracking) == []


def test_new_corrections_block_restoring_until_undone(viewer, qtbot, clip):
    crash(clip, clip.tracking)
    tracked, bar = opened(viewer, qtbot, clip.video)
    tracked.editor.delete(next(iter(tracked.tracking)))
    assert not bar.restore.isEnabled()
    assert "undo" in bar.restore.toolTip()
    tracked.editor.undo()
    assert bar.restore.isEnabled()


def test_corrections_of_a_running_session_are_not_offered(viewer, qtbot, clip):
    editor = TrackingEditor(read_tracking(clip.tracking))
    file = RecoveryFile(editor, clip.video, clip.tracking)
    editor.delete(next(iter(editor.tracking)))
    file.save()
    viewer.open(str(clip.video), plugin="napari-i3d")
    assert not offered(viewer, qtbot)
    file.close()


@pytest.mark.parametrize("end", ["close", "layer", "other boxes"])
def test_unsaved_corrections_are_kept_when_their_boxes_go(viewer, qtbot, clip, end):
    viewer.open(str(clip.video), plugin="napari-i3d")
    tracked = get_session(viewer).active
    tracked.editor.delete(next(iter(tracked.tracking)))
    if end == "close":
        viewer.layers.clear()  # as Viewer.close does
    elif end == "layer":
        viewer.layers.remove(tracked.tracking_layer)
    else:
        tracked.set_tracking(read_tracking(clip.tracking), clip.tracking)
    assert len(find_recovery_files(clip.video, clip.tracking)) == 1
    assert any("are kept" in text for text in notifications("info"))


def test_undone_corrections_leave_no_file(viewer, qtbot, clip, home):
    viewer.open(str(clip.video), plugin="napari-i3d")
    session = get_session(viewer)
    tracked = session.active
    tracked.editor.delete(next(iter(tracked.tracking)))
    session.recovery.save()
    qtbot.waitUntil(lambda: session.recovery.file_of(tracked).path is not None)
    tracked.editor.undo()
    session.recovery.save()
    viewer.layers.clear()
    assert list((home / "recovery").glob("*.json")) == []


def test_folder_that_cannot_be_written_is_said_once(viewer, qtbot, clip, home):
    (home / "recovery").write_text("a file")
    viewer.open(str(clip.video), plugin="napari-i3d")
    session = get_session(viewer)
    for _ in range(4):
        session.active.editor.set_box("new", 3, (1, 2, 30, 40))
        session.recovery.save()
        qtbot.wait(200)
    assert len([text for text in notifications() if "cannot be kept for the case of a crash" in text]) == 1
