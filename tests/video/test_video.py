"""How a Video behaves: indexing, names of files, doors that close, processes that end."""

import gc
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from helpers.processes import command_lines
from helpers.videos import X264
from napari_i3d.errors import VideoError
from napari_i3d.video.video import open_video

B_FRAMES = [*X264, "-bf", "3", "-g", "15", "-b_strategy", "0"]


@pytest.fixture
def path(encode) -> Path:
    return encode("a.mp4", B_FRAMES)


def test_bad_indices_are_python_errors(path):
    with open_video(path) as video:
        for number in (60, -61, 10**9):
            with pytest.raises(IndexError):
                video[number]
        for item in (1.0, "1", None, (1, 2)):
            with pytest.raises(TypeError):
                video[item]
        assert (video[np.int64(3)] == video[3]).all()
        assert video[70:].shape == (0, 64, 128, 3)
        assert list(video.frames(9, 9)) == []


def test_frames_are_writable_and_share_nothing(path):
    with open_video(path) as video:
        right = video[5].copy()
        video[5][:] = 0
        assert (video[5] == right).all()
        frames = list(video.frames(4, 8))
        frames[0][:] = 7
        assert (frames[1] == right).all()
        assert right.dtype == video.dtype == np.uint8


def test_facts_are_plain_and_say_what_identifies_video(path):
    with open_video(path) as video:
        facts = json.loads(json.dumps(video.facts()))
        assert facts == {
            "file": "a.mp4",
            "size_bytes": path.stat().st_size,
            "frames": 60,
            "width_px": 128,
            "height_px": 64,
            "fps": 25.0,
            "codec": "h264",
            "stream_index": 0,
        }


@pytest.mark.parametrize(
    "name",
    [
        "a b.mp4",
        'it\'s "quoted".mp4',
        "-i.mp4",
        "%03d.mp4",
        "concat:a.mp4",
        "http:x.mp4",
        "été 蜂.mp4",
        "a\n[error] b.mp4",
    ],
)
def test_any_file_name_is_taken_as_it_is(name, path, tmp_path, monkeypatch):
    if sys.platform == "win32" and set(name) & set('":\n'):
        pytest.skip("no such names on Windows")
    (tmp_path / name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    with open_video(name) as video:
        assert len(video) == 60
        assert video[59].shape == (64, 128, 3)
        assert "\n" not in repr(video)


def test_iterators_of_one_video_are_independent(path, number_on):
    with open_video(path) as video:
        seen = [(number_on(a), number_on(b)) for a, b in zip(video.frames(), video.frames(30), strict=False)]
        assert seen == [(number, number + 30) for number in range(30)]


def test_threads_share_a_video(path, number_on):
    wrong = []

    def work(video, start):
        wrong.extend(n for n, frame in enumerate(video.frames(start), start) if number_on(frame) != n)
        wrong.extend(n for n in range(start, 60, 5) if number_on(video[n]) != n)

    with open_video(path) as video:
        threads = [threading.Thread(target=work, args=(video, start)) for start in (0, 11, 29)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert wrong == []


def test_closed_video_says_so(path, ffmpegs):
    video = open_video(path)
    frames = video.frames()
    next(frames)
    video[50]
    video.close()
    video.close()
    assert ffmpegs() == 0
    for read in (lambda: next(frames), lambda: video[3], lambda: next(video.frames())):
        with pytest.raises(VideoError, match="found it closed"):
            read()


def test_closing_ends_a_reader_in_another_thread(path):
    problems: list[Exception] = []
    for pause_s in (0, 0.001, 0.003, 0.01, 0.02):
        video = open_video(path)

        def read_on(video=video) -> None:
            try:
                for _ in range(50):
                    list(video.frames())
            except Exception as problem:  # noqa: BLE001 - any other would be a defect
                problems.append(problem)

        reader = threading.Thread(target=read_on)
        reader.start()
        time.sleep(0.2 + pause_s)
        video.close()
        reader.join(20)
        assert not reader.is_alive()
    assert {type(problem) for problem in problems} == {VideoError}


def test_no_process_outlives_its_reader(path, ffmpegs):
    threads = threading.active_count()
    with open_video(path) as video:
        assert ffmpegs() == 0
        for _ in video.frames():
            assert ffmpegs() == 1
            break
        gc.collect()
        assert ffmpegs() == 0
        with pytest.raises(ZeroDivisionError):
            [1 / 0 for _ in video.frames()]
        gc.collect()
        assert ffmpegs() == 0
        frames = video.frames()
        next(frames)
        del frames
        gc.collect()
        assert ffmpegs() == 0
        assert len(list(video.frames())) == 60
        assert ffmpegs() == 0
        _ = video[40]
        assert 1 <= ffmpegs() <= 2
    assert ffmpegs() == 0
    forgotten = open_video(path)
    _ = forgotten[40]
    del forgotten
    gc.collect()
    assert ffmpegs() == 0
    assert threading.active_count() == threads


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, None])
def test_no_process_outlives_the_program(how, encode, tmp_path):
    large = encode("large.mp4", [*X264, "-vf", "scale=1280:640"])
    program = (
        "import sys, time\n"
        "from napari_i3d.video.video import open_video\n"
        f"video = open_video({str(large)!r})\n"
        "frames = video.frames()\n"
        "next(frames)\n"
        "print('ready', flush=True)\n"
        f"time.sleep({0 if how is None else 30})\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with child:
        assert child.stdout.readline() == b"ready\n"
        if how is not None:
            child.send_signal(how)
        _, noise = child.communicate(timeout=20)
    assert b"ffmpeg" not in noise.replace(b"imageio_ffmpeg", b"")
    if how is None:
        assert noise == b""
    deadline = time.monotonic() + 10
    while count_running(large) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert count_running(large) == 0


def count_running(path: Path) -> int:
    return sum(f"file:{path}" in line for line in command_lines())


def test_opening_does_not_decode_the_whole_video(encode):
    path = encode("long.mp4", [*X264, "-g", "30", "-vf", "loop=10:60,scale=480:240"])
    started = time.perf_counter()
    with open_video(path) as video:
        opened_s = time.perf_counter() - started
        assert len(video) > 600
        started = time.perf_counter()
        assert sum(1 for _ in video.frames()) == len(video)
        assert opened_s < (time.perf_counter() - started) / 2


def test_next_frame_reads_on_in_the_open_decoder(path, monkeypatch):
    from napari_i3d.video import decoder

    starts = []
    process = decoder.Process
    monkeypatch.setattr(decoder, "Process", lambda *given: starts.append(1) or process(*given))
    with open_video(path) as video:
        for number in range(20, 50):
            _ = video[number]
        assert len(starts) == 1
        for number in range(30, 10, -1):
            _ = video[number]
        assert len(starts) <= 3
