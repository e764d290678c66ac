"""Threads for jobs: napari's workers, shown in its activity dock."""

import logging
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from napari.qt.threading import GeneratorWorker, thread_worker

from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.jobs.cancellation import StoppedError, StopRequest
from napari_i3d.plugin.jobs.job_results import RECORD_EVERY_S, Advance, Cancelled, Done, Failed, Outcome
from napari_i3d.plugin.messages import dock_text

# Longest wait for the threads of a dock that is closed.
_MAX_WAIT_S = 10.0


class StoppableWorker(GeneratorWorker):  # type: ignore[misc]  # napari has no annotations
    """A worker whose `quit` lets the generator end by itself, in its own thread.

    napari's `quit` abandons the generator: an open video and its ffmpeg would stay until garbage collection.
    """

    def __init__(self, work: Callable[..., Generator[Any, None, Outcome]], *arguments: Any) -> None:
        self.stop = StopRequest()
        super().__init__(work, *arguments, self.stop)

    def quit(self) -> None:
        """Request the stop."""
        self.stop.ask()


def start(
    work: Callable[..., Generator[Any, None, Outcome]],
    *arguments: Any,
    text: str | None,
    on_outcome: Any,
    on_record: Any = None,
) -> StoppableWorker:
    """Run a job in a thread.

    Parameters
    ----------
    work
        A generator function of `napari_i3d.plugin.jobs`.
    *arguments
        Its arguments before `stop`.
    text
        Text in napari's activity dock; None: not shown there.
    on_outcome, on_record
        Methods of a QObject, called with the outcome and with records in the main thread.
    """
    progress = {"total": 0, "desc": text} if text is not None else None
    run = thread_worker(work, worker_class=StoppableWorker, progress=progress, ignore_errors=True)
    worker: StoppableWorker = run(*arguments)
    if on_record is not None:
        worker.yielded.connect(on_record)
    worker.returned.connect(on_outcome)
    worker.start()
    return worker


def show_advance(worker: StoppableWorker, advance: Advance) -> None:
    """Show the progress of a worker in the activity dock; call it in the main thread."""
    bar = worker.pbar
    if bar.total != advance.total:
        bar.total = advance.total
    bar.update(advance.done - bar.n)


class WorkerGroup:
    """Workers of a dock, stopped when it closes."""

    def __init__(self) -> None:
        self._workers: list[StoppableWorker] = []

    def add(self, worker: StoppableWorker) -> StoppableWorker:
        """Add a started worker, and return it."""
        self._workers = [other for other in self._workers if other.is_running]
        self._workers.append(worker)
        return worker

    def end(self) -> None:
        """Stop all workers and wait for them: the widgets that they report to are about to be deleted."""
        for worker in self._workers:
            worker.quit()
        deadline = time.monotonic() + _MAX_WAIT_S
        while any(worker.is_running for worker in self._workers) and time.monotonic() < deadline:
            time.sleep(0.01)
        self._workers.clear()


T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger(__name__)


def guarded(work: Generator[R, None, Any], stop: StopRequest) -> Generator[R, None, Outcome]:
    """Turn the result or error of a job into an outcome."""
    try:
        return Done((yield from work))
    except NapariI3DError as error:
        # Once stopped, an error is the stop itself, or the video that was closed under the reader.
        return Cancelled() if stop.asked else Failed(dock_text(error))
    except Exception as error:  # noqa: BLE001 - the edge of the thread: beyond it there is only napari's traceback
        _log.exception("unexpected error")
        return Failed(f"unexpected {type(error).__name__}: {error}; please report this with the log")


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
            wait([result], timeout=RECORD_EVERY_S / 2)
        stop.check()
    except StoppedError:
        if discard is not None:
            result.add_done_callback(lambda late: discard(late.result()) if late.exception() is None else None)
        raise
    return result.result()
