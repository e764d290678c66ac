"""Features with a known answer: states that are planted, and noise on top of them."""

import numpy as np

from napari_i3d.features.features import Features


def planted(states, width=64, noise=0.3, seed=0) -> np.ndarray:
    """Rows of (N, width) float32: each state has a mean of its own, the same for every call."""
    means = np.random.default_rng(99).standard_normal((20, width))
    random = np.random.default_rng(seed)
    return (means[np.asarray(states, dtype=int)] + noise * random.standard_normal((len(states), width))).astype(
        np.float32
    )


def features_of(rows, start=0.0, step=1.0, fps=25.0, **others) -> Features:
    """Features of individuals whose rows are `step` frames apart."""
    frames = {i: start + step * np.arange(len(r), dtype=np.float64) for i, r in rows.items()}
    return Features(rows=rows, frames=frames, fps=fps, **others)


def runs(*pairs) -> list[int]:
    """States of rows, from pairs of state and length."""
    return [state for state, length in pairs for _ in range(length)]
