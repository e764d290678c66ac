"""Labels for text in docks."""

import re

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QLabel

_MIN_PX = 60
# A line may be broken after these.
_BREAKS = re.compile(r"([/\\_]|\S{16})")


class TextLabel(QLabel):
    """Wrapped text; breaks also within long names and paths, which would widen the dock."""

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
    """One line of text, cut at its end if it is too long; the tooltip has the whole text."""

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
        """Return a narrow size: a long text must not widen the dock."""
        return QSize(_MIN_PX, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a narrow size: the label takes the room that others leave."""
        return QSize(_MIN_PX, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Cut the text to the new width."""
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        metrics = self.fontMetrics()
        super().setText(metrics.elidedText(self.toolTip(), Qt.TextElideMode.ElideRight, self.width()))
