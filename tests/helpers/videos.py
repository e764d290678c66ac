"""The numbered video: every frame carries its number as squares, and a plain reading of it to compare with."""

import functools
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
    """Return a frame (H, W, 3): eight squares along the top, most significant bit first, above a drifting pattern."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    frame = np.stack([(3 * rows + columns + 5 * number) % 200, (rows * columns // 16) % 200, columns], axis=2)
    noise = (rows * 7919 + columns * 104729 + number * 1299709) * 2654435761 // 65536 % 48
    frame = frame + noise[:, :, np.newaxis]  # packets of a real size, so that damage hits what matters
    for bit in range(BITS):
        frame[:SQUARE, bit * SQUARE : (bit + 1) * SQUARE] = 255 if number >> (BITS - 1 - bit) & 1 else 0
    return frame.astype(np.uint8)


@functools.cache
def drawn(count: int) -> bytes:
    """Return the first frames, one after another."""
    return b"".join(draw(number).tobytes() for number in range(count))


def run_ffmpeg(*arguments: str | Path, data: bytes = b"") -> bytes:
    """Run ffmpeg, fail where it fails, return its standard output."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *map(str, arguments)]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def decode_plainly(path: Path, size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """Return all frames (T, H, W, 3) as a plain ffmpeg pipe gives them, from start to end."""
    out = run_ffmpeg("-i", path, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    return np.frombuffer(out, np.uint8).reshape(-1, *size, 3)


def read_number(frame: np.ndarray) -> int:
    """Return the number that a frame carries."""
    centers = [frame[5:11, bit * SQUARE + 5 : bit * SQUARE + 11].mean() for bit in range(BITS)]
    return sum(int(center > 127) << (BITS - 1 - bit) for bit, center in enumerate(centers))


@pytest.fixture(scope="session")
def ffmpeg() -> Callable[..., bytes]:
    """Return `run_ffmpeg`."""
    return run_ffmpeg


@pytest.fixture(scope="session")
def encode(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return an encoder of numbered frames into a file of a given name; the same request gives the same file."""
    folder = tmp_path_factory.mktemp("videos")
    made: dict[tuple[object, ...], Path] = {}

    def make(name: str, options: Sequence[str] = X264, inputs: Sequence[str] = (), count: int = COUNT) -> Path:
        key = (name, *options, "|", *inputs, count)
        if key not in made:
            path = folder / f"{len(made)}" / name
            path.parent.mkdir()
            form = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE)]
            run_ffmpeg(*form, "-i", "-", *inputs, *options, path, data=drawn(count))
            made[key] = path
        return made[key]

    return make


@pytest.fixture(scope="session")
def number_on() -> Callable[[np.ndarray], int]:
    """Return `read_number`."""
    return read_number


@pytest.fixture(scope="session")
def plain() -> Callable[[Path, tuple[int, int]], np.ndarray]:
    """Return `decode_plainly`."""
    return decode_plainly


@pytest.fixture(scope="session")
def numbered_clip(encode: Callable[..., Path]) -> Path:
    """A clip of 120 numbered frames with B-frames and a key frame every 30, which no test may change."""
    return encode("numbered.mp4", [*X264, "-g", "30", "-bf", "2"], count=120)


@pytest.fixture(scope="session")
def decoded(numbered_clip: Path) -> np.ndarray:
    """All frames of the numbered clip, (T, H, W, 3)."""
    return decode_plainly(numbered_clip)
