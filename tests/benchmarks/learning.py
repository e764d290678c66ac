"""How long a probe takes to train, to train again after ten new bouts, to predict, and to propose what to label.

``python tests/benchmarks/learning.py [--rows 1000000] [--labelled 20000] [--classifier boosting]``. Random features of
2048 values with planted behaviors, so that times are real and scores mean nothing. The rows to predict are
memory-mapped from a file, in FOLDER; "of the file" trains on the labelled rows of that file, and reads no others.
"""

import argparse
import contextlib
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np

from napari_i3d import Annotation, Bout, Features, learning
from napari_i3d.learning.probabilities import RowProbabilities
from napari_i3d.learning.queue import rank_windows

WIDTH, BOUT = 2048, 40
BEHAVIORS = (None, "walk", "groom", "rear", "dig", "rest")


def labels_of(states: np.ndarray, stop: int) -> Annotation:
    """Return the bouts of states that are BOUT frames long, up to a frame."""
    bouts = [
        Bout("mouse", BEHAVIORS[states[start]], start, start + BOUT) for start in range(0, stop, BOUT) if states[start]
    ]
    return Annotation(None, tuple(bouts), {"mouse": [(0, stop)]})


@contextlib.contextmanager
def timed(what: str):
    """Print wall time and CPU time of a block; the two differ on a machine that others use too."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    print(f"{what}: {time.perf_counter() - wall:.2f} s, {time.process_time() - cpu:.2f} s of CPU", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--labelled", type=int, default=20_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--classifier", default="logistic")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    labelled = options.labelled // BOUT * BOUT
    states = np.repeat(random.integers(0, len(BEHAVIORS), labelled // BOUT + 10), BOUT)
    means = random.normal(0, 0.2, (len(BEHAVIORS), WIDTH)).astype(np.float32)
    rows = means[states] + random.standard_normal((len(states), WIDTH), dtype=np.float32)
    features = Features(rows={"mouse": rows}, frames={"mouse": np.arange(len(rows), dtype=np.float64)})
    learning.train(  # loads scikit-learn
        Features(rows={"mouse": rows[:400]}, frames={"mouse": np.arange(400.0)}), labels_of(states, 400)
    )
    settings = learning.ProbeSettings(classifier=options.classifier)
    with timed(f"train on {labelled} rows"):
        first = learning.train(features, labels_of(states, labelled), settings)
    more = labels_of(states, len(states))
    with timed("train again after 10 bouts"):
        probe = learning.train(features, more, start=first)
    with timed("evaluate"):
        learning.evaluate(features, labels_of(states, labelled), settings)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "rows.npy"
        array = np.lib.format.open_memmap(path, "w+", np.float32, (options.rows, WIDTH))
        for start in range(0, options.rows, len(rows)):
            array[start : start + len(rows)] = rows[: options.rows - start]
        array.flush()
        del array
        many = Features(
            rows={"mouse": np.load(path, mmap_mode="r")}, frames={"mouse": np.arange(options.rows, dtype=np.float64)}
        )
        with timed("train again after 10 bouts, of the file"):
            learning.train(many, more, start=first)
        with timed(f"predict {options.rows} rows"):
            probe.predict(many)
        tracemalloc.start()
        scored: list[RowProbabilities] = list(probe.probabilities(many))
        print(f"memory beyond the file: {tracemalloc.get_traced_memory()[1] / 1e6:.0f} MB at most", flush=True)
        tracemalloc.stop()
        labels = labels_of(states, labelled)
        with timed("queue"):
            rank_windows({"": scored}, {"": labels})


if __name__ == "__main__":
    main()
