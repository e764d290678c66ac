"""Small videos whose every frame carries its number as a bar code, and a plain reading of them to compare with."""

import functools
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

WIDTH, HEIGHT, COUNT = 128, 64, 60
BITS, SQUARE = 8, 16
RATE = 25
X264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-threads", "2"]


def draw(number: int) -> np.ndarray:
    """A frame (H, W, 3): eight squares along the top, most significant bit first, above a drifting pattern."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    frame = np.stack([(3 * rows + columns + 5 * number) % 200, (rows * columns // 16) % 200, columns], axis=2)
    noise = (rows * 7919 + columns * 104729 + number * 1299709) * 2654435761 // 65536 % 48
    frame = frame + noise[:, :, np.newaxis]  # packets of a real size, so that damage hits what matters
    for bit in range(BITS):
        frame[:SQUARE, bit * SQUARE : (bit + 1) * SQUARE] = 255 if number >> (BITS - 1 - bit) & 1 else 0
    return frame.astype(np.uint8)


@functools.cache
def drawn(count: int) -> bytes:
    return b"".join(draw(number).tobytes() for number in range(count))


def run_ffmpeg(*arguments: str | Path, data: bytes = b"") -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *map(str, arguments)]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="session")
def ffmpeg() -> Callable[..., bytes]:
    """Runs ffmpeg, fails where it fails, returns its standard output."""
    return run_ffmpeg


@pytest.fixture(scope="session")
def encode(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Encodes numbered frames into a file of a given name; the same request gives the same file."""
    folder = tmp_path_factory.mktemp("videos")
    made: dict[tuple[object, ...], Path] = {}

    def make(name: str, options: Sequence[str] = X264, inputs: Sequence[str] = (), count: int = COUNT) -> Path:
        key = (name, *options, "|", *inputs, count)
        if key not in made:
            path = folder / f"{len(list(folder.iterdir()))}" / name
            path.parent.mkdir()
            form = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE)]
            run_ffmpeg(*form, "-i", "-", *inputs, *options, path, data=drawn(count))
            made[key] = path
        return made[key]

    return make


@pytest.fixture(scope="session")
def number_on() -> Callable[[np.ndarray], int]:
    """Reads the bar code of a frame."""

    def read(frame: np.ndarray) -> int:
        centers = [frame[5:11, bit * SQUARE + 5 : bit * SQUARE + 11].mean() for bit in range(BITS)]
        return sum(int(center > 127) << (BITS - 1 - bit) for bit, center in enumerate(centers))

    return read


@pytest.fixture(scope="session")
def plain() -> Callable[[Path, tuple[int, int]], np.ndarray]:
    """All frames (T, H, W, 3) as a plain ffmpeg pipe gives them."""

    def read(path: Path, size: tuple[int, int]) -> np.ndarray:
        out = run_ffmpeg("-i", path, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
        return np.frombuffer(out, np.uint8).reshape(-1, *size, 3)

    return read


@pytest.fixture
def children() -> Callable[[], int]:
    """Counts the ffmpeg processes that this process has started and not yet ended and waited for."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("counts processes through /proc")

    def count() -> int:
        found = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
            except OSError:
                continue
            name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
            found += name.startswith("ffmpeg") and int(rest[1]) == os.getpid()
        return found

    return count
