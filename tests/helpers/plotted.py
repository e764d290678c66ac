"""Features of two individuals with planted states, and what is explored of them."""

import numpy as np
import pytest

from napari_i3d import explore
from napari_i3d.features.features import Features

STATES = np.repeat([0, 1, 2, 0], [40, 30, 50, 40])


def planted(states, seed=0) -> np.ndarray:
    means = np.random.default_rng(99).standard_normal((3, 64))
    return (means[states] + 0.3 * np.random.default_rng(seed).standard_normal((len(states), 64))).astype(np.float32)


@pytest.fixture
def features() -> Features:
    rows = {"male": planted(STATES), 7: planted(STATES[:100], 1)}
    frames = {"male": np.arange(160) + 103.5, 7: np.arange(100) + 3.5}
    return Features(rows=rows, frames=frames, fps=25.0)


@pytest.fixture
def table(features) -> explore.FeatureTable:
    return explore.table_of_features(features)
