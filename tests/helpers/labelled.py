"""Features and labels with a known answer."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_i3d import Annotation, Behavior, Bout, Ethogram, Features

BEHAVIORS = ("walk", "groom", "rear")
ETHOGRAM = Ethogram(tuple(Behavior(name) for name in BEHAVIORS))


@dataclass(frozen=True)
class Planted:
    """A video of which the behavior of each frame is known, 0 for none."""

    features: Features
    annotation: Annotation
    states: np.ndarray


def bouts_of(states: np.ndarray, individual="mouse", first: int = 0) -> tuple[Bout, ...]:
    """Return the bouts of states of frames from `first` on, by a plain loop."""
    bouts, start = [], 0
    for end in range(1, len(states) + 1):
        if end == len(states) or states[end] != states[start]:
            if states[start]:
                bouts.append(Bout(individual, BEHAVIORS[states[start] - 1], first + start, first + end))
            start = end
    return tuple(bouts)


def random_states(seed: int, n_bouts: int = 40, shortest: int = 20, longest: int = 50) -> np.ndarray:
    """Return states of frames: bouts of random behaviors and lengths, none among them."""
    random = np.random.default_rng(seed)
    lengths = random.integers(shortest, longest, n_bouts)
    states = random.permutation(np.arange(n_bouts) % (len(BEHAVIORS) + 1))
    return np.repeat(states, lengths)


def make_planted(
    seed: int = 0, width: int = 32, noise: float = 0.5, individual="mouse", first: int = 0, n_bouts: int = 40
) -> Planted:
    """Return a video with one row a frame, whose features show the behavior of the frame."""
    states = random_states(seed, n_bouts)
    means = np.random.default_rng(99).standard_normal((4, width))
    rows = means[states] + noise * np.random.default_rng(seed).standard_normal((len(states), width))
    return planted_of(rows.astype(np.float32), states, individual, first)


def planted_of(rows: np.ndarray, states: np.ndarray, individual="mouse", first: int = 0) -> Planted:
    """Return a video of these rows and states, one a frame."""
    end = first + len(states)
    features = Features(
        rows={individual: rows},
        frames={individual: np.arange(first, end, dtype=np.float64)},
        first_frame={individual: first},
        last_frame={individual: end - 1},
        fps=25.0,
        provenance={"video": {"frames": end}},
    )
    annotation = Annotation(ETHOGRAM, bouts_of(states, individual, first), {individual: [(first, end)]}, n_frames=end)
    return Planted(features, annotation, states)


def rewrite_probe(path: Path, **changes: object) -> None:
    """Change arrays or facts of a probe file; None: remove the array."""
    with np.load(path) as archive:
        content = dict(archive)
    facts = json.loads(content["facts"].tobytes())
    for key, value in changes.items():
        if key in content:
            content[key] = value
        else:
            facts[key] = value
    if "facts" not in changes:
        content["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    np.savez(path, **{key: value for key, value in content.items() if value is not None})
