"""``napari-i3d render`` from end to end, on the synthetic clip."""

import argparse
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from helpers.clips import MakeClip
from helpers.hostile.hostile_names import NAMES
from napari_i3d import (
    Annotation,
    Bout,
    RenderOptions,
    open_video,
    read_annotation,
    read_tracking,
    render_video,
    write_annotation,
)
from napari_i3d.cli.main import _parser, main
from napari_i3d.errors import OutputError
from napari_i3d.rendering.options import Part


def test_render_writes_the_chosen_frames(clip_of: MakeClip, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip, out = clip_of(72), tmp_path / "out.mp4"
    command = ["render", str(clip.video), "--tracking", str(clip.tracking), "--out", str(out)]
    assert main([*command, "--start", "10", "--stop", "40", "--individuals", "spotted", "--speed", "2"]) == 0
    said = capsys.readouterr().out
    assert "out.mp4: frames 10-39 of animals.mp4, 30 frames of 384x288 px at 50 frames/s" in said
    with open_video(out) as video:
        assert video.shape == (30, 288, 384, 3)
        assert video.fps == 50


def test_labels_of_a_file_are_drawn_below(
    clip_of: MakeClip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, labels, out = clip_of(72), tmp_path / "labels.json", tmp_path / "out.mp4"
    write_annotation(labels, Annotation(bouts=[Bout("striped", "running", 10, 30)], n_frames=72, fps=25))
    command = [
        "render",
        str(clip.video),
        "--tracking",
        str(clip.tracking),
        "--annotation",
        str(labels),
        "--out",
        str(out),
    ]
    assert main([*command, "--ethogram_window_s", "2"]) == 0
    with open_video(out) as video:
        frames = video[:]
    assert frames.shape[1] > 288 + 40
    playhead = frames[:, 300, 200:].min(axis=2)
    color = bytes.fromhex(Annotation(bouts=[Bout("a", "b", 0, 1)]).ethogram.style_of(0)[0][1:])
    on = []
    for number in range(72):
        column = 200 + int(np.argmax(playhead[number]))
        beside = frames[number, 300, column + 3 : column + 5].astype(int).mean(axis=0)
        on.append(bool(np.abs(beside - list(color)).max() < 50))
    # Six columns are a frame: beside the playhead there is the frame shown, or the next one.
    first, last = on.index(True), 71 - on[::-1].index(True)
    assert first in (9, 10)
    assert last in (28, 29)
    assert all(on[first : last + 1])
    options = RenderOptions(ethogram_window_s=2)
    both = {"tracking": read_tracking(clip.tracking), "annotation": read_annotation(labels)}
    render_video(clip.video, tmp_path / "same.mp4", **both, options=options)
    with open_video(tmp_path / "same.mp4") as video:
        assert np.array_equal(video[:], frames)


def test_followed_individual_fills_a_square(clip_of: MakeClip, tmp_path: Path) -> None:
    clip, out = clip_of(72), tmp_path / "out.mp4"
    command = ["render", str(clip.video), "--tracking", str(clip.tracking), "--out", str(out), "--stop", "5"]
    assert main([*command, "--follow", "striped", "--follow-size-px", "100", "--hide", "boxes", "readout"]) == 0
    with open_video(out) as video:
        assert video.shape == (5, 400, 400, 3)


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--individuals", "nobody"], 2, "no individual nobody; there are: striped, spotted"),
        (["--start", "72"], 2, "start: expected a frame from 0 to 71, found 72"),
        (["--speed", "0"], 2, "speed: expected a number from 0.01 to 100, found 0"),
        (["--follow_size_px", "100"], 2, "set --follow"),
        (["--video_w", "100"], 2, "--video_h"),
    ],
)
def test_wrong_options_are_one_line(
    clip_of: MakeClip,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    status: int,
    message: str,
) -> None:
    clip = clip_of(72)
    command = ["render", str(clip.video), "--tracking", str(clip.tracking), "--out", str(tmp_path / "out.mp4")]
    assert main([*command, *options]) == status
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("napari-i3d:")]
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_page_lists_exactly_the_options() -> None:
    (commands,) = (one for one in _parser()._actions if isinstance(one, argparse._SubParsersAction))
    actions = commands.choices["render"]._actions
    options = {option for action in actions for option in action.option_strings} - {"-h", "--help"}
    page = (Path(__file__).parents[2] / "docs" / "rendering.md").read_text(encoding="utf-8")
    assert set(re.findall(r"--\w+", page)) == options
    assert all(f"`{part}`" in page for part in Part)


def test_existing_file_is_replaced_only_if_asked(
    clip_of: MakeClip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, out = clip_of(72), tmp_path / "out.mp4"
    out.write_bytes(b"made by hand")
    command = ["render", str(clip.video), "--out", str(out), "--stop", "3"]
    assert main(command) == 1
    assert "exists; use --overwrite" in capsys.readouterr().err
    assert out.read_bytes() == b"made by hand"
    assert main([*command, "--overwrite"]) == 0
    with open_video(out) as video:
        assert len(video) == 3


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_interrupt_leaves_neither_file_nor_ffmpeg(
    clip_of: MakeClip, tmp_path: Path, start_program: Callable, number: int
) -> None:

    clip = clip_of(400)
    out = tmp_path / "out.mp4"
    command = [sys.executable, "-m", "napari_i3d", "render", str(clip.video), "--out", str(out), "--quality", "0"]
    process = start_program(command)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline and not list(tmp_path.glob(".*.part")):
        time.sleep(0.01)
    assert list(tmp_path.iterdir()), "it is at work"
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"interrupted; {out} was not written" in said
    assert list(tmp_path.iterdir()) == []


# Hostile beginnings of names; all of them at night.
STEMS = list(dict.fromkeys(name.removesuffix(".mp4") for name in NAMES if len(os.fsencode(name)) < 240))
FIRST = {*STEMS[::9], "%03d", "pipe:0", "http:x", "-y", "-i", "concat:a|b", "a\nb", os.fsdecode(b"\xff\xfe")}
MARKED = [pytest.param(stem, marks=[] if stem in FIRST else pytest.mark.nightly, id=ascii(stem)[:60]) for stem in STEMS]


@pytest.mark.skipif(os.name == "nt", reason="most are no names there")
@pytest.mark.parametrize("stem", MARKED)
def test_hostile_name_is_only_the_name_of_a_file(clip_of: MakeClip, tmp_path: Path, stem: str) -> None:
    out = tmp_path / f"{stem}.mp4"
    render_video.steps(clip_of(72).video, out)  # nothing runs before the first step
    assert list(tmp_path.iterdir()) == []

    render_video(clip_of(72).video, out, options=RenderOptions(stop=2))
    assert list(tmp_path.iterdir()) == [out]
    with open_video(out) as video:
        assert len(video) == 2


@pytest.mark.skipif(os.name == "nt", reason="most are no names there")
def test_hostile_folder_and_relative_name_are_written_into(
    clip_of: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    folder = tmp_path / "%03d $(touch canary) 'x' \n"
    folder.mkdir()
    monkeypatch.chdir(folder)
    render_video(clip_of(72).video, "-y.mp4", options=RenderOptions(stop=2))
    assert [path.name for path in folder.iterdir()] == ["-y.mp4"]


def test_name_too_long_is_an_error(clip_of: MakeClip, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        render_video(clip_of(72).video, tmp_path / ("x" * 300 + ".mp4"))
    assert list(tmp_path.iterdir()) == []
