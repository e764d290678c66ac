"""A stand-in for a cluster, which computes tasks in this process."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers.batches import run
from napari_i3d.batch.distributed import dask_cluster
from napari_i3d.batch.distributed.tasks import Task, TaskResult
from napari_i3d.batch.distributed.worker import WorkerCache
from napari_i3d.batch.events import VideoResult
from napari_i3d.batch.options import BatchOptions
from napari_i3d.errors import VideoError


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
        self._tasks = [task for task in self._tasks if video not in (None, task.video.path)]


@pytest.fixture
def on_machines(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Machines, tuple[VideoResult, ...]]]:
    """Run options on stand-ins for a cluster."""
    import contextlib

    def run_there(options: BatchOptions, wrong: Any = None) -> tuple[Machines, tuple[VideoResult, ...]]:
        machines = Machines(wrong)
        monkeypatch.setattr(dask_cluster, "connected", lambda *_: contextlib.nullcontext(machines))
        return machines, run(replace(options, scheduler="tcp://somewhere"))

    return run_there
