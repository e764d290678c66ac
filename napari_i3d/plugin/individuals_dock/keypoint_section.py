"""The section of the Individuals dock in which key points become boxes."""

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from napari_i3d.errors import NapariI3DError
from napari_i3d.plugin.individuals_dock.keypoint_fields import KeypointFields
from napari_i3d.plugin.jobs.job_results import Done, Failed, Result
from napari_i3d.plugin.jobs.keypoint_boxes_job import MadeBoxes, run_keypoint_boxes
from napari_i3d.plugin.jobs.workers import StoppableWorker, Workers
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.session.layer_sources import TrackingSource
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel
from napari_i3d.tracking.io.reading import FileContent
from napari_i3d.tracking.keypoint_boxes import suggested_size_px
from napari_i3d.tracking.keypoints import KeypointBoxes, Keypoints
from napari_i3d.tracking.tracklets import Tracking

_SETTLE_MS = 150
_TITLE = "Boxes from key points"
_CORRECTED = (
    "The boxes were corrected by hand. To make them of the key points again, first undo all corrections: click the "
    "first line of the History."
)


class KeypointSection(QWidget):
    """Makes the boxes of the active video again as the fields are turned; hidden without key points.

    Parameters
    ----------
    session
        The viewer's session.
    workers
        Workers of the dock.
    """

    def __init__(self, session: Session, workers: Workers) -> None:
        super().__init__()
        self._session, self._workers = session, workers
        self._worker: StoppableWorker | None = None
        self._target: tuple[TrackedVideo, FileContent] | None = None
        self._asked: KeypointBoxes | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self.unfold = QToolButton()
        self.unfold.setCheckable(True)
        self.unfold.setStyleSheet("QToolButton { border: none; background: transparent; padding: 2px 0; }")
        self.fields = KeypointFields()
        self.reset = QPushButton("Reset")
        self.reset.setToolTip("Make the boxes as they were when the file was opened")
        self.problem = TextLabel()
        self.corrected = TextLabel(_CORRECTED)
        self.corrected.hide()
        self.content = QWidget()
        below = fill(QHBoxLayout(), self.problem, self.reset, grow=self.problem)
        fill(QVBoxLayout(self.content), self.corrected, self.fields, below)
        fill(QVBoxLayout(self), self.unfold, self.content)
        self.unfold.toggled.connect(self._on_unfold)
        self.fields.changed.connect(self._on_changed)
        self.reset.clicked.connect(self._on_reset)
        self._timer.timeout.connect(self._start)
        self._on_unfold(False)

    @property
    def busy(self) -> bool:
        """Whether boxes are still to be made."""
        return self._timer.isActive() or self._worker is not None

    def show_tracked(self) -> None:
        """Show the choices of the active video."""
        tracked = self._session.active
        source = tracked.source if tracked is not None else None
        content = source.keypoints if source is not None else None
        self.setVisible(content is not None)
        if tracked is None or source is None or content is None:
            self._stop()
            self._target = None
            return
        if self._target != (tracked, content):
            self._stop()
            self._target = tracked, content
            self._show(_choices(source.tracking), source)
        edited = tracked.editor.edited
        if edited:
            # Other boxes would take the place of those that were corrected.
            self._stop()
        for widget in (self.fields, self.reset):
            widget.setEnabled(not edited)
        self.corrected.setVisible(edited)
        if not edited:
            self.reset.setEnabled(_choices(source.tracking) != source.first_choices)

    def _show(self, choices: KeypointBoxes, source: TrackingSource) -> None:
        if source.keypoints is not None and isinstance(source.keypoints.content, Keypoints):
            keypoints = source.keypoints.content
            size_px = suggested_size_px(keypoints) or _typical_side_px(source.tracking)
            self.fields.show_choices(choices, keypoints.names, size_px)
        self.problem.setText("")

    def _stop(self) -> None:
        self._timer.stop()
        if self._worker is not None:
            self._worker.quit()
            self._worker = None

    def _on_unfold(self, unfolded: bool) -> None:
        self.unfold.setText(f"{'▾' if unfolded else '▸'}  {_TITLE}")
        self.content.setVisible(unfolded)

    def _on_changed(self) -> None:
        self._timer.start()

    def _on_reset(self) -> None:
        if self._target is not None and self._target[0].source is not None:
            source = self._target[0].source
            self._show(source.first_choices or KeypointBoxes(), source)
            self._start()

    def _start(self) -> None:
        self._stop()
        if self._target is None:
            return
        tracked, content = self._target
        try:
            self._asked = self.fields.choices()
        except NapariI3DError as error:
            self._report(dock_text(error))
            return
        self._worker = self._workers.start(
            run_keypoint_boxes, content, self._asked, tracked.image_shape, on_end=self._on_end
        )

    def _on_end(self, result: Result) -> None:
        if isinstance(result, Failed):
            self._worker = None
            self._report(result.message)
        elif isinstance(result, Done) and self._target is not None:
            tracked, content = self._target
            made: MadeBoxes = result.value
            # Another worker may run by now.
            if made.keypoints is content and _choices(made.tracking) == self._asked:
                self._worker = None
                self.problem.setText("")
                tracked.replace_boxes(made.tracking, made.problems, made.image_shape)

    def _report(self, problem: str) -> None:
        self.problem.setText(f"{problem}. The boxes stay as they were.")
        self.reset.setEnabled(True)


def _choices(tracking: Tracking) -> KeypointBoxes:
    made = tracking.origin.boxes if tracking.origin is not None else None
    return made or KeypointBoxes()


def _typical_side_px(tracking: Tracking) -> float:
    """Return the median of the longer sides of all boxes, in whole pixels."""
    sides = [(tracklet.boxes[:, 2:] - tracklet.boxes[:, :2]).max(axis=1) for tracklet in tracking.values()]
    all_sides = np.concatenate(sides)
    finite = all_sides[np.isfinite(all_sides)]
    return float(max(1, round(float(np.median(finite))))) if len(finite) else 1.0
