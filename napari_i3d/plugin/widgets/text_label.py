"""Text in docks; apart from their other parts, which load the download of weights."""

import re

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

# After these a line may be broken.
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
