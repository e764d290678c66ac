"""Agreement of two annotations: Cohen's kappa, F1 of frames and of bouts, and the edit score."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.frame_ranges import Range, common_ranges
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.errors import AnnotationError
from napari_i3d.individuals import Id

OVERLAPS = (0.1, 0.25, 0.5)
"""Intersection over union from which on two bouts match, as in ms-tcn."""

# As many behaviors of a frame are packed into a number before the numbers are made small again.
_BITS = 30


@dataclass(frozen=True)
class BehaviorAgreement:
    """Agreement on one behavior, in the frames that both assessed.

    Attributes
    ----------
    behavior
        The behavior.
    kappa
        Cohen's kappa of the frames that show it; None if both show it in all frames, or in none.
    frame_f1
        F1 of the frames that show it; None if neither shows it.
    bout_f1
        {intersection over union: F1 of bouts}, for `OVERLAPS`; None if neither shows it.
    true_frames, other_frames
        Number of frames that show it, in either annotation.
    true_bouts, other_bouts
        Number of bouts.
    """

    behavior: str
    kappa: float | None
    frame_f1: float | None
    bout_f1: Mapping[float, float | None]
    true_frames: int
    other_frames: int
    true_bouts: int
    other_bouts: int


@dataclass(frozen=True)
class Agreement:
    """Agreement of two annotations in the frames that both assessed.

    Attributes
    ----------
    behaviors
        Agreement on each behavior.
    kappa
        Cohen's kappa of the sets of behaviors that frames show; None if all frames of both show the same set.
    frame_f1
        Mean of the F1 of frames over the behaviors that either shows; None if there is none.
    bout_f1
        {intersection over union: F1 of the bouts of all behaviors}, for `OVERLAPS`; None without bouts.
    edit_score
        1 minus the edit distance of the sequences of bouts, divided by the length of the longer one; the mean over
        individuals. None without bouts.
    frames
        Number of frames that both assessed, added up over individuals.
    """

    behaviors: tuple[BehaviorAgreement, ...]
    kappa: float | None
    frame_f1: float | None
    bout_f1: Mapping[float, float | None]
    edit_score: float | None
    frames: int


@dataclass(frozen=True)
class _Segment:
    behavior: int
    start: int
    stop: int


_Pair = tuple[list[_Segment], list[_Segment]]


def agreement(
    truth: Annotation,
    other: Annotation,
    behaviors: Iterable[str] | None = None,
    individuals: Iterable[Id] | None = None,
) -> Agreement:
    """Compare an annotation with another, in the frames of individuals that both assessed.

    A bout is here an unbroken run of frames of a behavior, toward whomever, that both assessed. Bouts match as in
    ms-tcn (https://github.com/yabufarha/ms-tcn, eval.py): each of the other annotation is compared with the true one of
    the same behavior and individual that it overlaps most, and each true one matches once. Scores are from 0 to 1;
    ms-tcn's are in percent.

    Parameters
    ----------
    truth, other
        The annotations. Exchanging them changes nothing but the F1 of bouts, and that rarely.
    behaviors
        Which; None: all that both ethograms have.
    individuals
        Whose; None: all that both have.

    Raises
    ------
    AnnotationError
        A behavior is not in both ethograms, they have none in common, or no frame was assessed by both.
    """
    names = _names(truth, other, behaviors)
    masks: list[NDArray[np.bool_]] = []
    segments: list[_Pair] = []
    for individual in truth.individuals if individuals is None else individuals:
        ranges = common_ranges(truth.assessed.get(individual, ()), other.assessed.get(individual, ()))
        if ranges:
            parts = [np.stack([_shown(one, individual, names, span) for one in (truth, other)]) for span in ranges]
            masks.append(np.concatenate(parts, axis=1))
            segments.append(
                (
                    [run for part, span in zip(parts, ranges, strict=True) for run in _runs(part[0], span[0])],
                    [run for part, span in zip(parts, ranges, strict=True) for run in _runs(part[1], span[0])],
                )
            )
    if not masks:
        raise AnnotationError("expected frames of an individual that both annotations assessed, found none")
    shown = np.concatenate(masks, axis=1)
    each = tuple(_behavior(name, index, shown[:, :, index], segments) for index, name in enumerate(names))
    frame_f1 = [one.frame_f1 for one in each if one.frame_f1 is not None]
    edits = [_edit_score(*pair) for pair in segments if pair[0] or pair[1]]
    return Agreement(
        each,
        _kappa(*_codes(shown)),
        float(np.mean(frame_f1)) if frame_f1 else None,
        {overlap: _bout_f1(segments, overlap) for overlap in OVERLAPS},
        float(np.mean(edits)) if edits else None,
        shown.shape[1],
    )


def _names(truth: Annotation, other: Annotation, behaviors: Iterable[str] | None) -> tuple[str, ...]:
    names = tuple(name for name in truth.ethogram if name in other.ethogram) if behaviors is None else tuple(behaviors)
    for name in names:
        truth.ethogram.index(name)
        other.ethogram.index(name)
    if not names:
        raise AnnotationError("expected behaviors that both ethograms have, found none")
    return names


def _shown(annotation: Annotation, individual: Id, names: Sequence[str], span: Range) -> NDArray[np.bool_]:
    columns = [annotation.ethogram.index(name) for name in names]
    shown: NDArray[np.bool_] = annotation.to_table(individual, *span)[:, columns] == 1
    return shown


def _runs(shown: NDArray[np.bool_], first: int) -> list[_Segment]:
    """Return the runs of frames of each behavior, in the order of their starts."""
    edges = np.diff(shown.astype(np.int8), axis=0, prepend=0, append=0)
    segments = []
    for index in range(shown.shape[1]):
        starts, stops = np.flatnonzero(edges[:, index] == 1), np.flatnonzero(edges[:, index] == -1)
        segments += [
            _Segment(index, first + start, first + stop)
            for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
        ]
    return sorted(segments, key=lambda one: (one.start, one.stop, one.behavior))


def _behavior(name: str, index: int, shown: NDArray[np.bool_], segments: list[_Pair]) -> BehaviorAgreement:
    true, other = shown
    own: list[_Pair] = [
        ([one for one in pair[0] if one.behavior == index], [one for one in pair[1] if one.behavior == index])
        for pair in segments
    ]
    return BehaviorAgreement(
        name,
        _kappa(true, other),
        _f1(int((true & other).sum()), int(true.sum()), int(other.sum())),
        {overlap: _bout_f1(own, overlap) for overlap in OVERLAPS},
        int(true.sum()),
        int(other.sum()),
        sum(len(pair[0]) for pair in own),
        sum(len(pair[1]) for pair in own),
    )


def _codes(shown: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return a number for the set of behaviors that each frame shows: (2, n) of (2, n, K)."""
    codes = np.zeros(shown.shape[:2], np.int64)
    for index in range(shown.shape[2]):
        codes = codes * 2 + shown[:, :, index]
        if index % _BITS == _BITS - 1:
            codes = np.unique(codes, return_inverse=True)[1].reshape(codes.shape)
    return np.unique(codes, return_inverse=True)[1].reshape(codes.shape)


def _kappa(one: NDArray[np.integer | np.bool_], other: NDArray[np.integer | np.bool_]) -> float | None:
    """Return Cohen's kappa of two (n,) arrays of categories from 0; None if chance alone agrees everywhere."""
    count = int(max(one.max(), other.max())) + 1
    shares = np.bincount(one, minlength=count) / len(one), np.bincount(other, minlength=count) / len(one)
    by_chance = float((shares[0] * shares[1]).sum())
    return None if by_chance == 1 else (float((one == other).mean()) - by_chance) / (1 - by_chance)


def _f1(matched: int, true: int, other: int) -> float | None:
    return 2 * matched / (true + other) if true + other else None


def _bout_f1(segments: list[_Pair], overlap: float) -> float | None:
    matched = sum(_matches(true, other, overlap) for true, other in segments)
    return _f1(matched, sum(len(true) for true, _ in segments), sum(len(other) for _, other in segments))


def _matches(true: list[_Segment], other: list[_Segment], overlap: float) -> int:
    taken: set[_Segment] = set()
    by_behavior: dict[int, list[_Segment]] = {}
    for one in true:
        by_behavior.setdefault(one.behavior, []).append(one)
    for found in other:
        # Runs of one behavior are apart, so that those that overlap follow one another.
        own = by_behavior.get(found.behavior, [])
        first, last = bisect_right(own, found.start, key=_stop), bisect_left(own, found.stop, key=_start)
        best = max(own[first:last], key=lambda one: _overlap(one, found), default=None)
        if best is not None and best not in taken and _overlap(best, found) >= overlap:
            taken.add(best)
    return len(taken)


_start, _stop = attrgetter("start"), attrgetter("stop")


def _overlap(one: _Segment, other: _Segment) -> float:
    """Return the intersection over union."""
    common = min(one.stop, other.stop) - max(one.start, other.start)
    return common / (max(one.stop, other.stop) - min(one.start, other.start)) if common > 0 else 0.0


def _edit_score(true: list[_Segment], other: list[_Segment]) -> float:
    """Return 1 minus the Levenshtein distance of the behaviors, divided by the length of the longer sequence."""
    columns, codes = np.arange(len(other) + 1), np.array([one.behavior for one in other], np.int64)
    row = columns
    for one in true:
        best = np.minimum(row + 1, np.append(row[0] + 1, row[:-1] + (codes != one.behavior)))
        # An insertion costs 1 more than the column before.
        row = np.minimum.accumulate(best - columns) + columns
    return 1 - int(row[-1]) / max(len(true), len(other))
