"""Unsaved corrections and labels of all videos of a viewer, for the question before it is closed."""

from collections.abc import Iterator

from napari_i3d._utils.text import counted
from napari_i3d.plugin.labels.label_saving import save_labels
from napari_i3d.plugin.saving.box_saving import save_video
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo


class UnsavedWork:
    """The corrections and labels that are not in a file.

    Parameters
    ----------
    session
        The viewer's session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def describe(self) -> list[str]:
        """Return a line for each video with unsaved corrections, and for each with unsaved labels."""
        return [line for tracked in self._session.videos for line in _lines(tracked)]

    def save(self) -> bool:
        """Save all, asking for files where there are none yet; return False if something was not saved."""
        for tracked in self._session.videos:
            if not tracked.is_saved and not (tracked.tracking and save_video(self._session, tracked)):
                return False
            if not tracked.labels.editor.is_saved and not save_labels(self._session, tracked):
                return False
        return not self.describe()

    def discard(self) -> None:
        """Give all up; nothing of it is offered again."""
        for tracked in self._session.videos:
            if not tracked.is_saved:
                self._session.recovery.discard(tracked)
            if not tracked.labels.editor.is_saved:
                self._session.recovery.discard_labels(tracked)


def _lines(tracked: TrackedVideo) -> Iterator[str]:
    if not tracked.is_saved:
        steps = tracked.editor.unsaved_steps()
        yield _describe(tracked, "the boxes", "correction", len(steps or ()))
    if not tracked.labels.editor.is_saved:
        steps = tracked.labels.editor.unsaved_steps()
        yield _describe(tracked, "the labels", "change of labels", len(steps or ()))


def _describe(tracked: TrackedVideo, what: str, step: str, count: int) -> str:
    if not count:  # steps that had been saved were undone
        return f"{tracked.name}: {what} as they are now are not saved."
    counts = counted(count, step) if step != "change of labels" else f"{counted(count, 'change')} of labels"
    return f"{tracked.name}: {counts} {'is' if count == 1 else 'are'} not saved."
