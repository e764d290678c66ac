"""Asking work in another thread to end, from the thread of the window."""

import contextlib
import threading
from collections.abc import Callable, Iterator

from napari_i3d.errors import NapariI3DError


class StoppedError(NapariI3DError):
    """The work was asked to end, and does."""


class StopRequest:
    """A request to end that work looks at, and that can interrupt what the work waits for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupts: list[Callable[[], None]] = []
        self._asked = False

    @property
    def asked(self) -> bool:
        """Whether the work was asked to end."""
        return self._asked

    def ask(self) -> None:
        """Ask the work to end, and call what interrupts it; to do it again is no error."""
        with self._lock:
            self._asked = True
            interrupts, self._interrupts = self._interrupts, []
        for interrupt in interrupts:
            interrupt()

    def check(self) -> None:
        """Raise StoppedError if the work was asked to end."""
        if self._asked:
            raise StoppedError("stopped")

    @contextlib.contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Have `interrupt` called when the work is asked to end within the block."""
        with self._lock:
            if not self._asked:
                self._interrupts.append(interrupt)
        self.check()
        try:
            yield
        finally:
            with self._lock, contextlib.suppress(ValueError):
                self._interrupts.remove(interrupt)
