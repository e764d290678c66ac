"""Heads: one logistic regression for the exclusive behaviors together, and one for each other behavior."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_i3d.annotations.annotation import NOT_ASSESSED
from napari_i3d.annotations.ethogram import Ethogram

NONE = ""
"""The class of rows without any behavior of a head; always class 0."""
UNUSED = -1
"""In targets: a row that a head cannot learn from."""
_ITERATIONS, _TOLERANCE = 300, 1e-3


@dataclass(frozen=True, eq=False)
class Head:
    """A linear classifier of rows; its probabilities are ``softmax(inputs @ weights + bias)``.

    Attributes
    ----------
    classes
        Names of behaviors; the first is `NONE`.
    weights : (inputs, C) float64
    bias : (C,) float64
        Minus infinity for a class that was never seen, which can only be `NONE`.
    """

    classes: tuple[str, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return probabilities of logits without bias: (n, C) float32."""
        shifted = logits + self.bias.astype(logits.dtype)
        shifted -= shifted.max(axis=1, keepdims=True)
        np.exp(shifted, out=shifted)
        shifted /= shifted.sum(axis=1, keepdims=True)
        return shifted.astype(np.float32, copy=False)


def plan_heads(ethogram: Ethogram, shown: NDArray[np.int8]) -> tuple[tuple[str, ...], ...]:
    """Return the classes of each head: of the behaviors that any row shows, `NONE` first."""
    seen = [name for index, name in enumerate(ethogram) if (shown[:, index] == 1).any()]
    exclusive = tuple(name for name in seen if ethogram[name].exclusive)
    heads = [(NONE, *exclusive)] if exclusive else []
    return (*heads, *((NONE, name) for name in seen if not ethogram[name].exclusive))


def targets_of(classes: Sequence[str], ethogram: Ethogram, shown: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the class of each row for a head: (n,) int64, `UNUSED` if it is not known.

    Unknown are rows that show two exclusive behaviors, and rows that show none if one of the head's behaviors was not
    looked for.
    """
    own = shown[:, [ethogram.index(name) for name in classes[1:]]]
    count = (own == 1).sum(axis=1)
    targets = np.where(count == 1, (own == 1).argmax(axis=1) + 1, 0)
    targets[(count > 1) | ((count == 0) & (own == NOT_ASSESSED).any(axis=1))] = UNUSED
    return targets


def fit_head(
    classes: tuple[str, ...],
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    strength: float,
    start: Head | None = None,
) -> Head:
    """Fit a head by multinomial logistic regression with balanced weights of classes (scikit-learn).

    Parameters
    ----------
    classes
        Its classes.
    inputs : (n, K) float32
    targets : (n,) int64
        Class of each row, or `UNUSED`.
    strength
        Inverse of the regularization.
    start
        Begin at this one, if it has the same classes: much faster after few new labels, with the same result.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    used = targets != UNUSED
    rows = inputs if used.all() else inputs[used]
    wanted = targets[used]
    present = np.unique(wanted)
    weights, bias = np.zeros((inputs.shape[1], len(classes))), np.full(len(classes), -np.inf)
    if len(present) < 2:
        bias[present if len(present) else 0] = 0.0
        return Head(classes, weights, bias)
    model = LogisticRegression(
        C=strength, class_weight="balanced", max_iter=_ITERATIONS, tol=_TOLERANCE, warm_start=start is not None
    )
    if start is not None and start.classes == classes and start.weights.shape == weights.shape:
        known = np.isfinite(start.bias)
        if np.array_equal(np.flatnonzero(known), present):
            model.coef_, model.intercept_ = _to_sklearn(start.weights[:, known].T, start.bias[known])
            model.classes_ = present
    with warnings.catch_warnings():
        # A fit that is stopped after so many steps is as good for its purpose.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows, wanted)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(present) == 2:  # scikit-learn has one row then, of the second class
        coefficients, intercepts = np.vstack([0 * coefficients, coefficients]), np.r_[0.0, intercepts]
    weights[:, present], bias[present] = coefficients.T, intercepts
    return Head(classes, weights, bias)


def _to_sklearn(
    coefficients: NDArray[np.float64], intercepts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if len(coefficients) == 2:
        return coefficients[1:] - coefficients[:1], intercepts[1:] - intercepts[:1]
    return coefficients.copy(), intercepts.copy()
