"""Every command line of ffmpeg, recorded by a program in its place: one file is opened, by protocols of files only."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest

from helpers.hostile.hostile_videos import H264, KINDS, damaged, encode
from napari_i3d.errors import NapariI3DError
from napari_i3d.video.video import open_video

RECORDER = """#!/bin/sh
for argument in "$@"; do printf '%s\\0' "$argument"; done >> "$RECORD"
printf '\\0\\0' >> "$RECORD"
exec "$REAL_FFMPEG" "$@"
"""


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program, log = tmp_path / "recorder", tmp_path / "record"
    program.write_text(RECORDER)
    program.chmod(0o755)
    monkeypatch.setenv("REAL_FFMPEG", imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setenv("RECORD", str(log))
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    imageio_ffmpeg.get_ffmpeg_exe.cache_clear() if hasattr(imageio_ffmpeg.get_ffmpeg_exe, "cache_clear") else None
    return log


def read(path: Path) -> None:
    try:
        with open_video(path) as video:
            video[-1]
            for _ in video.frames():
                pass
    except NapariI3DError:
        pass


def test_every_command_opens_one_file_and_nothing_else(tmp_path: Path, record: Path):
    import random

    for name in KINDS:
        path = encode(tmp_path / name, KINDS[name])
        read(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
        read(path)
    for name, at in (("hurt.mp4", 0.4), ("hurt.mkv", 0.5)):
        whole = encode(tmp_path / name, H264).read_bytes()
        (tmp_path / name).write_bytes(damaged(whole, random.Random(3), int(len(whole) * at)))
        read(tmp_path / name)
    commands = [command.split("\0") for command in record.read_text().split("\0\0\0")[:-1]]
    kinds = set()
    for command in commands:
        inputs = [place for place, argument in enumerate(command) if argument == "-i"]
        assert len(inputs) == 2, command
        first, second = inputs
        assert command[first + 1].startswith(f"file:{tmp_path}/"), command
        assert command[second - 2 : second] == ["-f", "lavfi"], command
        assert command[second + 1].startswith("anullsrc@"), command
        assert command[:first].count("-protocol_whitelist") == 1, command
        assert command[command.index("-protocol_whitelist") + 1] == "file,pipe", command
        assert command[:first].count("-format_whitelist") == 1, command
        formats = set(command[command.index("-format_whitelist") + 1].split(","))
        assert not formats & {"concat", "hls", "dash", "sdp", "image2", "tty", "imf", "lavfi", "rtsp", "applehttp"}
        assert "-max_pixels" in command[:first], command
        assert "-max_alloc" in command[:first], command
        assert command[command.index("-map_metadata") + 1] == "-1", command
        assert command[-1] == "-", command
        assert "-nostdin" in command, command
        kinds.add(tuple(argument for argument in command if argument in KIND_MARKS))
    assert len(kinds) >= 5, kinds


KIND_MARKS = {"showinfo=checksum=0", "framecrc", "rawvideo", "null", "+ignidx", "copy"}


def test_list_lacks_formats_that_open_other_files():
    """Against the demuxers that this ffmpeg has, so that a new one is seen."""
    from napari_i3d.video.ffmpeg.process import _FORMATS

    listed = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-demuxers"], capture_output=True, text=True, check=True)
    lines = listed.stdout.partition("---")[2].splitlines()[1:]
    known = {name for line in lines for name in line[5:].split()[0].split(",")}
    parts = ("concat", "hls", "dash", "image2", "imf", "sdp", "rtsp", "pipe", "avisynth", "vapoursynth", "lavfi")
    others = {name for name in known if any(part in name for part in parts)}
    assert {"concat", "hls", "image2", "sdp"} <= others
    allowed = set(_FORMATS.split(","))
    assert not {name for name in others if name in allowed} - {"yuv4mpegpipe"}
