"""A small synthetic video of two animals with its tracking, for demos and tests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.files import make_folder
from napari_i3d.errors import OutputError
from napari_i3d.tracking.io.box_pickle import write_tracking
from napari_i3d.tracking.tracklets import Tracking, Tracklet

WIDTH, HEIGHT = 384, 288
FPS = 25
FRAMES = 72
BOUTS = 3
_SEED = 8


@dataclass(frozen=True)
class SyntheticClip:
    """Files of the synthetic clip, and what its animals do.

    Attributes
    ----------
    video, tracking
        The files.
    behaviors
        For each animal its behavior in each frame, as a person would label it: ``"running"``, ``"resting"`` or
        ``"wandering"``. Empty for a clip that was written earlier.
    """

    video: Path
    tracking: Path
    behaviors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Animal:
    """An ellipse with stripes that moves and turns."""

    center: NDArray[np.float64]  # (T, 2) x and y, in pixels
    angle: NDArray[np.float64]  # (T,) direction of the long axis, in radians
    half_length: float  # in pixels
    half_width: float  # in pixels
    color: tuple[float, float, float]  # RGB, 0 to 255
    stripe_px: float  # distance between stripes


def write_synthetic_clip(
    folder: str | Path, n_frames: int = FRAMES, stem: str = "animals", bouts: int = BOUTS
) -> SyntheticClip:
    """Write ``{stem}.mp4`` (384x288 pixels, 25 frames/s) and ``{stem}_tracks.pickle`` to a folder.

    The striped animal runs half a circle, rests, runs the other half, and so on; the spotted one wanders back and
    forth. The same numbers are drawn every time.

    Parameters
    ----------
    folder
        Made if it does not exist.
    n_frames
        Number of frames.
    stem
        Name of the files.
    bouts
        Number of runs and rests of the striped animal, all of the same length; the first is a run.

    Raises
    ------
    OutputError
        The folder or the files cannot be written.
    """
    folder = make_folder(folder)
    animals = _animals(n_frames, bouts)
    behaviors = {"striped": _runs_and_rests(n_frames, bouts), "spotted": ("wandering",) * n_frames}
    clip = SyntheticClip(folder / f"{stem}.mp4", folder / f"{stem}_tracks.pickle", behaviors)
    part = folder / f".{stem}.part.mp4"
    writer = imageio_ffmpeg.write_frames(
        str(part),
        (WIDTH, HEIGHT),
        fps=FPS,
        codec="libx264",
        quality=None,
        pix_fmt_out="yuv420p",
        macro_block_size=1,
        # One thread and no version strings: the same file every time on every machine with this ffmpeg.
        output_params=["-crf", "18", "-g", "24", "-threads", "1", "-fflags", "+bitexact", "-flags", "+bitexact"],
    )
    try:
        writer.send(None)
        for frame in _frames(animals, n_frames):
            writer.send(frame)
        writer.close()
        part.replace(clip.video)
    except OSError as error:
        raise OutputError(
            f"{clip.video}: cannot be written ({error.strerror or error})", hint="choose another place"
        ) from error
    finally:
        writer.close()
        part.unlink(missing_ok=True)
    boxes = {name: _boxes(animal) for name, animal in animals.items()}
    write_tracking(clip.tracking, Tracking(Tracklet(name, 0, array) for name, array in boxes.items()))
    return clip


def _animals(n_frames: int, bouts: int) -> dict[str, _Animal]:
    time = np.linspace(0, 1, n_frames)
    runs = [np.clip(time, run / bouts, (run + 1) / bouts) - run / bouts for run in range(0, bouts, 2)]
    phase = np.pi * bouts * np.sum(runs, axis=0)
    circle = np.stack([125 + 70 * np.cos(phase), 145 + 70 * np.sin(phase)], axis=1)
    sway = 2 * np.pi * time
    path = np.stack([275 + 50 * np.sin(2 * sway), 150 + 85 * np.cos(sway)], axis=1)
    step = np.gradient(path, axis=0)
    return {
        "striped": _Animal(circle, phase + np.pi / 2, 34, 15, (205, 150, 90), 9),
        "spotted": _Animal(path, np.arctan2(step[:, 1], step[:, 0]), 28, 18, (110, 130, 170), 14),
    }


def _runs_and_rests(n_frames: int, bouts: int) -> tuple[str, ...]:
    return tuple(
        "resting" if min(int(time * bouts), bouts - 1) % 2 else "running" for time in np.linspace(0, 1, n_frames)
    )


def _frames(animals: dict[str, _Animal], n_frames: int) -> Iterator[NDArray[np.uint8]]:
    random = np.random.default_rng(_SEED)
    # Coarse noise, enlarged, for the ground; fine noise on top of it.
    ground = np.kron(random.uniform(150, 185, (HEIGHT // 8, WIDTH // 8)), np.ones((8, 8)))
    ground = (ground + random.uniform(-12, 12, ground.shape))[..., None] * np.array([1.0, 0.98, 0.92])
    empty = _as_pixels(ground)
    for index in range(n_frames):
        image = empty.copy()
        for name, animal in animals.items():
            _draw(image, animal, index, spotted=name == "spotted")
        yield image


def _draw(image: NDArray[np.uint8], animal: _Animal, index: int, *, spotted: bool) -> None:
    cos, sin = np.cos(animal.angle[index]), np.sin(animal.angle[index])
    # No pixel farther away can be inside.
    reach = int(max(animal.half_length, animal.half_width)) + 2
    left, upper = (max(0, int(place - reach)) for place in animal.center[index])
    image = image[upper : upper + 2 * reach + 1, left : left + 2 * reach + 1]
    y, x = np.mgrid[upper : upper + image.shape[0], left : left + image.shape[1]]
    dx, dy = x - animal.center[index, 0], y - animal.center[index, 1]
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    inside = (along / animal.half_length) ** 2 + (across / animal.half_width) ** 2 <= 1
    pattern = np.sin(2 * np.pi * along / animal.stripe_px)
    if spotted:
        pattern = pattern * np.sin(2 * np.pi * across / animal.stripe_px)
    head = along > 0.6 * animal.half_length
    shade = np.where(head, 0.45, 0.85 + 0.3 * np.sign(pattern) * (np.abs(pattern) > 0.3))
    image[inside] = _as_pixels(shade[inside, None] * np.array(animal.color))


def _as_pixels(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _boxes(animal: _Animal) -> NDArray[np.float64]:
    """Return the bounding boxes, (T, 4), whole pixels with a margin of 3, of the turned ellipse."""
    cos, sin = np.cos(animal.angle), np.sin(animal.angle)
    half_width = np.hypot(animal.half_length * cos, animal.half_width * sin)
    half_height = np.hypot(animal.half_length * sin, animal.half_width * cos)
    x, y = animal.center.T
    boxes: NDArray[np.float64] = np.rint(
        np.stack([x - half_width - 3, y - half_height - 3, x + half_width + 3, y + half_height + 3], axis=1)
    )
    return boxes
