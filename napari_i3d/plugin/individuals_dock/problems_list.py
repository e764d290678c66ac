"""The list of problems in the Individuals dock, with its buttons."""

from typing import Any

from psygnal import Signal
from qtpy.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, QObject, QRect, Qt
from qtpy.QtGui import QColor, QFontMetrics, QIcon, QPixmap, QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_i3d._utils.text import counted
from napari_i3d.individuals import format_id
from napari_i3d.plugin.individuals_dock.individuals_table import RowTable
from napari_i3d.plugin.messages import in_dock_words
from napari_i3d.plugin.session.problems import in_order, stopping
from napari_i3d.plugin.session.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.text_label import TextLabel
from napari_i3d.tracking.checks import Problem

_HEADERS = ("Frame", "Id", "Level", "What was found")
_LEVEL, _MESSAGE = 2, 3
_STOPS, _NOTE = "stops", "note"
_COLORS = {_STOPS: "#d55e00", _NOTE: "#8a8a8a"}
_MARK_PX = 10
_MOST_LINES = 6


class ProblemsModel(QAbstractTableModel):
    """The problems of one tracked video, by frame."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.problems: list[Problem] = []
        self._stopping: frozenset[Problem] = frozenset()

    @property
    def n_stopping(self) -> int:
        """Number of problems that stop the extraction."""
        return len(self._stopping)

    def set_tracked(self, tracked: TrackedVideo | None) -> None:
        """Show the problems of a video."""
        self.beginResetModel()
        self.problems = in_order(tracked.problems) if tracked else []
        self._stopping = frozenset(stopping(tracked)) if tracked else frozenset()
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """Return the number of problems."""
        return 0 if parent is not None and parent.isValid() else len(self.problems)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(_HEADERS)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the title of a column."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _HEADERS[section]
        return None

    def message(self, row: int) -> str:
        """Return the message without its leading id, which has its own column."""
        problem = self.problems[row]
        return in_dock_words(problem.message).removeprefix(f"{format_id(problem.id)}: ")

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the text of a cell; problems that stop the extraction are marked."""
        problem = self.problems[index.row()]
        stops = problem in self._stopping
        if role == Qt.ItemDataRole.DisplayRole:
            level = _STOPS if stops else _NOTE
            return (str(problem.frame), format_id(problem.id), level, self.message(index.row()))[index.column()]
        if role == Qt.ItemDataRole.DecorationRole and index.column() == _LEVEL:
            return _mark(_STOPS if stops else _NOTE)
        if role == Qt.ItemDataRole.ToolTipRole:
            message = in_dock_words(problem.message)
            what = "This stops the extraction." if stops else "The extraction runs nevertheless."
            return f"{message}\n{what}"
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == 0:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None


def _mark(level: str) -> QIcon:
    mark = QPixmap(_MARK_PX, _MARK_PX)
    mark.fill(QColor(_COLORS[level]))
    return QIcon(mark)


class ProblemsTable(RowTable):
    """A table with wrapped messages.

    All rows have the height of the longest message: fitting thousands one by one would take seconds.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._longest = ""
        self.setWordWrap(True)
        self.setTextElideMode(Qt.TextElideMode.ElideNone)

    def fit_rows(self) -> None:
        """Fit the row height to new messages."""
        model = self.model()
        rows = model.rowCount() if isinstance(model, ProblemsModel) else 0
        texts = {model.message(row) for row in range(rows)} if isinstance(model, ProblemsModel) else set()
        self._longest = max(texts, key=self.fontMetrics().horizontalAdvance, default="")
        self._set_height()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Wrap the messages again."""
        super().resizeEvent(event)
        self._set_height()

    def _set_height(self) -> None:
        rows = self.verticalHeader()
        if rows is None:
            return
        metrics = self.fontMetrics()
        # What is drawn is a little narrower than the column.
        room = max(1, self.columnWidth(_MESSAGE) - 10)
        height = _wrapped_height(metrics, self._longest, room)
        rows.setDefaultSectionSize(min(height, _MOST_LINES * metrics.lineSpacing()) + 8)


def _wrapped_height(metrics: QFontMetrics, text: str, width_px: int) -> int:
    room = QRect(0, 0, width_px, 10_000)
    return max(metrics.height(), metrics.boundingRect(room, int(Qt.TextFlag.TextWordWrap.value), text).height())


class ProblemsList(QWidget):
    """List of the problems found, the message of the selected one, and buttons for previous and next.

    Attributes
    ----------
    chosen
        Signal (problem): the user clicked one, or went to it with the arrow keys.
    stepped
        Signal (1 or -1): the user pressed next or previous.
    """

    chosen = Signal(object)
    stepped = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ProblemsModel(self)
        self.title = QLabel()
        self.previous = QPushButton("Previous")
        self.next = QPushButton("Next")
        self.previous.setToolTip("Previous problem (Shift-N)")
        self.next.setToolTip("Next problem (N)")
        self.table = ProblemsTable()
        self.table.setModel(self.model)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.table.horizontalHeader()
        if header is not None:
            header.setHighlightSections(False)
            header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            header.setSectionResizeMode(_MESSAGE, QHeaderView.ResizeMode.Stretch)
        self.message = TextLabel()
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # Room for two lines, so that the list does not jump when a message is longer.
        self.message.setMinimumHeight(2 * self.message.fontMetrics().lineSpacing())
        self.message.setAlignment(Qt.AlignmentFlag.AlignTop)

        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.previous)
        top.addWidget(self.next)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.message)
        self._showing = False
        self.table.clicked.connect(self._on_clicked)
        self.table.activated.connect(self._on_clicked)
        selection = self.table.selectionModel()
        if selection is not None:
            selection.selectionChanged.connect(self._on_selected)
        self.previous.clicked.connect(lambda: self.stepped.emit(-1))
        self.next.clicked.connect(lambda: self.stepped.emit(1))

    def show_tracked(self, tracked: TrackedVideo | None) -> None:
        """List the problems of a video."""
        self.model.set_tracked(tracked)
        number, stops = len(self.model.problems), self.model.n_stopping
        text = counted(number, "problem") if number else "No problems found"
        if stops:
            text += f", {stops} {'stops' if stops == 1 else 'stop'} extraction"
        self.title.setText(text)
        for button in (self.previous, self.next):
            button.setEnabled(number > 0)
        for widget in (self.table, self.message):
            widget.setVisible(number > 0)  # else the individuals have the room
        for column in range(_MESSAGE):
            self.table.resizeColumnToContents(column)
        self.table.fit_rows()
        self.show_problem(tracked.problem if tracked else None)

    def show_problem(self, problem: Problem | None) -> None:
        """Select a problem."""
        self.message.setText(in_dock_words(problem.message) if problem else "")
        selection = self.table.selectionModel()
        if selection is None:
            return
        self._showing = True
        try:
            if problem not in self.model.problems:
                selection.clear()
                return
            index = self.model.index(self.model.problems.index(problem), 0)
            both = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            selection.setCurrentIndex(index, both)
            self.table.scrollTo(index)
        finally:
            self._showing = False

    def _on_selected(self) -> None:
        """Go to the problem selected with the arrow keys or the mouse."""
        selection = self.table.selectionModel()
        if selection is not None and not self._showing:
            for index in selection.selectedRows():
                self._on_clicked(index)

    def _on_clicked(self, index: QModelIndex) -> None:
        self.chosen.emit(self.model.problems[index.row()])
