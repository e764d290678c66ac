"""Keeps unsaved corrections of all videos in recovery files, and offers those that a crash left."""

import contextlib
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow

from napari_i3d._utils.text import counted
from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.jobs.job_results import Done, Failed, Progress, Result
from napari_i3d.plugin.jobs.recovery_job import RecoveryOffer, run_reading_recovery, run_restoring
from napari_i3d.plugin.jobs.workers import Workers, run_in_thread
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.saving.recovery_bar import RecoveryBar, add_bar, ask_discard
from napari_i3d.plugin.session.layer_sources import TrackingSource
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.projects.recovery import RecoveryFile, find_recovery_files
from napari_i3d.tracking.editing.editor import TrackingEditor
from napari_i3d.tracking.editing.tracking_change import TrackingChange

SAVE_MS = 5000
"""Unsaved corrections are written this long after the first of them."""
# A video and its tracking are opened one after the other.
_SEARCH_MS = 300
_BLOCKED = "There are other corrections by now: undo or save them first"


class RecoveryController(QObject):
    """Keeps and offers unsaved corrections.

    Parameters
    ----------
    session
        The viewer's session.
    window
        Its window. It is not held, and with it the viewer.
    """

    def __init__(self, session: Session, window: QMainWindow) -> None:
        super().__init__()
        self._session = session
        self._videos: dict[TrackedVideo, VideoRecovery] = {}
        self._offers: list[tuple[TrackedVideo, RecoveryOffer]] = []
        self._restoring: tuple[TrackedVideo, RecoveryOffer, TrackingEditor] | None = None
        self._searching: list[TrackedVideo] = []
        self._writes: list[Future[bool]] = []
        self._reported = ""
        self._dock: QDockWidget | None = None
        self.bar: RecoveryBar | None = None
        self.workers = Workers()
        window.destroyed.connect(self.workers.end)
        self._save_timer, self._search_timer = QTimer(self), QTimer(self)
        for timer, wait_ms, slot in (
            (self._save_timer, SAVE_MS, self.save),
            (self._search_timer, _SEARCH_MS, self._search),
        ):
            timer.setSingleShot(True)
            timer.setInterval(wait_ms)
            timer.timeout.connect(slot)
        session.videos_changed.connect(self._on_videos)
        self._on_videos()

    @property
    def offering(self) -> bool:
        """Whether the bar offers corrections."""
        return bool(self._offers)

    def save(self) -> None:
        """Write all corrections that are not written yet, in another thread."""
        ended = [write for write in self._writes if write.done()]
        self._writes = [write for write in self._writes if write not in ended]
        for write in ended:
            error = write.exception()
            if isinstance(error, NapariI3DError):
                self._report(error)
        for video in self._videos.values():
            work = video.file.prepare()
            if work is not None:
                self._writes.append(run_in_thread(work))
        if self._writes:
            self._save_timer.start()  # to see whether they succeed

    def discard(self, tracked: TrackedVideo) -> None:
        """Give up the unsaved corrections of a video: remove its recovery file, and make no other one."""
        if tracked in self._videos:
            self._videos[tracked].give_up()

    def file_of(self, tracked: TrackedVideo) -> RecoveryFile:
        """Return the recovery file of a video."""
        return self._videos[tracked].file

    def on_work(self, tracked: TrackedVideo) -> None:
        """Note that a video was corrected."""
        if not self._save_timer.isActive():
            self._save_timer.start()
        if self._offers and self._offers[0][0] is tracked:
            self._show_offer()

    def search(self, tracked: TrackedVideo) -> None:
        """Look soon for what a crashed session left of a video."""
        self._offers = [offer for offer in self._offers if offer[0] is not tracked]
        self._show_offer()
        if tracked not in self._searching:
            self._searching.append(tracked)
        self._search_timer.start()

    def _on_videos(self) -> None:
        for tracked in [tracked for tracked in self._videos if tracked not in self._session.videos]:
            self._videos.pop(tracked).close()
            self._offers = [offer for offer in self._offers if offer[0] is not tracked]
            self._show_offer()
        for tracked in self._session.videos:
            if tracked not in self._videos:
                self._videos[tracked] = VideoRecovery(tracked, self)

    def _search(self) -> None:
        searching, self._searching = self._searching, []
        for tracked in searching:
            if tracked not in self._videos or tracked.editor.serial:
                continue
            paths = find_recovery_files(tracked.video.path if tracked.video else None, tracked.tracking_path)
            if paths:
                base = tracked.editor.tracking
                self.workers.start(run_reading_recovery, tracked.editor, paths, base, on_end=self._on_found)

    def _on_found(self, result: Result) -> None:
        if not isinstance(result, Done):
            return
        editor, offers = result.value
        tracked = next((tracked for tracked in self._videos if tracked.editor is editor), None)
        if tracked is not None:
            self._offers += [(tracked, offer) for offer in offers]
            self._show_offer()

    def _show_offer(self) -> None:
        if not self._offers:
            if self._dock is not None:
                self._dock.hide()
            return
        if self.bar is None or self._dock is None:
            self.bar = RecoveryBar()
            self.bar.restored.connect(self._on_restore)
            self.bar.discarded.connect(self._on_discard)
            self.bar.postponed.connect(self._on_later)
            self._dock = add_bar(self._session.viewer.window._qt_window, self.bar)
        tracked, offer = self._offers[0]
        self.bar.show_offer(offer.describe(tracked.name), not offer.problem)
        self.bar.show_blocked(_BLOCKED if tracked.editor.serial else "")
        self._dock.show()

    def _next_offer(self) -> None:
        self._offers = self._offers[1:]
        self._show_offer()

    def _on_restore(self) -> None:
        tracked, offer = self._offers[0]
        if self.bar is None or self._restoring is not None or tracked.editor.serial:
            return
        self.bar.show_busy(True)
        self._restoring = tracked, offer, tracked.editor
        self.workers.start(run_restoring, offer, on_end=self._on_restored, on_progress=self._on_progress)

    def _on_progress(self, progress: Progress) -> None:
        if self.bar is not None and self._restoring is not None and progress.total:
            self.bar.text.setText(f"Restoring {progress.done:,} of {counted(progress.total, 'step')}…")

    def _on_restored(self, result: Result) -> None:
        restoring, self._restoring = self._restoring, None
        if restoring is None:
            return
        tracked, offer, editor = restoring
        if isinstance(result, Failed):
            failed = replace(offer, problem=result.message, base=None)
            self._offers = [(tracked, failed) if other is offer else (who, other) for who, other in self._offers]
        elif isinstance(result, Done) and tracked.editor is editor and editor.serial == 0:
            self._offers = [found for found in self._offers if found[1] is not offer]
            tracked.restore(_source_of(tracked.source, offer), result.value)
            self._replace_file(tracked, offer)
        self._show_offer()

    def _replace_file(self, tracked: TrackedVideo, offer: RecoveryOffer) -> None:
        """Write the restored corrections as those of this session, then remove the file of the crashed one."""
        try:
            self.file_of(tracked).save()
            offer.path.unlink(missing_ok=True)
        except NapariI3DError as error:
            self._report(error)
        except OSError:
            pass  # offered again the next time
        show_info(f"{tracked.name}: the corrections are restored; they are not saved yet.")

    def _on_discard(self) -> None:
        tracked, offer = self._offers[0]
        if self.bar is None or not ask_discard(self.bar, offer.describe(tracked.name)):
            return
        with contextlib.suppress(OSError):
            self._offers[0][1].path.unlink(missing_ok=True)
        self._next_offer()

    def _on_later(self) -> None:
        self._next_offer()

    def _report(self, error: NapariI3DError) -> None:
        text = f"Unsaved corrections cannot be kept for the case of a crash: {dock_text(error)}. Save them."
        if text != self._reported:  # once: it is tried again every few seconds
            self._reported = text
            show_error(text)


class VideoRecovery:
    """The recovery file of one video, which follows its boxes."""

    def __init__(self, tracked: TrackedVideo, controller: RecoveryController) -> None:
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
        self.file = RecoveryFile(tracked.editor, *self._files(), keep_base=self._keep_base)
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


def _source_of(source: TrackingSource | None, offer: RecoveryOffer) -> TrackingSource | None:
    """Return the boxes that corrections were made of, as a source."""
    base = offer.base
    if offer.recovery is None or base is None or offer.recovery.base is None:
        return source
    if source is None:
        return TrackingSource(base, None)
    return replace(source, tracking=base, keypoints=None, first_choices=None, detected=None, held=False)
