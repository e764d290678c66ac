"""Connections of a dock to signals that outlive it: made together, undone together."""

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QWidget


class Links:
    """Connections between signals (of psygnal, napari or Qt) and slots."""

    def __init__(self) -> None:
        self._pairs: list[tuple[Any, Callable[..., Any]]] = []

    def connect(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect, and remember it."""
        signal.connect(slot)
        self._pairs.append((signal, slot))

    def close(self) -> None:
        """Undo all connections; to do it again is no error."""
        while self._pairs:
            signal, slot = self._pairs.pop()
            signal.disconnect(slot)


class Dock(QWidget):
    """A widget whose `links` end when its dock is closed or it is destroyed.

    napari takes the widget of a closed dock out of its parent and forgets it; it gets no close event.
    """

    def __init__(self) -> None:
        super().__init__()
        self.links = Links()
        self._docked = False
        # Not a method of self, which Qt would disconnect before it destroys the widget.
        self.destroyed.connect(self.links.close)

    def event(self, event: QEvent | None) -> bool:
        """Notice when napari closes the dock."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self._docked and self.parent() is None:
                self.closed()
            self._docked = self.parent() is not None
        return bool(super().event(event))

    def closed(self) -> None:
        """End all connections: the dock was closed for good."""
        self.links.close()
