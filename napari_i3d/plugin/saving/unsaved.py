"""Unsaved corrections of all videos of a viewer, for the question before it is closed."""

from napari_i3d._utils.text import counted
from napari_i3d.plugin.saving.box_saving import save_video
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo


class UnsavedCorrections:
    """The corrections that are not in a file.

    Parameters
    ----------
    session
        The viewer's session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def describe(self) -> list[str]:
        """Return a line for each video with unsaved corrections."""
        return [_describe(tracked) for tracked in self._videos()]

    def save(self) -> bool:
        """Save all, asking for files where there are none yet; return False if one was not saved."""
        return all(save_video(self._session, tracked) for tracked in self._videos() if tracked.tracking) and not any(
            tracked.tracking for tracked in self._videos()
        )

    def discard(self) -> None:
        """Give all up; nothing of them is offered again."""
        for tracked in self._videos():
            self._session.recovery.discard(tracked)

    def _videos(self) -> list[TrackedVideo]:
        return [tracked for tracked in self._session.videos if not tracked.is_saved]


def _describe(tracked: TrackedVideo) -> str:
    steps = tracked.editor.unsaved_steps()
    if not steps:  # steps that had been saved were undone
        return f"{tracked.name}: the boxes as they are now are not saved."
    return f"{tracked.name}: {counted(len(steps), 'correction')} {'is' if len(steps) == 1 else 'are'} not saved."
