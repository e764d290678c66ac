"""The list of problems in the Individuals dock, with its buttons."""

from typing import Any

from psygnal import Signal
from qtpy.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, QObject, Qt
from qtpy.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_i3d.errors import counted
from napari_i3d.plugin.problems import in_order, stopping
from napari_i3d.plugin.tracked_video import TrackedVideo
from napari_i3d.plugin.widgets.tables import RowTable
from napari_i3d.plugin.widgets.text_label import TextLabel
from napari_i3d.plugin.wording import in_dock_words
from napari_i3d.tracking.checks import Problem
from napari_i3d.tracking.parse import shown

_HEADERS = ("Frame", "Id", "Problem", "What was found")
_MESSAGE = 3


class ProblemsModel(QAbstractTableModel):
    """The problems of one tracked video, by frame."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.problems: list[Problem] = []
        self._stopping: frozenset[Problem] = frozenset()

    @property
    def n_stopping(self) -> int:
        """How many of them stop the extraction."""
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

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the text of a cell; problems that stop the extraction are marked."""
        problem = self.problems[index.row()]
        stops = problem in self._stopping
        if role == Qt.ItemDataRole.DisplayRole:
            kind = f"{problem.kind} (stops)" if stops else str(problem.kind)
            # The message begins with the id, which has a column of its own.
            message = in_dock_words(problem.message).removeprefix(f"{shown(problem.id)}: ")
            return (str(problem.frame), shown(problem.id), kind, message)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            message = in_dock_words(problem.message)
            return f"{message}\nThis stops the extraction." if stops else message
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == 0:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None


class ProblemsList(QWidget):
    """What the checks found: a list, the text of the chosen one, previous and next.

    Attributes
    ----------
    chosen
        Signal (problem): the user clicked one.
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
        self.table = RowTable()
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
        self.table.clicked.connect(self._on_clicked)
        self.table.activated.connect(self._on_clicked)
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
        for part in (self.table, self.message):
            part.setVisible(number > 0)  # else the individuals have the room
        for column in range(_MESSAGE):
            self.table.resizeColumnToContents(column)
        self.show_problem(tracked.problem if tracked else None)

    def show_problem(self, problem: Problem | None) -> None:
        """Select a problem."""
        self.message.setText(in_dock_words(problem.message) if problem else "")
        selection = self.table.selectionModel()
        if selection is None:
            return
        if problem not in self.model.problems:
            selection.clear()
            return
        index = self.model.index(self.model.problems.index(problem), 0)
        both = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        selection.setCurrentIndex(index, both)
        self.table.scrollTo(index)

    def _on_clicked(self, index: QModelIndex) -> None:
        self.chosen.emit(self.model.problems[index.row()])
