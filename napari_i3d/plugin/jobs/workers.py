"""Tasks in a thread of their own, under napari's worker, so that they are seen in its activity dock."""

import logging
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any, TypeVar

from napari.qt.threading import GeneratorWorker, thread_worker

from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.jobs.cancellation import StoppedError, StopRequest
from napari_i3d.plugin.jobs.job_results import Advance, Outcome
from napari_i3d.plugin.messages import in_dock_words

if TYPE_CHECKING:
    pass

from napari_i3d.plugin.jobs.job_results import RECORD_EVERY_S, Cancelled, Done, Failed

# How long the window waits for the other thread at most, when it is going away.
_PATIENCE_S = 10.0


class StoppableWorker(GeneratorWorker):  # type: ignore[misc]  # napari has no annotations
    """A worker whose `quit` lets the generator end by itself, in its own thread.

    napari's just leaves the generator where it is: an open video, and its ffmpeg, would wait to be collected.
    """

    def __init__(self, work: Callable[..., Generator[Any, None, Outcome]], *arguments: Any) -> None:
        self.stop = StopRequest()
        super().__init__(work, *arguments, self.stop)

    def quit(self) -> None:
        """Ask the work to end."""
        self.stop.ask()


def start(
    work: Callable[..., Generator[Any, None, Outcome]],
    *arguments: Any,
    text: str | None,
    on_outcome: Any,
    on_record: Any = None,
) -> StoppableWorker:
    """Run work in a thread.

    Parameters
    ----------
    work
        A generator function of this module.
    *arguments
        Its arguments before `stop`.
    text
        What napari's activity dock says; None: it is not shown there.
    on_outcome, on_record
        Methods of a QObject that are called with the outcome, and with records, in the thread of the window.
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
    """Show in the activity dock how far a worker is; to be called in the thread of the window."""
    bar = worker.pbar
    if bar.total != advance.total:
        bar.total = advance.total
    bar.update(advance.done - bar.n)


class WorkerGroup:
    """The workers of a dock, which end with it."""

    def __init__(self) -> None:
        self._workers: list[StoppableWorker] = []

    def add(self, worker: StoppableWorker) -> StoppableWorker:
        """Remember a worker that was started, and return it."""
        self._workers = [other for other in self._workers if other.is_running]
        self._workers.append(worker)
        return worker

    def end(self) -> None:
        """Ask all to end and wait until they have: what they report to is going away."""
        for worker in self._workers:
            worker.quit()
        deadline = time.monotonic() + _PATIENCE_S
        while any(worker.is_running for worker in self._workers) and time.monotonic() < deadline:
            time.sleep(0.01)
        self._workers.clear()


T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger(__name__)


def guarded(work: Generator[R, None, Any], stop: StopRequest) -> Generator[R, None, Outcome]:
    """Turn what work returns or raises into an outcome."""
    try:
        return Done((yield from work))
    except NapariI3DError as error:
        # Once stopped, an error is the stop itself, or the video that was closed under the reader.
        return Cancelled() if stop.asked else Failed(in_dock_words(error))
    except Exception as error:  # noqa: BLE001 - the edge of the thread: beyond it there is only napari's traceback
        _log.exception("unexpected error")
        return Failed(f"unexpected {type(error).__name__}: {error}; please report this with the log")


def run_in_thread(work: Callable[[], T], *, daemon: bool = False) -> Future[T]:
    """Do what nothing can interrupt in a thread of its own, which is left alone when the user cancels."""
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed to who waits for the result
            result.set_exception(error)

    threading.Thread(target=run, daemon=daemon).start()
    return result


def wait_for(result: Future[T], stop: StopRequest, discard: Callable[[T], None] | None = None) -> T:
    """Wait for a result, or until the work is asked to end; what comes too late is discarded."""
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
