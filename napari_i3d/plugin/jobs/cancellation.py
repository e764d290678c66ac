"""Cancellation of jobs in other threads, from the main thread."""

import contextlib
import threading
from collections.abc import Callable, Iterator

from napari_i3d.errors import NapariI3DError


class StoppedError(NapariI3DError):
    """The job was stopped on request."""


class StopRequest:
    """A request to stop that a job checks, and that can interrupt its waiting.

    Attributes
    ----------
    requested
        Whether the stop was requested.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupts: list[Callable[[], None]] = []
        self.requested = False

    def request(self) -> None:
        """Request the stop and call the interrupts; may be called again."""
        with self._lock:
            self.requested = True
            interrupts, self._interrupts = self._interrupts, []
        for interrupt in interrupts:
            interrupt()

    def check(self) -> None:
        """Raise StoppedError if a stop was requested."""
        if self.requested:
            raise StoppedError("stopped")

    @contextlib.contextmanager
    def as_cause(self) -> Iterator[None]:
        """Raise StoppedError for any error of the block after a stop: a video that was closed looks damaged."""
        try:
            yield
        except NapariI3DError as error:
            if self.requested:
                raise StoppedError("stopped") from error
            raise

    @contextlib.contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Call `interrupt` if a stop is requested within the block."""
        with self._lock:
            if not self.requested:
                self._interrupts.append(interrupt)
        self.check()
        try:
            yield
        finally:
            with self._lock, contextlib.suppress(ValueError):
                self._interrupts.remove(interrupt)
