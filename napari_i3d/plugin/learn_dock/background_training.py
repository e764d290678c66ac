"""Training again in the background, after some edited bouts."""

from collections.abc import Callable

from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from napari_i3d.plugin.jobs.job_results import Done, Result
from napari_i3d.plugin.jobs.learn_job import run_learning
from napari_i3d.plugin.jobs.workers import Workers
from napari_i3d.plugin.learning.learned import LearnRequest, LearnSettings
from napari_i3d.plugin.learning.training_data import TrainingData
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.widgets.dock import Dock

_SETTLE_MS = 800
"""Labelling pauses so long before anything is counted or trained."""


class BackgroundTraining(QObject):
    """Trains the probe again once enough bouts were edited; it never asks or interrupts.

    Proposals that a person reviews are not replaced under the hand: the result waits until none is selected.

    Parameters
    ----------
    dock
        The dock.
    session
        The viewer's session.
    settings
        Returns the settings of the dock.
    is_busy
        Whether the dock is doing something that the user started.

    Attributes
    ----------
    ended
        Signal (`Result`): a run ended that was not superseded.
    said
        Signal (str): a line about what happens; empty: nothing.
    """

    ended = Signal(object)
    said = Signal(str)

    def __init__(
        self,
        dock: Dock,
        session: Session,
        settings: Callable[[], LearnSettings],
        is_busy: Callable[[], bool],
    ) -> None:
        super().__init__(dock)
        self._session, self._workers, self._settings, self._is_busy = session, dock.workers, settings, is_busy
        self._run: _Run | None = None
        self._held: Done | None = None  # a result that waits for the end of a review
        self._failed: int | None = None  # edits at the last failure: the same would fail again
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._timer.timeout.connect(self._look)

    @property
    def is_running(self) -> bool:
        """Whether a run is going on that counts."""
        return self._run is not None or self._held is not None

    def labels_changed(self) -> None:
        """Look, after a pause, whether there is enough to learn."""
        self._timer.start()

    def close(self) -> None:
        """Train no more: the dock was closed."""
        self._timer.stop()
        self.supersede()

    def supersede(self) -> None:
        """Stop a run; its result is dropped."""
        if self._run is not None:
            self._run.drop()
            self._run = None
        self._held = self._failed = None
        self.said.emit("")

    def _look(self) -> None:
        if self._held is not None:
            self._deliver(self._held)
            return
        learning, settings = self._session.learning, self._settings()
        learned = learning.learned
        if learned is None or not learning.is_own or not settings.retrain_after:
            return
        edits = learning.edits_since(learned.request.data)
        if edits == self._failed:
            return
        if edits < settings.retrain_after:
            left = settings.retrain_after - edits
            self.said.emit(
                f"Trains again after {left} more edited {'bout' if left == 1 else 'bouts'}." if edits else ""
            )
            return
        if self._run is not None or self._is_busy() or self._is_labelling():
            self._timer.start()
            return
        data = TrainingData.of(self._session.videos)
        if data.problem:
            self._failed = edits
            self.said.emit(f"Not trained again: {data.problem}")
            return
        request = LearnRequest(data, settings, start=learned.probe, seed=learned.request.seed + 1)
        self.said.emit("Training again in the background ...")
        self._run = _Run(self, self._workers, request, self._on_end)

    def _is_labelling(self) -> bool:
        return any(tracked.labels.open_bouts.bouts for tracked in self._session.videos)

    def _on_end(self, result: Result) -> None:
        self._run = None
        if isinstance(result, Done):
            self._deliver(result)
            return
        learned = self._session.learning.learned
        self._failed = None if learned is None else self._session.learning.edits_since(learned.request.data)
        self._end(result)

    def _deliver(self, result: Done) -> None:
        """End with a result, unless proposals are being reviewed: then try again after a pause."""
        if any(tracked.predictions.in_review for tracked in self._session.videos):
            self._held = result
            self.said.emit("Trained again; new proposals wait while one is selected.")
            self._timer.start()
        else:
            self._held = self._failed = None
            self._end(result)

    def _end(self, result: Result) -> None:
        self.said.emit("")
        self.ended.emit(result)
        self._timer.start()  # labels may have changed meanwhile


class _Run(QObject):
    """One run, whose result can be dropped."""

    def __init__(
        self, parent: QObject, workers: Workers, request: LearnRequest, ended: Callable[[Result], None]
    ) -> None:
        super().__init__(parent)
        self._ended: Callable[[Result], None] | None = ended
        self._worker = workers.start(run_learning, request, on_end=self._on_end)

    def drop(self) -> None:
        """Stop the run, and ignore its result."""
        self._ended = None
        self._worker.quit()

    def _on_end(self, result: Result) -> None:
        if self._ended is not None:
            self._ended(result)
        self.deleteLater()
