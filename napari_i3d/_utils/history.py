"""Undo and redo without limit, for anything that is edited by changes with an inverse."""

import contextlib
import itertools
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from napari_i3d._utils.text import counted


class Change(Protocol):
    """A change of something that the change itself refers to."""

    def apply(self) -> "Change":
        """Carry the change out and return its inverse."""

    def same_place(self, other: "Change") -> bool:
        """Return whether both overwrite exactly the same values, so that the earlier inverse undoes both."""


@dataclass(eq=False)
class Step:
    """What one undo takes back.

    Attributes
    ----------
    words
        What it does, as an instruction: ``swap male and female in frames 812 to 1499``.
    commands
        What was asked for, in any form that the owner of the changes can carry out again.
    serial
        Differs between steps, and after more was merged into a step.
    """

    words: str
    commands: list[object] = field(default_factory=list)
    serial: int = 0
    # The inverses in the order of the changes; of an undone step, what does it again, last first.
    changes: list[Change] = field(default_factory=list)
    # For merging: what marks the changes of one drag, the number of changes of the last command, and the first change
    # whose place later ones may share.
    key: Hashable = None
    n_last: int = 0
    first_repeat: int = 0


class History:
    """Steps that were done, and steps that were undone and can be done again.

    Several owners of data can share a history; undo then takes back the last step, whoever did it. The history holds
    what the changes hold: the values that they replaced.
    """

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._position = 0
        self._open: Step | None = None
        self._sealed = True
        self._saved = 0
        self._serials = itertools.count(1)
        self._callbacks: list[Callable[[], None]] = []

    @property
    def steps(self) -> Sequence[Step]:
        """All steps, oldest first; those from `position` on are undone. Not to be modified."""
        return self._steps

    @property
    def position(self) -> int:
        """The number of steps that are done."""
        return self._position

    @property
    def can_undo(self) -> bool:
        """Whether a step is done."""
        return self._position > 0

    @property
    def can_redo(self) -> bool:
        """Whether a step was undone."""
        return self._position < len(self._steps)

    @property
    def undo_words(self) -> str:
        """What `undo` would take back; empty if there is nothing."""
        return self._steps[self._position - 1].words if self.can_undo else ""

    @property
    def redo_words(self) -> str:
        """What `redo` would do again; empty if there is nothing."""
        return self._steps[self._position].words if self.can_redo else ""

    @property
    def serial(self) -> int:
        """A number that stands for the present state: equal numbers, equal states; 0 at the beginning."""
        return self._steps[self._position - 1].serial if self.can_undo else 0

    @property
    def is_saved(self) -> bool:
        """Whether the state is that of the last `mark_saved`, or of the beginning."""
        return self.is_saved_at(self._position)

    def is_saved_at(self, position: int) -> bool:
        """Return whether the state after that many steps is that of the last `mark_saved`, or of the beginning."""
        return self._saved == (self._steps[position - 1].serial if position else 0)

    def mark_saved(self) -> None:
        """Note that the present state was saved; the next change begins a new step."""
        self._saved = self.serial
        self.seal()

    def connect(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function after every step that was done, undone or done again; returns one that disconnects it."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def do(self, words: str, changes: Sequence[Change], command: object = None, merge: Hashable = None) -> None:
        """Carry changes out as a step, or as a part of the group that is open. Steps that were undone are dropped.

        Parameters
        ----------
        words
            What the changes do, as an instruction.
        changes
            In their order. None of them may fail: check before.
        command
            Kept in the step.
        merge
            If equal to the `merge` of the last step, and no `seal`, undo or redo came between, the changes become
            part of that step, as those of a drag. None: a step of its own.
        """
        step = self._open or self._last_step(merge)
        if step is None:
            step = Step(words, key=merge)
            self._add(step)
        inverses = [change.apply() for change in changes]
        # Of a drag, only the values before its first movement matter.
        repeats = (
            merge is not None
            and len(step.changes) > step.first_repeat
            and len(inverses) == 1
            and inverses[0].same_place(step.changes[-1])
        )
        if not repeats:
            step.changes += inverses
        if repeats and step.n_last == 1:
            step.commands[-1] = command
        else:
            step.commands.append(command)
        step.n_last = len(inverses)
        step.words = step.words or words
        if self._open is None:
            self._finish(step)

    @contextlib.contextmanager
    def group(self, words: str = "") -> Iterator[None]:
        """Make all that is done in the block one step; a block within a block belongs to the outer one.

        After an exception, what was done in the block is undone.

        Parameters
        ----------
        words
            What the block does. Default: the words of its first step, with the number of the others.
        """
        outer = self._open
        step = self._open = outer or Step(words)
        first_change, first_command, first_repeat = len(step.changes), len(step.commands), step.first_repeat
        step.first_repeat = first_change
        try:
            yield
        except BaseException:
            for change in reversed(step.changes[first_change:]):
                change.apply()
            del step.changes[first_change:], step.commands[first_command:]
            if outer is None:
                self._open = None
                self._notify()
            raise
        finally:
            step.first_repeat = first_repeat
            self._open = outer
        if outer is not None or not step.changes:
            return
        if not words and len(step.commands) > 1:
            step.words += f" and {counted(len(step.commands) - 1, 'more change')}"
        self._add(step)
        self._finish(step)

    @contextlib.contextmanager
    def retake(self, merge: Hashable) -> Iterator[None]:
        """Make all that is done in the block one step, instead of the last step if its `merge` is equal.

        The last step is undone before the block, so that of a drag only the last movement counts: nothing is left of
        the others. `seal`, undo, redo and other steps in between end it. After an exception all is as before the block.

        Parameters
        ----------
        merge
            What marks the steps of one drag; None: a step of its own.
        """
        last = self._last_step(merge) if self._open is None else None
        if last is not None:
            again = [change.apply() for change in reversed(last.changes)]
            del self._steps[-1]
            self._position -= 1
        before = self._steps[-1] if self._steps else None
        try:
            with self.group():
                yield
        except BaseException:
            if last is not None:
                last.changes = [change.apply() for change in reversed(again)]
                self._add(last)
                self._notify()
            raise
        if self._steps and self._steps[-1] is not before:
            self._steps[-1].key = merge
        elif last is not None:
            self._notify()

    def can_retake(self, merge: Hashable) -> bool:
        """Return whether `retake` would take the last step back."""
        return self._last_step(merge) is not None

    def undo(self) -> str:
        """Take the last step back; returns its words, empty if there was none."""
        words = self.undo_words
        self.go_to(max(self._position - 1, 0))
        return words

    def redo(self) -> str:
        """Do the step again that was undone last; returns its words, empty if there was none."""
        words = self.redo_words
        self.go_to(min(self._position + 1, len(self._steps)))
        return words

    def go_to(self, position: int) -> None:
        """Undo or redo steps until `position` of them are done.

        Raises
        ------
        IndexError
            There are not that many steps.
        RuntimeError
            A group is open.
        """
        if not 0 <= position <= len(self._steps):
            raise IndexError(f"position: expected 0 to {len(self._steps)}, found {position}")
        if self._open is not None:
            raise RuntimeError("cannot undo or redo while a group of changes is open")
        self.seal()
        if position == self._position:
            return
        while self._position != position:
            back = position < self._position
            step = self._steps[self._position - back]
            step.changes = [change.apply() for change in reversed(step.changes)]
            self._position += -1 if back else 1
        self._notify()

    def seal(self) -> None:
        """Let the next change begin a new step, whatever its `merge`."""
        self._sealed = True

    def _last_step(self, merge: Hashable) -> Step | None:
        if merge is None or self._sealed or not self.can_undo or self.can_redo:
            return None
        last = self._steps[-1]
        return last if last.key == merge else None

    def _add(self, step: Step) -> None:
        del self._steps[self._position :]
        self._steps.append(step)
        self._position += 1

    def _finish(self, step: Step) -> None:
        step.serial = next(self._serials)
        self._sealed = False
        self._notify()

    def _notify(self) -> None:
        for callback in tuple(self._callbacks):
            callback()
