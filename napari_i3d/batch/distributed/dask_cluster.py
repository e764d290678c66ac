"""Run tasks on an existing or a local dask cluster, in bounded numbers."""

import contextlib
import itertools
import logging
import queue
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from napari_i3d._utils.extras import needed_for
from napari_i3d.batch.distributed.tasks import StoredResult, Task, TaskResult
from napari_i3d.batch.distributed.worker import WorkerCache
from napari_i3d.batch.options import LOCAL
from napari_i3d.errors import ClusterError, WorkerError
from napari_i3d.extraction.engine import available_cores

CONNECT_S = 15.0
_CLOSE_S = 1.5
_ASK_EVERY_S = 2.0
_WARN_EVERY_S = 60.0
# Each worker has one task running and one waiting, so that it never waits for the client.
_TASKS_A_WORKER = 2
_FEWEST_TASKS = 4
_WORKER_BYTES = 2 << 30
"""Memory of a worker process with PyTorch."""

_log = logging.getLogger(__name__)
_cache = WorkerCache()


def compute_on_worker(task: Task) -> TaskResult | StoredResult:
    """Compute a task in a worker process; `_cache` keeps what the next one needs."""
    from distributed import get_worker

    return _cache.compute(task, get_worker().name)


@dataclass(frozen=True)
class LocalPlan:
    """Number of worker processes to start on this machine, of their threads, and of GPUs that they share."""

    workers: int
    threads: int
    gpus: int


def plan_local(workers: int | None, device: str, gpus: int, cores: int, memory_bytes: int) -> LocalPlan:
    """Plan the worker processes of this machine.

    One worker per CUDA device if the device is auto or cuda, and one if it is a single GPU, which several would share;
    otherwise one single-threaded worker per core, limited by memory, since processes of one thread are faster than one
    process of several.
    """
    if device not in ("auto", "cuda"):
        gpus = 0 if device == "cpu" else 1
    count = workers or gpus or max(1, min(cores, memory_bytes // _WORKER_BYTES))
    return LocalPlan(count, max(1, cores // count), gpus)


def _installed() -> contextlib.AbstractContextManager[None]:
    return needed_for("a cluster", "cluster", ClusterError)


def plan_this_machine(workers: int | None, device: str) -> LocalPlan:
    """Plan the worker processes of this machine by its hardware."""
    with _installed():
        import psutil

    gpus = torch.cuda.device_count() or int(torch.backends.mps.is_available())
    return plan_local(workers, device, gpus, available_cores(), psutil.virtual_memory().available)


@contextlib.contextmanager
def connected(scheduler: str, plan: LocalPlan | None) -> Iterator["Cluster"]:
    """Connect to a scheduler, or start the workers of `plan` here; cancel the tasks at the end.

    Raises `ClusterError` if distributed is not installed, nothing answers, or the connection is lost.
    """
    with _installed():
        import dask

        # dask logs much about joining and leaving workers; errors for the user are raised here.
        dask.config.set({"logging": {"distributed": "critical", "distributed.client": "critical"}})
        import distributed
    with contextlib.ExitStack() as stack:
        address: Any = scheduler
        if scheduler == LOCAL and plan is not None:
            address = stack.enter_context(_local_cluster(plan))
        try:
            client = distributed.Client(  # type: ignore[no-untyped-call]
                address, timeout=CONNECT_S, set_as_default=False
            )
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ClusterError(
                f"scheduler: expected one at {scheduler}, found nobody who answers ({reason})",
                hint="see whether it runs",
            ) from error
        stack.callback(client.close, timeout=1)
        cluster = Cluster(client, scheduler)
        stack.callback(cluster.cancel)
        yield cluster


@contextlib.contextmanager
def _local_cluster(plan: LocalPlan) -> Iterator[Any]:
    import distributed

    local = distributed.LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=plan.workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        scheduler_kwargs={"dashboard": False},
        env={"DASK_LOGGING__DISTRIBUTED": "critical"},
        silence_logs=logging.CRITICAL,
        memory_limit=0,  # batches are halved if memory runs out; dask would kill the worker
    )
    try:
        yield local
    finally:
        _end_workers(local)
        with contextlib.suppress(TimeoutError):
            local.close(timeout=_CLOSE_S)


def _end_workers(local: Any) -> None:
    """Kill worker processes: Ctrl-C must not wait for a shard."""
    import psutil

    for nanny in local.workers.values():
        nanny.auto_restart = False
        if nanny.pid is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(nanny.pid).kill()


class Cluster:
    """Tasks on a cluster, through a `distributed.Client`; messages name its address."""

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self._address = address
        self._run = uuid.uuid4().hex[:8]
        self._submitted = itertools.count()
        self._tasks: dict[Any, Task] = {}  # by future
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._workers = 0
        self._asked_s = float("-inf")
        self._warned_s = time.monotonic()

    @property
    def room(self) -> int:
        """Number of tasks that can be submitted before others are finished."""
        if time.monotonic() - self._asked_s > _ASK_EVERY_S:
            self._workers = self._count_workers()
            self._asked_s = time.monotonic()
        return max(_FEWEST_TASKS, _TASKS_A_WORKER * self._workers) - len(self._tasks)

    def submit(self, task: Task) -> None:
        """Give a task to whichever worker is free first."""
        # A key of its own, also for a shard that is computed again.
        key = f"{task.video.path.stem}-{task.shard.number}-{self._run}-{next(self._submitted)}"
        future = self._client.submit(compute_on_worker, task, key=key, pure=False)
        self._tasks[future] = task
        future.add_done_callback(self._done.put)

    def finished(self, wait_s: float) -> Iterator[tuple[Task, TaskResult | StoredResult | Exception]]:
        """Yield finished tasks and their results, after at most `wait_s`; a lost connection raises `ClusterError`."""
        try:
            future = self._done.get(timeout=wait_s)
        except queue.Empty:
            self._warn_without_workers()
            return
        while True:
            task = self._tasks.pop(future, None)
            if task is not None:
                yield task, self._result(future)
            try:
                future = self._done.get_nowait()
            except queue.Empty:
                return

    def cancel(self, video: Path | None = None) -> None:
        """Cancel the tasks of a video, or all."""
        futures = [future for future, task in self._tasks.items() if video in (None, task.video.path)]
        for future in futures:
            del self._tasks[future]
        if futures and self._client.status == "running":
            self._client.cancel(futures, force=True)

    def _result(self, future: Any) -> TaskResult | StoredResult | Exception:
        import distributed

        if future.cancelled():
            raise ClusterError(
                f"scheduler {self._address}: the connection is lost", hint="when it runs again, {try_again} to resume"
            )
        error = future.exception()
        if error is None:
            result: TaskResult | StoredResult = future.result()
            return result
        if isinstance(error, distributed.KilledWorker):
            task_name, last = error.args[0], getattr(error.args[1], "address", "unknown")
            return WorkerError(
                f"{error.args[2] + 1} workers in turn died of the same portion ({task_name}), the last at {last}",
                hint="see their logs; if they lack memory, use a smaller {batch_size}",
            )
        if isinstance(error, ModuleNotFoundError):
            raise ClusterError(
                f"a worker of {self._address}: expected the same programs as here, found no module {error.name}",
                hint="install napari_i3d there",
            ) from error
        return error if isinstance(error, Exception) else RuntimeError(str(error))

    def _count_workers(self) -> int:
        try:
            return len(self._client.nthreads())
        except (OSError, TimeoutError) as error:
            raise ClusterError(
                f"scheduler {self._address}: the connection is lost ({error})",
                hint="when it runs again, {try_again} to resume",
            ) from error

    def _warn_without_workers(self) -> None:
        if not self._workers and time.monotonic() - self._warned_s > _WARN_EVERY_S:
            self._warned_s = time.monotonic()
            _log.warning("waiting for workers of the scheduler %s", self._address)
