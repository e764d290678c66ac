"""How long a correction by hand takes in the model, and how much memory a session of corrections.

``python tests/benchmarks/editing.py [--individuals 10] [--frames 100000] [--corrections 10000]``. A correction
ends when the tracking is made and its problems are listed. To reach: p95 at most 20 ms, undo the same; 10,000
corrections add less than 200 MB, and the last are no slower than the first. Times are those of the processor,
and on the clock in brackets.
"""

import argparse
import time

import numpy as np
import psutil

from napari_i3d import Tracking, TrackingEditor, Tracklet
from napari_i3d.errors import TrackingError
from napari_i3d.tracking.incremental_checks import TrackingChecks

SIDE = 1024


def walks(individuals: int, n_frames: int) -> Tracking:
    random = np.random.default_rng(1)
    tracklets = []
    for number in range(individuals):
        centers = 60 + np.abs(np.cumsum(random.normal(0, 1.5, (n_frames, 2)), axis=0)) % (SIDE - 120)
        tracklets.append(Tracklet(f"animal{number}", 0, np.hstack([centers - 40, centers + 40])))
    return Tracking(tracklets)


class Session:
    """Corrections as users make them: most of a few frames, some swaps from a frame on."""

    def __init__(self, tracking: Tracking, n_frames: int) -> None:
        self.editor = TrackingEditor(tracking)
        self.checks = TrackingChecks(tracking, (n_frames, SIDE, SIDE))
        self.editor.connect(lambda change: self.checks.update(self.editor.tracking, change.ranges))
        self.random, self.n_frames = np.random.default_rng(2), n_frames

    def correct(self) -> str:
        editor, random = self.editor, self.random
        one, other = random.choice(list(editor.tracking), 2, replace=False).tolist()
        start = int(random.integers(1, self.n_frames - 300))
        stop = start + int(random.integers(3, 200))
        kind = random.choice(["set_box", "interpolate", "delete_boxes", "swap", "swap on"], p=[0.5, 0.2, 0.1, 0.1, 0.1])
        if kind == "set_box":
            corner = random.uniform(0, 900, 2)
            editor.set_box(one, start, [*corner, *corner + 80])
        elif kind == "interpolate":
            editor.interpolate(one, start, stop)
        elif kind == "delete_boxes":
            editor.delete_boxes(one, start, start + 20)
        else:
            editor.swap(one, other, start, stop if kind == "swap" else None)
        return str(kind)


Times = tuple[float, float]
"""Milliseconds of the processor, and on the clock."""


def now_ms() -> Times:
    return time.thread_time() * 1e3, time.perf_counter() * 1e3


def since(start: Times) -> Times:
    processor, clock = now_ms()
    return processor - start[0], clock - start[1]


def describe(name: str, times_ms: list[Times]) -> str:
    median, p95 = np.median(times_ms, axis=0), np.percentile(times_ms, 95, axis=0)
    return (
        f"{name:16} median {median[0]:6.2f} ms ({median[1]:6.2f}), p95 {p95[0]:6.2f} ms ({p95[1]:6.2f}), "
        f"{len(times_ms)} of them"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--individuals", type=int, default=10)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--corrections", type=int, default=10_000)
    options = parser.parse_args()

    process = psutil.Process()
    session = Session(walks(options.individuals, options.frames), options.frames)
    for individual in session.editor.tracking:  # from here on, memory holds what was changed only
        session.editor.set_box(individual, 0, [10, 10, 90, 90])
    before = process.memory_info().rss
    times: list[tuple[str, Times]] = []
    while len(times) < options.corrections:
        start = now_ms()
        try:
            kind = session.correct()
        except TrackingError:  # no box at an end of the range
            continue
        times.append((kind, since(start)))
    added = process.memory_info().rss - before
    values = [value for _, value in times]
    tenth = max(len(values) // 10, 1)
    print(
        f"{options.individuals} individuals, {options.frames} frames; "
        f"at the end {len(session.checks.problems)} problems"
    )
    print(describe("correction", values))
    for kind in sorted({kind for kind, _ in times}):
        print(describe(f"  {kind}", [value for name, value in times if name == kind]))
    print(describe("first tenth", values[:tenth]))
    print(describe("last tenth", values[-tenth:]))
    print(f"memory added by {len(values)} corrections: {added / 1e6:.0f} MB")
    for name in ("undo", "redo"):
        undone = []
        for _ in range(min(1000, len(values))):
            start = now_ms()
            getattr(session.editor, name)()
            undone.append(since(start))
        print(describe(name, undone))


if __name__ == "__main__":
    main()
