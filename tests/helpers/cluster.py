"""A stand-in for a cluster, which computes tasks in this process."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers.batches import run
from napari_i3d.batch.distributed import dask_cluster
from napari_i3d.batch.distributed.tasks import StoredResult, Task, TaskResult
from napari_i3d.batch.distributed.worker import WorkerCache
from napari_i3d.batch.events import VideoResult
from napari_i3d.batch.options import BatchOptions
from napari_i3d.errors import VideoError

Result = TaskResult | StoredResult | Exception


class Machines:
    """Stands in for a cluster: computes tasks in this process, the last submitted first, and can go wrong.

    `wrong` changes results, and `there` changes tasks to what they mean on another machine.
    """

    def __init__(
        self,
        wrong: Callable[[Task, Any], Result] | None = None,
        there: Callable[[Task], Task] | None = None,
    ) -> None:
        self._bench = WorkerCache()
        self._tasks: list[Task] = []
        self._wrong = wrong
        self._there = there
        self.results: list[Result] = []
        self.most = 0
        self.computed = 0

    @property
    def room(self) -> int:
        return 4 - len(self._tasks)

    def submit(self, task: Task) -> None:
        self._tasks.append(task)
        self.most = max(self.most, len(self._tasks))

    def finished(self, wait_s: float) -> Iterator[tuple[Task, Result]]:
        task = self._tasks.pop()
        try:
            result: Result = self._bench.compute(self._there(task) if self._there else task, 0)
        except VideoError as error:
            result = error
        self.computed += 1
        self.results.append(result)
        yield task, self._wrong(task, result) if self._wrong and not isinstance(result, Exception) else result

    def cancel(self, video: Path | None = None) -> None:
        self._tasks = [task for task in self._tasks if video not in (None, task.video.path)]


@pytest.fixture
def on_machines(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Machines, tuple[VideoResult, ...]]]:
    """Run options on stand-ins for a cluster."""
    import contextlib

    def run_there(
        options: BatchOptions, wrong: Any = None, there: Any = None
    ) -> tuple[Machines, tuple[VideoResult, ...]]:
        machines = Machines(wrong, there)
        monkeypatch.setattr(dask_cluster, "connected", lambda *_: contextlib.nullcontext(machines))
        return machines, run(replace(options, scheduler="tcp://somewhere"))

    return run_there
