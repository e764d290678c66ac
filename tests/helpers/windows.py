"""A numbered clip to open, and what is left over of ffmpeg."""

import os
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

# Before napari is imported: no test may change the settings of the person who runs it.
_settings = tempfile.TemporaryDirectory(prefix="napari_settings_")
os.environ["NAPARI_CONFIG"] = str(Path(_settings.name) / "settings.yaml")


WIDTH, HEIGHT, FRAMES = 160, 96, 120
BITS, SQUARE = 8, 16


def numbered(number: int) -> np.ndarray:
    """A frame (H, W, 3) with its number as eight squares along the top, most significant bit first."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    frame = np.stack([(rows + number) % 180, (columns + 2 * number) % 180, rows], axis=2)
    for bit in range(BITS):
        frame[:SQUARE, bit * SQUARE : (bit + 1) * SQUARE] = 255 if number >> (BITS - 1 - bit) & 1 else 0
    return frame.astype(np.uint8)


@pytest.fixture(scope="session")
def number_of() -> Callable[[np.ndarray], int]:
    """Reads the number that stands in a frame."""

    def read(frame: np.ndarray) -> int:
        centers = [frame[SQUARE // 2, bit * SQUARE + SQUARE // 2, 0] > 127 for bit in range(BITS)]
        return int("".join("1" if on else "0" for on in centers), 2)

    return read


@pytest.fixture(scope="session")
def make_numbered(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Encodes a clip of numbered frames, with B-frames and a key frame every 30."""

    def make(name: str = "numbered.mp4", count: int = FRAMES) -> Path:
        path = tmp_path_factory.mktemp("clip") / name
        raw = b"".join(numbered(number).tobytes() for number in range(count))
        form = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", "25", "-i", "-"]
        codec = ["-c:v", "libx264", "-g", "30", "-bf", "2", "-pix_fmt", "yuv420p", "-threads", "1"]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *form, *codec, str(path)]
        subprocess.run(command, input=raw, check=True)
        return path

    return make


@pytest.fixture(scope="session")
def numbered_clip(make_numbered) -> Path:
    """A numbered clip that no test changes."""
    return make_numbered()


@pytest.fixture(scope="session")
def decoded(numbered_clip: Path) -> np.ndarray:
    """All its frames, (T, H, W, 3), read by a plain ffmpeg from start to end."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(numbered_clip)]
    raw = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True)
    return np.frombuffer(raw.stdout, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)


@pytest.fixture
def ffmpegs() -> Callable[[], int]:
    """How many ffmpeg this process has started that still run."""

    def count() -> int:
        found = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                name, rest = stat.read_text().rsplit(")", 1)
            except OSError:
                continue
            found += "(ffmpeg" in name and rest.split()[1] == str(os.getpid()) and rest.split()[0] != "Z"
        return found

    if not Path("/proc/self/stat").exists():
        pytest.skip("counts processes in /proc")
    return count


@pytest.fixture
def fillers() -> Callable[[], int]:
    """How many background threads of frame caches run."""
    return lambda: sum(thread.name.startswith("frames of ") for thread in threading.enumerate())


@pytest.fixture
def command_lines() -> Callable[[], list[str]]:
    """The command lines of all processes that run."""

    def read() -> list[str]:
        lines = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
        return lines

    return read
