"""Section of a dock that can be folded."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QToolButton, QVBoxLayout, QWidget


class Section(QWidget):
    """A title that shows or hides what is below it; hidden at first.

    Parameters
    ----------
    title
        Title of the section.
    content
        The widget.

    Attributes
    ----------
    button
        The title.
    """

    def __init__(self, title: str, content: QWidget) -> None:
        super().__init__()
        self._title = title
        self._content = content
        self.button = QToolButton()
        self.button.setCheckable(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.button.setStyleSheet("QToolButton { border: none; background: transparent; padding: 4px 0; }")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(content)
        self.button.toggled.connect(self._show)
        self._show(False)

    def _show(self, unfolded: bool) -> None:
        self.button.setText(f"{'▾' if unfolded else '▸'}  {self._title}")
        self._content.setVisible(unfolded)
