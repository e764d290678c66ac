"""Labels survive a killed viewer, alone and with corrections, whatever becomes of their file or their boxes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers import program_environment
from helpers.clips import MakeClip
from helpers.windows import answer_question, click, notifications
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.plugin.context import get_session
from napari_i3d.projects.label_recovery import find_label_recoveries, read_label_recovery
from napari_i3d.projects.recovery import find_recovery_files
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.content import content_sha256
from napari_i3d.tracking.io.reading import read_tracking

ETHOGRAM = Ethogram((Behavior("walk", "w"), Behavior("rest", "r")))


@pytest.fixture
def clip(clip_of: MakeClip, tmp_path: Path) -> SyntheticClip:
    return clip_of(20, tmp_path / "clip")


def opened(viewer, clip, annotation: Annotation | None = None):
    viewer.open(str(clip.video), plugin="napari-i3d")
    tracked = get_session(viewer).active
    if annotation is not None:
        tracked.labels.set_annotation(annotation, None)
    return tracked


def crash(viewer, tracked) -> None:
    """Leave what is unsaved as a killed session does, and close the video."""
    recovery = get_session(viewer).recovery
    files = (recovery.file_of(tracked), recovery.label_file_of(tracked))
    for file in files:
        file.save()
    left = {file.path: file.path.read_bytes() for file in files if file.path is not None}
    folder = next(iter(left)).parent
    viewer.layers.clear()
    for path in folder.glob("*.json"):
        path.unlink()
    for path, content in left.items():
        path.write_bytes(content)


def offer_of(viewer, qtbot, clip):
    tracked = opened(viewer, clip)
    session = get_session(viewer)
    qtbot.waitUntil(lambda: session.recovery.offering, timeout=10_000)
    return tracked, session.recovery.bar


def test_killed_viewer_offers_labels_and_boxes_together(viewer, qtbot, clip, home):
    script = Path(__file__).parents[2] / "helpers" / "label_until_killed.py"
    process = subprocess.Popen(
        [sys.executable, str(script), str(clip.video), "60"],
        env=program_environment() | {"NAPARI_I3D_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    done, first_s = {}, None
    while first_s is None or time.monotonic() - first_s < 12:
        line = process.stdout.readline()
        if line.startswith("labelled"):
            steps, *state = json.loads(line.removeprefix("labelled"))
            done[steps] = state
            first_s = first_s or time.monotonic()
    process.send_signal(signal.SIGKILL)
    killed_s = time.monotonic()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    tracked, bar = offer_of(viewer, qtbot, clip)
    assert "corrections of" in bar.text.text()
    assert "labels of" in bar.text.text()
    click(qtbot, bar.restore)
    qtbot.waitUntil(lambda: tracked.labels.editor.serial > 0)
    kept_s, bouts, boxes = done[len(tracked.history.steps)]
    assert killed_s - kept_s < 10
    assert [str(bout) for bout in tracked.labels.annotation.bouts] == bouts
    assert content_sha256(tracked.tracking) == boxes
    assert not get_session(viewer).recovery.offering
    tracked.history.go_to(0)
    assert tracked.labels.annotation.bouts == ()
    assert content_sha256(tracked.tracking) == content_sha256(read_tracking(clip.tracking))


def test_accepted_proposals_are_kept_as_labels(viewer, qtbot, clip):
    tracked = opened(viewer, clip, Annotation(ETHOGRAM))
    one, other = tracked.tracking
    found = [Bout(who, "walk", 3, 9, origin=Origin.AUTOMATED, confidence=0.7) for who in (one, other)]
    proposed = Annotation(Ethogram((*ETHOGRAM.behaviors, Behavior("groom"))), found)
    tracked.predictions.set(proposed, "probe")
    tracked.predictions.accept(tracked.labels.editor, [found[0]], "groom")
    tracked.editor.swap(one, other, 5)
    tracked.predictions.reject(tracked.labels.editor, tracked.predictions.editor.bouts_of(other)[:1], assess=True)
    annotation, boxes = tracked.labels.annotation, content_sha256(tracked.tracking)
    assert len(annotation.bouts) == 2
    crash(viewer, tracked)
    tracked, bar = offer_of(viewer, qtbot, clip)
    tracked.predictions.set(proposed, "probe")
    click(qtbot, bar.restore)
    qtbot.waitUntil(lambda: not get_session(viewer).recovery.offering)
    assert (tracked.labels.annotation, content_sha256(tracked.tracking)) == (annotation, boxes)
    # They were made before the swap that is restored: perhaps of another animal.
    assert tracked.predictions.annotation is None
    tracked.predictions.set(proposed, "probe")
    assert len(tracked.predictions.annotation.bouts) == 2
    tracked.history.go_to(0)
    assert (tracked.labels.annotation.bouts, tracked.labels.annotation.assessed) == ((), {})


def test_restored_labels_stay_kept_and_can_be_undone(viewer, qtbot, clip):
    tracked = opened(viewer, clip, Annotation(ETHOGRAM))
    one, other = tracked.tracking
    tracked.labels.editor.add(one, "walk", 3, 9)
    tracked.editor.swap(one, other, 5)
    annotation, boxes = tracked.labels.annotation, content_sha256(tracked.tracking)
    crash(viewer, tracked)
    tracked, bar = offer_of(viewer, qtbot, clip)
    click(qtbot, bar.restore)
    qtbot.waitUntil(lambda: not get_session(viewer).recovery.offering)
    assert (tracked.labels.annotation, content_sha256(tracked.tracking)) == (annotation, boxes)
    own = get_session(viewer).recovery.label_file_of(tracked)
    assert sorted(own.path.parent.glob("labels-*.json")) == [own.path]
    # Corrections take the restored labels along again.
    tracked.history.undo()
    assert tracked.labels.annotation.bouts == (Bout(one, "walk", 3, 9),)
    tracked.editor.swap(one, other, 8)
    assert tracked.labels.annotation.bouts == (Bout(one, "walk", 3, 8), Bout(other, "walk", 8, 9))


def test_labels_alone_are_restored_whatever_became_of_their_file(viewer, qtbot, clip, tmp_path):
    tracked = opened(viewer, clip)
    path = tmp_path / "elsewhere.json"
    path.write_text("gone soon")
    tracked.labels.set_annotation(Annotation(ETHOGRAM, (Bout("a", "rest", 1, 2),)), path)
    path.unlink()
    tracked.labels.editor.add("a", "walk", 3, 9)
    crash(viewer, tracked)
    tracked, bar = offer_of(viewer, qtbot, clip)
    assert bar.text.text().count("were not saved") == 1
    assert "corrections" not in bar.text.text()
    click(qtbot, bar.restore)
    qtbot.waitUntil(lambda: tracked.labels.editor.serial > 0)
    assert tracked.labels.annotation.bouts == (Bout("a", "rest", 1, 2), Bout("a", "walk", 3, 9))
    assert tracked.labels.path == path
    assert tracked.is_saved
    assert tracked.tracking is not None


def test_discarded_labels_are_gone_and_postponed_ones_come_again(viewer, qtbot, clip):
    tracked = opened(viewer, clip, Annotation(ETHOGRAM))
    tracked.labels.editor.add("a", "walk", 3, 9)
    crash(viewer, tracked)
    _, bar = offer_of(viewer, qtbot, clip)
    click(qtbot, bar.later)
    assert not get_session(viewer).recovery.offering
    viewer.layers.clear()
    _, bar = offer_of(viewer, qtbot, clip)
    answer_question("Discard")
    click(qtbot, bar.discard)
    assert find_label_recoveries(clip.video, None) == []


def test_new_labels_block_restoring_until_undone(viewer, qtbot, clip):
    tracked = opened(viewer, clip, Annotation(ETHOGRAM))
    tracked.labels.editor.add("a", "walk", 3, 9)
    crash(viewer, tracked)
    tracked, bar = offer_of(viewer, qtbot, clip)
    tracked.labels.editor.assess("b", 0, 3)
    assert not bar.restore.isEnabled()
    tracked.labels.editor.undo()
    assert bar.restore.isEnabled()


def test_corrections_that_cannot_be_restored_leave_the_labels(viewer, qtbot, clip):
    tracked = opened(viewer, clip, Annotation(ETHOGRAM))
    one, other = tracked.tracking
    tracked.labels.editor.add(one, "walk", 3, 9)
    tracked.editor.swap(one, other, 5)
    bouts = tracked.labels.annotation.bouts
    crash(viewer, tracked)
    changed = read_tracking(clip.tracking)
    tracking = type(changed)(changed[one] for one in list(changed)[:1])
    from napari_i3d import write_tracking

    write_tracking(clip.tracking, tracking)
    tracked, bar = offer_of(viewer, qtbot, clip)
    assert "the file was changed since" in bar.text.text()
    click(qtbot, bar.later)
    assert "labels of" in bar.text.text()
    click(qtbot, bar.restore)
    qtbot.waitUntil(lambda: tracked.labels.editor.serial > 0)
    assert tracked.labels.annotation.bouts == bouts


def test_labels_beside_other_boxes_stay_kept(viewer, clip):
    tracked = opened(viewer, clip, Annotation(ETHOGRAM))
    tracked.labels.editor.add("a", "walk", 3, 9)
    tracked.set_tracking(read_tracking(clip.tracking), clip.tracking)
    own = get_session(viewer).recovery.label_file_of(tracked)
    assert read_label_recovery(own.path).content.bouts == (Bout("a", "walk", 3, 9),)
    assert list(own.path.parent.glob("labels-*.json")) == [own.path]
    assert not any("labels" in text for text in notifications("info"))


def test_saved_and_undone_labels_leave_no_file(viewer, qtbot, clip, home, tmp_path):
    tracked = opened(viewer, clip, Annotation(ETHOGRAM))
    session = get_session(viewer)
    tracked.labels.editor.add("a", "walk", 3, 9)
    session.recovery.save()
    qtbot.waitUntil(lambda: session.recovery.label_file_of(tracked).path is not None)
    tracked.labels.mark_saved(tmp_path / "labels.json")
    assert list((home / "recovery").glob("labels-*.json")) == []
    tracked.labels.editor.undo()
    viewer.layers.clear()
    (path,) = find_label_recoveries(clip.video, None)  # what had been saved was undone
    assert read_label_recovery(path).content.bouts == ()


def test_closed_layers_leave_labels_and_boxes_that_are_offered_together(viewer, qtbot, clip):
    tracked = opened(viewer, clip, Annotation(ETHOGRAM))
    one, other = tracked.tracking
    tracked.labels.editor.add(one, "walk", 3, 9)
    tracked.editor.swap(one, other, 5)
    bouts, boxes = tracked.labels.annotation.bouts, content_sha256(tracked.tracking)
    viewer.layers.clear()
    assert any("labels that are not saved are kept" in text for text in notifications("info"))
    tracked, bar = offer_of(viewer, qtbot, clip)
    click(qtbot, bar.restore)
    qtbot.waitUntil(lambda: tracked.editor.serial > 0)
    assert tracked.labels.annotation.bouts == bouts
    assert content_sha256(tracked.tracking) == boxes


@pytest.mark.parametrize("first", ["video", "tracking"])
def test_labels_are_found_by_video_or_tracking(viewer, qtbot, clip, tmp_path, first):
    other = tmp_path / "other" / "boxes.pickle"
    other.parent.mkdir()
    clip.tracking.rename(other)
    viewer.open(str(other if first == "tracking" else clip.video), plugin="napari-i3d")
    tracked = get_session(viewer).active
    tracked.labels.set_annotation(Annotation(ETHOGRAM), None)
    tracked.labels.editor.add("a", "walk", 3, 9)
    crash(viewer, tracked)
    assert find_recovery_files(None, None) == []
    viewer.open(str(other), plugin="napari-i3d")
    viewer.open(str(clip.video), plugin="napari-i3d")
    qtbot.waitUntil(lambda: get_session(viewer).recovery.offering, timeout=10_000)
