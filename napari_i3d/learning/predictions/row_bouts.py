"""From what programs predict for the rows of clips to bouts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.frame_ranges import Range, Ranges, merge_ranges
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout, Origin
from napari_i3d.individuals import Id
from napari_i3d.learning.datasets.description import Dataset
from napari_i3d.learning.smoothing import runs_of


@dataclass(frozen=True, eq=False)
class RowPrediction:
    """What a program predicts for the rows of a clip.

    Attributes
    ----------
    shown : (T, behaviors) bool
        Which behaviors of the data set's ethogram each row shows.
    known : (T,) bool
        Whether anything was predicted for a row.
    confidence : (T, behaviors) float32, optional
        From 0 to 1; None if the program states none.
    """

    shown: NDArray[np.bool_]
    known: NDArray[np.bool_]
    confidence: NDArray[np.float32] | None = None

    def runs(self) -> Iterator[tuple[int, int, int, float | None]]:
        """Yield the runs of rows of each behavior: behavior, first row, row after the last, mean confidence."""
        for behavior in range(self.shown.shape[1]):
            own = (self.shown[:, behavior] & self.known).astype(np.int64)
            for start, stop in zip(*(edges.tolist() for edges in runs_of(own)), strict=True):
                if own[start]:
                    sure = None
                    if self.confidence is not None:
                        mean = float(self.confidence[start:stop, behavior].mean(dtype=np.float64))
                        sure = round(min(max(mean, 0.0), 1.0), 4)
                    yield behavior, start, stop, sure

    def known_rows(self) -> Iterator[Range]:
        """Yield the runs of rows for which anything was predicted."""
        own = self.known.astype(np.int64)
        for start, stop in zip(*(edges.tolist() for edges in runs_of(own)), strict=True):
            if own[start]:
                yield start, stop


def annotations_of(dataset: Dataset, predicted: Mapping[str, RowPrediction], annotator: str) -> dict[str, Annotation]:
    """Return the predictions of clips as an annotation of each video; other frames are not assessed."""
    names = list(dataset.ethogram)
    bouts: dict[str, list[Bout]] = {}
    assessed: dict[str, dict[Id, Ranges]] = {}
    for name, one in predicted.items():
        clip = dataset.clips[name]
        own = bouts.setdefault(clip.video, [])
        for behavior, start, stop, confidence in one.runs():
            low, high = dataset.frames(name, start, stop)
            own.append(
                Bout(clip.individual, names[behavior], low, high, origin=Origin.AUTOMATED, confidence=confidence)
            )
        ranges = assessed.setdefault(clip.video, {})
        spans = [dataset.frames(name, *rows) for rows in one.known_rows()]
        ranges[clip.individual] = merge_ranges((*ranges.get(clip.individual, ()), *spans))
    found = {}
    for video, own in bouts.items():
        about = dataset.videos[video]
        found[video] = Annotation(
            dataset.ethogram,
            tuple(own),
            assessed[video],
            tuple(assessed[video]),
            n_frames=about.n_frames,
            fps=about.fps,
            video=about.facts,
            annotator=annotator,
        )
    return found


def resolve(
    detections: list[tuple[float, float, int, float]], rows: int, exclusive: NDArray[np.bool_], least_score: float
) -> RowPrediction:
    """Return detections as behaviors of rows: of those that overlap and exclude each other, the surest is shown.

    Parameters
    ----------
    detections
        (start, stop, behavior, score): row t is from t to t + 1, and belongs to a detection if its middle does.
    rows
        Number of rows.
    exclusive : (behaviors,) bool
        Whether the behaviors exclude each other.
    least_score
        Detections of a lower score are left out.
    """
    scores = np.zeros((rows, len(exclusive)), np.float32)
    for start, stop, behavior, score in detections:
        if score >= least_score:
            first, end = (int(np.clip(np.ceil(edge - 0.5), 0, rows)) for edge in (start, stop))
            own = scores[first:end, behavior]
            np.maximum(own, score, out=own)
    shown = scores > 0
    if exclusive.any():
        own = np.where(exclusive, scores, 0)
        best = own.argmax(axis=1)[:, None] == np.arange(len(exclusive))
        shown &= best | ~exclusive
    return RowPrediction(shown, np.ones(rows, np.bool_), scores)
