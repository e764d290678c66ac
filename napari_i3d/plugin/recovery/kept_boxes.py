"""Keeps the unsaved corrections of one video in its recovery file."""

import secrets
import weakref
from pathlib import Path
from typing import Protocol

from napari.utils.notifications import show_error, show_info

from napari_i3d._utils.history import History
from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.projects.recovery import RecoveryFile
from napari_i3d.tracking.editing.tracking_change import TrackingChange

_sessions: "weakref.WeakKeyDictionary[History, str]" = weakref.WeakKeyDictionary()


class Controller(Protocol):
    """Writes recovery files, and looks for those of crashed sessions."""

    def on_work(self, tracked: TrackedVideo) -> None:
        """Note that a video was corrected or labelled."""

    def search(self, tracked: TrackedVideo) -> None:
        """Look soon for what a crashed session left of a video."""


def session_of(history: History) -> str:
    """Return a text that tells a history from all others, also those of other sessions."""
    return _sessions.setdefault(history, secrets.token_hex(8))


class KeptBoxes:
    """The recovery file of the boxes of one video.

    Parameters
    ----------
    tracked
        The video.
    controller
        Is told when there is something to write.
    """

    def __init__(self, tracked: TrackedVideo, controller: Controller) -> None:
        self._tracked, self._controller = tracked, controller
        self._given_up = False
        self._begin()
        tracked.tracking_changed.connect(self._on_tracking)
        tracked.video_changed.connect(self._on_video)
        tracked.saved_changed.connect(self._on_saved)

    def close(self) -> None:
        """Keep what is unsaved: the video was closed."""
        self._tracked.tracking_changed.disconnect(self._on_tracking)
        self._tracked.video_changed.disconnect(self._on_video)
        self._tracked.saved_changed.disconnect(self._on_saved)
        self._end()

    def give_up(self) -> None:
        """Remove the file; the corrections are not kept any more, unless other boxes are opened."""
        self._given_up = True
        self.file.discard()

    def _begin(self) -> None:
        tracked = self._tracked
        self._editor, self._given_up = tracked.editor, False
        session = session_of(tracked.history)
        self.file = RecoveryFile(tracked.editor, *self._files(), keep_base=self._keep_base, session=session)
        self._controller.search(tracked)

    def _end(self) -> None:
        unsaved = not self._editor.is_saved and not self._given_up
        if not unsaved:
            self.file.discard()
            return
        try:
            self.file.save()
            show_info(
                f"{self._tracked.name}: corrections that are not saved are kept; they are offered when its boxes are "
                "opened again."
            )
        except NapariI3DError as error:
            show_error(f"{self._tracked.name}: corrections that are not saved are lost: {dock_text(error)}")
        self.file.close()

    @property
    def _keep_base(self) -> bool:
        source = self._tracked.source
        return source is not None and not source.in_file

    def _files(self) -> tuple[Path | None, Path | None]:
        video = self._tracked.video
        return None if video is None else video.path, self._tracked.tracking_path

    def _on_tracking(self, change: TrackingChange | None = None) -> None:
        if self._tracked.editor is not self._editor:
            self._end()
            self._begin()
        elif change is not None:
            self._given_up = False
            self._controller.on_work(self._tracked)

    def _on_video(self) -> None:
        if self._tracked.video is not None:  # a video that is closed takes its boxes along
            self._move()
            self._controller.search(self._tracked)

    def _on_saved(self) -> None:
        self._move()

    def _move(self) -> None:
        self.file.move(*self._files(), keep_base=self._keep_base)
        if not self._editor.is_saved:
            self._controller.on_work(self._tracked)
