"""The settings of the Learn dock that few people change."""

from typing import Any

from psygnal import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QFormLayout, QSpinBox, QWidget

from napari_i3d.learning import ProbeSettings, Smoothing
from napari_i3d.learning.probe.settings import Classifier
from napari_i3d.plugin import preferences
from napari_i3d.plugin.learning.learned import LearnSettings, QueueSettings
from napari_i3d.plugin.widgets.choice_box import ChoiceBox

_SECTION = "learn"
_MOST = 10_000


class LearnOptions(QWidget):
    """Fields of the settings; they are remembered.

    Attributes
    ----------
    changed, smoothing_changed
        Signals, without arguments: any setting; one of those that make bouts of probabilities.
    """

    changed = Signal()
    smoothing_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        usual = LearnSettings()
        self.classifier = ChoiceBox(
            [("logistic regression", Classifier.LOGISTIC), ("boosted trees", Classifier.BOOSTING)],
            tooltip="Boosted trees find behaviors that are no linear function of the components.\n"
            "They take longer and need more labels; compare the scores of both.",
        )
        self.components = _whole(1, _MOST, usual.probe.components, "Principal components of the features")
        self.context = _whole(
            0,
            _MOST,
            usual.probe.context_frames,
            "Each row is seen together with those so many frames before and after it; 0: alone",
            " frames",
        )
        self.retrain = _whole(
            0,
            _MOST,
            usual.retrain_after,
            "After so many edited bouts the probe is trained again, in the background, while you go on labelling",
            " bouts",
        )
        self.retrain.setSpecialValueText("never")
        self.enter = _probability(usual.smoothing.enter, "A proposed bout has at least one row of this probability")
        self.stay = _probability(usual.smoothing.stay, "It goes on as long as rows have this probability")
        self.shortest = _whole(
            1, _MOST, usual.smoothing.shortest_frames, "Shorter gaps are closed, then shorter bouts dropped", " frames"
        )
        self.count = _whole(1, 1000, usual.queue.count, "Number of stretches to label next that are listed")
        self.length = _whole(1, _MOST, usual.queue.length_frames, "Length of a stretch to label", " frames")
        self.random = _whole(
            0,
            100,
            round(100 * usual.queue.random_share),
            "Share of the stretches that are drawn at random.\n"
            "Only these tell, without bias, how often a behavior or a mistake of the probe occurs.",
            " %",
        )
        self._fields: dict[str, QSpinBox | QDoubleSpinBox] = {
            "components": self.components,
            "context_frames": self.context,
            "retrain_after": self.retrain,
            "enter": self.enter,
            "stay": self.stay,
            "shortest_frames": self.shortest,
            "count": self.count,
            "length_frames": self.length,
            "random_percent": self.random,
        }
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Classifier", self.classifier.native)
        for title, field in (
            ("Components", self.components),
            ("Context", self.context),
            ("Train again after", self.retrain),
            ("Bouts reach", self.enter),
            ("and stay above", self.stay),
            ("Shortest bout", self.shortest),
            ("Stretches to label", self.count),
            ("of length", self.length),
            ("at random", self.random),
        ):
            form.addRow(title, field)
            label = form.labelForField(field)
            if label is not None:
                label.setToolTip(field.toolTip())
        self._recall()
        for name, field in self._fields.items():
            smooths = name in ("enter", "stay", "shortest_frames")
            field.valueChanged.connect(self._on_smoothing if smooths else self._on_changed)
        self.classifier.changed.connect(self._on_changed)

    def settings(self) -> LearnSettings:
        """Return the settings."""
        enter = self.enter.value()
        return LearnSettings(
            ProbeSettings(self.components.value(), self.context.value(), classifier=self.classifier.value),
            # Not an error to be shown: who lowers one of the two means both.
            Smoothing(enter, min(self.stay.value(), enter), self.shortest.value()),
            QueueSettings(self.count.value(), self.length.value(), self.random.value() / 100),
            self.retrain.value(),
        )

    def _on_smoothing(self) -> None:
        self._on_changed()
        self.smoothing_changed.emit()

    def _on_changed(self) -> None:
        numbers = {name: field.value() for name, field in self._fields.items()}
        preferences.remember(_SECTION, {"classifier": str(self.classifier.value), **numbers})
        self.changed.emit()

    def _recall(self) -> None:
        known = preferences.recall(_SECTION)
        if known.get("classifier") in list(Classifier):
            self.classifier.value = Classifier(known["classifier"])
        for name, field in self._fields.items():
            value: Any = known.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MOST:
                set_value: Any = field.setValue
                set_value(type(field.value())(value))


def _whole(least: int, most: int, value: int, about: str, unit: str = "") -> QSpinBox:
    box = QSpinBox()
    box.setRange(least, most)
    box.setValue(value)
    box.setSuffix(unit)
    box.setToolTip(about)
    box.setKeyboardTracking(False)
    return box


def _probability(value: float, about: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(0.01, 1.0)
    box.setSingleStep(0.05)
    box.setValue(value)
    box.setToolTip(about)
    box.setKeyboardTracking(False)
    return box
