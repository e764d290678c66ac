"""Scores of predictions that were made elsewhere, on the labels that a data set held back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.frame_ranges import Ranges, clip_ranges, common_ranges, merge_ranges
from napari_i3d._utils.text import counted
from napari_i3d.annotations.agreement import agreement
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import merge_overlapping
from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id, format_individual
from napari_i3d.learning.datasets.description import Dataset
from napari_i3d.learning.labelled_rows import AnnotationsLike

# With fewer bouts of a behavior, its scores say next to nothing.
_FEW_BOUTS = 5


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of predictions on labels, as `Evaluation` has them.

    Attributes
    ----------
    tested_on
        In words: on which frames.
    frames
        Number of frames, added up over individuals.
    frame_f1
        {behavior: F1 of its frames}, of the behaviors that are labelled.
    macro_f1
        Mean of these.
    segmental_f1
        {10, 25, 50: F1 of bouts that overlap by at least so many percent of both together}.
    edit_score
        0 to 1: how well the order of bouts is found; None without bouts.
    majority_macro_f1
        The same mean if every frame had the most frequent behavior.
    bouts
        {behavior: number of labelled bouts}.
    confusion
        Frames by (labelled, predicted) of exclusive behaviors, ``""`` for none of them.
    notes
        Sentences on what was compared.
    """

    tested_on: str
    frames: int
    frame_f1: Mapping[str, float]
    macro_f1: float
    segmental_f1: Mapping[int, float]
    edit_score: float | None
    majority_macro_f1: float
    bouts: Mapping[str, int]
    confusion: Mapping[tuple[str, str], int]
    notes: tuple[str, ...]

    def report(self) -> str:
        """Return the scores as lines of text."""
        width = max(len("macro"), *(len(name) for name in self.frame_f1))
        lines = [f"Tested on {counted(self.frames, 'frame')} {self.tested_on}; scores are 0 to 1."]
        lines += [f"  {'behavior':{width}}  frame F1  bouts"]
        lines += [f"  {name:{width}}  {score:8.2f}  {self.bouts[name]:5}" for name, score in self.frame_f1.items()]
        lines += [f"  {'macro':{width}}  {self.macro_f1:8.2f}"]
        lines += [f"Always the most frequent behavior: {self.majority_macro_f1:.2f}"]
        overlaps = ", ".join(f"{score:.2f} at {overlap} %" for overlap, score in self.segmental_f1.items())
        lines += [f"F1 of bouts by overlap: {overlaps}"]
        if self.edit_score is not None:
            lines += [f"Edit score of the order of bouts: {self.edit_score:.2f}"]
        return "\n".join((*lines, *_confusion_lines(self.confusion), *self.notes))


def score_predictions(
    predicted: AnnotationsLike, labels: AnnotationsLike, dataset: Dataset | None = None, split: int = 1
) -> Scores:
    """Compare predictions with labels, in the frames that both assessed.

    Parameters
    ----------
    predicted, labels
        Those of one video, or of several by name. Individuals match by id.
    dataset
        The data set that the program was trained on, as `read_dataset` returns it: only frames that the split holds
        back count. None: all frames count, also those that the program may have been trained on.
    split
        Number of the split, from 1.

    Raises
    ------
    AnnotationError
        No frame of an individual is in both.
    SettingsError
        There is no such split.
    """
    held_back = None if dataset is None else _held_back(dataset, split)
    ethogram = _ethogram(labels, predicted)
    truth, other, notes = _pooled(_named(predicted), _named(labels), held_back, ethogram)
    if dataset is None:
        tested_on = "that both assessed, whatever the program was trained on"
    else:
        tested_on = f"that split {split} of the data set for {dataset.program} holds back"
    found = agreement(truth, other)
    frames = {one.behavior: one.true_frames for one in found.behaviors if one.true_frames}
    frame_f1 = {one.behavior: one.frame_f1 or 0.0 for one in found.behaviors if one.true_frames}
    bouts = {one.behavior: one.true_bouts for one in found.behaviors if one.true_frames}
    if not frames:
        raise AnnotationError("expected labelled bouts in the frames that are compared, found none")
    most = max(frames.values())
    only = [one.behavior for one in found.behaviors if one.other_frames and not one.true_frames]
    if only:
        notes.append(f"Predicted, but never labelled: {', '.join(only)}.")
    few = [f"{name} ({number})" for name, number in bouts.items() if number < _FEW_BOUTS]
    if few:
        notes.append(f"Too few bouts to know anything: {', '.join(few)}.")
    return Scores(
        tested_on,
        found.frames,
        frame_f1,
        float(np.mean(list(frame_f1.values()))),
        {round(100 * overlap): score or 0.0 for overlap, score in found.bout_f1.items()},
        found.edit_score,
        2 * most / (most + found.frames) / len(frames),
        bouts,
        _confusion(truth, other),
        tuple(notes),
    )


def _named(annotations: AnnotationsLike) -> dict[str, Annotation]:
    return {"": annotations} if isinstance(annotations, Annotation) else dict(annotations)


def _held_back(dataset: Dataset, split: int) -> dict[tuple[str, Id], Ranges]:
    return {
        owner: merge_ranges(dataset.frames(name, 0, dataset.clips[name].rows) for name in names)
        for owner, names in dataset.held_back(split).items()
    }


def _ethogram(labels: AnnotationsLike, predicted: AnnotationsLike) -> Ethogram:
    """Return the behaviors of all; those of the labels come first, and say what excludes what."""
    behaviors: dict[str, Behavior] = {}
    for annotation in (*_named(labels).values(), *_named(predicted).values()):
        for one in annotation.ethogram.behaviors:
            behaviors.setdefault(one.name, Behavior(one.name, exclusive=one.exclusive))
    return Ethogram(tuple(behaviors.values()))


def _pooled(
    predicted: Mapping[str, Annotation],
    labels: Mapping[str, Annotation],
    held_back: Mapping[tuple[str, Id], Ranges] | None,
    ethogram: Ethogram,
) -> tuple[Annotation, Annotation, list[str]]:
    """Return labels and predictions of all videos as those of one, with individuals numbered."""
    own: dict[str, list[tuple[int, Annotation, Id]]] = {"labels": [], "predicted": []}
    assessed: dict[Id, Ranges] = {}
    lacking = []
    for video, truth in labels.items():
        other = predicted.get(video)
        for individual in truth.individuals:
            ranges = truth.assessed.get(individual, ())
            if held_back is not None:
                ranges = common_ranges(ranges, held_back.get((video, individual), ()))
            if not ranges:
                continue
            if other is None or not (both := common_ranges(ranges, other.assessed.get(individual, ()))):
                lacking.append(format_individual(video, individual))
                continue
            number = len(assessed)
            assessed[number] = both
            own["labels"].append((number, truth, individual))
            own["predicted"].append((number, other, individual))
    if not assessed:
        raise AnnotationError(
            "expected frames of an individual that are labelled and predicted"
            f"{'' if held_back is None else ', and held back'}, found none",
            hint="ids and names of videos must be the same in both",
        )
    notes = [f"Labelled, but without predictions: {', '.join(lacking[:10])}."] if lacking else []
    pooled = [
        Annotation(
            ethogram,
            merge_overlapping(
                replace(bout, individual=number, start=start, stop=stop, target=None)
                for number, annotation, individual in entries
                for bout in annotation.of(individual)
                for start, stop in clip_ranges(assessed[number], bout.start, bout.stop)
            ),
            assessed,
        )
        for entries in own.values()
    ]
    return pooled[0], pooled[1], notes


def _confusion(truth: Annotation, other: Annotation) -> dict[tuple[str, str], int]:
    columns = [at for at, one in enumerate(truth.ethogram.behaviors) if one.exclusive]
    if not columns:
        return {}
    classes = ("", *(list(truth.ethogram)[at] for at in columns))
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for one, another in _tables(truth, other):
        both = [table[:, columns] == 1 for table in (one, another)]
        single = (both[0].sum(axis=1) <= 1) & (both[1].sum(axis=1) <= 1)
        numbers = [np.where(own.any(axis=1), own.argmax(axis=1) + 1, 0)[single] for own in both]
        np.add.at(counts, (numbers[0], numbers[1]), 1)
    return {(one, other): int(counts[i, j]) for i, one in enumerate(classes) for j, other in enumerate(classes)}


def _tables(truth: Annotation, other: Annotation) -> Iterator[tuple[NDArray[np.int8], NDArray[np.int8]]]:
    for individual, ranges in truth.assessed.items():
        for span in ranges:
            yield truth.to_table(individual, *span), other.to_table(individual, *span)


def _confusion_lines(confusion: Mapping[tuple[str, str], int]) -> list[str]:
    names = list(dict.fromkeys(name for pair in confusion for name in pair))
    if not names:
        return []
    shown = [name or "(none)" for name in names]
    width = max(len(name) for name in shown) + 2
    lines = ["Frames by labelled (down) and predicted behavior (across):"]
    lines += [" " * width + "".join(f"{name:>{width}}" for name in shown)]
    for title, true in zip(shown, names, strict=True):
        cells = "".join(f"{confusion.get((true, other), 0):>{width}}" for other in names)
        lines.append(f"{title:>{width}}{cells}")
    return lines
