"""Tasks in a thread of their own, under napari's worker, so that they are seen in its activity dock."""

import time
from collections.abc import Callable, Generator
from typing import Any

from napari.qt.threading import GeneratorWorker, thread_worker

from napari_i3d.plugin.stop import Stop
from napari_i3d.plugin.tasks import Advance, Outcome

# How long the window waits for the other thread at most, when it is going away.
_PATIENCE_S = 10.0


class StoppableWorker(GeneratorWorker):  # type: ignore[misc]  # napari has no annotations
    """A worker whose `quit` lets the generator end by itself, in its own thread.

    napari's just leaves the generator where it is: an open video, and its ffmpeg, would wait to be collected.
    """

    def __init__(self, work: Callable[..., Generator[Any, None, Outcome]], *arguments: Any) -> None:
        self.stop = Stop()
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


class Crew:
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
