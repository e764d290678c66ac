"""Videos on a cluster: the same results as on one machine, whatever happens to workers."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.batches import Workplace, content, interrupt, options_of, run
from helpers.networks import FACTS, FakeNetwork
from napari_i3d.batch.distributed import dask_cluster, worker
from napari_i3d.batch.distributed.tasks import Task, TaskResult, mark_of
from napari_i3d.batch.distributed.worker import WorkerCache, device_of
from napari_i3d.batch.events import Outcome, VideoDone, VideoFailed, VideoProgress
from napari_i3d.batch.options import BatchOptions
from napari_i3d.batch.runner import run_batch
from napari_i3d.errors import ClusterError, VideoError, WeightsError, WorkerError
from napari_i3d.extraction.planning import shards
from napari_i3d.synthetic import write_synthetic_clip


class Machines:
    """Stands in for a cluster: computes tasks in this process, the last submitted first, and can go wrong."""

    def __init__(self, wrong: Callable[[Task, TaskResult], TaskResult | Exception] | None = None) -> None:
        self._bench = WorkerCache()
        self._tasks: list[Task] = []
        self._wrong = wrong
        self.most = 0
        self.computed = 0

    @property
    def room(self) -> int:
        return 4 - len(self._tasks)

    def submit(self, task: Task) -> None:
        self._tasks.append(task)
        self.most = max(self.most, len(self._tasks))

    def finished(self, wait_s: float) -> Iterator[tuple[Task, TaskResult | Exception]]:
        task = self._tasks.pop()
        try:
            result: TaskResult | Exception = self._bench.compute(task, 0)
        except VideoError as error:
            result = error
        self.computed += 1
        yield task, self._wrong(task, result) if self._wrong and isinstance(result, TaskResult) else result

    def cancel(self, video: Path | None = None) -> None:
        self._tasks = [task for task in self._tasks if video not in (None, task.mark.path)]


@pytest.fixture
def on_machines(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Machines, tuple[Outcome, ...]]]:
    """Run options on stand-ins for a cluster."""
    import contextlib

    def run_there(options: BatchOptions, wrong: Any = None) -> tuple[Machines, tuple[Outcome, ...]]:
        machines = Machines(wrong)
        monkeypatch.setattr(dask_cluster, "connected", lambda *_: contextlib.nullcontext(machines))
        return machines, run(replace(options, scheduler="tcp://somewhere"))

    return run_there


def by_name(outcomes: tuple[Outcome, ...]) -> dict[str, Outcome]:
    return {outcome.video.name: outcome for outcome in outcomes}


def test_spread_videos_give_the_bytes_of_one_machine(
    workplace: Workplace, network: FakeNetwork, on_machines: Any
) -> None:
    for stem in ("one", "two", "three"):
        workplace.add(stem)
    run(options_of(workplace))
    expected = content(workplace.out)
    workplace.clear_results()
    machines, outcomes = on_machines(options_of(workplace))
    assert [type(outcome) for outcome in outcomes] == [VideoDone] * 3
    assert machines.most == 4
    assert content(workplace.out) == expected
    assert json.loads((workplace.out / "report.json").read_text())["counts"]["done"] == 3


def test_work_that_was_begun_here_goes_on_there(workplace: Workplace, network: FakeNetwork, on_machines: Any) -> None:
    workplace.add("one")
    run(options_of(workplace))
    expected = content(workplace.out)
    workplace.clear_results()
    interrupt(options_of(workplace), 6)
    machines, _ = on_machines(options_of(workplace))
    assert machines.computed == 2
    assert content(workplace.out) == expected


def test_background_is_that_of_the_whole_video(workplace: Workplace, network: FakeNetwork, on_machines: Any) -> None:
    workplace.add("one")
    options = options_of(workplace, settings={"subtract_background": True})
    run(options)
    expected = content(workplace.out)
    workplace.clear_results()
    on_machines(options)
    assert content(workplace.out) == expected


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (VideoError("two.mp4: damaged at frame 7"), "two.mp4: damaged at frame 7"),
        (WorkerError("4 workers in turn died of the same portion"), "4 workers in turn died"),
        (RuntimeError("surprise"), "unexpected RuntimeError: surprise"),
    ],
)
def test_error_of_one_video_costs_that_video(
    workplace: Workplace, network: FakeNetwork, on_machines: Any, error: Exception, words: str
) -> None:
    for stem in ("one", "two", "three"):
        workplace.add(stem)

    def wrong(task: Task, result: TaskResult) -> TaskResult | Exception:
        return error if task.mark.path.stem == "two" and task.shard.number == 1 else result

    _, outcomes = on_machines(options_of(workplace), wrong)
    found = by_name(outcomes)
    assert isinstance(found["two.mp4"], VideoFailed)
    assert words in found["two.mp4"].summary
    assert isinstance(found["one.mp4"], VideoDone)
    assert isinstance(found["three.mp4"], VideoDone)
    assert not list(workplace.out.glob("*.lock"))
    # A damaged video stays damaged; what else went wrong may not go wrong again.
    left = not isinstance(error, VideoError)
    assert (workplace.out / ".two.mp4.partial").exists() is False
    assert bool(list(workplace.out.glob(".two.npy.partial/*.rows"))) == left


def test_rows_that_changed_on_their_way_are_noticed(
    workplace: Workplace, network: FakeNetwork, on_machines: Any
) -> None:
    workplace.add("one")

    def wrong(task: Task, result: TaskResult) -> TaskResult:
        rows = result.rows.copy()
        rows[0, 0] += 1
        return replace(result, rows=rows)

    _, (outcome,) = on_machines(options_of(workplace), wrong)
    assert re.search("expected the [13] rows that it computed, found others", outcome.summary)
    assert not (workplace.out / "one.npy").exists()


def test_workers_with_other_weights_stop_everything(
    workplace: Workplace, network: FakeNetwork, on_machines: Any
) -> None:
    workplace.add("one")
    with pytest.raises(WeightsError, match="worker node7: expected the weights"):
        on_machines(options_of(workplace), lambda *_: WeightsError("worker node7: expected the weights"))
    assert not list(workplace.out.glob("*.lock"))


# A worker


@pytest.fixture
def task(workplace: Workplace, network: FakeNetwork, monkeypatch: pytest.MonkeyPatch) -> Task:
    """A task of a clip."""
    workplace.add("one")
    tasks: list[Task] = []

    def noted(task_: Task, result: TaskResult) -> TaskResult:
        tasks.append(task_)
        return result

    import contextlib

    monkeypatch.setattr(dask_cluster, "connected", lambda *_: contextlib.nullcontext(Machines(noted)))
    run(replace(options_of(workplace), scheduler="tcp://somewhere"))
    return tasks[0]


def test_worker_loads_weights_once_and_opens_few_videos(
    task: Task, network: FakeNetwork, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loaded, opened = [], []
    monkeypatch.setattr(worker, "load_network", lambda name: loaded.append(name) or (network, FACTS))
    open_video = worker.open_video
    monkeypatch.setattr(worker, "open_video", lambda path: opened.append(open_video(path)) or opened[-1])
    bench = WorkerCache()
    rows = [bench.compute(task, 0).rows for _ in range(2)]
    assert np.array_equal(*rows)
    assert len(opened) == 1
    for name in "abc":
        copy = tmp_path / f"{name}.mp4"
        copy.write_bytes(task.mark.path.read_bytes())
        bench.compute(replace(task, mark=mark_of(copy)), 0)
    assert len(loaded) == 1
    assert [video._closed for video in opened] == [True, True, False, False]


def test_worker_without_the_video_names_host_and_path(task: Task, tmp_path: Path) -> None:
    elsewhere = replace(task.mark, path=tmp_path / "one.mp4")
    with pytest.raises(WorkerError, match=r"one.mp4: worker \S+ expected the video at .*one.mp4, found none"):
        WorkerCache().compute(replace(task, mark=elsewhere), 0)
    elsewhere.path.write_bytes(b"another")
    with pytest.raises(WorkerError, match=r"found another file of 7 bytes at .*one.mp4, expected the one of"):
        WorkerCache().compute(replace(task, mark=elsewhere), 0)


def test_worker_of_other_version_or_weights_says_so(task: Task) -> None:
    with pytest.raises(ClusterError, match=r"worker \S+: expected napari_i3d 99, found"):
        WorkerCache().compute(replace(task, source=replace(task.source, version="99")), 0)
    with pytest.raises(WeightsError, match=r"worker \S+: expected the weights .* with SHA-256 777777777777\.\.\."):
        WorkerCache().compute(replace(task, source=replace(task.source, weights_sha256="7" * 64)), 0)


@pytest.mark.parametrize(
    ("setting", "name", "gpus", "device"),
    [
        ("auto", 0, 4, "cuda:0"),
        ("cuda", 3, 4, "cuda:3"),
        ("auto", "5", 4, "cuda:1"),
        ("cuda:2", 1, 4, "cuda:2"),
        ("cpu", 1, 4, "cpu"),
        ("auto", 1, 1, "auto"),
        ("auto", "tcp://10.0.0.1:999", 4, "auto"),
    ],
)
def test_local_workers_have_a_gpu_each(setting: str, name: str | int, gpus: int, device: str) -> None:
    assert device_of(setting, name, gpus) == device


@pytest.mark.parametrize(
    ("workers", "device", "gpus", "cores", "gigabytes", "expected"),
    [
        (None, "auto", 4, 32, 256, (4, 8, 4)),
        (None, "cpu", 4, 32, 256, (32, 1, 0)),
        (None, "auto", 0, 32, 16, (8, 4, 0)),
        (None, "auto", 0, 2, 1, (1, 2, 0)),
        (2, "auto", 0, 8, 64, (2, 4, 0)),
        (3, "auto", 2, 1, 64, (3, 1, 2)),
    ],
)
def test_local_workers_fit_gpus_cores_and_memory(
    workers: int | None, device: str, gpus: int, cores: int, gigabytes: int, expected: tuple[int, int, int]
) -> None:
    plan = dask_cluster.plan_local(workers, device, gpus, cores, gigabytes << 30)
    assert (plan.workers, plan.threads, plan.gpus) == expected


# dask


def test_nobody_at_address_is_said_in_one_line(
    workplace: Workplace, network: FakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace.add("one")
    monkeypatch.setattr(dask_cluster, "CONNECT_S", 1.0)
    with pytest.raises(ClusterError, match=r"expected one at tcp://127.0.0.1:1, found nobody who answers"):
        run(replace(options_of(workplace), scheduler="tcp://127.0.0.1:1"))


@pytest.mark.slow
def test_worker_killed_in_the_middle_changes_nothing(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    distributed = pytest.importorskip("distributed")
    workplace.add("one")
    monkeypatch.setattr(shards, "SHARD_CHUNKS", 2)
    options = options_of(workplace, weights="untrained")
    run(options)
    expected = content(workplace.out)
    workplace.clear_results()
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL, memory_limit=0
        ) as local,
    ):
        pids = [nanny.pid for nanny in local.workers.values()]
        killed = 0
        steps = run_batch(replace(options, scheduler=local.scheduler_address))
        for record in steps:
            if isinstance(record, VideoProgress) and record.kept_chunks and not killed:
                killed = pids[0]
                os.kill(killed, signal.SIGKILL)
        assert killed
        assert [nanny.pid for nanny in local.workers.values()] != pids
    assert "Traceback" not in capfd.readouterr().err
    found = content(workplace.out)
    for name in ("one.npy", "one.npy.json"):
        assert found.pop(name) == expected[name]
    assert found == {}
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decoding")]


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_interrupted_local_cluster_leaves_no_process(workplace: Workplace) -> None:
    import psutil

    write_synthetic_clip(workplace.videos, 400, stem="one")  # half a minute of work
    arguments = ["extract", "--datasetpath", str(workplace.videos), "--outputpath", str(workplace.out)]
    arguments += ["--weights", "untrained", "--scheduler", "local", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "napari_i3d", *arguments], stderr=subprocess.PIPE, text=True, process_group=0
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(psutil.Process(process.pid).children(recursive=True)) < 4:
        time.sleep(0.1)
    time.sleep(3)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 2.5
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "the same command goes on" in err
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
