"""Plain gray videos to draw on, with tracking, and a reading of what was rendered by another way than the program's."""

from collections.abc import Callable, Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from helpers.videos import decode_plainly, run_ffmpeg
from napari_i3d import Tracking, Tracklet

GRAY = 128


def write_frames(path: Path, frames: Iterator[np.ndarray] | list[np.ndarray], rate: str = "25") -> Path:
    """Encode frames (H, W, 3) without loss; the file holds the same bytes."""
    images = list(frames)
    height, width = images[0].shape[:2]
    form = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", rate]
    options = ["-c:v", "libx264rgb", "-crf", "0", "-preset", "ultrafast"]
    run_ffmpeg(*form, "-i", "-", *options, path, data=b"".join(image.astype(np.uint8).tobytes() for image in images))
    return path


def gray_frames(count: int, width: int = 400, height: int = 320, gray: int = GRAY) -> list[np.ndarray]:
    """Return gray frames without anything on them."""
    return [np.full((height, width, 3), gray, np.uint8)] * count


def walk(count: int, individual: str | int = "a", start: int = 0, step: int = 6) -> Tracklet:
    """Return a box of 60 x 40 pixels that moves to the right."""
    left = 40.0 + step * np.arange(count)
    return Tracklet(individual, start, np.stack([left, 0 * left + 100, left + 60, 0 * left + 140], axis=1))


def decode(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Return all frames (T, H, W, 3) of a rendered video of width and height `size`, by a plain ffmpeg."""
    return decode_plainly(path, (size[1], size[0]))


def described(path: Path) -> str:
    """Return what ffmpeg says about a file."""
    import subprocess

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(path)]
    return subprocess.run(command, capture_output=True, check=False).stderr.decode()


def rgb(color: str) -> np.ndarray:
    """Return ``#rrggbb`` as three numbers."""
    return np.array(list(bytes.fromhex(color[1:])))


def looks_like(pixels: np.ndarray, color: str, most: float = 40) -> bool:
    """Return whether pixels (..., 3) have, on average, a color; h264 blurs it."""
    return bool(np.abs(pixels.reshape(-1, 3).mean(axis=0) - rgb(color)).max() <= most)


@pytest.fixture
def gray_video(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of gray videos."""

    def make(count: int = 30, name: str = "gray.mp4", **size: int) -> Path:
        return write_frames(tmp_path / name, gray_frames(count, **size))

    return make


def tracking_of(*tracklets: Tracklet) -> Tracking:
    """Return a tracking of tracklets."""
    return Tracking(tracklets)
