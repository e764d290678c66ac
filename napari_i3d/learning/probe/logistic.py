"""Logistic regression as a head of a probe."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ITERATIONS, _TOLERANCE = 300, 1e-3


@dataclass(frozen=True, eq=False)
class LinearHead:
    """A linear classifier of rows; its probabilities are ``softmax(inputs @ weights + bias)``.

    Attributes
    ----------
    classes
        Names of behaviors; the first is none of the others.
    weights : (inputs, C) float64
    bias : (C,) float64
        Minus infinity for a class that was never seen.
    """

    classes: tuple[str, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities of inputs (n, K) float32: (n, C) float32."""
        return self.softmax(inputs @ self.weights.astype(np.float32))

    def softmax(self, logits: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return probabilities of logits without bias: (n, C) float32."""
        shifted = logits + self.bias.astype(logits.dtype)
        shifted -= shifted.max(axis=1, keepdims=True)
        np.exp(shifted, out=shifted)
        shifted /= shifted.sum(axis=1, keepdims=True)
        return shifted.astype(np.float32, copy=False)


def fit_logistic(
    classes: tuple[str, ...],
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    strength: float,
    start: LinearHead | None = None,
) -> LinearHead:
    """Fit a head by multinomial logistic regression with balanced weights of classes (scikit-learn).

    Parameters
    ----------
    classes
        Its classes.
    inputs : (n, K) float32
    targets : (n,) int64
        Class of each row.
    strength
        Inverse of the regularization.
    start
        Begin at this one, if it has the same classes: much faster after few new labels, with the same result.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    present = np.unique(targets)
    weights, bias = np.zeros((inputs.shape[1], len(classes))), np.full(len(classes), -np.inf)
    if len(present) < 2:
        bias[present if len(present) else 0] = 0.0
        return LinearHead(classes, weights, bias)
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
        model.fit(inputs, targets)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(present) == 2:  # scikit-learn has one row then, of the second class
        coefficients, intercepts = np.vstack([0 * coefficients, coefficients]), np.r_[0.0, intercepts]
    weights[:, present], bias[present] = coefficients.T, intercepts
    return LinearHead(classes, weights, bias)


def _to_sklearn(
    coefficients: NDArray[np.float64], intercepts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if len(coefficients) == 2:
        return coefficients[1:] - coefficients[:1], intercepts[1:] - intercepts[:1]
    return coefficients.copy(), intercepts.copy()
