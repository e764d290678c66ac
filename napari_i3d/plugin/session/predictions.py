"""The bouts that a probe or another program proposes for one video, apart from its labels."""

import time
from collections.abc import Sequence

from psygnal import Signal

from napari_i3d._utils.history import History
from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.editing.annotation_edit import AnnotationEdit
from napari_i3d.annotations.editing.changes import AnnotationChange
from napari_i3d.annotations.editing.editor import AnnotationEditor
from napari_i3d.annotations.editing.ethogram_edits import RenameBehavior
from napari_i3d.annotations.proposals import Accepted, Proposals
from napari_i3d.individuals import Id

_REVIEW_S = 5.0
"""So long after a proposal was accepted or rejected, a person is likely to go on to others."""


class Predictions:
    """Proposed bouts of a video; they are never among its labels unless a person accepts them.

    They follow corrections of the boxes as labels do. What is accepted, rejected or edited is a step of the history of
    the boxes and labels. They are dropped if the boxes are replaced by others.

    Attributes
    ----------
    changed
        Signal (`AnnotationChange` or None): proposals were accepted, rejected or edited, or followed a correction;
        None: they are others, or are shown or hidden. Slots may leave the argument out.
    selected_changed
        Signal, without arguments.
    """

    changed = Signal(object)
    selected_changed = Signal()

    def __init__(self) -> None:
        self._proposals = Proposals(History())
        self._source, self._shown = "", True
        self._selected: Bout | None = None
        self._reviewed_s = float("-inf")
        self._left: dict[Id, tuple[Bout, ...]] = {}
        self._left_at: tuple[AnnotationEditor, int] | None = None

    @property
    def annotation(self) -> Annotation | None:
        """The proposed bouts that are left, with confidences; None: nothing was predicted."""
        return self._proposals.editor.annotation if self._source else None

    @property
    def editor(self) -> AnnotationEditor:
        """Holds the proposed bouts that are left. Another one after each `set`."""
        return self._proposals.editor

    @property
    def source(self) -> str:
        """What predicted them: the name of a probe or a file."""
        return self._source

    @property
    def shown(self) -> bool:
        """Whether the time line shows them."""
        return self._shown

    @shown.setter
    def shown(self, shown: bool) -> None:
        if shown != self._shown:
            self._shown = shown
            if not shown:
                self.selected = None
            self.changed.emit(None)

    @property
    def selected(self) -> Bout | None:
        """The proposal that the user selected."""
        return self._selected

    @selected.setter
    def selected(self, bout: Bout | None) -> None:
        if bout != self._selected:
            self._selected = bout
            self.selected_changed.emit()

    @property
    def in_review(self) -> bool:
        """Whether a proposal is selected, or was accepted or rejected in the last seconds."""
        return self._selected is not None or time.monotonic() - self._reviewed_s < _REVIEW_S

    def set(self, annotation: Annotation | None, source: str = "") -> None:
        """Set or remove the predictions of all individuals; bouts that were mostly rejected before are left out."""
        self._shown |= not self._source
        self._source = "" if annotation is None else source or "a program"
        self._proposals.propose(annotation or Annotation())
        self._start()

    def join(self, history: History, *, keep: bool) -> None:
        """Edit the proposals on the history of other boxes; those of boxes that were there before are dropped."""
        annotation, before = self.annotation, self._proposals
        self._proposals = Proposals(history)
        before.close()
        if keep and annotation is not None:
            self._proposals.propose(annotation)
        else:
            self._source = ""
        self._start()

    def editors(self) -> tuple[AnnotationEditor, AnnotationEditor]:
        """Return the editors of what is proposed and of what was rejected, which follow corrections of the boxes."""
        return self._proposals.editor, self._proposals.rejected

    def left(self, labels: AnnotationEditor, individual: Id) -> tuple[Bout, ...]:
        """Return the proposals of an individual that are to be reviewed; see `Proposals.left`."""
        state = labels, labels.history.serial
        if self._left_at != state:
            self._left, self._left_at = {}, state
        if individual not in self._left:
            self._left[individual] = self._proposals.left(labels, individual)
        return self._left[individual]

    def accept(self, labels: AnnotationEditor, bouts: Sequence[Bout], behavior: str | None = None) -> Accepted:
        """Make proposals curated labels; see `Proposals.accept`."""
        self._reviewed_s = time.monotonic()
        return self._proposals.accept(labels, bouts, behavior)

    def reject(self, labels: AnnotationEditor, bouts: Sequence[Bout], *, assess: bool = False) -> None:
        """Remove proposals, and remember that; see `Proposals.reject`."""
        self._reviewed_s = time.monotonic()
        self._proposals.reject(labels, bouts, assess=assess)

    def follow(self, edit: AnnotationEdit) -> None:
        """Rename a behavior of the proposals, and of what was rejected, together with that of the labels."""
        if isinstance(edit, RenameBehavior):
            for editor in self.editors():
                if edit.behavior in editor.ethogram and edit.new not in editor.ethogram:
                    editor.do(edit)

    def _start(self) -> None:
        self._left_at = None
        self.editor.connect(self._on_edited)
        self.selected = None
        self.changed.emit(None)

    def _on_edited(self, change: AnnotationChange) -> None:
        if self._selected is not None and self._selected not in self.editor.bouts_of(self._selected.individual):
            self.selected = None
        self.changed.emit(change)
