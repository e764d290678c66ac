"""A list of moments of videos that are gone through by clicks and arrow keys."""

from collections.abc import Iterable, Sequence

from psygnal import Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

_LEAST_PX = 110

Row = tuple[tuple[str, ...], str]
"""The texts of a row, and its tooltip."""


class ClickList(QTreeWidget):
    """Shows rows of texts in an order that means something.

    Parameters
    ----------
    header
        Names of the columns, and what they mean.

    Attributes
    ----------
    chosen
        Signal (int): the user went to a row, by click or key.
    """

    chosen = Signal(int)

    def __init__(self, header: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self.setColumnCount(len(header))
        self.setHeaderLabels([name for name, _ in header])
        named = self.headerItem()
        for column, (_, meaning) in enumerate(header):
            if named is not None:
                named.setToolTip(column, meaning)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setMinimumHeight(_LEAST_PX)
        columns = self.header()
        if columns is not None:
            columns.setStretchLastSection(True)
            columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.itemClicked.connect(self._on_clicked)

    def show_rows(self, rows: Iterable[Row], current: int = -1) -> None:
        """Replace the rows if they are others, and mark one as current; -1: none."""
        found = list(rows)
        if found != self._rows:
            self._rows = found
            self.clear()
            for texts, about in found:
                item = QTreeWidgetItem(list(texts))
                for column in range(len(texts)):
                    item.setToolTip(column, about)
                self.addTopLevelItem(item)
        if 0 <= current < len(found):
            self.setCurrentItem(self.topLevelItem(current))
        else:
            self.setCurrentItem(None)
            self.clearSelection()

    @property
    def current(self) -> int:
        """Number of the current row; -1: none."""
        item = self.currentItem()
        return -1 if item is None else self.indexOfTopLevelItem(item)

    def texts(self) -> list[list[str]]:
        """Return the rows as they are shown."""
        items = [self.topLevelItem(row) for row in range(self.topLevelItemCount())]
        return [[item.text(column) for column in range(self.columnCount())] for item in items if item is not None]

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Go to the row that a key made current."""
        before = self.current
        super().keyPressEvent(event)
        if self.current not in (before, -1):
            self.chosen.emit(self.current)

    def _on_clicked(self, item: QTreeWidgetItem) -> None:
        self.chosen.emit(self.indexOfTopLevelItem(item))


def format_frames(start: int, stop: int, fps: float | None) -> str:
    """Return frames for a row of a list, with the time of the first if the rate is known."""
    frames = f"{start}-{stop - 1}"
    if not fps:
        return frames
    seconds = start / fps
    return f"{frames} ({int(seconds) // 60}:{seconds % 60:04.1f})"
