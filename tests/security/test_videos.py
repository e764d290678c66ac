"""A stranger's video opens nothing but itself, takes neither time nor memory, and is read rightly or refused."""

import operator
import random
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.hostile.hostile_videos import COUNT, FFMPEG, HEIGHT, KINDS, WIDTH, damaged, encode, mov, plain, playlists
from helpers.hostile.witness import Witness, at_night, many


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for name, options in KINDS.items():
        encode(folder / name, options)
    return folder


@pytest.fixture(scope="module")
def witness(start_witness: Callable[[str, Path], Witness], videos: Path) -> Witness:
    return start_witness("video", videos / "h264.mp4")


@pytest.fixture(scope="module")
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        yield listening


@pytest.mark.parametrize("name", KINDS)
def test_honest_video_reads_as_plain_ffmpeg_reads_it(name: str, videos: Path, witness: Witness):
    said = witness.read(videos / name, name)["result"]
    assert said["count"] == COUNT
    assert said["frames"] == plain(videos / name, (HEIGHT, WIDTH))
    assert len(set(said["frames"])) == COUNT


@pytest.mark.parametrize("seeds", many("damage", 24, 2400))
def test_damaged_video_is_read_or_refused(seeds: range, videos: Path, witness: Witness):
    """Some give most of their frames: to refuse whatever is damaged would not do."""
    right = {name: plain(videos / name, (HEIGHT, WIDTH)) for name in KINDS}
    mostly_right = 0
    for seed in seeds:
        rng = random.Random(seed)
        name = list(KINDS)[seed % len(KINDS)]
        path = witness.folder / name
        path.write_bytes(damaged((videos / name).read_bytes(), rng))
        said = witness.read(path, f"seed {seed}: {name}")["result"] or {"frames": []}
        mostly_right += sum(map(operator.eq, said["frames"], right[name])) > COUNT // 2
    assert mostly_right > len(seeds) // 6


@pytest.mark.parametrize("seeds", many("images", 8, 600))
@pytest.mark.parametrize("name", ["ffv1.mkv", "h264.mp4"])
def test_damage_to_images_shifts_no_frame(name: str, seeds: range, videos: Path, witness: Witness):
    """What is read as frame n is frame n, or what the decoder made of its damaged image; never a later frame."""
    right = plain(videos / name, (HEIGHT, WIDTH))
    whole = (videos / name).read_bytes()
    # Behind all headers; an MP4 has its index at the end.
    first, last = (len(whole) // 4, len(whole)) if name == "ffv1.mkv" else (200, whole.rfind(b"moov") - 700)
    path = witness.folder / name
    read_right = 0
    for seed in seeds:
        data = damaged(whole[:last], random.Random(seed), first)[:last].ljust(last, b"\0") + whole[last:]
        path.write_bytes(data)
        said = witness.read(path, f"seed {seed}: {name}")["result"] or {"frames": []}
        for number, checksum in enumerate(said["frames"]):
            later = checksum in right[number + 1 :]
            assert not later, f"seed {seed}: {name}: frame {number} shows frame {right.index(checksum)}"
            read_right += checksum == right[number]
    assert read_right > len(seeds) * COUNT // 3


@pytest.mark.parametrize("ending", [".mp4", *at_night(".avi", ".m3u8", ".ffconcat", ".sdp", ".mpd")])
def test_playlist_leads_nowhere(ending: str, videos: Path, witness: Witness, server: socket.socket):
    for name, text in playlists(videos / "h264.mp4", server.getsockname()[1]).items():
        path = witness.folder / f"list{ending}"
        path.write_text(text)
        witness.refuse(path, name)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_playlists_would_lead_somewhere_without_protection(videos: Path, tmp_path: Path):
    """The test above can fail: a plain ffmpeg follows the same list."""
    path = tmp_path / "list.ffconcat"
    path.write_text(playlists(videos / "h264.mp4", 1)["ffconcat, file"])
    done = subprocess.run([FFMPEG, "-safe", "0", "-i", path, "-f", "null", "-"], capture_output=True, check=False)
    assert b"h264" in done.stderr


def test_reference_to_another_file_is_not_followed(videos: Path, witness: Witness):
    shutil.copy(videos / "h264.mp4", witness.folder / "decoy.mp4")
    path = witness.folder / "refers.mov"
    path.write_bytes(mov(COUNT, 1, reference=str(witness.folder / "decoy.mp4")))
    witness.refuse(path, "reference")


TRACED = """
import sys
from pathlib import Path
from napari_i3d.errors import NapariI3DError
from napari_i3d.video.video import open_video
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        with open_video(path) as video:
            video[0]
    except NapariI3DError:
        pass
"""


def test_no_other_file_is_opened_and_no_socket(videos: Path, tmp_path: Path):
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    lists, log = tmp_path / "lists", tmp_path / "log"
    lists.mkdir()
    texts = playlists(tmp_path / "decoy.mp4", 1)
    shutil.copy(videos / "h264.mp4", tmp_path / "decoy.mp4")
    shutil.copy(videos / "h264.mp4", lists / "honest.mp4")
    for number, text in enumerate(texts.values()):
        (lists / f"{number}.mp4").write_text(text)
    (lists / "refers.mov").write_bytes(mov(COUNT, 1, reference=str(tmp_path / "decoy.mp4")))
    trace = ["strace", "-f", "-qq", "-s", "300", "-e", "trace=open,openat,socket,connect", "-o", str(log)]
    done = subprocess.run([*trace, sys.executable, "-c", TRACED, str(lists)], capture_output=True, check=False)
    if b"PTRACE" in done.stderr or b"ptrace" in done.stderr:
        pytest.skip("may not trace")
    assert done.returncode == 0, done.stderr
    lines = log.read_text().splitlines()
    assert sum("honest.mp4" in line for line in lines) >= 3  # it sees what is opened
    assert not [line for line in lines if "decoy" in line or "/etc/passwd" in line]
    assert not [line for line in lines if "AF_INET" in line]


def _patched(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new)


# Up to twice 4K; where more is declared, up to 8K, ffmpeg takes the 1.5 GB that it takes for an honest video of 8K.
SIZES = [(0, 0), (0, 48), (1, 1), (65535, 65535), (32767, 32767), (16384, 8192), (3840, 4320), (64, 65535)]


@pytest.mark.parametrize("size", [*SIZES[:4], *at_night(*((size,) for size in SIZES[4:]))])
@pytest.mark.parametrize("kind", ["avi", "mjpeg", "mov", "gif", "mp4"])
def test_declared_size_takes_no_memory(kind: str, size: tuple[int, int], videos: Path, witness: Witness):
    width, height = size
    honest = {"avi": "mpeg4.avi", "mjpeg": "mjpeg.avi", "mov": "raw.mov", "gif": "gif.gif", "mp4": "h264.mp4"}[kind]
    data = (videos / honest).read_bytes()
    if kind == "avi":
        data = _patched(data, struct.pack("<II", WIDTH, HEIGHT), struct.pack("<II", width, height))
    elif kind == "gif":
        data = _patched(data, struct.pack("<HH", WIDTH, HEIGHT), struct.pack("<HH", width, height))
    else:
        data = _patched(data, *(struct.pack(">HH", *pair) for pair in _order(kind, (WIDTH, HEIGHT), size)))
    path = witness.folder / f"size{Path(honest).suffix}"
    path.write_bytes(data)
    witness.read(path, f"{kind} of {size}")


def _order(kind: str, *pairs: tuple[int, int]) -> list[tuple[int, int]]:
    return [pair[::-1] for pair in pairs] if kind == "mjpeg" else list(pairs)


@pytest.mark.parametrize(
    ("count", "chunks"),
    [(1_200_000, 9), (30_000_000, 100), (2**31, 2), *at_night((300_000, 3), (3_000_000, 10))],
)
def test_index_repeating_the_same_bytes_is_refused(count: int, chunks: int, witness: Witness):
    path = witness.folder / "index.mov"
    if count < 2**31:
        path.write_bytes(mov(count, chunks))
    else:
        path.write_bytes(_patched(mov(30, 1), struct.pack(">II", 3, 30), struct.pack(">II", 3, count - 1)))
    witness.refuse(path, f"{count} samples")


def test_small_index_of_the_same_kind_is_read(witness: Witness):
    path = witness.folder / "index.mov"
    path.write_bytes(mov(30, 1))
    assert witness.read(path, "30 samples")["result"]["count"] == 30


@pytest.mark.parametrize("codec", ["png", "mjpeg", "bmp", "tiff", "gif", "libwebp"])
def test_image_called_video_is_read_or_refused(codec: str, witness: Witness):
    path = witness.folder / "image.mp4"
    source = ["-f", "lavfi", "-i", "testsrc=s=64x48:d=0.04"]
    subprocess.run(
        [FFMPEG, "-y", "-v", "error", *source, "-frames:v", "1", "-c:v", codec, "-f", "image2pipe", path], check=True
    )
    said = witness.read(path, codec)
    assert said["error"] or (said["result"]["count"], said["result"]["shape"]) == (1, [48, 64, 3])
    assert codec != "gif" or said["result"]  # a GIF is a video, whatever it is called
