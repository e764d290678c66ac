"""What to label next: windows that a probe is unsure of, each unlike the others, and random ones among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.frame_ranges import Ranges
from napari_i3d._utils.progress import Step, Steps, long_call
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.errors import SettingsError
from napari_i3d.features.table import rows_apart
from napari_i3d.individuals import Id
from napari_i3d.learning.labelled_rows import AnnotationsLike, FeaturesLike, label_frames, named_features
from napari_i3d.learning.probabilities import RowProbabilities
from napari_i3d.learning.probe.probe import Probe
from napari_i3d.learning.reviewed import reviewed

_CANDIDATES = 20
"""Times the number of windows wanted: the most uncertain ones, of which those unlike each other are taken."""
_ALIKE = 0.4
"""Distance of mean probabilities up to which two windows are much the same."""


class Uncertainty(StrEnum):
    """How unsure a probe is of a row, 0 to 1."""

    CONFIDENCE = "confidence"
    """1 minus the probability of the likeliest class."""
    ENTROPY = "entropy"
    """Entropy of the probabilities, divided by that of equal ones."""


@dataclass(frozen=True)
class Window:
    """Frames of an individual to label.

    Attributes
    ----------
    video, individual
        Who.
    start, stop
        The first frame, and the one after the last.
    uncertainty
        The mean over its rows, 0 to 1.
    random
        Whether it was drawn at random. Only random windows tell how often a behavior or a mistake occurs.
    """

    video: str
    individual: Id
    start: int
    stop: int
    uncertainty: float
    random: bool


@long_call
def next_windows(
    probe: Probe,
    features: FeaturesLike,
    annotations: AnnotationsLike | None = None,
    count: int = 20,
    *,
    length_frames: int = 25,
    random_share: float = 0.2,
    by: Uncertainty | str = Uncertainty.CONFIDENCE,
    seed: int = 0,
) -> Steps[tuple[Window, ...]]:
    """Propose windows to label; see `rank_windows`.

    Parameters
    ----------
    probe
        A probe of the labels so far.
    features, annotations
        One video, or several by name. Windows that were mostly looked at are not proposed.
    """
    named = named_features(features)
    scored: dict[str, list[RowProbabilities]] = {}
    for number, (video, own) in enumerate(named.items()):
        yield Step(number, len(named), "predicting")
        scored[video] = list(probe.probabilities(own, video))
    return rank_windows(
        scored, annotations, count, length_frames=length_frames, random_share=random_share, by=by, seed=seed
    )


def rank_windows(
    scored: Mapping[str, Sequence[RowProbabilities]],
    annotations: AnnotationsLike | None = None,
    count: int = 20,
    *,
    length_frames: int = 25,
    random_share: float = 0.2,
    by: Uncertainty | str = Uncertainty.CONFIDENCE,
    seed: int = 0,
) -> tuple[Window, ...]:
    """Return windows to label, the most useful first, with random ones evenly among them.

    A window is worth its uncertainty times how unlike it is to those before it: windows of much the same mean
    probabilities, and neighbors in time, teach little more than one of them.

    Parameters
    ----------
    scored
        Probabilities of the rows of each video's individuals.
    annotations
        Labels so far; windows of which a person looked at least at half are left out.
    count
        Number of windows; fewer if there are fewer.
    length_frames
        Their length; shorter at the end of a tracklet.
    random_share
        Share of windows that are drawn at random from all, 0 to 1.
    by
        ``"confidence"`` or ``"entropy"``.
    seed
        Seed for drawing the random ones.

    Raises
    ------
    SettingsError
        A number is out of range, or the uncertainty is unknown.
    """
    if by not in list(Uncertainty):
        raise SettingsError(f"uncertainty: expected {', '.join(Uncertainty)}, found {by!r}")
    if count < 1 or length_frames < 1 or not 0 <= random_share <= 1:
        raise SettingsError(
            "expected at least 1 window of at least 1 frame and a share of 0 to 1, found "
            f"{count}, {length_frames} and {random_share:g}"
        )
    given = {"": annotations} if isinstance(annotations, Annotation) else annotations or {}
    labels = {video: reviewed(annotation) for video, annotation in given.items()}
    owners, edges, means, values = [], [], [], []
    for video, rows in scored.items():
        for one in rows:
            assessed = labels[video].assessed.get(one.individual, ()) if video in labels else ()
            windows = _windows(one, assessed, length_frames)
            if len(windows):
                owners += [(video, one)] * len(windows)
                edges.append(windows)
                means.append(_means(np.column_stack(one.values), windows))
                values.append(_means(_uncertainty(one, Uncertainty(by))[:, None], windows)[:, 0])
    if not edges:
        return ()
    spans, uncertain, profile = np.concatenate(edges), np.concatenate(values), np.concatenate(means)
    n_random = round(min(count, len(spans)) * random_share)
    drawn = np.random.default_rng(seed).permutation(len(spans))[:n_random]
    order = _unlike(uncertain, profile, np.setdiff1d(np.arange(len(spans)), drawn), min(count, len(spans)) - n_random)
    places = np.r_[np.arange(len(order)) + 0.5, np.arange(n_random) * (len(order) / max(n_random, 1)) + 0.75]
    is_random = np.r_[np.zeros(len(order), bool), np.ones(n_random, bool)]
    found = []
    for at in np.argsort(places, kind="stable").tolist():
        window = int(order[at]) if at < len(order) else int(drawn[at - len(order)])
        video, one = owners[window]
        start, stop = one.covered(*(int(row) for row in spans[window]))
        found.append(
            Window(video, one.individual, start, stop, round(float(uncertain[window]), 4), bool(is_random[at]))
        )
    return tuple(found)


def _windows(rows: RowProbabilities, assessed: Ranges, length_frames: int) -> NDArray[np.int64]:
    """Return the first row of each window that was mostly not looked at, and the one after its last: (W, 2) int64."""
    length = rows_apart(length_frames, rows.sequence.step_frames)
    spans = np.concatenate(
        [
            np.c_[starts, np.minimum(starts + length, stop)]
            for start, stop in rows.sequence.stretches
            for starts in [np.arange(start, stop, length)]
        ]
    )
    ends = np.array(assessed, np.int64).reshape(-1)
    looked_at = np.searchsorted(ends, label_frames(rows.sequence.frames), "right") % 2
    return spans[_means(looked_at[:, None].astype(np.float32), spans)[:, 0] < 0.5]


def _means(values: NDArray[np.float32], spans: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the means of rows (N, C) over spans of rows (W, 2): (W, C) float64."""
    if not len(spans):
        return np.zeros((0, values.shape[1]))
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=np.float64)])
    means: NDArray[np.float64] = (sums[spans[:, 1]] - sums[spans[:, 0]]) / np.diff(spans, axis=1)
    return means


def _uncertainty(rows: RowProbabilities, by: Uncertainty) -> NDArray[np.float32]:
    if by is Uncertainty.CONFIDENCE:
        return rows.uncertainty
    each = []
    for own in rows.values:
        logarithms = np.log(np.maximum(own, np.finfo(np.float32).tiny))
        each.append(-(own * logarithms).sum(axis=1) / np.log(own.shape[1]))
    largest: NDArray[np.float32] = np.maximum.reduce(each)
    return largest


def _unlike(
    uncertain: NDArray[np.float64], profile: NDArray[np.float64], windows: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Return windows one after the other, each the one of most uncertainty times difference from those before."""
    pool = windows[np.argsort(-uncertain[windows], kind="stable")[: _CANDIDATES * count]]
    worth, likeness = uncertain[pool], np.zeros(len(pool))
    chosen: list[int] = []
    for _ in range(min(count, len(pool))):
        best = int(np.argmax(worth * (1 - likeness) - 2.0 * np.isin(pool, chosen)))
        chosen.append(int(pool[best]))
        distance = np.linalg.norm(profile[pool] - profile[pool[best]], axis=1)
        alike = np.where(np.abs(pool - pool[best]) <= 1, 1.0, np.exp(-((distance / _ALIKE) ** 2)))
        likeness = np.maximum(likeness, np.minimum(alike, 1 - 1e-6))
    return np.array(chosen, np.int64)
