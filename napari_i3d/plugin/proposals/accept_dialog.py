"""Dialog that accepts all proposals above a confidence."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_i3d._utils.text import counted
from napari_i3d.annotations.bouts import Bout
from napari_i3d.individuals import Id, name_ids
from napari_i3d.plugin.proposals.proposal_actions import accept_bouts, all_left, confidence_of
from napari_i3d.plugin.session.session import Session
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.choice_box import ChoiceBox
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.text_label import TextLabel

_WIDTH_PX = 420
_STEPS = 100
_CONFIDENCE = 0.8
_ALL = "all"


class AcceptDialog(QDialog):
    """Asks which proposals to accept at once.

    Parameters
    ----------
    parent
        The window.
    tracked
        The video.
    individual
        Whose proposals are chosen at first; None: those of all.

    Attributes
    ----------
    confidence, behavior, individual, frames
        The fields.
    text
        What is going to be accepted.
    """

    def __init__(self, parent: QWidget, tracked: TrackedVideo, individual: Id | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Accept proposals")
        self.setMinimumWidth(_WIDTH_PX)
        self._bouts = all_left(tracked)
        behaviors = sorted({bout.behavior for bout in self._bouts})
        names = name_ids(tuple(dict.fromkeys(bout.individual for bout in self._bouts)))
        self.confidence, self.slider = QDoubleSpinBox(), QSlider(Qt.Orientation.Horizontal)
        self.confidence.setRange(0, 1)
        self.confidence.setSingleStep(0.05)
        self.slider.setRange(0, _STEPS)
        self.behavior = ChoiceBox([(_ALL, ()), *((name, (name,)) for name in behaviors)])
        self.individual = ChoiceBox([(_ALL, ()), *((name, (one,)) for one, name in names.items())])
        spans = [] if tracked.span is None else [("the marked span", tracked.span)]
        self.frames = ChoiceBox([("the whole video", ()), *spans])
        self.text = TextLabel()
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self
        )
        self._build()
        if individual in names:
            self.individual.value = next(one for one in self.individual.choices if one == (individual,))
        if spans:
            self.frames.value = tracked.span
        self.confidence.setValue(_CONFIDENCE)
        self._show()

    @property
    def bouts(self) -> list[Bout]:
        """The proposals to accept, the surest first: what lies on it later is shortened."""
        behavior, individual, span = self.behavior.value, self.individual.value, self.frames.value
        low = self.confidence.value() - 1e-9
        found = [
            bout
            for bout in self._bouts
            if confidence_of(bout) >= low
            and (not behavior or bout.behavior in behavior)
            and (not individual or bout.individual in individual)
            and (not span or (span[0] <= bout.start and bout.stop <= span[1]))
        ]
        return sorted(found, key=confidence_of, reverse=True)

    def _build(self) -> None:
        form = QFormLayout()
        form.addRow("Confidence from", fill(QHBoxLayout(), self.slider, self.confidence, grow=self.slider))
        for name, box in (("Behavior", self.behavior), ("Individual", self.individual), ("In", self.frames)):
            form.addRow(name, box.native)
            box.changed.connect(self._show)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.text)
        layout.addWidget(self.buttons)
        self.slider.valueChanged.connect(self._on_slider)
        self.confidence.valueChanged.connect(self._show)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _on_slider(self, step: int) -> None:
        self.confidence.setValue(step / _STEPS)

    def _show(self) -> None:
        step = round(self.confidence.value() * _STEPS)
        if step != self.slider.value():
            self.slider.setValue(step)
        chosen = self.bouts
        n_individuals = len({bout.individual for bout in chosen})
        of = f" of {counted(n_individuals, 'individual')}" if chosen else ""
        self.text.setText(f"Accepts {len(chosen):,} of {counted(len(self._bouts), 'proposal')}{of} of this video.")
        button = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        if button is not None:
            button.setText(f"Accept {len(chosen):,}")
            button.setEnabled(bool(chosen))


def open_accept_dialog(session: Session, individual: Id | None = None) -> None:
    """Ask which proposals of the active video to accept, and accept them as one step."""
    tracked = session.active
    if tracked is None or tracked.predictions.annotation is None:
        return
    dialog = AcceptDialog(session.viewer.window._qt_window, tracked, individual)
    chosen = dialog.bouts if dialog.exec() == QDialog.DialogCode.Accepted else []
    dialog.deleteLater()
    done = accept_bouts(session, tracked, chosen) if chosen else None
    if done is not None:
        kept = f"; {counted(done.n_kept, 'frame')} kept other labels" if done.n_kept else ""
        session.viewer.status = f"Accepted {counted(done.n_bouts, 'proposal')}{kept}"
