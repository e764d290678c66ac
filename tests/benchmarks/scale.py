"""How a batch scales: worker processes on this machine, and a simulation of many machines from what these took.

    python tests/benchmarks/scale.py [--frames 280] [--hours 1000] [--shard_s SECONDS]

Measures an extraction in this process and on 1 and 2 worker processes, what a task costs the scheduler, and what each
step costs the one process that reads videos, records shards and publishes stores: with rows that workers return to it,
and with rows that workers write themselves. With these it simulates a data set of one-hour videos of 1 GB, 25 frames/s
and one individual, on 1 to 1,000 workers like the one measured. All that passes the network of that one process
counts, at 1 and 10 Gbit/s: videos that it reads for their checksums, rows that it receives, writes, and reads at the
end. Its steps are measured in processor time, and keeping as the fastest of all times, because other programs may run.
Not in the simulation: the time that shared storage takes to serve many machines at once.
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

HOUR_FRAMES = 25 * 3600
VIDEO_BYTES = 1 << 30
CHUNK_BYTES = 4 * 2048
NETWORKS_GBIT = (1, 10)
WAYS = ("returned", "written")
"""What workers do with rows."""


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
    parser.add_argument("--shard_s", type=float, help="seconds of 256 chunks on a worker (default: measured)")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory(prefix="napari_i3d_") as folder:
        measured = ((options.shard_s,), 256) if options.shard_s else measure(Path(folder), options.frames)
        steps = {way: steps_of(Path(folder) / way, way, measured[1]) for way in WAYS}
    for gbit in NETWORKS_GBIT:
        for way in WAYS:
            costs = over_network(Costs(*measured, **steps[way]), way, gbit)
            print(f"\nrows {way}, {gbit} Gbit/s: {options.hours} videos of an hour, simulated")
            print(f"{'workers':>8} {'hours':>9} {'chunks/s':>10} {'of ideal':>9} {'writer busy':>12}")
            for workers in (1, 10, 100, 200, 500, 1000):
                total_s, busy_s, chunks = simulate(costs, workers, options.hours)
                share = chunks * statistics.mean(costs.tasks) / costs.shard_chunks / workers / total_s
                row = f"{workers:>8} {total_s / 3600:>9.1f} {chunks / total_s:>10.0f} {share:>9.0%}"
                print(f"{row} {busy_s / total_s:>12.0%}")
            print(f"{'limit':>8} {'':>9} {costs.shard_chunks / serial_s(costs):>10.0f}  of the process that records")


def measure(folder: Path, n_frames: int) -> tuple[tuple[float, ...], int]:
    """Return the seconds of shards on a worker, and the number of their chunks."""
    import torch

    from napari_i3d.batch.distributed import coordinator, dask_cluster
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
    with noted(coordinator.Coordinator, "_take", lambda _, a: taken.append((a[3].seconds, a[2].shard.n_chunks))):
        timed(replace(options, output_path=folder / "tasks", scheduler="local", workers=1))
    print("chunks/s from the first result to the last; the machine may have been doing other things")
    for name, rate in rates.items():
        print(f"  {name:<20} {rate:.2f}")
    tasks = taken[1:]  # the first loads the weights
    whole = max(chunks for _, chunks in tasks)
    shards = tuple(seconds for seconds, chunks in tasks if chunks == whole)
    print(f"a shard: {whole} chunks, {statistics.median(shards):.1f} s on a worker")
    return shards, whole


def steps_of(folder: Path, way: str, shard_chunks: int) -> dict[str, float]:
    """Return what each step costs the process that records, but for the network; a quarter of an hour is measured."""
    from napari_i3d.batch.checkpoints.store_checkpoints import StoreCheckpoints
    from napari_i3d.batch.distributed.tasks import TaskResult, rows_sha256
    from napari_i3d.extraction.extract import describe_rows
    from napari_i3d.extraction.planning.chunks import ChunkPlan, TrackletChunks
    from napari_i3d.extraction.planning.plan import Job
    from napari_i3d.extraction.planning.shards import ShardRows, plan_shards
    from napari_i3d.extraction.settings import ExtractionSettings

    folder.mkdir()
    n_frames = HOUR_FRAMES // 4
    plan = ChunkPlan((TrackletChunks("mouse", 0, n_frames - 1, 1),), {})
    job = Job(plan, {"mouse": np.zeros((n_frames, 4), np.int32)}, ExtractionSettings())
    checkpoints = StoreCheckpoints(folder / "partial", {}, job)
    rows = np.random.default_rng(1).random((shard_chunks, 2048), np.float32)
    shards, keeps = plan_shards(job, shard_chunks), []
    store = checkpoints.share()
    for shard in shards:
        finished = ShardRows(shard, rows[: shard.n_chunks], "cpu")
        if way == "written":
            checksums = store.of(shard).write(finished)
            began = time.perf_counter()
            checkpoints.accept(shard, "cpu", checksums, check=False)
        else:
            result = TaskResult(finished.rows, "cpu", rows_sha256(finished.rows), "", 0.0)
            began = time.perf_counter()
            checkpoints.save(result.verified(shard))
        keeps.append(time.perf_counter() - began)
    began = time.process_time()
    content = checkpoints.finish(shards)
    video = argparse.Namespace(fps=25.0)
    made = {"mouse": np.broadcast_to(np.zeros((), np.float32), (plan.total_rows, 2048))}
    checkpoints.publish(describe_rows(video, job, made, {}), content, folder / "store.features")  # type: ignore[arg-type]
    finish_s = 4 * (time.process_time() - began)
    steps = {
        "submit": scheduler_s(shard_chunks * CHUNK_BYTES if way == "returned" else 64),
        "keep": min(keeps),
        "transfer": 0.0,
        "begin_video": 1.0 + hash_s(VIDEO_BYTES),  # an hour opens in 0.9 s (frames.py)
        "finish_video": finish_s,
        "open_video": 1.0,
        "start_worker": 5.0,
    }
    print(f"rows {way}:", ", ".join(f"{name} {1000 * seconds:.1f} ms" for name, seconds in steps.items()))
    return steps


def over_network(costs: Costs, way: str, gbit: float) -> Costs:
    """Return costs with those of all bytes that pass the network of the process that records."""
    second_bytes = gbit * 1e9 / 8
    shard_s, store_s = (chunks * CHUNK_BYTES / second_bytes for chunks in (costs.shard_chunks, HOUR_FRAMES - 7))
    return replace(
        costs,
        transfer=2 * shard_s if way == "returned" else 0.0,  # received and written
        begin_video=costs.begin_video + VIDEO_BYTES / second_bytes,
        finish_video=costs.finish_video + store_s,
    )


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
    """Return the processor time of the checksum of so many bytes."""
    import hashlib

    content = bytes(min(n_bytes, 1 << 26))
    began = time.process_time()
    hashlib.sha256(content).digest()
    return (time.process_time() - began) * n_bytes / len(content)


def answer(_: Any, n_bytes: int) -> Any:
    """Return as many bytes as a shard has."""
    return np.ones(n_bytes // 4, np.float32)


def scheduler_s(n_bytes: int, count: int = 200) -> float:
    """Return what a task that computes nothing, with a result of so many bytes, costs client and scheduler."""
    from napari_i3d.batch.distributed.dask_cluster import LocalPlan, connected

    boxes = np.zeros((256, 4), np.int64)
    with connected("local", LocalPlan(2, 1, 0)) as cluster:
        futures = []
        for number in range(count + 20):
            if number == 20:
                began = time.process_time()
            futures.append(cluster._client.submit(answer, boxes, n_bytes, key=f"answer-{number}", pure=False))
            if len(futures) == 4:
                futures.pop(0).result()
        for future in futures:
            future.result()
        return (time.process_time() - began) / count


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
