"""Features with a known answer: rows of one frame each, or states that are planted, and noise on top of them."""

from collections.abc import Iterable, Mapping

import numpy as np
import pytest

from napari_i3d import explore
from napari_i3d.features.features import Features
from napari_i3d.individuals import Id

STATES = np.repeat([0, 1, 2, 0], [40, 30, 50, 40])
"""States of the rows of ``male`` in `planted_features`; those of ``7`` are the first 100."""


def planted(states: Iterable[int], width: int = 64, noise: float = 0.3, seed: int = 0) -> np.ndarray:
    """Return rows (N, width) float32: each state has a mean of its own, the same for every call."""
    means = np.random.default_rng(99).standard_normal((20, width))
    states = np.asarray(states, dtype=int)
    random = np.random.default_rng(seed)
    return (means[states] + noise * random.standard_normal((len(states), width))).astype(np.float32)


def runs(*pairs: tuple[int, int]) -> list[int]:
    """Return states of rows, from pairs of state and length."""
    return [state for state, length in pairs for _ in range(length)]


def features_of(
    rows: Mapping[Id, np.ndarray], start: float = 0.0, step: float = 1.0, fps: float | None = 25.0, **others
) -> Features:
    """Return features of individuals whose rows are `step` frames apart."""
    frames = {i: start + step * np.arange(len(r), dtype=np.float64) for i, r in rows.items()}
    return Features(rows=dict(rows), frames=frames, fps=fps, **others)


def random_features(spans: Mapping[Id, tuple[int, int]], seed: int = 0, n_video_frames: int | None = None) -> Features:
    """Return features with one row for each frame of each span (first, last), as padded extraction makes them."""
    random = np.random.default_rng(seed)
    frames = {i: np.arange(first, last + 1, dtype=np.float64) for i, (first, last) in spans.items()}
    return Features(
        rows={i: random.standard_normal((len(f), 2048)).astype(np.float32) for i, f in frames.items()},
        frames=frames,
        chunk_starts={
            i: np.clip(frames[i].astype(np.int64) - 3, first, last - 7) for i, (first, last) in spans.items()
        },
        first_frame={i: first for i, (first, _) in spans.items()},
        last_frame={i: last for i, (_, last) in spans.items()},
        fps=25.0,
        provenance={"weights": {"name": "untrained", "trained": False}}
        | ({} if n_video_frames is None else {"video": {"frames": n_video_frames}}),
    )


def assert_same_features(one: Features, other: Features) -> None:
    """Compare ids with their types, rows bit by bit, and what is known of them."""
    assert [(type(i), i) for i in one.rows] == [(type(i), i) for i in other.rows]
    for name in ("rows", "frames", "chunk_starts"):
        left, right = getattr(one, name), getattr(other, name)
        assert list(left) == list(right), name
        for i in left:
            assert left[i].dtype == right[i].dtype, (name, i)
            np.testing.assert_array_equal(left[i], right[i], err_msg=f"{name} of {i}")
    assert (one.first_frame, one.last_frame) == (other.first_frame, other.last_frame)
    assert (one.fps, one.provenance) == (other.fps, other.provenance)


@pytest.fixture
def planted_features() -> Features:
    """Planted states of two individuals, the second shorter, one of them late."""
    rows = {"male": planted(STATES), 7: planted(STATES[:100], seed=1)}
    frames = {"male": np.arange(160) + 103.5, 7: np.arange(100) + 3.5}
    return Features(rows=rows, frames=frames, fps=25.0)


@pytest.fixture
def planted_table(planted_features: Features) -> explore.FeatureTable:
    """Return `planted_features` as a table."""
    return explore.table_of_features(planted_features)


@pytest.fixture
def features() -> Features:
    """Random rows of individuals called by letters, by signs that a file name cannot have, and by a number."""
    return random_features({"male": (0, 19), "fe/male ü": (5, 14), 3: (100, 108)})
