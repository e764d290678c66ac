"""Memory and time of a long recording: extracting it into a store, and opening and exploring the store.

Each step runs in a process of its own, and what the imported program takes by itself is subtracted from the peak of its
memory. ``python tests/benchmarks/long_recording.py explore --rows 524288`` makes a store of 4.3 GB in a temporary
folder. ``extract`` plans all frames of a made-up recording (by default 24 h of 4 individuals at 30 frames/s), and
computes the first ``--computed`` of them with a network that costs nothing; what grows with the length is extrapolated,
and the output says so.
"""

import argparse
import json
import os
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
    from napari_i3d.features.features import Features
    from napari_i3d.features.io.store import StoreDtype
    from napari_i3d.features.io.store_writing import StoreRows, write_facts

    counts = {"male": rows // 2, "female": rows - rows // 2}
    store = StoreRows(folder, counts, WIDTH, StoreDtype(dtype))
    store.make()
    checksums = {i: store.write_all(i, made_up(n, seed)) for seed, (i, n) in enumerate(counts.items())}
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


class MadeUpVideo:
    """A video of any length whose frames cost nothing."""

    def __init__(self, path: Path, n_frames: int) -> None:
        self.path, self.shape, self.fps, self.remark = path, (n_frames, 240, 320, 3), 30.0, ""
        self.dtype = np.dtype(np.uint8)
        self._frame = np.random.default_rng(0).integers(0, 255, self.shape[1:], np.uint8)

    def __len__(self) -> int:
        return self.shape[0]

    def __enter__(self) -> "MadeUpVideo":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def close(self) -> None:
        """Do nothing."""

    def facts(self) -> dict[str, Any]:
        """Return what provenance holds."""
        return {"file": self.path.name, "frames": len(self), "fps": self.fps}

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        """Yield frames."""
        for _ in range(start, len(self) if stop is None else stop):
            yield self._frame.copy()


def run_extraction(folder: Path, n_frames: int, n_individuals: int, computed: int, dtype: str) -> None:
    """Plan a whole recording, compute its first frames into a store, and print what that took as JSON."""
    import contextlib

    import torch

    from napari_i3d.backbones.pretrained import WeightsFacts
    from napari_i3d.batch.video_job import VideoInput
    from napari_i3d.batch.video_jobs import VideoJobs
    from napari_i3d.extraction.planning.request import ExtractionOptions
    from napari_i3d.extraction.settings import ExtractionSettings
    from napari_i3d.features.io.layouts import Layout
    from napari_i3d.features.io.store import STORE_SUFFIX, StoreDtype
    from napari_i3d.tracking.tracklets import Tracking, Tracklet

    class Free(torch.nn.Module):
        def forward(self, chunks: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(chunks), WIDTH)

    before, began = peak_mb(), time.perf_counter()
    boxes = np.array([[50.0, 50, 150, 150]])
    tracking = Tracking(Tracklet(f"animal{n}", 0, boxes.repeat(n_frames, 0)) for n in range(n_individuals))
    given = peak_mb() - before
    (folder / "day1.mp4").write_bytes(b"made up")
    settings = ExtractionSettings(device="cpu", pad=True)
    options = ExtractionOptions(
        settings=settings, layout=Layout.STORE, i3d_suffix=STORE_SUFFIX, store_dtype=StoreDtype(dtype)
    )
    weights = WeightsFacts("made up", None, "5" * 64, "generated", "none", trained=True)
    jobs = VideoJobs(options, weights, lambda path: MadeUpVideo(path, n_frames))  # type: ignore[arg-type,return-value]
    source = VideoInput(folder / "day1.mp4", folder / "day1.features", tracking=tracking)
    with contextlib.ExitStack() as stack:
        steps = jobs.begin(source, stack)
        job: Any = None
        while job is None:
            try:
                next(steps)
            except StopIteration as ended:
                job = ended.value
        planned, kept = peak_mb() - before, job.kept_chunks
        whole = computed >= n_frames
        with contextlib.closing(job.compute(Free())) as progress:
            held: dict[int, float] = {}  # by the number of frames
            for step in progress:
                done = (step.kept_chunks - kept) // n_individuals
                held.setdefault(done, now_mb())
                if not whole and done >= computed:
                    break
        if whole:
            jobs.finish(job)
    print(
        json.dumps(
            {
                "mb": peak_mb() - before,
                "seconds": time.perf_counter() - began,
                "tracking_mb": given,
                "planned_mb": planned,
                "kept": kept,
                "mb_a_frame": growth(held),
            }
        )
    )


def extract(hours: float, n_individuals: int, computed: int, dtype: str) -> None:
    """Print what a made-up recording takes, of which only the first frames are computed; then a short one, whole."""
    n_frames = round(hours * 3600 * 30)
    size_gb = n_frames * n_individuals * WIDTH * (4 if dtype == "float32" else 2) / 1e9
    print(
        f"{hours:g} h of {n_individuals} individuals at 30 frames/s: {size_gb:.0f} GB of features, {dtype}", flush=True
    )
    growths = []
    with tempfile.TemporaryDirectory() as place:  # the same job, interrupted and resumed
        for part in ("first", "next"):
            arguments = [str(n_frames), str(n_individuals), str(computed), dtype]
            found = print_step(f"{part} {computed:,} frames", [__file__, "job", "--folder", place, "--job", *arguments])
            if not found:
                return
            growths.append(found["mb_a_frame"])
            print(f"  of it {found['tracking_mb']:.0f} MB for the boxes, {found['planned_mb']:.0f} MB with the plan")
            print(f"  {found['kept']:,.0f} chunks were kept before")
    rest = n_frames - 2 * computed
    at_end = found["mb"] + max(0.0, *growths) * rest
    print(f"extrapolated, not measured: {at_end:,.0f} MB at the end of all {n_frames:,} frames;")
    print(f"  memory changed by {' and '.join(f'{1000 * one:.3f}' for one in growths)} MB with 1,000 frames")
    with tempfile.TemporaryDirectory() as place:
        arguments = [str(computed), str(n_individuals), str(computed), dtype]
        print_step(f"a whole one of {computed:,} frames", [__file__, "job", "--folder", place, "--job", *arguments])


def now_mb() -> float:
    """Return the memory that this process holds now, in MB; on Linux only."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def growth(held: dict[int, float]) -> float:
    """Return by how many MB memory grew with a frame, after the first quarter: the slope of a straight line."""
    frames = sorted(held)[len(held) // 4 :]
    return float(np.polyfit(frames, [held[one] for one in frames], 1)[0]) if len(frames) > 3 else 0.0


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
                print_step(name, [__file__, "step", "--step", name, "--folder", str(folder)])


def print_step(name: str, command: list[str]) -> dict[str, float]:
    """Run a step in a process of its own, and print what it took."""
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    if done.returncode:
        print(f"{name:34} failed: {done.stderr.strip().splitlines()[-1]}", flush=True)
        return {}
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{name:34} {found['mb']:7.0f} MB {found['seconds']:8.1f} s", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("explore", "extract", "step", "job"))
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--individuals", type=int, default=4)
    parser.add_argument("--computed", type=int, default=1500, help="frames that are computed")
    parser.add_argument("--job", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, default=524_288)
    parser.add_argument("--dtype", choices=("float32", "float16"), default="float32")
    parser.add_argument("--only", nargs="*", default=[], help="steps whose names contain one of these")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.what == "step":
        run_step(options.step, options.folder)
    elif options.what == "job":
        run_extraction(options.folder, *map(int, options.job[:3]), options.job[3])
    elif options.what == "extract":
        extract(options.hours, options.individuals, options.computed, options.dtype)
    else:
        explore_store(options.rows, options.dtype, options.only)


if __name__ == "__main__":
    main()
