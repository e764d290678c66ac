"""A table of texts and numbers that can be sorted by each column."""

import math
from collections.abc import Iterable, Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

Cell = str | int | float | None


class _Item(QTableWidgetItem):
    def __init__(self, value: Cell) -> None:
        super().__init__(_format(value))
        self.value = value
        if not isinstance(value, str):
            self.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def __lt__(self, other: QTableWidgetItem) -> bool:
        return _order(self.value) < _order(other.value if isinstance(other, _Item) else None)


class NumberTable(QTableWidget):
    """Shows rows; what does not exist is a dash, and comes first if rows are sorted.

    Parameters
    ----------
    header
        Names of the columns, with units, and what they mean.
    sortable
        Whether the user can sort the rows.
    """

    def __init__(self, header: Sequence[tuple[str, str]], *, sortable: bool = True) -> None:
        super().__init__(0, len(header))
        self._sortable = sortable
        self.setHorizontalHeaderLabels([name for name, _ in header])
        for column, (_, meaning) in enumerate(header):
            item = self.horizontalHeaderItem(column)
            if item is not None:
                item.setToolTip(meaning)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        vertical = self.verticalHeader()
        if vertical is not None:
            vertical.hide()
        self.setSortingEnabled(self._sortable)

    def show_rows(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Replace all rows; the column that the user sorts by stays."""
        found = list(rows)
        self.setSortingEnabled(False)
        self.setRowCount(len(found))
        for row, values in enumerate(found):
            for column, value in enumerate(values):
                self.setItem(row, column, _Item(value))
        header = self.horizontalHeader()
        if header is not None and header.sortIndicatorSection() >= self.columnCount():
            header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(self._sortable)
        self.resizeColumnsToContents()

    def texts(self) -> list[list[str]]:
        """Return the rows as they are shown."""
        items = [[self.item(row, column) for column in range(self.columnCount())] for row in range(self.rowCount())]
        return [[item.text() if item is not None else "" for item in row] for row in items]


def _format(value: Cell) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else value


def _order(value: Cell) -> tuple[float, str]:
    if isinstance(value, str):
        return 0.0, value
    return (-math.inf if value is None else float(value)), ""
