"""Label while the video plays: bouts that begin with one key press and end with another."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from napari_i3d.annotations.editing.editor import AnnotationEditor
from napari_i3d.annotations.editing.painting import Add, Erase
from napari_i3d.individuals import Id


@dataclass(frozen=True)
class OpenBout:
    """A bout that has begun and not ended.

    Attributes
    ----------
    individual, behavior, target
        What is labelled.
    frame
        Where it began.
    erases
        Whether the behavior is erased instead.
    """

    individual: Id
    behavior: str
    frame: int
    target: Id | None = None
    erases: bool = False

    def edit_until(self, frame: int) -> Add | Erase:
        """Return the edit if the bout ends with a frame, which may be before its first one."""
        start, stop = min(self.frame, frame), max(self.frame, frame) + 1
        if self.erases:
            return Erase(self.individual, start, stop, self.behavior)
        return Add(self.individual, self.behavior, start, stop, self.target)


class OpenBouts:
    """The open bouts of an editor; each becomes one step of the history when it ends.

    While bouts are open, they are in the annotation up to the frame last shown. Open bouts of exclusive behaviors of
    the same individual end each other.

    An edit of others in between, of labels or boxes, and undo or redo end them as they are in the annotation then: who
    was which individual, or what lies below, may be another thing since.

    Parameters
    ----------
    editor
        The editor.
    """

    def __init__(self, editor: AnnotationEditor) -> None:
        self._editor = editor
        self._open: dict[tuple[Id, str], OpenBout] = {}
        self._key: object = object()
        self._reached = 0  # the frame that the open bouts went on to
        # The state of the history after the last change of our own; None during one.
        self._left: tuple[int, bool] | None = self._state()

    @property
    def bouts(self) -> tuple[OpenBout, ...]:
        """The open bouts, in the order in which they began."""
        return tuple(self._open.values()) if self._left in (None, self._state()) else ()

    def toggle(
        self, individual: Id, behavior: str, frame: int, target: Id | None = None, *, erase: bool = False
    ) -> bool:
        """Begin a bout in a frame, or end the open one with it; return whether it is open now.

        Raises
        ------
        AnnotationError
            The behavior or the frame is unknown; nothing is begun.
        """
        self._forget_others()
        if (individual, behavior) in self._open:
            self._end({(individual, behavior): frame})
            self.extend(frame)
            return False
        begun = OpenBout(individual, behavior, frame, target, erase)
        self._editor.describe(begun.edit_until(frame))
        if self._is_exclusive(begun):
            others = [
                place for place, other in self._open.items() if place[0] == individual and self._is_exclusive(other)
            ]
            self._end({place: self._beside(frame, self._open[place].frame) for place in others})
        self._open[individual, behavior] = begun
        self.extend(frame)
        return True

    def extend(self, frame: int) -> None:
        """Let all open bouts go on to a frame, or, after a step back, end there."""
        self._forget_others()
        self._reached = frame
        if self._open:
            with self._own_change(), self._editor.history.retake(self._key):
                for bout in self._open.values():
                    self._editor.do(bout.edit_until(frame))

    def end(self, frame: int | None = None) -> None:
        """End all open bouts with a frame; None: the one that they went on to."""
        self._forget_others()
        self._end(dict.fromkeys(self._open, self._reached if frame is None else frame))

    def _state(self) -> tuple[int, bool]:
        history = self._editor.history
        return history.serial, history.can_retake(self._key)

    def _forget_others(self) -> None:
        """Forget the open bouts if anything else was done since: they cannot be taken back and drawn again."""
        if self._left not in (None, self._state()):
            self._open.clear()
            self._key = object()
            self._left = self._state()

    @contextlib.contextmanager
    def _own_change(self) -> Iterator[None]:
        self._left = None
        try:
            yield
        finally:
            self._left = self._state()

    def _is_exclusive(self, bout: OpenBout) -> bool:
        return self._editor.ethogram.at(bout.behavior).exclusive and not bout.erases

    def _beside(self, frame: int, begin: int) -> int | None:
        # The last frame of a bout that another ends, forward or backward; None if nothing is left of it.
        return None if frame == begin else frame - 1 if begin < frame else frame + 1

    def _end(self, frames: Mapping[tuple[Id, str], int | None]) -> None:
        if not frames:
            return
        # Take the open ones back, so that those that end are steps of their own, before those that go on.
        with self._own_change():
            with self._editor.history.retake(self._key):
                pass
            self._key = object()
            for place, frame in frames.items():
                bout = self._open.pop(place)
                if frame is not None:
                    self._editor.do(bout.edit_until(frame))
