"""Each frame is the one that its number says, however it is asked for and however awkward the file is."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from helpers.videos import X264
from napari_i3d.video.video import Video, open_video

B_FRAMES = [*X264, "-bf", "3", "-g", "15", "-b_strategy", "0"]
SINE = ["-f", "lavfi", "-i", "sine=duration=4"]
ALL = list(range(60))

# name -> file name, encoder options, further inputs, numbers that the frames must show, frames known by their times
CASES: dict[str, tuple[str, list[str], list[str], list[int], bool]] = {
    "plain": ("a.mp4", B_FRAMES, [], ALL, True),
    "open gop": ("a.mp4", [*B_FRAMES, "-x264-params", "open-gop=1"], [], ALL, True),
    "intra refresh": ("a.mp4", [*X264, "-bf", "0", "-g", "20", "-x264-params", "intra-refresh=1"], [], ALL, True),
    "one key frame": ("a.mp4", [*X264, "-g", "600"], [], ALL, True),
    "dropped frames": (
        "a.mp4",
        [*B_FRAMES, "-vf", "select='mod(n,7)-3'", "-fps_mode", "passthrough"],
        [],
        [n for n in ALL if n % 7 != 3],
        True,
    ),
    "jitter": (
        "a.mkv",
        [
            *B_FRAMES,
            "-vf",
            "settb=1/1000,setpts=N*40+13*mod(N*7\\,3)",
            "-fps_mode",
            "passthrough",
            "-enc_time_base",
            "1/1000",
        ],
        [],
        ALL,
        True,
    ),
    "start at 5 s": ("a.mp4", [*B_FRAMES, "-output_ts_offset", "5"], [], ALL, True),
    "negative start": (
        "a.flv",
        [*X264, "-bf", "0", "-g", "15", "-output_ts_offset", "-0.2", "-avoid_negative_ts", "disabled"],
        [],
        ALL,
        True,
    ),
    "raw h264": ("a.h264", B_FRAMES, [], ALL, False),
    "mkv": ("a.mkv", B_FRAMES, [], ALL, True),
    "transport stream": ("a.ts", B_FRAMES, [], ALL, True),
    "mpeg4 in avi with b-frames": ("a.avi", ["-c:v", "mpeg4", "-bf", "2", "-g", "15", "-q", "3"], [], ALL, False),
    "mpeg4 in avi": ("a.avi", ["-c:v", "mpeg4", "-g", "15", "-q", "3"], [], ALL, True),
    "motion jpeg": ("a.avi", ["-c:v", "mjpeg", "-q", "3"], [], ALL, True),
    "mpeg2": ("a.mpg", ["-c:v", "mpeg2video", "-bf", "2", "-g", "12", "-q", "3"], [], ALL, False),
    "vp8 with hidden frames": (
        "a.webm",
        ["-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "10", "-g", "20", "-b:v", "900k"],
        [],
        ALL,
        True,
    ),
    "vp9": ("a.webm", ["-c:v", "libvpx-vp9", "-cpu-used", "8", "-g", "20", "-b:v", "900k"], [], ALL, True),
    "hevc": (
        "a.mp4",
        ["-c:v", "libx265", "-preset", "ultrafast", "-g", "15", "-x265-params", "log-level=0"],
        [],
        ALL,
        True,
    ),
    "ten bits": ("a.mp4", [*X264, "-pix_fmt", "yuv420p10le", "-g", "15"], [], ALL, True),
    "gray": ("a.mkv", ["-c:v", "ffv1", "-pix_fmt", "gray"], [], ALL, True),
    "odd size": ("a.mp4", [*X264, "-vf", "crop=127:63:0:0", "-pix_fmt", "yuv444p", "-g", "15"], [], ALL, True),
    "audio first": ("a.mp4", [*B_FRAMES, "-map", "1:a", "-map", "0:v"], SINE, ALL, True),
    "two streams": (
        "a.mkv",
        [
            *B_FRAMES,
            "-filter_complex",
            "[0:v]split[a][b];[b]crop=64:64,negate[c]",
            "-map",
            "[c]",
            "-map",
            "[a]",
            "-disposition:v",
            "0",
        ],
        [],
        ALL,
        True,
    ),
    "duplicate times": (
        "a.mkv",
        [
            *X264,
            "-bf",
            "0",
            "-g",
            "15",
            "-vf",
            "settb=1/2000,setpts=N",
            "-fps_mode",
            "passthrough",
            "-enc_time_base",
            "1/2000",
        ],
        [],
        ALL,
        False,
    ),
    "single frame": ("a.mp4", [*X264, "-frames:v", "1"], [], [0], True),
}


def assert_right_however_asked(video: Video, expected: np.ndarray) -> None:
    count = len(expected)
    assert len(video) == count
    assert video.shape == expected.shape
    assert video.times_s.shape == (count,)
    for number, frame in enumerate(video.frames()):
        assert (frame == expected[number]).all(), number
    for start, stop in ((count // 3, count // 2 + 1), (count - 2, None), (1, 3)):
        frames = list(video.frames(start, stop))
        assert len(frames) == len(expected[start:stop])
        assert all((frame == right).all() for frame, right in zip(frames, expected[start:stop], strict=True))
    for chosen in (slice(count // 2, None, 7), slice(count // 2 + 4, count // 2 - 4, -3), slice(count, None)):
        assert (video[chosen] == expected[chosen]).all()
        assert video[chosen].shape == expected[chosen].shape
    numbers = random.Random(count).sample(range(count), min(count, 12))
    for number in [*numbers, *range(count - 1, max(count - 6, -1), -1), -1, -count]:
        assert (video[number] == expected[number]).all(), number


@pytest.mark.parametrize("name", CASES)
def test_frames_of_awkward_file_are_right_however_asked(name, encode, plain, number_on):
    file, options, inputs, numbers, by_time = CASES[name]
    path = encode(file, options, inputs)
    with open_video(path) as video:
        expected = plain(path, video.shape[1:3])
        if name != "two streams":
            assert [number_on(frame) for frame in expected] == numbers
        assert_right_however_asked(video, expected)
        assert video._index.by_time == by_time
        assert np.isfinite(video.times_s).all()
        assert (np.diff(video.times_s) >= 0).all()


def test_stream_that_ffmpeg_prefers_is_read_and_named(encode):
    file, options, inputs, *_ = CASES["two streams"]
    with open_video(encode(file, options, inputs)) as video:
        assert video.stream_index == 1
        assert video.shape == (60, 64, 128, 3)
    file, options, inputs, *_ = CASES["audio first"]
    with open_video(encode(file, options, inputs)) as video:
        assert video.stream_index == 1


def test_frames_cut_by_edit_list_are_not_counted(encode, ffmpeg, plain, number_on, tmp_path):
    path = tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.88", "-i", encode("a.mp4", B_FRAMES), "-c", "copy", path)
    with open_video(path) as video:
        expected = plain(path, video.shape[1:3])
        assert [number_on(frame) for frame in expected] == list(range(22, 60))
        assert_right_however_asked(video, expected)


def test_cover_art_is_not_taken_for_the_video(encode, ffmpeg, plain, tmp_path):
    path = tmp_path / "covered.mp4"
    cover = tmp_path / "cover.png"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=640x480", "-frames:v", "1", cover)
    maps = ["-map", "1:v", "-map", "0:v", "-c", "copy", "-disposition:v:0", "attached_pic"]
    ffmpeg("-i", encode("a.mp4", B_FRAMES), "-i", cover, *maps, path)
    with open_video(path) as video:
        expected = plain(path, (64, 128))
        assert len(expected) == 60
        assert_right_however_asked(video, expected)


def test_display_matrix_turns_frames_and_swaps_sizes(encode, ffmpeg, plain, tmp_path):
    path = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", encode("a.mp4", B_FRAMES), "-c", "copy", path)
    with open_video(path) as video:
        assert video.shape == (60, 128, 64, 3)
        assert_right_however_asked(video, plain(path, (128, 64)))


def test_recording_that_begins_between_key_frames_is_read(encode, plain, number_on, tmp_path):
    whole = encode("a.ts", B_FRAMES).read_bytes()
    path = tmp_path / "middle.ts"
    # The tables at the beginning, then on from some packet of 188 bytes in the first group of images.
    path.write_bytes(whole[: 3 * 188] + whole[(len(whole) // 9 // 188) * 188 :])
    with open_video(path) as video:
        expected = plain(path, video.shape[1:3])
        numbers = [number_on(frame) for frame in expected[-20:]]
        assert numbers == list(range(40, 60))
        assert_right_however_asked(video, expected)


def test_video_changing_size_reads_as_by_ffmpeg(encode, ffmpeg, plain, tmp_path):
    first = encode("a.m2v", ["-c:v", "mpeg2video", "-g", "12", "-q", "3"])
    second = tmp_path / "b.m2v"
    ffmpeg("-i", first, "-vf", "scale=192:96", "-c:v", "mpeg2video", second)
    path = tmp_path / "both.m2v"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with open_video(path) as video:
        expected = plain(path, (64, 128))
        assert len(expected) >= 118
        assert_right_however_asked(video, expected)


def test_times_and_rates_of_regular_and_irregular_video(encode):
    file, options, inputs, *_ = CASES["start at 5 s"]
    with open_video(encode(file, options, inputs)) as video:
        assert video.fps == 25
        np.testing.assert_allclose(video.times_s, 5 + np.arange(60) / 25)
    file, options, inputs, numbers, _ = CASES["dropped frames"]
    with open_video(encode(file, options, inputs)) as video:
        np.testing.assert_allclose(video.times_s, np.array(numbers) / 25)
        assert video.fps == pytest.approx((len(numbers) - 1) / (numbers[-1] / 25))


REAL = {
    "vfr_dropped_frames.mp4": [n for n in range(120) if n % 7 != 3 and not 40 <= n < 56],
    "editlist_cut_start.mp4": list(range(44, 120)),
    "single_frame.mp4": None,
    "rotated_matrix_90.mp4": None,
    "odd_383x381_yuv444p.mp4": list(range(120)),
} | {
    name: list(range(120))
    for name in (
        "vfr_jitter.mp4",
        "bframes_open_gop.mp4",
        "gray_h264.mp4",
        "mpeg4_bframes.avi",
        "vp9_altref.webm",
        "audio_first_and_longer.mp4",
        "start_time_5s.mp4",
    )
}


def number_on_real(frame: np.ndarray) -> int:
    """Ten squares of 12 px, most significant bit first."""
    return sum(int(frame[3:9, 12 * bit + 3 : 12 * bit + 9].mean() > 127) << (9 - bit) for bit in range(10))


@pytest.mark.parametrize("name", REAL)
def test_real_difficult_file_has_numbers_it_must_show(
    name: str, shared: Path, plain: Callable[[Path, tuple[int, int]], np.ndarray]
):
    path = shared / "data" / "difficult" / name
    with open_video(path) as video:
        expected = plain(path, video.shape[1:3])
        assert_right_however_asked(video, expected)
        if (numbers := REAL[name]) is not None:
            assert [number_on_real(frame) for frame in video.frames()] == numbers
