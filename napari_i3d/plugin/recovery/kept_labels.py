"""Keeps the unsaved labels of one video in their recovery file."""

from pathlib import Path

from napari.utils.notifications import show_error, show_info

from napari_i3d.annotations.editing.changes import AnnotationChange
from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.recovery.kept_boxes import Controller, session_of
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.projects.label_recovery import LabelRecoveryFile
from napari_i3d.tracking.editing.tracking_change import TrackingChange


class KeptLabels:
    """The recovery file of the labels of one video.

    Parameters
    ----------
    tracked
        The video.
    controller
        Is told when there is something to write.
    """

    def __init__(self, tracked: TrackedVideo, controller: Controller) -> None:
        self._tracked, self._controller = tracked, controller
        self._begin()
        self._links = (
            (tracked.labels.changed, self._on_labels),
            (tracked.labels.saved_changed, self._move),
            (tracked.video_changed, self._on_video),
            (tracked.tracking_changed, self._on_tracking),
        )
        for signal, slot in self._links:
            signal.connect(slot)

    def close(self) -> None:
        """Keep what is unsaved: the video was closed."""
        for signal, slot in self._links:
            signal.disconnect(slot)
        self._end()

    def give_up(self) -> None:
        """Remove the file; the labels are not kept any more, unless they are edited further or others are opened."""
        self._given_up = True
        self.file.discard()

    def _begin(self) -> None:
        labels = self._tracked.labels
        self._editor, self._given_up = labels.editor, False
        self.file = LabelRecoveryFile(labels.editor, *self._files(), session=session_of(labels.editor.history))

    def _end(self) -> None:
        if self._editor.is_saved or self._given_up:
            self.file.discard()
            return
        try:
            self.file.save()
            show_info(
                f"{self._tracked.name}: labels that are not saved are kept; they are offered when the video is opened "
                "again."
            )
        except NapariI3DError as error:
            show_error(f"{self._tracked.name}: labels that are not saved are lost: {dock_text(error)}")
        self.file.close()

    def _files(self) -> tuple[Path | None, Path | None, Path | None]:
        video = self._tracked.video
        return None if video is None else video.path, self._tracked.tracking_path, self._tracked.labels.path

    def _on_labels(self, change: AnnotationChange | None = None) -> None:
        before = self._editor
        if self._tracked.labels.editor is before:
            if change is not None:
                self._given_up = False
                self._controller.on_work(self._tracked)
        elif self._tracked.video is None and self._tracked.tracking is None:
            self._end()  # the video is being closed, and its boxes went before it
            self._begin()
            self._given_up = True
        elif self._tracked.labels.annotation is before.annotation:
            # The same labels, beside other boxes: the new file is there before the old one goes.
            file, given_up = self.file, self._given_up
            self._begin()
            self._given_up = given_up
            if not given_up:
                self._save()
            file.discard()
        else:
            self._end()
            self._begin()
            self._controller.on_work(self._tracked)

    def _save(self) -> None:
        try:
            self.file.save()
        except NapariI3DError:
            self._controller.on_work(self._tracked)  # tried again, and reported then

    def _on_video(self) -> None:
        if self._tracked.video is not None:  # a video that is closed takes its labels along
            self._move()

    def _on_tracking(self, change: TrackingChange | None = None) -> None:
        if change is None and self._tracked.video is None and self._tracked.tracking is not None:
            self._move()

    def _move(self) -> None:
        self.file.move_to(*self._files())
        if not self._editor.is_saved and not self._given_up:
            self._controller.on_work(self._tracked)
