"""How many frames must be labelled, through the queue and at random, to come close to the scores of all labels.

``python tests/benchmarks/labels_needed.py [--seeds 10] [--features FOLDER]``. Clips with several behaviors of unequal
frequency are divided into clips to label and clips held back. A few random windows come first; then windows of the
queue are labelled in rounds, and in another run random ones, until the macro F1 on the held-back clips is 95 %
of that of all labels. The settings of the queue were tuned on seeds 0 to 11, not on those that are measured here by
default.

Without ``--features``, rows are planted: each behavior has a direction, bouts and clips differ, and noise lasts for
some frames. With it, they are rows of synthetic clips (napari_i3d.synthetic) by the untrained network, extracted to
that folder once. That network has learned nothing: what it tells apart is how things move.
"""

import argparse
import functools
import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_i3d import (
    Annotation,
    Behavior,
    Bout,
    Ethogram,
    ExtractionSettings,
    Features,
    extract_features,
    learning,
    open_video,
    read_features,
    read_tracking,
    write_features,
    write_synthetic_clip,
)
from napari_i3d._utils.frame_ranges import merge_ranges
from napari_i3d.errors import AnnotationError

BEHAVIORS = {"rest": 0.2, "walk": 0.15, "groom": 0.08, "rear": 0.04, "dig": 0.03}
"""Share of bouts; the others show nothing."""
WIDTH, FRAMES, CLIPS, HELD_BACK = 256, 4000, 6, 3
SUBSPACE, MANNER, CLIP = 12, 0.9, 0.3
"""Numbers that behaviors, bouts and clips differ in, and how much bouts and clips do where behaviors differ by 1."""
VIDEOS, VIDEO_FRAMES, VIDEO_STEP = 6, 240, 4
GOAL, MOST = 0.95, 0.5


@dataclass(frozen=True)
class Clips:
    """Clips to label, and clips held back, with all their labels."""

    features: Mapping[str, Features]
    truth: Mapping[str, Annotation]
    held_back: tuple[str, ...]
    first_windows: int
    windows_a_round: int

    @property
    def labelled(self) -> tuple[str, ...]:
        return tuple(name for name in self.features if name not in self.held_back)


def planted_clips(seed: int) -> Clips:
    """Return clips whose rows show behaviors, individuals and noise."""
    random = np.random.default_rng(seed)
    ethogram = Ethogram(tuple(Behavior(name) for name in BEHAVIORS))
    basis = random.normal(0, 1, (SUBSPACE, WIDTH)).astype(np.float32)
    means = random.normal(0, 1, (len(BEHAVIORS) + 1, SUBSPACE))
    shares = np.array([1 - sum(BEHAVIORS.values()), *BEHAVIORS.values()])
    features, truth = {}, {}
    for number in range(CLIPS + HELD_BACK):
        states = np.zeros(0, np.int64)
        while len(states) < FRAMES:
            length = int(random.gamma(3, 12)) + 8
            states = np.r_[states, np.full(length, random.choice(len(shares), p=shares))]
        states = states[:FRAMES]
        noise = random.standard_normal((FRAMES + 15, WIDTH), dtype=np.float32)
        slow = np.cumsum(np.r_[np.zeros((1, WIDTH), np.float32), noise], axis=0)
        slow = (slow[16:] - slow[:-16]) / 4  # lasts for 16 frames
        bouts = np.cumsum(np.r_[0, np.diff(states) != 0])
        # No two bouts are alike, nor two clips.
        manner = random.normal(0, MANNER, (bouts.max() + 1, SUBSPACE))[bouts] + random.normal(0, CLIP, SUBSPACE)
        rows = (means[states] + manner).astype(np.float32) @ basis + 1.5 * slow
        name = f"clip{number}"
        features[name] = Features(rows={"mouse": rows}, frames={"mouse": np.arange(float(FRAMES))})
        edges = np.r_[0, np.flatnonzero(np.diff(states)) + 1, FRAMES]
        truth[name] = Annotation(
            ethogram,
            tuple(
                Bout("mouse", list(BEHAVIORS)[states[low] - 1], low, high)
                for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
                if states[low]
            ),
            {"mouse": [(0, FRAMES)]},
            n_frames=FRAMES,
        )
    return Clips(features, truth, tuple(f"clip{number}" for number in range(CLIPS, CLIPS + HELD_BACK)), 4, 5)


def synthetic_clips(folder: Path, seed: int) -> Clips:
    """Return synthetic clips with rows of the untrained network, of which the seed chooses those held back."""
    features, truth = _extracted(folder)
    held_back = np.random.default_rng(seed).choice(list(features), VIDEOS // 3, replace=False).tolist()
    return Clips(features, truth, tuple(held_back), 2, 3)


@functools.cache
def _extracted(folder: Path) -> tuple[dict[str, Features], dict[str, Annotation]]:
    features, truth = {}, {}
    for bouts in range(5, 5 + VIDEOS):
        clip = write_synthetic_clip(folder, VIDEO_FRAMES, f"clip{bouts}", bouts)
        path = folder / f"clip{bouts}.npz"
        if not path.exists():
            settings = ExtractionSettings(frequency=VIDEO_STEP, pad=True)
            with open_video(clip.video) as video:
                tracking = read_tracking(clip.tracking)
                write_features(path, extract_features(video, tracking, settings=settings, weights="untrained"))
            print(f"extracted {path.name}", flush=True)
        features[clip.video.stem] = read_features(path)
        states = [
            (individual, name, low, high)
            for individual, names in clip.behaviors.items()
            for name, low, high in _runs(names)
        ]
        truth[clip.video.stem] = Annotation(
            Ethogram(tuple(Behavior(name) for name in ("running", "resting", "wandering"))),
            tuple(Bout(*state) for state in states),
            {individual: [(0, VIDEO_FRAMES)] for individual in clip.behaviors},
            n_frames=VIDEO_FRAMES,
        )
    return features, truth


def _runs(names: Sequence[str]) -> list[tuple[str, int, int]]:
    edges = [0, *(n for n in range(1, len(names)) if names[n] != names[n - 1]), len(names)]
    return [(names[low], low, high) for low, high in itertools.pairwise(edges)]


def score(probe: learning.Probe, clips: Clips) -> float:
    """Return the macro F1 of frames over all held-back clips together."""
    counts: dict[str, np.ndarray] = {}
    for name in clips.held_back:
        predicted = probe.predict(clips.features[name])
        for individual in clips.truth[name].individuals:
            true, found = clips.truth[name].to_table(individual), predicted.to_table(individual)
            known = (true >= 0).all(axis=1) & (found >= 0).all(axis=1)
            for index, behavior in enumerate(clips.truth[name].ethogram):
                one, other = true[known, index] == 1, np.zeros(known.sum(), bool)
                if behavior in predicted.ethogram:
                    other = found[known, predicted.ethogram.index(behavior)] == 1
                counts.setdefault(behavior, np.zeros(2))
                counts[behavior] += 2 * (one & other).sum(), one.sum() + other.sum()
    return float(np.mean([hit / max(every, 1) for hit, every in counts.values()]))


def label(clips: Clips, windows: Sequence[learning.Window]) -> dict[str, Annotation]:
    """Return what a person has labelled who looked at these windows only."""
    found = {}
    for name in {window.video for window in windows}:
        truth, seen = clips.truth[name], {}
        for individual in truth.individuals:
            own = [(w.start, w.stop) for w in windows if (w.video, w.individual) == (name, individual)]
            if own:
                seen[individual] = merge_ranges(own)
        bouts = tuple(
            Bout(bout.individual, bout.behavior, max(bout.start, low), min(bout.stop, high))
            for individual, ranges in seen.items()
            for low, high in ranges
            for bout in truth.of(individual)
            if bout.overlaps(low, high)
        )
        found[name] = Annotation(truth.ethogram, bouts, seen, n_frames=truth.n_frames)
    return found


def labels_needed(
    clips: Clips, seed: int, goal: float, random_share: float, length_frames: int
) -> list[tuple[float, float]]:
    """Label in rounds until the goal is reached; return (share of frames labelled, F1) of each round."""
    features = {name: clips.features[name] for name in clips.labelled}
    every = sum(stop for name in clips.labelled for own in clips.truth[name].assessed.values() for _, stop in own)
    # Random windows need no probe, but the function does: any.
    name = clips.held_back[0]
    probe = learning.train({name: clips.features[name]}, {name: clips.truth[name]})
    share, count = 1.0, clips.first_windows
    labels: dict[str, Annotation] = {}
    windows: list[learning.Window] = []
    curve: list[tuple[float, float]] = []
    while not curve or (curve[-1][1] < goal and curve[-1][0] < MOST):
        windows += learning.next_windows(
            probe, features, labels, count, length_frames=length_frames, random_share=share, seed=seed + len(windows)
        )
        labels = label(clips, windows)
        try:
            probe = learning.train({name: features[name] for name in labels}, labels)
        except AnnotationError:
            count = 1  # one behavior only, or none: another random window
            continue
        n_labelled = sum(high - low for one in labels.values() for own in one.assessed.values() for low, high in own)
        curve.append((n_labelled / every, score(probe, clips)))
        share, count = random_share, clips.windows_a_round
    return curve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first_seed", type=int, default=100)
    parser.add_argument("--length", type=int, default=25, help="frames of a window")
    parser.add_argument("--random_share", type=float, default=0.2)
    parser.add_argument(
        "--features", type=Path, metavar="FOLDER", help="synthetic clips, extracted to this folder once"
    )
    parser.add_argument("--curve", action="store_true", help="print the F1 of each round")
    options = parser.parse_args()
    print("features:", "planted" if options.features is None else "synthetic clips, UNTRAINED weights")
    shares: dict[str, list[float]] = {"queue": [], "random": []}
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        clips = planted_clips(seed) if options.features is None else synthetic_clips(options.features, seed)
        own = {name: clips.features[name] for name in clips.labelled}
        full = score(learning.train(own, {name: clips.truth[name] for name in own}), clips)
        line = [f"seed {seed}: F1 of all labels {full:.3f}"]
        for name, random_share in (("queue", options.random_share), ("random", 1.0)):
            curve = labels_needed(clips, seed, GOAL * full, random_share, options.length)
            shares[name].append(curve[-1][0] if curve[-1][1] >= GOAL * full else 1.0)
            line.append(f"{name} {shares[name][-1]:.1%}")
            if options.curve:
                line.append(" ".join(f"{share:.1%}:{found:.2f}" for share, found in curve))
        print("; ".join(line), flush=True)
    for name, found in shares.items():
        print(f"{name}: {statistics.median(found):.1%} of the frames labelled for {GOAL:.0%} (median of {len(found)})")


if __name__ == "__main__":
    main()
