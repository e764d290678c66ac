"""Frames from memory are the right ones, whatever way one goes; bounds hold; nothing is left over."""

import gc
import random
import shutil
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from helpers.processes import command_lines, threads_called
from napari_i3d import open_video
from napari_i3d.errors import VideoError
from napari_i3d.video import frame_cache
from napari_i3d.video.frame_budget import FrameBudget
from napari_i3d.video.frame_cache import FrameCache
from napari_i3d.video.lazy_array import LARGEST_BYTES, VideoArray, no_image
from napari_i3d.video.prefetch import Position, next_to_read


def wait_until(condition, timeout_s: float = 20.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def video(numbered_clip: Path):
    with open_video(numbered_clip) as video:
        yield video


@pytest.fixture
def cache(video):
    cache = FrameCache(video)
    yield cache
    cache.release()


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(range(120), id="forward"),
        pytest.param(range(119, -1, -1), id="backward"),
        pytest.param(range(0, 120, 7), id="leaps"),
        pytest.param(range(119, -1, -5), id="leaps_back"),
        pytest.param([60, 61, 60, 59, 60, 61, 62, 30, 29, 31, 119, 0, 118, 1], id="to_and_fro"),
        pytest.param(random.Random(4).choices(range(120), k=60), id="anyhow"),
    ],
)
@pytest.mark.parametrize("frames_kept", [4, 12, 500])
def test_each_frame_is_that_of_a_plain_decode(way, frames_kept: int, video, decoded: np.ndarray) -> None:
    cache = FrameCache(video, FrameBudget(frames_kept * decoded[0].nbytes / 2**20))
    for number in way:
        np.testing.assert_array_equal(cache.frame(number), decoded[number], err_msg=str(number))
        assert len(cache) <= max(frames_kept, 4)
    cache.release()


def test_real_frames_are_those_of_video(shared: Path) -> None:
    with open_video(shared / "data" / "flies_centered_pair.mp4") as video:
        array = VideoArray(video)
        for number in (700, 699, 698, 701, 20, 19, 1099, 0):
            np.testing.assert_array_equal(array[number], video[number])
        array.release()


def test_neighbors_on_both_sides_are_read_ahead(cache: FrameCache) -> None:
    cache.frame(60)
    wait_until(lambda: all(number in cache for number in range(40, 80)))


def test_videos_share_one_budget(numbered_clip: Path, decoded: np.ndarray) -> None:
    frame_bytes = decoded[0].nbytes
    budget = FrameBudget(40 * frame_bytes / 2**20)
    with open_video(numbered_clip) as one, open_video(numbered_clip) as other:
        caches = [FrameCache(one, budget), FrameCache(other, budget)]
        most = 0
        for number in [*range(60), *range(90, 30, -1), *range(0, 120, 11)]:
            for cache in caches:
                np.testing.assert_array_equal(cache.frame(number), decoded[number])
                most = max(most, budget.used_bytes)
        assert 20 * frame_bytes < most <= 40 * frame_bytes
        assert [cache.capacity for cache in caches] == [20, 20]
        for cache in caches:
            cache.release()


def test_unwatched_video_gives_its_memory_to_others(
    numbered_clip: Path, decoded: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_cache, "IDLE_S", 0.3)
    frame_bytes = decoded[0].nbytes
    budget = FrameBudget(40 * frame_bytes / 2**20)
    with open_video(numbered_clip) as one, open_video(numbered_clip) as other:
        first, second = FrameCache(one, budget), FrameCache(other, budget)
        for number in range(40):
            first.frame(number)
        wait_until(lambda: not first.in_use)
        assert len(first) > 30
        for number in range(60):
            second.frame(number)
            assert budget.used_bytes <= 40 * frame_bytes
        assert second.capacity == 40
        assert len(second) > 30
        np.testing.assert_array_equal(first.frame(5), decoded[5])  # and takes its share again
        assert budget.used_bytes <= 40 * frame_bytes
        first.release()
        second.release()


def test_reading_ahead_of_two_videos_comes_to_rest(numbered_clip: Path, decoded: np.ndarray) -> None:
    budget = FrameBudget(40 * decoded[0].nbytes / 2**20)
    with open_video(numbered_clip) as one, open_video(numbered_clip) as other:
        caches = [FrameCache(one, budget), FrameCache(other, budget)]
        for cache in caches:
            cache.frame(60)
        time.sleep(1.0)
        before = [sorted(number for number in range(120) if number in cache) for cache in caches]
        time.sleep(0.5)
        assert before == [sorted(number for number in range(120) if number in cache) for cache in caches]
        assert all(60 in cache and 61 in cache and 59 in cache for cache in caches)
        for cache in caches:
            cache.release()


def test_jumping_about_does_not_start_reading_around(cache: FrameCache, ffmpegs) -> None:
    for number in (100, 10, 70):
        cache.frame(number)
    assert sum(number in cache for number in range(120)) <= 3
    assert ffmpegs() <= 2


def test_stepping_back_at_a_walking_pace_never_waits(cache: FrameCache) -> None:
    cache.frame(110)
    wait_until(lambda: all(number in cache for number in range(90, 110)))
    waits = 0
    for number in range(109, 0, -1):
        waits += number not in cache
        cache.frame(number)
        time.sleep(0.02)
    assert waits <= 2


@pytest.mark.parametrize(
    ("step", "quiet", "read", "open_at", "expected"),
    [
        pytest.param(1, False, [50], 51, range(51, 52), id="forward_reads_on"),
        pytest.param(1, False, range(50, 61), 61, range(0), id="forward_has_all"),
        pytest.param(1, False, range(50, 54), None, range(54, 55), id="forward_starts_when_half_is_used_up"),
        pytest.param(1, False, range(50, 58), None, range(0), id="forward_waits_before_it_starts_anew"),
        pytest.param(-1, False, [50], 51, range(40, 50), id="back_reads_a_block"),
        pytest.param(-1, False, range(47, 51), None, range(37, 47), id="back_reads_the_block_before"),
        pytest.param(-1, False, range(44, 51), None, range(0), id="back_has_enough"),
        pytest.param(30, False, [50], 51, range(0), id="jump_reads_nothing"),
        pytest.param(30, True, [50], 51, range(51, 52), id="after_a_jump_and_a_rest_ahead_comes_first"),
        pytest.param(30, True, range(50, 61), 61, range(40, 50), id="and_behind_comes_next"),
        pytest.param(0, True, range(40, 61), 61, range(0), id="at_rest_with_all"),
    ],
)
def test_what_is_read_next(step: int, quiet: bool, read, open_at: int | None, expected: range) -> None:
    def leads_to(number: int) -> bool:
        return open_at is not None and open_at <= number <= open_at + 5

    position = Position(50, step, 100, quiet=quiet)
    assert next_to_read(position, 10, lambda number: number not in read, leads_to) == expected


@pytest.mark.parametrize(("frame", "step", "expected"), [(0, -1, range(0)), (3, -1, range(3)), (99, 1, range(0))])
def test_nothing_is_read_beyond_the_ends(frame: int, step: int, expected: range) -> None:
    position = Position(frame, step, 100, quiet=False)
    assert next_to_read(position, 10, lambda number: number != frame, lambda _: True) == expected


def test_frames_may_not_be_written_to(cache: FrameCache) -> None:
    with pytest.raises(ValueError, match="read-only"):
        cache.frame(3)[0, 0] = 0


def test_many_threads_get_their_frames(cache: FrameCache, decoded: np.ndarray) -> None:
    wrong: list[int] = []

    def ask(seed: int) -> None:
        for number in random.Random(seed).choices(range(120), k=25):
            if not np.array_equal(cache.frame(number), decoded[number]):
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert wrong == []


def test_newest_of_waiting_requests_is_served_first(video, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one frame is decoded, of those asked for meanwhile the last comes next."""
    let_go, begun, order = threading.Event(), threading.Event(), []
    real_frames = video.frames

    def slow_frames(start: int = 0, stop: int | None = None):
        begun.set()
        let_go.wait(20)
        return real_frames(start, stop)

    monkeypatch.setattr(video, "frames", slow_frames)
    cache = FrameCache(video)

    def ask(number: int) -> None:
        cache.frame(number)
        order.append(number)

    threads = []
    for number in (100, 5, 40, 75):
        threads.append(threading.Thread(target=ask, args=(number,)))
        threads[-1].start()
        begun.wait(20)
        wait_until(lambda: len(cache._waiting) >= len(threads) - 1)
    let_go.set()
    for thread in threads:
        thread.join(20)
    assert order[0] == 100
    assert order[1] == 75
    cache.release()


def test_idle_cache_ends_its_ffmpeg_and_thread(cache, ffmpegs, monkeypatch, decoded) -> None:
    others = threading.enumerate()
    monkeypatch.setattr(frame_cache, "IDLE_S", 0.3)
    cache.frame(20)
    assert ffmpegs() >= 1
    wait_until(lambda: ffmpegs() == 0 and not threads_called("frames of ", others))
    np.testing.assert_array_equal(cache.frame(90), decoded[90])


def test_released_cache_leaves_nothing_and_starts_again(cache, ffmpegs, decoded) -> None:
    others = threading.enumerate()
    cache.frame(20)
    cache.release()
    wait_until(lambda: ffmpegs() == 0 and not threads_called("frames of ", others))
    assert len(cache) == 0
    np.testing.assert_array_equal(cache.frame(21), decoded[21])


def test_forgotten_array_frees_the_video(numbered_clip: Path, ffmpegs, monkeypatch) -> None:
    monkeypatch.setattr(frame_cache, "IDLE_S", 0.2)
    array = VideoArray(open_video(numbered_clip))
    array[50]
    video = weakref.ref(array.video)
    del array
    wait_until(lambda: gc.collect() >= 0 and video() is None and ffmpegs() == 0)


@pytest.mark.parametrize(
    "item",
    [
        5,
        -1,
        np.int64(7),
        (7, slice(None), slice(None)),
        (7, slice(2, 9), 3),
        (slice(3, 6), slice(None), slice(None)),
        slice(10, 4, -2),
        (..., 0),
        (slice(0, 120, 50), 5, 5, 1),
        [3, 1],
        (np.array([2, 9]), slice(0, 4)),
        np.arange(120) % 40 == 3,
        (slice(4, 4),),
    ],
    ids=lambda item: " ".join(str(item)[:40].split()),
)
def test_array_is_indexed_like_numpy(item, video, decoded: np.ndarray) -> None:
    array = VideoArray(video)
    np.testing.assert_array_equal(array[item], decoded[item])
    array.release()


def test_array_tells_its_form(video, decoded: np.ndarray) -> None:
    array = VideoArray(video)
    assert (array.shape, array.dtype, array.ndim) == (decoded.shape, decoded.dtype, 4)
    assert (len(array), array.size, array.nbytes) == (len(decoded), decoded.size, decoded.nbytes)
    np.testing.assert_array_equal(np.asarray(array), decoded)
    with pytest.raises(IndexError, match="expected a frame from 0 to 119, found 120"):
        array[120]
    array.release()


def test_more_than_memory_is_refused(video, monkeypatch: pytest.MonkeyPatch) -> None:
    array = VideoArray(video)
    monkeypatch.setattr("napari_i3d.video.lazy_array.LARGEST_BYTES", LARGEST_BYTES >> 12)
    with pytest.raises(VideoError, match="ask for fewer"):
        array[:]


def test_damaged_frame_is_gray_image_told_of_once(shared: Path) -> None:
    told: list[str] = []
    with open_video(shared / "data" / "difficult" / "corrupt_bytes_middle.mp4") as video:
        array = VideoArray(video, on_failure=told.append)
        damaged = no_image(384, 384)
        assert not np.array_equal(array[50], damaged)
        assert told == []
        bad = [number for number in range(50, 70) if np.array_equal(array[number], damaged)]
        assert bad
        assert min(bad) in (54, 55)
        assert len(told) == 1
        assert "damaged at frame" in told[0]
        assert "gray image" in told[0]
        with pytest.raises(VideoError, match="damaged at frame"):
            array.frame(bad[0])
        array.release()


def test_deleted_video_keeps_its_memory_and_says_so(numbered_clip, tmp_path, decoded, number_on) -> None:
    told: list[str] = []
    path = Path(shutil.copy(numbered_clip, tmp_path / "gone.mp4"))
    with open_video(path) as video:
        array = VideoArray(video, on_failure=told.append, budget=FrameBudget(0.25))
        assert number_on(array[60]) == 60
        moved = path.rename(tmp_path / "elsewhere.mp4")
        for number in (5, 118, 6):
            np.testing.assert_array_equal(array[number], no_image(*decoded.shape[1:3]))
        assert len(told) == 1
        assert "has changed or gone" in told[0]
        moved.rename(path)  # the drive is back
        np.testing.assert_array_equal(array[5], decoded[5])
        array.release()


@pytest.mark.parametrize("last_words", ["", "array.release()"])
def test_program_that_ends_in_the_middle_leaves_nothing(numbered_clip: Path, last_words: str) -> None:
    program = f"""
import sys
from napari_i3d import open_video
from napari_i3d.video.lazy_array import VideoArray
array = VideoArray(open_video(sys.argv[1]))
for number in range(100, 20, -1):
    array[number]
{last_words}
"""
    command = [sys.executable, "-c", program, str(numbered_clip)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not [line for line in command_lines() if str(numbered_clip) in line]
