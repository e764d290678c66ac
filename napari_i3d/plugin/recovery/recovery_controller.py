"""Keeps unsaved corrections and labels of all videos in recovery files, and offers those that a crash left."""

import contextlib
from concurrent.futures import Future
from dataclasses import replace

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow

from napari_i3d._utils.text import counted
from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.jobs.job_results import Done, Failed, Progress, Result
from napari_i3d.plugin.jobs.recovery_job import RecoveryOffer, run_reading_recovery, run_restoring
from napari_i3d.plugin.jobs.workers import Workers, run_in_thread
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.recovery.kept_boxes import KeptBoxes
from napari_i3d.plugin.recovery.kept_labels import KeptLabels
from napari_i3d.plugin.recovery.recovery_bar import RecoveryBar, add_bar, ask_discard
from napari_i3d.plugin.session.layer_sources import TrackingSource
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.projects.label_recovery import LabelRecoveryFile, find_label_recoveries
from napari_i3d.projects.recovery import RecoveryFile, find_recovery_files
from napari_i3d.tracking.editing.editor import TrackingEditor

SAVE_MS = 5000
"""Unsaved corrections are written this long after the first of them."""
# A video and its tracking are opened one after the other.
_SEARCH_MS = 300
_BLOCKED = "There are other corrections or labels by now: undo them first"


class RecoveryController(QObject):
    """Keeps and offers unsaved corrections and labels.

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
        self._videos: dict[TrackedVideo, tuple[KeptBoxes, KeptLabels]] = {}
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
        """Whether the bar offers something."""
        return bool(self._offers)

    def save(self) -> None:
        """Write everything that is not written yet, in another thread."""
        ended = [write for write in self._writes if write.done()]
        self._writes = [write for write in self._writes if write not in ended]
        for write in ended:
            error = write.exception()
            if isinstance(error, NapariI3DError):
                self._report(error)
        for kept in self._videos.values():
            works = [one.file.prepare() for one in kept]
            self._writes += [run_in_thread(work) for work in works if work is not None]
        if self._writes:
            self._save_timer.start()  # to see whether they succeed

    def discard(self, tracked: TrackedVideo) -> None:
        """Give up the unsaved corrections of a video: remove its recovery file, and make no other one."""
        if tracked in self._videos:
            self._videos[tracked][0].give_up()

    def discard_labels(self, tracked: TrackedVideo) -> None:
        """Give up the unsaved labels of a video: remove their recovery file, and make no other one."""
        if tracked in self._videos:
            self._videos[tracked][1].give_up()

    def file_of(self, tracked: TrackedVideo) -> RecoveryFile:
        """Return the recovery file of the boxes of a video."""
        return self._videos[tracked][0].file

    def label_file_of(self, tracked: TrackedVideo) -> LabelRecoveryFile:
        """Return the recovery file of the labels of a video."""
        return self._videos[tracked][1].file

    def on_work(self, tracked: TrackedVideo) -> None:
        """Note that a video was corrected or labelled."""
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
            for kept in self._videos.pop(tracked):
                kept.close()
            self._offers = [offer for offer in self._offers if offer[0] is not tracked]
            self._show_offer()
        for tracked in self._session.videos:
            if tracked not in self._videos:
                self._videos[tracked] = KeptBoxes(tracked, self), KeptLabels(tracked, self)

    def _search(self) -> None:
        searching, self._searching = self._searching, []
        for tracked in searching:
            if tracked not in self._videos or tracked.editor.serial:
                continue
            places = tracked.video.path if tracked.video else None, tracked.tracking_path
            paths = find_recovery_files(*places)
            labels = find_label_recoveries(*places) if _is_untouched(tracked) else []
            if paths or labels:
                base = tracked.editor.tracking
                self.workers.start(run_reading_recovery, tracked.editor, paths, labels, base, on_end=self._on_found)

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
        self.bar.show_blocked("" if _may_restore(tracked, offer) else _BLOCKED)
        self._dock.show()

    def _next_offer(self) -> None:
        self._offers = self._offers[1:]
        self._show_offer()

    def _on_restore(self) -> None:
        tracked, offer = self._offers[0]
        if self.bar is None or self._restoring is not None or not _may_restore(tracked, offer):
            return
        self.bar.show_busy(True)
        self._restoring = tracked, offer, tracked.editor
        self.workers.start(
            run_restoring, offer, tracked.editor, on_end=self._on_restored, on_progress=self._on_progress
        )

    def _on_progress(self, progress: Progress) -> None:
        if self.bar is not None and self._restoring is not None and progress.total:
            self.bar.text.setText(f"Restoring {progress.done:,} of {counted(progress.total, 'step')}…")

    def _on_restored(self, result: Result) -> None:
        restoring, self._restoring = self._restoring, None
        if restoring is None:
            return
        tracked, offer, editor = restoring
        if isinstance(result, Failed):
            # What one of them spoils must not cost the other.
            both = offer.corrections is not None and offer.labels is not None
            instead = offer.parts() if both else [offer.failed(result.message)]
            place = next(at for at, other in enumerate(self._offers) if other[1] is offer)
            self._offers[place : place + 1] = [(tracked, one) for one in instead]
        elif isinstance(result, Done) and tracked.editor is editor and _may_restore(tracked, offer):
            self._offers = [found for found in self._offers if found[1] is not offer]
            boxes, labels = result.value
            tracked.restore(_source_of(tracked.source, offer), boxes)
            kept = None if offer.labels is None else offer.labels.recovery
            if labels is not None and kept is not None:
                tracked.labels.restore(labels, kept.labels, outdated=kept.is_outdated)
            self._replace_files(tracked, offer)
        self._show_offer()

    def _replace_files(self, tracked: TrackedVideo, offer: RecoveryOffer) -> None:
        """Write what was restored as the work of this session, then remove the files of the crashed one."""
        try:
            for kept in self._videos[tracked]:
                kept.file.save()
            for path in offer.paths:
                path.unlink(missing_ok=True)
        except NapariI3DError as error:
            self._report(error)
        except OSError:
            pass  # offered again the next time
        show_info(f"{tracked.name}: the {offer.what} are restored; they are not saved yet.")

    def _on_discard(self) -> None:
        tracked, offer = self._offers[0]
        if self.bar is None or not ask_discard(self.bar, offer.describe(tracked.name)):
            return
        for path in offer.paths:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        self._next_offer()

    def _on_later(self) -> None:
        self._next_offer()

    def _report(self, error: NapariI3DError) -> None:
        text = f"Unsaved work cannot be kept for the case of a crash: {dock_text(error)}. Save them."
        if text != self._reported:  # once: it is tried again every few seconds
            self._reported = text
            show_error(text)


def _may_restore(tracked: TrackedVideo, offer: RecoveryOffer) -> bool:
    """Return whether nothing that was done since would be lost."""
    return not tracked.editor.serial and (offer.labels is None or _is_untouched(tracked))


def _is_untouched(tracked: TrackedVideo) -> bool:
    return tracked.labels.editor.is_saved and not tracked.labels.editor.serial


def _source_of(source: TrackingSource | None, offer: RecoveryOffer) -> TrackingSource | None:
    """Return the boxes that corrections were made of, as a source."""
    base, corrections = offer.base, None if offer.corrections is None else offer.corrections.recovery
    if corrections is None or base is None or corrections.base is None:
        return source
    if source is None:
        return TrackingSource(base, None)
    return replace(source, tracking=base, keypoints=None, first_choices=None, detected=None, held=False)
