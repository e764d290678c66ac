"""Gradient boosting of small trees as a head of a probe.

A tree has at most 8 leaves, so the answers to its up to 7 questions are 7 bits, and a table of 128 values says what it
adds. Rows go through all questions at once, without following branches; and a file of such tables has no links between
nodes that could lead nowhere, or in a circle.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUESTIONS = 7
ANSWERS = 2**QUESTIONS
MOST_TREES = 20_000
_ROUNDS, _RATE, _LEAST_ROWS, _BINS = 60, 0.2, 20, 64
_ROUNDS_UNTESTED = 30
"""Without labels to test on."""

HeldBack = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""Which rows to train and to test on, when choosing the number of trees: (n,) bool each."""


@dataclass(frozen=True, eq=False)
class BoostedHead:
    """Trees that each add to the logit of one class; probabilities are the softmax of the logits.

    Attributes
    ----------
    classes
        Names of behaviors; the first is none of the others.
    features : (T, 7) int32
        Which input each question of each tree is about.
    thresholds : (T, 7) float32
        The answer is 1 if the input is at most this.
    values : (T, 128) float64
        What a tree adds; answer n is bit n of the place.
    tree_classes : (T,) int32
        The class that a tree adds to.
    bias : (C,) float64
        Minus infinity for a class that was never seen.
    """

    classes: tuple[str, ...]
    features: NDArray[np.int32]
    thresholds: NDArray[np.float32]
    values: NDArray[np.float64]
    tree_classes: NDArray[np.int32]
    bias: NDArray[np.float64]

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities of inputs (n, K) float32: (n, C) float32."""
        columns = np.ascontiguousarray(inputs.T)
        logits = np.repeat(self.bias[:, None], len(inputs), axis=1)
        for features, thresholds, values, index in zip(
            self.features, self.thresholds, self.values, self.tree_classes.tolist(), strict=True
        ):
            places = np.packbits(columns[features] <= thresholds[:, None], axis=0, bitorder="little")[0]
            logits[index] += values[places]
        logits -= logits.max(axis=0)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=0)
        return logits.T.astype(np.float32)


def fit_boosted(
    classes: tuple[str, ...],
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    held_back: HeldBack | None = None,
) -> BoostedHead:
    """Fit a head by histogram gradient boosting with balanced weights of classes (scikit-learn).

    Parameters
    ----------
    classes
        Its classes.
    inputs : (n, K) float32
    targets : (n,) int64
        Class of each row.
    held_back
        Whole bouts, apart from those trained on, that the number of trees is chosen by; None: a fixed number.
    """
    present = np.unique(targets)
    bias = np.full(len(classes), -np.inf)
    if len(present) < 2:
        bias[present if len(present) else 0] = 0.0
        return _head(classes, [], bias)
    rounds = _ROUNDS_UNTESTED if held_back is None else _best_rounds(inputs, targets, *held_back)
    model = _model(rounds).fit(inputs, targets)
    bias[present] = 0.0
    learned = present[1:] if len(present) == 2 else present  # one tree a round for the second of two classes
    bias[learned] = np.asarray(model._baseline_prediction, np.float64).reshape(-1)
    trees = [
        (int(index), _table(tree.nodes))
        for trees in model._predictors
        for index, tree in zip(learned, trees, strict=True)
    ]
    return _head(classes, trees, bias)


def _model(rounds: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=rounds,
        learning_rate=_RATE,
        max_leaf_nodes=QUESTIONS + 1,
        min_samples_leaf=_LEAST_ROWS,
        max_bins=_BINS,
        # Its own way of stopping early tests on random rows, next to those that it trains on.
        early_stopping=False,
        class_weight="balanced",
        random_state=0,
    )


def _best_rounds(
    inputs: NDArray[np.float32], targets: NDArray[np.int64], trained: NDArray[np.bool_], tested: NDArray[np.bool_]
) -> int:
    """Return the number of rounds with the least loss, of the mean class, on rows that are held back."""
    present = np.unique(targets[trained])
    tested = tested & np.isin(targets, present)
    if len(present) < 2 or not tested.any():
        return _ROUNDS_UNTESTED
    model = _model(_ROUNDS).fit(inputs[trained], targets[trained])
    places = np.searchsorted(present, targets[tested])
    weights = (1 / np.bincount(places, minlength=len(present)).clip(1))[places]
    losses = [
        -(weights * np.log(found[np.arange(len(places)), places].clip(1e-15))).sum()
        for found in model.staged_predict_proba(inputs[tested])
    ]
    return int(np.argmin(losses)) + 1


_Tree = tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float64]]


def _table(nodes: NDArray[np.void]) -> _Tree:
    """Return questions and values of the nodes of a tree of scikit-learn."""
    leaf = nodes["is_leaf"].astype(bool)
    questions = np.flatnonzero(~leaf)
    bit = np.zeros(len(nodes), np.int64)
    bit[questions] = np.arange(len(questions))
    answers, at = np.arange(ANSWERS), np.zeros(ANSWERS, np.int64)
    for _ in range(len(questions)):
        yes = (answers >> bit[at]) & 1
        at = np.where(leaf[at], at, np.where(yes, nodes["left"][at], nodes["right"][at]))
    features, thresholds = np.zeros(QUESTIONS, np.int32), np.zeros(QUESTIONS, np.float32)
    features[: len(questions)] = nodes["feature_idx"][questions]
    exact = nodes["num_threshold"][questions]
    rounded = exact.astype(np.float32)
    # Rounded down, a threshold divides float32 as the exact one does.
    thresholds[: len(questions)] = np.where(rounded > exact, np.nextafter(rounded, np.float32(-np.inf)), rounded)
    return features, thresholds, nodes["value"][at].astype(np.float64)


def _head(classes: tuple[str, ...], trees: list[tuple[int, _Tree]], bias: NDArray[np.float64]) -> BoostedHead:
    return BoostedHead(
        classes,
        np.array([tree[0] for _, tree in trees], np.int32).reshape(-1, QUESTIONS),
        np.array([tree[1] for _, tree in trees], np.float32).reshape(-1, QUESTIONS),
        np.array([tree[2] for _, tree in trees], np.float64).reshape(-1, ANSWERS),
        np.array([index for index, _ in trees], np.int32),
        bias,
    )
