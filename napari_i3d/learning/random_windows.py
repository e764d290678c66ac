"""Scores in frames that nobody chose: by the random windows of queues that were labelled."""

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.frame_ranges import Range
from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d._utils.text import counted
from napari_i3d.errors import AnnotationError
from napari_i3d.features.table import rows_apart
from napari_i3d.learning.folds import MOST_FOLDS, Folds, FoldUnit, blocks_of, hold_back, purge_frames_of
from napari_i3d.learning.labelled_rows import AnnotationsLike, FeaturesLike, LabelledRows, label_rows
from napari_i3d.learning.probe.feature_space import FeatureSpace, evenly, fit_space
from napari_i3d.learning.probe.heads import Head, fit_head, plan_heads, targets_of
from napari_i3d.learning.probe.inputs import context_inputs
from napari_i3d.learning.probe.settings import ProbeSettings
from napari_i3d.learning.queue import Window
from napari_i3d.learning.smoothing import Smoothing, smooth

FEW_WINDOWS = 10
"""With fewer windows, the interval is not to be relied on."""
_RESAMPLES = 2000
_MARGIN = 20
"""Times the shortest bout, on either side of a window."""


@dataclass(frozen=True)
class RandomEstimate:
    """Scores of a probe in random windows, which stand for all frames that were not labelled before.

    Attributes
    ----------
    n_windows, n_rows
        Number of random windows that are labelled, and of their rows.
    frame_f1
        {behavior: F1 of its frames}, of those that the windows show.
    macro_f1, macro_f1_interval
        Mean of these, and its 95 % interval (low, high).
    right, right_interval
        Share of rows with all behaviors right, and its 95 % interval.
    not_shown
        Behaviors that are labelled, but in no random window.
    """

    n_windows: int
    n_rows: int
    frame_f1: Mapping[str, float]
    macro_f1: float
    macro_f1_interval: tuple[float, float]
    right: float
    right_interval: tuple[float, float]
    not_shown: tuple[str, ...]

    def report(self) -> str:
        """Return the estimate as sentences."""
        low, high = self.macro_f1_interval
        least, most = (f"{100 * share:.0f}" for share in self.right_interval)
        lines = [
            f"In {counted(self.n_windows, 'random window')} with {counted(self.n_rows, 'row')}, which were not trained "
            f"on: macro F1 {self.macro_f1:.2f} (95 % interval {low:.2f} to {high:.2f}), {100 * self.right:.0f} % of "
            f"rows right ({least} to {most} %). Nobody chose these frames, so this holds for all that were not "
            "labelled before."
        ]
        if self.n_windows < FEW_WINDOWS:
            lines.append(f"Too few random windows to rely on that: label at least {FEW_WINDOWS}, better 30.")
        if self.not_shown:
            lines.append(f"No random window shows {', '.join(self.not_shown)}.")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the estimate as JSON values."""
        return {
            "windows": self.n_windows,
            "rows": self.n_rows,
            "frame_f1": dict(self.frame_f1),
            "macro_f1": self.macro_f1,
            "macro_f1_interval": list(self.macro_f1_interval),
            "right": self.right,
            "right_interval": list(self.right_interval),
            "not_shown": list(self.not_shown),
        }

    def as_csv(self) -> str:
        """Return the estimate as lines of ``score,of,value``, like those of `Evaluation.as_csv`, without a heading."""
        rows: list[tuple[str, str, float]] = [("random_windows", "", self.n_windows)]
        rows += [("random_frame_f1", name, score) for name, score in self.frame_f1.items()]
        for score, value, interval in (
            ("random_macro_f1", self.macro_f1, self.macro_f1_interval),
            ("random_right", self.right, self.right_interval),
        ):
            rows += [(score, "", value), (score, "2.5 %", interval[0]), (score, "97.5 %", interval[1])]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue()


@long_call
def estimate_by_random_windows(
    features: FeaturesLike,
    annotations: AnnotationsLike,
    windows: Iterable[Window],
    settings: ProbeSettings | None = None,
    *,
    smoothing: Smoothing | None = None,
    seed: int = 0,
) -> Steps[RandomEstimate]:
    """Estimate how good a probe is in frames that nobody labelled yet.

    Labels that a person, or a probe, chose are not like the rest of a video. The random windows of `next_windows` are:
    a fifth of those that are labelled is held back in turn from a probe of all other labels, without the frames near
    them. The interval of rows that are right is Wilson's with each window as one draw, since rows of a window are right
    or wrong together; that of the macro F1 is the wider of this and percentiles over windows drawn with replacement.

    Parameters
    ----------
    features, annotations, settings
        As for `train`.
    windows
        All windows of the queues so far. Only random ones count, and of these the ones that are labelled throughout.
    smoothing
        How probabilities become bouts; None: the defaults.
    seed
        Seed of folds and intervals.

    Raises
    ------
    AnnotationError
        As for `train`, or fewer than two random windows are labelled.
    FeaturesError, SettingsError
        As for `train`.
    """
    chosen, how = settings or ProbeSettings(), smoothing or Smoothing()
    labelled = label_rows(features, annotations)
    spans = _labelled_windows(labelled, windows)
    if len(spans) < 2:
        raise AnnotationError(
            f"expected at least two random windows of a queue that are labelled throughout, found {len(spans)}",
            hint="label more of them",
        )
    random = np.random.default_rng(seed)
    fold_of_window = random.permutation(np.arange(len(spans)) % min(MOST_FOLDS, len(spans)))
    rows, fold_of_row = labelled.assessed, np.full(len(labelled.table), -1, np.int64)
    for (start, stop), fold in zip(spans, fold_of_window.tolist(), strict=True):
        fold_of_row[start:stop] = fold
    purge = purge_frames_of(chosen.context_frames)
    folds = Folds(FoldUnit.BOUT, rows, blocks_of(labelled, rows), fold_of_row[rows], purge)
    shown = labelled.shown[rows]
    plan = plan_heads(labelled.ethogram, shown)
    targets = [targets_of(classes, labelled.ethogram, labelled.shown) for classes in plan]
    amounts = np.zeros((len(spans), sum(len(classes) - 1 for classes in plan), 3))
    right = np.zeros(len(spans))
    for number, (trained, _) in enumerate(folds.split(labelled)):
        yield Step(number, folds.count, "testing")
        if not trained.any():
            continue  # nothing is found then
        own = rows[trained]
        space = yield from fit_space(labelled.table.take(evenly(own)), chosen.components)
        inputs = context_inputs(labelled.table, own, space, chosen)
        held_back = hold_back(labelled, own, chosen.context_frames)
        heads = [
            fit_head(classes, inputs, wanted[own], chosen, held_back=held_back)
            for classes, wanted in zip(plan, targets, strict=True)
        ]
        for window in np.flatnonzero(fold_of_window == number).tolist():
            start, stop = spans[window]
            found = _predict(labelled, spans[window], space, heads, chosen, how)
            wanted = [own[start:stop] for own in targets]
            amounts[window], right[window] = _compare(plan, wanted, found)
    sizes = np.array([stop - start for start, stop in spans], float)
    return _estimate([name for classes in plan for name in classes[1:]], amounts, right, sizes, random)


def _labelled_windows(labelled: LabelledRows, windows: Iterable[Window]) -> list[Range]:
    """Return the rows of the table of each random window that is labelled throughout."""
    table = labelled.table
    free = np.zeros(len(table), bool)
    free[labelled.assessed] = True
    spans = []
    for window in dict.fromkeys(one for one in windows if one.random):
        for number, sequence in enumerate(table.sequences):
            if (sequence.video, labelled.individuals[number]) != (window.video, window.individual):
                continue
            first, stop = (int(edge) for edge in table.starts[number : number + 2])
            low, high = np.searchsorted(labelled.frames[first:stop], (window.start, window.stop)).tolist()
            # Windows of two queues do not overlap unless the labels between were lost.
            if low < high and free[first + low : first + high].all():
                free[first + low : first + high] = False
                spans.append((first + low, first + high))
    return spans


def _predict(
    labelled: LabelledRows, span: Range, space: FeatureSpace, heads: list[Head], settings: ProbeSettings, how: Smoothing
) -> list[NDArray[np.int64]]:
    """Return the class of each row of a window for each head; rows around it are smoothed too, as in a whole video."""
    start, stop = span
    number, first, end = next(one for one in labelled.table.stretches if one[1] <= start < one[2])
    step = labelled.table.sequences[number].step_frames
    margin = rows_apart(_MARGIN * how.shortest_frames, step)
    low, high = max(start - margin, first), min(stop + margin, end)
    inputs = context_inputs(labelled.table, np.arange(low, high), space, settings)
    return [smooth(head.probabilities(inputs), how, step)[start - low : stop - low] for head in heads]


def _compare(
    plan: tuple[tuple[str, ...], ...], targets: list[NDArray[np.int64]], found: list[NDArray[np.int64]]
) -> tuple[NDArray[np.float64], float]:
    """Return for each behavior the rows that show it and are found, that show it, that are found; and rows right."""
    amounts, right = [], np.ones(len(found[0]), bool)
    for classes, wanted, own in zip(plan, targets, found, strict=True):
        known = wanted >= 0
        right &= ~known | (own == wanted)
        for place in range(1, len(classes)):
            true, other = known & (wanted == place), known & (own == place)
            amounts.append([(true & other).sum(), true.sum(), other.sum()])
    return np.array(amounts, float), float(right.sum())


def _estimate(
    names: list[str],
    amounts: NDArray[np.float64],
    right: NDArray[np.float64],
    sizes: NDArray[np.float64],
    random: np.random.Generator,
) -> RandomEstimate:
    count = len(sizes)
    total = amounts.sum(axis=0)
    shown = total[:, 1] > 0
    own_scores = _f1(total)
    weights = random.multinomial(count, np.full(count, 1 / count), _RESAMPLES).astype(float)
    resampled = np.tensordot(weights, amounts[:, shown], axes=1)
    # A behavior that a sample of windows does not show has no F1 in it.
    known = resampled[..., 1] > 0
    usable = known.any(axis=1)
    scores = np.where(known, _f1(resampled), 0)[usable].sum(axis=1) / known[usable].sum(axis=1)
    macro = float(own_scores[shown].mean()) if shown.any() else 0.0
    low, high = _wilson(macro, count)
    spread = np.quantile(scores, (0.025, 0.975)).tolist() if len(scores) else (0.0, 1.0)
    return RandomEstimate(
        count,
        int(sizes.sum()),
        {name: float(score) for name, score, own in zip(names, own_scores, shown, strict=True) if own},
        macro,
        (min(low, spread[0]), max(high, spread[1])),
        float(right.sum() / sizes.sum()),
        _wilson(float(right.sum() / sizes.sum()), count),
        tuple(name for name, own in zip(names, shown, strict=True) if not own),
    )


def _f1(amounts: NDArray[np.float64]) -> NDArray[np.float64]:
    scores: NDArray[np.float64] = 2 * amounts[..., 0] / np.maximum(amounts[..., 1] + amounts[..., 2], 1)
    return scores


def _wilson(share: float, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share of so many draws."""
    square = 1.96**2 / count
    middle = (share + square / 2) / (1 + square)
    half = math.sqrt(square * share * (1 - share) + square**2 / 4) / (1 + square)
    return max(middle - half, 0.0), min(middle + half, 1.0)
