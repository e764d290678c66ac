"""Labels for text in docks."""

import re

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy
from superqt import QElidingLabel

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


class LineLabel(QElidingLabel):
    """One line of text, cut at its end if it is too long; the tooltip has the whole text."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        # The label takes the room that others leave: a long text must not widen the dock.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(_MIN_PX)

    def setText(self, text: str | None) -> None:  # noqa: N802 - Qt's name
        """Show a text; all of it is the tooltip."""
        self.setToolTip(text or "")
        super().setText(text or "")
