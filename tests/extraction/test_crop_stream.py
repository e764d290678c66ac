"""Decoding and cropping beside the network: never far ahead, and gone when the reader is."""

import sys
import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
import torch

from helpers.clips import MakeClip
from helpers.networks import FACTS, FakeNetwork
from helpers.processes import threads_called
from napari_i3d.errors import StalledError, VideoError
from napari_i3d.extraction.crop_stream import run_ahead
from napari_i3d.extraction.engine import Progress
from napari_i3d.extraction.extract import extract
from napari_i3d.extraction.planning.plan import Job, plan_job
from napari_i3d.extraction.settings import ExtractionSettings
from napari_i3d.tracking.tracklets import Tracking, Tracklet
from napari_i3d.video.ffmpeg import process
from napari_i3d.video.video import Video, open_video


class Numbers:
    """Counts, and knows how far it was read and whether it was closed."""

    def __init__(self, fail_at: int = -1) -> None:
        self.given = 0
        self.closed = False
        self._fail_at = fail_at

    def items(self) -> Generator[int, None, None]:
        try:
            while self.given < 10:
                self.given += 1
                if self.given == self._fail_at:
                    raise VideoError("damaged")
                yield self.given
        finally:
            self.closed = True


def one_byte(item: object) -> int:
    return 1


def test_items_come_in_order_a_few_made_ahead() -> None:
    numbers = Numbers()
    for expected, (source, item) in enumerate(run_ahead([numbers.items()], one_byte, limit=3), start=1):
        assert (source, item) == (0, expected)
        deadline = time.monotonic() + 5
        while numbers.given < min(item + 3, 10) and time.monotonic() < deadline:
            time.sleep(0.001)
        assert numbers.given == min(item + 3, 10)
    assert expected == 10
    assert numbers.closed
    assert not threads_called("decoding")


def test_several_sources_each_run_ahead_alone() -> None:
    sources = [Numbers(), Numbers(), Numbers()]
    ahead = run_ahead([numbers.items() for numbers in sources], one_byte, limit=2)
    first = [next(ahead)]
    deadline = time.monotonic() + 5
    while min(numbers.given for numbers in sources) < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert sum(numbers.given for numbers in sources) in (6, 7)  # one was taken, and perhaps replaced
    items = [*first, *ahead]
    for source in range(3):
        assert [item for owner, item in items if owner == source] == [*range(1, 11)]
    assert all(numbers.closed for numbers in sources)
    assert not threads_called("decoding")


def test_leaving_early_ends_threads_and_sources() -> None:
    sources = [Numbers(), Numbers()]
    ahead = run_ahead([numbers.items() for numbers in sources], one_byte, limit=1)
    assert next(ahead)[1] == 1
    ahead.close()
    assert all(numbers.closed for numbers in sources)
    assert max(numbers.given for numbers in sources) <= 3
    assert not threads_called("decoding")


def test_source_errors_come_after_the_items_before() -> None:
    good, bad = Numbers(), Numbers(fail_at=3)
    found: list[tuple[int, int]] = []
    with pytest.raises(VideoError, match="damaged"):
        found.extend(run_ahead([good.items(), bad.items()], one_byte, limit=1))
    assert [item for owner, item in found if owner == 1] == [1, 2]
    assert good.closed
    assert bad.closed
    assert not threads_called("decoding")


def test_leaving_early_cuts_short_what_is_being_made() -> None:
    cut = threading.Event()

    def endless() -> Generator[int, None, None]:
        yield 1
        assert cut.wait(20)
        raise VideoError("closed meanwhile")

    ahead = run_ahead([endless(), endless()], one_byte, abandon=cut.set, limit=2)
    assert next(ahead)[1] == 1
    began = time.monotonic()
    ahead.close()
    assert time.monotonic() - began < 5
    assert not threads_called("decoding")


class Processes:
    """The ffmpegs that were started to give frames."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started: list[process.Process] = []
        self.most = 0  # at the same time
        begin = process._start

        def start(arguments: list[str]) -> object:
            popen = begin(arguments)
            self.started.append(popen)
            self.most = max(self.most, self.running)
            return popen

        monkeypatch.setattr(process, "_start", start)

    @property
    def running(self) -> int:
        return sum(popen.poll() is None for popen in self.started)


@pytest.fixture(scope="module")
def long_video(clip_of: MakeClip) -> Iterator[Video]:
    with open_video(clip_of(260).video) as video:
        yield video


def tracking_with_a_long_gap() -> Tracking:
    boxes = np.tile([10.0, 10, 60, 60], (20, 1))
    return Tracking([Tracklet("a", 3, boxes), Tracklet("b", 12, boxes), Tracklet("c", 210, boxes)])


def test_one_ffmpeg_stretch_of_frames_and_none_afterwards(long_video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    read = Video.frames

    def counted(self: Video, start: int = 0, stop: int | None = None, threads: int | None = None) -> Any:
        for number, frame in enumerate(read(self, start, stop, threads), start=start):
            decoded.append(number)
            yield frame

    monkeypatch.setattr(Video, "frames", counted)
    processes = Processes(monkeypatch)
    job = plan_job(long_video, tracking_with_a_long_gap().values(), ExtractionSettings())
    for _ in extract(long_video, job, FakeNetwork(), FACTS):
        pass
    assert decoded == [*range(3, 32), *range(210, 230)]
    assert len(processes.started) == 2
    assert processes.most == 1
    assert processes.running == 0


def test_cancelling_leaves_neither_ffmpeg_nor_thread(long_video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = Processes(monkeypatch)
    tracking = Tracking([Tracklet("a", 0, np.tile([10.0, 10, 60, 60], (260, 1)))])
    steps = extract(long_video, plan_job(long_video, tracking.values(), ExtractionSettings()), FakeNetwork(), FACTS)
    assert [next(steps), next(steps)] == [Progress(0, 253), Progress(16, 253)]
    assert processes.running == 1
    steps.close()
    assert processes.running == 0
    assert not threads_called("decoding")


def test_closing_the_video_from_elsewhere_ends_the_extraction(clip_of: MakeClip) -> None:
    tracking = Tracking([Tracklet("a", 0, np.tile([10.0, 10, 60, 60], (200, 1)))])
    with open_video(clip_of(260).video) as video:
        steps = extract(video, plan_job(video, tracking.values(), ExtractionSettings()), FakeNetwork(), FACTS)
        next(steps)
        next(steps)
        video.close()
        with pytest.raises(VideoError, match="found it closed"):
            list(steps)
    assert not threads_called("decoding")


class FakeFfmpeg:
    """A program in the place of ffmpeg that runs it, and after so many bytes of frames stands still or crashes."""

    def __init__(self, path: Path, end: str, n_bytes: int) -> None:
        real = imageio_ffmpeg.get_ffmpeg_exe()
        path.write_text(
            f"""#!{sys.executable}
import subprocess, sys, time
if "rawvideo" not in sys.argv:
    sys.exit(subprocess.run([{real!r}, *sys.argv[1:]]).returncode)
running = subprocess.Popen([{real!r}, *sys.argv[1:]], stdout=subprocess.PIPE)
sys.stdout.buffer.write(running.stdout.read({n_bytes}))
sys.stdout.buffer.flush()
running.kill()
{end}
"""
        )
        path.chmod(0o755)
        self.path = str(path)


needs_scripts = pytest.mark.skipif(sys.platform == "win32", reason="a script in the place of a program")


@needs_scripts
@pytest.mark.parametrize(
    ("end", "frames", "words"),
    [
        ("time.sleep(60)", 12, "expected a frame, found nothing for 1 s"),
        ("sys.exit(139)", 0, "damaged at frame 0 .*: ffmpeg gives no such frame"),
    ],
)
def test_stalled_or_crashed_ffmpeg_ends_with_an_error(
    long_video: Video, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: str, frames: int, words: str
) -> None:
    fake = FakeFfmpeg(tmp_path / "ffmpeg", end, long_video[0].nbytes * frames + 100)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: fake.path)
    monkeypatch.setattr(process, "STALL_S", 1.0)
    processes = Processes(monkeypatch)
    began = time.monotonic()
    with pytest.raises(VideoError, match=words) as caught:
        list(extract(long_video, sixty_frames(long_video), FakeNetwork(), FACTS))
    assert time.monotonic() - began < 15
    assert isinstance(caught.value, StalledError) == ("sleep" in end)
    assert processes.started
    assert processes.running == 0
    assert not threads_called("decoding")


@needs_scripts
def test_crashing_ffmpeg_is_started_again(long_video: Video, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = FakeFfmpeg(tmp_path / "ffmpeg", "sys.exit(139)", long_video[0].nbytes * 25 + 100)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: fake.path)
    processes = Processes(monkeypatch)
    last = list(extract(long_video, sixty_frames(long_video), FakeNetwork(), FACTS))[-1]
    assert last == Progress(53, 53)
    assert len(processes.started) > 2
    assert processes.running == 0


def sixty_frames(video: Video) -> Job:
    tracking = Tracking([Tracklet("a", 0, np.tile([10.0, 10, 60, 60], (60, 1)))])
    return plan_job(video, tracking.values(), ExtractionSettings())


def test_items_are_made_with_one_thread_of_torch() -> None:
    def threads() -> Generator[int, None, None]:
        yield torch.get_num_threads()

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert list(run_ahead([threads(), threads()], one_byte)) == [(0, 1), (1, 1)]
        assert torch.get_num_threads() == 2
        with ThreadPoolExecutor(1) as another:
            assert another.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)
