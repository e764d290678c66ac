"""``napari-i3d detect`` from end to end, on the synthetic clip with its known boxes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from helpers.detection_scenes import overlap
from napari_i3d import read_tracking, write_synthetic_clip, write_tracking
from napari_i3d.cli.main import main
from napari_i3d.detection.detection import Doubt, Uncertainty
from napari_i3d.detection.files import read_uncertain, uncertain_path
from napari_i3d.synthetic import SyntheticClip
from napari_i3d.tracking.tracklets import Tracking, Tracklet


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> SyntheticClip:
    return write_synthetic_clip(tmp_path_factory.mktemp("clip"))


def test_detect_writes_boxes_that_fit_the_animals(
    clip: SyntheticClip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tracks.pickle"
    assert main(["detect", str(clip.video), "--individuals", "2", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "ind1: frames 0-71 of 72" in said
    assert f"napari-i3d view {clip.video} --tracking {out}" in said
    true, found = read_tracking(clip.tracking), read_tracking(out)
    assert list(found) == ["ind1", "ind2"]
    ious = np.array([[overlap(one.boxes, other.boxes) for other in found.values()] for one in true.values()])
    best = max(ious[[0, 1], [0, 1]], ious[[0, 1], [1, 0]], key=np.mean)
    assert best.min() > 0.5
    assert main(["check", str(clip.video), "--tracking", str(out)]) == 0


def test_existing_file_is_replaced_only_if_asked(
    clip: SyntheticClip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tracks.pickle"
    out.write_bytes(b"corrected by hand")
    command = ["detect", str(clip.video), "--individuals", "2", "--out", str(out)]
    assert main(command) == 1
    assert "exists; use --overwrite" in capsys.readouterr().err
    assert out.read_bytes() == b"corrected by hand"
    assert main([*command, "--overwrite"]) == 0
    assert len(read_tracking(out)) == 2


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--individuals", "0"], 2, "individuals: expected a whole number from 1 to 100, found 0"),
        (["--individuals", "1", "--threshold", "300"], 2, "threshold: expected a number from 1 to 254"),
        (["--individuals", "1", "--threshold", "250"], 1, "no individual found"),
    ],
)
def test_wrong_input_is_one_line_and_writes_nothing(
    clip: SyntheticClip,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    status: int,
    message: str,
) -> None:
    out = tmp_path / "tracks.pickle"
    assert main(["detect", str(clip.video), "--out", str(out), *options]) == status
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("napari-i3d:")]
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_unreadable_video_and_missing_folder_are_named(
    clip: SyntheticClip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"")
    assert main(["detect", str(empty), "--individuals", "1", "--out", str(tmp_path / "t.pickle")]) == 1
    assert "empty.mp4" in capsys.readouterr().err
    nowhere = tmp_path / "nowhere" / "t.pickle"
    assert main(["detect", str(clip.video), "--individuals", "1", "--out", str(nowhere)]) == 1
    assert "no such folder" in capsys.readouterr().err


def test_uncertain_frames_are_listed_by_check_until_boxes_change(
    clip: SyntheticClip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tracks.pickle"
    assert main(["detect", str(clip.video), "--individuals", "2", "--out", str(out)]) == 0
    assert read_uncertain(out) == ()
    content = json.loads(uncertain_path(out).read_text())
    assert content["settings"]["individuals"] == 2
    content["uncertain"] = [{"kind": "crossing", "ids": ["ind1", "ind2"], "first_frame": 20, "last_frame": 29}]
    uncertain_path(out).write_text(json.dumps(content))
    assert read_uncertain(out) == (Uncertainty(Doubt.CROSSING, ("ind1", "ind2"), 20, 29),)
    capsys.readouterr()
    assert main(["check", str(clip.video), "--tracking", str(out)]) == 0
    said = capsys.readouterr().out
    assert "ind1: frames 20-29: ind1 and ind2 touch or cross; they may be swapped from frame 30 on" in said
    tracking = read_tracking(out)
    boxes = tracking["ind1"].boxes.copy()
    boxes[3] += 1
    write_tracking(out, Tracking([Tracklet("ind1", 0, boxes), tracking["ind2"]]))
    assert read_uncertain(out) == ()


@pytest.mark.parametrize("content", ["", "[]", "{}", "[" * 100_000, '{"version": 1, "tracking_sha256": 3}'])
def test_damaged_uncertain_file_counts_as_none(tmp_path: Path, content: str) -> None:
    out = tmp_path / "tracks.pickle"
    write_tracking(out, Tracking([Tracklet("a", 0, np.array([[0.0, 0, 9, 9]]))]))
    uncertain_path(out).write_text(content)
    assert read_uncertain(out) == ()


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_interrupt_writes_nothing(tmp_path: Path) -> None:
    clip = write_synthetic_clip(tmp_path / "clip", 400)
    out = tmp_path / "tracks.pickle"
    command = [sys.executable, "-m", "napari_i3d", "detect", str(clip.video), "--individuals", "2", "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if children.exists() and children.read_text().strip():  # it decodes
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"interrupted; {out} was not written" in said
    assert [path.name for path in tmp_path.iterdir()] == ["clip"]
