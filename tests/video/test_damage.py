"""Damage is named and never renumbers what comes after it; what cannot be a video is refused in one line."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from helpers.clips import MakeClip
from helpers.videos import X264
from napari_i3d.errors import VideoError
from napari_i3d.video import index_building
from napari_i3d.video.ffmpeg.log import complaint, context_of
from napari_i3d.video.ffmpeg.process import Process
from napari_i3d.video.video import open_video

B_FRAMES = [*X264, "-bf", "3", "-g", "15", "-b_strategy", "0"]
FILES = {
    "h264 mp4": ("a.mp4", B_FRAMES),
    "h264 mkv": ("a.mkv", B_FRAMES),
    "h264 ts": ("a.ts", B_FRAMES),
    "raw h264": ("a.h264", B_FRAMES),
    "mpeg4 avi": ("a.avi", ["-c:v", "mpeg4", "-g", "15", "-q", "3"]),
    "mpeg4 b-frames avi": ("a.avi", ["-c:v", "mpeg4", "-bf", "2", "-g", "15", "-q", "3"]),
    "mpeg2 ts": ("a.ts", ["-c:v", "mpeg2video", "-bf", "2", "-g", "12", "-q", "3"]),
    "ffv1 mkv": ("a.mkv", ["-c:v", "ffv1", "-level", "3", "-slicecrc", "1"]),
}


def read_until_error(path: Path) -> tuple[dict[int, object], list[str]]:
    """All frames that can be got, streamed and then one by one from the end, and the errors met."""
    got, errors = {}, []
    with open_video(path) as video:
        try:
            for number, frame in enumerate(video.frames()):
                got[number] = frame
        except VideoError as error:
            errors.append(str(error))
        for number in reversed(range(len(video))):
            if number not in got:
                try:
                    got[number] = video[number]
                except VideoError as error:
                    errors.append(str(error))
    return got, errors


@pytest.mark.parametrize("place", [0.3, 0.55, 0.75])
@pytest.mark.parametrize("name", [name for name in FILES if name != "raw h264"])
def test_damage_midway_is_named_and_shifts_nothing(name, place, encode, number_on, tmp_path):
    whole = encode(*FILES[name]).read_bytes()
    # Larger than any one image: within one, decoders often notice nothing.
    start, size = int(len(whole) * place), len(whole) // 10
    damaged = tmp_path / f"hurt{Path(FILES[name][0]).suffix}"
    damaged.write_bytes(whole[:start] + random.Random(5).randbytes(size) + whole[start + size :])
    try:
        got, errors = read_until_error(damaged)
    except VideoError as error:
        got, errors = (
            {},
            [str(error).replace("so that numbers may be wrong; repair", "damaged at frame ? re-encode or repair")],
        )
    else:
        assert len(got) >= 3
    assert [number_on(got[number]) for number in sorted(got)] == sorted(got)
    assert errors
    assert all("\n" not in text and "hurt" in text for text in errors)
    assert all("damaged at frame" in text and "re-encode or repair" in text for text in errors)


@pytest.mark.parametrize("start", [1000, 1900, 4000])
def test_loss_while_opening_mkv_shifts_nothing(start, encode, number_on, tmp_path):
    data = bytearray(encode(*FILES["h264 mkv"]).read_bytes())
    size = len(data) // 12
    data[start : start + size] = bytes(byte ^ 0xA5 for byte in data[start : start + size])
    damaged = tmp_path / "hurt.mkv"
    damaged.write_bytes(data)
    try:
        got, errors = read_until_error(damaged)
    except VideoError as error:
        got, errors = {}, [str(error)]
    assert {number: number_on(frame) for number, frame in got.items()} == {number: number for number in got}
    assert errors


def test_frames_around_mp4_damage_are_read(encode, plain, tmp_path, number_on):
    path = encode("a.mp4", B_FRAMES)
    right = plain(path, (64, 128))
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 3000] = bytes(3000)
    damaged = tmp_path / "hurt.mp4"
    damaged.write_bytes(whole)
    got, errors = read_until_error(damaged)
    lost = sorted(set(range(60)) - set(got))
    assert lost
    assert lost[-1] < 59
    assert errors[0].startswith(f"hurt.mp4: damaged at frame {lost[0]} ({lost[0] / 25:.2f} s): ")
    assert all((frame == right[number]).all() for number, frame in got.items())


@pytest.mark.parametrize("name", ["h264 mkv", "h264 ts", "raw h264", "mpeg4 avi", "mpeg4 b-frames avi", "mpeg2 ts"])
@pytest.mark.parametrize("place", [0.45, 0.71, 0.93])
def test_cut_off_file_gives_its_whole_frames(name, place, encode, number_on, tmp_path):
    whole = encode(*FILES[name]).read_bytes()
    path = tmp_path / f"cut{Path(FILES[name][0]).suffix}"
    path.write_bytes(whole[: int(len(whole) * place)])
    got, _ = read_until_error(path)
    assert len(got) > 60 * place * 0.5 - 8
    assert [number_on(got[number]) for number in sorted(got)] == sorted(got)


def test_cut_off_faststart_mp4_says_what_is_missing(encode, ffmpeg, plain, tmp_path):
    path = tmp_path / "front.mp4"
    ffmpeg("-i", encode("a.mp4", B_FRAMES), "-c", "copy", "-movflags", "+faststart", path)
    right = plain(path, (64, 128))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.7)])
    with open_video(path) as video:
        assert 20 < len(video) < 60
        assert "cut off" in video.remark
        assert video.facts()["remark"] == video.remark
        assert all((frame == right[number]).all() for number, frame in enumerate(video.frames()))


def test_any_mutation_gives_right_numbers_or_an_error(encode, number_on, tmp_path):
    chance = random.Random(11)
    mostly_right = 0
    # Two codecs that notice most damage; where a codec does not, nobody can tell a wrong image from a right one.
    for name, count in (("h264 mp4", 14), ("ffv1 mkv", 10), ("h264 mkv", 10)):
        whole = encode(*FILES[name]).read_bytes()
        path = tmp_path / f"mutant{Path(FILES[name][0]).suffix}"
        for turn in range(count):
            data = bytearray(whole)
            at = chance.randrange(40, len(data))
            if turn % 4 == 0:
                del data[at:]
            elif turn % 4 == 1:
                data[at : at + 60] = bytes(min(60, len(data) - at))
            elif turn % 4 == 2:
                data[at] ^= 0xFF
            else:
                data[at : at + 400] = chance.randbytes(min(400, len(data) - at))
            path.write_bytes(data)
            try:
                got, errors = read_until_error(path)
            except VideoError as error:
                got, errors = {}, [str(error)]
            assert all("\n" not in text for text in errors)
            if not got or next(iter(got.values())).shape != (64, 128, 3):
                continue
            # A image may be smeared where the codec notices nothing, but it is never that of a later frame.
            late = [number for number in got if number_on(got[number]) > number and not errors]
            assert len(late) <= 3, (name, turn, late)
            mostly_right += sum(number_on(frame) == number for number, frame in got.items()) > 30
    assert mostly_right > 17  # of 34


def test_corrupt_real_file_is_right_around_its_damage(shared):
    path = shared / "data" / "difficult" / "corrupt_bytes_middle.mp4"

    def number_on_real(frame) -> int:
        return sum(int(frame[3:9, 12 * bit + 3 : 12 * bit + 9].mean() > 127) << (9 - bit) for bit in range(10))

    with open_video(path) as video:
        assert len(video) == 120
        assert number_on_real(video[53]) == 53
        assert number_on_real(video[60]) == 60
        for lost in (55, 56, 57, 58):
            with pytest.raises(VideoError, match=rf"^corrupt_bytes_middle.mp4: damaged at frame {lost} \("):
                video[lost]
    got, _ = read_until_error(path)
    assert set(range(55)) | set(range(60, 120)) <= set(got) <= set(range(120)) - {55, 56, 57, 58}
    assert all(number_on_real(frame) == number for number, frame in got.items())


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("truncated_no_moov_UNREADABLE.mp4", "cut off"),
        ("zero_bytes.mp4", "found an empty one"),
        ("text_not_video.mp4", "nothing that ffmpeg can read"),
        ("audio_only_NO_VIDEO.mp4", "no video stream"),
    ],
)
def test_real_file_without_video_is_refused(name: str, match: str, shared: Path, ffmpegs: Callable[[], int]):
    with pytest.raises(VideoError, match=match):
        open_video(shared / "data" / "difficult" / name)
    assert ffmpegs() == 0


def test_no_video_is_refused_in_one_line(encode, ffmpeg, tmp_path, ffmpegs):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video at all\n" * 300)
    (tmp_path / "text.txt").write_text("\x1b[31mart\x1b[0m\n" * 300)
    target = encode("a.mp4", B_FRAMES)
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n")
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile '{target}'\n")
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", tmp_path / "sound.mp4")
    (tmp_path / "cut.mp4").write_bytes(target.read_bytes()[:3000])
    cases = {
        "nowhere.mp4": "found nothing there",
        ".": "found a folder",
        "empty.mp4": "found an empty one",
        "text.mp4": "nothing that ffmpeg can read",
        "text.txt": "nothing that ffmpeg can read",
        "list.m3u8": "nothing that ffmpeg can read",
        "list.mp4": "nothing that ffmpeg can read",
        "sound.mp4": "no video stream",
        "cut.mp4": "no moov atom",
        "two\nlines.mp4": "found nothing there",
    }
    for name, match in cases.items():
        with pytest.raises(VideoError, match=match) as caught:
            open_video(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert caught.value.message.hint
        assert caught.value.message.hint not in caught.value.message.text
    assert ffmpegs() == 0


def test_file_changed_since_opening_is_refused(encode, tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(encode("a.mp4", B_FRAMES).read_bytes())
    with open_video(path) as video:
        path.write_bytes(encode("a.mp4", X264).read_bytes())
        with pytest.raises(VideoError, match=r"a\.mp4: has changed"):
            video[3]


def reordered(lines: list[str | None], early: bool) -> list[str | None]:
    """Move the messages of the demuxer's parser before all frames, or behind as many as they can come after."""
    parsers = {context_of(line) for line in lines if line and "missing picture in access unit" in line}
    moved = [line for line in lines if line and context_of(line) in parsers and complaint(line)]
    rest = [line for line in lines if line not in moved]
    mark = "decoder -> " if early else "] [error] "  # no later than the decoder, which reads the same packets
    place = next((place for place, line in enumerate(rest) if line and mark in line), len(rest) - 1)
    assert moved
    return [*rest[:place], *moved, *rest[place:]]


def test_damage_begins_there_however_far_ffmpeg_reads_ahead(clip_of: MakeClip, tmp_path, monkeypatch):
    path = clip_of(12, tmp_path).video
    right = open_video(path)[:]
    content = bytearray(path.read_bytes())
    place = len(content) * 9 // 10  # in the eighth packet; the parser sees the damage in the ninth and tenth only
    content[place : place + 2000] = bytes(byte ^ 0xA5 for byte in content[place : place + 2000])
    path.write_bytes(content)
    found = []
    for early in (True, False):

        class LateLog(Process):
            """Passes on the log when it is complete and in another order."""

            def __init__(self, arguments, listen, early=early) -> None:
                lines: list[str | None] = []

                def keep(line: str | None) -> None:
                    lines.append(line)
                    if line is None:
                        for one in reordered(lines, early):
                            listen(one)

                super().__init__(arguments, keep)

        monkeypatch.setattr(index_building, "Process", LateLog)
        with open_video(path) as video:
            assert video.remark.startswith("frames from 5 on are damaged")
        got, errors = read_until_error(path)
        found.append((sorted(got), errors))
        assert all(np.array_equal(frame, right[number]) for number, frame in got.items())
    assert found[0] == found[1]
    assert found[0][0] == [0, 1, 2, 3, 4]
    assert re.match(r"^animals.mp4: damaged at frame 5 \(", found[0][1][0])
