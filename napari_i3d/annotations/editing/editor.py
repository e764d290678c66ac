"""Edit annotations by hand, with undo: `AnnotationEditor`."""

from collections.abc import Callable, Hashable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

from napari_i3d._utils.frame_ranges import Ranges
from napari_i3d._utils.history import History, Step
from napari_i3d._utils.own_steps import OwnSteps
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit
from napari_i3d.annotations.editing.annotation_store import AnnotationStore
from napari_i3d.annotations.editing.bout_edits import (
    Accept,
    DeleteBout,
    MergeBouts,
    MoveEdges,
    Relabel,
    SetNote,
    SetTarget,
    SplitBout,
)
from napari_i3d.annotations.editing.changes import AnnotationChange, change_between
from napari_i3d.annotations.editing.identity_edits import RenameIndividual, SwapIndividuals
from napari_i3d.annotations.editing.painting import Add, Assess, Erase, Unassess
from napari_i3d.annotations.ethogram import Ethogram
from napari_i3d.individuals import Id

_Edit = TypeVar("_Edit", bound=AnnotationEdit)


@dataclass(frozen=True)
class _Done:
    editor: "AnnotationEditor"
    edit: AnnotationEdit


class AnnotationEditor:
    """Edits an annotation step by step; every step can be undone and redone.

    Frame ranges are half-open. An edit that cannot be done raises `AnnotationError`, names what is in the way, and
    changes nothing. One that would change nothing is no step.

    Parameters
    ----------
    annotation
        The annotation to edit; it is not changed itself. None: empty.
    history
        Where the steps go; editors can share one, with tracking too. Default: a history of its own.
    saved
        The annotation as it is in its file. Default: `annotation`; if given, `annotation` counts as not saved.
    """

    def __init__(
        self,
        annotation: Annotation | None = None,
        history: History | None = None,
        *,
        saved: Annotation | None = None,
    ) -> None:
        self._store = AnnotationStore(Annotation() if annotation is None else annotation)
        self._ids = self._listed()
        self._callbacks: list[Callable[[AnnotationChange], None]] = []
        self.history = History() if history is None else history
        self._disconnect = self.history.connect(self._notify)
        self._saved = self._store.annotation if saved is None else saved
        self._steps = OwnSteps(self.history, lambda step: bool(self.edits_of(step)), saved=saved is None)

    @property
    def annotation(self) -> Annotation:
        """The annotation as it is now, made when it is asked for; it shares the bouts that were not changed."""
        return self._store.annotation

    @property
    def ethogram(self) -> Ethogram:
        """The behaviors as they are now."""
        return self._store.ethogram

    @property
    def behavior_keys(self) -> dict[str, int]:
        """{behavior: number that it keeps when it is renamed}, as they are now."""
        return {behavior.name: key for key, behavior in self._store.behaviors}

    @property
    def individuals(self) -> tuple[Id, ...]:
        """The individuals as they are now."""
        return self._store.individuals

    def knows(self, individual: Id) -> bool:
        """Return whether an id is that of an individual, or of the target of a bout."""
        return self._store.key(individual) is not None

    @property
    def serial(self) -> int:
        """A number that stands for the present annotation; steps of other editors do not change it. 0: not edited."""
        return self._steps.serial

    @property
    def is_saved(self) -> bool:
        """Whether the annotation is that of the last `mark_saved`, or of the beginning."""
        return self._steps.is_saved

    @property
    def saved(self) -> Annotation:
        """The annotation at the last `mark_saved`, or at the beginning."""
        return self._saved

    def mark_saved(self) -> None:
        """Note that the annotation was saved; the next edit begins a new step."""
        self._saved = self.annotation
        self._steps.mark_saved()

    def unsaved_steps(self) -> list[Step] | None:
        """Return the steps with edits since the annotation was saved; None if saved ones were undone."""
        return self._steps.unsaved()

    def bouts_of(self, individual: Id) -> tuple[Bout, ...]:
        """Return the bouts of an individual in order, without making the annotation; none if it is unknown."""
        key = self._store.key(individual)
        return () if key is None else self._store.bouts(key)

    def assessed_of(self, individual: Id) -> Ranges:
        """Return the assessed frames of an individual, without making the annotation; none if it is unknown."""
        key = self._store.key(individual)
        return () if key is None else self._store.assessed(key)

    def describe(self, edit: AnnotationEdit) -> str:
        """Describe what an edit would do, with what becomes of other bouts.

        Raises
        ------
        AnnotationError
            It cannot be done.
        """
        consequences = edit.plan(self._store).consequences
        return f"{edit.words}; {consequences}" if consequences else edit.words

    def do(self, edit: _Edit, merge: Hashable = None) -> _Edit:
        """Apply an edit.

        Parameters
        ----------
        edit
            The edit.
        merge
            Only the last of consecutive edits with an equal `merge` counts, as if the others had not been: those of a
            drag are one step. A bout that is dragged is given as it was before the drag.

        Returns
        -------
        AnnotationEdit
            The edit.

        Raises
        ------
        AnnotationError
            It cannot be done; nothing is changed.
        """
        with self.history.retake(merge):
            changes = edit.plan(self._store).changes
            if changes:
                self.history.do(edit.words, changes, _Done(self, edit))
        return edit

    def group(self, words: str = "") -> AbstractContextManager[None]:
        """Make all edits in the block one step; after an exception, none of them is done."""
        return self.history.group(words)

    def undo(self) -> str:
        """Undo the last step; return its description, empty if there is none."""
        return self.history.undo()

    def redo(self) -> str:
        """Redo the step that was undone last; return its description, empty if there is none."""
        return self.history.redo()

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return self.history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to redo."""
        return self.history.can_redo

    def connect(self, callback: Callable[[AnnotationChange], None]) -> Callable[[], None]:
        """Call a function after every step, undo and redo; return a function that disconnects it."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def close(self) -> None:
        """Follow the history no more: the annotation is not needed any longer. Its steps can still be undone."""
        self._disconnect()
        self._callbacks.clear()

    def edits_of(self, step: Step) -> list[AnnotationEdit]:
        """Return the edits of this editor in a step of the history, in order."""
        return [done.edit for done in step.commands if isinstance(done, _Done) and done.editor is self]

    def add(
        self,
        individual: Id,
        behavior: str,
        start: int,
        stop: int,
        target: Id | None = None,
        *,
        merge: Hashable = None,
    ) -> None:
        """Label frames with a behavior; other exclusive ones of the individual are cut if it is exclusive."""
        self.do(Add(individual, behavior, start, stop, target), merge)

    def erase(
        self,
        individual: Id,
        start: int,
        stop: int | None = None,
        behavior: str | None = None,
        *,
        merge: Hashable = None,
    ) -> None:
        """Remove a behavior, or all, from frames; they stay assessed."""
        self.do(Erase(individual, start, stop, behavior), merge)

    def assess(self, individual: Id, start: int, stop: int, *, merge: Hashable = None) -> None:
        """Mark frames as looked at."""
        self.do(Assess(individual, start, stop), merge)

    def unassess(self, individual: Id, start: int, stop: int | None = None, *, merge: Hashable = None) -> None:
        """Mark frames as not looked at, except those that have bouts."""
        self.do(Unassess(individual, start, stop), merge)

    def move_edges(self, bout: Bout, start: int, stop: int, *, merge: Hashable = None) -> None:
        """Give a bout other frames; in a drag, `bout` is as it was before."""
        self.do(MoveEdges(bout, start, stop), merge)

    def split(self, bout: Bout, frame: int) -> None:
        """Make two bouts of one; the second begins in `frame`."""
        self.do(SplitBout(bout, frame))

    def merge(self, bouts: Iterable[Bout]) -> None:
        """Make one bout of several, and of the frames between them."""
        self.do(MergeBouts(tuple(bouts)))

    def delete(self, bout: Bout) -> None:
        """Remove a bout; its frames stay assessed."""
        self.do(DeleteBout(bout))

    def relabel(self, bout: Bout, behavior: str) -> None:
        """Give a bout another behavior."""
        self.do(Relabel(bout, behavior))

    def set_target(self, bout: Bout, target: Id | None) -> None:
        """Direct a bout at another individual, or none."""
        self.do(SetTarget(bout, target))

    def set_note(self, bout: Bout, note: str) -> None:
        """Write a remark on a bout."""
        self.do(SetNote(bout, note))

    def accept(self, bout: Bout) -> None:
        """Make an automated bout a curated one."""
        self.do(Accept(bout))

    def rename_individual(self, individual: Id, new: Id) -> None:
        """Give an individual another id."""
        self.do(RenameIndividual(individual, new))

    def swap_individuals(self, a: Id, b: Id, start: int = 0, stop: int | None = None) -> None:
        """Exchange everything of two individuals in a range of frames."""
        self.do(SwapIndividuals(a, b, start, stop))

    def _listed(self) -> dict[int, Id]:
        return {key: self._store.ids[key] for key in sorted(self._store.listed)}

    def _notify(self) -> None:
        before, self._ids = self._ids, self._listed()
        touched = dict(self._store.touched)
        ethogram, self._store.ethogram_touched = self._store.ethogram_touched, False
        self._store.touched.clear()
        change = change_between(before, self._ids, touched, self._stop_of, ethogram=ethogram)
        if change != AnnotationChange({}):
            for callback in tuple(self._callbacks):
                callback(change)

    def _stop_of(self, key: int) -> int:
        return max((self._store.span(lane)[1] for lane in self._store.lanes_of(key)), default=0)
