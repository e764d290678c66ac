"""Text in docks; apart from their other parts, which load the download of weights."""

import re

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QLabel

# After these a line may be broken.
_LEAST_PX = 60
_BREAKS = re.compile(r"([/\\_]|\S{16})")


class TextLabel(QLabel):
    """Text for reading; wraps, also within long names and paths, which would make docks wider than the screen."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)  # names of files may look like HTML
        self.setText(text)

    def setText(self, text: str | None) -> None:  # noqa: N802 - Qt's name
        """Show a text; the plain text is the tooltip."""
        plain = text or ""
        self.setToolTip(plain)
        super().setText(_BREAKS.sub("\\1\u200b", plain))

    def text(self) -> str:
        """Return the plain text."""
        return self.toolTip()


class LineLabel(QLabel):
    """One line of text; what has no room is cut at its end, and in the tooltip."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, text: str | None) -> None:  # noqa: N802 - Qt's name
        """Show a text; all of it is the tooltip."""
        self.setToolTip(text or "")
        self._cut()

    def text(self) -> str:
        """Return the whole text."""
        return self.toolTip()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return a narrow size: a long text does not make its dock wide."""
        return QSize(_LEAST_PX, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a narrow size too: it takes the room that others leave."""
        return QSize(_LEAST_PX, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Cut the text anew."""
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        metrics = self.fontMetrics()
        super().setText(metrics.elidedText(self.toolTip(), Qt.TextElideMode.ElideRight, self.width()))
