"""The labels of one video: their editor, on the history of the corrections of its boxes."""

from collections.abc import Callable, Iterable
from pathlib import Path

from psygnal import Signal

from napari_i3d.annotations.annotation import Annotation
from napari_i3d.annotations.bouts import Bout
from napari_i3d.annotations.editing.changes import AnnotationChange
from napari_i3d.annotations.editing.editor import AnnotationEditor
from napari_i3d.annotations.editing.open_bouts import OpenBouts
from napari_i3d.individuals import Id
from napari_i3d.projects.label_following import LabelFollowing
from napari_i3d.tracking.editing.editor import TrackingEditor


class Labels:
    """The annotation of a video; always there, at first empty.

    Parameters
    ----------
    proposals
        Returns the editors of what programs proposed, whose bouts follow corrections of the boxes too.

    Attributes
    ----------
    editor
        Edits the annotation. Another one whenever the annotation is opened, or the boxes are others.
    open_bouts
        The bouts that have begun and not ended.
    path
        The file of the annotation; None: none yet.
    individual
        An individual without boxes that is labelled; None: the current one is.
    changed
        Signal (`AnnotationChange` or None): the annotation was edited; None: it is another one, with a new `editor`.
        Slots may leave the argument out.
    selected_changed, saved_changed
        Signals, without arguments.
    """

    changed = Signal(object)
    selected_changed = Signal()
    saved_changed = Signal()

    def __init__(self, proposals: Callable[[], Iterable[AnnotationEditor]] = tuple) -> None:
        self._proposals = proposals
        self.path: Path | None = None
        self._seen: tuple[int, int] | None = None  # time and size of the file when it was opened or saved
        self.individual: Id | None = None
        self._boxes: TrackingEditor | None = None
        self._selected: Bout | None = None
        self._start(AnnotationEditor())

    @property
    def annotation(self) -> Annotation:
        """The annotation as it is now."""
        return self.editor.annotation

    @property
    def selected(self) -> Bout | None:
        """The bout that the user selected."""
        return self._selected

    @selected.setter
    def selected(self, bout: Bout | None) -> None:
        if bout != self._selected:
            self._selected = bout
            self.selected_changed.emit()

    def set_annotation(self, annotation: Annotation, path: Path | None, saved: Annotation | None = None) -> None:
        """Set another annotation; `saved` is it as its file has it. Default: as it is."""
        self._set_path(path)
        history = None if self._boxes is None else self._boxes.history
        self._replace(AnnotationEditor(annotation, history, saved=saved))

    def restore(self, editor: AnnotationEditor, path: Path | None, *, outdated: bool) -> None:
        """Set labels that were recovered; the editor shares the history of the boxes.

        `outdated`: the file was changed after the labels were kept.
        """
        self._set_path(path)
        if outdated:
            self._seen = None
        self._replace(editor)

    def mark_saved(self, path: Path) -> None:
        """Note that the annotation was saved to a file, which is its file from now on."""
        self._set_path(path)
        self.editor.mark_saved()
        self.saved_changed.emit()

    @property
    def is_blank(self) -> bool:
        """Whether nothing was opened or labelled yet."""
        annotation, editor = self.annotation, self.editor
        untouched = editor.is_saved and not editor.serial and self.path is None
        return untouched and not (annotation.ethogram or annotation.individuals)

    @property
    def is_changed_on_disk(self) -> bool:
        """Whether another program, or session, has changed the file since it was opened or saved."""
        return self.path is not None and _stamp(self.path) not in (None, self._seen)

    def _set_path(self, path: Path | None) -> None:
        self.path, self._seen = path, None if path is None else _stamp(path)

    def join(self, boxes: TrackingEditor) -> None:
        """Edit the annotation on the history of boxes, whose corrections take the bouts along, from now on."""
        self._boxes = boxes
        before = self.editor
        saved = None if before.is_saved else before.saved
        self._replace(AnnotationEditor(before.annotation, boxes.history, saved=saved))

    def _replace(self, editor: AnnotationEditor) -> None:
        # Steps of the labels before stay in the history, but undoing them is no change of these.
        self.editor.close()
        self._start(editor)

    def _start(self, editor: AnnotationEditor) -> None:
        self.editor, self.open_bouts = editor, OpenBouts(editor)
        self.individual = None  # it may have boxes now, or be unknown
        editor.connect(self._on_edited)
        if self._boxes is not None:
            self._boxes.carry_along(LabelFollowing(self._boxes, editor, self._proposals).do)
        self.selected = None
        self.changed.emit(None)

    def _on_edited(self, change: AnnotationChange) -> None:
        if self._selected is not None and self._selected not in self.editor.bouts_of(self._selected.individual):
            self.selected = None
        self.changed.emit(change)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
