"""Frames as runs: the oracle is the list of numbers itself."""

import json

import numpy as np
import pytest

from napari_i3d.features.io.frame_runs import as_runs, from_runs

CASES = {
    "nothing": [],
    "one": [7],
    "repeated ends": [100, 100, 100, 100, 101, 102, 103, 103, 103, 103, 103],
    "halves": [3.5, 4.5, 5.5],
    "a gap": [0, 4, 8, 100, 104, 108],
    "two steps": [0, 1, 2, 4, 6, 8, 9],
    "uneven": [0, 1, 3, 7, 8.25, 1e-9],
    "rounding": (np.arange(50) * 0.1).tolist(),
}


@pytest.mark.parametrize("name", CASES)
def test_runs_give_back_each_number(name: str) -> None:
    values = np.array(CASES[name], np.float64)
    stated = json.loads(json.dumps(as_runs(values)))
    assert from_runs(stated, len(values), np.float64).tolist() == values.tolist()


def test_random_frames_survive_exactly() -> None:
    rng = np.random.default_rng(5)
    for _ in range(300):
        steps = rng.choice([0, 0, 1, 1, 1, 2, 7], rng.integers(0, 40))
        values = rng.integers(0, 1000) + np.cumsum(steps)
        assert np.array_equal(from_runs(as_runs(values), len(values), np.int64), values)


def test_long_recording_is_one_run() -> None:
    assert as_runs(np.arange(1_000_000) + 3.5) == [{"first": 3.5, "step": 1, "count": 1_000_000}]


def test_plain_lists_are_still_read() -> None:
    assert from_runs([3.5, 4.5], 2, np.float64).tolist() == [3.5, 4.5]


RUN = {"first": 0, "step": 1, "count": 3}


@pytest.mark.parametrize(
    "stated",
    [
        [RUN | {"count": 4}],
        [RUN | {"count": 10**15}],
        [RUN, RUN],
        [RUN | {"count": 4}, RUN | {"count": -1}],
        [RUN | {"count": 3.0}],
        [RUN | {"count": True}],
        [RUN | {"first": "0"}],
        [RUN | {"first": float("nan")}],
        [RUN | {"step": 10**400}],
        [RUN | {"step": 2**53}],
        [{"first": 0, "count": 3}],
        [RUN | {"count": 2}, 5],
        "abc",
        {"first": 0, "step": 1, "count": 3},
        5,
    ],
)
def test_runs_that_are_no_three_frames_are_refused(stated: object) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        from_runs(stated, 3, np.float64)
