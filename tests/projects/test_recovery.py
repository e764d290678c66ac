"""Corrections survive a killed process; hostile recovery files are refused."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_i3d import Tracking, TrackingEditor
from napari_i3d.errors import RecoveryError
from napari_i3d.projects.recovery import RecoveryFile, find_recovery_files, read_recovery
from napari_i3d.tracking.content import content_sha256

VIDEO, FILE = Path("day 1.mp4"), Path("day 1_tracks.pickle")


def tracking() -> Tracking:
    return Tracking.from_boxes(
        {name: {f: [f / 3, 0, f + 5, 5] for f in range(30)} for name in ("male", 1, "1", "f\udce9male")}
    )


def correct(editor: TrackingEditor) -> None:
    editor.set_box("male", 3, (1, 0.1, 1 / 3 + 9, 4))
    editor.swap(1, "1", 10)
    with editor.group("two at once"):
        editor.delete_boxes("male", 5, 8)
        editor.interpolate("male", 4, 9)
    for right in range(10, 20):
        editor.set_box("new", 7, (0, 0, right, 9), merge="drag")
    editor.split("f\udce9male", 15)
    editor.rename(1, "2")
    editor.assign("male", "third", 20, replace=True)
    editor.clip("male", 0, 20, (6, 4))
    editor.delete("1")


def restore(path: Path, base: Tracking) -> TrackingEditor:
    job = read_recovery(path).restore(base)
    try:
        while True:
            done, total = next(job)
            assert 0 < done <= total
    except StopIteration as end:
        return end.value


def test_recovered_corrections_can_be_undone():
    editor = TrackingEditor(tracking())
    recovery = RecoveryFile(editor, VIDEO, FILE)
    assert not recovery.save()
    correct(editor)
    assert recovery.save()
    assert not recovery.save()
    recovery.close()
    (path,) = find_recovery_files(VIDEO, FILE)
    restored = restore(path, tracking())
    assert content_sha256(restored.tracking) == content_sha256(editor.tracking)
    assert [step.words for step in restored.history.steps] == [step.words for step in editor.history.steps]
    assert [restored.key_frames(i).tolist() for i in restored.tracking] == [
        editor.key_frames(i).tolist() for i in editor.tracking
    ]
    while restored.can_undo:
        restored.undo()
    assert content_sha256(restored.tracking) == content_sha256(tracking())


def test_killed_process_leaves_its_corrections(home: Path):
    code = (
        "import os, signal; from pathlib import Path; from napari_i3d import Tracking, TrackingEditor\n"
        "from napari_i3d.projects.recovery import RecoveryFile\n"
        "editor = TrackingEditor(Tracking.from_boxes({'a': {f: [0, 0, 9, 9] for f in range(9)}}))\n"
        "recovery = RecoveryFile(editor, Path('v.mp4'), None)\n"
        "editor.delete_boxes('a', 3, 5)\nrecovery.save()\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"NAPARI_I3D_HOME": str(home)}, cwd=Path.cwd()
    )
    assert process.returncode == -signal.SIGKILL
    (path,) = find_recovery_files(Path("v.mp4"), None)
    base = Tracking.from_boxes({"a": {f: [0, 0, 9, 9] for f in range(9)}})
    assert restore(path, base).tracking["a"].gaps == ((3, 5),)


def test_files_of_running_sessions_and_others_are_not_found():
    editor = TrackingEditor(tracking())
    recovery = RecoveryFile(editor, VIDEO, FILE)
    editor.delete("male")
    recovery.save()
    assert find_recovery_files(VIDEO, FILE) == []
    recovery.close()
    assert len(find_recovery_files(VIDEO, FILE)) == 1
    assert find_recovery_files(VIDEO, None) == find_recovery_files(Path("other.mp4"), FILE) == []


@pytest.mark.parametrize("end", ["discard", "saved_as", "undo"])
def test_nothing_is_left_once_nothing_is_unsaved(end: str):
    editor = TrackingEditor(tracking())
    recovery = RecoveryFile(editor, VIDEO, FILE)
    editor.delete("male")
    recovery.save()
    if end == "undo":
        editor.undo()
        assert not recovery.save()
    elif end == "saved_as":
        editor.mark_saved()
        recovery.move(VIDEO, Path("mine.pickle"))
    else:
        recovery.discard()
    recovery.close()
    assert find_recovery_files(VIDEO, FILE) == []


@pytest.mark.parametrize("behind", [False, True])
def test_recovery_after_saving_is_for_the_saved_file(behind: bool):
    editor = TrackingEditor(tracking())
    recovery = RecoveryFile(editor, VIDEO, FILE)
    editor.delete("male")
    editor.swap(1, "1", 3)
    editor.mark_saved()
    recovery.move(VIDEO, Path("mine.pickle"))
    saved = editor.tracking
    if behind:
        editor.history.go_to(1)
    editor.set_box("new", 3, (1, 2, 3, 4))
    recovery.save()
    recovery.close()
    (path,) = find_recovery_files(VIDEO, Path("mine.pickle"))
    restored = restore(path, saved)
    assert content_sha256(restored.tracking) == content_sha256(editor.tracking)
    assert restored.edited


def test_changed_tracking_file_is_refused():
    editor = TrackingEditor(tracking())
    recovery = RecoveryFile(editor, VIDEO, FILE)
    editor.delete("male")
    recovery.save()
    recovery.close()
    with pytest.raises(RecoveryError, match="other boxes"):
        restore(recovery.path, editor.tracking)


def edit(**values: Any) -> dict[str, Any]:
    return {"steps": [{"words": "x", "edits": [values]}]}


def text(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04K\x01.",
        b"[" * 100_000,
        b"[1]",
        b'{"format": "napari_i3d recovery", "version": 2, "steps": []}',
        {"steps": 5},
        {"steps": [5]},
        {"steps": [{"words": "x"}]},
        {"saved": "yesterday", "steps": []},
        {"base_sha256": 5, "steps": []},
        edit(edit="__import__", id="os"),
        edit(edit="Delete"),
        edit(edit="Delete", id=["male"]),
        edit(edit="Delete", id="male", __class__="x"),
        edit(edit="Delete", id=10**30),
        edit(edit=["Delete"], id="male"),
        edit(edit="SetBox", id="male", frame=-1, box=[1, 2, 3, 4]),
        edit(edit="SetBox", id="male", frame=1e300, box=[1, 2, 3, 4]),
        edit(edit="SetBox", id="male", frame=1, box=[1, 2, float("nan"), 4]),
        edit(edit="SetBox", id="male", frame=1, box="abcd"),
        edit(edit="SetBox", id="male", frame=1, box=None),
        edit(edit="Swap", a="male", b=1, start=5, stop=5),
        edit(edit="Swap", a="male", b=1, start="5"),
        edit(edit="Assign", id="male", to="1", start=0, stop=None, replace="no"),
        edit(edit="Clip", id="male", start=0, stop=5, size=[10**400, 5]),
        {"content": [{"id": "a", "start": 0, "boxes": "?", "present": ""}]},
        {"content": [{"id": "a", "start": 0, "boxes": text(np.zeros((2, 4))), "present": text(np.ones(1, np.uint8))}]},
        {"content": [{"id": "a", "start": 0, "boxes": text(np.zeros(3)), "present": text(np.ones(1, np.uint8))}]},
        {"content": [{"id": "a", "start": -1, "boxes": text(np.zeros((1, 4))), "present": text(np.ones(1, np.uint8))}]},
        {"content": {"id": "a"}},
    ],
)
def test_damaged_file_is_refused(tmp_path: Path, content: Any):
    path = tmp_path / "recovery.json"
    if isinstance(content, dict):
        head = {"format": "napari_i3d recovery", "version": 1, "saved": "2026-01-01T00:00:00+00:00", "base_sha256": "a"}
        content = json.dumps(head | content).encode()
    path.write_bytes(content)
    with pytest.raises(RecoveryError, match=r"^recovery\.json: ") as caught:
        read_recovery(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "edits",
    [
        [{"edit": "Delete", "id": "nobody"}],
        [{"edit": "SetBox", "id": "male", "frame": 10**8, "box": [1, 2, 3, 4]}],
        [{"edit": "Delete", "id": "male"}, {"edit": "Delete", "id": "male"}],
    ],
)
def test_correction_that_cannot_be_done_is_refused(tmp_path: Path, edits: list[Any]):
    path = tmp_path / "recovery.json"
    base = tracking()
    head = {"format": "napari_i3d recovery", "version": 1, "saved": "2026-01-01T00:00:00+00:00"}
    content = head | {"base_sha256": content_sha256(base), "steps": [{"words": "", "edits": edits}]}
    path.write_text(json.dumps(content))
    with pytest.raises(RecoveryError, match="step 1 of 1 cannot be done again"):
        restore(path, base)


def test_missing_file_and_folder_are_refused(tmp_path: Path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(RecoveryError):
            read_recovery(path)


def test_words_that_cannot_be_shown_are_left_out(tmp_path: Path):
    path, base = tmp_path / "recovery.json", tracking()
    edits = [{"edit": "Delete", "id": "male"}, {"edit": "Delete", "id": 1}]
    head = {"format": "napari_i3d recovery", "version": 1, "saved": "2026-01-01T00:00:00+00:00"}
    content = head | {"base_sha256": content_sha256(base), "steps": [{"words": "a\nb", "edits": edits}]}
    path.write_text(json.dumps(content))
    (step,) = restore(path, base).history.steps
    assert step.words == "delete male, all its boxes and 1 more change"


def test_individuals_drawn_from_nothing_are_recovered():
    editor = TrackingEditor()
    recovery = RecoveryFile(editor, VIDEO, None)
    editor.set_box("fly", 0, (0, 0, 10, 10))
    editor.set_box("fly", 60, (60, 0, 70, 10))
    editor.interpolate("fly", 0, 61)
    recovery.save()
    recovery.close()
    (path,) = find_recovery_files(VIDEO, None)
    restored = restore(path, Tracking(()))
    assert restored.tracking["fly"].boxes[:, 0].tolist() == list(range(61))
    assert restored.key_frames("fly").tolist() == [0, 60]


def test_base_that_no_file_holds_is_kept_with_the_corrections():
    editor = TrackingEditor(tracking())
    recovery = RecoveryFile(editor, VIDEO, None, keep_base=True)
    editor.delete("male")
    recovery.save()
    recovery.close()
    (path,) = find_recovery_files(VIDEO, None)
    restored = restore(path, Tracking(()))
    assert content_sha256(restored.tracking) == content_sha256(editor.tracking)
    restored.undo()
    assert content_sha256(restored.tracking) == content_sha256(tracking())


def test_restored_corrections_are_unsaved_until_they_are_undone():
    editor = TrackingEditor(tracking())
    recovery = RecoveryFile(editor, VIDEO, FILE)
    editor.delete("male")
    recovery.save()
    recovery.close()
    restored = restore(recovery.path, tracking())
    assert not restored.is_saved
    restored.undo()
    assert restored.is_saved


def test_steps_of_another_editor_are_neither_unsaved_nor_kept():
    editor = TrackingEditor(tracking())
    other = TrackingEditor(tracking(), editor.history)
    recovery = RecoveryFile(editor, VIDEO, FILE)
    other.delete("male")
    assert editor.is_saved
    assert not recovery.save()
    editor.delete(1)
    other.delete("1")
    assert recovery.save()
    recovery.close()
    restored = restore(recovery.path, tracking())
    assert [step.words for step in restored.history.steps] == ["delete 1, all its boxes"]
    other.mark_saved()
    assert other.is_saved
    assert not editor.is_saved
    editor.undo()
    assert not other.is_saved


def test_file_that_is_discarded_while_it_is_written_stays_away():
    editor = TrackingEditor(tracking())
    recovery = RecoveryFile(editor, VIDEO, FILE)
    editor.delete("male")
    write = recovery.prepare()
    recovery.discard()
    assert not write()
    assert recovery.path is None
    assert find_recovery_files(VIDEO, FILE) == []


def test_file_written_in_another_thread_is_locked_until_closed_here():
    editor = TrackingEditor(tracking())
    recovery = RecoveryFile(editor, VIDEO, FILE)
    editor.delete("male")
    thread = threading.Thread(target=recovery.prepare())
    thread.start()
    thread.join()
    assert find_recovery_files(VIDEO, FILE) == []
    recovery.close()
    assert len(find_recovery_files(VIDEO, FILE)) == 1
