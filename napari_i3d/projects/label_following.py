"""Labels follow the corrections of boxes: what a correction of identities does to the annotation."""

import itertools
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np

from napari_i3d._utils.frame_ranges import Ranges, clip_ranges, common_ranges
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit
from napari_i3d.annotations.editing.editor import AnnotationEditor
from napari_i3d.annotations.editing.identity_edits import (
    AssignIndividual,
    DeleteIndividual,
    MergeIndividuals,
    RenameIndividual,
    SplitIndividual,
    SwapIndividuals,
)
from napari_i3d.individuals import MAX_ID, Id
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.editing.identity_edits import Assign, Delete, Merge, Rename, Split, Swap
from napari_i3d.tracking.editing.tracking_edit import TrackingEdit
from napari_i3d.tracking.tracklets import Tracking, runs

_Edit = TypeVar("_Edit", bound=TrackingEdit)


class LabelFollowing:
    """Corrects boxes so that bouts and assessed frames stay with their animals; one undo takes back both.

    Parameters
    ----------
    tracking, annotation
        The editors.
    proposals
        Returns the editors of what programs proposed, whose bouts follow too.

    Raises
    ------
    ValueError
        They do not share a history.
    """

    def __init__(
        self,
        tracking: TrackingEditor,
        annotation: AnnotationEditor,
        proposals: Callable[[], Iterable[AnnotationEditor]] = tuple,
    ) -> None:
        if tracking.history is not annotation.history:
            raise ValueError("expected editors that share a history, found two")
        self._tracking, self._annotation, self._proposals = tracking, annotation, proposals

    def do(self, edit: _Edit) -> _Edit:
        """Apply a correction of identities to boxes and labels, and any other one to the boxes.

        Parameters
        ----------
        edit
            The correction. A new individual without an id gets one that neither boxes nor labels have.

        Returns
        -------
        TrackingEdit
            The correction with defaults filled in.

        Raises
        ------
        TrackingError, AnnotationError
            It cannot be done; nothing is changed.
        """
        if isinstance(edit, Split) and edit.new is None:
            edit = type(edit)(edit.id, edit.frame, self._free_id(edit.id))
        labels, before = annotation_edit(edit, self._tracking.tracking), set(self._tracking.keys)
        with self._tracking.group(self._tracking.describe(edit)):
            done = self._tracking.do(edit)
            gone = before - set(self._tracking.keys)
            if labels is not None and _concerns(labels, self._annotation):
                self._annotation.do(labels)
            _remove_empty(gone, self._annotation)
            for editor in self._proposals():
                if labels is not None and _concerns(labels, editor):
                    _follow(labels, editor)
                _remove_empty(gone, editor)
        return done

    def _free_id(self, individual: Id) -> Id:
        others = (one for editor in self._proposals() for one in editor.individuals)
        taken = {*self._tracking.keys, *self._annotation.individuals, *others}
        if isinstance(individual, int):
            number = max(other for other in taken if isinstance(other, int)) + 1
            return number if number <= MAX_ID else next(n for n in range(MAX_ID) if n not in taken)
        return next(name for n in itertools.count(2) if (name := f"{individual}_{n}") not in taken)


def _follow(labels: AnnotationEdit, editor: AnnotationEditor) -> None:
    match labels:
        case RenameIndividual(one, new) | SplitIndividual(one, _, new) if new != one and editor.knows(new):
            # Of no animal that has boxes: it must not become a reason that boxes cannot be corrected.
            editor.do(DeleteIndividual(new))
    editor.do(labels)


def _concerns(labels: AnnotationEdit, editor: AnnotationEditor) -> bool:
    match labels:
        case SwapIndividuals(one, other) | AssignIndividual(one, other) | MergeIndividuals(one, other):
            ids = one, other
        case RenameIndividual(one) | SplitIndividual(one) | DeleteIndividual(one):
            ids = one, one
        case _:
            return False
    return any(map(editor.knows, ids))


def _remove_empty(individuals: set[Id], editor: AnnotationEditor) -> None:
    # Who lost the last box to another, and the labels with it, is no individual any more.
    for individual in individuals.intersection(editor.individuals):
        if not editor.bouts_of(individual) and not editor.assessed_of(individual):
            editor.do(DeleteIndividual(individual))


def annotation_edit(edit: TrackingEdit, tracking: Tracking) -> AnnotationEdit | None:
    """Return what a correction of boxes does to labels; None if it is not about identities.

    Parameters
    ----------
    edit
        The correction; without a `stop`, it is about all labels from `start` on, also those after the last box.
    tracking
        The boxes before the correction.
    """
    match edit:
        case Swap(a, b, start, stop):
            return SwapIndividuals(a, b, start, stop)
        case Assign(individual, to, start, stop, replace):
            both = _frames_of_both(tracking, individual, to) if replace else ()
            end = stop if stop is not None else both[-1][1] if both else start
            return AssignIndividual(individual, to, start, stop, clip_ranges(both, start, end))
        case Merge(into, other, replace):
            return MergeIndividuals(into, other, _frames_of_both(tracking, into, other) if replace else ())
        case Split(individual, frame, new) if new is not None:
            return SplitIndividual(individual, frame, new)
        case Rename(individual, new):
            return RenameIndividual(individual, new)
        case Delete(individual):
            return DeleteIndividual(individual)
    return None


def _frames_of_both(tracking: Tracking, one: Id, other: Id) -> Ranges:
    frames = []
    for individual in (one, other):
        tracklet = tracking.get(individual)
        present = np.zeros(0, bool) if tracklet is None else tracklet.present
        first = 0 if tracklet is None else tracklet.start
        frames.append(tuple((first + start, first + stop) for start, stop in runs(present)))
    return common_ranges(*frames)
