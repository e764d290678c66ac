"""Videos on a cluster: shards go out in bounded numbers, and come back to this one place that writes."""

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from napari_i3d.batch.distributed.tasks import Source, Task, TaskResult, VideoFingerprint, mark_of
from napari_i3d.batch.events import BatchEvent, Outcome, VideoProgress, VideoSkipped
from napari_i3d.batch.video_job import VideoInput, VideoJob, VideoJobs
from napari_i3d.batch.video_queue import VideoQueue, isolated
from napari_i3d.errors import VideoError
from napari_i3d.extraction.planning.shards import Shard

# So that Ctrl-C is noticed on every system.
_WAIT_S = 0.5
# Each holds a lock, which is an open file.
_MOST_VIDEOS = 100


class Computers(Protocol):
    """Machines that compute tasks: `cluster.Cluster`."""

    @property
    def room(self) -> int:
        """Number of tasks that can be submitted before others are finished."""
        ...

    def submit(self, task: Task) -> None:
        """Give a task to whoever is free first."""
        ...

    def finished(self, wait_s: float) -> Iterator[tuple[Task, TaskResult | Exception]]:
        """Yield tasks that have ended, with what became of them; wait so long for the first."""
        ...

    def cancel(self, video: Path | None = None) -> None:
        """Take back the tasks of a video, or all."""
        ...


@dataclass(eq=False)
class _Running:
    """A video of which shards are out."""

    work: VideoJob
    mark: VideoFingerprint
    missing: set[int]
    kept_chunks: int
    stack: ExitStack


class Coordinator:
    """Extracts videos on a cluster, several at once where one has too few shards for all workers.

    Parameters
    ----------
    computers
        The cluster.
    video_jobs
        Begins and finishes videos, in this process.
    source
        What tasks compute with.
    input_of
        Returns a video with its tracking and the place of its result.
    """

    def __init__(
        self, computers: Computers, video_jobs: VideoJobs, source: Source, input_of: Callable[[Path], VideoInput]
    ) -> None:
        self._computers = computers
        self._workshop = video_jobs
        self._source = source
        self._input_of = input_of
        self._running: dict[Path, _Running] = {}  # by the absolute path that tasks know
        self._todo: deque[tuple[_Running, Shard]] = deque()

    def run(self, videos: VideoQueue) -> Generator[BatchEvent, None, None]:
        """Extract all videos.

        Raises
        ------
        ClusterError, WeightsError
            The cluster is of no use.
        """
        try:
            while videos.waiting or self._running:
                while self._todo and self._computers.room > 0:
                    running, shard = self._todo.popleft()
                    self._computers.submit(Task(running.mark, shard, self._source))
                if videos.waiting and self._computers.room > 0 and len(self._running) < _MOST_VIDEOS:
                    yield from self._begin(videos)
                    continue
                for task, result in self._computers.finished(_WAIT_S):
                    # Of a video that failed meanwhile results may still come.
                    if running_ := self._running.get(task.mark.path):
                        yield from self._end(running_, self._take(running_, task, result), videos)
        finally:
            for running in self._running.values():
                running.stack.close()

    def _begin(self, videos: VideoQueue) -> Generator[BatchEvent, None, None]:
        started = videos.next()
        path = started.video
        yield started
        opened = videos.twin(path) or (yield from isolated(path, self._open(path)))
        if not isinstance(opened, _Running):
            yield videos.ended(opened)
            return
        self._running[opened.mark.path] = opened
        self._todo.extend((opened, shard) for shard in opened.work.todo)
        yield from self._end(opened, self._finish(opened), videos)

    def _open(self, path: Path) -> Generator[BatchEvent, None, _Running | VideoSkipped]:
        with ExitStack() as stack:
            work = yield from self._workshop.begin(self._input_of(path), stack)
            if isinstance(work, VideoSkipped):
                return work
            missing = {shard.number for shard in work.todo}
            return _Running(work, _mark_of(path), missing, work.kept_chunks, stack.pop_all())

    def _end(
        self, running: _Running, steps: Generator[BatchEvent, None, Outcome | None], videos: VideoQueue
    ) -> Generator[BatchEvent, None, None]:
        """Take steps for a video, and tell how it ended, if it did."""
        outcome = yield from isolated(running.work.path, steps)
        if outcome is not None:
            yield videos.ended(outcome)

    def _take(
        self, running: _Running, task: Task, result: TaskResult | Exception
    ) -> Generator[BatchEvent, None, Outcome | None]:
        """Keep a result; errors end the video."""
        with self._dropped_if_it_fails(running):
            if isinstance(result, Exception):
                raise result
            running.work.partial.keep(result.verified(task.shard))
        running.missing.discard(task.shard.number)
        running.kept_chunks += task.shard.n_chunks
        return (yield from self._finish(running))

    def _finish(self, running: _Running) -> Generator[BatchEvent, None, Outcome | None]:
        """Tell how far a video is, and finish it when nothing is missing."""
        total = running.work.job.plan.total_chunks
        yield VideoProgress(running.work.path, running.kept_chunks, total, running.kept_chunks)
        if running.missing:
            return None
        with self._dropped_if_it_fails(running):
            outcome = self._workshop.finish(running.work)
        del self._running[running.mark.path]
        running.stack.close()
        return outcome

    @contextlib.contextmanager
    def _dropped_if_it_fails(self, running: _Running) -> Iterator[None]:
        with ExitStack() as stack:
            stack.callback(self._drop, running)
            stack.push(running.stack)
            yield
            stack.pop_all()

    def _drop(self, running: _Running) -> None:
        del self._running[running.mark.path]
        self._todo = deque(item for item in self._todo if item[0] is not running)
        self._computers.cancel(running.mark.path)


def _mark_of(path: Path) -> VideoFingerprint:
    try:
        return mark_of(path.absolute())
    except OSError as error:
        raise VideoError(f"{path.name}: cannot be read ({error.strerror or error})", hint="check the drive") from error
