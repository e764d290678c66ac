"""The Extract dock: settings, an estimate, Run, Cancel and Discard, and what became of it."""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import napari
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_i3d._utils.files import exclusive
from napari_i3d._utils.text import counted, format_duration
from napari_i3d.backbones.pretrained import SOURCES
from napari_i3d.batch.checkpoints import Checkpoints
from napari_i3d.batch.events import VideoSkipped
from napari_i3d.batch.output_paths import lock_path, partial_folder
from napari_i3d.errors import Message, NapariI3DError
from napari_i3d.extraction.planning.estimate import Estimate, estimate, rate_key
from napari_i3d.extraction.planning.request import ExtractionOptions
from napari_i3d.features.features import Features
from napari_i3d.features.io.layouts import shift_note
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.extract_dock.existing_question import Reply, ask_existing
from napari_i3d.plugin.extract_dock.extract_form import ExtractForm
from napari_i3d.plugin.extract_dock.run_bar import RunBar
from napari_i3d.plugin.extract_dock.weights_offer import DownloadOffer
from napari_i3d.plugin.jobs.extract_job import Extraction, ExtractionRequest, run_extraction
from napari_i3d.plugin.jobs.file_jobs import run_download, run_reading
from napari_i3d.plugin.jobs.job_results import Advance, Cancelled, Failed, Outcome, Record, Work
from napari_i3d.plugin.jobs.workers import StoppableWorker, WorkerGroup, show_advance, start
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session import preferences
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.dialogs import open_dock
from napari_i3d.plugin.widgets.dock import Connections, Dock
from napari_i3d.plugin.widgets.scroll_area import DockScrollArea
from napari_i3d.plugin.widgets.sections import Section
from napari_i3d.plugin.widgets.text_label import TextLabel

_CHOICES, _RATES = "extract", "seconds_a_chunk"
_NO_VIDEO = "Open a video first: File > Open, or drop it here.\nIts tracking file can be dropped along with it."
_BUSY = "Another process is working on this features file; press Run again when that has ended."
# Estimates wait until the user has stopped clicking.
_SETTLE_MS = 150


@dataclass(frozen=True, eq=False)
class _Plan:
    """An extraction that could be run now."""

    tracked: TrackedVideo
    request: ExtractionRequest
    estimate: Estimate

    @property
    def shift_note(self) -> Message | None:
        """What programs that count rows would shift; None if nothing."""
        options = self.request.options
        settings = options.settings
        first_frames = {chunks.id: chunks.first_frame for chunks in self.estimate.job.plan.tracklets}
        return shift_note(
            first_frames, options.layout, pad=settings.pad, frequency=settings.frequency, metadata=options.save_metadata
        )


class ExtractWidget(Dock):
    """Extracts features of the individuals chosen, in a thread of its own.

    Parameters
    ----------
    napari_viewer
        The viewer.
    """

    NAME = "Extract features"
    TAB = "Extract"

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        super().__init__()
        self._session = get_session(napari_viewer)
        self._video_links = Connections()
        self._run_links = Connections()
        self._crew = WorkerGroup()
        self.destroyed.connect(self._crew.end)  # the window may go away without closing its docks
        self.destroyed.connect(self._video_links.close)
        self.destroyed.connect(self._run_links.close)
        self._worker: StoppableWorker | None = None
        self._running: _Plan | None = None
        self._shown: _Plan | None = None
        self._suggested: tuple[TrackedVideo, Path] | None = None
        self._folder: Path | None = None  # the one that the user chose last
        self._outputs: weakref.WeakKeyDictionary[TrackedVideo, Path] = weakref.WeakKeyDictionary()  # chosen by the user
        self.form = ExtractForm()
        self.form.show(ExtractionOptions.from_dict(preferences.recall(_CHOICES)))
        self.offer = DownloadOffer()
        self.estimate_label = TextLabel()
        self.bar = RunBar()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._build()
        self._connect()
        self._on_active()

    def _build(self) -> None:
        self.more_section = Section("More settings", self.form.more)
        content = QWidget()
        layout = QVBoxLayout(content)
        for part in (self.form.everyday, self.more_section):
            layout.addWidget(part)
        layout.addStretch()
        # Below what scrolls: Run and what it would do are seen however low the dock is.
        below = QVBoxLayout()
        below.setContentsMargins(layout.contentsMargins())
        for part in (self.offer, self.estimate_label, self.bar):
            below.addWidget(part)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(DockScrollArea(content), 1)
        outer.addLayout(below)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def _connect(self) -> None:
        self.links.connect(self.form.changed, self._on_form)
        self.links.connect(self._session.active_changed, self._on_active)
        self._session.sample_mode = self.form.sample_mode.value
        self.links.connect(self._session.sample_mode_changed, self._on_sample_mode)
        self.links.connect(self._session.close_warnings, self._format_loss)
        self._timer.timeout.connect(self._refresh)
        self.bar.run.clicked.connect(self._on_run)
        self.bar.cancel.clicked.connect(self._on_cancel)
        self.bar.discard.clicked.connect(self._on_discard)
        self.offer.button.clicked.connect(self._on_download)

    def _on_active(self) -> None:
        self._video_links.close()
        tracked = self._session.active
        if tracked is not None:
            for signal in (tracked.video_changed, tracked.tracking_changed, tracked.chosen_changed):
                self._video_links.connect(signal, self._on_tracked)
        self._on_tracked()

    def _on_tracked(self) -> None:
        tracked = self._session.active
        self.form.show_size(tracked.boxes_size if tracked is not None else None)
        self._suggest_output()
        self._timer.start()

    def _on_sample_mode(self) -> None:
        """Take up what was chosen in the preview of crops."""
        self.form.sample_mode.value = self._session.sample_mode

    def _on_form(self) -> None:
        self._session.sample_mode = self.form.sample_mode.value
        tracked, (width, height) = self._session.active, self.form.size
        if tracked is not None and (width is None) == (height is None):
            # One place for it: boxes are drawn in the same size that they are cropped in.
            tracked.boxes_size = (width, height) if width and height else None
        self._suggest_output()
        self._timer.start()

    def _suggest_output(self) -> None:
        """Offer a place for the features of the video, in the folder used last, unless the user chose another."""
        tracked, shown = self._session.active, Path(str(self.form.output.value))
        if self._suggested is not None and shown != self._suggested[1]:
            # For the video that was active: the next one's features must not get its name.
            self._outputs[self._suggested[0]] = shown
            self._folder = shown.parent if shown.is_absolute() else None
        if tracked is None or tracked.video is None:
            return
        ending = self.form.ending.value.strip() or ".npy"
        video = tracked.video.path
        usual = (self._folder or video.parent) / f"{video.stem}{ending}"
        self._suggested = tracked, self._outputs.get(tracked, usual)
        if shown != self._suggested[1]:
            self.form.output.value = self._suggested[1]

    def _plan(self) -> _Plan | None:
        """Return what Run would do; None where there is no video.

        Raises
        ------
        NapariI3DError
            It cannot be run.
        """
        tracked = self._session.active
        if tracked is None or tracked.video is None:
            return None
        options = self.form.options()
        options = options.with_size(options.settings.video_size or tracked.boxes_size)
        # A name alone is one beside the video: where napari was started is nothing that its user knows.
        output = tracked.video.path.parent / str(self.form.output.value)
        individuals = () if tracked.tracking is None else tuple(i for i in tracked.tracking if i in tracked.chosen)
        request = ExtractionRequest(
            tracked.video.path, options, output, tracked.tracking, individuals, tracked.tracking_path
        )
        cost = estimate(tracked.video, request.chosen, options, preferences.recall(_RATES), _kept_chunks(request))
        options.individual_outputs(output, [chunks.id for chunks in cost.job.plan.tracklets])
        return _Plan(tracked, request, cost)

    def _refresh(self) -> None:
        """Say what Run would do, or why it cannot."""
        try:
            plan, problem = self._plan(), ""
        except NapariI3DError as error:
            plan, problem = None, dock_text(error)
        missing = plan is not None and plan.request.options.weights_missing
        self.offer.show_for(str(plan.request.options.weights) if plan is not None and missing else None)
        self.estimate_label.setText(_format(plan) if plan is not None else problem or _NO_VIDEO)
        self.bar.set_ready(plan is not None and not missing and self._worker is None)
        self._shown = plan
        kept = plan is not None and partial_folder(plan.request.output).is_dir()
        self.bar.discard.setVisible(kept and self._worker is None)
        self.offer.button.setEnabled(self._worker is None)

    def _on_run(self) -> None:
        try:
            plan = self._plan()
            if plan is None or self._worker is not None:
                return
        except NapariI3DError as error:
            show_error(dock_text(error))
            return
        preferences.remember(_CHOICES, plan.request.options.as_dict())
        self._extract(plan)

    def _extract(self, plan: _Plan) -> None:
        self._running = plan
        self._run_links.connect(plan.tracked.video_changed, self._on_running_video)
        self._start(run_extraction, plan.request, text=f"features of {plan.request.video.name}")

    def _on_discard(self) -> None:
        """Remove what an interrupted run kept, unless another process is working on it."""
        plan = self._shown
        if plan is None or self._worker is not None:
            return
        output = plan.request.output
        try:
            with exclusive(lock_path(output)) as free:
                if free:
                    Checkpoints.discard(partial_folder(output))
            text = "The chunks computed before were removed." if free else _BUSY
        except NapariI3DError as error:
            text = dock_text(error)
        self.bar.finish(text)
        self._refresh()

    def _on_download(self) -> None:
        source = SOURCES[str(self.form.options().weights)]
        if self._worker is None and self.offer.license_accepted(source):
            self._start(run_download, source.name, text="download of weights")

    def _start(self, work: Callable[..., Work], *arguments: object, text: str) -> None:
        self.bar.begin("starting")
        self._worker = start(work, *arguments, text=text, on_record=self._on_record, on_outcome=self._on_outcome)
        self._crew.add(self._worker)
        self._refresh()

    def _on_cancel(self) -> None:
        if self._worker is not None:
            self.bar.say("cancelling")
            self.bar.cancel.setEnabled(False)
            self._worker.quit()

    def _format_loss(self) -> str:
        """Say what is lost where the viewer is closed now."""
        if self._worker is None or self._worker.stop.asked:
            return ""
        if self._running is None:
            return "The weights are being downloaded; the download would have to start again."
        request = self._running.request
        return (
            f"The extraction of {request.video.name} is running: {self.bar.status.text().rstrip(' .')}. "
            f"{_format_kept(self._running)}: Run goes on after them the next time. What was computed since would be "
            f"lost. A file {request.output.name} from before and all other files stay as they are."
        )

    def _on_running_video(self) -> None:
        if self._running is not None and self._running.tracked.video is None:
            self._on_cancel()

    def _on_record(self, record: Record) -> None:
        # Records that were on their way when the user cancelled.
        if self._worker is None or self._worker.stop.asked:
            return
        if isinstance(record, Advance):
            self.bar.advance(record, "chunk" if self._running is not None else "byte")
            show_advance(self._worker, record)
        else:
            self.bar.say(record.text)

    def _on_outcome(self, outcome: Outcome) -> None:
        plan, self._running, self._worker = self._running, None, None
        self._run_links.close()
        if isinstance(outcome, Cancelled):
            self.bar.finish(_format_cancelled(plan))
        elif isinstance(outcome, Failed):
            self.bar.finish(outcome.message)
            show_error(outcome.message)
        elif plan is None:
            self.bar.finish("The weights are here, and were checked.")
        elif isinstance(outcome.value, VideoSkipped):
            self._on_existing(plan, outcome.value)
        elif isinstance(outcome.value, Features):
            self._plot(plan, outcome.value, f"{plan.request.output.name} was up to date.")
        else:
            self._take_up(plan, outcome.value)
        self._refresh()

    def _on_existing(self, plan: _Plan, skipped: VideoSkipped) -> None:
        """Say why nothing was computed; ask what to do about a result that is there."""
        if not skipped.existing:
            text = _BUSY if skipped.busy else dock_text(skipped.reason)
            self.bar.finish(text)
            show_error(text)
            return
        reply = ask_existing(self, skipped.existing, skipped.difference, plan.request.options.layout.one_file)
        if reply is Reply.REPLACE:
            options = replace(plan.request.options, overwrite=True)
            self._extract(replace(plan, request=replace(plan.request, options=options)))
        elif reply is Reply.PLOT:
            self._running = plan
            self._start(run_reading, plan.request.output, text=f"reading {plan.request.output.name}")
        else:
            self.bar.finish(f"{_format_files(skipped.existing)} stays as it is.")

    def _take_up(self, plan: _Plan, extraction: Extraction) -> None:
        if extraction.chunk_s is not None:
            rates = preferences.recall(_RATES)
            key = rate_key(plan.request.options.settings)
            preferences.remember(_RATES, rates | {key: extraction.chunk_s})
        remarks = f" ({'; '.join(extraction.remarks)})" if extraction.remarks else ""
        if extraction.unsaved:
            text = f"{extraction.unsaved}. The features are in memory: save them with the Plot dock."
            text = text if self._is_current(plan) else extraction.unsaved
        else:
            text = f"Saved {_format_files(extraction.paths)} in {extraction.paths[0].parent}.{remarks}"
        self._plot(plan, extraction.features, text, bool(extraction.unsaved))

    def _is_current(self, plan: _Plan) -> bool:
        return plan.tracked in self._session.videos and plan.tracked.tracking is plan.request.tracking

    def _plot(self, plan: _Plan, features: Features, text: str, unsaved: bool = False) -> None:
        """Show features, if they are still those of the video in the viewer."""
        if self._is_current(plan):
            known = plan.request.options.layout.one_file and not unsaved
            plan.tracked.set_features(features, plan.request.output if known else None)
            open_dock(self._session.viewer, "Plot features")
        elif plan.tracked in self._session.videos:
            # They would be taken for those of individuals that happen to be called the same.
            text += " They are not plotted: the video got other tracking meanwhile."
        self.bar.finish(text)
        (show_error if unsaved else show_info)(text)

    def closed(self) -> None:
        """End what runs, and all connections: the dock was closed."""
        super().closed()
        self._video_links.close()
        self._run_links.close()
        self._crew.end()


def _format(plan: _Plan) -> str:
    cost, request = plan.estimate, plan.request
    chunks = cost.job.plan.total_chunks
    who = "whole image" if request.tracking is None else counted(len(cost.job.plan.tracklets), "individual")
    source = "as in earlier runs" if cost.measured else "a first guess, for a processor"
    text = f"{who}, {counted(chunks, 'chunk')}: about {format_duration(cost.seconds)} ({source})."
    if cost.kept_chunks:
        text += (
            f"\n{cost.kept_chunks:,} of {chunks:,} chunks were computed before: Run goes on after them, if video, "
            "tracking and weights are the same."
        )
    if left_out := cost.job.plan.left_out:
        text += f"\n{len(left_out)} left out: fewer than {request.options.settings.shortest_tracklet} frames."
    if note := plan.shift_note:
        text += f"\n{dock_text(note)}."
    return text


def _format_cancelled(plan: _Plan | None) -> str:
    if plan is None or not _kept_chunks(plan.request):
        return "Cancelled; nothing was saved."
    return f"Cancelled; {_format_kept(plan)}: Run goes on after them, Discard removes them."


def _format_kept(plan: _Plan) -> str:
    return f"{_kept_chunks(plan.request):,} of {counted(plan.estimate.job.plan.total_chunks, 'chunk')} are kept"


def _kept_chunks(request: ExtractionRequest) -> int:
    return Checkpoints.kept_chunks(partial_folder(request.output), request.options.settings)


def _format_files(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths[:3]) + (" ..." if len(paths) > 3 else "")
