"""Memory and time of opening, exploring and converting the store of a long recording.

    python tests/benchmarks/long_store.py [--rows 524288] [--dtype float16] [--only "heat map"]

Each step runs in a process of its own, and what the imported program takes by itself is subtracted from the peak of its
memory. 524,288 rows of float32 are a store of 4.3 GB, made in a temporary folder. What making such a store takes is
measured by ``long_extraction.py``.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

WIDTH = 2048
BLOCK = 4096


def made_up(count: int, seed: int) -> Iterator[np.ndarray]:
    """Yield rows of a few states and noise, not negative, some at once."""
    random = np.random.default_rng(seed)
    means = np.abs(random.standard_normal((6, WIDTH))).astype(np.float32)
    for start in range(0, count, BLOCK):
        rows = min(BLOCK, count - start)
        block = random.random((rows, WIDTH), np.float32)
        block += means[(start + np.arange(rows)) // 500 % 6]
        yield block


def make_store(folder: Path, rows: int, dtype: str) -> None:
    """Write a made-up store of two individuals."""
    from napari_i3d._utils.progress import finish
    from napari_i3d.features.features import Features
    from napari_i3d.features.io.store import StoreDtype
    from napari_i3d.features.io.store_writing import StoreRows, write_facts

    counts = {"male": rows // 2, "female": rows - rows // 2}
    store = StoreRows(folder, counts, WIDTH, StoreDtype(dtype))
    store.make()
    checksums = {i: finish(store.write_all(i, made_up(n, seed))) for seed, (i, n) in enumerate(counts.items())}
    described = Features(
        {i: np.broadcast_to(np.zeros((), np.float32), (n, WIDTH)) for i, n in counts.items()},
        {i: np.arange(n, dtype=np.float64) for i, n in counts.items()},
        first_frame=dict.fromkeys(counts, 0),
        last_frame={i: n - 1 for i, n in counts.items()},
        fps=30.0,
        provenance={"video": {"frames": max(counts.values())}},
    )
    write_facts(folder, described, checksums, StoreDtype(dtype))


def _table(folder: Path) -> Any:
    import napari_i3d
    from napari_i3d.features.table import table_of_features

    return table_of_features(napari_i3d.read_features(folder))


def _heat_map(content: str) -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        import napari_i3d
        from napari_i3d.explore.heat_map_data import Content, HeatMapOptions, heat_map

        options = HeatMapOptions(content=Content(content))
        return heat_map(napari_i3d.read_features(folder)["male"], options).image(0, 10**9, 800)

    return run


def _explore(name: str, *arguments: object) -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        from napari_i3d import explore

        return getattr(explore, name)(_table(folder), *arguments)

    return run


def _probe(folder: Path) -> object:
    import napari_i3d
    from napari_i3d import learning

    features = napari_i3d.read_features(folder)
    last = min(20_000, len(features["male"]))
    bouts = tuple(napari_i3d.Bout("male", "rest", start, start + 500) for start in range(0, last, 3000))
    annotation = napari_i3d.Annotation(bouts=bouts, assessed={"male": ((0, last),)})
    return learning.train(features, annotation).predict(features)


def _convert(target: str, **choices: Any) -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        import napari_i3d

        with tempfile.TemporaryDirectory(dir=folder.parent) as out:
            return napari_i3d.convert_features(folder, Path(out) / target, memory_gb=1e6, **choices)

    return run


STEPS: dict[str, Callable[[Path], object]] = {
    "open": _table,
    "heat map of features": _heat_map("features"),
    "heat map of components": _heat_map("components"),
    "similar moments": _explore("similar_moments", "male", 1000, 1030),
    "self-similarity": _explore("similarity_image"),
    "probe, trained and predicting": _probe,
    "convert to a store of float16": _convert("a.features", store_dtype="float16"),
    "convert to .npy": _convert("a.npy"),
    "convert to ms-tcn": _convert("a.npy", layout="ms-tcn"),
    "convert to dlc2action in pieces": _convert("a.npy", layout="dlc2action", piece_frames=54_000),
    "principal components": _explore("principal_components"),
    "clusters, 6": _explore("clusters", 6),
}


def peak_mb() -> float:
    """Return the most memory that this process has had, in MB; pages of files that it has mapped count."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def run_step(name: str, folder: Path) -> None:
    """Run a step in this process, and print what it took as JSON."""
    import scipy.linalg  # noqa: F401
    import sklearn.cluster
    import sklearn.preprocessing  # noqa: F401

    import napari_i3d

    for public in ("explore", "learning", "convert_features", "read_features", "Bout", "Annotation"):
        getattr(napari_i3d, public)
    before, began = peak_mb(), time.perf_counter()
    STEPS[name](folder)
    print(json.dumps({"mb": peak_mb() - before, "seconds": time.perf_counter() - began}))


def explore_store(rows: int, dtype: str, chosen: list[str]) -> None:
    """Print a line for each step on a made-up store."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "day1.features"
        make_store(folder, rows, dtype)
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"store of {rows:,} rows, {dtype}: {size / 1e9:.1f} GB", flush=True)
        for name in STEPS:
            if not chosen or any(text in name for text in chosen):
                print_step(name, [__file__, "--step", name, "--folder", str(folder)])


def print_step(name: str, command: list[str]) -> None:
    """Run a step in a process of its own, and print what it took."""
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    if done.returncode:
        print(f"{name:34} failed: {done.stderr.strip().splitlines()[-1]}", flush=True)
        return
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{name:34} {found['mb']:7.0f} MB {found['seconds']:8.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=524_288)
    parser.add_argument("--dtype", choices=("float32", "float16"), default="float32")
    parser.add_argument("--only", nargs="*", default=[], help="steps whose names contain one of these")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        run_step(options.step, options.folder)
    else:
        explore_store(options.rows, options.dtype, options.only)


if __name__ == "__main__":
    main()
