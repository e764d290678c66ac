"""What the user chose and looks at in a video: individuals shown and extracted, current individual, problem, range."""

from collections.abc import Iterable

from psygnal import Signal

from napari_i3d.individuals import Id
from napari_i3d.tracking.checks import Problem


class VideoChoices:
    """The choices of the user in a video.

    Attributes
    ----------
    problems
        What the checks found in the tracking.
    shown_changed, chosen_changed, current_changed, problem_changed, span_changed
        Signals, without arguments.
    """

    shown_changed = Signal()
    chosen_changed = Signal()
    current_changed = Signal()
    problem_changed = Signal()
    span_changed = Signal()

    def __init__(self) -> None:
        self.problems: tuple[Problem, ...] = ()
        self._span: tuple[int, int] | None = None
        self._shown: frozenset[Id] = frozenset()
        self._chosen: frozenset[Id] = frozenset()
        self._current: Id | None = None
        self._problem: Problem | None = None

    @property
    def _known(self) -> frozenset[Id]:
        """All individuals."""
        return frozenset()

    @property
    def span(self) -> tuple[int, int] | None:
        """The range of frames, half-open, that the user marked."""
        return self._span

    @span.setter
    def span(self, span: tuple[int, int] | None) -> None:
        if span != self._span:
            self._span = span
            self.span_changed.emit()

    @property
    def shown(self) -> frozenset[Id]:
        """Individuals whose boxes are drawn."""
        return self._shown

    @shown.setter
    def shown(self, individuals: Iterable[Id]) -> None:
        self._shown = frozenset(individuals) & self._known
        self.shown_changed.emit()

    @property
    def chosen(self) -> frozenset[Id]:
        """Individuals chosen for extraction."""
        return self._chosen

    @chosen.setter
    def chosen(self, individuals: Iterable[Id]) -> None:
        self._chosen = frozenset(individuals) & self._known
        self.chosen_changed.emit()

    @property
    def current(self) -> Id | None:
        """The individual that the user is looking at: its row is selected, its crop and features are shown."""
        return self._current

    @current.setter
    def current(self, individual: Id | None) -> None:
        individual = individual if individual in self._known else None
        if self._leave_unboxed() or individual != self._current or type(individual) is not type(self._current):
            self._current = individual
            self.current_changed.emit()

    def _leave_unboxed(self) -> bool:
        """Look no more at an individual without boxes; return whether one was looked at."""
        return False

    @property
    def problem(self) -> Problem | None:
        """The one of `problems` that the user is looking at."""
        return self._problem

    @problem.setter
    def problem(self, problem: Problem | None) -> None:
        problem = problem if problem in self.problems else None
        if problem != self._problem:
            self._problem = problem
            self.problem_changed.emit()
