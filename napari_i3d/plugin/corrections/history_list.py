"""The list of corrections: those that were undone are gray, the present state is selected, a click goes to a state."""

from typing import Any

from psygnal import Signal
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from qtpy.QtGui import QFont, QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_i3d._utils.history import History, Step

_FEWEST_ROWS, _MOST_ROWS = 2, 5
_BEGINNING = "Boxes as opened"


class HistoryModel(QAbstractTableModel):
    """The states of a history, oldest first: row n is the state after n steps."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = History()
        self._n_rows = self._position = 0
        self._last_step: Step | None = None  # as listed

    def set_history(self, history: History) -> None:
        """Show a history as it is now; rows that were listed stay if they can."""
        n_rows, before = len(history.steps) + 1, self._position
        last = history.steps[self._n_rows - 2] if 1 < self._n_rows <= n_rows else None
        if history is not self._history or n_rows < self._n_rows or last is not self._last_step:
            self.beginResetModel()
            self._history, self._n_rows = history, n_rows
            self.endResetModel()
        elif n_rows > self._n_rows:
            self.beginInsertRows(QModelIndex(), self._n_rows, n_rows - 1)
            self._n_rows = n_rows
            self.endInsertRows()
        self._last_step = history.steps[-1] if history.steps else None
        self._position = history.position
        first, stop = sorted((min(before, n_rows - 1), self._position))
        self.dataChanged.emit(self.index(first, 0), self.index(stop, 0))

    @property
    def position(self) -> int:
        """The row of the present state."""
        return self._history.position

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """Return the number of states."""
        return 0 if parent is not None and parent.isValid() else self._n_rows

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """Return 1."""
        return 0 if parent is not None and parent.isValid() else 1

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a step did, gray if it is undone, in bold type for the present state."""
        row, history = index.row(), self._history
        if row > len(history.steps):
            return None
        words = history.steps[row - 1].words if row else _BEGINNING
        if role == Qt.ItemDataRole.DisplayRole:
            saved = "  (saved)" if row and history.is_saved_at(row) else ""
            return f"{row}  {words}{saved}" if row else words
        if role == Qt.ItemDataRole.ToolTipRole:
            if row == history.position:
                return f"{words}\nThe present state."
            return f"{words}\nClick: {'undo all after it' if row < history.position else 'do again up to it'}."
        if role == Qt.ItemDataRole.FontRole and row == history.position:
            font = QFont()
            font.setBold(True)
            return font
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Return that undone steps look disabled, though they can be clicked."""
        if index.row() > self._history.position:
            return Qt.ItemFlag.ItemIsSelectable
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class HistoryList(QTableView):
    """Lists the steps of a history; a table, whose rows need no layout, is fast with thousands.

    Attributes
    ----------
    chosen
        Signal (number of steps): the user clicked a state, or went to it with the arrow keys.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.states = HistoryModel(self)
        self.setModel(self.states)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        columns, rows = self.horizontalHeader(), self.verticalHeader()
        if columns is not None and rows is not None:
            columns.hide()
            columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
            rows.hide()
            rows.setMinimumSectionSize(1)
            rows.setDefaultSectionSize(rows.fontMetrics().height() + 2)
            rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def show_history(self, history: History) -> None:
        """Show a history as it is now, with its present state in view."""
        self.states.set_history(history)
        rows = min(max(self.states.rowCount(), _FEWEST_ROWS), _MOST_ROWS)
        self.setFixedHeight(rows * self.rowHeight(0) + 2 * self.frameWidth())
        index = self.states.index(self.states.position, 0)
        self.setCurrentIndex(index)
        self.scrollTo(index)

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802
        """Go to the state that is clicked, undone ones among them."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(index.row())

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Go up and down with the arrow keys; leave letters to napari."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key())) if event is not None else None
        if event is None or step is None:
            if event is not None:
                event.ignore()
            return
        self.chosen.emit(min(max(self.states.position + step, 0), self.states.rowCount() - 1))
