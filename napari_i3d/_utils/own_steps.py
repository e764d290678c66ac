"""The steps of a shared history that belong to one of its owners, and which of them are saved."""

from collections.abc import Callable

from napari_i3d._utils.history import History, Step

_NEVER = -1


class OwnSteps:
    """Saved state of one owner of a shared history; steps of other owners do not change it.

    Parameters
    ----------
    history
        The history, which others may share.
    is_own
        Whether a step holds commands of the owner.
    saved
        Whether the data are those of their file at the beginning.
    """

    def __init__(self, history: History, is_own: Callable[[Step], bool], *, saved: bool = True) -> None:
        self._history, self._is_own = history, is_own
        self._saved = 0 if saved else _NEVER

    @property
    def serial(self) -> int:
        """A number that stands for the present data: that of the last own step that is done; 0 at the beginning."""
        history = self._history
        return next((step.serial for step in reversed(history.steps[: history.position]) if self._is_own(step)), 0)

    @property
    def is_saved(self) -> bool:
        """Whether the data are those of the last `mark_saved`, or of the file at the beginning."""
        return self._saved == self.serial

    def mark_saved(self) -> None:
        """Note that the present data were saved; the next change begins a new step."""
        self._saved = self.serial
        self._history.seal()

    def unsaved(self) -> list[Step] | None:
        """Return the own steps since the data were saved, oldest first; None if steps that were saved are undone."""
        own: list[Step] = []
        for step in reversed(self._history.steps[: self._history.position]):
            if step.serial == self._saved:
                return own[::-1]
            if self._is_own(step):
                own.append(step)
        return own[::-1] if self._saved == 0 else None
