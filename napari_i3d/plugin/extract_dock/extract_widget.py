"""The Extract dock: settings, an estimate, Run and Cancel, and what became of it."""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import napari
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_i3d._utils.text import counted, format_duration
from napari_i3d.backbones.pretrained import SOURCES
from napari_i3d.errors import NapariI3DError
from napari_i3d.extraction.planning.estimate import Estimate, estimate, rate_key
from napari_i3d.extraction.planning.request import ExtractChoices, require_output, with_size
from napari_i3d.features.io.layouts import shift_note
from napari_i3d.features.io.output_format import output_paths
from napari_i3d.individuals import Id
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.extract_dock.extract_form import ExtractForm
from napari_i3d.plugin.extract_dock.run_bar import RunBar
from napari_i3d.plugin.extract_dock.weights_offer import DownloadOffer
from napari_i3d.plugin.jobs.extract_job import Extraction, ExtractionRequest, run_extraction
from napari_i3d.plugin.jobs.file_jobs import run_download
from napari_i3d.plugin.jobs.job_results import Advance, Cancelled, Done, Failed, Outcome, Record, Work
from napari_i3d.plugin.jobs.workers import StoppableWorker, show_advance, start
from napari_i3d.plugin.jobs.workers import WorkerGroup as Crew
from napari_i3d.plugin.messages import in_dock_words
from napari_i3d.plugin.session import preferences
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.dialogs import may_replace, open_dock
from napari_i3d.plugin.widgets.dock import Connections as Links
from napari_i3d.plugin.widgets.dock import Dock
from napari_i3d.plugin.widgets.scroll_area import DockScrollArea as Scrolling
from napari_i3d.plugin.widgets.sections import Section
from napari_i3d.plugin.widgets.text_label import TextLabel
from napari_i3d.tracking.tracklets import Tracking

_CHOICES, _RATES = "extract", "seconds_a_chunk"
_NO_VIDEO = "Open a video first: File > Open, or drop it here.\nIts tracking file can be dropped along with it."
# Estimates wait until the user has stopped clicking.
_SETTLE_MS = 150


@dataclass(frozen=True, eq=False)
class _Plan:
    """An extraction that could be run now."""

    tracked: TrackedVideo
    request: ExtractionRequest
    estimate: Estimate

    @property
    def shift_note(self) -> str:
        """What programs that count rows would shift; "" if nothing."""
        choices, tracking = self.request.choices, self.request.tracking
        first_frames = {} if tracking is None else {
            name: tracklet.start for name, tracklet in tracking.items() if name not in self.estimate.left_out
        }  # fmt: skip
        settings = choices.settings
        return shift_note(
            first_frames, choices.layout, pad=settings.pad, frequency=settings.frequency, metadata=choices.save_metadata
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
        self._video_links = Links()
        self._run_links = Links()
        self._crew = Crew()
        self.destroyed.connect(self._crew.end)  # the window may go away without closing its docks
        self.destroyed.connect(self._video_links.close)
        self.destroyed.connect(self._run_links.close)
        self._worker: StoppableWorker | None = None
        self._running: _Plan | None = None
        self._suggested: tuple[TrackedVideo, Path] | None = None
        self._folder: Path | None = None  # the one that the user chose last
        self._outputs: weakref.WeakKeyDictionary[TrackedVideo, Path] = weakref.WeakKeyDictionary()  # chosen by the user
        self.form = ExtractForm()
        self.form.show(ExtractChoices.from_dict(preferences.recall(_CHOICES)))
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
        outer.addWidget(Scrolling(content), 1)
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
        choices = self.form.choices()
        choices = with_size(choices, choices.settings.video_size or tracked.boxes_size)
        tracking: Tracking | None = None
        if tracked.tracking is not None:
            tracking = choices.prepare(tracked.tracking, tracked.chosen)
        cost = estimate(len(tracked.video), tracking, choices, preferences.recall(_RATES))
        # A name alone is one beside the video: where napari was started is nothing that its user knows.
        output = tracked.video.path.parent / str(self.form.output.value)
        require_output(output, choices, [""] if tracking is None else list(tracking))
        request = ExtractionRequest(
            tracked.video.path, tracking, choices, output, tracked.tracking, tracked.tracking_path
        )
        return _Plan(tracked, request, cost)

    def _refresh(self) -> None:
        """Say what Run would do, or why it cannot."""
        try:
            plan, problem = self._plan(), ""
        except NapariI3DError as error:
            plan, problem = None, in_dock_words(error)
        missing = plan is not None and plan.request.choices.weights_missing
        self.offer.show_for(plan.request.choices.weights if plan is not None and missing else None)
        self.estimate_label.setText(_format(plan) if plan is not None else problem or _NO_VIDEO)
        ready = plan is not None and plan.estimate.chunks > 0 and not missing
        self.bar.set_ready(ready and self._worker is None)
        self.offer.button.setEnabled(self._worker is None)

    def _on_run(self) -> None:
        try:
            plan = self._plan()
            if plan is None or self._worker is not None or not self._may_replace(plan):
                return
        except NapariI3DError as error:
            show_error(in_dock_words(error))
            return
        preferences.remember(_CHOICES, plan.request.choices.as_dict())
        self._running = plan
        self._run_links.connect(plan.tracked.video_changed, self._on_running_video)
        name = plan.request.video.name
        self._start(run_extraction, plan.request, text=f"features of {name}")

    def _may_replace(self, plan: _Plan) -> bool:
        request = plan.request
        individuals: list[Id] = [""] if request.tracking is None else list(request.tracking)
        return may_replace(self, output_paths(request.output, request.choices.layout, individuals))

    def _on_download(self) -> None:
        source = SOURCES[self.form.choices().weights]
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
            f"The extraction of {request.video.name} is running: {self.bar.status.text().rstrip(' .')}. Its features "
            f"are saved when it is finished, so all that was computed so far would be lost. A file "
            f"{request.output.name} from before and all other files stay as they are."
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
            self.bar.finish("Cancelled; nothing was saved.")
        elif isinstance(outcome, Failed):
            self.bar.finish(outcome.message)
            show_error(outcome.message)
        elif plan is not None:
            self._take_up(plan, outcome)
        else:
            self.bar.finish("The weights are here, and were checked.")
        self._refresh()

    def _take_up(self, plan: _Plan, outcome: Done) -> None:
        extraction: Extraction = outcome.value
        rates = preferences.recall(_RATES)
        preferences.remember(_RATES, rates | {rate_key(plan.request.choices.settings): extraction.chunk_s})
        text, is_open = _format_saved(extraction.paths), plan.tracked in self._session.videos
        if is_open and plan.tracked.tracking is plan.request.unmended:
            path = extraction.paths[0] if extraction.paths and plan.request.choices.layout.one_file else None
            plan.tracked.set_features(extraction.features, path)
            open_dock(self._session.viewer, "Plot features")
            if extraction.unsaved:
                text = f"{extraction.unsaved}. The features are in memory: save them with the Plot dock."
        elif is_open:
            # They would be taken for those of individuals that happen to be called the same.
            text += " They are not plotted: the video got other tracking meanwhile."
        self.bar.finish(text or extraction.unsaved)
        (show_error if extraction.unsaved else show_info)(text or extraction.unsaved)

    def closed(self) -> None:
        """End what runs, and all connections: the dock was closed."""
        super().closed()
        self._video_links.close()
        self._run_links.close()
        self._crew.end()


def _format(plan: _Plan) -> str:
    cost = plan.estimate
    who = "whole image" if plan.request.tracking is None else counted(cost.individuals, "individual")
    source = "as in earlier runs" if cost.measured else "a first guess, for a processor"
    text = f"{who}, {counted(cost.chunks, 'chunk')}: about {format_duration(cost.seconds)} ({source})."
    if cost.left_out:
        shortest = plan.request.choices.settings.shortest_tracklet
        text += f"\n{len(cost.left_out)} left out: fewer than {shortest} frames."
    if note := plan.shift_note:
        text += f"\n{in_dock_words(note)}."
    return text


def _format_saved(paths: Sequence[Path]) -> str:
    where = ", ".join(path.name for path in paths[:3]) + (" ..." if len(paths) > 3 else "")
    return f"Saved {where} in {paths[0].parent}." if paths else ""
