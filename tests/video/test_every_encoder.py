"""Whatever an encoder wrote: a frame reached by a jump is the one that plain decoding from the start gives."""

import random
import re
import zlib
from pathlib import Path

import numpy as np
import pytest

from helpers.videos import X264, decode_plainly
from napari_i3d.errors import VideoError
from napari_i3d.video import damage, decoder
from napari_i3d.video.ffmpeg import process
from napari_i3d.video.ffmpeg.probe import probe_video
from napari_i3d.video.video import Video, open_video

B_FRAMES = [*X264, "-bf", "3", "-g", "15", "-b_strategy", "0"]
OPEN_GOP = [*B_FRAMES, "-x264-params", "open-gop=1"]
REFRESH = [*X264, "-bf", "0", "-g", "20", "-x264-params", "intra-refresh=1"]
X265 = ["-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x265-params"]
X265_B = "log-level=0:pools=2:frame-threads=1:keyint=15:min-keyint=15:bframes=3:b-adapt=0:scenecut=0:"
KVAZAAR = ["-c:v", "libkvazaar", "-kvazaar-params"]
VVC = ["-c:v", "libvvenc", "-preset", "faster", "-pix_fmt", "yuv420p10le", "-g", "16", "-threads", "2"]
MPEG4 = ["-c:v", "mpeg4", "-q:v", "3", "-g", "15"]
MPEG4_B = [*MPEG4, "-bf", "2"]
XVID_B = ["-c:v", "libxvid", "-q:v", "3", "-g", "15", "-bf", "2"]  # two images in one packet, then an empty one
MPEG2 = ["-c:v", "mpeg2video", "-q:v", "3", "-bf", "2", "-g", "12"]
CIF = ["-s", "176x144", "-q:v", "3", "-g", "15"]
DV = ["-c:v", "dvvideo", "-s", "720x576", "-pix_fmt", "yuv420p"]
SVT_AV1 = ["-c:v", "libsvtav1", "-preset", "10", "-g", "16", "-svtav1-params"]
AOM_AV1 = ["-c:v", "libaom-av1", "-cpu-used", "8", "-g", "16"]
VP8 = ["-c:v", "libvpx", "-g", "20", "-b:v", "900k"]
VP9 = ["-c:v", "libvpx-vp9", "-cpu-used", "8", "-g", "20", "-b:v", "300k"]
ALT_REF = ["-auto-alt-ref", "1", "-lag-in-frames", "16"]


def _simple(codec: str, *options: str) -> list[str]:
    return ["-c:v", codec, "-q:v", "3", "-g", "15", *options]


KINDS: dict[str, tuple[str, list[str]]] = {
    "h264": ("a.mp4", B_FRAMES),
    "h264, fragments": ("a.mp4", [*B_FRAMES, "-movflags", "frag_keyframe+empty_moov"]),
    "h264, a fragment a frame": ("a.mp4", [*B_FRAMES, "-movflags", "frag_every_frame+empty_moov+default_base_moof"]),
    "h264, headers in band": ("a.mp4", [*B_FRAMES, "-x264-params", "repeat-headers=1", "-tag:v", "avc3"]),
    "h264, no messages": ("a.mp4", [*B_FRAMES, "-bsf:v", "filter_units=remove_types=6"]),
    "h264, open groups": ("a.mp4", OPEN_GOP),
    "h264, open groups, pyramid": (
        "a.mp4",
        [*X264, "-bf", "5", "-g", "16", "-b_strategy", "0", "-x264-params", "open-gop=1:b-pyramid=normal:ref=6"],
    ),
    "h264, open groups, ts": ("a.ts", [*OPEN_GOP, "-bsf:v", "dump_extra=freq=keyframe"]),
    "h264, refresh without key frames": ("a.mp4", REFRESH),
    "h264, refresh, ts": ("a.ts", REFRESH),
    "h264, refresh, bare": ("a.h264", REFRESH),
    "h264, fields": ("a.mp4", [*B_FRAMES, "-flags", "+ildct+ilme", "-x264-params", "tff=1"]),
    "h264, 4:4:4": ("a.mp4", [*B_FRAMES, "-pix_fmt", "yuv444p"]),
    "h264, b-frames in avi": ("a.avi", B_FRAMES),
    "h264, flv": ("a.flv", B_FRAMES),
    "h264, no cues": ("a.mkv", [*B_FRAMES, "-live", "1"]),
    "h264, bare": ("a.h264", B_FRAMES),
    "hevc, open groups": ("a.mp4", [*X265, X265_B + "open-gop=1"]),
    "hevc, open groups, ts": ("a.ts", [*X265, X265_B + "open-gop=1"]),
    "hevc, open groups, bare": ("a.hevc", [*X265, X265_B + "open-gop=1"]),
    "hevc, leading frames": ("a.mkv", [*X265, X265_B + "open-gop=0:radl=2"]),
    "hevc, refresh": ("a.mp4", [*X265, X265_B.replace("bframes=3", "bframes=0") + "intra-refresh=1"]),
    "mpeg4": ("a.mp4", MPEG4_B),
    "mpeg4, headers in band": ("a.mp4", [*MPEG4_B, "-flags", "-global_header"]),
    "mpeg4, avi": ("a.avi", MPEG4),
    "mpeg4, quarter pixels, avi": ("a.avi", [*MPEG4_B, "-flags", "+qpel+mv4"]),
    "mpeg4, ts": ("a.ts", MPEG4_B),
    "mpeg4, bare": ("a.m4v", [*MPEG4_B, "-f", "m4v"]),
    "xvid, packed": ("a.avi", XVID_B),
    "xvid, packed, mp4": ("a.mp4", XVID_B),
    "msmpeg4 v3": ("a.avi", _simple("msmpeg4")),
    "wmv1": ("a.wmv", _simple("wmv1")),
    "wmv2": ("a.wmv", _simple("wmv2")),
    "mpeg2, ts": ("a.ts", MPEG2),
    "mpeg2, vob": ("a.vob", MPEG2),
    "mjpeg": ("a.avi", _simple("mjpeg")),
    "mjpeg, mov": ("a.mov", _simple("mjpeg", "-huffman", "default")),
    "ffv1 version 1": ("a.avi", ["-c:v", "ffv1", "-level", "1", "-context", "1", "-g", "20"]),
    "ffv1 version 3": ("a.mkv", ["-c:v", "ffv1", "-level", "3", "-context", "1", "-g", "20", "-slices", "4"]),
    "ffv1, one group": ("a.mkv", ["-c:v", "ffv1", "-level", "3", "-g", "300"]),
    "huffyuv": ("a.avi", ["-c:v", "huffyuv"]),
    "prores": ("a.mov", ["-c:v", "prores_ks"]),
    "av1, film grain": ("a.mp4", [*SVT_AV1, "lp=2:film-grain=20"]),
    "av1, open groups, film grain": ("a.mkv", [*SVT_AV1, "lp=2:irefresh-type=1:film-grain=20"]),
    "av1, bare": ("a.obu", [*SVT_AV1, "lp=2"]),
    "vp8, hidden frames": ("a.webm", [*VP8, *ALT_REF]),
    "vp9, hidden frames": ("a.webm", [*VP9, *ALT_REF]),
    "png": ("a.mov", ["-c:v", "png"]),
    "gif": ("a.gif", []),
    "raw": ("a.avi", ["-c:v", "rawvideo", "-pix_fmt", "bgr24"]),
}
# More containers and options of the same encoders, and encoders that nobody records behavior with.
RARE: dict[str, tuple[str, list[str]]] = {
    "vvc": ("a.mp4", VVC),
    "openh264": ("a.mp4", ["-c:v", "libopenh264", "-g", "15"]),
    "hevc, kvazaar": ("a.mp4", [*KVAZAAR, "preset=ultrafast,period=16,gop=8,open-gop=1"]),
    "msmpeg4 v2": ("a.avi", _simple("msmpeg4v2")),
    "mpeg1": ("a.mpg", ["-c:v", "mpeg1video", *MPEG2[2:]]),
    "h261, bare": ("a.h261", ["-c:v", "h261", *CIF]),
    "h263": ("a.3gp", ["-c:v", "h263", *CIF]),
    "h263+": ("a.avi", _simple("h263p")),
    "sorenson spark": ("a.flv", _simple("flv")),
    "ffvhuff, context": ("a.avi", ["-c:v", "ffvhuff", "-context", "1"]),
    "ut video": ("a.avi", ["-c:v", "utvideo"]),
    "magicyuv": ("a.avi", ["-c:v", "magicyuv"]),
    "snow": ("a.avi", _simple("snow", "-strict", "-2")),
    "svq1": ("a.mov", _simple("svq1")),
    "animation": ("a.mov", _simple("qtrle")),
    "microsoft rle": ("a.avi", _simple("msrle")),
    "dv": ("a.dv", [*DV, "-frames:v", "20"]),
    "av1, aom": ("a.mp4", [*AOM_AV1, "-lag-in-frames", "10"]),
    "theora": ("a.ogv", ["-c:v", "libtheora", "-q:v", "6", "-g", "16"]),
    "jpeg 2000": ("a.mov", ["-c:v", "jpeg2000", "-frames:v", "20"]),
    "animated png": ("a.apng", ["-c:v", "apng"]),
    "raw, palette": ("a.avi", ["-c:v", "rawvideo", "-pix_fmt", "pal8"]),
    "mpeg2, own matrix": ("a.mkv", [*MPEG2, "-intra_matrix", ",".join(["8"] + ["20"] * 63)]),
    "mjpeg, bare": ("a.mjpeg", _simple("mjpeg")),
    **{
        f"h264, {end}": (f"a.{end}", B_FRAMES)
        for end in ("mov", "mkv", "m2ts", "ts", "nut", "mpg", "mxf", "f4v", "ismv")
    },
    "h264, avi": ("a.avi", [*X264, "-bf", "0", "-g", "15"]),
    "h264, asf": ("a.asf", [*X264, "-bf", "0", "-g", "15"]),
    "h264, open groups, mkv": ("a.mkv", OPEN_GOP),
    "h264, open groups, bare": ("a.h264", OPEN_GOP),
    "h264, refresh, mkv": ("a.mkv", REFRESH),
    "h264, refresh, b-frames": ("a.mp4", [*REFRESH, "-bf", "2"]),
    "h264, lossless": ("a.mp4", [*X264, "-qp", "0", "-pix_fmt", "yuv444p", "-g", "15"]),
    "h264, rgb": ("a.mkv", ["-c:v", "libx264rgb", "-preset", "veryfast", "-g", "15"]),
    "h264, key frames only": ("a.mp4", [*X264, "-g", "1"]),
    "h264, one group": ("a.mp4", [*X264, "-g", "600"]),
    "h264, negative offsets": ("a.mp4", [*B_FRAMES, "-movflags", "negative_cts_offsets"]),
    "hevc": ("a.mp4", [*X265, X265_B + "open-gop=0"]),
    "hevc, open groups, mkv": ("a.mkv", [*X265, X265_B + "open-gop=1"]),
    "hevc, headers in band": ("a.mp4", [*X265, X265_B + "open-gop=1:repeat-headers=1", "-tag:v", "hev1"]),
    "hevc, layers": ("a.mp4", [*X265, X265_B + "open-gop=0:temporal-layers=3"]),
    "hevc, kvazaar, low delay": ("a.mp4", [*KVAZAAR, "preset=ultrafast,period=16,gop=lp-g4d3t1"]),
    "vvc, ts": ("a.ts", VVC),
    "vvc, idr": ("a.mp4", [*VVC, "-vvenc-params", "decodingrefreshtype=idr"]),
    "mpeg4, fields": ("a.avi", [*MPEG4, "-flags", "+ildct+ilme"]),
    "mpeg4, partitions": ("a.avi", [*MPEG4, "-data_partitioning", "1"]),
    "xvid, global motion": ("a.avi", ["-c:v", "libxvid", "-q:v", "3", "-g", "15", "-gmc", "1"]),
    "wmv2, mkv": ("a.mkv", _simple("wmv2")),
    **{f"mpeg2, {end}": (f"a.{end}", MPEG2) for end in ("mpg", "mkv", "mp4", "avi", "m2v", "mxf", "wtv")},
    "mpeg1, mkv": ("a.mkv", ["-c:v", "mpeg1video", *MPEG2[2:]]),
    "h261, avi": ("a.avi", ["-c:v", "h261", *CIF]),
    "rv10": ("a.rm", _simple("rv10")),
    "rv20": ("a.rm", _simple("rv20")),
    "ljpeg": ("a.avi", ["-c:v", "ljpeg"]),
    "jpeg-ls": ("a.avi", ["-c:v", "jpegls"]),
    "mjpeg, mkv": ("a.mkv", _simple("mjpeg")),
    "ffv1 version 0": ("a.avi", ["-c:v", "ffv1", "-level", "0", "-coder", "0", "-g", "20"]),
    "ffv1, mov": ("a.mov", ["-c:v", "ffv1", "-level", "3", "-g", "10"]),
    **{name: ("a.avi", _simple(name)) for name in ("cinepak", "msvideo1", "zmbv", "zlib", "asv1", "asv2")},
    **{name: ("a.mov", _simple(name)) for name in ("rpza", "smc", "cljr", "hap", "cfhd", "prores_aw", "v210", "r210")},
    "cinepak, mov": ("a.mov", _simple("cinepak")),
    "flash screen": ("a.flv", _simple("flashsv")),
    "flash screen 2": ("a.flv", _simple("flashsv2")),
    "roq": ("a.roq", ["-c:v", "roqvideo", "-r", "30"]),
    "dirac": ("a.mkv", ["-c:v", "vc2"]),
    "dirac, bare": ("a.drc", ["-c:v", "vc2"]),
    "avs2": ("a.mkv", ["-c:v", "libxavs2"]),
    **{f"dv, {end}": (f"a.{end}", [*DV, "-frames:v", "20"]) for end in ("avi", "mov", "mkv")},
    **{
        f"dnxhd, {end}": (
            f"a.{end}",
            ["-c:v", "dnxhd", "-profile:v", "dnxhr_sq", "-s", "256x128", "-pix_fmt", "yuv422p"],
        )
        for end in ("mov", "mxf")
    },
    "prores, alpha": ("a.mov", ["-c:v", "prores_ks", "-profile:v", "4", "-pix_fmt", "yuva444p10le"]),
    "av1, open groups": ("a.mp4", [*SVT_AV1, "lp=2:irefresh-type=1"]),
    "av1, ivf": ("a.ivf", [*SVT_AV1, "lp=2"]),
    "av1, realtime": ("a.mp4", [*AOM_AV1, "-usage", "realtime"]),
    "av1, rav1e": ("a.mp4", ["-c:v", "librav1e", "-speed", "10", "-g", "15"]),
    "vp8, ivf": ("a.ivf", VP8),
    "vp8, ogg": ("a.ogg", VP8),
    "vp8, alpha": ("a.webm", [*VP8, "-pix_fmt", "yuva420p", "-auto-alt-ref", "0"]),
    "vp9, mp4": ("a.mp4", [*VP9, *ALT_REF]),
    "vp9, ivf": ("a.ivf", [*VP9, *ALT_REF]),
    "theora, mkv": ("a.mkv", ["-c:v", "libtheora", "-q:v", "6", "-g", "16"]),
    "openjpeg": ("a.mkv", ["-c:v", "libopenjpeg"]),
    "tiff": ("a.mov", ["-c:v", "tiff"]),
    "bmp": ("a.avi", ["-c:v", "bmp"]),
    "dpx": ("a.nut", ["-c:v", "dpx"]),
    "raw, mov": ("a.mov", ["-c:v", "rawvideo", "-pix_fmt", "rgb24"]),
    "raw, gray": ("a.avi", ["-c:v", "rawvideo", "-pix_fmt", "gray"]),
    "raw, mkv": ("a.mkv", ["-c:v", "rawvideo", "-pix_fmt", "yuv420p"]),
    "raw, y4m": ("a.y4m", ["-pix_fmt", "yuv420p"]),
}
# Of these, one of the same kind stays: the same codec and order of frames in another container, or its other variant.
ONLY_BY_NIGHT = {
    "h264, fragments",
    "h264, no messages",
    "h264, open groups, pyramid",
    "h264, open groups, ts",
    "h264, refresh, bare",
    "h264, 4:4:4",
    "h264, flv",
    "hevc, open groups, ts",
    "hevc, open groups, bare",
    "mpeg4, headers in band",
    "mpeg4, quarter pixels, avi",
    "mpeg4, ts",
    "xvid, packed, mp4",
    "wmv1",
    "mpeg2, vob",
    "mjpeg, mov",
    "ffv1 version 1",
    "ffv1, one group",
    "av1, open groups, film grain",
    "av1, bare",
}
BY_DAY = [name for name in KINDS if name not in ONLY_BY_NIGHT]
# Encoders that every ffmpeg has, and the one for H.264 that none should lack.
MAIN = {
    "libx264",
    "mpeg4",
    "mpeg2video",
    "mjpeg",
    "ffv1",
    "huffyuv",
    "rawvideo",
    "png",
    "gif",
    "msmpeg4",
    "wmv2",
    "prores_ks",
}


@pytest.fixture(scope="session")
def encoders(ffmpeg) -> set[str]:
    """The video encoders that this ffmpeg has."""
    return set(re.findall(r"^ V\S{5} (\w[\w-]*) ", ffmpeg("-encoders").decode(), re.MULTILINE))


def encoder_of(options: list[str]) -> str:
    return options[options.index("-c:v") + 1] if "-c:v" in options else "gif"


def assert_right_after_any_jump(video: Video, right: np.ndarray, jumps: int) -> None:
    count = len(right)
    assert len(video) == count
    for number, frame in enumerate(video.frames()):
        assert (frame == right[number]).all(), f"streamed: {number}"
    rng = random.Random(count)
    for number in rng.sample(range(count), min(jumps, count)):
        for place, frame in enumerate(video.frames(number, number + 2), number):
            assert (frame == right[place]).all(), f"jump to {number}: {place}"
    assert (video[count // 3 : count // 2] == right[count // 3 : count // 2]).all()
    for number in rng.sample(range(count), min(jumps // 2, count)):
        assert (video[number] == right[number]).all(), f"single: {number}"
    for number in range(count - 1, max(count - jumps, -1), -1):
        assert (video[number] == right[number]).all(), f"backwards: {number}"


def assert_file_right(path: Path, jumps: int) -> None:
    with open_video(path) as video:
        right = decode_plainly(path, video.shape[1:3])
        assert len(right) == 60
        assert_right_after_any_jump(video, right, jumps)


def check_kind(kind: tuple[str, list[str]], jumps: int, encode, plain, encoders: set[str]) -> None:
    name, options = kind
    if encoder_of(options) not in encoders:
        pytest.skip(f"this ffmpeg lacks {encoder_of(options)}")
    path = encode(name, options)
    with open_video(path) as video:
        assert not video.remark
        right = plain(path, video.shape[1:3])
        assert len(right) >= 20
        assert_right_after_any_jump(video, right, jumps)


@pytest.mark.parametrize("name", BY_DAY)
def test_frames_are_those_of_linear_decoding(name, encode, plain, encoders):
    check_kind(KINDS[name], 6, encode, plain, encoders)


@pytest.mark.nightly
@pytest.mark.parametrize("name", [*KINDS, *RARE])
def test_every_frame_is_that_of_linear_decoding(name, encode, plain, encoders):
    check_kind((KINDS | RARE)[name], 60, encode, plain, encoders)


def test_sweep_leaves_out_no_main_encoder(encoders):
    assert encoders >= MAIN
    assert KINDS.keys() > ONLY_BY_NIGHT
    assert {encoder_of(KINDS[name][1]) for name in BY_DAY} >= MAIN


def count_runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments of every ffmpeg that is started from now on to decode."""
    started: list[list[str]] = []

    class Counted(process.Process):
        def __init__(self, arguments, listen):
            started.append(list(arguments))
            super().__init__(arguments, listen)

    monkeypatch.setattr(decoder, "Process", Counted)
    monkeypatch.setattr(damage, "Process", Counted)
    return started


@pytest.fixture(scope="module")
def old_444(shared, ffmpeg, tmp_path_factory) -> tuple[Path, list[int]]:
    """The first 25 s of a real video that only its first frame explains, and the checksums of its frames."""
    path = tmp_path_factory.mktemp("old") / "old_444.mp4"
    ffmpeg("-i", shared / "data" / "mouse_openfield_x264_148_yuv444p.mp4", "-t", "25", "-c", "copy", path)
    as_rgb = ["-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-c:v", "rawvideo"]
    rows = ffmpeg("-i", path, *as_rgb, "-f", "framecrc", "-").decode().splitlines()
    return path, [int(row.split(",")[5], 16) for row in rows if row.startswith("0,")]


def test_real_video_that_only_its_first_frame_explains(old_444, monkeypatch):
    path, right = old_444
    with open_video(path) as video:
        assert len(video) == len(right) >= 740
        started = count_runs(monkeypatch)
        for number in (300, len(video) - 3, 365, 366, *random.Random(2).sample(range(183, 700), 4)):
            for place, frame in enumerate(video.frames(number, number + 3), number):
                assert zlib.adler32(frame, 0) == right[place], place
        assert all("-ss" in arguments for arguments in started)


def test_real_video_is_right_with_unknown_x264(old_444, monkeypatch):
    path, right = old_444
    monkeypatch.setattr("napari_i3d.video.ffmpeg.probe.Probe.decoder_options", ())
    with open_video(path) as video:
        assert zlib.adler32(video[600], 0) == right[600]
        started = count_runs(monkeypatch)
        for number in (250, 400, 190):
            assert zlib.adler32(next(video.frames(number, number + 1)), 0) == right[number]
        assert len(started) == 3  # it was found once that this file can be entered at its start only


@pytest.mark.parametrize(("text", "build"), [(b"148", 148), (b"000", 67)])
def test_every_decoder_is_told_the_build_of_x264(text, build, encode, tmp_path, monkeypatch):
    data = encode("a.mp4", B_FRAMES).read_bytes()
    name = re.search(rb"x264 - core (\d{3}) ", data)
    assert name is not None
    path = tmp_path / "old.mp4"
    path.write_bytes(data[: name.start(1)] + text + data[name.end(1) :])
    assert probe_video(path).x264_build == build
    started = count_runs(monkeypatch)
    with open_video(path) as video:
        video[40]
    assert started
    assert all(arguments[arguments.index("-x264_build") + 1] == str(build) for arguments in started)


def test_build_is_not_told_to_other_decoders(encode, monkeypatch):
    started = count_runs(monkeypatch)
    with open_video(encode("a.mp4", KINDS["mpeg4"][1])) as video:
        video[40]
    assert started
    assert not any("-x264_build" in arguments for arguments in started)


@pytest.mark.parametrize(
    "kind",
    [
        "mpeg4",
        pytest.param("mpeg4, headers in band", marks=pytest.mark.nightly),
        pytest.param("hevc, open groups", marks=pytest.mark.nightly),
        "hevc, leading frames",
    ],
)
def test_false_key_frames_are_found_out_once(kind, encode, plain, encoders, tmp_path, monkeypatch):
    options = KINDS[kind][1]
    if encoder_of(options) not in encoders:
        pytest.skip(f"this ffmpeg lacks {encoder_of(options)}")
    data = encode("a.mp4", options).read_bytes()
    assert data.count(b"stss") == 1
    path = tmp_path / "all_key.mp4"
    path.write_bytes(data.replace(b"stss", b"free"))  # without this list, all frames are said to be key frames
    with open_video(path) as video:
        assert len(video._index.keys) == 60
        right = plain(path, video.shape[1:3])
        assert_right_after_any_jump(video, right, 30)
        started = count_runs(monkeypatch)
        for number in (44, 37, 44, 37):
            assert (next(video.frames(number, number + 1)) == right[number]).all()
        first = len(started)
        for number in (44, 37, 44, 37):
            next(video.frames(number, number + 1))
        assert len(started) - first == 4


def test_tables_that_only_the_first_image_has(encode, tmp_path):
    data = bytearray(encode("a.avi", _simple("mjpeg", "-huffman", "default")).read_bytes())
    tables = [match.start() for match in re.finditer(rb"\xff\xdb\x00\x43", data)]
    assert len(tables) >= 60
    for place in tables[len(tables) // 60 :]:
        data[place : place + 2] = b"\xff\xfe"  # a comment
    path = tmp_path / "abbreviated.avi"
    path.write_bytes(data)
    assert_file_right(path, 10)


def test_parameters_that_only_the_first_image_has(encode, tmp_path):
    """A file header with other parameters than those that stand before the first frame and hold for all."""
    data = bytearray(encode("a.mp4", KINDS["h264, headers in band"][1]).read_bytes())
    header = data.index(b"avcC") + 4
    size = int.from_bytes(data[header + 6 : header + 8])
    place = header + 8 + size + 1
    size = int.from_bytes(data[place : place + 2])
    parameters = bytes(data[place + 2 : place + 2 + size])
    inside = [match.start() for match in re.finditer(re.escape(parameters), data) if match.start() != place + 2]
    assert len(inside) == 4
    for other in inside[1:]:
        data[other] = 0x0C  # filler
    data[place + 3] ^= 0x10
    path = tmp_path / "first_only.mp4"
    path.write_bytes(data)
    assert_file_right(path, 10)


def test_damage_is_checked_from_the_start_once(encode, tmp_path, monkeypatch):
    data = bytearray(encode("a.mp4", B_FRAMES, count=240).read_bytes())
    for part in (0.25, 0.85):
        place = int(data.rfind(b"moov") * part)
        data[place : place + 2000] = bytes(2000)
    path = tmp_path / "hurt.mp4"
    path.write_bytes(data)
    started = count_runs(monkeypatch)
    with open_video(path) as video:
        assert len(video) == 240
        errors = []
        for number in (*range(55, 75), *range(195, 220)):
            try:
                next(video.frames(number, number + 1))
            except VideoError:
                errors.append(number)
    assert min(errors) < 75
    assert max(errors) > 190
    surveys = [arguments for arguments in started if "null" in arguments]
    assert len(surveys) > 3
    assert sum("-ss" not in arguments for arguments in surveys) == 1
