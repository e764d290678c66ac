"""Connections to signals that outlive who listens."""

from collections.abc import Callable
from typing import Any


class Connections:
    """Connections between signals (of psygnal, napari or Qt) and slots, disconnected together."""

    def __init__(self) -> None:
        self._pairs: list[tuple[Any, Callable[..., Any]]] = []

    def connect(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect a signal to a slot."""
        signal.connect(slot)
        self._pairs.append((signal, slot))

    def close(self) -> None:
        """Disconnect all; may be called again."""
        while self._pairs:
            signal, slot = self._pairs.pop()
            signal.disconnect(slot)
