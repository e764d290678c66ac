"""Scroll area for the content of a dock."""

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QScrollBar, QWidget

MARGINS = 6, 3, 6, 3
"""Margins of low docks: left, top, right, bottom, in pixels."""
SPACING = 3
"""Space between widgets of low docks, in pixels."""

# Visible height if docks share a column.
_MIN_HEIGHT_PX = 60
# Maximum width that a dock takes from the canvas.
_MAX_WIDTH_PX = 385


class DockScrollArea(QScrollArea):
    """Scrolls its content vertically; horizontally only if the dock is very narrow."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content = content
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumHeight(_MIN_HEIGHT_PX)
        self.setWidget(content)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Leave room for the scroll bar beside what the content needs, whenever that changes."""
        if watched is self._content and event is not None and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return bool(super().eventFilter(watched, event))

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Fit the width, now that napari's fonts and margins are known."""
        self._fit()
        super().showEvent(event)

    def _fit(self) -> None:
        bar_width = QScrollBar(Qt.Orientation.Vertical).sizeHint().width()
        self.setMinimumWidth(min(self._content.minimumSizeHint().width() + bar_width, _MAX_WIDTH_PX))
