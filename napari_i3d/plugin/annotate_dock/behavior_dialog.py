"""Dialog for a behavior: name, key, color, description, exclusive."""

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QKeyEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_i3d.annotations.ethogram import Behavior, Ethogram
from napari_i3d.errors import AnnotationError
from napari_i3d.plugin.messages import dock_text
from napari_i3d.plugin.widgets.layouts import fill
from napari_i3d.plugin.widgets.swatch import swatch
from napari_i3d.plugin.widgets.text_label import TextLabel

_WIDTH_PX = 420
_DESCRIPTION_LINES = 3
_NONE = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete)


class KeyField(QLineEdit):
    """Shows the last letter or digit that was pressed; Backspace takes it away."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.setMaxLength(1)
        self.setPlaceholderText("press a letter or digit")

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Take a letter or digit in place of the one before."""
        if event is None:
            return
        text = event.text().lower()
        if event.key() in _NONE:
            self.clear()
        elif len(text) == 1 and text.isascii() and text.isalnum():
            self.setText(text)
        else:
            super().keyPressEvent(event)


class BehaviorDialog(QDialog):
    """Asks for a behavior, new or changed; says why one cannot be.

    Parameters
    ----------
    parent
        The window.
    ethogram
        The behaviors.
    behavior
        The one to change; None: a new one.
    """

    def __init__(self, parent: QWidget, ethogram: Ethogram, behavior: Behavior | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("New behavior" if behavior is None else f"Change {behavior.name}")
        self.setMinimumWidth(_WIDTH_PX)
        self._others = [one for one in ethogram.values() if one is not behavior]
        self._is_new = behavior is None
        self._color = behavior.color if behavior is not None else ""
        self._shown_color = self._color or (
            ethogram.style_of(ethogram.index(behavior.name))[0] if behavior is not None else ""
        )
        self.name = QLineEdit(behavior.name if behavior is not None else "")
        self.key = KeyField(behavior.key if behavior is not None else "")
        self.color = QPushButton()
        self.exclusive = QCheckBox("Excludes the other exclusive behaviors of the same individual")
        self.exclusive.setChecked(behavior is None or behavior.exclusive)
        self.description = QPlainTextEdit(behavior.description if behavior is not None else "")
        self.description.setPlaceholderText("What counts as this behavior")
        self.description.setTabChangesFocus(True)
        self.description.setFixedHeight(_DESCRIPTION_LINES * self.fontMetrics().lineSpacing() + 12)
        self.problem = TextLabel()
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self
        )
        form = QFormLayout()
        form.addRow("Name", self.name)
        form.addRow("Key", fill(QHBoxLayout(), self.key, self.color, grow=self.key))
        form.addRow("", self.exclusive)
        form.addRow("Description", self.description)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)
        self.name.textChanged.connect(self._on_name)
        self.key.textEdited.connect(self._check)
        self.key.textChanged.connect(self._check)
        self.color.clicked.connect(self._on_color)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._show_color()
        self._check()

    @property
    def behavior(self) -> Behavior:
        """The behavior as it is in the dialog.

        Raises
        ------
        AnnotationError
            It is none, or is in conflict with another one.
        """
        name, key = self.name.text().strip(), self.key.text().strip().lower()
        for other in self._others:
            if other.name == name:
                raise AnnotationError(f"there is a behavior called {name} already")
            if key and other.key.lower() == key:
                raise AnnotationError(f"{key} is the key of {other.name} already")
        if not name:
            raise AnnotationError("a behavior needs a name")
        return Behavior(name, key, self._color, self.description.toPlainText().strip(), self.exclusive.isChecked())

    def _on_name(self, text: str) -> None:
        if self._is_new and not self.key.isModified():
            taken = {other.key.lower() for other in self._others}
            letters = (letter for letter in text.lower() if letter.isascii() and letter.isalnum())
            self.key.setText(next((letter for letter in letters if letter not in taken), ""))
        self._check()

    def _check(self) -> None:
        problem = ""
        try:
            _ = self.behavior
        except AnnotationError as error:
            problem = dock_text(error)
        self.problem.setText(f"{problem[:1].upper()}{problem[1:]}." if problem else "")
        accept = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        if accept is not None:
            accept.setEnabled(not problem)

    def _on_color(self) -> None:
        chosen = QColorDialog.getColor(QColor(self._shown_color or "#808080"), self, "Color of the behavior")
        if chosen.isValid():
            self._color = self._shown_color = chosen.name()
            self._show_color()

    def _show_color(self) -> None:
        if self._shown_color:
            self.color.setIcon(swatch(self._shown_color))
            self.color.setText("Color…")
        else:
            self.color.setText("Color: automatic…")
