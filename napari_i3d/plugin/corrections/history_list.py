"""The list of corrections: those that were undone are gray, the present state is selected, a click goes to a state."""

from typing import Any

from psygnal import Signal
from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, QSize, Qt
from qtpy.QtGui import QFont, QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QListView, QWidget

from napari_i3d._utils.history import History, Step

_ROWS = 6
_BEGINNING = "Boxes as opened"


class HistoryModel(QAbstractListModel):
    """The states of a history, oldest first: row n is the state after n steps."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = History()
        self._n_rows = 0
        self._last_step: Step | None = None  # as listed

    def set_history(self, history: History) -> None:
        """Show a history as it is now; only rows that are new or gone are inserted or removed."""
        n_rows = len(history.steps) + 1
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
        self.dataChanged.emit(self.index(0), self.index(n_rows - 1))

    @property
    def position(self) -> int:
        """The row of the present state."""
        return self._history.position

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """Return the number of states."""
        return 0 if parent is not None and parent.isValid() else self._n_rows

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


class HistoryList(QListView):
    """Lists the steps of a history.

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
        self.setUniformItemSizes(True)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFixedHeight(_ROWS * (self.fontMetrics().height() + 4) + 2 * self.frameWidth())

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a width that does not widen the dock."""
        return QSize(100, self.height())

    def show_history(self, history: History) -> None:
        """Show a history as it is now, with its present state in view."""
        self.states.set_history(history)
        index = self.states.index(self.states.position)
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
