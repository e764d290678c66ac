"""How long an edit of labels takes in the model, and how much memory a session of edits.

``python tests/benchmarks/annotation_editing.py [--bouts 20000] [--individuals 4] [--edits 10000]``. An edit ends when
the bouts of the individual that it changed are made. To reach: p95 at most 5 ms, undo and redo the same; 10,000 edits
add less than 100 MB, and the last are no slower than the first; proposals are accepted and rejected as fast. Times are
those of the processor, and on the clock in brackets.
"""

import argparse
import gc
import time
from dataclasses import replace

import numpy as np
import psutil

from napari_i3d import Annotation, AnnotationEditor, Behavior, Bout, Ethogram
from napari_i3d._utils.history import History
from napari_i3d.annotations.agreement import agreement
from napari_i3d.annotations.bouts import Origin, merge_overlapping
from napari_i3d.annotations.proposals import Proposals
from napari_i3d.annotations.statistics import behavior_statistics

BEHAVIORS = 12
SPACING = 40


def labelled(individuals: int, n_bouts: int) -> Annotation:
    random = np.random.default_rng(1)
    ethogram = Ethogram(tuple(Behavior(f"behavior{number}", exclusive=number < 8) for number in range(BEHAVIORS)))
    names, ids = list(ethogram), [f"animal{number}" for number in range(individuals)]
    bouts = []
    for number in range(n_bouts):
        who, start = ids[number % individuals], number // individuals * SPACING
        target = random.choice([None, None, *(other for other in ids if other != who)])
        bouts.append(Bout(who, str(random.choice(names)), start, start + int(random.integers(5, SPACING)), target))
    return Annotation(ethogram, tuple(bouts), individuals=tuple(ids), n_frames=n_bouts // individuals * SPACING)


class Session:
    """Edits as users make them: most paint or correct a bout, some swap individuals from a frame on."""

    def __init__(self, annotation: Annotation) -> None:
        self.editor = AnnotationEditor(annotation)
        self.changed: set[str] = set()
        self.editor.connect(lambda change: self.changed.update(change.ranges))
        self.random, self.n_frames = np.random.default_rng(2), annotation.end

    def edit(self) -> str:
        editor, random = self.editor, self.random
        one, other = random.choice(list(editor.individuals), 2, replace=False).tolist()
        start = int(random.integers(0, self.n_frames - 400))
        stop = start + int(random.integers(1, 300))
        kind = str(
            random.choice(
                ["paint", "erase", "move edges", "relabel", "drag", "swap", "swap on", "rename"],
                p=[0.45, 0.1, 0.2, 0.1, 0.05, 0.04, 0.03, 0.03],
            )
        )
        names = list(editor.ethogram)
        if kind == "paint":
            editor.add(one, str(random.choice(names)), start, stop)
        elif kind == "erase":
            editor.erase(one, start, stop)
        elif kind in ("move edges", "relabel"):
            bouts = editor.bouts_of(one)
            bout = bouts[int(random.integers(len(bouts)))]
            if kind == "relabel":
                editor.relabel(bout, str(random.choice(names)))
            else:
                editor.move_edges(bout, bout.start, min(bout.stop + 7, self.n_frames))
        elif kind == "drag":
            key, name = object(), str(random.choice(names))
            for frame in range(start, start + 20):
                editor.add(one, name, start, frame + 1, merge=key)
        elif kind == "rename":
            editor.rename_individual(one, f"animal{random.integers(10**9)}")
        else:
            editor.swap_individuals(one, other, start, stop if kind == "swap" else None)
        return kind

    def finish(self) -> None:
        for individual in self.changed:
            self.editor.bouts_of(individual)
        self.changed.clear()


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
        f"{name:26} median {median[0]:6.2f} ms ({median[1]:6.2f}), p95 {p95[0]:6.2f} ms ({p95[1]:6.2f}), "
        f"{len(times_ms)} of them"
    )


def review(annotation: Annotation) -> None:
    """Accept and reject one by one as many proposals as there are labels, beside them, then all that are left."""
    history = History()
    labels, proposals = AnnotationEditor(annotation, history), Proposals(history)
    random = np.random.default_rng(3)
    bouts = [
        replace(bout, start=bout.start + 2, origin=Origin.AUTOMATED, confidence=float(random.random()), target=None)
        for bout in annotation.bouts
    ]
    apart = [
        replace(bout, start=min(bout.stop, bout.start + SPACING - 3), stop=bout.start + SPACING - 2) for bout in bouts
    ]
    proposed = Annotation(annotation.ethogram, merge_overlapping(apart), {}, annotation.individuals)
    started = now_ms()
    proposals.propose(proposed)
    print(f"{len(proposed.bouts)} proposals: {since(started)[0]:.0f} ms")
    times: dict[str, list[Times]] = {}
    for number in range(400):
        who = annotation.individuals[number % len(annotation.individuals)]
        started = now_ms()
        left = proposals.left(labels, who)
        times.setdefault("find those left", []).append(since(started))
        bout = left[int(random.integers(len(left)))]
        started = now_ms()
        if number % 2:
            proposals.accept(labels, [bout])
        else:
            proposals.reject(labels, [bout])
        labels.bouts_of(who), proposals.editor.bouts_of(who)
        times.setdefault("accept" if number % 2 else "reject", []).append(since(started))
    for name, own in times.items():
        print(describe(name, own))
    rest = [bout for who in annotation.individuals for bout in proposals.left(labels, who)]
    started = now_ms()
    done = proposals.accept(labels, rest)
    print(f"accept {done.n_bouts} at once: {since(started)[0]:.0f} ms")
    started = now_ms()
    labels.undo()
    print(f"take that back: {since(started)[0]:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bouts", type=int, default=20_000)
    parser.add_argument("--individuals", type=int, default=4)
    parser.add_argument("--edits", type=int, default=10_000)
    arguments = parser.parse_args()
    started = now_ms()
    annotation = labelled(arguments.individuals, arguments.bouts)
    print(f"annotation of {len(annotation.bouts)} bouts: {since(started)[0]:.0f} ms")
    review(annotation)
    started = now_ms()
    session = Session(annotation)
    print(f"editor: {since(started)[0]:.0f} ms")
    gc.collect()
    before = psutil.Process().memory_info().rss
    edits: dict[str, list[Times]] = {}
    finished: list[Times] = []
    for _ in range(arguments.edits):
        started = now_ms()
        kind = session.edit()
        edits.setdefault(kind, []).append(since(started))
        started = now_ms()
        session.finish()
        finished.append(since(started))
    gc.collect()
    print(f"memory of {arguments.edits} edits: {(psutil.Process().memory_info().rss - before) / 1e6:.0f} MB")
    everything = [one for times in edits.values() for one in times]
    print(describe("edit", everything))
    for kind, times in sorted(edits.items()):
        print(describe(f"  {kind}", times))
    print(describe("bouts of who changed", finished))
    print(describe("  first tenth", finished[: len(finished) // 10]))
    print(describe("  last tenth", finished[-len(finished) // 10 :]))
    history, steps = session.editor.history, []
    last = session.editor.annotation
    while session.editor.can_undo:
        started = now_ms()
        session.editor.undo()
        steps.append(since(started))
    print(describe("undo", steps))
    print("undone to the first annotation:", session.editor.annotation == annotation)
    steps = []
    while session.editor.can_redo:
        started = now_ms()
        session.editor.redo()
        steps.append(since(started))
    print(describe("redo", steps))
    print("redone to the last annotation:", session.editor.annotation == last, f"({len(history.steps)} steps)")
    for name, measure in (
        ("whole annotation", lambda: (session.editor.erase(last.individuals[0], 0, 1), session.editor.annotation)),
        ("statistics", lambda: behavior_statistics(last)),
        ("agreement", lambda: agreement(last, last)),
    ):
        started = now_ms()
        measure()
        print(f"{name}: {since(started)[0]:.0f} ms")


if __name__ == "__main__":
    main()
