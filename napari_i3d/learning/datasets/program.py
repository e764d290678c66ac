"""What is known about a program that trains on a data set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.learning.datasets.clips import Clip


def same_names(clips: Sequence[Clip]) -> list[Clip]:
    """Return clips as they are."""
    return list(clips)


@dataclass(frozen=True, eq=False)
class Program:
    """A program that trains on a data set.

    Attributes
    ----------
    title
        Its name.
    write
        Writes clips into a folder, which has the name that it will have; the last argument is their provenance.
    readme
        How to train there; ``{name}``, ``{width}``, ``{classes}``, ``{behaviors}`` and ``{splits}`` are put in.
    predictions
        Where its predictions are, as a path to read back.
    renamed
        Returns clips with names that it can tell apart.
    """

    title: str
    write: Callable[[Path, Sequence[Clip], Ethogram, Mapping[str, Any]], None]
    readme: str
    predictions: str
    renamed: Callable[[Sequence[Clip]], list[Clip]] = same_names


def splits_of(clips: Sequence[Clip]) -> list[tuple[int, list[Clip], list[Clip]]]:
    """Return the number of each split, from 1, and its clips to train on and to test on."""
    return [
        (fold + 1, [clip for clip in clips if clip.fold != fold], [clip for clip in clips if clip.fold == fold])
        for fold in sorted({clip.fold for clip in clips})
    ]
