"""The probabilities of classes that a probe gives rows, and the bouts made of them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.frame_ranges import Range, Ranges, merge_ranges
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.features.sequence import FeatureSequence
from napari_i3d.individuals import Id
from napari_i3d.learning.reviewed import PROBE_ANNOTATOR
from napari_i3d.learning.smoothing import Smoothing, runs_of, smooth


@dataclass(frozen=True, eq=False)
class RowProbabilities:
    """Probabilities of the rows of one individual.

    Attributes
    ----------
    sequence
        The frames of the rows; its values may be left out (width 0).
    individual
        Who it is in annotations: the whole one of pieces of a tracklet.
    classes
        The classes of each head; the first of each is ``""``: none of the others.
    values
        For each head (N, classes) float32; each row adds up to 1.
    limits
        First frame of the tracklet and the one after its last.
    """

    sequence: FeatureSequence
    individual: Id
    classes: tuple[tuple[str, ...], ...]
    values: tuple[NDArray[np.float32], ...]
    limits: Range

    def __len__(self) -> int:
        return len(self.sequence)

    @property
    def uncertainty(self) -> NDArray[np.float32]:
        """1 minus the probability of the likeliest class, the largest of all heads: (N,) float32."""
        likeliest = [own.max(axis=1) for own in self.values]
        uncertain: NDArray[np.float32] = 1 - np.minimum.reduce(likeliest)
        return uncertain

    def covered(self, start: int, stop: int) -> Range:
        """Return the frames that rows `start` to `stop` stand for.

        Each frame belongs to the row nearest to it, the later of two, as in `FeatureTable.find_rows`.
        """
        half = self.sequence.step_frames / 2
        first, end = self.sequence.frames[start] - half, self.sequence.frames[stop - 1] + half
        low, high = max(math.ceil(first), self.limits[0]), min(math.ceil(end), self.limits[1])
        return low, max(high, low)

    def bouts(self, smoothing: Smoothing) -> Iterator[Bout]:
        """Yield the bouts of all heads; their confidence is the mean probability of their rows."""
        for classes, values in zip(self.classes, self.values, strict=True):
            for first, end in self.sequence.stretches:
                own = values[first:end]
                found = smooth(own, smoothing, self.sequence.step_frames)
                for start, stop in zip(*(edge.tolist() for edge in runs_of(found)), strict=True):
                    number = int(found[start])
                    low, high = self.covered(first + start, first + stop)
                    if number and low < high:
                        confidence = round(float(own[start:stop, number].mean(dtype=np.float64)), 4)
                        yield Bout(
                            self.individual,
                            classes[number],
                            low,
                            high,
                            origin=Origin.AUTOMATED,
                            confidence=min(confidence, 1.0),
                        )

    @property
    def assessed(self) -> Ranges:
        """The frames that any row stands for."""
        return merge_ranges(
            span for first, end in self.sequence.stretches if (span := self.covered(first, end))[0] < span[1]
        )


def annotation_of(
    rows: list[RowProbabilities],
    ethogram: Ethogram,
    smoothing: Smoothing,
    *,
    n_frames: int | None = None,
    fps: float | None = None,
) -> Annotation:
    """Return the bouts of individuals of one video as an annotation; frames without a row are not assessed."""
    assessed: dict[Id, Ranges] = {}
    for one in rows:
        assessed[one.individual] = merge_ranges((*assessed.get(one.individual, ()), *one.assessed))
    return Annotation(
        ethogram,
        tuple(bout for one in rows for bout in one.bouts(smoothing)),
        assessed,
        tuple(assessed),
        n_frames=n_frames,
        fps=fps,
        annotator=PROBE_ANNOTATOR,
    )
