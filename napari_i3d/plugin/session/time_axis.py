"""The stretch of the active video that all plots over time show, so that the same frame lies at the same place."""

from psygnal import Signal

Limits = tuple[float, float]
"""First and last place on an axis of video frames."""


class TimeAxis:
    """What is seen of the time of one video; shared by the plots.

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
        """All that there is to see; None: there is no common axis, each plot has its own."""
        return self._whole

    @whole.setter
    def whole(self, whole: Limits | None) -> None:
        if whole != self._whole:
            self._whole = self._limits = whole
            self.changed.emit()

    @property
    def limits(self) -> Limits | None:
        """What is seen of it."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        if self._whole is not None and limits != self._limits:
            self._limits = limits
            self.changed.emit()
