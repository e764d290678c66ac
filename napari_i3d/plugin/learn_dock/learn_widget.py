"""The Learn dock: from labels to proposals, what to label next, honest scores, and doubtful labels."""

from collections.abc import Callable
from pathlib import Path

import napari
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QTabWidget, QToolButton, QVBoxLayout, QWidget

from napari_i3d.learning import Probe
from napari_i3d.plugin.context import get_session
from napari_i3d.plugin.jobs.job_results import Cancelled, Done, Failed, Result
from napari_i3d.plugin.jobs.learn_job import (
    run_evaluation,
    run_export,
    run_label_errors,
    run_learning,
    run_opening_probe,
    run_smoothing,
)
from napari_i3d.plugin.jobs.workers import Job
from napari_i3d.plugin.learn_dock.background_training import BackgroundTraining
from napari_i3d.plugin.learn_dock.doubtful_panel import DoubtfulPanel
from napari_i3d.plugin.learn_dock.file_buttons import FileButtons
from napari_i3d.plugin.learn_dock.learn_options import LearnOptions
from napari_i3d.plugin.learn_dock.queue_panel import QueuePanel
from napari_i3d.plugin.learn_dock.scores_panel import ScoresPanel
from napari_i3d.plugin.learning.learned import DoubtfulLabels, Learned, LearnRequest, Scores, describe_learned
from napari_i3d.plugin.learning.training_data import TrainingData
from napari_i3d.plugin.widgets.dialogs import open_dock
from napari_i3d.plugin.widgets.dock import Dock
from napari_i3d.plugin.widgets.job_progress import JobProgress
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel

# Labels and boxes change in quick succession; what they amount to is counted after that.
_SETTLE_MS = 300
_EXPORT_LOST = "A data set is being written; it would not be there."


class LearnWidget(Dock):
    """Trains a probe on the labels of all open videos, and proposes bouts for their individuals."""

    NAME = "Learn behaviors"

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        super().__init__(get_session(napari_viewer))
        self._learning = self._session.learning
        self._opening: Path | None = None
        self._job: Job | None = None
        self._data = TrainingData({})
        self.train = QPushButton("Train")
        self.train.setToolTip("Train a probe on the labels of all open videos, and propose bouts for their individuals")
        self.cancel = QPushButton("Cancel")
        self.about = TextLabel()
        self.extract = QPushButton("Extract features…")
        self.more = QToolButton()
        self.options = LearnOptions()
        self.progress = JobProgress(self.workers)
        self.status = self.progress.text
        self.later = TextLabel()
        self.queue = QueuePanel(self._session)
        self.scores = ScoresPanel(napari_viewer.theme)
        self.doubtful = DoubtfulPanel(self._session)
        self.files = FileButtons(self._session)
        self.tabs = QTabWidget()
        self.background = BackgroundTraining(
            self, self._session, self.options.settings, lambda: self.progress.worker is not None
        )
        self._timer = _single_shot(self, _SETTLE_MS, self._refresh)
        self._smoothing = _single_shot(self, _SETTLE_MS, self._on_smooth)
        self._build()
        self._connect()
        self._show_learned()
        self._on_said("")
        self._refresh()

    def _build(self) -> None:
        self.more.setCheckable(True)
        self.more.setStyleSheet("QToolButton { border: none; background: transparent; padding: 4px 0; }")
        self.more.toggled.connect(self._show_more)
        self._show_more(False)
        for page, title in ((self.queue, "Label next"), (self.scores, "Scores"), (self.doubtful, "Doubtful labels")):
            self.tabs.addTab(page, title)
        buttons = QHBoxLayout()
        buttons.addWidget(self.train, 2)
        buttons.addWidget(self.cancel, 1)
        content = QWidget()
        layout = QVBoxLayout(content)
        margins = layout.contentsMargins()
        top = self.about, self.extract, buttons, self.progress, self.later, self.more, self.options
        fill(layout, *top, self.tabs, self.files, grow=self.tabs).setContentsMargins(margins)
        self.set_content(content)

    def _connect(self) -> None:
        learning, links = self._learning, self.links
        self.train.clicked.connect(self._on_train)
        self.cancel.clicked.connect(self._on_cancel)
        self.extract.clicked.connect(self._on_extract)
        self.scores.evaluate.clicked.connect(self._on_evaluate)
        self.doubtful.search.clicked.connect(self._on_find)
        links.connect(self.files.opened, self._on_open)
        links.connect(self.files.exported, self._on_export)
        links.connect(self.progress.ended, self._on_end)
        links.connect(self.background.ended, self._on_background)
        links.connect(self.background.said, self._on_said)
        links.connect(self.options.smoothing_changed, self._on_smoothing)
        links.connect(learning.changed, self._show_learned)
        links.connect(learning.queue_changed, self.queue.show_queue)
        links.connect(learning.doubtful_changed, self.doubtful.show_doubtful)
        links.connect(learning.data_changed, self._on_data)
        links.connect(learning.labels_changed, self._on_labels)
        links.connect(self._session.keys.changed, self.queue.show_keys)
        links.connect(self._session.viewer.events.theme, self._on_theme)
        self.queue.show_keys()

    def close_warning(self) -> str:
        """Return what closing the viewer now would lose; empty if nothing."""
        return _EXPORT_LOST if self.progress.stoppable and self._job is run_export else ""

    def closed(self) -> None:
        """Close the dock; the probe, its proposals and its lists stay."""
        for timer in (self._timer, self._smoothing):
            timer.stop()
        self.background.close()
        super().closed()

    def _show_more(self, unfolded: bool) -> None:
        self.more.setText(f"{'▾' if unfolded else '▸'}  More settings")
        self.options.setVisible(unfolded)

    def _refresh(self) -> None:
        """Show what would be used, and what can be done with it."""
        self._data = TrainingData.of(self._session.videos)
        idle, can = self.progress.worker is None, not self._data.problem
        self.about.setText(self._data.describe())
        self.extract.setVisible(bool(self._data.lacking_features))
        for button in (self.train, self.scores.evaluate, self.doubtful.search):
            button.setEnabled(idle and can)
        self.cancel.setEnabled(self.progress.stoppable)
        self.files.enable(idle=idle, probe=self._learning.probe is not None, data=can)

    def _on_extract(self) -> None:
        lacking = self._data.lacking_features
        if self._session.active not in lacking.values():
            self._session.active = next(iter(lacking.values()), self._session.active)
        open_dock(self._session.viewer, "Extract features")

    def _on_labels(self) -> None:
        self.scores.labels_changed()
        self.background.labels_changed()
        self._timer.start()

    def _on_said(self, text: str) -> None:
        self.later.setText(text)
        self.later.setVisible(bool(text))

    def _on_data(self) -> None:
        self.queue.show_queue()
        self.doubtful.show_doubtful()
        self._timer.start()

    def _on_theme(self) -> None:
        self.scores.set_theme(self._session.viewer.theme)

    def _start(self, job: Job, *arguments: object, text: str) -> None:
        self._job = job
        self.progress.start(job, *arguments, text=text)
        self._refresh()

    def _ready(self) -> bool:
        """Take the data as they are now; return whether they can be learned from, otherwise say why not."""
        if self.progress.worker is not None:
            return False
        self._refresh()
        if self._data.problem:
            self.progress.finish(self._data.problem)
        return not self._data.problem

    def _on_train(self) -> None:
        if self._ready():
            self.background.supersede()
            self._learn(LearnRequest(self._data, self.options.settings(), seed=self._seed()))

    def _seed(self) -> int:
        return 0 if self._learning.learned is None else self._learning.learned.request.seed + 1

    def _learn(self, request: LearnRequest) -> None:
        self._start(run_learning, request, text="training a probe" if request.probe is None else "applying a probe")

    def _on_evaluate(self) -> None:
        if self._ready():
            windows = self._learning.random_windows(self._data)
            self._start(run_evaluation, self._data, self.options.settings(), windows, text="scores of a probe")

    def _on_find(self) -> None:
        if self._ready():
            self._start(run_label_errors, self._data, self.options.settings(), text="doubtful labels")

    def _on_export(self, program: str, folder: Path) -> None:
        if self._ready():
            self._start(run_export, self._data, folder, program, text=f"data set {folder.name}")

    def _on_open(self, path: Path) -> None:
        if self.progress.worker is None:
            self.background.supersede()
            self._opening = path
            self._start(run_opening_probe, path, text=f"reading {path.name}")

    def _on_smoothing(self) -> None:
        self._smoothing.start()

    def _on_smooth(self) -> None:
        """Make the bouts of the probe again, with other settings."""
        learned = self._learning.learned
        if learned is None:
            return
        if self.progress.worker is not None:
            self._smoothing.start()
            return
        self._start(run_smoothing, learned, self.options.settings().smoothing, text="bouts of a probe")

    def _on_cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.progress.stop()

    def _on_end(self, result: Result) -> None:
        job, self._job = self._job, None
        if isinstance(result, Failed):
            self.progress.finish(result.message)
            show_error(result.message)
        elif isinstance(result, Cancelled):
            self.progress.finish("Cancelled.")
        else:
            self._on_done(job, result)
        self._refresh()

    def _on_done(self, job: Job | None, result: Done) -> None:
        value = result.value
        if isinstance(value, Probe):
            self._apply(value)
        elif isinstance(value, Learned) and job is run_smoothing:
            self._learning.show_proposals(value)
            self._show_learned()
        elif isinstance(value, Learned):
            self._adopt(value)
        elif isinstance(value, Scores):
            self._show_learned()
            self.scores.show_scores(value)
            self.tabs.setCurrentWidget(self.scores)
        elif isinstance(value, DoubtfulLabels):
            self._show_learned()
            self._learning.set_doubtful(value)
            self.doubtful.show_doubtful(searched=True)
        else:
            folder, notes = value
            self.progress.finish(f"Made {folder}: {'; '.join(notes)}.")
            show_info(f"Made {folder}.")

    def _apply(self, probe: Probe) -> None:
        """Predict the open videos with a probe that was opened."""
        if not self._data.features:
            self.progress.finish("The probe was read, but no open video has features that it could be applied to.")
            return
        self._learn(LearnRequest(self._data, self.options.settings(), probe=probe, seed=self._seed()))

    def _adopt(self, learned: Learned) -> None:
        is_own = learned.request.probe is None
        source = "probe" if is_own or self._opening is None else self._opening.name
        self._learning.adopt(learned, source, is_own=is_own)
        self.tabs.setCurrentWidget(self.queue)

    def _on_background(self, result: Result) -> None:
        if isinstance(result, Done):
            self._learning.adopt(result.value, "probe", is_own=True, keep_selected=True)
        elif isinstance(result, Failed):
            self._on_said(f"Not trained again: {result.message}")

    def _show_learned(self) -> None:
        learned = self._learning.learned
        self.queue.show_queue()
        if self.progress.worker is None:
            is_own = self._learning.is_own
            text = "" if learned is None else describe_learned(learned, self._learning.source, is_own=is_own)
            self.progress.finish(text)


def _single_shot(parent: QWidget, pause_ms: int, call: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(pause_ms)
    timer.timeout.connect(call)
    return timer
