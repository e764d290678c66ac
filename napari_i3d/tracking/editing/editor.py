"""Correct tracklets by hand, with undo: `TrackingEditor`."""
# ruff: noqa: A002

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_i3d._utils.history import History, Step
from napari_i3d._utils.own_steps import OwnSteps
from napari_i3d.individuals import Id
from napari_i3d.tracking.editing.box_edits import Clip, DeleteBoxes, Interpolate, SetBox, Turn
from napari_i3d.tracking.editing.box_store import KEY_FRAME, BoxStore
from napari_i3d.tracking.editing.identity_edits import Assign, Delete, Merge, Rename, Split, Swap
from napari_i3d.tracking.editing.tracking_change import TrackingChange, change_between
from napari_i3d.tracking.editing.tracking_edit import TrackingEdit, free_id, known_key, span_of
from napari_i3d.tracking.origin import Origin
from napari_i3d.tracking.tracklets import Tracking

_Edit = TypeVar("_Edit", bound=TrackingEdit)


@dataclass(frozen=True)
class _Done:
    editor: "TrackingEditor"
    edit: TrackingEdit


class TrackingEditor:
    """Corrects a tracking step by step; every step can be undone and redone.

    Frame ranges are half-open; a `stop` of None is the end of the boxes. A correction that cannot be done raises
    `TrackingError`, names what is in the way, and changes nothing. An individual without boxes is removed, and
    returns to its old place in the order if the step is undone or it gets a box again.

    Parameters
    ----------
    tracking
        The tracking to correct; it is not changed itself. None: without individuals.
    history
        Where the steps go; editors can share one. Default: a history of its own.
    edited
        Whether the tracking was corrected by hand before.
    saved
        The tracking as it is in its file. Default: `tracking`; if given, `tracking` counts as not saved.
    """

    def __init__(
        self,
        tracking: Tracking | None = None,
        history: History | None = None,
        *,
        edited: bool = False,
        saved: Tracking | None = None,
    ) -> None:
        self._tracking = Tracking(()) if tracking is None else tracking
        self._saved = self._tracking if saved is None else saved
        self._edited = edited
        self._store = BoxStore(self._tracking)
        self._version = self._store.version
        self._ids = {key: individual for individual, key in self._store.keys.items()}
        self._callbacks: list[Callable[[TrackingChange], None]] = []
        self._along: Callable[[Any], Any] | None = None
        self.history = History() if history is None else history
        self.history.connect(self._notify)
        self._own = OwnSteps(self.history, self._is_own, saved=saved is None)

    @property
    def tracking(self) -> Tracking:
        """The tracking as it is now; it shares the tracklets that were not changed."""
        if self._version != self._store.version:
            tracklets = (self._store.tracklet(key) for key in sorted(self._store.ids))
            self._tracking = Tracking((one for one in tracklets if one is not None), self._tracking.origin)
            self._version = self._store.version
        return self._tracking

    @property
    def keys(self) -> dict[Id, int]:
        """A number for each individual, ascending, that is kept if it is renamed, removed or restored."""
        return self._store.keys

    @property
    def edited(self) -> bool:
        """Whether the tracking was corrected, before or in this editor."""
        return self._edited or self.serial != 0

    @property
    def n_corrections(self) -> int:
        """The number of corrections that are done."""
        return sum(len(self.edits_of(step)) for step in self.history.steps[: self.history.position])

    @property
    def serial(self) -> int:
        """A number that stands for the present boxes, whatever other editors of the history do; 0: not corrected."""
        return self._own.serial

    @property
    def is_saved(self) -> bool:
        """Whether the boxes are those of the last `mark_saved`, or of the beginning."""
        return self._own.is_saved

    @property
    def saved(self) -> Tracking:
        """The tracking at the last `mark_saved`, or at the beginning."""
        return self._saved

    def mark_saved(self, origin: Origin | None = None) -> None:
        """Note that the boxes were saved, to a file of this origin; the next correction begins a new step."""
        self._saved = self._tracking = Tracking(self.tracking.values(), origin)
        self._own.mark_saved()

    def unsaved_steps(self) -> list[Step] | None:
        """Return the steps with corrections since the boxes were saved; None if saved ones were undone."""
        return self._own.unsaved()

    def key_frames(self, individual: Id) -> NDArray[np.int64]:
        """Return the frames, ascending, in which an individual's box was set by hand.

        Raises
        ------
        TrackingError
            There is no such individual.
        """
        key = known_key(self._store, individual)
        start, stop = span_of(self._store, key)
        return np.flatnonzero(self._store.marks(key, start, stop) == KEY_FRAME) + start

    def set_by_hand(self, frame: int) -> frozenset[Id]:
        """Return the individuals whose box in a frame was set by hand."""
        return frozenset(self._store.ids[key] for key in self._store.key_frames_at(frame))

    def describe(self, edit: TrackingEdit) -> str:
        """Describe what a correction would do, with defaults filled in.

        Raises
        ------
        TrackingError
            It cannot be done.
        """
        return self.complete(edit).words

    def complete(self, edit: _Edit) -> _Edit:
        """Return a correction with the defaults filled in that `do` would fill in.

        Raises
        ------
        TrackingError
            It cannot be done.
        """
        return edit.plan(self._store)[0]

    def unused_id(self, individual: Id) -> Id:
        """Return an id for a new individual, as `split` makes it from that of an individual."""
        return free_id(self._store, individual)

    def do(self, edit: _Edit, merge: Hashable = None) -> _Edit:
        """Apply a correction.

        Parameters
        ----------
        edit
            The correction.
        merge
            Consecutive corrections with an equal `merge` are one step, such as those of a drag; see `History.do`.

        Returns
        -------
        TrackingEdit
            The correction with defaults filled in.

        Raises
        ------
        TrackingError
            It cannot be done; nothing is changed.
        """
        if self._along is not None:
            along, self._along = self._along, None
            try:
                return along(edit) if merge is None else self.do(edit, merge)
            finally:
                self._along = along
        done, changes = edit.plan(self._store)
        self.history.do(done.words, changes, _Done(self, done), merge)
        return done

    def carry_along(self, do: Callable[[Any], Any] | None) -> None:
        """Let a function apply all corrections but those of drags; it calls `do`, and changes more in the same step.

        Parameters
        ----------
        do
            Takes a correction, returns it with defaults filled in. None: corrections change the boxes only.
        """
        self._along = do

    def group(self, words: str = "") -> AbstractContextManager[None]:
        """Make all corrections in the block one step; after an exception, none of them is done."""
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

    def connect(self, callback: Callable[[TrackingChange], None]) -> Callable[[], None]:
        """Call a function after every step, undo and redo; return a function that disconnects it."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def edits_of(self, step: Step) -> list[TrackingEdit]:
        """Return the corrections of this editor in a step, in order."""
        return [done.edit for done in step.commands if isinstance(done, _Done) and done.editor is self]

    def set_box(
        self, id: Id, frame: int, box: Sequence[float] | NDArray[np.float64], *, merge: Hashable = None
    ) -> None:
        """Set a box [left, upper, right, lower] in pixels; its frame becomes a key frame. An unknown id is added.

        With an equal `merge`, consecutive calls are one step, as for a drag.
        """
        self.do(SetBox(id, frame, box), merge)

    def delete_boxes(self, id: Id, start: int, stop: int | None = None) -> None:
        """Delete the boxes of an individual in a range of frames."""
        self.do(DeleteBoxes(id, start, stop))

    def interpolate(self, id: Id, start: int, stop: int) -> None:
        """Replace the boxes between `start` and ``stop - 1`` by linear interpolation of these two."""
        self.do(Interpolate(id, start, stop))

    def clip(self, id: Id, start: int, stop: int, size: tuple[int, int]) -> None:
        """Clip boxes that are partly outside to the image; `size` is its width and height in pixels."""
        self.do(Clip(id, start, stop, size))

    def turn(self, id: Id, start: int, stop: int) -> None:
        """Exchange the sides of inverted boxes."""
        self.do(Turn(id, start, stop))

    def swap(self, a: Id, b: Id, start: int = 0, stop: int | None = None) -> None:
        """Exchange the boxes of two individuals in a range of frames."""
        self.do(Swap(a, b, start, stop))

    def assign(self, id: Id, to: Id, start: int = 0, stop: int | None = None, replace: bool = False) -> None:
        """Assign the boxes of an individual in a range of frames to another or a new one.

        If `to` has boxes in the same frames, this is an error, unless `replace`: then these are deleted.
        """
        self.do(Assign(id, to, start, stop, replace))

    def split(self, id: Id, frame: int) -> Id:
        """Make a new individual of the boxes from a frame on; return its id."""
        new = self.do(Split(id, frame)).new
        return id if new is None else new

    def merge(self, into: Id, other: Id, replace: bool = False) -> None:
        """Assign all boxes of `other` to `into`.

        If both have boxes in the same frames, this is an error, unless `replace`: then those of `other` stay.
        """
        self.do(Merge(into, other, replace))

    def rename(self, id: Id, new: Id) -> None:
        """Rename an individual; the new id must be unused."""
        self.do(Rename(id, new))

    def delete(self, id: Id) -> None:
        """Delete an individual with all its boxes."""
        self.do(Delete(id))

    def _is_own(self, step: Step) -> bool:
        return any(isinstance(done, _Done) and done.editor is self for done in step.commands)

    def _notify(self) -> None:
        before, self._ids = self._ids, {key: individual for individual, key in self._store.keys.items()}
        touched = dict(self._store.touched)
        self._store.touched.clear()
        change = change_between(before, self._ids, touched, lambda key: span_of(self._store, key)[1])
        if change != TrackingChange({}):
            for callback in tuple(self._callbacks):
                callback(change)
