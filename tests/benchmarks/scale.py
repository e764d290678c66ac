"""How a batch scales: worker processes on this machine, and a simulation of many machines from what these took.

    python tests/benchmarks/scale.py [--frames 280] [--hours 1000]

Measures an extraction in this process and on 1 and 2 worker processes, what a task costs the scheduler, and what each
step costs the one process that reads, keeps and writes. With these it simulates a data set of one-hour videos, 25
frames/s and one individual, on 1 to 1,000 workers like the one measured. Not in the simulation: the time that shared
storage takes to give the videos to many machines at once.
"""

import argparse
import contextlib
import heapq
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_i3d.features.io.writing import write_features

HOUR_FRAMES = 25 * 3600
NETWORK_BYTES_S = 125e6
"""A network of one gigabit a second."""


@dataclass(frozen=True)
class Costs:
    """Seconds of each step; `tasks` are those of single shards on a worker."""

    tasks: tuple[float, ...]
    shard_chunks: int
    submit: float
    keep: float
    transfer: float
    begin_video: float
    finish_video: float
    open_video: float
    start_worker: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=280, help="of the clip; two individuals (default %(default)s)")
    parser.add_argument("--hours", type=int, default=1000, help="one-hour videos that are simulated (%(default)s)")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory(prefix="napari_i3d_") as folder:
        costs = measure(Path(folder), options.frames)
    print(f"\nsimulated: {options.hours} videos of an hour")
    print(f"{'workers':>8} {'hours':>9} {'chunks/s':>10} {'of ideal':>9} {'writer busy':>12}")
    for workers in (1, 2, 10, 50, 100, 200, 500, 1000):
        total_s, busy_s, chunks = simulate(costs, workers, options.hours)
        alone_s = statistics.mean(costs.tasks) / costs.shard_chunks
        share = chunks * alone_s / workers / total_s
        print(f"{workers:>8} {total_s / 3600:>9.1f} {chunks / total_s:>10.0f} {share:>9.0%} {busy_s / total_s:>12.0%}")
    print(f"{'limit':>8} {'':>9} {costs.shard_chunks / serial_s(costs):>10.0f}  of the process that writes")


def measure(folder: Path, n_frames: int) -> Costs:
    import torch

    from napari_i3d.batch.checkpoints import Checkpoints
    from napari_i3d.batch.distributed import coordinator, dask_cluster, worker
    from napari_i3d.batch.options import BatchOptions
    from napari_i3d.extraction.settings import ExtractionSettings
    from napari_i3d.synthetic import write_synthetic_clip

    torch.set_num_threads(1)
    # One thread in every process, so that they compare: a single worker would take all cores.
    dask_cluster.plan_this_machine = lambda workers, _: dask_cluster.LocalPlan(workers or 1, 1, 0)
    clip = write_synthetic_clip(folder / "videos", n_frames)
    options = BatchOptions(
        dataset_path=clip.video,
        output_path=folder / "here",
        settings=ExtractionSettings(device="cpu"),
        tracking_folder=clip.tracking.parent,
        tracking_suffix="_tracks.pickle",
        weights="untrained",
    )
    rates = worker_rates(options)
    taken: list[tuple[float, int]] = []  # seconds and chunks of each task
    keeps: list[float] = []
    with (
        noted(coordinator.Coordinator, "_take", lambda _, a: taken.append((a[3].seconds, a[2].shard.n_chunks))),
        noted(Checkpoints, "save", lambda seconds, _: keeps.append(seconds)),
    ):
        timed(replace(options, output_path=folder / "tasks", scheduler="local", workers=1))
    print("chunks/s from the first result to the last; the machine may have been doing other things")
    for name, rate in rates.items():
        print(f"  {name:<20} {rate:.2f}")
    tasks = taken[1:]  # the first loads the weights
    whole = max(chunks for _, chunks in tasks)
    shards = tuple(seconds for seconds, chunks in tasks if chunks == whole)
    shard_bytes = whole * 2048 * 4
    begun = time.perf_counter()
    mark = worker.fingerprint_video(clip.video)
    open_s = time.perf_counter() - begun
    costs = Costs(
        tasks=shards,
        shard_chunks=whole,
        submit=scheduler_s(shard_bytes),
        keep=statistics.median(keeps) + hash_s(shard_bytes),
        transfer=shard_bytes / NETWORK_BYTES_S,
        begin_video=1.0 + hash_s(1 << 30),  # an hour opens in 0.9 s (frames.py); a gigabyte is read for its checksum
        finish_video=finish_s(folder),
        open_video=1.0 + open_s,
        start_worker=5.0,
    )
    print(f"a shard: {whole} chunks, {shard_bytes / 1e6:.1f} MB, {statistics.median(shards):.1f} s on a worker")
    for name in ("submit", "transfer", "keep", "begin_video", "finish_video", "open_video"):
        print(f"  {name:<13} {1000 * getattr(costs, name):8.1f} ms")
    overhead = (costs.submit + costs.transfer + costs.keep) / statistics.median(shards)
    print(f"  scheduling, transfer and keeping: {overhead:.2%} of a shard; {mark.size_bytes} bytes of video")
    return costs


def worker_rates(options: Any) -> dict[str, float]:
    """Return chunks a second here and on worker processes, in short shards: there are enough of them then."""
    from napari_i3d.extraction.planning import shards

    length, shards.SHARD_CHUNKS = shards.SHARD_CHUNKS, 32
    folder = options.output_path
    rates = {"this process": timed(options)}
    for count in (1, 2):
        there = replace(options, output_path=folder / f"on{count}", scheduler="local", workers=count)
        rates[f"{count} worker process" + "es" * (count > 1)] = timed(there)
    shards.SHARD_CHUNKS = length
    return rates


def finish_s(folder: Path) -> float:
    """Return how long the result of an hour takes: shards read and verified, rows saved; a quarter is measured."""
    from napari_i3d.features.features import Features

    n_rows = HOUR_FRAMES // 4
    rows = np.random.default_rng(1).random((n_rows, 2048), np.float32)
    starts = np.arange(n_rows)
    content = folder / "shards"
    content.write_bytes(rows.tobytes())
    began = time.perf_counter()
    copy = np.frombuffer(content.read_bytes(), np.float32).reshape(rows.shape).copy()
    write_features(
        folder / "quarter.npy",
        Features({"a": copy}, {"a": starts + 3.5}, {"a": starts}, {"a": 0}, {"a": n_rows + 6}, 25.0, {}),
    )
    return 4 * (time.perf_counter() - began + hash_s(rows.nbytes))


@contextlib.contextmanager
def noted(owner: Any, name: str, note: Any) -> Iterator[None]:
    """Tell `note` how long each call of a method took, and its arguments."""
    method = getattr(owner, name)

    def timed_method(*arguments: Any) -> Any:
        began = time.perf_counter()
        result = method(*arguments)
        note(time.perf_counter() - began, arguments)
        return result

    setattr(owner, name, timed_method)
    try:
        yield
    finally:
        setattr(owner, name, method)


def timed(options: Any) -> float:
    """Run a batch; return chunks a second from the moment at which all is loaded."""
    from napari_i3d.batch.events import VideoProgress
    from napari_i3d.batch.runner import run_batch

    began, first = None, 0
    for record in run_batch(options):
        if isinstance(record, VideoProgress) and record.done_chunks:
            if began is None:
                began, first = time.perf_counter(), record.done_chunks
            last = record.done_chunks
    assert began is not None
    return (last - first) / (time.perf_counter() - began)


def hash_s(n_bytes: int) -> float:
    """Return how long the checksum of so many bytes takes."""
    import hashlib

    content = bytes(min(n_bytes, 1 << 26))
    began = time.perf_counter()
    hashlib.sha256(content).digest()
    return (time.perf_counter() - began) * n_bytes / len(content)


def answer(_: Any, n_bytes: int) -> Any:
    """Return as many bytes as a shard has."""
    return np.ones(n_bytes // 4, np.float32)


def scheduler_s(n_bytes: int, count: int = 200) -> float:
    """Return what a task that computes nothing costs, from submitting it to its result of so many bytes."""
    from napari_i3d.batch.distributed.dask_cluster import LocalPlan, connected

    boxes = np.zeros((256, 4), np.int64)
    with connected("local", LocalPlan(2, 1, 0)) as cluster:
        futures = []
        for number in range(count + 20):
            if number == 20:
                began = time.perf_counter()
            futures.append(cluster._client.submit(answer, boxes, n_bytes, key=f"answer-{number}", pure=False))
            if len(futures) == 4:
                futures.pop(0).result()
        for future in futures:
            future.result()
        return (time.perf_counter() - began) / count


def serial_s(costs: Costs) -> float:
    """Return what the process that writes spends on a shard, the video's share included."""
    per_video = (costs.begin_video + costs.finish_video) / (HOUR_FRAMES / costs.shard_chunks)
    return costs.submit + costs.transfer + costs.keep + per_video


def simulate(costs: Costs, n_workers: int, n_videos: int) -> tuple[float, float, int]:
    """Go through what `Coordinator.run` does; return seconds in all, seconds that the writer was busy, and chunks."""
    random = np.random.default_rng(n_workers)
    n_shards = -(-(HOUR_FRAMES - 7) // costs.shard_chunks)
    times = random.choice(np.array(costs.tasks), size=n_shards * n_videos)
    free = [(costs.start_worker, worker, -1) for worker in range(n_workers)]  # when, who, video that is open
    heapq.heapify(free)
    done: list[tuple[float, int]] = []
    left = [n_shards] * n_videos
    todo: list[int] = []
    now = busy = 0.0
    begun = number = 0
    room = max(4, 2 * n_workers)
    while begun < n_videos or todo or done:
        while todo and len(done) < room:
            now, busy = now + costs.submit, busy + costs.submit
            video = todo.pop()
            when, worker, opened = heapq.heappop(free)
            end = max(now, when) + times[number] + (costs.open_video if opened != video else 0.0)
            number += 1
            heapq.heappush(free, (end, worker, video))
            heapq.heappush(done, (end, video))
        if begun < n_videos and len(done) < room:
            now, busy = now + costs.begin_video, busy + costs.begin_video
            todo = [begun] * n_shards
            begun += 1
            continue
        end, video = heapq.heappop(done)
        spent = costs.transfer + costs.keep
        left[video] -= 1
        if not left[video]:
            spent += costs.finish_video
        now, busy = max(now, end) + spent, busy + spent
    return now, busy, n_videos * (HOUR_FRAMES - 7)


if __name__ == "__main__":
    main()
