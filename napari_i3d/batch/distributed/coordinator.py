"""Videos on a cluster: a bounded number of shards is submitted, and this process writes the results."""

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_i3d.batch.checkpoints.store_checkpoints import SharedStore, StoreCheckpoints
from napari_i3d.batch.distributed.dask_cluster import Cluster
from napari_i3d.batch.distributed.tasks import (
    StoredResult,
    Task,
    TaskNetwork,
    TaskResult,
    VideoFingerprint,
    fingerprint_video,
)
from napari_i3d.batch.events import BatchEvent, VideoProgress, VideoResult, VideoSkipped
from napari_i3d.batch.video_job import VideoInput, VideoJob
from napari_i3d.batch.video_jobs import VideoJobs
from napari_i3d.batch.video_queue import VideoQueue, isolated
from napari_i3d.errors import Message, VideoError

# Short, so that Ctrl-C works on every system.
_WAIT_S = 0.5
# Each holds a lock, which is an open file.
_MOST_VIDEOS = 100


@dataclass(eq=False)
class _Running:
    """A video whose shards are on the cluster."""

    job: VideoJob
    fingerprint: VideoFingerprint
    missing: set[int]  # numbers of shards
    kept_chunks: int
    stack: ExitStack
    store: SharedStore | None  # to which workers write rows; None: they return them
    checked_hosts: set[str] = field(default_factory=set)  # whose rows were found in the store
    not_written: list[str] = field(default_factory=list)  # why, for each shard whose rows were returned nevertheless

    def task(self, number: int, network: TaskNetwork) -> Task:
        """Return the task of a shard."""
        shard = self.job.shards[number]
        return Task(self.fingerprint, shard, network, None if self.store is None else self.store.of(shard))

    def save(self, task: Task, result: TaskResult | StoredResult) -> bool:
        """Save a result; return False if it must be computed again because its rows are not where they should be."""
        if isinstance(result, TaskResult):
            self.job.checkpoints.save(result.verified(task.shard))
            if result.not_written:
                self.not_written.append(f"worker {result.host}: {result.not_written}")
        elif not self._accept(task, result):
            self.store = None
            self.not_written.append(f"worker {result.host}: its rows are not in {self.job.checkpoints.folder} here")
            return False
        self.missing.discard(task.shard.number)
        self.kept_chunks += task.shard.n_chunks
        return True

    def _accept(self, task: Task, result: StoredResult) -> bool:
        """Record rows that a worker wrote. Those of its machine are read the first time, and all when all are there."""
        checkpoints = self.job.checkpoints
        check = self.store is None or result.host not in self.checked_hosts
        self.checked_hosts.add(result.host)
        return isinstance(checkpoints, StoreCheckpoints) and checkpoints.accept(
            task.shard, result.device, result.sha256, check=check
        )

    def described(self) -> VideoJob:
        """Return the job with a remark about rows that workers did not write to the store."""
        if not self.not_written:
            return self.job
        shares = f"{len(self.not_written)} of {len(self.job.shards)} portions"
        remark = Message(f"{shares} came over the network instead of the shared folder ({self.not_written[0]})")
        return replace(self.job, remarks=(*self.job.remarks, remark))


class Coordinator:
    """Extracts videos on a cluster, several at once if one has too few shards for all workers.

    `network` is that of the tasks; `input_of` returns the input of a video.
    """

    def __init__(
        self, cluster: Cluster, video_jobs: VideoJobs, network: TaskNetwork, input_of: Callable[[Path], VideoInput]
    ) -> None:
        self._cluster = cluster
        self._video_jobs = video_jobs
        self._network = network
        self._input_of = input_of
        self._running: dict[Path, _Running] = {}  # by the absolute path that tasks know
        self._todo: deque[tuple[_Running, int]] = deque()  # numbers of shards

    def run(self, videos: VideoQueue) -> Generator[BatchEvent, None, None]:
        """Extract all videos; `ClusterError` or `WeightsError` ends the batch."""
        try:
            while videos.waiting or self._running:
                while self._todo and self._cluster.room > 0:
                    running, number = self._todo.popleft()
                    self._cluster.submit(running.task(number, self._network))
                if videos.waiting and self._cluster.room > 0 and len(self._running) < _MOST_VIDEOS:
                    yield from self._begin(videos)
                    continue
                for task, result in self._cluster.finished(_WAIT_S):
                    # Results of a video that has failed may still come.
                    if running_ := self._running.get(task.video.path):
                        yield from self._end(running_, self._take(running_, task, result), videos)
        finally:
            for running in self._running.values():
                running.stack.close()

    def _begin(self, videos: VideoQueue) -> Generator[BatchEvent, None, None]:
        started = videos.next()
        path = started.video
        yield started
        opened = videos.name_clash(path) or (yield from isolated(path, self._open(path)))
        if not isinstance(opened, _Running):
            yield videos.finish(opened)
            return
        self._running[opened.fingerprint.path] = opened
        self._todo.extend((opened, number) for number in opened.job.todo.numbers)
        yield from self._end(opened, self._finish(opened), videos)

    def _open(self, path: Path) -> Generator[BatchEvent, None, _Running | VideoSkipped]:
        with ExitStack() as stack:
            job = yield from self._video_jobs.begin(self._input_of(path), stack)
            if isinstance(job, VideoSkipped):
                return job
            missing = set(job.todo.numbers)
            store = job.checkpoints.share() if missing and isinstance(job.checkpoints, StoreCheckpoints) else None
            return _Running(job, _fingerprint(path), missing, job.kept_chunks, stack.pop_all(), store)

    def _end(
        self, running: _Running, steps: Generator[BatchEvent, None, VideoResult | None], videos: VideoQueue
    ) -> Generator[BatchEvent, None, None]:
        """Run steps of a video, and yield its result if it is finished."""
        result = yield from isolated(running.job.path, steps)
        if result is not None:
            yield videos.finish(result)

    def _take(
        self, running: _Running, task: Task, result: TaskResult | StoredResult | Exception
    ) -> Generator[BatchEvent, None, VideoResult | None]:
        """Save a result; an error ends the video."""
        with self._dropping_on_error(running):
            if isinstance(result, Exception):
                raise result
            if not running.save(task, result):
                self._todo.appendleft((running, task.shard.number))
        return (yield from self._finish(running))

    def _finish(self, running: _Running) -> Generator[BatchEvent, None, VideoResult | None]:
        """Yield the progress of a video, and finish it when nothing is missing."""
        total = running.job.job.plan.total_chunks
        yield VideoProgress(running.job.path, running.kept_chunks, total, running.kept_chunks)
        if running.missing:
            return None
        with self._dropping_on_error(running):
            result = self._video_jobs.finish(running.described())
        del self._running[running.fingerprint.path]
        running.stack.close()
        return result

    @contextlib.contextmanager
    def _dropping_on_error(self, running: _Running) -> Iterator[None]:
        with ExitStack() as stack:
            stack.callback(self._drop, running)
            stack.push(running.stack)
            yield
            stack.pop_all()

    def _drop(self, running: _Running) -> None:
        del self._running[running.fingerprint.path]
        self._todo = deque(item for item in self._todo if item[0] is not running)
        self._cluster.cancel(running.fingerprint.path)


def _fingerprint(path: Path) -> VideoFingerprint:
    try:
        return fingerprint_video(path.absolute())
    except OSError as error:
        raise VideoError(f"{path.name}: cannot be read ({error.strerror or error})", hint="check the drive") from error
