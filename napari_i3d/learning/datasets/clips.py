"""Clips: stretches of labelled rows without a gap, which trainers get as videos of their own."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_i3d.annotations.annotation import NOT_ASSESSED, Annotation, VideoFacts
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.errors import AnnotationError, OutputError
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import individual_paths
from napari_i3d.features.row_blocks import Rows
from napari_i3d.individuals import Id
from napari_i3d.learning.folds import FoldUnit, deal_groups
from napari_i3d.learning.labelled_rows import LabelledRows
from napari_i3d.learning.smoothing import runs_of

SHORTEST_ROWS = 8


@dataclass(frozen=True, eq=False)
class Clip:
    """Labelled rows of an individual without a gap.

    Attributes
    ----------
    name
        Name of its files: ``{video}_{id}``, and ``_{frame}`` if the individual has several clips.
    video, individual
        Whose rows.
    rows : (T, D) float32 or float16
    shown : (T, behaviors) int8
        1: the behavior is shown; 0: it is not.
    first_frame, step_frames
        The labels of row t are those of frame ``first_frame + t * step_frames``.
    fold
        Number of the split in which it is held back, from 0.
    """

    name: str
    video: str
    individual: Id
    rows: Rows
    shown: NDArray[np.int8]
    first_frame: int
    step_frames: float
    fold: int

    def features(self, provenance: object) -> Features:
        """Return the rows as those of the only individual of a video, one a frame from 0."""
        frames = np.arange(len(self.rows), dtype=np.float64)
        return Features(
            {"": self.rows}, {"": frames}, first_frame={"": 0}, last_frame={"": len(frames) - 1},
            provenance={"dataset": provenance},
        )  # fmt: skip

    def annotation(self, ethogram: Ethogram) -> Annotation:
        """Return the labels in the same way."""
        bouts = []
        for index, name in enumerate(ethogram):
            own = self.shown[:, index].astype(np.int64)
            starts, stops = runs_of(own)
            bouts += [
                Bout("", name, start, stop)
                for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
                if own[start]
            ]
        count = len(self.rows)
        video = VideoFacts(f"{self.name}.mp4")
        return Annotation(ethogram, tuple(bouts), {"": ((0, count),)}, ("",), n_frames=count, video=video)


def make_clips(labelled: LabelledRows, unit: FoldUnit | str | None = None, seed: int = 0) -> list[Clip]:
    """Cut labelled rows into clips, and deal them to splits by video, else by individual.

    Rows that nobody looked at, or not for all behaviors, are in no clip: trainers would take them for background.

    Raises
    ------
    AnnotationError
        There are not two videos or individuals, or no rows of 8 in a row.
    OutputError
        Two clips would share a name.
    """
    table = labelled.table
    usable = (labelled.shown != NOT_ASSESSED).all(axis=1).astype(np.int64)
    pieces = []
    for number, first, end in table.stretches:
        starts, stops = runs_of(usable[first:end])
        pieces += [
            (number, first + start, first + stop)
            for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
            if usable[first + start] and stop - start >= SHORTEST_ROWS
        ]
    if not pieces:
        raise AnnotationError(f"expected {SHORTEST_ROWS} rows or more in a row that were looked at, found none")
    owners = [(table.sequences[number].video, labelled.individuals[number]) for number, _, _ in pieces]
    groups: list[object] = [video for video, _ in owners]
    if unit == FoldUnit.INDIVIDUAL or (unit is None and len(set(groups)) < 2):
        groups = list(owners)
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    if len(numbers) < 2:
        raise AnnotationError(
            "expected two videos or individuals with labels, found one: a trainer needs one to be tested on",
            hint="label another",
        )
    own = np.concatenate(
        [np.full(stop - start, numbers[g]) for g, (_, start, stop) in zip(groups, pieces, strict=True)]
    )
    shown = np.concatenate([labelled.shown[start:stop] for _, start, stop in pieces])
    folds = deal_groups(own, shown, seed)
    clips = []
    for group, owner, (number, start, stop) in zip(groups, owners, pieces, strict=True):
        sequence, offset = table.sequences[number], int(table.starts[number])
        sequence.check_finite(start - offset, stop - offset)
        name = _name(*owner) + (f"_{labelled.frames[start]}" if owners.count(owner) > 1 else "")
        clips.append(
            Clip(
                name, *owner, sequence.values[start - offset : stop - offset], labelled.shown[start:stop],
                int(labelled.frames[start]), sequence.step_frames, int(folds[numbers[group]]),
            )
        )  # fmt: skip
    names = [clip.name.casefold() for clip in clips]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise OutputError(f"two clips would be called {twice}", hint="rename an individual or a video")
    return clips


def _name(video: str, individual: Id) -> str:
    return individual_paths(Path(f"{video or 'video'}.npy"), [individual])[individual].stem
