"""Toolbar of a plot: matplotlib's tools that docks need, in the colors of napari's theme."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_qt import NavigationToolbar2QT
from napari.utils.theme import get_theme
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap
from qtpy.QtWidgets import QWidget

_TOOLS = ("Home", "Pan", "Zoom", "Save")
_ICONS = {"Home": "home", "Pan": "move", "Zoom": "zoom_to_rect", "Save": "filesave"}
_ICON_PX = 18
_LEAST_PX = 40


class PlotToolbar(NavigationToolbar2QT):
    """Home, pan, zoom, and save the figure.

    Parameters
    ----------
    canvas
        The canvas of matplotlib.
    parent
        The dock.
    save
        Called to save the figure.
    home
        Called to show all; returns False for matplotlib's own home view.
    upright
        Whether the tools are stacked vertically.
    """

    toolitems: list[Any] = [item for item in NavigationToolbar2QT.toolitems if item[0] in _TOOLS]  # noqa: RUF012

    def __init__(
        self,
        canvas: Any,
        parent: QWidget,
        save: Callable[[], None],
        home: Callable[[], bool],
        *,
        upright: bool = False,
    ) -> None:
        self._save = save
        self._go_home = home
        super().__init__(canvas, parent, coordinates=False)  # type: ignore[no-untyped-call]
        self.setIconSize(QSize(_ICON_PX, _ICON_PX))
        if upright:
            self.setOrientation(Qt.Orientation.Vertical)
            self.setStyleSheet("QToolButton { padding: 1px; margin: 0; }")  # docks are low
            self.setMinimumHeight(_LEAST_PX)  # tools without room move to its menu

    def home(self, *arguments: Any) -> None:
        """Show all."""
        if not self._go_home():
            super().home(*arguments)

    def save_figure(self, *_: Any) -> None:
        """Save the figure, without the cursor and in the colors of paper."""
        self._save()

    def set_theme(self, theme: str) -> None:
        """Draw the icons in the color of text of one of napari's themes; matplotlib's are black."""
        color = QColor(get_theme(theme).text.as_hex(format="long"))
        folder = Path(matplotlib.get_data_path()) / "images"
        for action in self.actions():
            if action.text() in _ICONS:
                action.setIcon(_tinted(folder / f"{_ICONS[action.text()]}_large.png", color))


def _tinted(path: Path, color: QColor) -> QIcon:
    pixmap = QPixmap(str(path))
    painter = QPainter(pixmap)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(pixmap.rect(), color)
    painter.end()
    return QIcon(pixmap)
