"""Docks that are higher than there is room for."""

from qtpy.QtCore import Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QScrollBar, QWidget

# So much of the content is seen where docks share a column.
_LEAST_HEIGHT_PX = 110


class Scrolling(QScrollArea):
    """Scrolls its content up and down; never from side to side."""

    def __init__(self, content: QWidget, least_height_px: int = _LEAST_HEIGHT_PX) -> None:
        super().__init__()
        self._content = content
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(least_height_px)
        self.setWidget(content)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Leave room for the scroll bar, now that napari's fonts and margins are known."""
        bar_width = QScrollBar(Qt.Orientation.Vertical).sizeHint().width()
        self.setMinimumWidth(self._content.minimumSizeHint().width() + bar_width)
        super().showEvent(event)
