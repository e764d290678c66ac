"""Files that pretend to be videos: playlists that lead elsewhere, lies in headers, damage, and what made them honest."""

import random
import struct
import subprocess
import zlib
from pathlib import Path

import imageio_ffmpeg
import numpy as np

WIDTH, HEIGHT, COUNT = 64, 48, 30
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "10", "-pix_fmt", "yuv420p", "-threads", "1"]
KINDS: dict[str, list[str]] = {
    "h264.mp4": H264,
    "h264.mkv": H264,
    "h264.ts": H264,
    "mpeg4.avi": ["-c:v", "mpeg4", "-g", "10", "-q:v", "3"],
    "mjpeg.avi": ["-c:v", "mjpeg", "-q:v", "3"],
    "ffv1.mkv": ["-c:v", "ffv1", "-level", "3", "-slicecrc", "1"],
    "vp9.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "10"],
    "raw.mov": ["-c:v", "rawvideo", "-pix_fmt", "rgb24"],
    "gif.gif": [],
    "mpeg2.mpg": ["-c:v", "mpeg2video", "-g", "10"],
    "flv.flv": ["-c:v", "flv", "-g", "10"],
    "png.mov": ["-c:v", "png"],
}


def encode(path: Path, options: list[str], seed: int = 0) -> Path:
    """Write a video whose frames all differ."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    frames = [(rows * 3 + columns * 2 + 9 * n) % 200 + rng.integers(0, 56, (HEIGHT, WIDTH)) for n in range(COUNT)]
    raw = np.repeat(np.stack(frames).astype(np.uint8)[..., np.newaxis], 3, axis=3).tobytes()
    form = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", "25"]
    command = [FFMPEG, "-y", "-v", "error", *form, "-i", "-", *options, f"file:{path}"]
    subprocess.run(command, input=raw, check=True)
    return path


def plain(path: Path, shape: tuple[int, int]) -> list[int]:
    """The checksums of all frames as a plain ffmpeg gives them."""
    command = [
        FFMPEG,
        "-v",
        "quiet",
        "-i",
        f"file:{path}",
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
    ]
    size = shape[0] * shape[1] * 3
    out = subprocess.run([*command, "-s", f"{shape[1]}x{shape[0]}", "-"], capture_output=True, check=False).stdout
    return [zlib.crc32(out[at : at + size]) for at in range(0, len(out) - size + 1, size)]


def damaged(data: bytes, rng: random.Random, first: int = 0) -> bytes:
    """Bytes flipped, overwritten, cut out, grown or cut off, from byte `first` on."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(first, max(len(changed), first + 1))
        size = rng.choice([1, 1, 4, 60, 600])
        match rng.randrange(7):
            case 0 | 1:
                changed[at : at + 1] = bytes([rng.randrange(256)])
            case 2:
                changed[at : at + size] = rng.randbytes(min(size, len(changed) - at))
            case 3:
                changed[at : at + size] = rng.choice([b"\0", b"\xff"]) * min(size, len(changed) - at)
            case 4 if not first:
                changed[at:at] = rng.randbytes(size)
            case 5 if not first:
                del changed[at : at + size]
            case 6 if rng.random() < 0.3:
                del changed[at:]
    return bytes(changed)


def playlists(target: Path, port: int) -> dict[str, str]:
    """Texts that lead ffmpeg to another file or to a server."""
    web = f"http://127.0.0.1:{port}/a.mp4"
    mpd = "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static' profiles='urn:mpeg:dash:profile:isoff-main:2011'>"
    mpd += "<Period duration='PT1S'><AdaptationSet mimeType='video/mp4'><Representation id='1' bandwidth='1'><BaseURL>{}</BaseURL>"
    mpd += "</Representation></AdaptationSet></Period></MPD>"
    sdp = f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    smil = "<smil><body><video src='{}'/></body></smil>"
    imf = f"<AssetMap><AssetList><Asset><Path>{target}</Path></Asset></AssetList></AssetMap>"
    texts = {"sdp": sdp, "rtsp reference": f"rtsptext\nrtsp://127.0.0.1:{port}/a\n", "assetmap": imf}
    texts["asx"] = f"<ASX version='3.0'><ENTRY><REF HREF='{web}'/></ENTRY></ASX>"
    texts["asf reference"] = f"[Reference]\nRef1={web}\nRef2={target}\n"
    texts["avisynth"] = f'AviSource("{target}")\n'
    texts["vapoursynth"] = f"import vapoursynth\nvapoursynth.core.ffms2.Source('{target}').set_output()\n"
    texts["svg"] = f"<svg xmlns='http://www.w3.org/2000/svg'><image href='{web}'/><image href='file://{target}'/></svg>"
    texts["subtitles"] = "1\n00:00:00,000 --> 00:00:01,000\n<img src='" + web + "'>\n"
    texts["ass"] = "[Script Info]\nScriptType: v4.00+\n[Events]\nDialogue: 0,0:00:00.00,0:00:01.00,,,0,0,0,,x\n"
    texts["webvtt"] = "WEBVTT\n\n00:00.000 --> 00:01.000\nx\n"
    texts["ffmetadata"] = ";FFMETADATA1\ntitle=x\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\n"
    for name, other in (
        ("file", str(target)),
        ("file protocol", f"file:{target}"),
        ("server", web),
        ("passwd", "/etc/passwd"),
    ):
        texts[f"ffconcat, {name}"] = f"ffconcat version 1.0\nfile '{other}'\n"
        texts[f"hls, {name}"] = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{other}\n#EXT-X-ENDLIST\n"
        texts[f"hls with a map, {name}"] = f'#EXTM3U\n#EXT-X-MAP:URI="{other}"\n#EXTINF:2,\n{other}\n#EXT-X-ENDLIST\n'
        texts[f"hls with a key, {name}"] = (
            f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{other}"\n#EXTINF:2,\n{other}\n#EXT-X-ENDLIST\n'
        )
        texts[f"hls by concat, {name}"] = f"#EXTM3U\n#EXTINF:2,\nconcat:{other}|{other}\n#EXT-X-ENDLIST\n"
        texts[f"dash, {name}"] = mpd.format(other)
        texts[f"smil, {name}"] = smil.format(other)
    return texts


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of an MP4 file."""
    content = b"".join(parts)
    return struct.pack(">I", len(content) + 8) + kind + content


def mov(count: int, chunks: int, *, width: int = 1, height: int = 1, reference: str = "") -> bytes:
    """A QuickTime file of raw images: `count` of them from the same bytes, or from another file."""
    body = bytes(16 + 3 * (count // chunks))
    header = box(b"ftyp", b"qt  \0\0\0\0qt  ")
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    mvhd = box(
        b"mvhd", struct.pack(">5IIH10x", 0, 0, 0, 25, count, 0x10000, 0x100), matrix, bytes(24), struct.pack(">I", 2)
    )
    tkhd = box(
        b"tkhd",
        struct.pack(">6I8x4H", 7, 0, 0, 1, 0, count, 0, 0, 0, 0),
        matrix,
        struct.pack(">II", width << 16, height << 16),
    )
    image = struct.pack(">6xHHH12xHHIIIH32xHh", 1, 0, 0, width, height, 0x480000, 0x480000, 0, 1, 24, -1)
    stsd = box(b"stsd", struct.pack(">II", 0, 1), box(b"raw ", image))
    alias = (
        struct.pack(">4xH", 150)
        + bytes(2)
        + bytes([1])
        + b"/".ljust(27, b"\0")
        + bytes(12)
        + bytes([7])
        + b"decoy.mp4".ljust(63, b"\0")
    )
    alias += (
        bytes(20)
        + struct.pack(">hh", 0, 0)
        + bytes(16)
        + struct.pack(">hH", 2, len(reference))
        + reference.encode()
        + b"\xff\xff\0\0"
    )
    dref = box(b"alis", struct.pack(">I", 0 if reference else 1), alias if reference else b"")
    stbl = box(
        b"stbl", stsd, box(b"stts", struct.pack(">4I", 0, 1, count, 1)), box(b"stsc", struct.pack(">5I", 0, 1, 1, count // chunks, 1)),
        box(b"stsz", struct.pack(">3I", 0, 3 * width * height, count)),
        box(b"stco", struct.pack(">II", 0, chunks), struct.pack(">I", len(header) + 8) * chunks),
    )  # fmt: skip
    minf = box(b"minf", box(b"vmhd", bytes(12)), box(b"dinf", box(b"dref", struct.pack(">II", 0, 1), dref)), stbl)
    hdlr = box(b"hdlr", bytes(4), b"mhlrvide", bytes(13))
    mdia = box(b"mdia", box(b"mdhd", struct.pack(">5I4x", 0, 0, 0, 25, count)), hdlr, minf)
    return header + box(b"mdat", body) + box(b"moov", mvhd, box(b"trak", tkhd, mdia))
