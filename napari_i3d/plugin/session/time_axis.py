"""Limits of the time axis that all plots over time share, so that a frame has the same place in each."""

from psygnal import Signal

Limits = tuple[float, float]
"""First and last value on an axis of video frames."""


class TimeAxis:
    """The limits of the time axis of one video.

    Attributes
    ----------
    changed
        Signal, without arguments.
    """

    changed = Signal()

    def __init__(self) -> None:
        self._whole: Limits | None = None
        self._limits: Limits | None = None

    @property
    def whole(self) -> Limits | None:
        """Full limits; None: there is no common axis, each plot has its own."""
        return self._whole

    @whole.setter
    def whole(self, whole: Limits | None) -> None:
        if whole != self._whole:
            self._whole = self._limits = whole
            self.changed.emit()

    @property
    def limits(self) -> Limits | None:
        """Current limits."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        if self._whole is not None and limits != self._limits:
            self._limits = limits
            self.changed.emit()
