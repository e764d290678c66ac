"""The Extract dock: settings, an estimate, Run, Cancel and Discard, and the result."""

from dataclasses import replace
from pathlib import Path

import napari
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QTimer
from qtpy.QtGui import QPaintEvent
from qtpy.QtWidgets import QToolButton, QVBoxLayout, QWidget

from napari_i3d.backbones.pretrained import SOURCES
from napari_i3d.batch.events import VideoSkipped
from napari_i3d.errors import NapariI3DError
from napari_i3d.extraction.planning.estimate import rate_key
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.features.features import Features
from napari_i3d.plugin import preferences
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.extract_dock.extract_form import ExtractForm
from napari_i3d.plugin.extract_dock.extraction_plan import ExtractionPlan, format_files, plan_extraction
from napari_i3d.plugin.extract_dock.output_suggestion import OutputSuggestion
from napari_i3d.plugin.extract_dock.run_bar import RunBar
from napari_i3d.plugin.extract_dock.weights_offer import DownloadOffer
from napari_i3d.plugin.jobs.extract_job import Extraction, run_extraction
from napari_i3d.plugin.jobs.file_jobs import run_download, run_reading
from napari_i3d.plugin.jobs.job_results import Cancelled, Failed, Result
from napari_i3d.plugin.jobs.workers import Job
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.connections import Connections
from napari_i3d.plugin.session.features_state import format_out_of_date
from napari_i3d.plugin.widgets.dialogs import Reply, ask_replace, open_dock
from napari_i3d.plugin.widgets.dock import Dock
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel
from napari_i3d.tracking.editing.tracking_change import TrackingChange

_CHOICES, _RATES = "extract", "seconds_a_chunk"
_NO_VIDEO = "Open a video first: File > Open, or drop it here.\nIts tracking file can be dropped along with it."
_BUSY = "Another process is working on this features file; press Run again when that has ended."
# Estimates wait until the user has stopped clicking.
_SETTLE_MS = 150
# Corrections of the boxes come one after another, and the plan of a long video takes as long as one of them.
_CORRECTED_MS = 700


class ExtractWidget(Dock):
    """Extracts features of the individuals chosen, in a thread of its own."""

    NAME = "Extract features"

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        super().__init__(get_session(napari_viewer))
        self._run_links = Connections()
        self.destroyed.connect(self._run_links.close)
        self._running: ExtractionPlan | None = None
        self._planned: ExtractionPlan | None = None
        self._outputs = OutputSuggestion()
        self.form = ExtractForm()
        self.form.show(ExtractionOptions.from_dict(preferences.recall(_CHOICES)))
        self.more = QToolButton()
        self.offer = DownloadOffer()
        self.estimate_label = TextLabel()
        self.bar = RunBar(self.workers)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._outdated = False  # while out of view
        self._build()
        self._session.sample_mode = self.form.sample_mode.value
        self.links.connect(self.form.changed, self._on_form)
        self.links.connect(self._session.sample_mode_changed, self._on_sample_mode)
        self._timer.timeout.connect(self._refresh)
        self.links.connect(self.bar.progress.ended, self._on_end)
        self.bar.run.clicked.connect(self._on_run)
        self.bar.discard.clicked.connect(self._on_discard)
        self.offer.button.clicked.connect(self._on_download)
        self.follow_active(
            self._on_tracked,
            video_changed=self._on_tracked,
            tracking_changed=self._on_tracking,
            chosen_changed=self._on_tracked,
            saved_changed=self._on_tracked,
            out_of_date_changed=self._on_tracked,
        )

    def _build(self) -> None:
        self.more.setCheckable(True)
        self.more.setStyleSheet("QToolButton { border: none; background: transparent; padding: 4px 0; }")
        self.more.toggled.connect(self._show_more)
        self._show_more(False)
        content = QWidget()
        layout = QVBoxLayout(content)
        margins = layout.contentsMargins()
        fill(layout, self.form.everyday, self.more, self.form.more, None).setContentsMargins(margins)
        # Below what scrolls: Run and what it would do are seen however low the dock is.
        below = fill(QVBoxLayout(), self.offer, self.estimate_label, self.bar)
        below.setContentsMargins(margins)
        self.set_content(content).addLayout(below)

    def _show_more(self, unfolded: bool) -> None:
        self.more.setText(f"{'▾' if unfolded else '▸'}  More settings")
        self.form.more.setVisible(unfolded)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Refresh the estimate when the dock comes into view."""
        super().paintEvent(event)
        if self._outdated:
            self._outdated = False
            self._timer.start(_SETTLE_MS)

    def _on_tracking(self, change: TrackingChange | None = None) -> None:
        if change is None or not change.ranges:
            self._on_tracked()
        elif self.isVisible() and self.visibleRegion().isEmpty():
            self._outdated = True  # to Qt, a dock behind another tab is visible
        else:
            self._timer.start(_CORRECTED_MS)

    def _on_tracked(self) -> None:
        tracked = self._session.active
        self.form.show_size(tracked.boxes_size if tracked is not None else None)
        self._suggest_output()
        self._timer.start(_SETTLE_MS)

    def _on_sample_mode(self) -> None:
        self.form.sample_mode.value = self._session.sample_mode

    def _on_form(self) -> None:
        self._session.sample_mode = self.form.sample_mode.value
        tracked, (width, height) = self._session.active, self.form.size
        if tracked is not None and (width is None) == (height is None):
            # One place for it: boxes are drawn in the same size that they are cropped in.
            tracked.boxes_size = (width, height) if width and height else None
        self._suggest_output()
        self._timer.start(_SETTLE_MS)

    def _suggest_output(self) -> None:
        shown, ending = Path(str(self.form.output.value)), self.form.ending.value.strip() or ".npy"
        suggested = self._outputs.suggest(self._session.active, ending, shown)
        if shown != suggested:
            self.form.output.value = suggested

    def _plan(self) -> ExtractionPlan | None:
        """Return what Run would do; None if there is no video.

        Raises
        ------
        NapariI3DError
            It cannot be run.
        """
        if self._session.active is None:
            return None
        output = Path(str(self.form.output.value))
        return plan_extraction(self._session.active, self.form.options(), output, preferences.recall(_RATES))

    def _refresh(self) -> None:
        """Show what Run would do, or why it cannot."""
        try:
            plan, problem = self._plan(), ""
        except NapariI3DError as error:
            plan, problem = None, dock_text(error)
        missing = plan is not None and plan.request.options.weights_missing
        idle = self.bar.progress.worker is None
        self.offer.show_for(str(plan.request.options.weights) if plan is not None and missing else None)
        self.estimate_label.setText(plan.describe() if plan is not None else problem or _NO_VIDEO)
        self.bar.run.setEnabled(plan is not None and not missing and idle)
        self.bar.discard.setVisible(plan is not None and idle and plan.partial_folder.is_dir())
        self.bar.cancel.setEnabled(self.bar.progress.stoppable)
        self.offer.button.setEnabled(idle)
        self._planned = plan

    def _on_run(self) -> None:
        try:
            plan = self._plan()
        except NapariI3DError as error:
            show_error(dock_text(error))
            return
        if plan is not None and self.bar.progress.worker is None:
            preferences.remember(_CHOICES, plan.request.options.as_dict())
            self._extract(plan)

    def _extract(self, plan: ExtractionPlan) -> None:
        self._running = plan
        self._run_links.connect(plan.tracked.video_changed, self._on_running_video)
        self._start(run_extraction, plan.request, text=f"features of {plan.request.video.name}")

    def _on_discard(self) -> None:
        """Remove what an interrupted run kept, unless another process is working on it."""
        plan = self._planned
        if plan is None or self.bar.progress.worker is not None:
            return
        try:
            text = "The chunks computed before were removed." if plan.discard_kept() else _BUSY
        except NapariI3DError as error:
            text = dock_text(error)
        self.bar.progress.finish(text)
        self._refresh()

    def _on_download(self) -> None:
        source = SOURCES[str(self.form.options().weights)]
        if self.bar.progress.worker is None and self.offer.license_accepted(source):
            self._start(run_download, source.name, text="download of weights")

    def _start(self, job: Job, *arguments: object, text: str) -> None:
        self.bar.progress.start(job, *arguments, text=text)
        self._refresh()

    def close_warning(self) -> str:
        """Return what closing the viewer now would lose; empty if nothing."""
        if not self.bar.progress.stoppable:
            return ""
        if self._running is None:
            return "The weights are being downloaded; the download would have to start again."
        return self._running.describe_loss(self.bar.status.text())

    def _on_running_video(self) -> None:
        if self._running is not None and self._running.tracked.video is None:
            self.bar.progress.stop()

    def _on_end(self, result: Result) -> None:
        plan, self._running = self._running, None
        self._run_links.close()
        if isinstance(result, Cancelled):
            kept = plan.describe_kept() if plan is not None else ""
            what = f"{kept}: Run resumes after them, Discard removes them" if kept else "nothing was saved"
            self.bar.progress.finish(f"Cancelled; {what}.")
        elif isinstance(result, Failed):
            self.bar.progress.finish(result.message)
            show_error(result.message)
        elif plan is None:
            self.bar.progress.finish("The weights were downloaded and checked.")
        elif isinstance(result.value, VideoSkipped):
            self._on_existing(plan, result.value)
        elif isinstance(result.value, Features):
            self._plot(plan, result.value, f"{plan.request.output.name} was up to date.")
        else:
            self._on_extracted(plan, result.value)
        self._refresh()

    def _on_existing(self, plan: ExtractionPlan, skipped: VideoSkipped) -> None:
        """Show why nothing was computed; ask what to do about an existing result."""
        if not skipped.existing:
            text = _BUSY if skipped.busy else dock_text(skipped.reason)
            self.bar.progress.finish(text)
            show_error(text)
            return
        about = f", made {skipped.difference}" if skipped.difference else " and, as far as can be told, is up to date"
        can_plot = plan.request.options.layout.one_file and not skipped.difference
        reply = ask_replace(self, skipped.existing, about, can_plot)
        if reply is Reply.REPLACE:
            options = replace(plan.request.options, overwrite=True)
            self._extract(replace(plan, request=replace(plan.request, options=options)))
        elif reply is Reply.PLOT:
            self._running = plan.with_output(skipped.existing[0])
            self._start(run_reading, skipped.existing[0], text=f"reading {skipped.existing[0].name}")
        else:
            self.bar.progress.finish(f"{format_files(skipped.existing)} stays as it is.")

    def _on_extracted(self, plan: ExtractionPlan, extraction: Extraction) -> None:
        if extraction.chunk_s is not None:
            rates = preferences.recall(_RATES)
            key = rate_key(plan.request.options.settings)
            preferences.remember(_RATES, rates | {key: extraction.chunk_s})
        if extraction.unsaved:
            where = " The features are in memory: save them with the Plot dock." if plan.is_current else ""
            text = f"{extraction.unsaved}.{where}" if where else extraction.unsaved
        else:
            remarks = f" ({'; '.join(extraction.remarks)})" if extraction.remarks else ""
            plan = plan.with_output(extraction.paths[0])  # which may be a store
            text = f"Saved {format_files(extraction.paths)} in {extraction.paths[0].parent}.{remarks}"
        self._plot(plan, extraction.features, text, bool(extraction.unsaved))

    def _plot(self, plan: ExtractionPlan, features: Features, text: str, unsaved: bool = False) -> None:
        """Show features, if they are still those of the video in the viewer."""
        if plan.is_current:
            known = plan.request.options.layout.one_file and not unsaved
            plan.tracked.set_features(features, plan.request.output if known else None, plan.request.tracking)
            old = format_out_of_date(plan.tracked.out_of_date)
            text += f" {old}: corrected while they were computed." if old else ""
            open_dock(self._session.viewer, "Plot features")
        elif plan.tracked.video is not None:
            # They would be taken for those of individuals that happen to be called the same.
            text += " They are not plotted: the video got other tracking meanwhile."
        self.bar.progress.finish(text)
        (show_error if unsaved else show_info)(text)

    def closed(self) -> None:
        """Close the dock, and disconnect from the video being extracted."""
        super().closed()
        self._run_links.close()
