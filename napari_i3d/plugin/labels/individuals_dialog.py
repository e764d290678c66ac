"""Dialog that asks who the individuals of a file of labels are in the tracking."""

from collections.abc import Mapping, Sequence

from qtpy.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QVBoxLayout, QWidget

from napari_i3d.individuals import Id, format_id
from napari_i3d.plugin.widgets.scroll_area import DockScrollArea
from napari_i3d.plugin.widgets.text_label import TextLabel

_WIDTH_PX = 560
_NAME_CHARACTERS = 28


class IndividualsDialog(QDialog):
    """Asks who individuals are that the tracking does not have.

    Parameters
    ----------
    parent
        The window.
    name
        Name of the file.
    strange
        Individuals of the file.
    tracked
        Individuals of the tracking.
    suggested
        Who they may be; the others stay as they are.
    """

    def __init__(
        self,
        parent: QWidget,
        name: str,
        strange: Sequence[Id],
        tracked: Sequence[Id],
        suggested: Mapping[Id, Id],
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Individuals of {name}")
        self.setMinimumWidth(_WIDTH_PX)
        self._choices: list[Id | None] = [*tracked, None]
        self.boxes: dict[Id, QComboBox] = {}
        rows = QWidget()
        form = QFormLayout(rows)
        for individual in strange:
            box = QComboBox()
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
            box.addItem("itself, without boxes")
            for one in tracked:
                box.addItem(_short(one))
            box.addItem("nobody: leave out")
            if individual in suggested:
                box.setCurrentIndex(1 + self._choices.index(suggested[individual]))
            form.addRow(f"{_short(individual)} is", box)
            self.boxes[individual] = box
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self
        )
        layout = QVBoxLayout(self)
        layout.addWidget(TextLabel(f"{name} has labels of individuals that are not in the tracking. Who are they?"))
        area = DockScrollArea(rows)
        layout.addWidget(area, 1)
        layout.addWidget(self.buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    @property
    def names(self) -> dict[Id, Id | None]:
        """Who each is; None: nobody, so that its labels are left out."""
        return {
            individual: individual if not box.currentIndex() else self._choices[box.currentIndex() - 1]
            for individual, box in self.boxes.items()
        }


def _short(individual: Id) -> str:
    text = format_id(individual)
    return text if len(text) <= _NAME_CHARACTERS else f"{text[: _NAME_CHARACTERS - 1]}…"
