"""A picture that fills a square, with a box and lines of text."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QWheelEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

_LEAST_PX, _HINT_PX = 160, 300
_MARGIN_PX = 6
_WARNING = "#f0e442"
_NOTCH = 120


@dataclass(frozen=True, eq=False)
class Shown:
    """What is painted.

    Attributes
    ----------
    picture
        (side, side, 3) uint8.
    title, remark
        Lines of text in the picture; the second one is a warning, or empty.
    box
        Left, upper, right and lower edge in pixels of the picture; None: no box.
    color
        That of the box, ``#rrggbb``.
    """

    picture: NDArray[np.uint8]
    title: str
    remark: str
    box: tuple[float, float, float, float] | None
    color: str


class FollowView(QWidget):
    """Paints what it is to show when Qt asks for it.

    Parameters
    ----------
    content
        Returns what to paint, a text if there is nothing, or None to keep what was painted before.
    on_wheel
        Called with the notches that the wheel was turned.

    Attributes
    ----------
    shown
        What was painted last: a picture or a text.
    """

    def __init__(self, content: Callable[[], Shown | str | None], on_wheel: Callable[[int], None]) -> None:
        super().__init__()
        self._content, self._on_wheel = content, on_wheel
        self.shown: Shown | str = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(_LEAST_PX, _LEAST_PX)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a size at which details are seen."""
        return QSize(_HINT_PX, _HINT_PX)

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802
        """Zoom."""
        if event is not None and event.angleDelta().y():
            event.accept()
            self._on_wheel(1 if event.angleDelta().y() >= 0 else -1)

    def paintEvent(self, _: QPaintEvent | None) -> None:  # noqa: N802
        """Paint the picture as large as fits."""
        found = self._content()
        if found is not None:
            self.shown = found
        painter = QPainter(self)
        if isinstance(self.shown, str):
            painter.setPen(self.palette().color(self.foregroundRole()))
            flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(0, _MARGIN_PX, 0, 0), int(flags), self.shown)
            return
        _paint(painter, self.shown, min(self.width(), self.height()), self.width())


def _paint(painter: QPainter, shown: Shown, side: int, width: int) -> None:
    rows, columns, _ = shown.picture.shape
    area = QRectF((width - side) / 2, 0, side, side)
    image = QImage(shown.picture.tobytes(), columns, rows, 3 * columns, QImage.Format.Format_RGB888)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, on=side < columns)
    painter.drawImage(area, image)
    painter.setClipRect(area)
    if shown.box is not None:
        left, upper, right, lower = (edge * side / columns for edge in shown.box)
        box = QRectF(area.left() + left, area.top() + upper, right - left, lower - upper)
        for color, line in (("#000000", 4), (shown.color, 2)):
            painter.setPen(QPen(QColor(color), line))
            painter.drawRect(box)
    lines = painter.fontMetrics().lineSpacing()
    for number, (text, color) in enumerate(((shown.title, "#ffffff"), (shown.remark, _WARNING))):
        if text:
            top = area.top() + _MARGIN_PX + number * (lines + 2)
            ground = QRectF(
                area.left() + _MARGIN_PX, top, painter.fontMetrics().horizontalAdvance(text) + 2 * _MARGIN_PX, lines
            )
            painter.fillRect(ground, QColor(0, 0, 0, 150))
            painter.setPen(QColor(color))
            painter.drawText(ground, int(Qt.AlignmentFlag.AlignCenter), text)
