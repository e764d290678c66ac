"""Problems of a tracking that the user accepted; kept between sessions."""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_i3d._utils.files import atomic_writer, make_folder
from napari_i3d._utils.history import Change, History
from napari_i3d.errors import NapariI3DError
from napari_i3d.individuals import Id
from napari_i3d.projects.recovery import data_folder
from napari_i3d.tracking.checks import Problem
from napari_i3d.tracking.content import content_sha256
from napari_i3d.tracking.editing.tracking_change import TrackingChange
from napari_i3d.tracking.tracklets import Tracking

_log = logging.getLogger(__name__)
_VERSION = 1
_MAX_BYTES = 64 << 20

_Mark = tuple[Id, str, int, int]


class AcceptedProblems:
    """Accepted problems, by individual, kind and frames.

    If a correction changes the frames of a problem, it is another problem, which is not accepted.
    """

    def __init__(self) -> None:
        self._marks: set[_Mark] = set()

    def __len__(self) -> int:
        """Return the number of accepted problems, whether or not they still exist."""
        return len(self._marks)

    def __contains__(self, problem: Problem) -> bool:
        return _mark(problem) in self._marks

    @property
    def marks(self) -> frozenset[_Mark]:
        """What identifies the accepted problems."""
        return frozenset(self._marks)

    def accept(self, problem: Problem) -> None:
        """Accept a problem."""
        self._marks.add(_mark(problem))

    def withdraw(self, problem: Problem) -> None:
        """Withdraw the acceptance of a problem."""
        self._marks.discard(_mark(problem))

    def decide(self, problem: Problem, accept: bool, history: History) -> None:
        """Accept a problem, or withdraw its acceptance, as a step that can be undone."""
        verb = "mark as fine" if accept else "mark as a problem"
        history.do(f"{verb}: {problem.message}", [_Decision(self, problem, accept)])

    def left(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return the problems that are not accepted."""
        return [problem for problem in problems if problem not in self]

    def follow(self, change: TrackingChange) -> None:
        """Keep the marks with their individuals when these are renamed."""
        self._marks = {(change.renamed.get(mark[0], mark[0]), *mark[1:]) for mark in self._marks}

    def save(self, tracking: Tracking) -> None:
        """Keep the marks for a tracking with this content.

        A file that cannot be written is only logged: it must not stop the user's work.
        """
        path = _path(tracking)
        try:
            make_folder(path.parent)
            with atomic_writer(path) as file:
                # Text and numbers cannot be compared, so they are sorted as JSON.
                marks = sorted(json.dumps(mark) for mark in self._marks)
                file.write(f'{{"version": {_VERSION}, "accepted": [{", ".join(marks)}]}}\n'.encode())
        except NapariI3DError as error:
            _log.warning("accepted problems are not remembered: %s", error)

    @classmethod
    def load(cls, tracking: Tracking) -> "AcceptedProblems":
        """Return the marks for a tracking with this content; none if there are none or the file is damaged."""
        accepted = cls()
        try:
            path = _path(tracking)
            content = json.loads(path.read_bytes()) if path.stat().st_size <= _MAX_BYTES else None
        except (OSError, ValueError, RecursionError):
            return accepted
        if isinstance(content, dict) and content.get("version") == _VERSION:
            listed = content.get("accepted")
            accepted._marks = {tuple(mark) for mark in listed if _is_mark(mark)} if isinstance(listed, list) else set()
        return accepted


@dataclass(frozen=True, eq=False)
class _Decision:
    owner: AcceptedProblems
    problem: Problem
    accept: bool

    def apply(self) -> "_Decision":
        before = self.problem in self.owner
        if self.accept:
            self.owner.accept(self.problem)
        else:
            self.owner.withdraw(self.problem)
        return _Decision(self.owner, self.problem, before)

    def same_place(self, other: Change) -> bool:
        return isinstance(other, _Decision) and other.owner is self.owner and other.problem == self.problem


def _mark(problem: Problem) -> _Mark:
    return problem.id, problem.kind.value, problem.frame, problem.stop


def _is_mark(values: Any) -> bool:
    if not isinstance(values, list) or len(values) != 4:
        return False
    return type(values[0]) in (str, int) and [type(value) for value in values[1:]] == [str, int, int]


def _path(tracking: Tracking) -> Path:
    return data_folder() / "accepted_problems" / f"{content_sha256(tracking)}.json"
