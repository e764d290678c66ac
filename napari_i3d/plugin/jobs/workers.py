"""Threads for jobs: napari's workers, shown in its activity dock."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from napari.qt.threading import GeneratorWorker, thread_worker

from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.jobs.cancellation import StoppedError, StopRequest
from napari_i3d.plugin.jobs.job_results import Cancelled, Done, Failed, Progress, Result
from napari_i3d.plugin.messages import dock_text

# Longest wait for the threads of a dock that is closed.
_MAX_WAIT_S = 10.0
# Progress is shown no more often than a person can see.
_PROGRESS_EVERY_S = 0.1
_POLL_S = 0.05

T = TypeVar("T")
Job = Callable[..., Generator[Any, None, Any]]

_log = logging.getLogger(__name__)


class StoppableWorker(GeneratorWorker):  # type: ignore[misc]  # napari has no annotations
    """A worker whose `quit` lets the generator end by itself, in its own thread.

    napari's `quit` abandons the generator: an open video and its ffmpeg would stay until garbage collection.
    """

    def __init__(self, job: Job, *arguments: Any) -> None:
        self.stop = StopRequest()
        super().__init__(_run, job, arguments, self.stop)

    def quit(self) -> None:
        """Request the stop."""
        self.stop.request()

    def show_progress(self, progress: Progress) -> None:
        """Show progress in the activity dock; call it in the main thread."""
        if progress.total:
            self.pbar.total = progress.total
            self.pbar.update(progress.done - self.pbar.n)


class Workers:
    """Workers of a dock, stopped when it closes."""

    def __init__(self) -> None:
        self._workers: list[StoppableWorker] = []

    def start(
        self, job: Job, *arguments: Any, on_end: Any, on_progress: Any = None, text: str | None = None
    ) -> StoppableWorker:
        """Run a job in a thread.

        Parameters
        ----------
        job
            A generator function of `napari_i3d.plugin.jobs`; its last argument is the request to stop.
        *arguments
            Its other arguments.
        on_end, on_progress
            Methods of a QObject, called in the main thread: with the `Result`, and with what the job yields.
        text
            Text in napari's activity dock; None: not shown there.
        """
        progress = {"total": 0, "desc": text} if text is not None else None
        run = thread_worker(job, worker_class=StoppableWorker, progress=progress, ignore_errors=True)
        worker: StoppableWorker = run(*arguments)
        if on_progress is not None:
            worker.yielded.connect(on_progress)
        worker.returned.connect(on_end)
        worker.start()
        # A worker without references may be deleted in its own thread, which crashes the program.
        self._workers = [*(other for other in self._workers if other.is_running), worker]
        return worker

    def end(self) -> None:
        """Stop all workers and wait for them: the widgets that they report to are about to be deleted."""
        for worker in self._workers:
            worker.quit()
        deadline = time.monotonic() + _MAX_WAIT_S
        while any(worker.is_running for worker in self._workers) and time.monotonic() < deadline:
            time.sleep(0.01)
        self._workers.clear()


def _run(job: Job, arguments: tuple[Any, ...], stop: StopRequest) -> Generator[Any, None, Result]:
    """Run a job to its result; between two steps, look whether it should stop."""
    try:
        with contextlib.closing(job(*arguments, stop)) as steps:
            return Done((yield from _throttled(steps, stop)))
    except NapariI3DError as error:
        # Once stopped, an error is the stop itself, or the video that was closed under the reader.
        return Cancelled() if stop.requested else Failed(dock_text(error))
    except Exception as error:  # noqa: BLE001 - the edge of the thread: beyond it there is only napari's traceback
        _log.exception("unexpected error")
        return Failed(f"unexpected {type(error).__name__}: {error}; please report this with the log")


def _throttled(steps: Generator[Any, None, T], stop: StopRequest) -> Generator[Any, None, T]:
    """Leave out progress that follows another too soon, unless it is of another kind or the last."""
    shown, shown_s = Progress(), 0.0
    while True:
        stop.check()
        try:
            step = next(steps)
        except StopIteration as finished:
            result: T = finished.value
            return result
        if isinstance(step, Progress):
            last = 0 < step.total == step.done
            if step.text == shown.text and not last and time.monotonic() - shown_s < _PROGRESS_EVERY_S:
                continue
            shown, shown_s = step, time.monotonic()
        yield step


def run_in_thread(work: Callable[[], T], *, daemon: bool = False) -> Future[T]:
    """Run uninterruptible work in a separate thread, which is abandoned on cancellation."""
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised in the waiting thread
            result.set_exception(error)

    threading.Thread(target=run, daemon=daemon).start()
    return result


def wait_for(result: Future[T], stop: StopRequest, discard: Callable[[T], None] | None = None) -> T:
    """Wait for a result or a stop request; discard a result that comes after that."""
    try:
        while not result.done():
            stop.check()
            wait([result], timeout=_POLL_S)
        stop.check()
    except StoppedError:
        if discard is not None:
            result.add_done_callback(lambda late: discard(late.result()) if late.exception() is None else None)
        raise
    return result.result()
