"""Made-up scenes of ellipses on a noisy ground, with known boxes: what the tests of the detection see as videos."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 160, 240


@dataclass(frozen=True, eq=False)
class Animal:
    """An ellipse on a path (T, 2); not-a-number where it is not there."""

    path: NDArray[np.float64]
    shade: float = 60.0
    length: float = 13.0  # half axes
    breadth: float = 7.0


@dataclass(eq=False)
class Scene:
    """A video in memory, as `detect` needs it."""

    animals: list[Animal]
    ground: float = 170.0
    noise: float = 2.0
    light: NDArray[np.float64] | None = None  # added to each frame
    camera: NDArray[np.float64] | None = None  # (T, 2), where the textured ground has moved to
    shadow: float = 0.0  # how much darker it is beside an animal
    path: Path = Path("scene.mp4")
    read: int = 0
    shape: tuple[int, int, int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.shape = (len(self.animals[0].path) if self.animals else 60, HEIGHT, WIDTH, 3)
        texture = np.random.default_rng(5).uniform(-1, 1, (HEIGHT // 8 + 20, WIDTH // 8 + 20))
        self._texture = np.kron(texture, np.ones((8, 8)))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, number: int) -> NDArray[np.uint8]:
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        random = np.random.default_rng(number)
        left, upper = (0, 0) if self.camera is None else self.camera[number].astype(int)
        texture = self._texture[upper : upper + HEIGHT, left : left + WIDTH]
        image = self.ground + texture * (8 if self.camera is None else 60)
        for animal in self.animals:
            if np.isfinite(animal.path[number]).all():
                if self.shadow:
                    image[_inside(animal, number, x - 6, y - 6)] -= self.shadow
                inside = _inside(animal, number, x, y)
                image[inside] = animal.shade
        if self.light is not None:
            image = image + self.light[number]
        image = image + random.normal(0, self.noise, image.shape)
        return np.repeat(np.clip(image, 0, 255).astype(np.uint8)[..., None], 3, axis=2)

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        for number in range(len(self)):
            self.read += 1
            yield self[number]

    def boxes(self, index: int) -> NDArray[np.float64]:
        """The true boxes of an animal, (T, 4), clipped to the image; not-a-number where it is not there."""
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        boxes = np.full((len(self), 4), np.nan)
        for number in range(len(self)):
            if np.isfinite(self.animals[index].path[number]).all():
                rows, columns = np.nonzero(_inside(self.animals[index], number, x, y))
                if len(rows):
                    boxes[number] = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        return boxes


def _inside(animal: Animal, number: int, x: NDArray, y: NDArray) -> NDArray[np.bool_]:
    steps = np.gradient(animal.path, axis=0)
    dx, dy = np.nan_to_num(steps[number])
    angle = np.arctan2(dy, dx) if np.hypot(dx, dy) > 0.1 else 0.0
    along = (x - animal.path[number, 0]) * np.cos(angle) + (y - animal.path[number, 1]) * np.sin(angle)
    across = (y - animal.path[number, 1]) * np.cos(angle) - (x - animal.path[number, 0]) * np.sin(angle)
    return (along / animal.length) ** 2 + (across / animal.breadth) ** 2 <= 1


def line(start: tuple[float, float], stop: tuple[float, float], n: int = 120) -> NDArray[np.float64]:
    return np.linspace(start, stop, n)


def circle(center: tuple[float, float], radius: float, n: int = 120, turns: float = 1.0) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi * turns, n, endpoint=False)
    return np.stack([center[0] + radius * np.cos(angle), center[1] + radius * np.sin(angle)], axis=1)


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """IoU of boxes (T, 4) and (T, 4); 0 where one is missing, 1 where both are."""
    sides = np.clip(np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2]), 0, None)
    shared = sides.prod(axis=1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (one, other)]
    iou = np.nan_to_num(shared / (areas[0] + areas[1] - shared))
    iou[np.isnan(one[:, 0]) & np.isnan(other[:, 0])] = 1
    return iou
