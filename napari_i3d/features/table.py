"""Rows of several videos and individuals as one table, each with its video frame.

Arrays are referenced, never copied: 100,000 rows of 2048 values are 800 MB. Functions of all rows read them in blocks.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_i3d.errors import FeaturesError
from napari_i3d.features.features import Features
from napari_i3d.features.scaling import Scaling
from napari_i3d.features.sequence import FeatureSequence
from napari_i3d.individuals import Id, Span

__all__ = ["FeatureTable", "TableLike", "as_table", "table_of_arrays", "table_of_features"]

BLOCK_ROWS = 2048
"""Rows in a block: 16 MB of 2048 values."""


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Rows of several videos and individuals, one after the other.

    Attributes
    ----------
    sequences
        The rows of each individual of each video.
    scaling
        Applied to rows as they are read; None: rows are not scaled.
    comparable
        Whether the columns are on a common scale (standardized, or scores of principal components), so that cosines
        of rows are meaningful. Functions that need this standardize a table that is not.

    Raises
    ------
    FeaturesError
        No rows, or sequences of different widths.
    """

    sequences: tuple[FeatureSequence, ...]
    scaling: Scaling | None = None
    comparable: bool = False

    def __post_init__(self) -> None:
        if not self.sequences:
            raise FeaturesError("no rows of features to look at: expected at least one individual with one row")
        first = self.sequences[0]
        for sequence in self.sequences:
            if sequence.values.shape[1] != first.values.shape[1]:
                raise FeaturesError(
                    f"{sequence.name} has {sequence.values.shape[1]} features in each row, {first.name} has "
                    f"{first.values.shape[1]}",
                    hint="look at features of the same network together",
                )

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.sequences[0].values.shape[1])

    @property
    def trained(self) -> bool:
        """False if the weights of any of the features were untrained."""
        return all(sequence.trained for sequence in self.sequences)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """First row of each sequence, and the number of all rows: (P + 1,) int64."""
        return np.cumsum([0, *(len(sequence) for sequence in self.sequences)], dtype=np.int64)

    @cached_property
    def frames(self) -> NDArray[np.float64]:
        """Video frame of each row: (N,) float64."""
        return np.concatenate([sequence.frames for sequence in self.sequences])

    @cached_property
    def sequence_of_row(self) -> NDArray[np.int32]:
        """Number of each row's sequence: (N,) int32."""
        return np.repeat(np.arange(len(self.sequences), dtype=np.int32), np.diff(self.starts))

    @property
    def stretches(self) -> list[tuple[int, int, int]]:
        """Ranges of rows without a gap, in rows of the table: number of the sequence, first row, row after the last."""
        return [
            (number, int(start) + first, int(start) + stop)
            for number, (start, sequence) in enumerate(zip(self.starts, self.sequences, strict=False))
            for first, stop in sequence.stretches
        ]

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return rows `start` to `stop`, scaled: (stop - start, D) float32."""
        pieces = []
        for first, sequence in zip(self.starts[:-1].tolist(), self.sequences, strict=True):
            inner = max(start - first, 0), min(max(stop - first, 0), len(sequence))
            if inner[0] < inner[1]:
                pieces.append(sequence.read(*inner))
        values = pieces[0] if len(pieces) == 1 else np.concatenate(pieces or [self.sequences[0].read(0, 0)])
        return values if self.scaling is None else self.scaling.apply(values)

    def blocks(self, size: int = BLOCK_ROWS) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield all rows in order: number of the block's first row, and at most `size` rows, scaled."""
        for start in range(0, len(self), size):
            yield start, self.rows(start, min(start + size, len(self)))

    def take(self, rows: Sequence[int] | NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the rows of these numbers, in this order, scaled: (n, D) float32."""
        numbers = np.asarray(rows, dtype=np.int64)
        taken = np.empty((len(numbers), self.width), np.float32)
        for number, sequence in enumerate(self.sequences):
            here = self.sequence_of_row[numbers] == number
            if here.any():
                taken[here] = sequence.take(numbers[here] - self.starts[number])
        return taken if self.scaling is None else self.scaling.apply(taken)

    def with_values(self, values: NDArray[np.float32]) -> "FeatureTable":
        """Return the same rows with other values on a common scale, such as their scores: (N, K) float32."""
        if len(values) != len(self):
            raise FeaturesError(f"{len(values)} rows of new values for a table of {len(self)} rows")
        pieces = np.split(values, self.starts[1:-1])
        sequences = tuple(
            replace(sequence, values=piece) for sequence, piece in zip(self.sequences, pieces, strict=True)
        )
        return FeatureTable(sequences, comparable=True)

    def sequence_number(self, individual: Id, video: str | None = None) -> int:
        """Return the number of an individual's sequence; the video may be omitted if only one has the individual.

        Raises
        ------
        FeaturesError
            The individual does not exist, or is in several videos.
        """
        found = [n for n, p in enumerate(self.sequences) if p.individual == individual and video in (None, p.video)]
        if len(found) == 1:
            return found[0]
        if found:
            videos = ", ".join(repr(self.sequences[n].video) for n in found)
            raise FeaturesError(f"{individual!r} is in several videos ({videos})", hint="name the video")
        there = ", ".join(dict.fromkeys(sequence.name for sequence in self.sequences))
        where = "" if video is None else f" of video {video!r}"
        raise FeaturesError(f"no rows of individual {individual!r}{where}; there are: {there}")

    def find_rows(
        self, individual: Id, first_frame: float, last_frame: float | None = None, video: str | None = None
    ) -> tuple[int, int]:
        """Return the half-open range of rows of the table that stand for a frame or for a span of frames.

        A frame matches the nearest row, at most half a step away, and the later of two equally near, as in padded
        extraction (the row of frame r is the chunk whose center is r + 0.5). A span matches the rows between its
        frames, both included, or else the row nearest to its middle.

        Raises
        ------
        FeaturesError
            No row stands for these frames; the message names the frames of the rows.
        """
        number = self.sequence_number(individual, video)
        last_frame = first_frame if last_frame is None else last_frame
        first, stop = self.sequences[number].find_rows(first_frame, last_frame)
        return int(self.starts[number]) + first, int(self.starts[number]) + stop

    def span(self, start: int, stop: int | None = None) -> Span:
        """Return the frames of rows `start` to `stop` (exclusive; None: one row) of one sequence."""
        stop = start + 1 if stop is None else stop
        sequence = self.sequences[self.sequence_of_row[start]]
        return Span(sequence.video, sequence.individual, float(self.frames[start]), float(self.frames[stop - 1]))


def table_of_features(
    features: Features | Mapping[str, Features], individuals: Sequence[Id] | None = None, *, video: str = ""
) -> FeatureTable:
    """Collect the rows of the individuals of one or several videos in a table.

    Parameters
    ----------
    features
        Features of one video, or of several by name.
    individuals
        Only these, from every video that has them; None: all.
    video
        Name of the video, if there is only one.

    Raises
    ------
    FeaturesError
        An individual is in none of them, its frames are unknown, or its features are invalid (see `FeatureSequence`).
    """
    named = {video: features} if isinstance(features, Features) else dict(features)
    unknown = [i for i in individuals or () if not any(i in one for one in named.values())]
    if unknown:
        there = ", ".join(sorted({str(i) for one in named.values() for i in one}))
        raise FeaturesError(f"no features of individual {unknown[0]!r}; there are: {there}")
    sequences = []
    for name, one in named.items():
        for individual, rows in one.items():
            if len(rows) and (individuals is None or individual in individuals):
                if individual not in one.frames:
                    raise FeaturesError(
                        f"{individual}: the video frames of its rows are not known (the .json beside the features "
                        "file is missing)",
                        hint="extract it again, or make Features with frames",
                    )
                trained = one.provenance.get("weights", {}).get("trained", True)
                sequences.append(FeatureSequence(name, individual, rows, one.frames[individual], one.fps, trained))
    return FeatureTable(tuple(sequences))


def table_of_arrays(
    arrays: Mapping[Id, NDArray[np.float32]],
    frames: Mapping[Id, NDArray[np.float64]] | None = None,
    *,
    fps: float | None = None,
    video: str = "",
) -> FeatureTable:
    """Return a table of plain arrays.

    Parameters
    ----------
    arrays
        For each individual (N, D) float32.
    frames
        For each individual (N,): the video frame of each row; None: row n is frame n.
    fps
        Frames per second; None if unknown.
    video
        Name of the video.
    """
    if frames is None:
        frames = {individual: np.arange(len(rows), dtype=np.float64) for individual, rows in arrays.items()}
    lacking = [individual for individual in arrays if individual not in frames]
    if lacking:
        raise FeaturesError(f"{lacking[0]}: expected the video frame of each of its rows, found none")
    return FeatureTable(
        tuple(FeatureSequence(video, i, rows, frames[i], fps) for i, rows in arrays.items() if len(rows))
    )


TableLike = FeatureTable | Features | Mapping[str, Features] | NDArray[np.float32]
"""A table, features of one video or of several by name, or a plain array whose row n is frame n."""


def as_table(data: TableLike) -> FeatureTable:
    """Convert data to a table; see `TableLike`."""
    if isinstance(data, FeatureTable):
        return data
    if isinstance(data, np.ndarray):
        return table_of_arrays({"": data})
    return table_of_features(data)


def rows_apart(frames: float, step_frames: float) -> int:
    """Return the number of rows nearest to a number of frames, at least 1."""
    return max(1, math.floor(frames / step_frames + 0.5))
